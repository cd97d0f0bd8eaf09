"""Runs a command under mpirun from a test, as root too."""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence

ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMP_NUM_THREADS": "1",
}


def mpirun(
    ranks: int,
    *arguments: str | os.PathLike[str],
    timeout: float = 120.0,
    check: bool = True,
    cwd: str | os.PathLike[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``python ARGUMENTS`` on ``ranks`` ranks and return the finished process with its output.

    With ``check`` a non-zero exit fails the test with what the program printed.
    """
    command: Sequence[str] = [
        "mpirun",
        "--oversubscribe",
        "--bind-to",
        "none",
        "-n",
        str(ranks),
        sys.executable,
        *map(str, arguments),
    ]
    done = subprocess.run(
        command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=timeout, cwd=cwd
    )
    if check:
        assert done.returncode == 0, f"{' '.join(command)}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def clean_environment() -> dict[str, str]:
    """The environment without the marks of an MPI job."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_", "PMI_"))}


def suture(
    *arguments: str | os.PathLike[str], timeout: float = 120.0, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run ``suture ARGUMENTS`` as a user does, who sets nothing for MPI.

    A test that has imported MPI is an MPI job of its own, whose marks the command must not find.
    """
    command = [sys.executable, "-m", "suture", *map(str, arguments)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=timeout)
    if check:
        assert done.returncode == 0, f"{' '.join(command)}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@functools.cache
def takes_several_programs() -> bool:
    """Whether mpirun can do "A : B"; that of Open MPI 5.0.7 (Debian 13) crashes on it (open-mpi/ompi issue 13303)."""
    command = ["mpirun", "--oversubscribe", "-n", "1", "true", ":", "-n", "1", "true"]
    return subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, timeout=15).returncode == 0


def together(
    *programs: tuple[int, Sequence[str]], timeout: float = 30.0, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Several programs, each with its ranks, under one mpirun, or where that crashes, one shell that picks."""
    command = ["mpirun", "--oversubscribe", "--bind-to", "none"]
    if takes_several_programs():
        for ranks, program in programs:
            command += ["-n", str(ranks), *program, ":"]
        command.pop()
    else:
        pick, last = "", 0
        for ranks, program in programs:
            last += ranks
            pick += f"if [ $OMPI_COMM_WORLD_RANK -lt {last} ]; then exec {shlex.join(program)}; fi; "
        command += ["-n", str(last), "sh", "-c", pick]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=timeout)
    assert not check or done.returncode == 0, done.stderr
    return done
