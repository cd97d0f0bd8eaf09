"""Tries a LAMMPS script in a process of its own, since LAMMPS may end the process in which an error happens."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

EQUILIBRATION = "equilibration"
"""Name of the script's index variable with its number of equilibration steps; a trial sets it to 0."""


_MOST_STEPS = 1e9
"""Time steps in a window, and windows in a time step: more is a slip of the pen."""
_MOST_WRITTEN = 4 << 30
"""Bytes that a script may write into one file in a trial: an endless loop must not fill the disk."""


def whole_steps(window: float, timestep: float) -> int:
    """Number of time steps in a window.

    Raises
    ------
    ValueError
        The window is not a whole number of time steps; the message names the nearest that are.
    """
    if not 0.0 < timestep < window * _MOST_STEPS or window > timestep * _MOST_STEPS:
        raise ValueError(
            f"the LAMMPS script's time step is {timestep:g}, and a window {window:g}; it must be a part of it"
        )
    steps = round(window / timestep)
    if steps < 1 or abs(steps * timestep - window) > 1e-9 * window:
        below = max(1, int(window / timestep))
        raise ValueError(
            f"a window of {window:g} is not a whole number of the LAMMPS script's time steps of {timestep:g}; "
            f"the nearest windows are {below * timestep:.12g} and {(below + 1) * timestep:.12g}"
        )
    return steps


@dataclass(frozen=True)
class ScriptFacts:
    """What a script has set up."""

    timestep: float
    atoms: int
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]
    periodic: tuple[bool, bool, bool]
    cutoff: float
    """Longest distance at which pairs are listed: pair cut-off and skin."""
    groups: dict[str, int]
    """Number of atoms by group."""
    spans: dict[str, list[list[float]]]
    """Lowest and highest coordinates of the atoms by group that has some, (2, 3)."""
    fixes: dict[str, str]
    """Style of each fix."""
    variables: dict[str, float | None]
    """Value of each equal-style variable; None of others."""
    pair_styles: list[str]
    seconds: float | None = None
    """Computing time of one step on one rank, where the trial could run some."""


class ScriptError(ValueError):
    """LAMMPS refused the script; the message has its text and, where it is found, the line."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def try_script(
    script: Path,
    variables: Mapping[str, str | int | float],
    then: Sequence[str] = (),
    timeout: float = 60.0,
) -> ScriptFacts:
    """Run a script, the commands ``then`` and ``run 0`` on one process, with the variable ``equilibration`` set to 0.

    Raises
    ------
    ScriptError
        LAMMPS refused it, or it takes longer than ``timeout`` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="suture-trial-") as folder:
        given = {"output": folder, **variables, EQUILIBRATION: 0}
        task = {"script": str(script.resolve()), "variables": given, "then": list(then), "folder": folder}
        command = [sys.executable, "-m", f"{__package__}.trial_process", json.dumps(task)]
        said = Path(folder, "said")
        if not _ends(command, said, timeout):
            raise ScriptError(
                f"{script.name} ran for {timeout:g} s and was stopped",
                f"give its equilibration steps by `variable {EQUILIBRATION} index N`, which a check sets to 0",
            )
        facts = Path(folder, "facts.json")
        if facts.exists():
            return read_facts(facts)
        raise ScriptError(_reason(script, Path(folder, "log.lammps"), said.read_text(errors="replace")))


def _ends(command: Sequence[str], said: Path, timeout: float) -> bool:
    """Whether a command ends in time; what a script has started by its ``shell`` commands ends with it.

    It writes to a file: of a pipe the end is not seen while anything that the script has started holds it.
    """
    with said.open("w") as into:
        process = subprocess.Popen(
            command, env=_outside_mpi(), stdin=subprocess.DEVNULL, stdout=into, stderr=into, start_new_session=True
        )
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return True


def limit_process() -> None:
    """Let this process fail, and not the machine, where a script asks for more memory or disk than there is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, _MOST_WRITTEN)):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _outside_mpi() -> dict[str, str]:
    """The environment without the marks of an MPI job, which a process that is no rank of it must not see."""
    marks = ("OMPI_COMM", "OMPI_UNIVERSE", "OMPI_APP", "OMPI_FILE", "OMPI_NUM", "OMPI_FIRST", "OMPI_MCA_ess")
    marks += ("OMPI_MCA_orte", "OMPI_MCA_pmix", "PMIX_", "PMI_", "PRTE_", "SLURM_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(marks)}
    return {**kept, "OMP_NUM_THREADS": "1"}


def _reason(script: Path, log: Path, printed: str) -> str:
    from .guard import error_in

    text = log.read_text(errors="replace") if log.exists() else ""
    error = error_in(text)
    if error is None:
        return printed.strip()[-2000:] or "LAMMPS ended without a word"
    quoted = re.search(r"^Last (?:command|input line): (.*)$", error, re.MULTILINE)
    last = quoted[1].strip() if quoted else ""
    for path in (script, *_included(script)):
        lines = path.read_text(errors="replace").splitlines()
        numbers = [n for n, line in enumerate(lines, 1) if last and line.split() == last.split()]
        if len(numbers) == 1:
            return f"{path.name}, line {numbers[0]}: {error}"
    return error


def _included(script: Path) -> list[Path]:
    words = [line.split() for line in script.read_text(errors="replace").splitlines()]
    paths = [script.parent / word[1] for word in words if len(word) == 2 and word[0] == "include"]
    return [path for path in paths if path.is_file()]


def read_facts(path: Path) -> ScriptFacts:
    """Read what ``write_facts`` wrote."""
    facts = json.loads(path.read_text())
    return ScriptFacts(**facts | {name: tuple(facts[name]) for name in ("lower", "upper", "periodic")})


def write_facts(facts: ScriptFacts, path: Path) -> None:
    """Write what ``read_facts`` reads."""
    path.write_text(json.dumps(asdict(facts)))
