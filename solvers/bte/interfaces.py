"""What passes where two materials meet, as the settings say or a measurement has found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import SolverError
from .settings import Between
from .transmissivity import adjoint, between

Array = NDArray[np.float64]


class _Resistance(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    value: float
    standard_error: float


class _ConductanceFile(BaseModel):
    """What is read of a file that the stage ``measure-conductance`` makes."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    resistance: _Resistance


def passing(one: Between, first: Array, second: Array, directory: Path) -> tuple[Array, Array]:
    """Transmissivities by bin from the first region that ``one`` names to the second, and back.

    ``first`` and ``second`` are heat capacity times speed, (bins,). Raises ``SolverError`` where detailed balance
    does not allow what is asked for, and for a file that does not do.
    """
    what = f"'interfaces' of {one.regions[0]!r} and {one.regions[1]!r}"
    try:
        if one.transmissivity is not None:
            there = np.full(len(first), one.transmissivity)
            return there, adjoint(there, first, second)
        resistance = one.resistance
        if one.file is not None:
            resistance = read_resistance(directory / one.file)
        assert resistance is not None, "the settings' check has seen to it"
        return between(resistance, first, second)
    except SolverError as error:
        raise SolverError(f"{what}: {error}") from error


def read_resistance(path: Path) -> float:
    """The resistance that was measured. Raises ``SolverError`` naming the file and what is wrong with it."""
    try:
        found = _ConductanceFile.model_validate(json.loads(path.read_text(encoding="utf-8"))).resistance
    except OSError as error:
        raise SolverError(f"{path}: {error.strerror or error}; run the stage that measures it") from error
    except ValidationError as error:
        raise SolverError(f"{path} has no resistance; it must be a file of the stage measure-conductance") from error
    except ValueError as error:
        raise SolverError(f"{path} is not JSON: {error}") from error
    if found.value <= 3.0 * found.standard_error:
        raise SolverError(
            f"{path} has a resistance of {found.value:.4g} ± {found.standard_error:.2g}, which is not known to differ "
            "from zero; it must be more than three standard errors"
        )
    return found.value
