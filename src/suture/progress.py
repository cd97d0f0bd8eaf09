"""Progress of a run, read from the ranks' slates: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .couplers.status import read

if TYPE_CHECKING:
    from .couplers.case_model import Case

_LINE_EVERY = 10.0
"""Seconds between plain lines."""
_LIVE_EVERY = 0.25
"""Seconds between redraws of the bars."""


def follow(output: Path, case: Case, stop: threading.Event) -> None:
    """Show the progress of the run in ``output`` until ``stop`` is set."""
    if sys.stdout.isatty():
        _bars(output, case, stop)
    else:
        follow_in_lines(output, case, stop)


def _first_ranks(output: Path) -> list[dict[str, Any]]:
    return [slate for slate in read(output) if slate["rank"] == 0]


def follow_in_lines(output: Path, case: Case, stop: threading.Event) -> None:
    """The same as plain lines, for logs."""
    start = time.monotonic()
    while not stop.wait(_LINE_EVERY):
        spent = time.monotonic() - start
        for slate in _first_ranks(output):
            print(line(slate, case, spent), flush=True)


def line(slate: dict[str, Any], case: Case, spent: float) -> str:
    """One line on one participant: window, time, worst defect, time left."""
    done, iteration = slate.get("done", 0), slate.get("iteration", 0)
    doing = f"{slate['doing']}, iteration {iteration}" if iteration else slate["doing"]
    left = f"{spent * (case.windows - done) / done:.0f} s left" if done else "starting"
    return (
        f"{slate['participant']}: window {done}/{case.windows}, t = {case.time.begin(done):g}, "
        f"{doing}, worst defect {slate.get('defect', 0.0):.1e}, {left}"
    )


def _bars(output: Path, case: Case, stop: threading.Event) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("t = {task.fields[at]:g}  {task.fields[doing]}  defect {task.fields[defect]:.1e}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=False) as progress:
        blank = {"at": 0.0, "doing": "starting", "defect": 0.0}
        tasks = {name: progress.add_task(name, total=case.windows, **blank) for name in case.participants}
        while True:
            last = stop.wait(_LIVE_EVERY)
            for slate in _first_ranks(output):
                done = slate.get("done", 0)
                iteration = slate.get("iteration", 0)
                doing = f"{slate['doing']} ({iteration})" if iteration else slate["doing"]
                fields = {"at": case.time.begin(done), "doing": doing, "defect": slate.get("defect", 0.0)}
                progress.update(tasks[slate["participant"]], completed=done, **fields)
            if last:
                return
