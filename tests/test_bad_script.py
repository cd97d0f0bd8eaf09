"""Mistakes in a LAMMPS script, and in what a case says of it: told before the run, from a trial of the script."""

from __future__ import annotations

import pytest

from .complaints import edited, require, suture, write

CASE = """\
units = "lj"

[time]
window = 0.25
end = 5.0

[participants.particles]
kind = "particle-region"

[participants.particles.solver]
script = "in.wall"
variables = {seed = 1}
fluid = "fluid"
walls = {bottom = {group = "wall", force = "wallforce"}}

[participants.tank]
kind = "stub-sink"
solver = {lower = [0, 0, 4], upper = [6, 6, 4]}

[interfaces.seam.sides.tank]
[interfaces.seam.sides.particles]
axis = "z"
at = 4.0
slabs = 2
thickness = 2.0
piston = "piston"
"""

SCRIPT = """\
variable        seed index 1
variable        equilibration index 1000

units           lj
boundary        p p f
region          box block 0 6 0 6 -2 12
create_box      2 box
lattice         sc 0.5787037037
region          wall block INF INF INF INF -1.3 0.1
create_atoms    2 region wall
region          fluid block INF INF INF INF 1 5
create_atoms    1 region fluid
mass            * 1.0
pair_style      lj/cut 1.122462
pair_modify     shift yes
pair_coeff      * * 1.0 1.0

group           fluid type 1
group           wall type 2
neigh_modify    exclude group wall wall
timestep        0.005
velocity        fluid create 1.0 ${seed}

variable        piston equal 9.5
fix             piston fluid wall/lj126 zhi v_piston 1.0 1.0 1.122462 units box
fix             wallforce wall store/force
fix             motion fluid nve
run             ${equilibration}
"""

SIDE = "[interfaces.seam.sides.particles]"
SOLVER = "[participants.particles.solver"

IN_THE_CASE = {
    "a script that is missing": ('"in.wall"', '"in.wal"', f"{SOLVER}] script", "in.wal", "LAMMPS script"),
    "an unknown key": ("fluid = ", "fluids = ", f"{SOLVER}] fluids", 'did you mean "fluid"?'),
    "a group that is missing": ('fluid = "fluid"', 'fluid = "liquid"', f"{SOLVER}] fluid", "'liquid'", "fluid ("),
    "a wall's group that is missing": ('group = "wall"', 'group = "walls"', "walls.bottom] group", "'walls'"),
    "a fix that is missing": ('"wallforce"', '"wallforces"', "walls.bottom] force", "wallforce", "store/force"),
    "a fix of another style": ('"wallforce"', '"motion"', "walls.bottom] force", "'motion'", "store/force"),
    "a window and a half step": ("window = 0.25\nend = 5.0", "window = 0.2525\nend = 5.05", "[time] window", "0.255"),
    "a buffer that leaves the box": (
        "thickness = 2.0",
        "thickness = 5.0",
        f"{SIDE} thickness",
        "fewer or thinner slabs",
    ),
    "a buffer shorter than the forces": (
        "slabs = 2\nthickness = 2.0",
        "slabs = 1\nthickness = 0.5",
        f"{SIDE} thickness",
    ),
    "a plane that is not the partner's": ("at = 4.0", "at = 4.5", "[interfaces.seam] sides", "0.5 apart along z"),
    "an axis that is not the partner's": (
        'axis = "z"',
        'axis = "x"',
        "[interfaces.seam] sides",
        "one is flat along x, the other along z",
    ),
    "no slabs": ("slabs = 2", "slabs = 0", f"{SIDE} slabs", "greater than or equal to 1"),
    "a piston that is missing": (
        'piston = "piston"',
        'piston = "lid"',
        f"{SIDE} piston",
        "'lid'",
        "variable lid equal",
    ),
    "no axis": ('axis = "z"', 'axis = "w"', f"{SIDE} axis", "x, y, z"),
}

IN_THE_SCRIPT = {
    "an unknown command": (
        "timestep",
        "timestp",
        "[participants.particles.solver] script",
        "in.wall, line 21",
        "timestp",
    ),
    "an unknown pair style": ("lj/cut 1", "lj/cutt 1", "in.wall, line 14", "pair style"),
    "an undefined variable": ("${seed}", "${sed}", "script", "in.wall"),
    "a file that is missing": ("group           fluid type 1", "include fluid.lmp", "script", "fluid.lmp"),
    "a piston without its fix": ("fix             piston ", "fix             lid ", f"{SIDE} piston", "wall/"),
    "a piston in the buffer": ("piston equal 9.5", "piston equal 6.5", f"{SIDE} piston", "stands at 6.5"),
    "a style that is not pairwise": (
        "pair_style      lj/cut 1.122462\npair_modify     shift yes\npair_coeff      * * 1.0 1.0",
        "pair_style      sw\npair_coeff      * * Si.sw Si Si",
        "script",
        "in.wall",
    ),
}


def test_the_unedited_case_is_in_order(capsys, tmp_path):
    (tmp_path / "in.wall").write_text(SCRIPT)
    complaint = suture(capsys, "check", write(tmp_path, CASE))
    assert complaint.code == 0, complaint.text
    assert "50 steps a window, about" in complaint.text
    assert "cost: about" in complaint.text


@pytest.mark.parametrize("mistake", IN_THE_CASE)
def test_mistake_in_the_case(capsys, tmp_path, mistake):
    old, new, *texts = IN_THE_CASE[mistake]
    (tmp_path / "in.wall").write_text(SCRIPT)
    complaint = suture(capsys, "check", write(tmp_path, edited(CASE, (old, new))))
    require(complaint, str(tmp_path / "case.toml"), "found:", *texts)


def test_a_plane_outside_the_box(capsys, tmp_path):
    (tmp_path / "in.wall").write_text(SCRIPT)
    case = edited(CASE, ("at = 4.0", "at = 40.0"), ("[0, 0, 4], upper = [6, 6, 4]", "[0, 0, 40], upper = [6, 6, 40]"))
    require(suture(capsys, "check", write(tmp_path, case)), f"{SIDE} at", "-2 to 12")


def test_a_periodic_axis(capsys, tmp_path):
    (tmp_path / "in.wall").write_text(SCRIPT)
    tank = ("lower = [0, 0, 4], upper = [6, 6, 4]", "lower = [2, 0, 0], upper = [2, 6, 6]")
    case = edited(CASE, ('axis = "z"\nat = 4.0\nslabs = 2', 'axis = "x"\nat = 2.0\nslabs = 1'), tank)
    require(suture(capsys, "check", write(tmp_path, case)), f"{SIDE} axis", "along which the box is periodic")


@pytest.mark.parametrize("mistake", IN_THE_SCRIPT)
def test_mistake_in_the_script(capsys, tmp_path, mistake):
    old, new, *texts = IN_THE_SCRIPT[mistake]
    (tmp_path / "in.wall").write_text(edited(SCRIPT, (old, new)))
    require(suture(capsys, "check", write(tmp_path, CASE)), str(tmp_path / "case.toml"), "found:", *texts)


def test_a_script_that_loses_atoms_unless_equilibrated_is_in_order(capsys, tmp_path):
    """The trial's few timed steps are not the run: without equilibration they may fail, and the cost is not known."""
    # Denser, the lattice does not fit the periodic box: its atoms overlap across the boundary.
    (tmp_path / "in.wall").write_text(edited(SCRIPT, ("sc 0.5787037037", "sc 0.8")))
    complaint = suture(capsys, "check", write(tmp_path, CASE))
    assert complaint.code == 0, complaint.text
    assert "cost: not known" in complaint.text
