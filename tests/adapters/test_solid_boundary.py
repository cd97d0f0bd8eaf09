"""A solid body at an interface: momentum and work are booked as they entered, and mistakes are named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.solid_boundary import KIND
from suture.couplers.errors import CaseError
from suture.couplers.kind import Context
from suture.couplers.protocols import Adapter, GivesGross, Records, Rewinds, Solver, Writes
from suture.couplers.window import Window

from ..cases.variants import variant
from ..complaints import edited
from ..mpi import suture
from .test_heat_boundary import check, numbers

SOLVER: dict[str, Any] = {
    "mesh": {"kind": "box", "lower": [0, 0], "upper": [1, 2], "cells": [3, 4]},
    "order": 2,
    "young": 100.0,
    "poisson": 0.3,
    "density": 1.0,
    "velocity": ["0.1*x", "0.2*y"],
    "step": 0.1,
    "probes": {"corner": [1.0, 2.0]},
    "boundaries": {"x-lower": {"kind": "displacement", "x": 0.0, "y": 0.0}, "x-upper": {"kind": "seam"}},
}
WITH_ENERGY = ("momentum", "energy")
HEATED = {"expansion": 1e-3, "reference_temperature": 300.0}


def joined(folder: Path, solver: dict[str, Any] | None = None, **side: Any) -> tuple[Any, Any]:
    context = Context(comm=MPI.COMM_SELF, name="body", case=folder, output=folder, window=0.25)
    body: Any = KIND.create_solver(KIND.solver_settings.model_validate(SOLVER | (solver or {})), context)
    exchange = side.pop("exchange", ((), WITH_ENERGY))
    place = {} if "region" in side else {"boundary": "x-upper"}
    settings = KIND.interface_settings.model_validate(place | side)
    boundary: Any = KIND.create_adapter(body, settings, replace(context, exchange=exchange))
    return body, boundary


def play(body: Any, boundary: Any, window: Window, values: dict[str, np.ndarray]) -> None:
    boundary.receive(window, values)
    for dt in window.steps(lambda: body.max_dt):
        body.advance(dt)
        boundary.account(dt)


def held(body: Any) -> np.ndarray:
    """Inventory less rows: what interfaces have brought."""
    books = [body.inventory(), *body.rows().values()]
    first, *others = (np.append(book["momentum"], book["energy"]) for book in books)
    return first - sum(others)


def test_protocols(tmp_path: Path) -> None:
    body, boundary = joined(tmp_path, condition="traction")
    parts: tuple[Solver, Adapter] = body, boundary
    assert parts and isinstance(boundary, Rewinds) and isinstance(boundary, Records)
    assert isinstance(body, Writes) and isinstance(body, GivesGross)
    mesh = boundary.cells("momentum")
    assert len(mesh) == 9 and mesh.elements["line3"].shape == (4, 3) and np.allclose(mesh.points[:, 0], 1.0)


def test_momentum_enters_to_round_off_and_its_work_is_compared_with_the_partners(tmp_path: Path) -> None:
    """Steps do not divide the window; sent = received + change of the carry, of momentum and of energy."""
    body, boundary = joined(tmp_path, condition="traction")
    before, owed = held(body), np.zeros(4)
    for index, push in enumerate((0.3, -0.7, 0.1)):
        came = {"momentum": np.full((9, 3), [push / 9, 0.01, 0.0]), "energy": np.full((9, 1), 0.002)}
        play(body, boundary, Window(index, 0.25 * index, 0.25), came)
        sent = np.append(came["momentum"].sum(axis=0), came["energy"].sum())
        taken, carry = (np.concatenate([c["momentum"], c["energy"]]) for c in (boundary.received(), boundary.carry()))
        assert sent - taken - (carry - owed) == pytest.approx(0.0, abs=1e-15)
        assert taken[:3] == pytest.approx(sent[:3], rel=1e-13)
        assert held(body) - before == pytest.approx(taken, abs=1e-13)
        before, owed = held(body), carry
    assert abs(owed[3]) > 1e-3  # the partner claimed another work than the forces did


def test_what_left_is_what_the_body_lost(tmp_path: Path) -> None:
    body, boundary = joined(tmp_path, condition="displacement", exchange=(WITH_ENERGY, ()))
    boundary.prepare({"displacement": np.zeros((9, 3))})
    before = held(body)
    play(body, boundary, Window(0, 0.0, 0.25), {"displacement": np.full((9, 3), [0.02, 0.01, 7.0])})
    given = boundary.send(Window(0, 0.0, 0.25))
    assert given["displacement"] == pytest.approx(np.full((9, 3), [0.02, 0.01, 0.0]), abs=1e-15)
    lost = np.append(given["momentum"].sum(axis=0), given["energy"].sum())
    assert before - held(body) == pytest.approx(lost, abs=1e-13)
    assert (np.abs(lost[[0, 1, 3]]) > 1e-3).all() and lost[2] == 0.0
    assert boundary.received() == {} and boundary.carry() == {}


@pytest.mark.parametrize("condition", ["traction", "displacement"])
def test_where_no_energy_is_exchanged_the_work_is_a_row(condition: str, tmp_path: Path) -> None:
    body, boundary = joined(tmp_path, condition=condition, exchange=(("momentum",), ("momentum",)))
    values = {"momentum": np.full((9, 3), 0.01), "displacement": np.full((9, 3), 0.01)}
    before = held(body)
    play(body, boundary, Window(0, 0.0, 0.25), values)
    assert (held(body) - before)[3] == pytest.approx(0.0, abs=1e-14)
    assert abs(body.rows()["x-upper"]["energy"][0]) > 1e-3 and not body.rows()["x-upper"]["momentum"].any()
    assert "energy" not in boundary.received() and "energy" not in boundary.carry()


def test_a_body_gives_the_heat_that_straining_sets_free(tmp_path: Path) -> None:
    seamless = {"boundaries": {"x-lower": {"kind": "displacement", "x": 0.0, "y": 0.0}}}
    body, boundary = joined(tmp_path, HEATED | seamless, region="all", condition="temperature")
    mesh = boundary.cells("energy")
    assert len(mesh) == 63 and mesh.elements["triangle6"].shape == (24, 6)
    boundary.prepare({"temperature": np.full((63, 1), 300.0)})
    before = held(body)
    play(body, boundary, Window(0, 0.0, 0.25), {"temperature": 300.0 + 20.0 * mesh.points[:, :1]})
    heat = boundary.send(Window(0, 0.0, 0.25))["energy"]
    assert before[3] - held(body)[3] == pytest.approx(heat.sum(), rel=1e-12) and heat.sum() < -1e-3
    state = boundary.save(), body.save()
    play(body, boundary, Window(1, 0.25, 0.25), {"temperature": np.full((63, 1), 330.0)})
    first = boundary.send(Window(1, 0.25, 0.25))["energy"]
    boundary.restore(state[0])
    body.restore(state[1])
    play(body, boundary, Window(1, 0.25, 0.25), {"temperature": np.full((63, 1), 330.0)})
    assert (boundary.send(Window(1, 0.25, 0.25))["energy"] == first).all()


def test_a_window_is_repeated_to_the_last_bit(tmp_path: Path) -> None:
    body, boundary = joined(tmp_path, {"material": "neo-hookean"}, condition="traction")
    values = {"momentum": np.full((9, 3), 0.01), "energy": np.full((9, 1), 0.001)}
    play(body, boundary, Window(0, 0.0, 0.25), values)
    saved, found = (body.save(), boundary.save()), []
    for _ in range(2):
        body.restore(saved[0])
        boundary.restore(saved[1])
        play(body, boundary, Window(1, 0.25, 0.25), values)
        found.append((body.displacement.tolist(), boundary.carry()["energy"].tolist(), body.gross()["energy"].tolist()))
    assert found[0] == found[1]


def test_the_course_has_energies_and_probes(tmp_path: Path) -> None:
    body, boundary = joined(tmp_path, condition="traction")
    play(body, boundary, Window(0, 0.0, 0.25), {"momentum": np.zeros((9, 3)), "energy": np.zeros((9, 1))})
    boundary.record(Window(0, 0.0, 0.25))
    boundary.record(Window(0, 0.0, 0.25))
    body._course._file.close()
    with h5py.File(tmp_path / "course.h5") as file:
        assert file["time"][:].tolist() == [0.25] and file["corner"].shape == (1, 2)
        both = file["kinetic"][0] + file["strain"][0]
    assert both == pytest.approx(body.inventory()["energy"][0], rel=1e-14)
    body.write(3, 1.0)
    assert (tmp_path / "fields_000004.xdmf").is_file()


# -- cases -----------------------------------------------------------------------------------------------------------


def test_the_conditions_say_what_is_exchanged(tmp_path: Path) -> None:
    case, estimates = check(tmp_path, case="bar")
    found = [(d.sender, d.receiver, d.amounts, d.states) for d in case.interfaces["cut"].directions]
    assert found == [("left", "right", ("momentum", "energy"), ()), ("right", "left", (), ("displacement",))]
    assert estimates["left"].size == "about 505 nodes" and estimates["left"].steps == 1.0


SIDES = '[interfaces.cut.sides.left]\nboundary = "x-upper"'
MOMENTUM = """
[[interfaces.cut.exchange]]
from = "left"
to = "right"
amounts = ["momentum"]
[[interfaces.cut.exchange]]
from = "right"
to = "left"
states = ["displacement"]
"""


def test_momentum_alone_may_be_exchanged(tmp_path: Path) -> None:
    case, _ = check(tmp_path, (SIDES, MOMENTUM + SIDES), case="bar")
    assert case.interfaces["cut"].exchange_of("right") == (("displacement",), ("momentum",))


SEAM = 'x-upper = { kind = "seam" }'
LEFT = 'boundary = "x-upper"\ncondition = "displacement"'
MESH = 'kind = "box", lower = [0.0, 0.0], upper = [10.0, 1.0], cells = [50, 2], cell = "quadrilateral"'
FORCE = SEAM + '\ny-upper = { kind = "traction", traction = [0, 0, 1] }'
BACK = '[[interfaces.cut.exchange]]\nfrom = "right"\nto = "left"\nstates = ["displacement"]\n'
MISTAKES: dict[str, tuple[Any, ...]] = {
    "two of a kind": (('"traction"', '"displacement"'), "no side's kind gives what the other's takes"),
    "no impulse": ((SIDES, BACK + SIDES), "where 'left' gives nothing and takes displacement", "momentum"),
    "no place": ((LEFT, 'condition = "displacement"'), "give either a 'boundary' by name"),
    "region": ((LEFT, 'region = "all"\ncondition = "displacement"'), 'go with region = "all", and only with it'),
    "typo": ((LEFT, LEFT.replace("x-upper", "x-uper")), "'x-uper', no boundary of the solver", 'mean "x-upper"?'),
    "no seam": ((SEAM, 'x-upper = { kind = "displacement", x = 0.0 }'), "of kind 'displacement'", "of kind 'seam'"),
    "seam alone": ((SEAM, SEAM + '\ny-upper = { kind = "seam" }'), "a seam that no interface names"),
    "order": (("order = 2\n", "order = 3\n"), "order", "1 or 2 at an interface"),
    "file": ((MESH, 'kind = "file", file = "bar.msh"'), "a mesh file, relative to the case"),
    "elasticity": (("poisson = 0.0\n", ""), "the elasticity is given by young"),
    "material": (("order = 2\n", 'order = 2\nmaterial = "neohookean"\n'), "material", "neo-hookean"),
    "components": ((SEAM, FORCE), "the traction of 'y-upper' has 3 components"),
    "radius": (("order = 2\n", "order = 2\nspectral_radius = 1.5\n"), "spectral_radius", "1.5"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path) -> None:
    change, *messages = MISTAKES[name]
    with pytest.raises(CaseError) as caught:
        check(tmp_path, change, case="bar")
    for message in ("case.toml", *messages):
        assert message in str(caught.value)


THERMAL = """
title = "a plate and its heat"
units = "lj"
[time]
window = 0.1
end = 1.0
[participants.heat]
kind = "heat-conduction"
[participants.heat.solver]
mesh = { kind = "box", lower = [0, 0], upper = [1, 1], cells = [2, 2] }
conductivity = 1.0
capacity = 1.0
initial = 300.0
step = 0.1
[participants.plate]
kind = "solid-mechanics"
[participants.plate.solver]
mesh = { kind = "box", lower = [0, 0], upper = [1, 1], cells = [3, 3] }
young = 1.0
poisson = 0.3
density = 1.0
expansion = 1e-3
step = 0.1
[interfaces.body.sides.heat]
region = "all"
[interfaces.body.sides.plate]
region = "all"
condition = "temperature"
"""


def check_thermal(folder: Path, *change: str) -> Any:
    return check_text(folder, THERMAL.replace(*change) if change else THERMAL)


def check_text(folder: Path, text: str) -> Any:
    from suture.check import verify_case
    from suture.couplers.case import load_case

    (folder / "case.toml").write_text(text)
    case = load_case(folder)
    verify_case(case)
    return case


def test_a_body_and_its_heat_exchange_temperature_and_energy(tmp_path: Path) -> None:
    directions = check_thermal(tmp_path).interfaces["body"].directions
    found = {(d.sender, d.receiver, d.amounts, d.states) for d in directions}
    assert found == {("plate", "heat", ("energy",), ()), ("heat", "plate", (), ("temperature",))}


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ("", "a coefficient of thermal expansion"),
        ("expansion = 1e-3\ntemperature = 300", "no temperature, where a partner"),
    ],
)
def test_a_partners_temperature_must_be_wanted(instead: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        check_thermal(tmp_path, "expansion = 1e-3", instead)
    assert message in str(caught.value) and "participants.plate.solver" in str(caught.value)


def test_a_resumed_run_is_the_run_itself(tmp_path: Path) -> None:
    """To the last bit: displacements, velocities, accelerations, rows, gross, and what the boundaries owe."""
    every = [("end = 12.0", "end = 0.5"), ("[scheme]\n", "[run]\ncheckpoint_every = 3\n[scheme]\n")]
    large = ("order = 2\n", 'order = 1\nmaterial = "neo-hookean"\nspectral_radius = 0.8\n')
    coarse = [("cells = [50, 2]", "cells = [10, 1]"), ("cells = [48, 3]", "cells = [10, 2]"), ("(x-5)**2", "(x-10)**2")]
    whole = variant("bar", tmp_path / "whole", *every, large, *coarse)
    cut = variant("bar", tmp_path / "cut", *every, large, *coarse, ("end = 0.5", "end = 0.35"))
    suture("run", whole)
    suture("run", cut)
    shutil.copy(whole / "case.toml", cut / "case.toml")
    suture("run", cut, "--resume")
    expected, found = numbers(whole), numbers(cut)
    assert len(expected["left/course.h5/kinetic"]) == 10 and expected.keys() == found.keys()
    for name, values in expected.items():
        assert np.array_equal(values, found[name], equal_nan=True), name


CRYSTAL = """
title = "a crystal"
units = { system = "lj", sigma = "1 angstrom", epsilon = "1 eV", mass = "1 g/mol" }
[time]
window = 10.0
end = 30.0
[participants.far]
kind = "solid-mechanics"
[participants.far.solver]
mesh = { kind = "box", lower = [0, 0], upper = [40, 40], cells = [4, 4] }
material = "cauchy-born"
density = 1.4
step = 5.0
velocity = ["0.001*y", 0]
[participants.far.solver.crystal]
structure = "diamond"
constant = 5.43095
orientation = [[1, 1, -2], [1, 1, 1], [1, -1, 0]]
potential = { kind = "stillinger-weber", file = "Si.sw", element = "Si" }
[participants.far.solver.boundaries]
x-lower = { kind = "displacement", x = 0, y = 0 }
x-upper = { kind = "traction", traction = [0, "1e-4*t"] }
"""
UNITS = 'units = { system = "lj", sigma = "1 angstrom", epsilon = "1 eV", mass = "1 g/mol" }'


def test_a_crystal_runs_and_its_books_balance(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(CRYSTAL)
    suture("run", tmp_path)
    assert "balance" in suture("ledger", tmp_path).stdout
    with h5py.File(tmp_path / "RUN" / "far" / "course.h5") as course:
        strain = np.asarray(course["strain"])
    assert len(strain) == 3 and (np.diff(strain) > 0.01).all()


MISTAKEN = {
    "units in SI": (
        (UNITS, 'units = "si"'),
        ("participants.far.solver.crystal.potential", "file", "a file in eV and Å, in a participant of units 'si'",
         'units = {system = "lj", sigma = "1 angstrom", epsilon = "1 eV", mass = "1 g/mol"} in [participants.far]'),
    ),
    "units that do not go together": ((UNITS, 'units = "metal"'), ("units 'metal'", "go together")),
    "units without a scale": ((UNITS, 'units = "lj"'), ("in a participant of units 'lj'",)),
    "another length": (("1 angstrom", "1 nm"), ("sigma = 1 nm",)),
    "another energy": (("1 eV", "1 kJ/mol"), ("epsilon = 1 kJ/mol",)),
    "a file that is nowhere": (("Si.sw", "Si.none"), ("there is no potential file Si.none", "participants.far.solver")),
    "an element that is not there": (('element = "Si"', 'element = "Ge"'), ("Si.sw has no entry Ge Ge Ge",)),
    "a constant far from rest": (("5.43095", "7.0"), ("constant", "7, at which the crystal is not stable")),
    "a cut-off before any atom": (
        ('{ kind = "stillinger-weber", file = "Si.sw", element = "Si" }',
         '{ kind = "lennard-jones", epsilon = 1, sigma = 1, cutoff = 2.0 }'),
        ("the potential reaches 2; no two atoms of diamond",),
    ),
    "axes that are not orthogonal": (("[1, -1, 0]", "[1, 0, 0]"), ("x and z are not orthogonal",)),
    "moduli beside a crystal": (("density = 1.4", "density = 1.4\nlame = 1\nshear = 1"), ("remove lame and shear",)),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKEN)
def test_mistakes_in_a_crystal(mistake: str, tmp_path: Path) -> None:
    change, texts = MISTAKEN[mistake]
    with pytest.raises(CaseError) as caught:
        check_text(tmp_path, edited(CRYSTAL, change))
    for text in texts:
        assert text in str(caught.value)


def test_lennard_jones_is_in_any_units(tmp_path: Path) -> None:
    potential = '{ kind = "stillinger-weber", file = "Si.sw", element = "Si" }'
    argon = '{ kind = "lennard-jones", epsilon = 1, sigma = 1, cutoff = 2.5 }'
    fcc = [('"diamond"', '"fcc"'), ("5.43095", "1.5496"), (potential, argon), (UNITS, 'units = "lj"')]
    check_text(tmp_path, edited(CRYSTAL, *fcc))


def test_how_fast_a_crystal_vibrates(tmp_path: Path) -> None:
    """Four times its length over the speed of longitudinal waves along x, here [100]."""
    text = edited(CRYSTAL, ("orientation = [[1, 1, -2], [1, 1, 1], [1, -1, 0]]\n", ""))
    found = check_text(tmp_path, text).participants["far"].solver
    request: Any = SimpleNamespace(solver=found, case=tmp_path)
    assert KIND.scales is not None
    c11 = 151.42 / 160.2177
    assert KIND.scales(request).times["vibration"] == pytest.approx(160.0 * (1.4 / c11) ** 0.5, rel=1e-3)
