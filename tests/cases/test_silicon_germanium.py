"""Silicon on germanium: the stored measurement, a short one of the shortest length, the film that takes the value."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.check import verify_case
from suture.couplers.case import load_case
from suture.couplers.errors import CaseError
from suture.couplers.kinds import load_stage
from suture.couplers.stage import stale
from suture.solvers.md.bilayer import Bilayer
from suture.solvers.md.bilayer_dynamics import BilayerDynamics, Records
from suture.solvers.md.conductance import UNITS
from suture.verify import lookup, read_reference

from .variants import ROOT, evaluation, played, variant

CASE = ROOT / "cases" / "silicon-germanium"


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    return evaluation("silicon-germanium")


@pytest.fixture(scope="module")
def content(judge: ModuleType) -> dict[str, Any]:
    return judge.stored()


class TestTheStoredMeasurement:
    @pytest.mark.parametrize("name", ["interface", "fluctuations"])
    def test_it_was_made_from_these_inputs(self, name: str) -> None:
        stage = load_case(CASE).stages[name]
        assert stale(load_stage("measure-conductance"), stage.settings, CASE) is None

    def test_the_result_follows_from_the_lengths(self, content: dict[str, Any]) -> None:
        """R∞ and its error by weighted least squares, written down once more; G is its inverse."""
        rows = [(one["length"], *one["resistance"].values()) for one in content["lengths"]]
        lengths, values, errors = np.array(rows).T
        (_, expected), covariance = np.polyfit(1.0 / lengths, values, 1, w=1.0 / errors, cov="unscaled")
        chi_squared = content["extrapolation"]["chi_squared"]
        found, conductance = content["resistance"], content["conductance"]
        assert found["value"] == pytest.approx(expected, rel=1e-6)
        assert found["standard_error"] == pytest.approx(np.sqrt(max(1.0, chi_squared) * covariance[1, 1]), rel=1e-6)
        assert conductance["value"] * found["value"] == pytest.approx(1.0)

    def test_heat_in_is_heat_out_and_every_profile_falls(self, content: dict[str, Any], judge: ModuleType) -> None:
        for one in content["lengths"]:
            assert judge.apart(one["given"], one["taken"]) < 4.0
            assert abs(one["drift"]) < 0.005
            _, temperature, error = np.array(one["profile"]).T
            assert temperature.max() < 370.0 + 4.0 * error.max()
            assert temperature.min() > 230.0 - 4.0 * error.max()


def by_hand(records: Records) -> np.ndarray:
    """Jump, K, and heat per area and time, eV/(ps Å²), of every record, (records, 2); ten cells have forty layers."""
    z, period = records.height, records.period
    upper, lower = 0.5 * (z[19] + z[20]), 0.5 * (z[39] - period + z[0])
    # First of four layers, the interface's height, the sign in the jump; two layers beside each bath are left out.
    lines = [(14, upper, 1), (22, upper, -1), (2, lower, 1), (34, lower + period, -1)]
    ends = []
    for first, at, sign in lines:
        four = slice(first, first + 4)
        ends.append(sign * np.polyfit(z[four] - at, records.temperature[:, four].T, 1)[1])
    heat = np.diff(records.given + records.taken, prepend=0.0) / (2.0 * records.duration)
    return np.column_stack([0.5 * np.sum(ends, axis=0), heat / (2.0 * records.area)])


def test_a_short_run_evaluated_by_hand_agrees_with_the_stored_one(content: dict[str, Any], tmp_path: Path) -> None:
    """The shortest length again from other random numbers, without its first 20 ps; a factor of two would be seen."""
    stage = load_case(CASE).stages["interface"].settings
    bilayer = Bilayer(stage.structure, stage.lattice_constants, stage.width, 10)
    with BilayerDynamics(MPI.COMM_SELF, CASE / "pair.lmp", "metal", bilayer, stage.timestep, 3, tmp_path / "l") as made:
        made.relax(stage.temperature, 2.0)
        records = made.conduct(stage.hot, stage.cold, stage.damping, 46.0, 0.25)
    blocks = by_hand(records)[80:].reshape(8, -1, 2).mean(axis=1)
    found = blocks[:, 0].mean() / blocks[:, 1].mean()
    # Of the ratio: deviations of the jump less R times those of the heat, over the mean heat.
    spread = (blocks[:, 0] - found * blocks[:, 1]).std(ddof=1) / np.sqrt(8) / blocks[:, 1].mean()
    (stored,) = (one["resistance"] for one in content["lengths"] if one["cells"] == 10)
    unit = 1.0 / UNITS["metal"].flux
    error = np.hypot(spread * unit, stored["standard_error"])
    assert abs(found * unit - stored["value"]) < 3.5 * error
    assert abs(found * unit - 2.0 * stored["value"]) > 3.5 * error


def test_a_file_that_a_stage_makes_need_not_exist_yet(tmp_path: Path) -> None:
    folder = variant("silicon-germanium", tmp_path / "case")
    shutil.rmtree(folder / "measured")
    verify_case(load_case(folder))
    text = (folder / "case.toml").read_text()
    assert text.count('file = "measured/conductance.json"') == 1
    (folder / "case.toml").write_text(text.replace('file = "measured/con', 'file = "measured/incon'))
    with pytest.raises(CaseError, match=r"inconductance\.json: No such file or directory; run the stage"):
        verify_case(load_case(folder))


@pytest.fixture(scope="module")
def played_case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = variant("silicon-germanium", tmp_path_factory.mktemp("silicon-germanium") / "case")
    (done,) = played([folder], ranks=1).values()
    assert done["exit_code"] == 0, done
    return folder / "RUN", done


class TestTheFilm:
    def test_the_case_fulfils_its_requirements(self, played_case: Any, judge: ModuleType) -> None:
        run, done = played_case
        results = {"ledger": {"worst_defect": done["worst"]}} | judge.evaluate(run)
        for check in read_reference(CASE).check:
            assert check.holds(lookup(results, check.value, CASE)), (check, results)

    def test_its_error_is_that_of_a_resistance_in_a_row(self, played_case: Any, judge: ModuleType) -> None:
        """The flux is 20 K over R and what does not depend on R: dq = q² dR / 20 K."""
        found, error = judge.film(played_case[0]), judge.stored()["resistance"]["standard_error"]
        assert found["flux_error"] == pytest.approx(found["flux"] ** 2 * error / 20.0, rel=1e-3)


def test_the_page_hands_the_value_on_with_its_error(content: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's code runs as it stands there; the error is the difference that one standard error makes."""
    page = (ROOT / "docs" / "interface_conductance.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(code, names)
    value, error = content["resistance"].values()
    low, high = (names["between"](value + d, names["silicon"], names["germanium"])[0][0] for d in (error, -error))
    assert names["t"] == pytest.approx(0.5 * (low + high), rel=0.02)
    assert names["error"] == pytest.approx(0.5 * (high - low), rel=0.02)
