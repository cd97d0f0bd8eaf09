"""Waiting for messages without burning a core, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mpi4py import MPI

from .errors import CommunicationError

_SPIN = 5e-4
"""Seconds of polling before sleeping: most messages arrive within it, and latency matters then."""
_NAPS = 2e-4, 2e-3
"""Shortest and longest seconds between polls of a waiting participant, so that a solver with work can have the core."""
_LATE = 0.02
"""How much longer than needed a wait may take, as a share of it."""


def wait(requests: Sequence[MPI.Request], deadline: float, whom: str) -> float:
    """Wait until all ``requests`` are complete and return the seconds spent.

    Open MPI waits by spinning; a participant that waits for a longer time sleeps instead. Raises
    ``CommunicationError`` when nothing came from ``whom`` within ``deadline`` seconds.
    """
    start = time.perf_counter()
    pending = list(requests)
    while not MPI.Request.Testall(pending):
        waited = time.perf_counter() - start
        if waited > deadline:
            raise CommunicationError(
                f"no word from {whom} for {deadline:g} s; if it is only slow, raise `deadline` in the case's [run]"
            )
        if waited > _SPIN:
            time.sleep(min(max(_LATE * waited, _NAPS[0]), _NAPS[1]))
    return time.perf_counter() - start
