"""A rod of atoms between two rods of heat conduction: its evaluation, a short run, and the stored run."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

from suture.couplers.audit import read_books

from ..mpi import suture
from .variants import ROOT, evaluation, variant

CASE = ROOT / "cases" / "heat-rod"
SHORT = [
    ("end = 800.0", "end = 4.0"),
    ("settle = 100\naudit_every = 50", "settle = 2\naudit_every = 5"),
    ("variables = { seed = 1 }", "variables = { seed = 1, equilibration = 200 }"),
]


@pytest.fixture(scope="module")
def theory() -> ModuleType:
    return evaluation("heat-rod")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = variant("heat-rod", tmp_path_factory.mktemp("heat-rod") / "case", *SHORT)
    assert "the books balance" in suture("run", folder, timeout=300.0).stdout
    return folder / "RUN"


def test_the_profile_is_that_of_the_clear_layers(theory: ModuleType) -> None:
    """Where k = T^-p and the flux is one, T^(1 - p) is a straight line; its slope at the mean is flux / k there."""
    height, power = np.arange(13.2, 32.0, 0.8), 1.0 - theory.known()["power"]

    def profile(z):
        return (0.7 - 0.01 * z) ** (1.0 / power)

    temperature = profile(height)
    temperature[[0, -1]] += 0.3  # next to the planes
    mean = temperature[3:-3].mean()
    expected = [-0.01 * mean ** (1.0 - power) / power, profile(12.8), profile(32.0)]
    assert theory.fit(height, temperature) == pytest.approx(expected)


def test_the_measured_conductivity_is_that_of_this_crystal(theory: ModuleType) -> None:
    measured = json.loads((CASE / "measured" / "conductivity.json").read_text())
    for name, digest in measured["provenance"]["inputs"].items():
        assert hashlib.sha256((CASE / name).read_bytes()).hexdigest() == digest, name
    for point in measured["points"]:
        value, error = theory.predicted(point["temperature"])
        assert abs(value - point["conductivity"]) < 2.5 * point["error"]
        assert error < 0.06 * value


def test_the_bodies_have_it(theory: ModuleType) -> None:
    """The formula in the case, to its digits."""
    measured = json.loads((CASE / "measured" / "conductivity.json").read_text())
    text = (CASE / "case.toml").read_text()
    assert text.count(f"{measured['at_half']:.2f}*(") == 2
    assert text.count(f"**(-{measured['power']:.2f})") == 2


class TestAShortRun:
    """10 windows of 50 steps."""

    def test_all_books_close(self, theory: ModuleType, run: Path) -> None:
        books = read_books(run)
        assert books.complete
        assert books.worst <= 1e-12
        assert max(theory.balances(run)) <= 1e-12

    def test_the_audit_agrees(self, run: Path) -> None:
        for audit in read_books(run).audits.values():
            assert audit["windows"] == 2
            assert np.asarray(audit["relative"])[0] < 0.02

    @pytest.mark.parametrize(
        "dropped",
        ["participants/hot/rows/z-lower", "participants/atoms/inventory", "participants/cold/inventory"],
    )
    def test_each_term_is_needed(self, theory: ModuleType, run: Path, tmp_path: Path, dropped: str) -> None:
        shutil.copy(run / "ledger.h5", tmp_path)
        with h5py.File(tmp_path / "ledger.h5", "r+") as file:
            file[dropped][:] = 0.0
        assert max(theory.balances(tmp_path)) > 1e-3


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return json.loads((CASE / "reference" / "run.json").read_text())


class TestTheStoredRun:
    """The case as it is, to its end."""

    def test_it_is_a_run_of_this_case(self, stored: dict[str, Any]) -> None:
        for name, digest in stored["provenance"]["inputs"].items():
            assert hashlib.sha256((CASE / name).read_bytes()).hexdigest() == digest, name

    def test_one_flux_passes_everywhere(self, stored: dict[str, Any]) -> None:
        found = stored["result"]
        assert found["balance"] <= 1e-12
        assert found["flux_apart_in_errors"] <= 3.0
        assert min(np.divide(found["flux"], found["flux_error"])) > 10.0

    def test_temperature_is_continuous(self, stored: dict[str, Any]) -> None:
        assert stored["result"]["jump_in_errors"] <= 3.0
        assert max(stored["result"]["jump_error"]) < 0.01

    def test_conductivity_is_the_measured_one(self, theory: ModuleType, stored: dict[str, Any]) -> None:
        found = stored["result"]
        expected, error = theory.predicted(found["temperature"])
        assert abs(found["conductivity"] - expected) <= 3.0 * np.hypot(found["conductivity_error"], error)
        assert np.hypot(found["conductivity_error"], error) < 0.07 * expected
