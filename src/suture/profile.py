"""``suture profile``: where each participant's time went, who waited for whom, and a trace for Perfetto."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .couplers.clock import FOLDER
from .couplers.errors import ProfileError
from .couplers.ledger_form import DAMAGE

_ORDER = ("solve", "wait", "map", "send", "adapter", "accelerate", "ledger", "rewind", "write", "checkpoint")

_SPANS = ("begin", "end", "what", "whom", "window")
_SUMS = ("sum_what", "sum_whom", "sum_seconds")

Trace = Mapping[str, Any]
"""One rank's file as ``Clock.write`` made it."""


def show(run: Path, export: Path | None = None) -> None:
    """Print the profile of a run; write a trace in the Chrome format to ``export`` if it is given.

    Raises ``ProfileError`` where the run has left no profile, or the trace cannot be written.
    """
    traces = read(run)
    _print(traces)
    if export is not None:
        try:
            export.write_text(json.dumps({"traceEvents": events(traces), "displayTimeUnit": "ms"}))
        except OSError as error:
            raise ProfileError(f"cannot write {export}: {error.strerror}") from error
        print(f"trace: {export}; open it in https://ui.perfetto.dev")


def read(run: Path) -> list[Trace]:
    """What every rank has left, by participant and rank."""
    paths = [path for folder in (run, run / "RUN") for path in sorted((folder / FOLDER).glob("*.npz"))]
    if not paths:
        raise ProfileError(
            f"no profile in {run}: expected {FOLDER}/*.npz there or in RUN/; a run writes them when it ends"
        )
    traces = []
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                traces.append(_sound({name: arrays[name] for name in arrays.files}))
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, *DAMAGE) as error:
            raise ProfileError(f"{path} is not a readable profile: {error}") from error
    return sorted(traces, key=lambda trace: (str(trace["participant"]), int(trace["rank"])))


def _sound(trace: dict[str, Any]) -> Trace:
    """A trace in which everything is there, of the type and length that it must be; else ``ValueError``."""
    for names in (_SPANS, _SUMS):
        lengths = {name: trace[name].shape for name in names if name in trace}
        if set(lengths) != set(names) or len(set(lengths.values())) != 1 or len(lengths[names[0]]) != 1:
            raise ValueError(f"{', '.join(names)} must be rows of one length")
    for name in ("begin", "end", "sum_seconds", "window", "rank"):
        if trace[name].dtype.kind not in "fi" or not np.isfinite(trace[name]).all():
            raise ValueError(f"{name!r} must be numbers")
    if "participant" not in trace or trace["rank"].ndim or trace["participant"].ndim:
        raise ValueError("'participant' and 'rank' must be one each")
    return trace


def spent(traces: Iterable[Trace]) -> dict[str, dict[str, float]]:
    """Seconds by participant and by what was done, averaged over the participant's ranks."""
    return _averaged((t, str(what), seconds) for t in traces for what, _, seconds in _sums(t))


def waits(traces: Iterable[Trace]) -> dict[str, dict[str, float]]:
    """Seconds by participant and by whom it waited for, averaged over the participant's ranks."""
    return _averaged((t, str(whom), seconds) for t in traces for what, whom, seconds in _sums(t) if what == "wait")


def _sums(trace: Trace) -> Iterable[tuple[str, str, float]]:
    return zip(trace["sum_what"], trace["sum_whom"], trace["sum_seconds"], strict=True)


def _averaged(entries: Iterable[tuple[Trace, str, float]]) -> dict[str, dict[str, float]]:
    ranks: dict[str, set[int]] = {}
    sums: dict[str, dict[str, float]] = {}
    for trace, key, seconds in entries:
        name = str(trace["participant"])
        ranks.setdefault(name, set()).add(int(trace["rank"]))
        row = sums.setdefault(name, {})
        row[key] = row.get(key, 0.0) + float(seconds)
    return {name: {key: value / len(ranks[name]) for key, value in row.items()} for name, row in sums.items()}


def events(traces: Sequence[Trace]) -> list[dict[str, Any]]:
    """The spans as events of the Chrome trace format: a process a participant, a thread a rank, times in µs."""
    names = sorted({str(trace["participant"]) for trace in traces})
    start = min((float(trace["begin"].min()) for trace in traces if len(trace["begin"])), default=0.0)
    listed: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": number, "tid": 0, "args": {"name": name}}
        for number, name in enumerate(names)
    ]
    for trace in traces:
        place = {"pid": names.index(str(trace["participant"])), "tid": int(trace["rank"])}
        for begin, end, what, whom, window in zip(
            *(trace[key] for key in ("begin", "end", "what", "whom", "window")), strict=True
        ):
            name = f"{what} for {whom}" if whom else str(what)
            span = {
                "ts": 1e6 * (float(begin) - start),
                "dur": 1e6 * float(end - begin),
                "args": {"window": int(window)},
            }
            listed.append({"ph": "X", "name": name, "cat": str(what), **place, **span})
    return listed


def _print(traces: Sequence[Trace]) -> None:
    from rich.console import Console
    from rich.table import Table

    console, rows = Console(), spent(traces)
    found = {what for row in rows.values() for what in row}
    kinds = [what for what in _ORDER if what in found] + sorted(found - set(_ORDER))
    table = Table(title="seconds by participant, averaged over its ranks", title_justify="left")
    for column in ("", *kinds, "total"):
        table.add_column(column, justify="right" if column else "left")
    for name, row in rows.items():
        total = sum(row.values())
        shares = [f"{row.get(what, 0.0):.3g} ({row.get(what, 0.0) / total:.0%})" if total else "0" for what in kinds]
        table.add_row(name, *shares, f"{total:.3g}")
    console.print(table)
    for name, row in waits(traces).items():
        for whom, seconds in sorted(row.items(), key=lambda item: -item[1]):
            console.print(f"{name} waited {seconds:.3g} s for {'everyone' if whom == 'all' else whom}")
