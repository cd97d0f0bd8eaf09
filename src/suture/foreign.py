"""A foreign program's way into a run: the same entrance and the same exit as everyone's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

from .couplers.checkpoint import hint
from .couplers.errors import CaseError, CommunicationError, LaunchError, ResumeError
from .couplers.foreign import ForeignParticipant
from .inside import ALIKE, abort, enter, leave, together


class Joined(ForeignParticipant):
    """A foreign participant under MPI.COMM_WORLD: whatever ends it ends the run."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        from mpi4py import MPI

        if error is None and not self.finished:
            error = CommunicationError("the program left its loop before the last window")
        if isinstance(error, ALIKE):
            sys.exit(together(MPI.COMM_WORLD, error, hint(self.case, self.output)))
        if error is not None:
            abort(self, MPI.COMM_WORLD, error)
        leave(self)


def join(path: Path, name: str, output: Path | None, resume: bool) -> ForeignParticipant:
    """See ``suture.join``."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    try:
        return enter(path, world, [name], output, Joined, resume)
    except (CaseError, LaunchError, ResumeError) as error:
        sys.exit(together(world, error))
    except Exception as error:  # noqa: BLE001 - whatever it was, no rank may be left waiting for this one
        abort(None, world, error)
