"""The file in which a stage leaves a conductivity that depends on temperature, and the curve through its values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.interpolate import PchipInterpolator

from .errors import SolverError

Array = NDArray[np.float64]
_END = 1e-9
"""How far beyond the last temperature, relative, a solution may be by round-off."""


class ConductivityFile(BaseModel):
    """A conductivity at some temperatures, and what it may be off by. SI units."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["conductivity"]
    format: Literal[1]
    units: Literal["si"]
    temperature: list[float] = Field(min_length=2)
    conductivity: list[float]
    uncertainty: dict[str, list[float] | None] = Field(default_factory=dict)
    """By source, and in ``total``; null where it was not looked for."""
    provenance: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_a_curve(self) -> ConductivityFile:
        if not np.all(np.diff([0.0, *self.temperature]) > 0.0):
            raise ValueError(f"'temperature' is {self.temperature}; it must be positive and ascend")
        if len(self.conductivity) != len(self.temperature) or min(self.conductivity) <= 0.0:
            raise ValueError(f"'conductivity' is {self.conductivity}; it must be positive, one for each temperature")
        return self


def read_conductivity_file(path: Path) -> ConductivityFile:
    """The file's content. Raises ``SolverError`` for a file that is missing or says something else."""
    if path.exists() and not path.is_file():  # of a pipe or a device there may be no end
        raise SolverError(f"'conductivity_file' {path}: it is no file")
    try:
        return ConductivityFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SolverError(f"'conductivity_file' {path}: no such file; run the stage that makes it") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise SolverError(f"'conductivity_file' {path}: {place}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise SolverError(f"'conductivity_file' {path}: {error}; it must be JSON") from error


class ConductivityCurve:
    """The logarithm of the conductivity over that of the temperature, by monotone cubics (Fritsch and Butland 1984).

    A power law is met exactly, and what falls from one temperature to the next falls in between.
    """

    def __init__(self, temperature: Array, conductivity: Array) -> None:
        self._curve = PchipInterpolator(np.log(temperature), np.log(conductivity))
        self._slope = self._curve.derivative()
        self.range = float(temperature[0]), float(temperature[-1])

    def value(self, temperature: Array) -> Array:
        """The conductivity; beyond both ends what it is there."""
        return np.exp(self._curve(np.log(np.clip(temperature, *self.range))))

    def slope(self, temperature: Array) -> Array:
        """Its derivative; zero beyond both ends."""
        inside = np.clip(temperature, *self.range)
        found = np.exp(self._curve(np.log(inside))) * self._slope(np.log(inside)) / inside
        return np.where(inside == temperature, found, 0.0)

    def covers(self, low: float, high: float) -> bool:
        """Whether these temperatures are between the ends, or there by round-off."""
        return self.range[0] * (1.0 - _END) <= low and high <= self.range[1] * (1.0 + _END)


def read_conductivity(path: Path) -> ConductivityCurve:
    """The curve of a file; errors as of ``read_conductivity_file``."""
    file = read_conductivity_file(path)
    return ConductivityCurve(np.array(file.temperature), np.array(file.conductivity))
