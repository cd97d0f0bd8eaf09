"""Waiting for messages without burning a core, and not for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from mpi4py import MPI

from .errors import CommunicationError

log = logging.getLogger("suture")

_SPIN = 5e-4
"""Seconds of polling before sleeping: most messages arrive within it, and latency matters then."""
_NAPS = 2e-4, 2e-3
"""Shortest and longest seconds between polls of a waiting participant, so that a solver with work can have the core."""
_LATE = 0.02
"""How much longer than needed a wait may take, as a share of it."""
_DEADLINES = 20
"""That are granted to who works."""

_ask: list[Callable[[], bool]] = []


def ask_when_late(somebody_works: Callable[[], bool]) -> None:
    """From now on, where a deadline is over, ask whether those who are waited for are only slow."""
    _ask[:] = [somebody_works]


def wait(requests: Sequence[MPI.Request], deadline: float, whom: str) -> float:
    """Wait until all ``requests`` are complete and return the seconds spent.

    Open MPI waits by spinning; a participant that waits for a longer time sleeps instead. Raises
    ``CommunicationError`` when nothing came from ``whom`` within ``deadline`` seconds, and nobody who keeps the others
    waiting uses the processor, or when that has lasted for many deadlines.
    """
    start = time.perf_counter()
    pending, passed = list(requests), 0
    while not MPI.Request.Testall(pending):
        waited = time.perf_counter() - start
        if waited > (passed + 1) * deadline:
            passed += 1
            if passed == _DEADLINES or not any(ask() for ask in _ask):
                if MPI.Request.Testall(pending):  # it came while we asked
                    break
                raise CommunicationError(
                    f"no word from {whom} for {waited:.3g} s; if it is only slow, raise `deadline` in the case's [run]"
                )
            log.warning("no word from %s for %.3g s; it is at work, and is waited for", whom, waited)
        if waited > _SPIN:
            time.sleep(min(max(_LATE * waited, _NAPS[0]), _NAPS[1]))
    return time.perf_counter() - start
