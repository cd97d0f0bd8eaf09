"""Thermoreflectance: where phonons diffuse the coupled run is the multilayer solution; in a silicon film it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suture.verify import lookup, read_reference

from .variants import ROOT, evaluation, played, variant

SILICON = 'material = { kind = "silicon", temperature = 300.0, bins = 4 }'
PATH, CONDUCTIVITY, CAPACITY = 2e-9, 148.0, 1.63e6
DIFFUSIVE = (
    f'material = {{ kind = "gray", heat_capacity = {CAPACITY}, velocity = {3 * CONDUCTIVITY / (CAPACITY * PATH)}, '
    f"mean_free_path = {PATH} }}"
)


def result(case: Path) -> tuple[dict[str, Any], float]:
    """What the case comes to, and the worst defect of its books."""
    run = played([case], timeout=900.0)[case.name]
    assert run["exit_code"] == 0, run
    assert run["worst"] <= 1e-12
    return evaluation("tdtr").evaluate(case / "RUN"), run["worst"]


@pytest.fixture(scope="module")
def diffusive(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return result(variant("tdtr", tmp_path_factory.mktemp("tdtr") / "diffusive", (SILICON, DIFFUSIVE)))[0]


def test_where_phonons_diffuse_the_lock_in_sees_fourier_s_law(diffusive: dict[str, Any]) -> None:
    """Within 1 % at four delays; mean free paths of 2 nm in a film of 200 nm."""
    found = diffusive
    assert found["over_fourier"] == pytest.approx([1.0] * 4, abs=0.01)
    assert found["tail"] < 0.03


def test_a_fit_returns_what_went_in_within_its_own_error(diffusive: dict[str, Any]) -> None:
    found = diffusive
    for name in ("conductivity", "conductance"):
        assert abs(found[name] - 1.0) < found[f"{name}_error"] < 0.15, found


@pytest.mark.long
def test_a_silicon_film_seems_to_conduct_as_the_case_says(tmp_path: Path) -> None:
    found, worst = result(variant("tdtr", tmp_path / "silicon"))
    results = {"ledger": {"worst_defect": worst}} | found
    for check in read_reference(ROOT / "cases" / "tdtr").check:
        assert check.holds(lookup(results, check.value, tmp_path)), (check, results)
