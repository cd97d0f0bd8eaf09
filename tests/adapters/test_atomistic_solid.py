"""Atoms inside of an elastic continuum: they follow it, push it, and book what that brings; mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.couplers.errors import CaseError
from suture.couplers.protocols import Adapter, Deforms, GivesGross, Records, Rewinds, Solver
from suture.couplers.window import Window

from ..complaints import edited
from ..solvers.md.solid_atoms import HERE, waved
from .seams_of_atoms import atoms, small
from .test_solid_boundary import check_text

WINDOW = Window(0, 0.0, 2.0)


def led(solver: Any, moved: bool = True) -> dict[str, np.ndarray]:
    """What elements might say at the led atoms."""
    places = solver.places[solver.led]
    some = 0.5 + 0.5 * np.sin(places[:, :1])
    return {
        "displacement": waved(places) if moved else np.zeros_like(places),
        "shift": np.zeros_like(places),
        "blending": some,
        "covered": 0.8 * some,
        "weight": np.ones_like(some),
        "force": 0.1 * np.cos(places),
    }


@pytest.fixture
def copper(tmp_path: Path) -> Any:
    solver, adapter = atoms(tmp_path, HERE / "in.block")
    yield solver, adapter
    solver.close()


def test_protocols(copper: Any) -> None:
    solver, adapter = copper
    parts: tuple[Solver, Adapter] = copper
    assert parts and isinstance(adapter, Rewinds) and isinstance(adapter, Records) and isinstance(adapter, Deforms)
    assert isinstance(solver, GivesGross)
    mesh = adapter.cells("momentum")
    assert np.array_equal(mesh.points, solver.places[solver.led]) and not mesh.elements


def test_led_atoms_push_by_their_share_and_the_row_has_it(copper: Any, tmp_path: Path) -> None:
    """Given: (1 - blending) of the atom's force, less the elements' force that it replaces, over the window."""
    solver, adapter = copper
    adapter.prepare(led(solver, moved=False))
    assert solver.rows()["force blending"]["energy"] == 0.0
    before, said = solver.potential(), led(solver)
    adapter.receive(WINDOW, said)
    solver.advance(2.0)
    adapter.account(2.0)
    given, work = (adapter.send(WINDOW)[quantity] for quantity in ("momentum", "energy"))
    push = (1.0 - said["blending"]) * solver.force[solver.led] - said["force"]
    assert np.allclose(given, 2.0 * push, rtol=1e-14, atol=0.0) and np.abs(given).max() > 0.1
    row = solver.rows()["force blending"]
    assert np.abs(row["momentum"] - given.sum(axis=0)).max() < 1e-14 * solver.gross()["momentum"][0]
    assert work[:, 0] == pytest.approx(
        (given * solver.path[solver.led]).sum(axis=1) * solver.lammps.constant("mvv2e") / 2.0
    )
    gained = solver.potential() - before
    assert row["energy"][0] == pytest.approx(gained + work.sum(), rel=1e-11) and gained > 0.01
    assert solver.gross()["momentum"] == pytest.approx(np.full(3, np.linalg.norm(given, axis=1).sum()))
    weight = np.ones(len(solver.led))
    weight[solver.led] = 1.0 - said["covered"][:, 0]
    assert solver.inventory()["energy"][0] == pytest.approx(weight @ solver.save()["energies"], rel=1e-14)
    assert adapter.received() == {} and adapter.carry() == {}
    adapter.record(WINDOW)
    adapter.record(WINDOW)
    solver._course._file.close()
    with h5py.File(tmp_path / "course.h5") as file:
        assert file["energy"][:].tolist() == [solver.potential()] and file["force"][0] < 1e-9
        assert file["atoms"][0] == pytest.approx(weight.sum(), rel=1e-14)


def test_a_repeated_window_finds_the_same_equilibrium(copper: Any) -> None:
    """Within the tolerance of the forces: its search begins where the last one ended."""
    solver, adapter = copper
    adapter.prepare(led(solver, moved=False))
    kept, found = (solver.save(), adapter.save()), []
    for _ in range(2):
        solver.restore(kept[0])
        adapter.restore(kept[1])
        adapter.receive(WINDOW, led(solver))
        solver.advance(2.0)
        adapter.account(2.0)
        found.append(np.append(adapter.send(WINDOW)["momentum"].ravel(), solver.rows()["force blending"]["energy"]))
    assert found[1] == pytest.approx(found[0], rel=1e-9, abs=1e-9 * np.abs(found[0]).max())


def test_atoms_of_the_second_place_give_nothing_for_elements_and_shift_ahead(tmp_path: Path) -> None:
    """The displacement is that of the cell's middle; a cell's force of elements is replaced once, at its first atom."""
    solver, adapter = atoms(tmp_path, HERE / "in.silicon", second="second")
    said = led(solver, moved=False) | {"blending": np.ones((solver.led.sum(), 1))}
    said["shift"] = np.full_like(said["shift"], 0.02)
    adapter.prepare(said)
    second = solver.second[solver.led]
    assert 0 < second.sum() < len(second)
    moved = np.where(second[:, None], 0.01, -0.01) * np.ones(3)
    assert np.array_equal(solver.displacement[solver.led], moved)
    adapter.account(1.0)
    assert np.allclose(adapter.send(WINDOW)["momentum"], np.where(second[:, None], 0.0, -said["force"]), atol=1e-15)
    solver.close()


def test_a_uniform_strain_leaves_no_force_on_free_atoms(tmp_path: Path) -> None:
    """Where the elements lead the others to it, as far as the potential reaches from the neighbours of free ones."""
    solver, adapter = atoms(tmp_path, HERE / "in.block", variables={"radius": 17.5})
    adapter.prepare(led(solver, moved=False))
    for size in (0.0, 0.02):
        gradient = np.eye(3) + size * np.array([[1.0, 0.5, 0.0], [0.0, -1.0, 0.2], [0.0, 0.0, 0.3]])
        strained = led(solver, moved=False) | {"displacement": solver.places[solver.led] @ (gradient - np.eye(3)).T}
        adapter.receive(WINDOW, strained)
        adapter.deform(gradient)
        places, forces = adapter.spurious()
        assert len(places) == (~solver.led).sum() and np.abs(forces).max() < 1e-9  # 1 eV/Å is 9649
        assert np.allclose(solver.save()["positions"], solver.places @ gradient.T, atol=1e-12)
    adapter.receive(WINDOW, strained | {"displacement": 1.1 * strained["displacement"]})
    adapter.deform(gradient)
    assert np.abs(adapter.spurious()[1]).max() > 1.0
    solver.close()


# -- cases -------------------------------------------------------------------------------------------------------------

CORE = 'free = "free"'
MISTAKES: dict[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "no script": (('"in.core"', '"in.cor"'), ("participants.core.solver", "in.cor", "a LAMMPS script in the case")),
    "script": (('"in.core"', '"in.core"\nvariables = { a = "x" }'), ("in.core", "a script that LAMMPS accepts")),
    "no group": ((CORE, 'free = "fre"'), ("free", "'fre'", "a group of in.core that has atoms", "free (")),
    "empty": ((CORE, 'free = "vacancy_none"'), ("'vacancy_none'", "a group of in.core that has atoms")),
    "second": ((CORE, CORE + '\nsecond = "b"'), ("second", "'b'", "a group of in.core that has atoms")),
    "all": ((CORE, 'free = "all"'), ("'all', which is all atoms", "some atoms that are not free: they follow the")),
    "plane": ((CORE, CORE + "\nplane = true"), ("plane", "a box that is periodic along z ('p' in `boundary`)")),
    "typo": ((CORE, CORE + "\ntolerence = 1e-9"), ("tolerence",)),
    "tolerance": ((CORE, CORE + "\ntolerance = 0.0"), ("tolerance", "greater than 0")),
    "moving elements": (
        ('"quasi-static"\nstep', '"velocity-verlet"\nstep'),
        ("core.solver] time_integration", "'quasi-static', where that of 'far' is 'velocity-verlet'", "in both"),
    ),
    "moving atoms": (
        ('"quasi-static"\nscript', '"velocity-verlet"\nscript'),
        ("core.solver] time_integration", "'velocity-verlet', where that of 'far' is 'quasi-static'", "in both"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path) -> None:
    change, messages = MISTAKES[name]
    case = small(tmp_path / "case")
    if name == "script":
        change = ("variables = {", 'variables = { a = "x",')
    text = edited((case / "case.toml").read_text(), change)
    with pytest.raises(CaseError) as caught:
        check_text(case, text)
    for message in ("case.toml", *messages):
        assert message in str(caught.value)


def test_an_empty_group_is_named_as_such(tmp_path: Path) -> None:
    case = small(tmp_path / "case")
    with (case / "in.core").open("a") as script:
        script.write("\ngroup nobody empty\n")
    with pytest.raises(CaseError, match="'nobody', which is empty"):
        check_text(case, edited((case / "case.toml").read_text(), (CORE, 'free = "nobody"')))


def test_atoms_have_one_interface(tmp_path: Path) -> None:
    case = small(tmp_path / "case")
    text = (case / "case.toml").read_text()
    body, sides = text[text.index("[participants.far]") : text.index("[interfaces")], text[text.index("[interfaces") :]
    again = body.replace("participants.far", "participants.more") + sides.replace("seam", "edge").replace("far", "more")
    with pytest.raises(CaseError, match="seam, edge(.|\n)*one interface, with the continuum around the atoms"):
        check_text(case, edited(text, ('["far", "core"]', '["far", "more", "core"]')) + again)
