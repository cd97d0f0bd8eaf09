"""Two sides of an interface that meet in one process, each rank in a thread of its own; what they build as matrices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.couplers.cells import Array
from suture.couplers.operators import Operator
from suture.couplers.pair import Kind, Parcels
from suture.couplers.rendezvous import Discretisation, Meeting, Summary
from suture.couplers.transfer import Give, Pull

_PATIENCE = 20.0
Builds = Callable[..., Any]


class LeftError(RuntimeError):
    """Another rank went away with an error."""


class Hall:
    """What all ranks lay down, seen by all once everyone is there; later ones wait in vain when somebody has left."""

    def __init__(self, ranks: int) -> None:
        self._ranks = ranks
        self._door = threading.Condition()
        self._laid: dict[int, Any] = {}
        self._seen: dict[int, Any] = {}
        self._turn, self._left = 0, False

    def all(self, rank: int, what: Any) -> dict[int, Any]:
        with self._door:
            turn, self._laid[rank] = self._turn, what
            if len(self._laid) == self._ranks:
                self._seen, self._laid = dict(sorted(self._laid.items())), {}
                self._turn += 1
                self._door.notify_all()
            # Who was here before somebody left goes on, however late its thread wakes up: so errors do not hide others.
            self._door.wait_for(lambda: self._turn > turn or self._left, _PATIENCE)
            if self._turn == turn:
                raise LeftError
            return self._seen

    def leave(self) -> None:
        with self._door:
            self._left = True
            self._door.notify_all()


class Own:
    """A side's communicator, as far as searches need it, by a hall."""

    def __init__(self, hall: Hall, rank: int, size: int) -> None:
        self._hall, self.rank, self.size = hall, rank, size

    def allgather(self, mine: Any) -> list[Any]:
        return list(self._hall.all(self.rank, mine).values())

    def alltoall(self, mine: list[Any]) -> list[Any]:
        return [laid[self.rank] for laid in self._hall.all(self.rank, mine).values()]

    def Alltoall(self, mine: Array, into: Array) -> None:  # noqa: N802 - as mpi4py calls it
        into[:] = self.alltoall(mine.tolist())

    def Alltoallv(self, mine: tuple[Array, list[int]], into: tuple[Array, list[int]]) -> None:  # noqa: N802
        parts = np.split(mine[0].ravel(), np.cumsum(mine[1])[:-1])
        into[0].ravel()[:] = np.concatenate(self.alltoall(parts))


class _Pair:
    """As ``Pair``, by the hall."""

    def __init__(self, hall: Hall, own: Any, rank: int, name: str, mine: Sequence[int], theirs: Sequence[int]) -> None:
        self._hall, self.own = hall, own
        self.rank, self.name, self.mine, self.theirs = rank, name, tuple(mine), tuple(theirs)

    def swap(self, parcels: Parcels, kinds: Sequence[Kind]) -> dict[int, list[Array]]:
        for arrays in parcels.values():
            assert [np.asarray(a).shape[1:] for a in arrays] == [kind.shape for kind in kinds]
        seen = self._hall.all(self.rank, {rank: list(arrays) for rank, arrays in parcels.items()})
        came = {rank: laid[self.rank] for rank, laid in seen.items() if self.rank in laid}
        for arrays in came.values():  # what the sender takes for the parcel's kinds the receiver must too
            assert [np.asarray(a).shape[1:] for a in arrays] == [kind.shape for kind in kinds]
        return {
            rank: [np.array(a, dtype=kind.dtype, order="C") for a, kind in zip(arrays, kinds, strict=True)]
            for rank, arrays in came.items()
            if any(len(a) for a in arrays)
        }

    def reduce(self, values: Array, op: MPI.Op) -> Array:
        assert op == MPI.MAX
        return np.max(list(self._hall.all(self.rank, values).values()), axis=0)


def meet(
    evaluate: Builds,
    serve: Builds,
    at: Sequence[Discretisation],
    source: Sequence[Discretisation],
    *settings: Any,
    amounts: bool = True,
    alone: bool = False,
) -> tuple[list[Pull], list[Give]]:
    """What ranks 0, 2, … of 'eve' build from ranks 1, 3, … of 'sam'; or the first error that is not another's.

    ``alone``: each rank believes that it has nobody beside it, as where a side's shares have no point in common.
    """
    ranks = {2 * k: share for k, share in enumerate(at)} | {2 * k + 1: share for k, share in enumerate(source)}
    even, odd = (sorted(rank for rank in ranks if rank % 2 == parity) for parity in (0, 1))
    summaries = {rank: Summary.of(ranks[rank]) for rank in sorted(ranks)}
    hall, halls = Hall(len(ranks)), [Hall(len(even)), Hall(len(odd))]

    def build(rank: int) -> Any:
        name, mine, theirs = ("sam", odd, even) if rank % 2 else ("eve", even, odd)
        own = MPI.COMM_SELF if alone else Own(halls[rank % 2], rank // 2, len(mine))
        pair: Any = _Pair(hall, own, rank, name, [rank] if alone else mine, theirs)
        meeting = Meeting("seam", "eve", "sam", pair, summaries, amounts)
        try:
            return (serve if rank % 2 else evaluate)(meeting, ranks[rank], *settings)
        except BaseException:
            for each in (hall, *halls):
                each.leave()
            raise

    with ThreadPoolExecutor(len(ranks)) as threads:
        futures = {rank: threads.submit(build, rank) for rank in ranks}
    errors = [error for future in futures.values() if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda e: isinstance(e, LeftError)):
        raise error
    return [futures[rank].result() for rank in even], [futures[rank].result() for rank in odd]


def dense(operator: Operator) -> tuple[Array, Array]:
    """Its matrix by columns, and that of its transpose; what was in the results before does not matter."""
    matrix, transposed = (
        np.full((operator.rows, operator.columns), 7.0),
        np.full((operator.columns, operator.rows), 7.0),
    )
    operator.apply(np.eye(operator.columns), matrix)
    operator.apply_transposed(np.eye(operator.rows), transposed)
    return matrix, transposed


def matrix_of(pulls: list[Pull], gives: list[Give]) -> Array:
    """From all places of 'sam' to all of 'eve', rank after rank."""
    first = np.concatenate(([0], np.cumsum([give.rows for give in gives])))
    rows = []
    for k, pull in enumerate(pulls):
        given = [first[rank // 2] + gives[rank // 2].asked[2 * k] for rank in pull.sizes]
        assert [len(each) for each in given] == list(pull.sizes.values())
        assert sum(2 * k in give.asked for give in gives) == len(given)
        columns = np.concatenate([np.zeros(0, dtype=int), *given])
        matrix, transposed = dense(pull.operator)
        np.testing.assert_allclose(transposed, matrix.T, rtol=0, atol=1e-13)
        rows.append(np.zeros((len(matrix), first[-1])))
        rows[-1][:, columns] = matrix
    return np.vstack(rows)
