"""Equations of state and transport coefficients of a fluid, chosen by name in the case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ..errors import SolverError
from .fluid_file import FluidFile, Polynomial

Array = NDArray[np.float64]
Range = tuple[float, float]


class Fluid(Protocol):
    """What the solver asks of a fluid; every function takes and gives arrays of one shape.

    Energies are internal energies per unit mass, and heat capacities theirs at constant volume. Transport coefficients
    may come as single numbers where they are constant.
    """

    density_range: Range
    """Densities between which the closure may be used."""
    temperature_range: Range

    def pressure(self, density: Array, temperature: Array) -> Array: ...  # noqa: D102
    def energy(self, density: Array, temperature: Array) -> Array: ...  # noqa: D102
    def temperature(self, density: Array, energy: Array) -> Array: ...  # noqa: D102
    def heat_capacity(self, density: Array, temperature: Array) -> Array: ...  # noqa: D102
    def sound_speed(self, density: Array, temperature: Array) -> Array: ...  # noqa: D102
    def viscosity(self, density: Array, temperature: Array) -> Array | float: ...  # noqa: D102
    def bulk_viscosity(self, density: Array, temperature: Array) -> Array | float: ...  # noqa: D102
    def conductivity(self, density: Array, temperature: Array) -> Array | float: ...  # noqa: D102


NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class IdealGasSettings(BaseModel):
    """p = ρ R T and e = R T / (γ - 1), with constant transport coefficients."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)
    kind: Literal["ideal-gas"]
    gamma: Annotated[float, Field(gt=1.0)]
    gas_constant: Annotated[float, Field(gt=0.0)]
    viscosity: NotNegative
    bulk_viscosity: NotNegative = 0.0
    conductivity: NotNegative


class MeasuredSettings(BaseModel):
    """A fluid measured by molecular dynamics: polynomials in a JSON file, relative to the case directory."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)
    kind: Literal["measured"]
    file: str


FluidSettings = Annotated[IdealGasSettings | MeasuredSettings, Field(discriminator="kind")]


def create_fluid(settings: IdealGasSettings | MeasuredSettings, folder: Path) -> Fluid:
    """The fluid that ``settings`` names; files are looked up in ``folder``. Raises ``SolverError``."""
    if isinstance(settings, IdealGasSettings):
        return IdealGas(settings)
    return Measured(read_fluid_file(folder / settings.file))


class IdealGas:
    """A calorically perfect gas with constant transport coefficients."""

    density_range: Range = (0.0, np.inf)
    temperature_range: Range = (0.0, np.inf)

    def __init__(self, settings: IdealGasSettings) -> None:
        self.settings = settings
        self._cv = settings.gas_constant / (settings.gamma - 1.0)

    def pressure(self, density: Array, temperature: Array) -> Array:
        """p = ρ R T."""
        return self.settings.gas_constant * density * temperature

    def energy(self, density: Array, temperature: Array) -> Array:
        """e = c_v T."""
        return self._cv * temperature

    def temperature(self, density: Array, energy: Array) -> Array:
        """T = e / c_v."""
        return energy / self._cv

    def heat_capacity(self, density: Array, temperature: Array) -> Array:
        """c_v, constant."""
        return np.full_like(density, self._cv)

    def sound_speed(self, density: Array, temperature: Array) -> Array:
        """√(γ R T)."""
        return np.sqrt(self.settings.gamma * self.settings.gas_constant * temperature)

    def viscosity(self, density: Array, temperature: Array) -> float:
        """Shear viscosity."""
        return self.settings.viscosity

    def bulk_viscosity(self, density: Array, temperature: Array) -> float:
        """Bulk viscosity."""
        return self.settings.bulk_viscosity

    def conductivity(self, density: Array, temperature: Array) -> float:
        """Heat conductivity."""
        return self.settings.conductivity


def read_fluid_file(path: Path) -> FluidFile:
    """A measured fluid from its JSON file. Raises ``SolverError`` naming the file and what is wrong."""
    try:
        if path.exists() and not path.is_file():  # of a pipe or a device there may be no end
            raise SolverError(f"fluid file {path} is no file")
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SolverError(f"fluid file {path}: {error.strerror or error}; run the stage that measures it") from error
    except (ValueError, RecursionError) as error:
        raise SolverError(f"fluid file {path} is not JSON: {error}") from error
    try:
        return FluidFile.model_validate(content)
    except ValueError as error:
        raise SolverError(f"fluid file {path}: {error}") from error


class Measured:
    """Polynomials in ρ - ρ₀ and T - T₀ fitted to a molecular-dynamics measurement.

    The energy is that of the particles, potential energy included, with the measurement's own zero and cut-off. It is
    at most quadratic in T, so its inverse is closed. The fluid may be used up to twice the measured range.
    """

    def __init__(self, file: FluidFile) -> None:
        self._density0 = file.state_point.density
        self._temperature0 = file.state_point.temperature
        state = file.equation_of_state
        self._pressure = _Surface(state.pressure)
        self._energy = _Surface(state.energy)
        self._transport = {
            "viscosity": _Surface(file.viscosity.polynomial),
            "bulk_viscosity": _Surface(file.bulk_viscosity.polynomial),
            "conductivity": _Surface(file.conductivity.polynomial),
        }
        self.density_range = _twice(state.range.density)
        self.temperature_range = _twice(state.range.temperature)

    def pressure(self, density: Array, temperature: Array) -> Array:
        """The fitted pressure."""
        return self._pressure.value(density - self._density0, temperature - self._temperature0)

    def energy(self, density: Array, temperature: Array) -> Array:
        """The fitted energy per unit mass."""
        return self._energy.value(density - self._density0, temperature - self._temperature0)

    def temperature(self, density: Array, energy: Array) -> Array:
        """The root of c₂ τ² + c₁ τ + c₀ = e that continues the linear one, in the form that does not cancel."""
        constant, linear, quadratic = self._energy.in_temperature(density - self._density0)
        rest = energy - constant
        if not isinstance(quadratic, float) or quadratic != 0.0:
            # Beyond the parabola's turning point there is no temperature: the NaN is reported with its position.
            rest = 2.0 * rest / (linear + np.sqrt(linear * linear + 4.0 * quadratic * rest))
        else:
            rest = rest / linear
        return self._temperature0 + rest

    def heat_capacity(self, density: Array, temperature: Array) -> Array:
        """∂e/∂T at constant density."""
        _, linear, quadratic = self._energy.in_temperature(density - self._density0)
        return linear + 2.0 * quadratic * (temperature - self._temperature0)

    def sound_speed(self, density: Array, temperature: Array) -> Array:
        """c² = ∂p/∂ρ + ∂p/∂T (p/ρ² - ∂e/∂ρ)/c_v: of these polynomials, thermodynamically consistent or not."""
        d, tau = density - self._density0, temperature - self._temperature0
        # Heating by compression at constant entropy, dT/dρ.
        heating = self._pressure.value(d, tau) / (density * density) - self._energy.derivative_density(d, tau)
        heating = heating / self.heat_capacity(density, temperature)
        return np.sqrt(
            self._pressure.derivative_density(d, tau) + self._pressure.derivative_temperature(d, tau) * heating
        )

    def viscosity(self, density: Array, temperature: Array) -> Array | float:
        """Shear viscosity."""
        return self._coefficient("viscosity", density, temperature)

    def bulk_viscosity(self, density: Array, temperature: Array) -> Array | float:
        """Bulk viscosity."""
        return self._coefficient("bulk_viscosity", density, temperature)

    def conductivity(self, density: Array, temperature: Array) -> Array | float:
        """Heat conductivity."""
        return self._coefficient("conductivity", density, temperature)

    def _coefficient(self, name: str, density: Array, temperature: Array) -> Array | float:
        surface = self._transport[name]
        if surface.constant is not None:
            return surface.constant
        return surface.value(density - self._density0, temperature - self._temperature0)


class _Surface:
    """Σ c_ij d^i τ^j with i + j ≤ 2, by Horner's rule; terms that are zero cost nothing."""

    def __init__(self, coefficients: Polynomial) -> None:
        self._c = {key: float(coefficients.get(key, 0.0)) for key in ("00", "10", "01", "20", "11", "02")}
        self.constant = self._c["00"] if not any(v for key, v in self._c.items() if key != "00") else None

    def in_temperature(self, d: Array) -> tuple[Array | float, Array | float, float]:
        """Coefficients of τ⁰, τ¹ and τ² at density ρ₀ + d."""
        c = self._c
        constant = c["00"] + d * (c["10"] + c["20"] * d) if c["10"] or c["20"] else c["00"]
        linear = c["01"] + c["11"] * d if c["11"] else c["01"]
        return constant, linear, c["02"]

    def value(self, d: Array, tau: Array) -> Array:
        constant, linear, quadratic = self.in_temperature(d)
        return constant + tau * (linear + quadratic * tau if quadratic else linear)

    def derivative_density(self, d: Array, tau: Array) -> Array:
        return self._c["10"] + 2.0 * self._c["20"] * d + self._c["11"] * tau

    def derivative_temperature(self, d: Array, tau: Array) -> Array:
        return self._c["01"] + self._c["11"] * d + 2.0 * self._c["02"] * tau


def _twice(measured: Range) -> Range:
    """The interval about the same centre, twice as long, and positive."""
    middle, length = 0.5 * (measured[0] + measured[1]), measured[1] - measured[0]
    return max(0.0, middle - length), middle + length
