"""A foreign program's way into a run: the same entrance and the same exit as everyone's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

from .couplers.case import load_case
from .couplers.errors import CaseError, SutureError
from .couplers.foreign import ForeignParticipant
from .inside import abort, enter, leave, together


class Joined(ForeignParticipant):
    """A foreign participant under MPI.COMM_WORLD: whatever ends it ends the run."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        from mpi4py import MPI

        if error is None:
            leave(self)
        elif isinstance(error, Exception):
            abort(self, MPI.COMM_WORLD, error)


def join(path: Path, name: str, output: Path | None) -> ForeignParticipant:
    """See ``suture.join``."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    try:
        me = enter(load_case(path), world, [name], output, Joined)
    except CaseError as error:
        me = error
    if isinstance(me, SutureError):
        sys.exit(together(world, me))
    return me
