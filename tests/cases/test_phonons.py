"""The cases of phonons: films, squares and gratings alone, a film between solids, and bodies of finite elements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.verify import lookup, read_reference

from .variants import ROOT, evaluation, played, variant

ALONE = ("film", "square", "grating", "pores")
NO_ROBIN = ('condition = "robin"\ncoefficient = 3.75e8', 'condition = "flux"')
PLAIN = ("convergence = { relative = 1e-8 }", 'acceleration = { kind = "none" }')
THICK = ("lower = [-100e-9, 0.0, 0.0]", "lower = [-10e-6, 0.0, 0.0]")
TWO = '[participants.substrate]\nkind = "heat-slab"'


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("phonons")
    folders = [variant(case, folder / case) for case in ALONE]
    folders += [
        variant("stack", folder / "stack"),
        variant("stack", folder / "plain robin", PLAIN),
        variant("stack", folder / "dirichlet-neumann", PLAIN, NO_ROBIN, THICK),
        variant("stack", folder / "quasi-newton", NO_ROBIN, THICK),
        two_participants(folder / "two"),
        bodies(folder / "bodies"),
        bodies(folder / "two ranks", 'kind = "phonon-transport"', 'kind = "phonon-transport"\nranks = 2'),
    ]
    return folder, played(folders)


def two_participants(folder: Path) -> Path:
    """The film touches a body of given temperature below: R = La / ka + 4 / (C v) (1/Q + 1/t1 + 1 - 2)."""
    made = variant("stack", folder)
    text = (made / "case.toml").read_text()
    start, end = text.index(TWO), text.index("# The film feels")
    below = text.index("[interfaces.below.sides.film]")
    text = text[:start] + text[end:below]
    text = text.replace(', "substrate"]', "]")
    text = text.replace(
        'x-upper = { kind = "seam", transmissivity = 0.5 }', 'x-upper = { kind = "temperature", temperature = 300.0 }'
    )
    (made / "case.toml").write_text(text)
    return made


BODIES = """
title = "A square of phonons on a body of finite elements whose nodes do not match its own"
units = "lj"
[time]
window = 0.5
end = 4.0
[scheme]
kind = "serial-implicit"
order = ["phonons", "body"]
convergence = { relative = 1e-8 }
[participants.phonons]
kind = "phonon-transport"
[participants.phonons.solver]
mesh = { kind = "box", lower = [0.0, 0.0], upper = [1.0, 1.0], cells = [7, 6] }
material = { kind = "gray", heat_capacity = 1.0, velocity = 1.0, mean_free_path = 0.3 }
directions = { polar = 2, azimuthal = 16 }
initial = 0.0
step = 0.25
[participants.phonons.solver.boundaries]
x-lower = { kind = "surface" }
x-upper = { kind = "surface", specularity = 1.0 }
y-lower = { kind = "seam", resistance = 12.0 }
y-upper = { kind = "temperature", temperature = "1 + x" }
[participants.body]
kind = "heat-conduction"
[participants.body.solver]
mesh = { kind = "box", lower = [0.0, -1.0], upper = [1.0, 0.0], cells = [5, 4] }
conductivity = 2.0
capacity = 1.0
initial = 0.0
step = 0.25
[participants.body.solver.boundaries]
y-lower = { kind = "temperature", temperature = 0.0 }
y-upper = { kind = "seam" }
[interfaces.seam.sides.phonons]
boundary = "y-lower"
[interfaces.seam.sides.body]
boundary = "y-upper"
condition = "robin"
coefficient = 0.0714285714285714
"""


def bodies(folder: Path, old: str = "", new: str = "") -> Path:
    folder.mkdir()
    (folder / "case.toml").write_text(BODIES.replace(old, new))
    return folder


def crossed(folder: Path) -> np.ndarray:
    """Heat from the phonons to the body, window by window."""
    with h5py.File(folder / "RUN" / "ledger.h5") as ledger:
        (flow,) = ledger["flows"].values()
        return flow["sent"][:, 0]


@pytest.mark.parametrize("case", [*ALONE, "stack"])
def test_the_cases_fulfil_their_requirements(runs: Any, case: str) -> None:
    folder, done = runs
    assert done[case]["exit_code"] == 0, done[case]
    results = {"ledger": {"worst_defect": done[case]["worst"]}} | evaluation(case).evaluate(folder / case / "RUN")
    for check in read_reference(ROOT / "cases" / case).check:
        assert check.holds(lookup(results, check.value, folder)), (check, results)


def test_a_robin_condition_alone_converges(runs: Any) -> None:
    assert runs[1]["plain robin"]["exit_code"] == 0
    found = evaluation("stack").evaluate(runs[0] / "plain robin" / "RUN")
    assert found["iterations"]["most"] <= 25
    assert found["error"] < 1e-4


def test_under_a_thick_cap_dirichlet_neumann_diverges(runs: Any) -> None:
    assert runs[1]["dirichlet-neumann"]["exit_code"] == 7


def test_quasi_newton_converges_where_dirichlet_neumann_diverges(runs: Any) -> None:
    assert runs[1]["quasi-newton"]["exit_code"] == 0
    assert runs[1]["quasi-newton"]["worst"] <= 1e-12
    with h5py.File(runs[0] / "quasi-newton" / "RUN" / "ledger.h5") as ledger:
        assert np.abs(ledger["iterations"][:]).mean() <= 8


def test_two_participants_have_the_closed_form(runs: Any) -> None:
    assert runs[1]["two"]["exit_code"] == 0
    with h5py.File(runs[0] / "two" / "RUN" / "ledger.h5") as ledger:
        heat = abs(float(ledger["flows"][next(iter(ledger["flows"]))]["sent"][-1, 0]))
    exact = 100e-9 / 180 + 4 / 3e9 * (1 / 0.55340599333 + 1 / 0.5 + 1 - 2)
    assert 1e-12 * 1e-7 / heat == pytest.approx(exact, rel=1e-6)
    assert runs[1]["two"]["worst"] <= 1e-12


def test_finite_elements_take_exactly_what_phonons_lose(runs: Any) -> None:
    found = runs[1]["bodies"]
    assert found["exit_code"] == 0, found
    assert found["worst"] <= 1e-12
    with h5py.File(runs[0] / "bodies" / "RUN" / "ledger.h5") as ledger:
        assert np.abs(ledger["iterations"][:]).max() <= 15
    assert abs(crossed(runs[0] / "bodies").sum()) > 1e-3


def test_a_seam_that_two_ranks_share_is_the_same_seam(runs: Any) -> None:
    """The cut between the ranks crosses the seam: a vertex of it belongs to one, and both add to its loads."""
    assert runs[1]["two ranks"]["exit_code"] == 0, runs[1]["two ranks"]
    assert runs[1]["two ranks"]["worst"] <= 1e-12
    assert crossed(runs[0] / "two ranks") == pytest.approx(crossed(runs[0] / "bodies"), rel=1e-6)
