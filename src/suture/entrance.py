"""Watches over a rank until all programs of a run have met: before, no rank of it can wait with a deadline.

A program that ends before it joins, or never does, leaves the others inside MPI's own start, or in the first word that
they have with each other. Nothing of Python runs there, so it is another process that looks at the clock.
"""

from __future__ import annotations

import os
import select
import signal
import tomllib
from pathlib import Path

from pydantic import ValidationError

_open: list[tuple[int, int]] = []
"""The watching process, and what tells it that all is well when it is closed."""


def watch(case: Path) -> None:
    """Let this process be ended unless ``met`` comes before the case's deadline; before mpi4py is imported."""
    deadline = _deadline(case)
    if deadline is None:
        return  # who reads the case next says what is wrong with it
    watched, (source, target) = os.getpid(), os.pipe()
    watcher = os.fork()
    if watcher == 0:
        os.close(target)
        _look_at_the_clock(watched, source, deadline)
    os.close(source)
    _open.append((watcher, target))


def met() -> None:
    """All programs have met, or this one has something to say."""
    while _open:
        watcher, target = _open.pop()
        os.close(target)
        os.waitpid(watcher, 0)


def _deadline(case: Path) -> float | None:
    from .couplers.case_model import RunSettings

    try:
        tables = tomllib.loads((case / "case.toml" if case.is_dir() else case).read_text(encoding="utf-8"))
        return RunSettings.model_validate(tables.get("run", {})).deadline
    except (OSError, ValueError, ValidationError):
        return None


def _look_at_the_clock(watched: int, source: int, deadline: float) -> None:
    try:
        if not select.select([source], [], [], deadline)[0]:
            message = (
                f"suture: not all programs of the run have joined it within {deadline:g} s: one of them has ended, "
                "hangs, or calls suture.join too late (`deadline` in the case's [run])\n"
            )
            os.write(2, message.encode())
            os.kill(watched, signal.SIGKILL)
    finally:
        os._exit(0)
