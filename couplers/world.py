"""Splits one MPI world into the participants, whether one program or several were started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mpi4py import MPI

from .errors import LaunchError


@dataclass(frozen=True)
class World:
    """Where this rank stands: who it is, its own communicator, and who everybody is."""

    coupled: MPI.Intracomm
    """All ranks of all participants."""
    comm: MPI.Comm
    """The ranks of this participant."""
    name: str
    """This rank's participant."""
    members: Mapping[str, tuple[int, ...]]
    """Coupled ranks of each participant, in the order of its own ranks."""

    @classmethod
    def split(
        cls, world: MPI.Comm, ranks: Mapping[str, int], only: Sequence[str] = (), foreign: Sequence[str] = ()
    ) -> World:
        """Split ``world`` by the case's rank counts.

        ``ranks`` maps each participant, in the order of the case, to its number of ranks. A program that plays some
        participants only (``--only``, a foreign solver) names them in ``only``; ranks without it share what no program
        has claimed; the ``foreign`` ones must be claimed. Collective over ``world``; raises ``LaunchError`` on every
        rank alike when the counts do not fit.
        """
        claims = world.allgather(tuple(only))
        names = assign(claims, ranks, foreign)
        name = names[world.rank]
        coupled = cast(MPI.Intracomm, world.Dup())  # never an intercommunicator
        comm = coupled.Split(list(ranks).index(name), world.rank)
        members = {each: tuple(r for r, n in enumerate(names) if n == each) for each in ranks}
        return cls(coupled, comm, name, members)


def assign(claims: Sequence[tuple[str, ...]], ranks: Mapping[str, int], foreign: Sequence[str] = ()) -> list[str]:
    """Name the participant of every rank, from what each rank's program claims to play (empty: what is left)."""
    unknown = sorted({name for claim in claims for name in claim} - set(ranks))
    if unknown:
        raise LaunchError(f"no participant {unknown[0]!r} in the case; it has {', '.join(ranks)}")
    if len(claims) != sum(ranks.values()):
        wanted = ", ".join(f"{name}: {n}" for name, n in ranks.items())
        raise LaunchError(
            f"{len(claims)} ranks were started, but the case needs {sum(ranks.values())} ({wanted}); "
            f"start mpirun with that many, or change `ranks` in the case"
        )
    claimed = {name for claim in claims for name in claim}.union(foreign)
    left = dict(ranks)
    names: list[str] = []
    for claim in claims:
        allowed = claim or tuple(name for name in ranks if name not in claimed)
        name = next((each for each in allowed if left[each] > 0), None)
        if name is None:
            what = " and ".join(claim) or "the participants that no other program plays"
            given = ", ".join(f"{each}: {ranks[each]}" for each in allowed) or "no participant is left"
            nobody = " and ".join(each for each in ranks if left[each] > 0 and each not in allowed)
            raise LaunchError(
                f"more ranks were started for {what} than the case gives ({given})"
                + (f"; too few for {nobody}" if nobody else "")
            )
        left[name] -= 1
        names.append(name)
    return names
