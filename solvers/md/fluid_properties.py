"""Measures a fluid's equation of state and transport coefficients by equilibrium molecular dynamics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from .equation_of_state import EXPONENTS, Array, EquationOfState, MeasuredState, fit_equation_of_state
from .equilibrium import EquilibriumFluid, Samples
from .fluid_settings import BLOCKS, STATE_BLOCKS, FluidPropertiesSettings
from .green_kubo import TimeIntegral, time_integral
from .statistics import block_means, covariance_of_mean

LONGEST = 10.0
"""Longest correlation time considered."""
ACCURACY = 0.01
"""Relative statistical error up to which the integrals are carried on."""
SPACING = 0.04
"""Time between two samples; half of it changes the integrals by 2e-4, 0.06 by 7e-3 (docs/fluid_properties.md)."""
SETTLING = 20.0
"""Time with a thermostat before a state is sampled."""
DENSITIES = (-1.0, -0.5, 0.0, 0.5, 1.0)
TEMPERATURES = (-1.0, 0.0, 1.0)
"""The grid of states, in units of the ranges."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class Transport:
    """Transport coefficients at one state, and that state as the long run found it."""

    viscosity: TimeIntegral
    bulk_viscosity: TimeIntegral
    conductivity: TimeIntegral
    state: MeasuredState


def measure_fluid_properties(
    settings: FluidPropertiesSettings, script: Path, comm: MPI.Comm, log: Path, report: Report = print
) -> dict[str, Any]:
    """Measure the fluid of ``script`` and return the content of a fluid-properties file (docs/fluid_properties.md).

    First the pressure and temperature at constant energy on a grid of states around the state point, then, at the
    energy that these give to the state point, one long run for the Green-Kubo integrals, whose mean pressure and
    temperature join the fit. Collective over ``comm``; ``report`` gets lines of progress on rank 0.

    Raises
    ------
    SolverError
        If LAMMPS fails, or a state is a solid.
    """
    say = report if comm.rank == 0 else _silent
    density, temperature = settings.density, settings.temperature
    with EquilibriumFluid(comm, script, density, settings.atoms, settings.timestep, settings.seed, log) as fluid:
        fluid.melt(temperature, SETTLING / 2)
        states = list(measure_states(fluid, settings, say))
        first = fit_equation_of_state(states, density, temperature)
        transport = measure_transport(fluid, settings, float(first.energy[0]), say)
        run = {"lammps": fluid.lammps.version, "seed": settings.seed, "atoms": fluid.atoms}
    states.append(transport.state)
    return _content(settings, states, transport, run)


def _silent(line: str) -> None:
    """The other ranks say nothing."""


def measure_states(
    fluid: EquilibriumFluid, settings: FluidPropertiesSettings, report: Report
) -> Iterator[MeasuredState]:
    """Mean pressure, temperature and energy on the grid of states; the error is the same for all."""
    found: list[tuple[float, Samples]] = []
    for across in DENSITIES:
        density = settings.density * (1.0 + across * settings.density_range)
        fluid.compress(density)
        for along in TEMPERATURES:
            fluid.thermalise(settings.temperature * (1.0 + along * settings.temperature_range), SETTLING)
            found.append((density, fluid.sample(settings.state_length, SPACING)))
            samples = found[-1][1]
            report(
                f"density {density:.4f}  temperature {samples.temperature.mean():.4f}  "
                f"pressure {samples.pressure.mean():.3f}  energy {samples.energy:.4f}"
            )
    covariance = np.mean([_state_covariance(samples, STATE_BLOCKS) for _, samples in found], axis=0)
    for density, samples in found:
        yield _state(density, samples, covariance)


def measure_transport(
    fluid: EquilibriumFluid, settings: FluidPropertiesSettings, energy: float, report: Report
) -> Transport:
    """Green-Kubo integrals at the state point, where the energy per mass is ``energy``."""
    fluid.compress(settings.density)
    fluid.thermalise(settings.temperature, SETTLING)
    blocks: list[Samples] = []
    for number in range(1, BLOCKS + 1):
        # The integrator's drift must not add up over the blocks.
        fluid.set_energy(energy, settings.temperature)
        blocks.append(fluid.sample(settings.length / BLOCKS, SPACING, heat_flux=True))
        if number > 2 and (number % 4 == 0):
            report(f"block {number} of {BLOCKS}: " + _summary(green_kubo(blocks, settings.density, fluid.volume)))
    return green_kubo(blocks, settings.density, fluid.volume)


def green_kubo(blocks: list[Samples], density: float, volume: float) -> Transport:
    """Transport coefficients from independent blocks of samples at constant energy.

    η = V/kT ∫⟨σ_xy(0) σ_xy(t)⟩dt, averaged over the five components of the traceless pressure tensor;
    ζ = V/kT ∫⟨δp(0) δp(t)⟩dt with δp = p - ⟨p⟩ at constant energy; λ = V/kT² ∫⟨q_x(0) q_x(t)⟩dt.
    """
    temperature = float(np.mean([block.temperature.mean() for block in blocks]))
    pressure = np.stack([block.pressure for block in blocks])[:, :, None]
    heat_flux = np.stack([block.heat_flux for block in blocks])
    spacing = blocks[0].spacing
    factor = volume / temperature

    def coefficient(fluxes: Array, factor: float) -> TimeIntegral:
        return time_integral(np.sqrt(factor) * fluxes, spacing, LONGEST, ACCURACY)

    return Transport(
        viscosity=coefficient(np.stack([block.stress for block in blocks]), factor),
        bulk_viscosity=coefficient(pressure - pressure.mean(), factor),
        conductivity=coefficient(heat_flux, factor / temperature),
        state=_mean_state(blocks, density),
    )


def _mean_state(blocks: list[Samples], density: float) -> MeasuredState:
    means = np.array([[block.temperature.mean(), block.pressure.mean()] for block in blocks])
    energy = float(np.mean([block.energy for block in blocks]))
    temperature, pressure = (float(mean) for mean in means.mean(axis=0))
    return MeasuredState(density, temperature, pressure, energy, covariance_of_mean(means))


def _state(density: float, samples: Samples, covariance: Array) -> MeasuredState:
    temperature, pressure = float(samples.temperature.mean()), float(samples.pressure.mean())
    return MeasuredState(density, temperature, pressure, samples.energy, covariance)


def _state_covariance(samples: Samples, blocks: int) -> Array:
    return covariance_of_mean(block_means(np.stack([samples.temperature, samples.pressure], axis=1), blocks))


def _summary(transport: Transport) -> str:
    parts = (("viscosity", transport.viscosity), ("conductivity", transport.conductivity))
    return ", ".join(f"{name} {one.value:.4g} ± {one.standard_error:.2g}" for name, one in parts)


def _content(
    settings: FluidPropertiesSettings, states: list[MeasuredState], transport: Transport, run: dict[str, int]
) -> dict[str, Any]:
    density, temperature = settings.density, settings.temperature
    surface = fit_equation_of_state(states, density, temperature)
    free = fit_equation_of_state(states, density, temperature, consistent=False)
    return {
        "kind": "fluid-properties",
        "format": 1,
        "units": "lj",
        "state_point": {"density": density, "temperature": temperature},
        "equation_of_state": _surface_content(surface, settings),
        **{
            name: {"polynomial": {"00": one.value}, "standard_error": {"00": one.standard_error}}
            for name, one in _coefficients(transport)
        },
        "provenance": {
            **run,
            "fit": _fit_content(surface, free),
            "states": [_state_content(state) for state in states],
            "integrals": {
                name: {
                    "cut": one.cut,
                    "statistical_error": one.statistical,
                    "truncation_error": one.truncation,
                    "curve": [[float(f"{value:.6g}") for value in point] for point in one.curve],
                }
                for name, one in _coefficients(transport)
            },
        },
    }


def _coefficients(transport: Transport) -> tuple[tuple[str, TimeIntegral], ...]:
    return (
        ("viscosity", transport.viscosity),
        ("bulk_viscosity", transport.bulk_viscosity),
        ("conductivity", transport.conductivity),
    )


def _surface_content(surface: EquationOfState, settings: FluidPropertiesSettings) -> dict[str, Any]:
    def interval(centre: float, half: float) -> list[float]:
        return [centre * (1.0 - half), centre * (1.0 + half)]

    errors = surface.standard_errors
    return {
        "pressure": _polynomial(surface.pressure),
        "energy": _polynomial(surface.energy),
        "range": {
            "density": interval(settings.density, settings.density_range),
            "temperature": interval(settings.temperature, settings.temperature_range),
        },
        "standard_error": {"pressure": _polynomial(errors[0]), "energy": _polynomial(errors[1])},
    }


def _fit_content(surface: EquationOfState, free: EquationOfState) -> dict[str, Any]:
    mismatch, error = free.maxwell_mismatch
    return {
        "chi_squared": surface.chi_squared,
        "degrees_of_freedom": surface.degrees_of_freedom,
        "maxwell_mismatch": mismatch,
        "maxwell_mismatch_error": error,
    }


def _state_content(state: MeasuredState) -> dict[str, float]:
    names = ("density", "temperature", "pressure", "energy")
    return {name: round(getattr(state, name), 8) for name in names}


def _polynomial(coefficients: Array) -> dict[str, float]:
    return {f"{i}{j}": float(value) for (i, j), value in zip(EXPONENTS, coefficients, strict=True)}
