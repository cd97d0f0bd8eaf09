"""A slab at an interface: what came is booked as it entered, the rest is owed, and mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.slab_face import KIND, SlabFace
from suture.couplers.case import load_case
from suture.couplers.errors import CaseError
from suture.couplers.kind import Context
from suture.couplers.protocols import Adapter, Records, Rewinds, Solver
from suture.couplers.window import Window
from suture.solvers.slab import Slab

SOLVER = {
    "lower": [0, 0, 0],
    "upper": [1, 2, 3],
    "cells": 10,
    "conductivity": 2.0,
    "capacity": 3.0,
    "initial": "1 + x",
    "step": 0.1,
    "boundaries": {"lower": {"kind": "flux", "flux": 0.0}, "upper": {"kind": "seam"}},
}


def joined(folder: Path, **side: Any) -> tuple[Slab, SlabFace]:
    context = Context(comm=MPI.COMM_SELF, name="slab", case=folder, output=folder, window=0.25)
    solver: Any = KIND.create_solver(KIND.solver_settings.model_validate(SOLVER), context)
    settings = KIND.interface_settings.model_validate({"side": "upper"} | side)
    face: Any = KIND.create_adapter(solver, settings, context)
    return solver, face


def play(solver: Slab, face: SlabFace, window: Window, values: dict[str, float]) -> None:
    face.receive(window, {name: np.array([[value]]) for name, value in values.items()})
    for dt in window.steps(lambda: solver.max_dt):
        solver.advance(dt)
        face.account(dt)


def test_protocols(tmp_path: Path) -> None:
    solver, face = joined(tmp_path, condition="flux")
    parts: tuple[Solver, Adapter] = solver, face
    assert parts and isinstance(face, Rewinds) and isinstance(face, Records)
    assert face.cells("energy").lower.tolist() == [[1, 0, 0]] and face.cells("energy").upper.tolist() == [[1, 2, 3]]


def test_heat_enters_to_round_off_in_steps_that_do_not_divide_the_window(tmp_path: Path) -> None:
    solver, face = joined(tmp_path, condition="flux")
    opening = solver.inventory()["energy"][0]
    for index, heat in enumerate((3.0, -7.0, 0.1)):
        play(solver, face, Window(index, 0.25 * index, 0.25), {"energy": heat})
        assert face.received()["energy"][0] == pytest.approx(heat, rel=1e-14)
        assert abs(face.carry()["energy"][0]) < 1e-14
    assert solver.inventory()["energy"][0] - opening == pytest.approx(-3.9, rel=1e-12)


def test_what_a_robin_face_refuses_is_owed(tmp_path: Path) -> None:
    """Sent = received + change of the carry, and the carry comes in later."""
    solver, face = joined(tmp_path, condition="robin", coefficient=50.0)
    face.prepare({"temperature": np.array([[2.0]])})
    owed, sent, taken = 0.0, 0.0, 0.0
    for index in range(8):
        heat = 5.0 if index == 0 else 0.0
        partner = 2.0 if index < 4 else solver.seam("upper").temperature
        play(solver, face, Window(index, 0.25 * index, 0.25), {"energy": heat, "temperature": partner})
        got, carry = face.received()["energy"][0], face.carry()["energy"][0]
        assert heat - got - (carry - owed) == pytest.approx(0.0, abs=1e-13)
        owed, sent, taken = carry, sent + heat, taken + got
        if index == 0:
            assert abs(carry) > 0.5
    assert taken == pytest.approx(sent - owed, abs=1e-12)


def test_what_left_is_what_the_slab_lost(tmp_path: Path) -> None:
    solver, face = joined(tmp_path, condition="temperature")
    face.prepare({"temperature": np.array([[2.0]])})
    before = solver.inventory()["energy"][0]
    play(solver, face, Window(0, 0.0, 0.25), {"temperature": 0.0})
    given = face.send(Window(0, 0.0, 0.25))
    assert given["temperature"] == 0.0
    assert given["energy"].item() == pytest.approx(before - solver.inventory()["energy"][0], rel=1e-13)
    assert given["energy"].item() > 1.0
    assert face.received() == {} and face.carry() == {}


def test_the_first_temperature_is_that_of_the_formula_at_the_face(tmp_path: Path) -> None:
    _, face = joined(tmp_path, condition="flux")
    assert face.send(Window(-1, 0.0, 0.0))["temperature"].item() == pytest.approx(2.0)


CASE = """
title = "two slabs"
[time]
window = 0.1
end = 1.0
[scheme]
kind = "serial-implicit"
[participants.a]
kind = "heat-slab"
[participants.a.solver]
lower = [0, 0, 0]
upper = [1, 1, 1]
cells = 4
conductivity = 1.0
capacity = 1.0
initial = 0.0
step = 0.1
boundaries = { lower = { kind = "flux", flux = 0.0 }, upper = { kind = "seam" } }
[participants.b]
kind = "heat-slab"
[participants.b.solver]
lower = [1, 0, 0]
upper = [2, 1, 1]
cells = 4
conductivity = 1.0
capacity = 1.0
initial = 0.0
step = 0.1
boundaries = { lower = { kind = "seam" }, upper = { kind = "flux", flux = 0.0 } }
[interfaces.seam.sides.a]
side = "upper"
condition = "temperature"
[interfaces.seam.sides.b]
side = "lower"
condition = "flux"
"""


def check(folder: Path, *changes: tuple[str, str]) -> Any:
    from suture.check import verify_case

    text = CASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "case.toml").write_text(text)
    case = load_case(folder)
    return case, verify_case(case)


@pytest.mark.parametrize(
    ("other", "exchange"),
    [
        ('"flux"', [("a", "b", ("energy",), ()), ("b", "a", (), ("temperature",))]),
        ('"robin"\ncoefficient = 2.0', [("a", "b", ("energy",), ("temperature",)), ("b", "a", (), ("temperature",))]),
    ],
)
def test_the_conditions_say_what_is_exchanged(other: str, exchange: list[Any], tmp_path: Path) -> None:
    case, estimates = check(tmp_path, ('"flux"\n', f"{other}\n"))
    found = [(d.sender, d.receiver, d.amounts, d.states) for d in case.interfaces["seam"].directions]
    assert found == exchange
    assert estimates["a"].size == "4 cells" and estimates["a"].steps == 1.0


ENDS = 'step = 0.1\nboundaries = { lower = { kind = "flux", flux = 0.0 }'
BOTH = 'side = "lower"\ncondition = "flux"'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((BOTH, 'side = "lower"\ncondition = "temperature"'), "'temperature', where 'a' gives temperature and takes"),
        ((BOTH, 'side = "lower"\ncondition = "robin"'), "a 'coefficient' goes with the condition 'robin'"),
        ((BOTH, BOTH + "\ncoefficient = 2.0"), "a 'coefficient' goes with the condition 'robin'"),
        (('condition = "temperature"', 'condition = "flux"'), "no side's kind gives what the other's takes"),
        ((BOTH, 'side = "upper"\ncondition = "flux"'), "1 apart along x"),
        (('kind = "heat-slab"\n[participants.a', 'kind = "heat-slab"\nranks = 2\n[participants.a'), "one rank holds"),
        ((f"initial = 0.0\n{ENDS}", f'initial = "1/(x-0.125)"\n{ENDS}'), "initial is inf at x = 0.125"),
        ((ENDS, ENDS.replace('"flux", flux = 0.0', '"seam"')), "a seam that no interface names"),
    ],
)
def test_mistakes_are_named(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        check(tmp_path, change)
    assert message in str(caught.value)
    assert "case.toml" in str(caught.value)


def test_an_end_that_is_no_seam_is_refused(tmp_path: Path) -> None:
    wrong = ('upper = { kind = "seam" }', 'upper = { kind = "flux", flux = 1.0 }')
    with pytest.raises(CaseError, match=r"'upper', an end of kind 'flux'"):
        check(tmp_path, wrong)
