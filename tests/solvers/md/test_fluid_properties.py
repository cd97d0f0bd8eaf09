"""A fluid measured by LAMMPS: short runs against long ones, within the error bars that they claim themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI
from pydantic import ValidationError
from scipy.integrate import simpson

from suture.solvers.errors import SolverError
from suture.solvers.md.equilibrium import EquilibriumFluid
from suture.solvers.md.fluid_properties import green_kubo, measure_fluid_properties
from suture.solvers.md.fluid_settings import FluidPropertiesSettings
from suture.solvers.navier_stokes.fluid_file import FluidFile

from ...mpi import mpirun
from .sheared import sheared_viscosity

HERE = Path(__file__).parent
COUETTE = Path(__file__).parents[3] / "cases" / "couette"
DENSITY, TEMPERATURE = 0.8442, 1.107
KNOWN = {"viscosity": (2.16, 0.02), "conductivity": (6.9, 0.2)}
"""The purely repulsive fluid at this state: viscosity from steady shear (``test_viscosity_by_steady_shear``, run for a
time of 6000), conductivity by others' Green-Kubo."""
KNOWN_NIE = {"viscosity": (2.15, 0.07), "conductivity": (7.0, 0.2)}
"""The same at density 0.81, temperature 1.115, cut-off 2.2."""


def short_settings(**changed: object) -> FluidPropertiesSettings:
    values = {
        "script": "fluid.lmp",
        "density": DENSITY,
        "temperature": TEMPERATURE,
        "atoms": 256,
        "length": 320.0,
        "state_length": 16.0,
    }
    return FluidPropertiesSettings(**(values | changed))


def deviations(content: dict, known: dict[str, tuple[float, float]]) -> dict[str, float]:
    """How far each coefficient is from a known one, in joint standard errors."""
    return {
        name: (content[name]["polynomial"]["00"] - value) / np.hypot(content[name]["standard_error"]["00"], error)
        for name, (value, error) in known.items()
    }


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict:
    log = tmp_path_factory.mktemp("fluid") / "log.lammps"
    return measure_fluid_properties(short_settings(), COUETTE / "fluid.lmp", MPI.COMM_SELF, log, lambda line: None)


def test_the_flow_solver_reads_what_was_measured(measured: dict):
    file = FluidFile.model_validate(json.loads(json.dumps(measured)))
    assert file.state_point.density == DENSITY


def test_short_run_agrees_within_its_own_error_bars(measured: dict):
    assert all(abs(one) < 4.0 for one in deviations(measured, KNOWN).values())
    assert measured["viscosity"]["standard_error"]["00"] < 0.4
    assert measured["bulk_viscosity"]["polynomial"]["00"] > 0.0


def test_equation_of_state_agrees_with_the_long_run(measured: dict):
    """The long run of the case, 864 atoms against 256 here; both have error bars."""
    long = json.loads((COUETTE / "measured" / "fluid.json").read_text())["equation_of_state"]
    short = measured["equation_of_state"]
    for surface in ("pressure", "energy"):
        for key in ("00", "10", "01"):
            error = np.hypot(short["standard_error"][surface][key], long["standard_error"][surface][key])
            assert abs(short[surface][key] - long[surface][key]) < 4.0 * error, (surface, key)
    assert abs(short["pressure"]["00"] / long["pressure"]["00"] - 1.0) < 0.01


def test_maxwell_relation_holds_in_the_measurement(measured: dict):
    fit = measured["provenance"]["fit"]
    assert abs(fit["maxwell_mismatch"]) < 4.0 * fit["maxwell_mismatch_error"]


def test_pressure_and_energy_are_those_of_a_nearly_ideal_gas(tmp_path: Path):
    """Constants, volume factors and the finite system's missing momentum: p = ρT(1 + Bρ), e = 3T/2, to 0.2 %."""
    with EquilibriumFluid(MPI.COMM_SELF, COUETTE / "fluid.lmp", 0.01, 256, 0.005, 3, tmp_path / "log") as fluid:
        fluid.melt(1.5, 10.0)
        fluid.thermalise(1.5, 10.0)
        fluid.set_energy(1.5 * 1.5, 1.5)
        samples = fluid.sample(30.0, 0.05)
    temperature = samples.temperature.mean()
    r = np.linspace(0.1, 2.0 ** (1.0 / 6.0), 4001)
    energy = 4.0 * (r**-12 - r**-6) + 1.0
    virial = -2.0 * np.pi * simpson((np.exp(-energy / 1.5) - 1.0) * r**2, x=r)
    assert temperature == pytest.approx(1.5, rel=2e-3)
    assert samples.pressure.mean() == pytest.approx(0.01 * temperature * (1.0 + 0.01 * virial), rel=2e-3)
    assert samples.energy == pytest.approx(1.5 * 1.5, rel=1e-4)


def test_energy_is_set_and_kept(tmp_path: Path):
    with EquilibriumFluid(MPI.COMM_SELF, COUETTE / "fluid.lmp", DENSITY, 256, 0.005, 4, tmp_path / "log") as fluid:
        fluid.melt(TEMPERATURE, 5.0)
        fluid.thermalise(TEMPERATURE, 5.0)
        fluid.set_energy(2.72, TEMPERATURE)
        samples = fluid.sample(10.0, 0.04)
    # The kinetic part that an infinite system has more is 3 (T - T0) / 2N off where the temperature differs.
    assert samples.energy == pytest.approx(2.72, abs=1e-3)


def test_stress_components_have_one_variance(tmp_path: Path):
    """The five are independent and alike in an isotropic fluid, or averaging them would bias the viscosity."""
    with EquilibriumFluid(MPI.COMM_SELF, COUETTE / "fluid.lmp", DENSITY, 256, 0.005, 5, tmp_path / "log") as fluid:
        fluid.melt(TEMPERATURE, 10.0)
        fluid.thermalise(TEMPERATURE, 5.0)
        stress = fluid.sample(100.0, 0.04, heat_flux=True).stress
    correlation = np.corrcoef(stress, rowvar=False)
    np.testing.assert_allclose(stress.var(axis=0), stress.var(), rtol=0.15)
    assert np.all(np.abs(correlation - np.eye(5)) < 0.1)


def test_a_solid_is_refused(tmp_path: Path):
    with EquilibriumFluid(MPI.COMM_SELF, COUETTE / "fluid.lmp", 1.1, 256, 0.005, 6, tmp_path / "log") as fluid:
        fluid.lammps.command("velocity all create 0.5 17 loop geom")
        with pytest.raises(SolverError, match=r"density 1\.1, temperature .*: this is no liquid"):
            fluid.sample(20.0, 0.05)


def test_green_kubo_factors(tmp_path: Path):
    """η = V/kT ∫⟨σσ⟩ and λ = V/kT² ∫⟨qq⟩: scaling volume or temperature scales them as it should."""
    with EquilibriumFluid(MPI.COMM_SELF, COUETTE / "fluid.lmp", DENSITY, 108, 0.005, 7, tmp_path / "log") as fluid:
        fluid.melt(TEMPERATURE, 5.0)
        blocks = [fluid.sample(5.0, 0.04, heat_flux=True) for _ in range(4)]
    one, two = green_kubo(blocks, DENSITY, 1.0), green_kubo(blocks, DENSITY, 2.0)
    assert two.viscosity.value == pytest.approx(2.0 * one.viscosity.value)
    assert two.conductivity.value == pytest.approx(2.0 * one.conductivity.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"density": -1.0}, "density\n.*greater than 0"),
        ({"lenght": 3.0}, "lenght\n.*Extra inputs are not permitted"),
        ({"length": 10.0}, "length is 10.0; it must be at least 160.0 for error bars"),
        ({"state_length": 1.0}, "state_length is 1.0; it must be at least 8.0 for error bars"),
        ({"atoms": 10}, "atoms\n.*greater than or equal to 100"),
        ({"temperature_range": 0.9}, "temperature_range\n.*less than or equal to 0.5"),
    ],
)
def test_bad_settings(changed: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        short_settings(**changed)


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_every_rank_gets_the_same_samples(ranks: int):
    assert "same on all ranks" in mpirun(ranks, HERE / "sample_on_ranks.py", COUETTE / "fluid.lmp").stdout


def test_stored_measurement_of_the_repulsive_fluid():
    content = json.loads((COUETTE / "measured" / "fluid.json").read_text())
    assert all(abs(one) < 3.0 for one in deviations(content, KNOWN).values())
    assert content["viscosity"]["standard_error"]["00"] < 0.012 * content["viscosity"]["polynomial"]["00"]
    assert content["conductivity"]["standard_error"]["00"] < 0.02 * content["conductivity"]["polynomial"]["00"]


def test_stored_measurement_at_the_second_state():
    content = json.loads((HERE / "nie" / "fluid.json").read_text())
    assert all(abs(one) < 3.0 for one in deviations(content, KNOWN_NIE).values())


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_viscosity_by_steady_shear(tmp_path: Path):
    viscosity, error, temperature = sheared_viscosity(
        COUETTE / "fluid.lmp", DENSITY, 1.022, 0.1, 1500.0, tmp_path / "stress"
    )
    stored = json.loads((COUETTE / "measured" / "fluid.json").read_text())["viscosity"]
    assert temperature == pytest.approx(TEMPERATURE, rel=0.03)
    assert abs(viscosity - stored["polynomial"]["00"]) < 4.0 * np.hypot(error, stored["standard_error"]["00"])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_second_state_measured_again(tmp_path: Path):
    settings = short_settings(density=0.81, temperature=1.115, atoms=500, length=4000.0, state_length=50.0)
    script = HERE / "nie" / "fluid.lmp"
    content = measure_fluid_properties(settings, script, MPI.COMM_SELF, tmp_path / "log.lammps", lambda line: None)
    assert all(abs(one) < 3.0 for one in deviations(content, KNOWN_NIE).values())
