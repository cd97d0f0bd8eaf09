"""The stage ``measure-conductance``: a case measures what the interface of its solids resists to heat."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ..couplers.errors import SutureError
from ..couplers.stage import StageCheckRequest, StageContext, StageKind
from ..solvers.errors import SolverError
from ..solvers.md.conductance_settings import ConductanceSettings
from .measure_fluid import script_files

FOLDER = "LAMMPS_POTENTIALS"
"""Environment variable with the folder in which LAMMPS looks for potentials that are not beside the script."""


class MeasureConductanceSettings(ConductanceSettings):
    """``[stages.NAME]`` of kind ``measure-conductance``."""

    output: Annotated[str, Field(pattern=r"\.json$")] = Field(
        "measured/conductance.json", description="The file that is made, relative to the case directory."
    )
    ranks: Annotated[int, Field(strict=True, ge=1, le=100_000)] = Field(
        1, description="Number of MPI ranks to measure on."
    )


def _run(settings: MeasureConductanceSettings, context: StageContext) -> dict[str, Any]:
    # Here, since a case that has been measured needs no LAMMPS to be read.
    from ..solvers.md.conductance import measure_conductance

    script = context.case / settings.script
    try:
        return measure_conductance(settings, script, context.comm, context.log, context.report)
    except SolverError as error:
        raise SutureError(f"the interface of {settings.script} cannot be measured: {error}") from error


def input_files(settings: MeasureConductanceSettings, case: Path) -> tuple[Path, ...]:
    """The script, every file that it names, and its potentials wherever LAMMPS finds them."""
    script = (case / settings.script).resolve()
    beside = script_files(script)
    found = {path for name in _potentials(script) if (path := _potential(script, name))}
    return (*beside, *sorted(found - set(beside)))


def _potentials(script: Path) -> list[str]:
    """The files that the ``pair_coeff`` commands of a script name: words with a dot that are no number."""
    if not script.is_file():
        return []
    lines = [line.split("#", 1)[0].split() for line in script.read_text(errors="replace").splitlines()]
    words = [word for line in lines if line and line[0] == "pair_coeff" for word in line[1:]]
    return [word for word in words if "." in word and "$" not in word and not re.fullmatch(r"[-+\d.eE]+", word)]


def _potential(script: Path, name: str) -> Path | None:
    """Where LAMMPS finds it: beside the script, where it runs, or in the folder of potentials."""
    folders = [script.parent, Path(os.environ.get(FOLDER, script.parent))]
    return next((path.resolve() for folder in folders if (path := folder / name).is_file()), None)


def _check(request: StageCheckRequest) -> None:
    settings: MeasureConductanceSettings = request.settings
    script = (request.case / settings.script).resolve()

    def refuse(found: str, allowed: str, remedy: str) -> Exception:
        return request.report(f"stages.{request.stage}", "script", found, allowed, remedy)

    if not script.is_file():
        allowed = "a LAMMPS file with the pair and mass commands of atom types 1 and 2, relative to the case directory"
        raise refuse(repr(settings.script), allowed, f"{script} does not exist")
    for name in _potentials(script):
        if _potential(script, name) is None:
            raise refuse(
                f"pair_coeff with the file {name!r}",
                f"a file of potentials beside the script, or in the folder that {FOLDER} names",
                f"copy {name} to {script.parent}, or set {FOLDER} (Debian: /usr/share/lammps/potentials)",
            )


STAGE = StageKind(
    name="measure-conductance", settings=MeasureConductanceSettings, run=_run, inputs=input_files, check=_check
)
"""Measures the thermal conductance of two crystals' interface by molecular dynamics."""
