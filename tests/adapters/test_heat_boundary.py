"""A body of finite elements at an interface: what came is booked as it entered, and mistakes are named."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.heat_boundary import KIND, HeatBoundary
from suture.couplers.case import load_case
from suture.couplers.errors import CaseError
from suture.couplers.kind import Context
from suture.couplers.protocols import Adapter, Records, Rewinds, Solver, Writes
from suture.couplers.window import Window

from ..cases.variants import ROOT, variant
from ..mpi import suture

SOLVER: dict[str, Any] = {
    "mesh": {"kind": "box", "lower": [0, 0], "upper": [1, 2], "cells": [3, 4]},
    "order": 2,
    "conductivity": 2.0,
    "capacity": 3.0,
    "initial": "1 + x",
    "step": 0.1,
    "reference": "1 + x",
    "probes": {"middle": [0.5, 1.0]},
    "boundaries": {"x-lower": {"kind": "flux", "flux": 0.0}, "x-upper": {"kind": "seam"}},
}


def joined(folder: Path, **side: Any) -> tuple[Any, HeatBoundary]:
    context = Context(comm=MPI.COMM_SELF, name="body", case=folder, output=folder, window=0.25)
    solver: Any = KIND.create_solver(KIND.solver_settings.model_validate(SOLVER), context)
    place = {} if "region" in side else {"boundary": "x-upper"}
    settings = KIND.interface_settings.model_validate(place | side)
    boundary: Any = KIND.create_adapter(solver, settings, context)
    return solver, boundary


def play(solver: Any, boundary: HeatBoundary, window: Window, values: dict[str, np.ndarray]) -> None:
    boundary.receive(window, values)
    for dt in window.steps(lambda: solver.max_dt):
        solver.advance(dt)
        boundary.account(dt)


def test_protocols(tmp_path: Path) -> None:
    solver, boundary = joined(tmp_path, condition="flux")
    parts: tuple[Solver, Adapter] = solver, boundary
    assert parts and isinstance(boundary, Rewinds) and isinstance(boundary, Records) and isinstance(solver, Writes)
    mesh = boundary.cells("energy")
    assert len(mesh) == 9 and mesh.elements["line3"].shape == (4, 3) and np.allclose(mesh.points[:, 0], 1.0)


@pytest.mark.parametrize("place", [{}, {"region": "all"}])
def test_heat_enters_to_round_off_in_steps_that_do_not_divide_the_window(place: dict[str, str], tmp_path: Path) -> None:
    solver, boundary = joined(tmp_path, **place)
    n = len(boundary.cells("energy"))
    assert n == (63 if place else 9)
    opening = solver.inventory()["energy"][0]
    for index, heat in enumerate((3.0, -7.0, 0.1)):
        play(solver, boundary, Window(index, 0.25 * index, 0.25), {"energy": np.full((n, 1), heat / n)})
        assert boundary.received()["energy"][0] == pytest.approx(heat, rel=1e-13)
        assert abs(boundary.carry()["energy"][0]) < 1e-13
    assert solver.inventory()["energy"][0] - opening == pytest.approx(-3.9, rel=1e-11)


def test_what_a_robin_boundary_refuses_is_owed(tmp_path: Path) -> None:
    """Sent = received + change of the carry, and the carry comes in later."""
    solver, boundary = joined(tmp_path, condition="robin", coefficient=50.0)
    boundary.prepare({"temperature": np.full((9, 1), 2.0)})
    owed = 0.0
    for index in range(6):
        heat = 5.0 if index == 0 else 0.0
        partner = np.full((9, 1), 2.0) if index < 3 else boundary.send(Window(0, 0.0, 0.0))["temperature"]
        play(
            solver, boundary, Window(index, 0.25 * index, 0.25),
            {"energy": np.full((9, 1), heat / 9), "temperature": partner},
        )  # fmt: skip
        got, carry = boundary.received()["energy"][0], boundary.carry()["energy"][0]
        assert heat - got - (carry - owed) == pytest.approx(0.0, abs=1e-12)
        owed = carry
        if index == 0:
            assert abs(carry) > 0.5


def test_what_left_is_what_the_body_lost(tmp_path: Path) -> None:
    solver, boundary = joined(tmp_path, condition="temperature")
    boundary.prepare({"temperature": np.full((9, 1), 2.0)})
    before = solver.inventory()["energy"][0]
    play(solver, boundary, Window(0, 0.0, 0.25), {"temperature": np.zeros((9, 1))})
    given = boundary.send(Window(0, 0.0, 0.25))
    assert (given["temperature"] == 0.0).all()
    assert given["energy"].sum() == pytest.approx(before - solver.inventory()["energy"][0], rel=1e-12)
    assert given["energy"].sum() > 1.0
    assert boundary.received() == {} and boundary.carry() == {}


def test_the_course_has_probes_and_the_error(tmp_path: Path) -> None:
    solver, boundary = joined(tmp_path, condition="flux")
    boundary.record(Window(0, 0.0, 0.25))
    boundary.record(Window(0, 0.0, 0.25))
    solver._course._file.close()
    with h5py.File(tmp_path / "course.h5") as file:
        assert file["time"][:].tolist() == [0.25]
        assert file["middle"][:] == pytest.approx([1.5]) and file["error"][:] == pytest.approx([0.0])


# -- cases -----------------------------------------------------------------------------------------------------------


def check(folder: Path, *changes: tuple[str, str], case: str = "partitioned-heat") -> Any:
    from suture.check import verify_case

    text = (ROOT / "cases" / case / "case.toml").read_text()
    for old, new in changes:
        assert old in text, f"{old!r} is not in the case: the test would prove nothing"
        text = text.replace(old, new, 1)
    (folder / "case.toml").write_text(text)
    loaded = load_case(folder)
    return loaded, verify_case(loaded)


@pytest.mark.parametrize(
    ("other", "exchange"),
    [
        ('"flux"', [("left", "right", ("energy",), ()), ("right", "left", (), ("temperature",))]),
        (
            '"robin"\ncoefficient = 2.0',
            [("left", "right", ("energy",), ("temperature",)), ("right", "left", (), ("temperature",))],
        ),
    ],
)
def test_the_conditions_say_what_is_exchanged(other: str, exchange: list[Any], tmp_path: Path) -> None:
    case, estimates = check(tmp_path, ('condition = "flux"', f"condition = {other}"))
    found = [(d.sender, d.receiver, d.amounts, d.states) for d in case.interfaces["cut"].directions]
    assert found == exchange
    assert estimates["left"].size == "about 289 nodes" and estimates["left"].steps == 1.0


LEFT = 'boundary = "x-upper"\ncondition = "temperature"'
SEAM = 'x-upper = { kind = "seam" }'
TOP = 'y-upper = { kind = "temperature", temperature = "4 + x**2 + 1.2*t" }'
BOX = 'mesh = { kind = "box", lower = [0.0, 0.0], upper = [1.0, 1.0], cells = [8, 8] }'
FLUX = 'condition = "flux"'
ALONE = "a 'coefficient' goes with the condition 'robin'"
PLACE = "give either a 'boundary' by name, or region = \"all\""
MISTAKES: dict[str, tuple[Any, ...]] = {
    "two of a kind": ((FLUX, 'condition = "temperature"'), "'temperature', where 'left' gives temperature"),
    "robin alone": ((FLUX, 'condition = "robin"'), ALONE),
    "coefficient alone": ((FLUX, FLUX + "\ncoefficient = 2.0"), ALONE),
    "no place": ((LEFT, 'condition = "temperature"'), PLACE),
    "two places": ((LEFT, LEFT + '\nregion = "all"'), PLACE),
    "region": ((LEFT, 'region = "all"\ncondition = "temperature"'), "it must be 'flux'"),
    "typo": ((LEFT, LEFT.replace("x-upper", "x-uper")), "'x-uper', no boundary of the solver", 'mean "x-upper"?'),
    "no seam": ((SEAM, 'x-upper = { kind = "flux", flux = 0.0 }'), "a boundary of kind 'flux'", "of kind 'seam'"),
    "seam alone": ((TOP, 'y-upper = { kind = "seam" }'), "a seam that no interface names"),
    "order": (("order = 2\n", "order = 3\n"), "order", "1 or 2 at an interface"),
    "no side": ((SEAM, SEAM + '\nhot = { kind = "flux", flux = 0.0 }'), "a box has no boundary 'hot'"),
    "box": (("upper = [1.0, 1.0]", "upper = [0.0, 1.0]"), "along x 'lower' is 0.0 and 'upper' 0.0", "'lower' must"),
    "lengths": (("cells = [8, 8]", "cells = [8, 8, 8]"), "'lower', 'upper' and 'cells' differ in length"),
    "cell": (("cells = [8, 8]", 'cells = [8, 8], cell = "tetrahedron"'), "'cell' is 'tetrahedron' in 2 dimensions"),
    "formula": (('initial = "1 + x**2 + 3*y**2"', 'initial = "1 + r**2"'), "unknown name 'r'"),
    "probe": (("order = 2\n", "order = 2\nprobes = { a = [1.0, 1.0, 1.0] }\n"), "probe 'a' has 3 coordinates"),
    "name of a probe": (("order = 2\n", "order = 2\nprobes = { time = [1.0, 1.0] }\n"), "a probe has the name 'time'"),
    "name of a row": (
        (SEAM, SEAM + '\nsource = { kind = "flux", flux = 0.0, where = "x" }'),
        "which is a row of the books",
    ),
    "kind of mesh": (('kind = "box"', 'kind = "bow"'), 'did you mean "box"?'),
    "file": ((BOX, 'mesh = { kind = "file", file = "plate.msh" }'), "a mesh file, relative to the case"),
    "material": (("conductivity = 1.0", "conductivity = true"), "True", "a number, a formula in x, y, z, or a table"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path) -> None:
    change, *messages = MISTAKES[name]
    with pytest.raises(CaseError) as caught:
        check(tmp_path, change)
    for message in ("case.toml", *messages):
        assert message in str(caught.value)


FILE_MISTAKES: dict[str, tuple[Any, ...]] = {
    "group": (("end = {", "ends = {"), "no group of facets in left.msh", "bottom, top, end, cut", "did you mean"),
    "region": (("{ body = 1.0 }", "{ bodies = 1.0 }"), "no group of cells in left.msh", "body", "did you mean"),
    "no mesh": (('"left.msh"', '"case.toml"'), "a mesh that can be read"),
}


@pytest.mark.parametrize("name", FILE_MISTAKES)
def test_mistakes_about_mesh_files_are_named_before_anything_runs(name: str, tmp_path: Path) -> None:
    for side in ("left", "right"):
        shutil.copy(ROOT / "cases" / "partitioned-heat-curved" / f"{side}.msh", tmp_path)
    change, *messages = FILE_MISTAKES[name]
    with pytest.raises(CaseError) as caught:
        check(tmp_path, change, case="partitioned-heat-curved")
    for message in messages:
        assert message in str(caught.value)


def test_a_place_that_is_nowhere_ends_all_ranks_with_one_message(tmp_path: Path) -> None:
    where = (
        'x-upper = { kind = "seam" }',
        'x-upper = { kind = "seam" }\nhot = { kind = "flux", flux = 1.0, where = "x - 7" }',
    )
    done = suture("run", variant("partitioned-heat", tmp_path / "case", where), check=False)
    assert done.returncode == 3
    assert "boundary 'hot': no facets on the rim of the mesh" in done.stderr and "left" in done.stderr
    assert "Traceback" not in done.stderr


def numbers(folder: Path, names: Sequence[str] = ("left", "right")) -> dict[str, np.ndarray]:
    """All that a run's files hold of its participants, by name."""
    found: dict[str, np.ndarray] = {}
    for name in ("ledger.h5", *(f"{each}/course.h5" for each in names)):
        with h5py.File(folder / "RUN" / name) as file:
            datasets: list[str] = []
            file.visititems(lambda key, item, to=datasets: to.append(key) if hasattr(item, "shape") else None)
            found |= {f"{name}/{key}": file[key][:] for key in datasets}
    return found


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_resumed_run_is_the_run_itself(ranks: int, tmp_path: Path) -> None:
    """On one rank to the last bit; on more the direct solver sums in the order in which messages come."""
    every = ("[participants.left]\n", "[run]\ncheckpoint_every = 3\nfields_every = 5\n[participants.left]\n")
    on = ("ranks = 2\n", f"ranks = {ranks}\n")
    whole = variant("partitioned-heat", tmp_path / "whole", every, on)
    cut = variant("partitioned-heat", tmp_path / "cut", every, on, ("end = 1.0", "end = 0.7"))
    suture("run", whole)
    suture("run", cut)
    shutil.copy(whole / "case.toml", cut / "case.toml")
    suture("run", cut, "--resume")
    expected, found = numbers(whole), numbers(cut)
    assert len(expected["left/course.h5/error"]) == 10 and expected.keys() == found.keys()
    for name, values in expected.items():
        if ranks == 1:
            assert np.array_equal(values, found[name], equal_nan=True), name
        else:
            assert np.allclose(values, found[name], rtol=1e-12, atol=1e-12, equal_nan=True), name
    assert (whole / "RUN" / "left" / "fields_000005.xdmf").is_file()
