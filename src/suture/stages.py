"""The stages of a case: done before the coupled run, kept as long as their inputs are the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .couplers.case import load_case
from .couplers.errors import CaseError, LaunchError, Mistake, SutureError
from .couplers.kinds import load_stage

if TYPE_CHECKING:
    from mpi4py import MPI

    from .couplers.case_model import Case


def stale_stages(case: Case) -> Iterator[tuple[str, str]]:
    """Every stage whose output does not belong to its present inputs, in order, and why.

    Raises ``CaseError`` for a missing input file.
    """
    from .couplers.stage import stale

    for name, stage in case.stages.items():
        try:
            why = stale(load_stage(stage.kind), stage.settings, case.directory)
        except FileNotFoundError as error:
            raise CaseError(
                Mistake(case.file, f"stages.{name}", "", f"no file {error.filename}", "an existing input file")
            ) from error
        if why is not None:
            yield name, why


def refresh(case: Case) -> bool:
    """Do every stale stage, in order; says why. Returns whether any was.

    Raises ``CaseError`` for a missing input file and ``LaunchError`` where a stage fails.
    """
    from .couplers.stage import log_file
    from .launch import environment, mpirun

    done = False
    for name, why in stale_stages(case):
        stage = case.stages[name]
        ranks = stage.settings.ranks
        print(f"stage {name}: {why}; doing it on {ranks} ranks", flush=True)
        command = mpirun(ranks, "stage", str(case.file), name)
        if subprocess.run(command, env=environment(ranks), check=False).returncode:
            log = log_file(stage.settings, case.directory)
            raise LaunchError(f"stage {name!r} failed" + (f"; its log is {log}" if log.exists() else ""))
        done = True
    return done


def play(path: Path, name: str) -> None:
    """Do one stage on the ranks that this was started with; ends the whole job on an error."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    try:
        _do(path, name, world)
    except SutureError as error:
        print(f"suture: stage '{name}', rank {world.rank}: {error}", file=sys.stderr, flush=True)
        world.Abort(error.exit_code)


def _do(path: Path, name: str, world: MPI.Comm) -> None:
    from .couplers.stage import run_stage

    case = load_case(path)
    if name not in case.stages:
        raise LaunchError(f"no stage {name!r} in {case.file}; it has {', '.join(case.stages) or 'none'}")
    stage = case.stages[name]
    run_stage(load_stage(stage.kind), stage.settings, case.directory, world, lambda line: print(line, flush=True))
