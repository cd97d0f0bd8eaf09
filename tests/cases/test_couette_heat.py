"""Couette flow with viscous heating: theory, a short coupled run with an open end, and the stored seeds."""

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
from scipy.integrate import solve_bvp

from suture.couplers.audit import Books, read_books

from ..mpi import suture
from .variants import ROOT, evaluation, variant

CASE = ROOT / "cases" / "couette-heat"
ENERGY = 4


@pytest.fixture(scope="module")
def theory() -> ModuleType:
    return evaluation("couette-heat")


class TestTheTheory:
    """The closed forms that the profiles are compared with."""

    def test_the_fit_finds_slip_jump_and_rise(self, theory: ModuleType) -> None:
        z = np.array([2.4, 5.0, 9.1, 13.5, 22.5, 28.5])
        u = np.array([[0.05 + 1.75 * z / 30.0], [-0.1 + 1.9 * z / 30.0]])[:, 0]
        temperature = np.array([theory.parabola(z, 0.04, 0.12), theory.parabola(z, 0.0, 0.2)])
        found = theory.fit(z, np.array([1.0, 1.0, 2.0, 3.0, 3.0, 3.0]), u, temperature)
        np.testing.assert_allclose(found, [[0.05, -0.1], [0.04, 0.0], [0.12, 0.2]], atol=1e-14)

    def test_the_rise_is_that_of_the_equations(self, theory: ModuleType) -> None:
        # lambda T'' = -eta u'^2 between a fluid at 1.05 that slips by 0.1 and the lid.
        (eta, _), (conductivity, _) = theory.coefficients()
        shear = (theory.U - 0.1) / theory.H
        s = np.linspace(0.0, theory.H, 5)
        solved = solve_bvp(
            lambda _, t: np.array([t[1], np.full_like(t[1], -eta / conductivity * shear**2)]),
            lambda low, high: np.array([low[0] - 1.05, high[0] - theory.LID]),
            s,
            np.ones((2, 5)),
        )
        expected = theory.parabola(s, 1.05 - theory.LID, theory.predicted_rise(0.1)[0])
        np.testing.assert_allclose(solved.sol(s)[0], expected, atol=1e-12)

    def test_constant_coefficients_are_the_limit_of_those_that_vary(self, theory: ModuleType) -> None:
        z, u, temperature = theory.varied(0.05, 0.04, 0.0, 0.0)
        np.testing.assert_allclose(u, 0.05 + (theory.U - 0.05) * z / theory.H, atol=1e-12)
        np.testing.assert_allclose(temperature, theory.parabola(z, 0.04, theory.predicted_rise(0.05)[0]), atol=1e-7)

    def test_a_viscosity_that_falls_exponentially_has_nahmes_rise(self, theory: ModuleType) -> None:
        # R. Nahme, Ing.-Arch. 11, 191 (1940): ln(1 + beta eta U^2 / (8 lambda)) / beta, with eta at the walls.
        beta, state = 3.0, 1.107
        _, _, temperature = theory.varied(0.0, 0.0, -beta, 0.0, seam=theory.H)
        at_wall = theory.predicted_rise(0.0)[0] * np.exp(-beta * (theory.LID - state))
        assert temperature.max() - theory.LID == pytest.approx(np.log1p(beta * at_wall) / beta, rel=1e-6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = variant(
        "couette-heat",
        tmp_path_factory.mktemp("couette-heat") / "case",
        ("end = 2000.0", "end = 5.0"),
        ("audit_every = 100", "audit_every = 4\nsettle = 8"),
        ("cells = [1, 1, 6]", "cells = [1, 1, 6]\ncfl = 0.3"),
    )
    assert "the books balance" in suture("run", folder, timeout=240).stdout
    return folder / "RUN"


@pytest.fixture(scope="module")
def books(run: Path) -> Books:
    return read_books(run)


class TestAShortRun:
    """20 windows of 50 MD steps, atoms coming and going; the flow's steps do not divide the windows."""

    def test_every_balance_closes(self, books: Books) -> None:
        assert books.complete
        assert books.windows == 20
        assert books.worst <= 1e-12
        (buffer,) = books.buffers
        assert buffer.worst <= 1e-12

    def test_atoms_came_and_went(self, books: Books) -> None:
        (buffer,) = books.buffers
        assert buffer.terms["insertion"][0] > 0.0
        assert buffer.terms["deletion"][0] < 0.0

    def test_the_audit_agrees(self, books: Books) -> None:
        (audit,) = books.audits.values()
        (flow,) = books.flows
        assert audit["windows"] == 5
        assert np.asarray(audit["relative"])[:4].max() <= 1e-12
        assert 0.0 < np.asarray(audit["rms"])[ENERGY] < 0.002 * flow.throughput[ENERGY]

    def test_power_is_heat_and_storage(self, theory: ModuleType, run: Path) -> None:
        found = theory.budget(run)
        assert found["work"] > 100.0
        assert found["residual"] <= 1e-12

    @pytest.mark.parametrize("term", ["work", "heat_lid", "heat_wall", "storage"])
    def test_each_term_is_needed(self, theory: ModuleType, run: Path, term: str) -> None:
        found = theory.budget(run)
        assert abs(theory.imbalance(found | {term: 0.0})) > 1e-4 * found["throughput"]

    @pytest.mark.parametrize(
        "dropped", ["participants/atoms/rows/bottom", "participants/flow/rows/z-upper", "flows/{flow}/received"]
    )
    def test_the_ledger_misses_what_is_dropped(self, run: Path, tmp_path: Path, dropped: str) -> None:
        shutil.copy(run / "ledger.h5", tmp_path)
        with h5py.File(tmp_path / "ledger.h5", "r+") as file:
            (flow,) = file["flows"]
            file[dropped.format(flow=flow)][:, ENERGY] = 0.0
        assert not read_books(tmp_path).balanced

    def test_ledger_command(self, run: Path) -> None:
        assert json.loads(suture("ledger", run, "--json").stdout)["balanced"]


@pytest.fixture(scope="module")
def stored(theory: ModuleType) -> dict[str, Any]:
    return theory.stored()


@pytest.fixture(scope="module")
def found(theory: ModuleType, stored: dict[str, Any]) -> dict[str, Any]:
    return theory.compare(stored["runs"])


class TestTheStoredSeeds:
    """Long runs of the case as it is, against theory with the measured viscosity and conductivity."""

    def test_they_are_runs_of_this_case(self, stored: dict[str, Any]) -> None:
        for name, digest in stored["provenance"]["inputs"].items():
            assert hashlib.sha256((CASE / name).read_bytes()).hexdigest() == digest, name

    def test_the_rise_is_the_predicted_one(self, found: dict[str, Any]) -> None:
        assert found["rise_in_errors"] >= 10.0
        assert found["deviation_in_errors"] <= 3.0

    def test_a_conductivity_15_percent_low_does_not_predict_it(
        self, theory: ModuleType, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        viscosity, (conductivity, error) = theory.coefficients()
        monkeypatch.setattr(theory, "coefficients", lambda: (viscosity, (0.85 * conductivity, error)))
        assert theory.compare(stored["runs"])["deviation_in_errors"] > 3.0

    def test_the_state_is_steady(self, found: dict[str, Any]) -> None:
        assert found["halves_in_errors"] <= 3.0

    def test_stress_over_shear_is_the_measured_viscosity(self, theory: ModuleType, found: dict[str, Any]) -> None:
        (eta, eta_error), _ = theory.coefficients()
        value, error = found["viscosity"]
        assert abs(value - eta) <= 3.0 * np.hypot(error, eta_error)

    def test_all_energy_is_accounted_for(self, stored: dict[str, Any]) -> None:
        for seed in stored["runs"]:
            books = seed["books"]
            assert books["residual"] <= 1e-12
            assert min(books["insertion"], books["deletion"]) >= 10_000
            # By the audit what crosses the seam is known to half a per cent of the lid's work, and agrees.
            assert books["audit_difference_error"] <= 0.005 * books["work"]
            assert abs(books["audit_difference"]) <= 3.0 * books["audit_difference_error"]
