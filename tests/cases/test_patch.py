"""Uniform strain of copper and silicon: no force at the seam, and the equilibrium is that strain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suture.patch import spurious_forces

from .variants import evaluation, played, variant

SMALL = [
    ("21.7238", "16.29285"),
    ("z*z) - 6", "z*z) - 3.9"),
    ("- 11", "- 9"),
    (", width = 5.0", ""),
    ("grades = [14.0]", "grades = [10.0]"),
]
"""Silicon, force-based, around 13 atoms of the first place."""
FEWER = [("0 0 0 24.0", "0 0 0 17.0"), ("0 0 0 6.0", "0 0 0 3.9")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("patch")
    case = variant("patch", folder / "small", *SMALL)
    script = (case / "in.silicon").read_text()
    for old, new in FEWER:
        assert old in script
        script = script.replace(old, new)
    (case / "in.silicon").write_text(script)
    return folder, played([case])


def test_silicon_comes_to_the_strain_of_its_boundary(runs: Any) -> None:
    """From rest, by 1 %: atoms of both places and nodes."""
    assert runs[1]["small"]["exit_code"] == 0 and runs[1]["small"]["worst"] < 1e-12, runs[1]
    found = evaluation("patch").evaluate(runs[0] / "small" / "RUN", runs[0] / "small" / "case.toml")
    assert max(found["nodes_off"], found["atoms_off"]) < 1e-9
    assert max(found["force_0"], found["force_1"], found["force_2"]) < 1e-8


@pytest.mark.parametrize("file", ["case.toml", "copper.toml"])
def test_blended_forces_vanish_under_uniform_strain(file: str, tmp_path: Path) -> None:
    """eV/Å, at 0, 1 and 2 %, silicon and copper, as the case files stand."""
    found = spurious_forces(variant("patch", tmp_path / "case") / file)
    assert len(found) == 6 and max(each["force"] for each in found) < 1e-12


def test_atoms_of_the_second_place_that_no_element_leads_are_seen(tmp_path: Path) -> None:
    """Beside free atoms of the first place there are some of the second in no element; free they must be."""
    case = variant("patch", tmp_path / "case")
    script = (case / "in.silicon").read_text()
    (case / "in.silicon").write_text(script.replace("group free union core bonded", "group free union core within"))
    found = spurious_forces(case)
    assert found[0]["force"] < 1e-12 and min(each["force"] for each in found[2:]) > 1e-2
