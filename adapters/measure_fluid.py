"""The stage ``measure-fluid``: a case measures its own fluid before its continuum uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from ..couplers.errors import SutureError
from ..couplers.stage import StageCheckRequest, StageContext, StageKind
from ..solvers.errors import SolverError
from ..solvers.md.fluid_settings import FluidPropertiesSettings


class MeasureFluidSettings(FluidPropertiesSettings):
    """``[stages.NAME]`` of kind ``measure-fluid``."""

    output: Annotated[str, Field(pattern=r"\.json$")] = Field(
        "measured/fluid.json", description="The file that is made, relative to the case directory."
    )
    ranks: Annotated[int, Field(strict=True, ge=1, le=100_000)] = Field(
        1, description="Number of MPI ranks to measure on."
    )


def _run(settings: MeasureFluidSettings, context: StageContext) -> dict[str, Any]:
    # Here, since a case that has been measured needs no LAMMPS to be read.
    from ..solvers.md.fluid_properties import measure_fluid_properties

    script = context.case / settings.script
    try:
        return measure_fluid_properties(settings, script, context.comm, context.log, context.report)
    except SolverError as error:
        raise SutureError(f"the fluid of {settings.script} cannot be measured: {error}") from error


def input_files(settings: MeasureFluidSettings, case: Path) -> tuple[Path, ...]:
    """The script, and every file that it, or a file that it includes, names."""
    return script_files((case / settings.script).resolve())


def script_files(script: Path) -> tuple[Path, ...]:
    """A script, and every file that it, or a file that it includes, names.

    A word of a script is taken for a file's name if such a file exists in the script's directory, where it runs.
    """
    found, unread = {script}, [script]
    while unread:
        # A file of potentials may hold any bytes; its words name no files, or harmless ones.
        text = _text(unread.pop())
        named = {path for word in _words(text) if (path := (script.parent / word).resolve()).is_file()}
        unread += sorted(named - found)
        found |= named
    return (script, *sorted(found - {script}))


def _text(script: Path) -> str:
    return script.read_text(encoding="utf-8", errors="replace") if script.is_file() else ""


def _words(text: str) -> set[str]:
    lines = (line.split("#", 1)[0] for line in text.splitlines())
    # Longer words are no names, and the system refuses to look for them.
    return {word.strip("\"'") for line in lines for word in line.split() if len(word) < 200}


def _check(request: StageCheckRequest) -> None:
    settings: MeasureFluidSettings = request.settings
    script = request.case / settings.script
    if not script.is_file():
        raise request.report(
            f"stages.{request.stage}",
            "script",
            repr(settings.script),
            "a LAMMPS file with the fluid's pair and mass commands, relative to the case directory",
            f"{script} does not exist",
        )


STAGE = StageKind(name="measure-fluid", settings=MeasureFluidSettings, run=_run, inputs=input_files, check=_check)
