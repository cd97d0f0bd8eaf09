"""Phonons at an interface: heat that is given enters, and what a case may get wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.phonon_boundary import KIND
from suture.couplers.case import load_case
from suture.couplers.errors import CaseError
from suture.couplers.kind import Context
from suture.couplers.protocols import Adapter, GivesGross, KeepsCourse, Records, Rewinds, Solver, Writes
from suture.couplers.window import Window

from ..cases.variants import ROOT

SOLVER: dict[str, Any] = {
    "mesh": {"kind": "box", "lower": [0.0, 0.0], "upper": [1.0, 1.0], "cells": [4, 4]},
    "material": {"kind": "gray", "heat_capacity": 1.0, "velocity": 1.0, "mean_free_path": 0.5},
    "directions": {"polar": 2, "azimuthal": 8},
    "initial": 1.0,
    "step": 0.1,
    "boundaries": {
        "x-lower": {"kind": "seam"},
        "x-upper": {"kind": "surface"},
        "y-lower": {"kind": "surface", "specularity": 1.0},
        "y-upper": {"kind": "surface", "specularity": 1.0},
    },
    "probes": {"middle": [0.5, 0.5]},
}


def joined(folder: Path, condition: str) -> tuple[Any, Any]:
    context = Context(comm=MPI.COMM_SELF, name="phonons", case=folder, output=folder, window=0.2)
    made: Any = KIND.create_solver(KIND.solver_settings.model_validate(SOLVER), context)
    side = KIND.interface_settings.model_validate({"boundary": "x-lower", "condition": condition})
    return made, KIND.create_adapter(made, side, context)


def play(made: Any, boundary: Any, window: Window, values: dict[str, np.ndarray]) -> None:
    boundary.receive(window, values)
    for dt in window.steps(lambda: made.max_dt):
        made.advance(dt)
        boundary.account(dt)


def test_protocols(tmp_path: Path) -> None:
    made, boundary = joined(tmp_path, "temperature")
    solver: Solver = made
    adapter: Adapter = boundary
    assert isinstance(solver, Rewinds) and isinstance(adapter, Rewinds)
    assert isinstance(made, Writes) and isinstance(made, KeepsCourse) and isinstance(made, GivesGross)
    assert isinstance(boundary, Records)


def test_heat_that_is_given_enters_to_round_off(tmp_path: Path) -> None:
    made, boundary = joined(tmp_path, "flux")
    points = boundary.cells("energy").points
    given = 0.01 * (1.0 + points[:, 1:2])
    before = float(made.inventory()["energy"][0])
    play(made, boundary, Window(0, 0.0, 0.2), {"energy": given})
    assert float(boundary.received()["energy"][0]) == pytest.approx(given.sum(), rel=1e-13)
    assert float(made.inventory()["energy"][0]) - before == pytest.approx(given.sum(), rel=1e-11)
    assert abs(float(boundary.carry()["energy"][0])) <= 1e-13 * given.sum()
    assert (boundary.send(Window(0, 0.0, 0.2))["temperature"] > 1.0).all()


def test_what_left_is_what_the_phonons_lost(tmp_path: Path) -> None:
    made, boundary = joined(tmp_path, "temperature")
    count = len(boundary.cells("energy"))
    boundary.prepare({"temperature": np.ones((count, 1))})
    play(made, boundary, Window(0, 0.0, 0.2), {"temperature": np.full((count, 1), 0.5)})
    out = boundary.send(Window(0, 0.0, 0.2))
    assert out["energy"].sum() == pytest.approx(-float(made.inventory()["energy"][0]), rel=1e-12)
    assert out["energy"].sum() > 1e-3
    assert out["temperature"] == pytest.approx(0.5)


def test_fields_for_paraview_are_written(tmp_path: Path) -> None:
    import meshio

    made, _ = joined(tmp_path, "temperature")
    made.advance(0.1)
    made.write(0, 0.1)
    read = meshio.read(tmp_path / "fields_000001_0.vtu")
    assert read.point_data["temperature"].shape == (4 * 4 * 2 * 3,)
    assert read.point_data["flux"].shape == (4 * 4 * 2 * 3, 3)
    assert "fields_000001_0.vtu" in (tmp_path / "fields_000001.pvtu").read_text()


def check(folder: Path, case: str, *changes: tuple[str, str]) -> None:
    from suture.check import verify_case

    text = (ROOT / "cases" / case / "case.toml").read_text()
    for old, new in changes:
        assert old in text, f"{old!r} is not in the case: the test would prove nothing"
        text = text.replace(old, new, 1)
    (folder / "case.toml").write_text(text)
    verify_case(load_case(folder))


STEADY = 'time_integration = "steady"'
GRAY = '{ kind = "gray", heat_capacity = 1.0, velocity = 1.0, mean_free_path = 0.1 }'
LOWER = 'x-lower = { kind = "temperature", temperature = 1.0 }'
MESH = 'mesh = { kind = "film", lower = [0.0, 0.0, 0.0], upper = [1.0, 1.0, 1.0] }'
BOTH = {"resistance": 'x-lower = { kind = "temperature", temperature = 1.0, transmissivity = 0.5, resistance = 9.0 }'}
ABOVE = '[interfaces.above.sides.film]\nboundary = "x-lower"'
LAYERS = MESH.replace(" }", ", layers = { a = [0.0, 0.4], b = [0.4, 1.0] } }")
BETWEEN = LAYERS + '\ninterfaces = [{ regions = ["a", "b"], KEYS }]'
MISTAKES: dict[str, tuple[str, tuple[str, str], tuple[str, ...]]] = {
    "no step": ("film", (STEADY, ""), ("a 'step' goes with every time_integration but 'steady'",)),
    "step": ("film", (STEADY, STEADY + "\nstep = 1.0"), ("a 'step' goes with every",)),
    "no wall": ("film", (LOWER, ""), ("a film must have each of x-lower, x-upper",)),
    "wall": ("film", (LOWER, LOWER.replace("x-lower", "y-lower")), ("a film must have each of",)),
    "both": ("film", (LOWER, BOTH["resistance"]), ("both 'transmissivity' and 'resistance'",)),
    "negative": ("film", ("mean_free_path = 0.1", "mean_free_path = -0.1"), ("greater than 0",)),
    "kind": ("film", ('kind = "gray"', 'kind = "grey"'), ('did you mean "gray"?',)),
    "typo": ("film", ("heat_capacity", "heat_capacty"), ("heat_capacity",)),
    "bands": (
        "film",
        (GRAY, '{ kind = "bands", heat_capacity = [1.0, 2.0], velocity = [1.0], mean_free_path = [1.0] }'),
        ("2 of 'heat_capacity', 1 of 'velocity'", "as many"),
    ),
    "half periodic": ("film", (LOWER, 'x-lower = { kind = "periodic" }'), ("one is periodic", "both must be")),
    "layers": (
        "film",
        (MESH, MESH.replace(" }", ", layers = { a = [0.0, 0.4], b = [0.5, 1.0] } }")),
        ("layer 'b' goes from 0.5 to 1.0", "it must begin at 0.4"),
    ),
    "region": ("film", (f"material = {GRAY}", f"material = {{ films = {GRAY} }}"), ("names 'films'", "film")),
    "interface": (
        "film",
        (STEADY, STEADY + '\ninterfaces = [{ regions = ["film", "other"] }]'),
        ("'interfaces' names 'other'",),
    ),
    "interface kind": (
        "film",
        (STEADY, STEADY + '\ninterfaces = [{ regions = ["film", "other"], transmissivity = 0.5 }]'),
        ("'transmissivity' goes with kind = 'transmissivity'",),
    ),
    "interface file": (
        "film",
        (MESH, BETWEEN.replace("KEYS", 'file = "g.json"')),
        ("'file' goes with kind = 'measured', and only with it",),
    ),
    "not measured": (
        "film",
        (MESH, BETWEEN.replace("KEYS", 'kind = "measured", file = "g.json"')),
        ("interfaces", "'a' and 'b'", "g.json: No such file or directory", "run the stage that measures it"),
    ),
    "too well": (
        "film",
        (MESH, BETWEEN.replace("KEYS", 'kind = "resistance", resistance = 0.1')),
        ("interfaces", "a resistance of 0.1 is less than", "it must be at least 0.2627"),
    ),
    "one region": (
        "film",
        (STEADY, STEADY + '\ninterfaces = [{ regions = ["film", "film"] }]'),
        ("'regions' names 'film' twice",),
    ),
    "ranks": ("film", (STEADY, STEADY + "\nranks = { directions = 2 }"), ("divides by 2", "has 1 ranks")),
    "file": (
        "film",
        (MESH, 'mesh = { kind = "file", file = "pores.msh" }'),
        ("[participants.film.solver.mesh] file", "pores.msh: no such file"),
    ),
    "box": ("square", ("upper = [1.0, 1.0]", "upper = [1.0, 0.0]"), ("along y 'lower' is 0.0 and 'upper' 0.0",)),
    "lengths": ("square", ("cells = [40, 40]", "cells = [40, 40, 40]"), ("differ in length",)),
    "around": ("square", ("azimuthal = 64", "azimuthal = 62"), ("multiple of 4",)),
    "no seam": ("stack", ('boundary = "x-lower"', 'boundary = "x-lowr"'), ('did you mean "x-lower"?',)),
    "seam alone": (
        "film",
        (LOWER, 'x-lower = { kind = "seam" }'),
        ("a seam that no interface names", "a seam with a partner"),
    ),
    "two of a kind": (
        "stack",
        (
            '[interfaces.above.sides.film]\nboundary = "x-lower"',
            '[interfaces.above.sides.film]\nboundary = "x-lower"\ncondition = "flux"',
        ),
        ("condition",),
    ),
    "slip": (
        "stack",
        ('x-lower = { kind = "seam", transmissivity = 0.5 }', 'x-lower = { kind = "seam", resistance = 1e-10 }'),
        ("boundary 'x-lower'", "C v R = 0.3", "less than the slip 2"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path) -> None:
    case, change, messages = MISTAKES[name]
    with pytest.raises(CaseError) as caught:
        check(tmp_path, case, change)
    for message in ("case.toml", *messages):
        assert message in str(caught.value)


def test_what_is_not_installed_is_said_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suture.adapters.phonon_boundary.find_spec", lambda name: None)
    with pytest.raises(CaseError, match="needs petsc4py"):
        check(tmp_path, "film", (STEADY, STEADY))


def test_advice_knows_how_slow_phonons_are(tmp_path: Path) -> None:
    """A thousandth of a mean free path flies across; a thousand of them diffuse."""
    from suture.couplers.kind import CheckRequest

    def scales(path: float) -> Any:
        film = SOLVER | {"mesh": {"kind": "film", "lower": [0.0] * 3, "upper": [2.0, 1.0, 1.0]}}
        material = {"kind": "gray", "heat_capacity": 3.0, "velocity": 4.0, "mean_free_path": path}
        ends = {"x-lower": {"kind": "surface"}, "x-upper": {"kind": "surface"}}
        settings = KIND.solver_settings.model_validate(
            film | {"material": material, "boundaries": ends, "probes": {}, "directions": {}}
        )
        assert KIND.scales is not None
        return KIND.scales(CheckRequest("film", tmp_path, settings, {}, 1.0, 1, frozenset(), ValueError))

    assert scales(2000.0).times["phonons"] == pytest.approx(2.0 / 4.0, rel=1e-2)
    assert scales(0.002).times["phonons"] == pytest.approx(3.0 * 4.0 / (np.pi**2 * 4.0 * 0.002), rel=1e-2)
    assert scales(1.0).length == 2.0 and scales(1.0).finest == 2.0 / 64
