"""Where a rank's time goes: spans of work and of waiting, added up, and listed for a trace."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

FOLDER = "trace"
EVERYONE = "all"
"""Whom a rank waits for in a collective call."""
_LISTED = 50_000
"""Spans that are listed at most, so that a long run's trace stays small; all are added up."""

Key = tuple[str, str]
"""What was done, and for waiting: whom for."""


class Clock:
    """Spans may be inside one another: each is added up without those inside it."""

    def __init__(self) -> None:
        self.seconds: dict[Key, float] = {}
        """Time spent by what was done, and whom was waited for."""
        self.window = -1
        self._inside: list[float] = []
        """Time of the spans inside each open one."""
        self._spans: list[tuple[float, float, str, str, int]] = []
        self._epoch = time.time() - time.perf_counter()

    def span(self, what: str, whom: str = "") -> Span:
        """A context whose time counts as ``what``."""
        return Span(self, what, whom)

    def add(self, what: str, whom: str, begin: float, end: float, inside: float = 0.0) -> None:
        """Enter a span of ``perf_counter`` times, of which ``inside`` has been entered as something else."""
        spent = end - begin
        if self._inside:
            self._inside[-1] += spent
        key = (what, whom)
        self.seconds[key] = self.seconds.get(key, 0.0) + spent - inside
        if len(self._spans) < _LISTED:
            self._spans.append((begin, end, what, whom, self.window))

    def restart(self) -> None:
        """Forget what was spent so far."""
        self.seconds.clear()
        self._spans.clear()

    def write(self, output: Path, participant: str, rank: int) -> None:
        """Write the sums and the list to ``RUN/trace/NAME-RANK.npz``; times are seconds since 1970."""
        (output / FOLDER).mkdir(exist_ok=True)
        begin, end, what, whom, window = zip(*self._spans, strict=True) if self._spans else ((),) * 5
        sums: dict[str, Any] = {"sum_what": [], "sum_whom": [], "sum_seconds": list(self.seconds.values())}
        for key in self.seconds:
            sums["sum_what"].append(key[0])
            sums["sum_whom"].append(key[1])
        np.savez(
            output / FOLDER / f"{participant}-{rank}.npz",
            participant=participant,
            rank=rank,
            begin=np.array(begin) + self._epoch,
            end=np.array(end) + self._epoch,
            what=np.array(what, dtype=str),
            whom=np.array(whom, dtype=str),
            window=np.array(window, dtype=np.int64),
            **{name: np.array(values, dtype=float if name == "sum_seconds" else str) for name, values in sums.items()},
        )


class Span:
    """One span of a clock."""

    __slots__ = ("_begin", "_clock", "_what", "_whom")

    def __init__(self, clock: Clock, what: str, whom: str) -> None:
        self._clock, self._what, self._whom = clock, what, whom

    def __enter__(self) -> None:
        self._clock._inside.append(0.0)
        self._begin = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end = time.perf_counter()
        inside = self._clock._inside.pop()
        self._clock.add(self._what, self._whom, self._begin, end, inside)
