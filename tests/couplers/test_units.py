"""Unit systems against arithmetic with the CODATA constants, written out."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from suture.couplers.quantities import QUANTITIES
from suture.couplers.units import ENERGY, PRESSURE, UnitSystem, convert, factor, si_value

AVOGADRO = 6.02214076e23
BOLTZMANN = 1.380649e-23
ELECTRON_VOLT = 1.602176634e-19
KILOCALORIE = 4184.0

SI = UnitSystem(system="si")
REAL = UnitSystem(system="real")
METAL = UnitSystem(system="metal")
LJ = UnitSystem(system="lj")
ARGON = UnitSystem(system="lj", sigma="0.34 nm", epsilon="0.996 kJ/mol", mass="39.95 g/mol")

GRAM_PER_MOLE = 1e-3 / AVOGADRO
SIGMA, EPSILON, MASS = 0.34e-9, 996.0 / AVOGADRO, 39.95e-3 / AVOGADRO
TAU = SIGMA * math.sqrt(MASS / EPSILON)


@pytest.mark.parametrize(
    ("system", "quantity", "si"),
    [
        (REAL, "mass", GRAM_PER_MOLE),
        (REAL, "momentum", GRAM_PER_MOLE * 1e-10 / 1e-15),
        (REAL, "energy", KILOCALORIE / AVOGADRO),
        (REAL, "density", GRAM_PER_MOLE / 1e-30),
        (REAL, "velocity", 1e-10 / 1e-15),
        (REAL, "temperature", 1.0),
        (REAL, "pressure", 101325.0),
        (METAL, "mass", GRAM_PER_MOLE),
        (METAL, "momentum", GRAM_PER_MOLE * 1e-10 / 1e-12),
        (METAL, "energy", ELECTRON_VOLT),
        (METAL, "density", GRAM_PER_MOLE / 1e-30),
        (METAL, "velocity", 1e-10 / 1e-12),
        (METAL, "temperature", 1.0),
        (METAL, "pressure", 1e5),
        (ARGON, "mass", MASS),
        (ARGON, "momentum", MASS * SIGMA / TAU),
        (ARGON, "energy", EPSILON),
        (ARGON, "density", MASS / SIGMA**3),
        (ARGON, "velocity", math.sqrt(EPSILON / MASS)),
        (ARGON, "temperature", EPSILON / BOLTZMANN),
        (ARGON, "pressure", EPSILON / SIGMA**3),
    ],
)
def test_every_quantity_of_every_system_in_si(system, quantity, si):
    assert factor(QUANTITIES[quantity].dimension, system, SI) == pytest.approx(si, rel=1e-12)


def test_energy_of_lammps_units_is_not_mass_times_velocity_squared():
    """LAMMPS' conversion mvv2e: 48.88821291² in real units, 1.0364269e-4 in metal units."""
    for system, mvv2e in ((REAL, 48.88821291**2), (METAL, 1.0364269e-4)):
        kinetic = factor("[mass]", system, SI) * factor("[length] / [time]", system, SI) ** 2
        assert kinetic / factor(ENERGY, system, SI) == pytest.approx(mvv2e, rel=1e-6)


def test_equal_systems_have_a_factor_of_exactly_one():
    for system in (SI, REAL, METAL, LJ, ARGON):
        for quantity in QUANTITIES.values():
            assert factor(quantity.dimension, system, system) == 1.0


def test_there_and_back_and_by_a_third():
    for quantity in QUANTITIES.values():
        d = quantity.dimension
        assert factor(d, REAL, METAL) * factor(d, METAL, REAL) == pytest.approx(1.0, rel=1e-15)
        assert factor(d, REAL, ARGON) * factor(d, ARGON, METAL) == pytest.approx(factor(d, REAL, METAL), rel=1e-14)


def test_dimensionless_lennard_jones_meets_only_itself():
    with pytest.raises(ValueError, match='units "lj" have no scale here'):
        factor("[mass]", LJ, SI)
    with pytest.raises(ValueError, match="sigma"):
        convert("50 fs", "[time]", LJ)


@pytest.mark.parametrize(
    ("text", "dimension", "si"),
    [
        ("50 fs", "[time]", 50e-15),
        ("10min", "[time]", 600.0),
        ("0.34 nm", "[length]", 0.34e-9),
        ("3.4 Å", "[length]", 0.34e-9),
        ("0.996 kJ/mol", ENERGY, 996.0 / AVOGADRO),
        ("0.01 eV", ENERGY, 0.01 * ELECTRON_VOLT),
        ("39.95 u", "[mass]", 39.95 * 1.66053906660e-27),
        ("39.95 g/mol", "[mass]", 39.95 * GRAM_PER_MOLE),
        ("1 kg*m^-1 s**-2", PRESSURE, 1.0),
        ("-1.5e2 K", "[temperature]", -150.0),
    ],
)
def test_texts_with_units(text, dimension, si):
    assert si_value(text, dimension) == pytest.approx(si, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5 kg", "'5 kg' is a mass, not a time; write e.g. \"50 fs\""),
        ("5", "'5' is a plain number, not a time"),
        ("5 m^7", r"quantity of dimension \[length\]\^7, not a time"),
        ("5 fz", "'fz' is not a unit"),
        ("fs", "'fs' is not a number and a unit"),
        ("5 * fs", "not a number and a unit"),
        ("5 fs)", "not a number and a unit"),
        ("__import__('os')", "not a number and a unit"),
        ("", "not a number and a unit"),
    ],
)
def test_texts_that_are_no_time(text, message):
    with pytest.raises(ValueError, match=message):
        si_value(text, "[time]")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"system": "lj", "sigma": "0.34 nm"}, "missing: epsilon, mass"),
        ({"system": "si", "sigma": "0.34 nm"}, 'belong to system "lj" only'),
        ({"system": "lj", "sigma": "0 nm", "epsilon": "1 eV", "mass": "1 u"}, "it must be positive"),
        ({"system": "lj", "sigma": "1 K", "epsilon": "1 eV", "mass": "1 u"}, "is a temperature, not a length"),
    ],
)
def test_scales_that_make_no_system(table, message):
    with pytest.raises(ValidationError, match=message):
        UnitSystem.model_validate(table)
