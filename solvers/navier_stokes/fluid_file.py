"""The file in which a measuring stage leaves a fluid's equation of state and transport coefficients."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Exponents = Literal["00", "10", "01", "20", "11", "02"]
Polynomial = dict[Exponents, float]
"""Σ c_ij (ρ - ρ₀)^i (T - T₀)^j by the key "ij"; absent terms are zero."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StatePoint(_Table):
    """The centre (ρ₀, T₀) of the polynomials."""

    density: float = Field(gt=0.0)
    temperature: float = Field(gt=0.0)


class MeasuredRange(_Table):
    """The states that were measured."""

    density: tuple[float, float]
    temperature: tuple[float, float]

    @model_validator(mode="after")
    def _ordered(self) -> MeasuredRange:
        for name, (low, high) in (("density", self.density), ("temperature", self.temperature)):
            if not low < high:
                raise ValueError(f"the range of {name} is [{low}, {high}]; the first must be less")
        return self


class EquationOfState(_Table):
    """Pressure and internal energy per unit mass."""

    pressure: Polynomial
    energy: Polynomial
    range: MeasuredRange
    standard_error: dict[Literal["pressure", "energy"], Polynomial] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _stable(self) -> EquationOfState:
        if not self.energy.get("01", 0.0) > 0.0:
            raise ValueError("the energy's coefficient '01', the heat capacity, must be positive")
        if not self.pressure.get("10", 0.0) > 0.0:
            raise ValueError("the pressure's coefficient '10' must be positive: the fluid would be unstable")
        return self


class Coefficient(_Table):
    """One transport coefficient."""

    polynomial: Polynomial
    standard_error: Polynomial = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_negative(self) -> Coefficient:
        if self.polynomial.get("00", 0.0) < 0.0:
            raise ValueError("a transport coefficient must not be negative")
        return self


class FluidFile(_Table):
    """A measured fluid: polynomials about a state point, their standard errors, the range and the provenance."""

    kind: Literal["fluid-properties"]
    format: Literal[1]
    units: str
    state_point: StatePoint
    equation_of_state: EquationOfState
    viscosity: Coefficient
    bulk_viscosity: Coefficient
    conductivity: Coefficient
    provenance: dict[str, Any] = Field(default_factory=dict)
