"""Measures the thermal conductance of the interface of two crystals by molecular dynamics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mpi4py import MPI

from .bilayer import Bilayer
from .bilayer_dynamics import BilayerDynamics
from .conductance_settings import AVERAGED, ConductanceSettings
from .green_kubo import TimeIntegral
from .interface_fluctuations import interface_conductance
from .steady_conduction import Extrapolation, Measured, SteadyConduction, analyse, extrapolate

Report = Callable[[str], None]


@dataclass(frozen=True)
class Units:
    """What one of LAMMPS' units is in those of the results."""

    name: str
    length: float = 1.0
    time: float = 1.0
    energy: float = 1.0

    @property
    def flux(self) -> float:
        """Of heat."""
        return self.energy / (self.time * self.length**2)

    @property
    def conductivity(self) -> float:
        """Of heat."""
        return self.flux * self.length


UNITS = {"lj": Units("lj"), "metal": Units("si", length=1e-10, time=1e-12, energy=1.602176634e-19)}


@dataclass(frozen=True)
class OneLength:
    """What was found in a box of one length."""

    cells: int
    length: float
    """Of one side, in LAMMPS' units."""
    atoms: int
    steady: SteadyConduction
    equilibrium: TimeIntegral | None
    version: int


def measure_conductance(
    settings: ConductanceSettings, script: Path, comm: MPI.Comm, log: Path, report: Report = print
) -> dict[str, Any]:
    """Measure the interface and return the content of a conductance file (docs/interface_conductance.md).

    For each length the crystals are relaxed and heat flows through them from a hot bath to a cold one; from two lengths
    on, the resistances are extrapolated to infinite length. In the longest, where heat takes longest to come back from
    the far ends of the sides, the conductance at equilibrium is measured too, if asked for. Collective over ``comm``;
    ``report`` gets lines of progress on rank 0.

    Raises
    ------
    SolverError
        If LAMMPS fails, or there is no steady state.
    """
    say = report if comm.rank == 0 else _silent
    found = []
    for cells in sorted(settings.lengths):
        found.append(_measure(settings, script, cells, comm, log))
        say(_summary(found[-1], UNITS[settings.units]))
    return _content(settings, found)


def _silent(line: str) -> None:
    """The other ranks say nothing."""


def _measure(settings: ConductanceSettings, script: Path, cells: int, comm: MPI.Comm, log: Path) -> OneLength:
    bilayer = Bilayer(settings.structure, settings.lattice_constants, settings.width, cells)
    with BilayerDynamics(comm, script, settings.units, bilayer, settings.timestep, settings.seed, log) as dynamics:
        dynamics.relax(settings.temperature, settings.equilibration)
        records = dynamics.conduct(settings.hot, settings.cold, settings.damping, settings.duration, settings.record)
        steady = analyse(records, bilayer)
        longest = cells == max(settings.lengths)
        at_rest = _at_equilibrium(dynamics, settings, records.area) if longest and settings.equilibrium else None
        return OneLength(cells, 0.5 * records.period, dynamics.atoms, steady, at_rest, dynamics.lammps.version)


def _at_equilibrium(dynamics: BilayerDynamics, settings: ConductanceSettings, area: float) -> TimeIntegral:
    spacing = AVERAGED * settings.timestep
    energies, temperature = dynamics.fluctuate(
        settings.temperature, settings.damping, settings.equilibration, settings.equilibrium, spacing
    )
    boltzmann = dynamics.lammps.constant("boltz")
    return interface_conductance(energies, spacing, 2.0 * area, boltzmann, temperature, dynamics.atoms)


def _summary(one: OneLength, units: Units) -> str:
    found = one.steady.resistance
    text = f"{one.cells} cells, {one.atoms} atoms: resistance " + _shown(found, 1.0 / units.flux)
    if one.equilibrium:
        at_rest = Measured(one.equilibrium.value, one.equilibrium.standard_error)
        text += ", conductance at equilibrium " + _shown(at_rest, units.flux)
    return text


def _shown(one: Measured, unit: float) -> str:
    return f"{one.value * unit:.4g} ± {one.standard_error * unit:.2g}"


def _content(settings: ConductanceSettings, found: list[OneLength]) -> dict[str, Any]:
    units = UNITS[settings.units]
    fit = extrapolate([one.length for one in found], [one.steady.resistance for one in found]) if found[1:] else None
    best = fit.resistance if fit else found[0].steady.resistance
    longest = found[-1].steady
    return {
        "kind": "interface-conductance",
        "format": 1,
        "units": units.name,
        "temperature": _number(longest.temperature),
        # null where the resistance is not known to differ from zero.
        "conductance": _number(best.inverse, units.flux),
        "resistance": _number(best, 1.0 / units.flux),
        "extrapolation": _fit_content(fit, units) if fit else None,
        "lengths": [_length_content(one, units) for one in found],
        "provenance": {"lammps": found[0].version, "seed": settings.seed},
    }


def _number(one: Measured | None, unit: float = 1.0) -> dict[str, float] | None:
    return asdict(replace(one, value=one.value * unit, standard_error=one.standard_error * unit)) if one else None


def _fit_content(fit: Extrapolation, units: Units) -> dict[str, Any]:
    return {
        "slope": _number(fit.slope, units.length / units.flux),
        "chi_squared": fit.chi_squared,
        "degrees_of_freedom": fit.degrees_of_freedom,
    }


def _length_content(one: OneLength, units: Units) -> dict[str, Any]:
    steady = one.steady
    return {
        "cells": one.cells,
        "length": one.length * units.length,
        "atoms": one.atoms,
        "resistance": _number(steady.resistance, 1.0 / units.flux),
        "conductance": _number(steady.resistance.inverse, units.flux),
        "jumps": [_number(jump) for jump in steady.jumps],
        "temperature": _number(steady.temperature),
        "flux": _number(steady.flux, units.flux),
        "given": _number(steady.given, units.flux),
        "taken": _number(steady.taken, units.flux),
        "drift": steady.drift,
        "conductivity": [_number(side, units.conductivity) for side in steady.conductivity],
        "steady_from": steady.steady_from * units.time,
        "equilibrium": _equilibrium_content(one.equilibrium, units) if one.equilibrium else None,
        "profile": [[float(f"{value:.6g}") for value in (z * units.length, t, s)] for z, t, s in steady.profile],
    }


def _equilibrium_content(found: TimeIntegral, units: Units) -> dict[str, Any]:
    return {
        "conductance": _number(Measured(found.value, found.standard_error), units.flux),
        "cut": found.cut * units.time,
        "statistical_error": found.statistical * units.flux,
        "truncation_error": found.truncation * units.flux,
        "curve": [
            [float(f"{value:.6g}") for value in (time * units.time, mean * units.flux, error * units.flux)]
            for time, mean, error in found.curve
        ],
    }
