"""How many members an ensemble needs: by the differences between those that there are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..solvers.md.settings import EnsembleSettings
from .interior import WIDTHS

MEMORY = 0.9
"""Weight of what is known already against what the next comparison tells."""
LEAST = 8.0
"""Degrees of freedom of the variance (members less one, over all comparisons) with which it has a say."""
SPARE = 1.5
"""Members go where there are so many times the number that is needed."""
KEPT = 1.2
"""Then so many times the number that is needed are kept."""


@dataclass(frozen=True)
class Verdict:
    """What the members' differences say."""

    members: int
    """That there are to be."""
    quantity: str
    """Which demands most."""
    error: float
    """Its standard error with the members that there are."""
    wanted: float


def choose(now: int, needed: float, settings: EnsembleSettings) -> int:
    """The number of members where ``now`` there are so many, and ``needed`` would do.

    At most twice as many (each is cloned once) and at least half as many; the same number for each group.
    """
    assert settings.most is not None
    wanted = float(now)
    if needed > now:
        wanted = min(needed, 2.0 * now)
    elif SPARE * needed < now:
        wanted = max(KEPT * needed, 0.5 * now)
    whole = settings.groups * math.ceil(wanted / settings.groups)
    return min(max(whole, settings.members), settings.most)


class EnsembleSize:
    """Compares members every ``over`` windows by what left each of them in a window, in the mean over these.

    The variance between members is that of the noise alone: what all of them do alike, a start-up or a drift, is not
    in it; and a mean over windows has what correlation there is in time. The standard error of the mean over M members
    is the root of 1/M of it. Clones are alike at first, so the first comparison after members came is left out.
    """

    def __init__(self, settings: EnsembleSettings, comm: MPI.Comm, leaders: MPI.Comm) -> None:
        """``leaders``: of the groups, who know what left their members; ``MPI.COMM_NULL`` on other ranks."""
        self._settings = settings
        self._comm = comm
        self._leaders = leaders
        errors: Mapping[str, float] = {**settings.error}
        wanted = [np.full(width, errors.get(quantity, np.inf)) for quantity, width in WIDTHS.items()]
        self._wanted = np.concatenate(wanted)
        self._names = [quantity for quantity, width in WIDTHS.items() for _ in range(width)]
        self._sums: dict[str, Array] = {}
        """By plane, (members, columns): of this group, since the last comparison."""
        self._windows = 0
        self._cloned = False
        self._squares = np.zeros(0)
        self._freedom = 0.0

    def add(self, plane: int, sent: Array) -> None:
        """What left this group's members through a plane in a window, (members, columns); a leader's."""
        self._windows += plane == 0
        key = str(plane)
        self._sums[key] = self._sums[key] + sent if key in self._sums else sent

    def judge(self, now: int) -> Verdict | None:
        """Compare the members, if it is time. Collective."""
        if self._settings.most is None or self._windows < self._settings.over:
            return None
        sums, windows, cloned = self._sums, self._windows, self._cloned
        self.begin_anew(cloned=False)
        if cloned:
            return None
        if self._leaders != MPI.COMM_NULL:
            self._learn(np.concatenate(list(sums.values()), axis=1) / windows, now)
        verdict = self._verdict(now) if self._comm.rank == 0 else None
        return self._comm.bcast(verdict)

    def begin_anew(self, cloned: bool) -> None:
        """Begin the next comparison: of other members than before, where some came or went."""
        self._sums, self._windows, self._cloned = {}, 0, cloned

    def _learn(self, means: Array, number: int) -> None:
        """``means``: of this group's members, (members, planes · columns)."""
        mean = means.sum(axis=0)
        self._leaders.Allreduce(MPI.IN_PLACE, mean)
        squares = ((means - mean / number) ** 2).sum(axis=0)
        self._leaders.Allreduce(MPI.IN_PLACE, squares)
        self._squares = squares + (MEMORY * self._squares if len(self._squares) else 0.0)
        self._freedom = number - 1.0 + MEMORY * self._freedom

    def _verdict(self, now: int) -> Verdict | None:
        if self._freedom < LEAST:
            return None
        variance = self._squares / self._freedom
        needed = variance / np.tile(self._wanted, len(variance) // len(self._wanted)) ** 2
        most = int(needed.argmax())
        column, error = most % len(self._names), math.sqrt(variance[most] / now)
        members = choose(now, float(needed[most]), self._settings)
        return Verdict(members, self._names[column], error, float(self._wanted[column]))

    def save(self) -> dict[str, Any]:
        """What is known so far."""
        counts = {"windows": self._windows, "cloned": self._cloned, "freedom": self._freedom}
        return {"sums": dict(self._sums), "squares": self._squares, **counts}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._sums, self._squares = dict(state["sums"]), state["squares"]
        self._windows, self._cloned = int(state["windows"]), bool(state["cloned"])
        self._freedom = float(state["freedom"])
