"""Start-up Couette flow: the analytic series, a short coupled run on real engines, and the stored ensemble."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from suture.couplers.audit import Books, read_books

from ..mpi import suture

CASE = Path(__file__).parent.parent.parent / "cases" / "couette"


def short(folder: Path, **changes: str) -> Path:
    """A copy of the case with some of its lines changed."""
    shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*"))
    text = (folder / "case.toml").read_text()
    for key, value in changes.items():
        text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert found, f"no key {key} in the case"
    (folder / "case.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def evaluation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("couette_evaluate", CASE / "evaluate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("time", "velocity"),
    [
        (12.5, [0.2688, 0.1088, 0.0068, 0.0001]),
        (62.5, [0.3914, 0.2907, 0.1351, 0.0490]),
        (125.0, [0.4226, 0.3481, 0.2169, 0.1179]),
        (500.0, [0.4495, 0.3990, 0.2983, 0.1983]),
    ],
)
def test_the_series_has_its_known_values(evaluation: ModuleType, time: float, velocity: list[float]) -> None:
    # Closed form for H = 50, U = 0.5, nu = 2.632, at distances 5, 10, 20, 30 from the moving wall.
    np.testing.assert_allclose(evaluation.series([5.0, 10.0, 20.0, 30.0], time, 2.632), velocity, atol=6e-5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = short(
        tmp_path_factory.mktemp("couette") / "couette",
        end="5.0",
        cells="[1, 1, 12]\ncfl = 0.11",
        audit_every="4\nsettle = 8",
        fields_every="10",
    )
    done = suture("run", folder, timeout=240)
    assert "the books balance" in done.stdout
    return folder / "RUN"


@pytest.fixture(scope="module")
def books(run: Path) -> Books:
    return read_books(run)


class TestAShortRun:
    """20 windows of 50 MD steps; the flow takes unequal steps that do not divide them."""

    def test_every_balance_closes(self, books: Books) -> None:
        assert books.complete
        assert books.windows == 20
        assert books.worst <= 1e-12
        assert not np.isnan([b.defect for b in [*books.participants, *books.flows, books.whole]]).any()

    def test_something_crossed(self, books: Books) -> None:
        (flow,) = books.flows
        assert (flow.throughput > 0).all()
        mass = flow.terms["sent"][0]
        assert mass == round(mass), "atoms of mass one cross whole"

    def test_the_audit_agrees(self, books: Books) -> None:
        (audit,) = books.audits.values()
        assert audit["windows"] == 5
        relative = np.asarray(audit["relative"])
        assert relative[:4].max() <= 1e-12
        # The integrator's own error: small against the energy that crossed in the whole run, and not zero. (In single
        # windows hardly any may cross.)
        (flow,) = books.flows
        assert 0.0 < np.asarray(audit["rms"])[4] < 0.002 * flow.throughput[4]

    def test_it_leaves_what_a_reader_needs(self, run: Path) -> None:
        for name in ("report.html", "ledger.png", "profiles.png", "suture.log", "timings.json", "case.resolved.toml"):
            assert (run / name).stat().st_size > 0, name
        assert (run / "channel" / "fields.pvd").is_file()

    def test_ledger_command(self, run: Path) -> None:
        tree = json.loads(suture("ledger", run, "--json").stdout)
        assert tree["balanced"]
        assert tree["columns"] == ["mass", "momentum_x", "momentum_y", "momentum_z", "energy"]


def test_a_parallel_scheme_balances_with_amounts_in_transit(tmp_path: Path) -> None:
    folder = short(tmp_path / "couette", end="1.0", audit_every="4\nsettle = 4")
    text = (folder / "case.toml").read_text()
    serial = 'kind = "serial-explicit"\norder = ["wall", "channel"]'
    assert serial in text
    (folder / "case.toml").write_text(text.replace(serial, 'kind = "parallel-explicit"'))
    suture("run", folder, timeout=120)
    books = read_books(folder / "RUN")
    (flow,) = books.flows
    assert books.worst <= 1e-12
    # It opens with p A dt in the normal momentum, and ends with what the last window sent.
    assert 250.0 < flow.terms["opening"][3] < 370.0
    assert flow.terms["closing"][3] != flow.terms["opening"][3]


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return np.array(json.loads((CASE / "reference" / "ensemble.json").read_text())["samples"])


class TestTheEnsemble:
    """The stored runs of independent seeds against the series with the measured viscosity."""

    def test_it_follows_the_series(self, evaluation: ModuleType, samples: np.ndarray) -> None:
        found = evaluation.compare_ensemble(samples, *evaluation.kinematic_viscosity())
        assert found["largest_standard_error_over_speed"] <= 0.01
        assert found["largest_deviation"] <= 3.0
        assert found["p"] > 0.01

    def test_a_viscosity_20_percent_low_does_not(self, evaluation: ModuleType, samples: np.ndarray) -> None:
        nu, error = evaluation.kinematic_viscosity()
        assert evaluation.compare_ensemble(samples, 0.8 * nu, 0.8 * error)["p"] <= 0.01

    def test_both_sides_agree_at_the_seam(self, evaluation: ModuleType) -> None:
        seam = json.loads((CASE / "reference" / "ensemble.json").read_text())["seam"]
        for quantity, found in evaluation.seam_agreement(seam).items():
            assert found["in_errors"] <= 3.0, quantity

    @pytest.mark.long
    def test_a_pressure_2_percent_off_shows_at_the_seam(self, evaluation: ModuleType, tmp_path: Path) -> None:
        # Both sides have one pressure, so the continuum's density must be off by 2 % of p / (dp/drho), and there is
        # no standing flow.
        folder = short(tmp_path / "couette")
        path = folder / "measured" / "fluid.json"
        fluid = json.loads(path.read_text())
        pressure = fluid["equation_of_state"]["pressure"]
        expected = -0.02 * pressure["00"] / pressure["10"]
        fluid["equation_of_state"]["pressure"] = {key: 1.02 * value for key, value in pressure.items()}
        path.write_text(json.dumps(fluid))
        suture("run", folder, timeout=600)
        seam = evaluation.read(folder / "RUN").seam
        ensemble = json.loads((CASE / "reference" / "ensemble.json").read_text())["seam"]
        spread = {
            quantity: np.std(np.subtract(ensemble[f"{quantity}_flow"], ensemble[f"{quantity}_atoms"]), ddof=1)
            for quantity in ("density", "normal_velocity")
        }
        density = seam["density_flow"] - seam["density_atoms"]
        assert abs(density) > 3.0 * spread["density"]
        assert abs(density - expected) < 3.0 * spread["density"]
        assert abs(seam["normal_velocity_flow"] - seam["normal_velocity_atoms"]) < 3.0 * spread["normal_velocity"]
