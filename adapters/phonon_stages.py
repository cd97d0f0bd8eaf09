"""The stages of a chain from forces to a conductivity: each hands on a file with units, hash and provenance."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Annotated, Any

from pydantic import Field

from ..couplers.errors import SutureError
from ..couplers.stage import StageCheckRequest, StageContext, StageKind
from ..solvers.errors import SolverError
from ..solvers.phonons.conductivity import bulk_conductivity
from ..solvers.phonons.settings import (
    BulkConductivitySettings,
    ForceConstantsSettings,
    PhononPropertiesSettings,
    modes_file,
    second_order,
    third_order,
)

_DESCRIPTION = "The file that is made, relative to the case directory."
Output = Annotated[str, Field(pattern=r"\.json$")]
OneRank = Annotated[int, Field(strict=True, ge=1, le=1)]
"""phono3py divides its work among threads."""


class ForceConstants(ForceConstantsSettings):
    """``[stages.NAME]`` of kind ``force-constants``."""

    output: Output = Field("measured/force-constants.json", description=_DESCRIPTION)
    ranks: OneRank = Field(1, description="Number of MPI ranks: one, of as many threads as OMP_NUM_THREADS says.")


class PhononProperties(PhononPropertiesSettings):
    """``[stages.NAME]`` of kind ``phonon-properties``."""

    output: Output = Field("measured/phonons.json", description=_DESCRIPTION)
    ranks: OneRank = Field(1, description="As of force-constants.")


class BulkConductivity(BulkConductivitySettings):
    """``[stages.NAME]`` of kind ``bulk-conductivity``."""

    output: Output = Field("measured/conductivity.json", description=_DESCRIPTION)
    ranks: OneRank = Field(1, description="One.")


def _run_force_constants(settings: ForceConstants, context: StageContext) -> dict[str, Any]:
    # Here, since a case whose force constants are there needs no phono3py to be read; so below.
    from ..solvers.phonons.properties import compute_force_constants

    return _in_words(
        "force constants", lambda: compute_force_constants(settings, settings.output, context.case, context.report)
    )


def _run_phonons(settings: PhononProperties, context: StageContext) -> dict[str, Any]:
    from ..solvers.phonons.properties import compute_phonons

    return _in_words("phonons", lambda: compute_phonons(settings, settings.output, context.case, context.report))


def _run_conductivity(settings: BulkConductivity, context: StageContext) -> dict[str, Any]:
    return _in_words("conductivity", lambda: bulk_conductivity(settings, context.case))


def _in_words(what: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return compute()
    except SolverError as error:
        raise SutureError(f"the {what} cannot be computed: {error}") from error


def _check_force_constants(request: StageCheckRequest) -> None:
    _require_phono3py(request)
    request.require_file("displacements", "phono3py's YAML with cells and displacements")
    request.require_file("forces", "phono3py's FORCES_FC3")


def _check_phonons(request: StageCheckRequest) -> None:
    _require_phono3py(request)
    request.require_file("displacements", "phono3py's YAML with the cells")
    request.require_file("force_constants", "the output of a stage of kind 'force-constants'")


def _require_phono3py(request: StageCheckRequest) -> None:
    if find_spec("phono3py") is None:
        found, allowed = "a stage that needs phono3py, which is not installed", "a stage whose programs are installed"
        remedy = "install it: pip install 'suture[phonons]'"
        raise request.report(f"stages.{request.stage}", "kind", found, allowed, remedy)


FORCE_CONSTANTS = StageKind(
    name="force-constants",
    settings=ForceConstants,
    run=_run_force_constants,
    inputs=lambda settings, case: (case / settings.displacements, case / settings.forces),
    check=_check_force_constants,
    beside=lambda settings, case: (case / second_order(settings.output), case / third_order(settings.output)),
)
"""Makes force constants of second and third order from the forces on displaced atoms."""

PHONON_PROPERTIES = StageKind(
    name="phonon-properties",
    settings=PhononProperties,
    run=_run_phonons,
    inputs=lambda settings, case: (
        case / settings.displacements,
        case / second_order(settings.force_constants),
        case / third_order(settings.force_constants),
    ),
    check=_check_phonons,
    beside=lambda settings, case: (case / modes_file(settings.output),),
)
"""Computes phonons and their lifetimes."""

BULK_CONDUCTIVITY = StageKind(
    name="bulk-conductivity",
    settings=BulkConductivity,
    run=_run_conductivity,
    inputs=lambda settings, case: (case / settings.phonons,),
    check=lambda request: request.require_file("phonons", "the output of a stage of kind 'phonon-properties'"),
)
"""Draws up the conductivity of the bulk over temperature."""
