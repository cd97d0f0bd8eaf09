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


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("tdtr")
    folders = [variant("tdtr", folder / "silicon"), variant("tdtr", folder / "diffusive", (SILICON, DIFFUSIVE))]
    return folder, played(folders, timeout=900.0)


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("tdtr").evaluate(runs[0] / name / "RUN")


def test_where_phonons_diffuse_the_lock_in_sees_fourier_s_law(runs: Any) -> None:
    """Within 1 % at four delays; mean free paths of 2 nm in a film of 200 nm."""
    found = result(runs, "diffusive")
    assert found["over_fourier"] == pytest.approx([1.0] * 4, abs=0.01)
    assert found["tail"] < 0.03


def test_a_fit_returns_what_went_in_within_its_own_error(runs: Any) -> None:
    found = result(runs, "diffusive")
    for name in ("conductivity", "conductance"):
        assert abs(found[name] - 1.0) < found[f"{name}_error"] < 0.15, found


def test_a_silicon_film_seems_to_conduct_as_the_case_says(runs: Any) -> None:
    results = {"ledger": {"worst_defect": runs[1]["silicon"]["worst"]}} | result(runs, "silicon")
    for check in read_reference(ROOT / "cases" / "tdtr").check:
        assert check.holds(lookup(results, check.value, runs[0])), (check, results)
