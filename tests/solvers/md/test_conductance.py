"""Interfaces measured by LAMMPS: crystals of argon, in units of its potential."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI
from pydantic import ValidationError

from suture.solvers.md.bilayer import Bilayer
from suture.solvers.md.bilayer_dynamics import BilayerDynamics
from suture.solvers.md.conductance import UNITS, measure_conductance
from suture.solvers.md.conductance_settings import ConductanceSettings

HERE = Path(__file__).parent
WEAK = HERE / "weak.lmp"


def settings(**changed: object) -> ConductanceSettings:
    values = {
        "script": "weak.lmp",
        "units": "lj",
        "structure": "fcc",
        "lattice_constants": (1.6, 1.6),
        "width": 3,
        "lengths": [10],
        "hot": 0.3,
        "cold": 0.2,
        "damping": 0.5,
        "timestep": 0.01,
        "equilibration": 40.0,
        "duration": 320.0,
        "record": 2.0,
    }
    return ConductanceSettings(**(values | changed))


def measured(folder: Path, script: Path, **changed: object) -> dict:
    return measure_conductance(settings(**changed), script, MPI.COMM_SELF, folder / "log.lammps", lambda line: None)


def deviation(one: dict, other: dict) -> float:
    """How far two measured numbers are apart, in joint standard errors."""
    return abs(one["value"] - other["value"]) / np.hypot(one["standard_error"], other["standard_error"])


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return measured(tmp_path_factory.mktemp("weak"), WEAK, equilibrium=400.0)


def test_what_is_measured_is_plain_json(weak: dict):
    assert json.loads(json.dumps(weak)) == weak
    assert weak["kind"] == "interface-conductance"
    assert weak["extrapolation"] is None


def test_heat_in_is_heat_out(weak: dict):
    (one,) = weak["lengths"]
    assert deviation(one["given"], one["taken"]) < 4.0
    assert one["flux"]["value"] > 6.0 * one["flux"]["standard_error"]
    # Verlet's own error at this time step: 0.5 % of the heat.
    assert abs(one["drift"]) < 0.015


def test_both_interfaces_resist_alike(weak: dict):
    (one,) = weak["lengths"]
    assert deviation(*one["jumps"]) < 4.0
    assert one["resistance"]["value"] > 5.0 * one["resistance"]["standard_error"]


def test_temperatures_lie_between_the_baths(weak: dict):
    (one,) = weak["lengths"]
    _, temperature, error = np.array(one["profile"]).T
    assert np.all(temperature < 0.3 + 4.0 * error)
    assert np.all(temperature > 0.2 - 4.0 * error)
    assert one["temperature"]["value"] == pytest.approx(0.25, abs=0.01)


def test_fluctuations_at_equilibrium_agree(weak: dict):
    """Where the interface resists more than transport's slip both conductances are one (docs)."""
    (one,) = weak["lengths"]
    assert deviation(one["equilibrium"]["conductance"], one["conductance"]) < 3.0
    assert one["equilibrium"]["conductance"]["standard_error"] < 0.4 * one["conductance"]["value"]


def test_exchanged_sides_resist_alike(weak: dict, tmp_path: Path):
    script = tmp_path / "exchanged.lmp"
    script.write_text(WEAK.read_text().replace("mass 1 1.0", "mass 1 4.0").replace("mass 2 4.0", "mass 2 1.0"))
    other = measured(tmp_path, script, seed=2)
    assert deviation(other["resistance"], weak["resistance"]) < 3.5


def test_no_interface_no_jump(tmp_path: Path):
    script = tmp_path / "one.lmp"
    script.write_text("pair_style lj/smooth/linear 2.0\npair_coeff * * 1.0 1.0\nmass * 1.0\n")
    found = measured(tmp_path, script, seed=3)
    (one,) = found["lengths"]
    assert abs(found["resistance"]["value"]) < 3.5 * found["resistance"]["standard_error"]
    # A twentieth of the weak interface's would be seen.
    assert found["resistance"]["standard_error"] < 0.15
    assert found["conductance"] is None
    for jump in one["jumps"]:
        assert abs(jump["value"]) < 3.5 * jump["standard_error"]
    hot, cold = one["conductivity"]
    assert deviation(hot, cold) < 4.0


@pytest.mark.parametrize("timestep", [0.02, 0.01])
def test_books_close_with_the_square_of_the_time_step(timestep: float, tmp_path: Path):
    """What baths gave and took explains the atoms' energy, record by record, to the integrator's own error."""
    bilayer = Bilayer("fcc", (1.6, 1.6), 2, 10)
    with BilayerDynamics(MPI.COMM_SELF, WEAK, "lj", bilayer, timestep, 4, tmp_path / "log") as dynamics:
        dynamics.relax(0.1, 20.0)
        records = dynamics.conduct(0.12, 0.08, 0.5, 40.0, 1.0)
    balance = records.energy - records.given + records.taken
    swing = np.ptp(balance) / np.abs(np.diff(records.given)).sum()
    assert swing < 0.02 * (timestep / 0.01) ** 2
    for dropped in (records.energy - records.given, records.energy + records.taken, records.given - records.taken):
        assert np.ptp(dropped) > 10.0 * np.ptp(balance)


def test_units_of_the_results():
    """An eV/(ps Å² K) is 1.602e13 W/(m² K), an eV/(ps Å K) 1602 W/(m K)."""
    assert UNITS["metal"].flux == pytest.approx(1.602176634e13)
    assert UNITS["metal"].conductivity == pytest.approx(1602.176634)
    assert UNITS["lj"].flux == UNITS["lj"].conductivity == 1.0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"hot": 0.2, "cold": 0.3},
            "hot is 0.2 and cold 0.3: heat must flow from type 1 to type 2; exchange the types",
        ),
        ({"hot": 0.2}, "hot is 0.2 and cold 0.2: heat must flow"),
        ({"lengths": [20, 8]}, "lengths has 8: that leaves too few planes .* at least 10 cells are needed"),
        ({"lengths": [10, 10]}, r"lengths is \[10, 10\]: each length once"),
        ({"lengths": []}, "lengths\n.*at least 1 item"),
        ({"duration": 100.0}, r"duration is 100; with records of 2 it must be at least 256 \(128 records\)"),
        ({"record": 0.05}, r"record is 0\.05; it must be at least 10 time steps, 0\.1"),
        ({"equilibrium": 100.0}, "equilibrium is 100; it must be 0, or at least 25600 time steps, 256, for error bars"),
        ({"structure": "hcp"}, "structure\n.*'fcc', 'bcc' or 'diamond'"),
        ({"lattice_constants": [1.6]}, r"lattice_constants\.1\n.*Field required"),
        ({"cross_section": 4}, "cross_section\n.*Extra inputs are not permitted"),
        ({"equilibrium": -1.0}, "equilibrium\n.*greater than or equal to 0"),
    ],
)
def test_bad_settings(changed: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        settings(**changed)
