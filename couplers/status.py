"""Where every rank stands, in a small file of its own that anyone outside the run can read at any time."""

from __future__ import annotations

import json
import math
import mmap
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from .failure import where

FOLDER = "status"
_SIZE = 512
_BEAT = 1.0
"""Seconds between two notes of the processor time that the rank has used."""
_TAIL = 32
"""Bytes behind it, which another thread writes: the slate's last entry."""
_STAGES = ("starting", "meeting", "waiting", "solving", "sending", "converging", "closing", "finished")
"""What a rank does, in this order in a window."""
_WORK = ("starting", "solving")
"""In the other stages it waits for the others."""


class Status:
    """A rank's slate: written in place (memory-mapped, no system call), so that it can be updated in every window."""

    def __init__(self, output: Path, participant: str, rank: int) -> None:
        folder = output / FOLDER
        folder.mkdir(exist_ok=True)
        whose = {"participant": participant, "rank": rank, "pid": os.getpid(), "host": socket.gethostname()}
        self._head = json.dumps(whose | {"since": time.time()})[:-1]
        self._facts: dict[str, Any] = {}
        self._said: dict[str, str] = {}
        """The same, as it is written."""
        with open(folder / f"{participant}-{rank}.json", "w+b") as file:
            os.posix_fallocate(file.fileno(), 0, _SIZE + _TAIL)  # else a full disk ends us by a signal later on
            self._map = mmap.mmap(file.fileno(), _SIZE + _TAIL)
        self.update(doing="starting", window=-1)
        self._note()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        """For who watches from another host: the solver may have the main thread for a long time."""
        while True:
            time.sleep(_BEAT)
            self._note()

    def _note(self) -> None:
        self._map[_SIZE:] = f', "used": {time.process_time():.2f}}}'.encode().ljust(_TAIL)

    def update(self, **facts: Any) -> None:
        """Change some of what the slate says: words and numbers."""
        self._facts.update(facts)
        # Far quicker than json.dumps, several times in every window.
        for key, value in facts.items():
            self._said[key] = f', "{key}": "{value}"' if isinstance(value, str) else f', "{key}": {_number(value)}'
        self._map[:_SIZE] = "".join((self._head, *self._said.values())).encode().ljust(_SIZE)

    @property
    def doing(self) -> str:
        """What the rank does now."""
        return str(self._facts["doing"])

    @property
    def window(self) -> int:
        """Index of the present window; -1 before the first."""
        return int(self._facts["window"])


def _number(value: float) -> str:
    return repr(value) if value < float("inf") else "Infinity" if value == value else "NaN"


def read(output: Path) -> list[dict[str, Any]]:
    """All slates of a run, by participant and rank; those that are just being written, or damaged, are left out."""
    slates = []
    for path in sorted((output / FOLDER).glob("*.json")):
        try:
            slate = json.loads(path.read_text())
        except (OSError, ValueError, RecursionError):
            continue
        if _sound(slate):
            slates.append(slate)
    return slates


def _sound(slate: Any) -> bool:
    """Whether it is one of ours, and not something that only looks so: processes are ended by what it says."""
    if not isinstance(slate, dict):
        return False
    numbers = [slate.get(key, 0.0) for key in ("since", "defect", "used")]
    counts = [slate.get(key, 0) for key in ("rank", "pid", "window", "done", "iteration", "windows")]
    words = [slate.get(key) for key in ("participant", "host", "doing")]
    return (
        {"rank", "pid", "since", "window"} <= slate.keys()
        and all(type(number) in (int, float) for number in numbers)
        and all(type(count) is int and -1 <= count < 1 << 40 for count in counts)
        and slate["pid"] > 1
        and all(isinstance(word, str) for word in words)
    )


def straggling(slates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that keep the others waiting: the ranks at work, or else those that are least far."""
    slates = [slate for slate in slates if slate["doing"] in _STAGES]
    behind = [slate for slate in slates if slate["doing"] in _WORK]
    if behind:
        return behind
    progress = [(slate["window"], _STAGES.index(slate["doing"])) for slate in slates]
    return [slate for slate, far in zip(slates, progress, strict=True) if far == min(progress)]


def stragglers(output: Path, most: int = 8) -> list[str]:
    """Say who keeps the others waiting, and where, a line each."""
    behind = straggling(read(output))
    lines = [f"  {where(s['participant'], s['rank'], s['window'])}: {s['doing']}" for s in behind[:most]]
    return lines + ([f"  and {len(behind) - most} more"] if len(behind) > most else [])


def here(slate: dict[str, Any]) -> bool:
    """Whether the rank of a slate is, or was, a process of this host."""
    return slate["host"] == socket.gethostname()


def gone(slate: dict[str, Any]) -> bool:
    """Whether the process of a slate of this host has ended; one that nobody has reaped has, too."""
    process = Path(f"/proc/{slate['pid']}")
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        another = process.stat().st_ctime > slate.get("since", math.inf) + 1.0  # which has its number
    except (OSError, IndexError):
        return True
    return another or state in "ZX"


def at_work(output: Path) -> list[dict[str, Any]]:
    """Slates of this host's processes that are in a run in this folder now."""
    return [slate for slate in read(output) if slate["doing"] in _STAGES[:-1] and here(slate) and not gone(slate)]
