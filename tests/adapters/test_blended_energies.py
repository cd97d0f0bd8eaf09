"""Energies blended of atoms' and elements': one energy, its ghost forces and their law, a dead load against them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.adapters.ghost_forces import ghost_forces
from suture.adapters.hand_shake import HandShakeSettings
from suture.couplers.errors import CaseError
from suture.couplers.window import Window
from suture.patch import spurious_forces
from suture.solvers.errors import SolverError

from ..cases.test_wave import small as pulse
from ..cases.variants import played, variant
from ..complaints import edited
from ..solvers.fem.crystal_bodies import SHEET
from .seams_of_atoms import PERFECT, atoms, elements, small
from .test_atoms_in_a_sheet import everywhere, moved, sheet
from .test_solid_boundary import check_text

WINDOW = Window(0, 0.0, 2.0)
SPACING = SHEET["constant"]
SCHEMES = ("energy-blended", "ghost-force-corrected")


def blended(scheme: str, strain: float = 0.0) -> tuple[tuple[str, str], ...]:
    """Changes of the sheet: energies blended over three spacings from where free atoms do not feel it."""
    load = f", correction_strain = [[{strain}, {0.5 * strain}, 0], [{0.5 * strain}, {-0.5 * strain}, 0], [0, 0, 0]]"
    return (
        ("- 4.5", f'- 5.7", width = 3.35, scheme = "{scheme}"{load if strain else ""}, blending = "quintic'),
        ("[4.0, 8.0]", "[10.0]"),
        ('script = "in.sheet"', 'script = "in.sheet"\nvariables = { radius = 11.7 }'),
    )


# -- one energy --------------------------------------------------------------------------------------------------------

BALL: dict[str, Any] = {
    "kind": "crystal", "lower": [-16.5] * 3, "upper": [16.5] * 3, "core": "sqrt(x*x + y*y + z*z) - 2", "grades": [30.0],
}  # fmt: skip
SHAKE = {"distance": "sqrt(x*x + y*y + z*z) - 5.6", "width": 3.0, "scheme": "energy-blended"}


class Both:
    """Copper's atoms, all but the free one led by nodes, and elements, at any displacement of the nodes."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).parents[2] / "cases" / "vacancy" / "in.core"
        variables = {"core": 2.0, "radius": 14.2, "vacancies": 0}
        for name in ("atoms", "elements"):
            (folder / name).mkdir()
        self.atoms, self.led = atoms(folder / "atoms", script, variables=variables)
        self.body, self.side = elements(folder / "elements", SHAKE, mesh=BALL)
        at_nodes, at_atoms = (
            np.round(places / (0.5 * 3.615)).astype(int).tolist()
            for places in (self.side.cells("momentum").points, self.atoms.places[self.atoms.led])
        )
        nodes = {tuple(place): row for row, place in enumerate(at_nodes)}
        self.node_of = np.array([nodes[tuple(place)] for place in at_atoms])

    def at(self, displacement: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in eV, and force on the nodes in eV/Å: of the atoms as they are given, and of the elements."""
        self.body._displacement = displacement.ravel().copy()
        said = {name: values[self.node_of] for name, values in self.side.send(WINDOW).items()}
        self.led.receive(WINDOW, said)
        self.led.deform(np.eye(3))
        self.led.account(WINDOW.dt)
        given = np.zeros((len(displacement), 3))
        given[self.node_of] = self.led.send(WINDOW)["momentum"] / WINDOW.dt / self.atoms.momentum_by_time
        given[self.node_of] += said["force"] / self.atoms.momentum_by_time
        own = self.body.counted_force().reshape(-1, 3)
        return self.atoms.potential() + self.body.material.energy(self.body.displacement), given + own


def test_all_forces_are_the_gradient_of_one_energy(tmp_path: Path) -> None:
    """Along any displacement, by central differences, atoms and elements together; neither is so alone."""
    both = Both(tmp_path)
    points = both.side.cells("momentum").points
    begin, path = 0.1 * np.sin(0.4 * points[:, [1, 2, 0]]), np.random.default_rng(0).normal(size=points.shape)
    path[np.linalg.norm(points, axis=1) > 14.0] = 0.0  # beyond, atoms have a surface, and nodes no atoms
    h = 1e-5
    _, force = both.at(begin)
    energies = [both.at(begin + step * path)[0] for step in (-h, h)]
    measured = (energies[0] - energies[1]) / (2.0 * h)
    assert float((force * path).sum()) == pytest.approx(measured, rel=1e-6)
    own = both.body.counted_force().reshape(-1, 3)
    assert abs(float((own * path).sum()) / measured - 1.0) > 0.01
    assert abs(float(((force - own) * path).sum()) / measured - 1.0) > 0.01
    both.atoms.close()


# -- ghost forces ------------------------------------------------------------------------------------------------------


def plane(folder: Path, edge: float, shake: dict[str, Any]) -> tuple[Any, Any]:
    """A body in a plane, all places of which are nodes, and its side."""
    mesh = {"kind": "crystal", "lower": [-edge] * 2, "upper": [edge] * 2, "core": "sqrt(x*x + y*y) - 2"}
    boundaries = {"outer": {"kind": "displacement", "x": 0, "y": 0}}
    return elements(folder, shake, mesh=mesh | {"grades": [99.0]}, crystal=SHEET, boundaries=boundaries)


def ghosts(width: int, blending: str, folder: Path) -> float:
    """The largest one in a sheet, where the core is as wide as the hand-shake."""
    size = width * SPACING
    edge = 2.0 * size + 2.6 + 3.0
    shake = {"distance": f"sqrt(x*x + y*y) - {size}", "width": size, "blending": blending, "scheme": SCHEMES[0]}
    body, _ = plane(folder, edge, shake)
    slack = 1e-9 * body.domain.size
    return float(np.linalg.norm(ghost_forces(body, HandShakeSettings.model_validate(shake), slack), axis=1).max())


@pytest.mark.parametrize(("blending", "order"), [("linear", 1), ("cubic", 2), ("quintic", 3)])
def test_ghost_forces_fall_with_the_width(blending: str, order: int, tmp_path: Path) -> None:
    """As the chain's do: by the derivative of the blending that jumps, at most the third."""
    widths = (8, 16)
    found = []
    for width in widths:
        (tmp_path / str(width)).mkdir()
        found.append(ghosts(width, blending, tmp_path / str(width)))
    assert np.log2(found[0] / found[1]) == pytest.approx(order, abs=0.5) and found[1] > 1e-4


@pytest.mark.parametrize("strain", [0.0, 0.02])
def test_the_dead_load_takes_them_away_at_its_strain(strain: float, tmp_path: Path) -> None:
    """LAMMPS' forces and the elements' against the load, that of a lattice alone; at other strains they return."""
    perfect = ("radius = 11.7 }", "radius = 11.7, vacancies = 0 }")
    found = spurious_forces(sheet(tmp_path / "case", *blended("ghost-force-corrected", strain), perfect))
    force = {each["strain"]: each["force"] for each in found if each["participant"] == "far"}
    assert force.pop(strain) < 1e-11 and min(force.values()) > 1e-3
    assert max(each["force"] for each in found if each["participant"] == "core") < 1e-11


def test_ghost_forces_of_copper(tmp_path: Path) -> None:
    """eV/Å: seen by the patch test, and gone with the load."""
    seen = []
    for scheme in SCHEMES:
        shake = ('- 6.5"', f'- 9.0", width = 2.0, scheme = "{scheme}"')
        changes = (PERFECT, shake, ("grades = [8.0]", "grades = [20.0]"), ("radius = 19.0", "radius = 17.0"))
        found = spurious_forces(small(tmp_path / scheme, *changes))
        seen.append(max(each["force"] for each in found if each["strain"] == 0.0))
    assert seen[0] == pytest.approx(0.0954, abs=1e-4) and seen[1] < 1e-12


# -- a vacancy in a sheet ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("blended")
    return folder, played([sheet(folder / scheme, *blended(scheme)) for scheme in SCHEMES], ranks=2)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_books_of_one_energy(scheme: str, runs: Any) -> None:
    """They balance; momentum is conserved, so that no row of the atoms has any; the load has a row of its own."""
    assert runs[1][scheme]["exit_code"] == 0 and runs[1][scheme]["worst"] < 1e-12, runs[1]
    with h5py.File(runs[0] / scheme / "RUN" / "ledger.h5") as file:
        kept = {name: file[f"participants/{name}/rows"] for name in ("core", "far")}
        rows = {name: {row: values[:] for row, values in group.items()} for name, group in kept.items()}
    assert "force blending" not in rows["core"] | rows["far"]
    assert np.abs(rows["core"]["integration error"][..., :3]).max() < 1e-9
    assert ("ghost-force correction" in rows["far"]) == (scheme == SCHEMES[1])
    if scheme == SCHEMES[1]:
        assert np.abs(rows["far"]["ghost-force correction"]).max() > 1e-6


def test_the_load_brings_atoms_where_they_are_without_elements(runs: Any, tmp_path: Path) -> None:
    """Free atoms of the corrected scheme, like those of the force-based one; ghost forces move the others."""
    places, alone = everywhere(tmp_path)
    near = np.linalg.norm(places, axis=1) < 3.0
    error = {}
    for scheme in SCHEMES:
        rows = moved(runs[0] / scheme / "RUN")[0]
        nearest = np.linalg.norm(rows[:, None] - places[near], axis=2).argmin(axis=0)
        error[scheme] = np.linalg.norm(rows[nearest] - places[near] - alone[near], axis=1).max()
    assert error["ghost-force-corrected"] < 1e-5  # 2e-6 was measured, and 9e-6
    assert error["energy-blended"] > 3.0 * error["ghost-force-corrected"]


# -- in motion ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_in_motion_nothing_is_left_of_momentum(scheme: str, tmp_path: Path) -> None:
    """A pulse on its way into the hand-shake: all momentum is that of rollers and of the load, and energies balance."""
    case = pulse(
        tmp_path / "case", 0.02,
        ('y*y) - 7.5"', f'y*y) - 8.6", width = 3.0, scheme = "{scheme}"'), ("radius = 10.5", "radius = 14.2"),
        ("grades = [6.0,", "grades = [10.0,"), ("13.532639792547174", "14.499256920586258"), ("end = 1.6", "end = 0.4"),
    )  # fmt: skip
    found = played([case], ranks=2)["case"]
    assert found["exit_code"] == 0 and found["worst"] < 1e-12, found
    with h5py.File(case / "RUN" / "ledger.h5") as file:
        columns = list(file.attrs["columns"])
        rows = {name: kept[:] for side in ("core", "far") for name, kept in file[f"participants/{side}/rows"].items()}
        energy = columns.index("energy")
        pulse_energy = 2.0 * abs(float(file["participants/far/inventory"][0, energy]))
    assert "force blending" not in rows and ("ghost-force correction" in rows) == (scheme == SCHEMES[1])
    moving = [name for name, kept in rows.items() if np.abs(np.delete(kept, energy, axis=1)).max() > 1e-12]
    assert set(moving) <= {"sides", "ghost-force correction"}
    assert abs(rows["integration error"][:, energy].sum()) < 1e-3 * pulse_energy


# -- what cannot be ----------------------------------------------------------------------------------------------------


def test_all_that_push_must_be_nodes(tmp_path: Path) -> None:
    """Those too that only feel one whose energy counts."""
    with pytest.raises(SolverError, match="first of 'grades' is beyond the hand-shake, by the reach of the potential"):
        elements(tmp_path, SHAKE, mesh=BALL | {"grades": [8.0]})


def test_a_plane_does_not_strain_along_z(tmp_path: Path) -> None:
    shake = {"scheme": SCHEMES[1], "correction_strain": [[0, 0, 0], [0, 0, 0], [0, 0, 0.01]]}
    with pytest.raises(SolverError, match="'correction_strain' of the 'hand_shake' is along z"):
        plane(tmp_path, 16.0, {"distance": "sqrt(x*x + y*y) - 5.7", "width": 3.0} | shake)


TABLE = "hand_shake = {"
MISTAKES: dict[str, tuple[tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    "scheme": (((TABLE, TABLE + ' scheme = "blended",'),), ("hand_shake] scheme", '"blended"', "energy-blended")),
    "strain": (
        ((TABLE, TABLE + " correction_strain = [[0.01, 0, 0], [0, 0, 0], [0, 0, 0]],"),),
        ("'correction_strain' is of the scheme 'ghost-force-corrected'", "'force-blended'"),
    ),
    "void": (
        ((TABLE, TABLE + ' scheme = "ghost-force-corrected",'), ("grades = [8.0]", 'grades = [8.0]\nvoid = "1.0"')),
        ("sides.far.hand_shake] scheme", "on a mesh with a 'void'", "'energy-blended' or 'force-blended' there"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path) -> None:
    changes, messages = MISTAKES[name]
    case = small(tmp_path / "case")
    with pytest.raises(CaseError) as caught:
        check_text(case, edited((case / "case.toml").read_text(), *changes))
    for message in ("case.toml", *messages):
        assert message in str(caught.value)


def test_silicon_is_refused(tmp_path: Path) -> None:
    case = variant("patch", tmp_path / "case")
    with pytest.raises(CaseError) as caught:
        text = (case / "case.toml").read_text()
        check_text(case, edited(text, ("width = 5.0", 'width = 5.0, scheme = "energy-blended"')))
    for message in ("hand_shake] scheme", "'stillinger-weber' in the structure 'diamond'", "'force-blended' there"):
        assert message in str(caught.value)
