"""What every rank of a coupled run does under mpirun."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from .couplers.case import load_case
from .couplers.checkpoint import candidates, hint, newest_whole
from .couplers.errors import (
    CaseError,
    CommunicationError,
    ConservationError,
    ConvergenceError,
    LaunchError,
    MappingError,
    ResumeError,
    StoppedError,
    SutureError,
)
from .couplers.failure import describe
from .couplers.loop import run
from .couplers.participant import Participant
from .couplers.status import at_work, stragglers
from .couplers.stopping import FILE, LAUNCHED, listen
from .couplers.waiting import wait
from .couplers.world import World
from .entrance import met

if TYPE_CHECKING:
    from mpi4py import MPI

    from .couplers.case_model import Case

Player = TypeVar("Player", bound=Participant)
ALIKE = (ConservationError, ConvergenceError, MappingError, StoppedError)
"""What a run raises on every rank alike: one message, and an orderly end."""
_REPEATS = 1000
"""Messages of one kind that a rank writes into the log at most."""
_PATIENCE = 3.0
"""Seconds that a rank waits for the others to come to the same end."""


def play(path: Path, only: Sequence[str], output: Path | None, resume: bool = False) -> int:
    """Play this rank's part of the case; returns the exit code, or ends the whole job."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    try:
        me = enter(path, world, only, output, Participant, resume)
    except (CaseError, LaunchError, ResumeError) as error:
        return together(world, error)
    except Exception as error:  # noqa: BLE001 - as below
        abort(None, world, error)
    stop = _show_progress(me, world)
    try:
        run(me)
    except ALIKE as error:
        return together(world, error, hint(me.case, me.output))
    except Exception as error:  # noqa: BLE001 - whatever it was, no rank may be left waiting for this one
        abort(me, world, error)
    stop.set()
    leave(me)
    return 0


def strain(path: Path, output: Path) -> int:
    """Play this rank's part of the patch test; returns the exit code, or ends the whole job."""
    from mpi4py import MPI

    from .patch import play as play_patch

    world, me = MPI.COMM_WORLD, None
    try:
        me = enter(path, world, (), output, Participant)
        play_patch(me)
    except (CaseError, LaunchError, MappingError) as error:
        return together(world, error)
    except Exception as error:  # noqa: BLE001 - whatever it was, no rank may be left waiting for this one
        abort(me, world, error)
    return 0


def enter(
    path: Path,
    world: MPI.Comm,
    only: Sequence[str],
    output: Path | None,
    player: type[Player],
    resume: bool = False,
) -> Player:
    """Read the case, split the world, and make the output folder or find the checkpoint in it. Collective.

    Raises ``CaseError``, ``LaunchError`` or ``ResumeError``, on every rank alike.
    """
    case = load_case(path)
    ranks = {name: participant.ranks for name, participant in case.participants.items()}
    foreign = tuple(name for name, participant in case.participants.items() if participant.foreign)
    here = World.split(world, ranks, only, foreign)
    met()
    folder = (output or case.directory / "RUN").resolve()
    found = world.bcast(_prepare(case, folder, resume) if world.rank == 0 else None)
    if isinstance(found, SutureError):
        raise found
    _log_to(folder / "suture.log", here)
    start = newest_whole(found, world, f"{here.name}-{here.comm.rank}") if found else None
    if LAUNCHED not in os.environ:
        listen()  # else `suture run` does
    return player(case, here, folder, start)


def _prepare(case: Case, folder: Path, resume: bool) -> list[Path] | SutureError:
    """What one rank does for all before the run: check the case, unless the launcher has, and make the folder.

    Returns the checkpoints to resume from, if it is to be from one, or what is wrong.
    """
    try:
        if LAUNCHED not in os.environ:
            _check(case)
        _require_idle(folder)
        found = candidates(folder, case) if resume else []
        _make(folder, case, keep=resume)
    except (CaseError, LaunchError, ResumeError) as error:
        return error
    return found


def _check(case: Case) -> None:
    from .check import verify_case
    from .stages import stale_stages

    for name, why in stale_stages(case):
        raise LaunchError(f"stage {name!r} must be done first: {why}; `suture run {case.file}` outside mpirun does it")
    verify_case(case)


def _require_idle(folder: Path) -> None:
    if others := at_work(folder):
        raise LaunchError(
            f"a run is at work in {folder} (process {others[0]['pid']} is participant {others[0]['participant']!r}); "
            f"wait for its end or stop it (touch {folder / FILE}), or name another folder with --output"
        )


def _make(folder: Path, case: Case, keep: bool) -> None:
    """Make the output folder, keeping the run before as ``NAME.previous``, unless this one goes on with it."""
    try:
        if not keep and (folder / "ledger.h5").exists():
            previous = folder.with_name(folder.name + ".previous")
            shutil.rmtree(previous, ignore_errors=True)
            folder.rename(previous)
        folder.mkdir(parents=True, exist_ok=True)
        for stale in [*(folder / "status").glob("*.json"), folder / FILE]:
            stale.unlink(missing_ok=True)
        (folder / "case.resolved.toml").write_text(case.resolved(), encoding="utf-8")
    except OSError as error:
        raise LaunchError(
            f"cannot write the output folder {folder}: {error.strerror}; name another with --output"
        ) from error


def _log_to(path: Path, here: World) -> None:
    """The first rank of every participant logs to one file."""
    log = logging.getLogger("suture")
    log.setLevel(logging.INFO if here.comm.rank == 0 else logging.WARNING)
    handler = logging.FileHandler(path)
    handler.addFilter(_Repeats())
    handler.setFormatter(logging.Formatter(f"%(asctime)s {here.name}[{here.comm.rank}] %(levelname)s %(message)s"))
    log.addHandler(handler)
    logging.raiseExceptions = False  # a disk that is full must not bury the message that says so
    log.propagate = False


class _Repeats(logging.Filter):
    """Lets a message of one kind pass so often, and then no more: one a window would fill a disk in the end."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: Counter[tuple[str, int]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it; the last one says that it is the last."""
        where = record.pathname, record.lineno
        self._seen[where] += 1
        if self._seen[where] == _REPEATS:
            record.msg = f"{record.getMessage()} (said {_REPEATS} times: more of the kind are left out)"
            record.args = ()
        return self._seen[where] <= _REPEATS


def _show_progress(me: Participant, world: MPI.Comm) -> threading.Event:
    """Under a plain mpirun nobody else shows progress: one rank does, in lines."""
    stop = threading.Event()
    if world.rank == 0 and LAUNCHED not in os.environ:
        from .progress import follow_in_lines

        threading.Thread(target=follow_in_lines, args=(me.output, me.case, stop), daemon=True).start()
    return stop


def leave(me: Participant) -> None:
    """Write where the time went. Collective over all participants."""
    import json

    spent: dict[str, float] = {}
    for (what, _), seconds in me.clock.seconds.items():
        spent[what] = spent.get(what, 0.0) + seconds
    fields = {"participant": me.name, "rank": me.world.comm.rank, "seconds": spent}
    everyone = me.world.coupled.gather(fields)
    if everyone is not None:
        (me.output / "timings.json").write_text(json.dumps(everyone, indent=1))


def abort(me: Participant | None, world: MPI.Comm, error: BaseException) -> NoReturn:
    """End every participant with one message; ``me`` is None on a rank that has not got its part yet."""
    if me is None:
        message = f"suture: rank {world.rank} of all {world.size}: {type(error).__name__}: {error}"
    else:
        message = describe(error, me.name, me.world.comm.rank, me.status.window)
        if isinstance(error, CommunicationError):
            message += "\n" + "\n".join(stragglers(me.output))
        message += hint(me.case, me.output)
        me.status.update(doing="failed")
    logging.getLogger("suture").error(message)
    print(message, file=sys.stderr, flush=True)
    world.Abort(getattr(error, "exit_code", 1))
    raise AssertionError("MPI_Abort returned")


def together(world: MPI.Comm, error: SutureError, remedy: str = "") -> int:
    """Every rank has the same error: say it once, and end in good order; returns the exit code."""
    met()
    if world.rank == 0:
        log = logging.getLogger("suture")
        if log.handlers:  # else it would say so on the terminal as well
            log.error(str(error))
        print(f"suture: {error}{remedy}", file=sys.stderr, flush=True)
    try:
        wait([world.Ibarrier()], _PATIENCE, "the other ranks")
    except CommunicationError:  # not so alike after all
        abort(None, world, error)
    return error.exit_code
