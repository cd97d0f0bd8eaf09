"""``suture check --patch``: forces where a uniform strain should leave none, as a user sees them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from suture.couplers.case import load_case

from ..adapters.seams_of_atoms import BLENDED, PERFECT, small
from ..cases.variants import variant
from ..mpi import mpirun, suture

ROOT = Path(__file__).parents[2]


def found(case: Path, folder: Path, *program: str) -> dict[str, list[float]]:
    """The largest forces of each participant at 0, 1 and 2 %, in eV/Å."""
    folder.mkdir()
    ranks = load_case(case).ranks
    mpirun(ranks, *(program or ("-m", "suture", "patch")), case / "case.toml", "--output", folder, cwd=ROOT)
    table = json.loads((folder / "patch.json").read_text())
    assert [each["strain"] for each in table[::2]] == [0.0, 0.01, 0.02]
    return {name: [each["force"] for each in table if each["participant"] == name] for name in ("core", "far")}


@pytest.mark.parametrize("change", [(), BLENDED], ids=["force-based", "force-blended"])
def test_a_perfect_crystal_passes(change: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    case = small(tmp_path / "case", PERFECT, *change)
    forces = found(case, tmp_path / "found")
    assert max(forces["core"] + forces["far"]) < 1e-12


def test_on_more_ranks(tmp_path: Path) -> None:
    ranks = [('kind = "atomistic-solid"', 'kind = "atomistic-solid"\nranks = 2')]
    case = small(tmp_path / "case", PERFECT, *ranks)
    forces = found(case, tmp_path / "found")
    assert max(forces["core"] + forces["far"]) < 1e-12


def test_too_few_atoms_around_those_that_count_show(tmp_path: Path) -> None:
    """Some of those that count feel the surface of the ball, through the electrons around their neighbours."""
    forces = found(small(tmp_path / "case", PERFECT, *BLENDED[:2]), tmp_path / "found")
    assert max(forces["core"]) < 1e-12 and min(forces["far"]) > 1e-8


def test_a_dropped_term_shows(tmp_path: Path) -> None:
    """Without the elements' force that the atoms replace, what is missing beside the core is found there."""
    forces = found(small(tmp_path / "case", PERFECT), tmp_path / "found", "-m", "tests.suture.play_patch")
    assert max(forces["core"]) < 1e-12 and forces["far"][0] < 1e-3 and min(forces["far"][1:]) > 0.05


def test_the_vacancy_itself_is_seen(tmp_path: Path) -> None:
    """The table names strain, participant, force and place: an atom beside the vacancy."""
    done = suture("check", "--patch", small(tmp_path / "case"))
    assert "largest spurious force under uniform strain (energy by length of" in " ".join(done.stdout.split())
    rows = [[cell.strip() for cell in line.split("│")[1:5]] for line in done.stdout.splitlines() if "│ core" in line]
    assert [row[0] for row in rows] == ["0", "0.01", "0.02"]
    for _, _, force, place in rows:
        assert float(force) > 0.1
        nearest = np.linalg.norm([float(x) for x in place.strip("()").split(",")])
        assert nearest == pytest.approx(3.615 / 2**0.5, rel=1e-3)


def test_a_hand_shake_too_near_the_core_is_refused(tmp_path: Path) -> None:
    done = suture("check", "--patch", small(tmp_path / "case", ("- 6.5", "- 3.7")), check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "the continuum has a share in nodes at the rim of the mesh's core" in done.stderr


def test_a_case_of_another_kind_is_told_so(tmp_path: Path) -> None:
    done = suture("check", "--patch", variant("oscillator", tmp_path / "case"), check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "no patch test: it is one of solids in which atoms and elements meet, and of no others" in done.stderr
