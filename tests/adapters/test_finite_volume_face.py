"""The flow solver at an interface: amounts in whatever the steps, states out to second order, mistakes named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.finite_volume_face import KIND, FiniteVolumeFace
from suture.couplers.case_mistakes import Review
from suture.couplers.errors import CaseError
from suture.couplers.kind import CheckRequest, Context
from suture.couplers.protocols import Adapter, Opens, Solver, Writes
from suture.couplers.window import Window
from tests.solvers.navier_stokes.flows import liquid

WALL = {"kind": "wall", "temperature": 1.1}


def case(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "lower": [0, 0, 14],
        "upper": [12, 12, 50],
        "cells": [1, 1, 12],
        "fluid": liquid(folder),
        "initial": {"density": 0.84, "velocity": [0, 0, 0], "temperature": 1.1},
        "boundaries": {"z-lower": {"kind": "seam"}, "z-upper": WALL},
    } | changes


def joined(folder: Path, side: str = "z-lower", layers: int = 8, **changes: Any) -> tuple[Any, FiniteVolumeFace]:
    context = Context(comm=MPI.COMM_SELF, name="channel", case=folder, output=folder, window=0.25)
    solver = KIND.create_solver(KIND.solver_settings.model_validate(case(folder, **changes)), context)
    settings = KIND.interface_settings.model_validate({"side": side, "layers": layers})
    return solver, KIND.create_adapter(solver, settings, context)


def noisy(face: FiniteVolumeFace, window: Window, random: np.random.Generator) -> dict[str, np.ndarray]:
    """The amounts of a partner in the flow's own state, with thermal noise."""
    own = face.initial_amounts(window)
    spread = {"mass": 0.5, "momentum": 3.0, "energy": 3.0}
    return {name: value + spread[name] * random.normal(size=value.shape) for name, value in own.items()}


def unequal(window: Window) -> Iterator[float]:
    yield from (window.dt * part for part in (0.31, 0.07, 0.62))


def total(book: Any) -> np.ndarray:
    return np.concatenate([book["mass"], book["momentum"], book["energy"]])


def test_protocols(tmp_path: Path) -> None:
    solver, face = joined(tmp_path)
    parts: tuple[Solver, Adapter] = solver, face
    assert isinstance(face, Opens) and isinstance(solver, Writes) and parts
    amounts, states = ("mass", "momentum", "energy"), ("density", "velocity", "temperature", "pressure")
    assert KIND.exchange_of(KIND.interface_settings(side="z-lower")) == (states, amounts + states[:3])
    assert KIND.exchange_of(KIND.interface_settings(side="z-lower", condition="states")) == (
        amounts + states,
        states[:3],
    )


@pytest.mark.parametrize(("window_length", "cfl"), [(0.1, 0.8), (0.25, 0.13)])
def test_amounts_arrive_to_round_off_whatever_the_steps(window_length: float, cfl: float, tmp_path: Path) -> None:
    """Steps of the adapter's caller that do not divide the window, and steps of the solver inside them."""
    solver, face = joined(tmp_path, cfl=cfl)
    assert (0.62 * window_length > 2 * solver.max_dt) == (cfl < 0.5)
    random = np.random.default_rng(3)
    opening, sent, received, throughput = total(solver.inventory()), np.zeros(5), np.zeros(5), np.zeros(5)
    for index in range(40):
        window = Window(index, index * window_length, window_length)
        amounts = noisy(face, window, random)
        face.receive(window, amounts)
        for dt in unequal(window):
            solver.advance(dt)
            face.account(dt)
        face.send(window)
        arrived = total({name: value.sum(axis=0) for name, value in amounts.items()})
        sent, received = sent + arrived, received + total(face.received())
        throughput += np.abs(arrived)
    assert (np.abs(sent - received - total(face.carry())) <= 1e-15 * throughput).all()
    assert (np.abs(total(face.carry())) <= 1e-15 * throughput).all()
    walls = sum(total(row) for row in solver.rows().values())
    change = total(solver.inventory()) - opening
    round_off = 4 * np.finfo(float).eps * (np.abs(opening) + np.abs(received) + np.abs(walls))
    assert (np.abs(change - received - walls) <= 1e-13 * throughput + round_off).all()
    assert np.abs(change - walls).max() > 0.1


def test_a_repeated_window_starts_from_the_same_remainder(tmp_path: Path) -> None:
    solver, face = joined(tmp_path)
    random = np.random.default_rng(4)
    results = []
    for index in range(3):
        window = Window(index, 0.0, 0.25)
        amounts = noisy(face, window, random)
        saved = solver.save(), face.save()
        for _ in range(2):
            solver.restore(saved[0])
            face.restore(saved[1])
            face.receive(window, amounts)
            for dt in unequal(window):
                solver.advance(dt)
                face.account(dt)
            results.append((solver.grid.state.copy(), total(face.received()), total(face.carry())))
    for first, second in zip(results[::2], results[1::2], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("side", "inward"), [("z-lower", 1.0), ("z-upper", -1.0)])
def test_opening_amounts_are_the_pressure_on_the_area(side: str, inward: float, tmp_path: Path) -> None:
    other = "z-upper" if side == "z-lower" else "z-lower"
    solver, face = joined(tmp_path, side, boundaries={side: {"kind": "seam"}, other: WALL})
    opening = face.initial_amounts(Window(0, 0.0, 0.25))
    pressure = float(solver.pressure.ravel()[0])
    assert opening["momentum"] == pytest.approx(np.array([[0, 0, inward * pressure * 144 * 0.25]]))
    assert abs(opening["mass"]).max() == 0.0 and abs(opening["energy"]).max() == 0.0
    before = solver.save()["state"]
    face.receive(Window(0, 0.0, 0.25), opening)
    solver.advance(0.25)
    assert np.abs(solver.grid.state - before).max() < 1e-12  # they keep a fluid at rest at rest


def test_opening_amounts_of_a_moving_fluid(tmp_path: Path) -> None:
    initial = {"density": 0.84, "velocity": [0.3, 0, 0.1], "temperature": 1.1}
    solver, face = joined(tmp_path, initial=initial)
    opening = face.initial_amounts(Window(0, 0.0, 0.5))
    flow = 0.84 * 0.1 * 144 * 0.5
    assert opening["mass"][0, 0] == pytest.approx(flow)
    assert opening["momentum"][0, 0] == pytest.approx(flow * 0.3)
    state = solver.fluid.energy(np.array([0.84]), np.array([1.1]))[0] + 0.5 * (0.09 + 0.01)
    assert opening["energy"][0, 0] == pytest.approx(flow * (state + solver.pressure.ravel()[0] / 0.84), rel=1e-6)


@pytest.mark.parametrize("cells", [[1, 1, 12], [3, 1, 12]])
def test_states_are_linear_inside_the_cells(cells: list[int], tmp_path: Path) -> None:
    """A straight profile arrives straight, and the parts tile the layers next to the side."""
    initial = {"density": "0.84 + 0.001*(z-14)", "velocity": ["0.01*(z-14)", 0, 0], "temperature": "1.1-0.002*(z-14)"}
    sides = {"x-lower": {"kind": "periodic"}, "x-upper": {"kind": "periodic"}} if cells[0] > 1 else {}
    boundaries = {"z-lower": {"kind": "seam"}, "z-upper": WALL} | sides
    _, face = joined(tmp_path, layers=3, cells=cells, initial=initial, boundaries=boundaries)
    parts = face.cells("velocity")
    height = parts.centres[:, 2] - 14
    sent = face.send(Window(-1, 0.0, 0.0))
    assert len(parts) == 3 * 4 * cells[0]
    assert np.allclose(sent["velocity"][:, 0], 0.01 * height, atol=1e-14)
    assert np.allclose(sent["density"][:, 0], 0.84 + 0.001 * height, atol=1e-14)
    assert np.allclose(sent["temperature"][:, 0], 1.1 - 0.002 * height, atol=1e-12)
    assert parts.lower[:, 2].min() == 14.0 and parts.upper[:, 2].max() == 23.0
    volume = np.prod(parts.upper - parts.lower, axis=1).sum()
    assert volume == pytest.approx(9 * 144)


def test_an_open_side_gives_what_left_through_its_faces(tmp_path: Path) -> None:
    solver, _ = joined(tmp_path)
    settings = KIND.interface_settings.model_validate({"side": "z-lower", "condition": "states"})
    face = FiniteVolumeFace(solver, settings)
    beyond = face.taken_cells("velocity")
    assert beyond.lower[:, 2].tolist() == [11.0, 8.0] and beyond.upper[:, 2].tolist() == [14.0, 11.0]
    assert len(face.cells("energy")) == 1
    states = {"density": [[0.84]] * 2, "velocity": [[0.3, 0, 0.1]] * 2, "temperature": [[1.2]] * 2}
    states = {name: np.array(value) for name, value in states.items()}
    face.prepare(states)
    opening, walls = total(solver.inventory()), sum(total(row) for row in solver.rows().values())
    window, sent = Window(0, 0.0, 0.25), np.zeros(5)
    face.receive(window, states)
    for dt in unequal(window):
        solver.advance(dt)
        face.account(dt)
    given = face.send(window)
    assert len(given["velocity"]) == len(face.cells("velocity"))
    sent = total({name: given[name].sum(axis=0) for name in ("mass", "momentum", "energy")})
    walls = sum(total(row) for row in solver.rows().values()) - walls
    change = total(solver.inventory()) - opening
    assert np.allclose(change, walls - sent, rtol=0, atol=1e-12 * np.abs(opening).max())
    assert (sent[[0, 1, 3, 4]] < -0.1).all()  # it flows in
    assert face.received() == {} and face.carry() == {}


def test_a_side_that_takes_amounts_and_sees_beyond_goes_on_as_if_it_had_not_ended(tmp_path: Path) -> None:
    """To the last bit, from what was saved and without ``prepare``, which is for the start alone."""

    def step(solver: Any, face: FiniteVolumeFace, index: int) -> np.ndarray:
        window = Window(index, 0.25 * index, 0.25)
        moved = {name: value + 0.01 * (index + 1) for name, value in beyond.items()}
        face.receive(window, face.initial_amounts(window) | moved)
        solver.advance(0.25)
        face.account(0.25)
        return np.concatenate([value.ravel() for value in face.send(window).values()])

    solver, face = joined(tmp_path)
    cells = len(face.taken_cells("density"))
    beyond = {
        "density": np.full((cells, 1), 0.82),
        "velocity": np.zeros((cells, 3)),
        "temperature": np.ones((cells, 1)),
    }
    face.prepare(beyond)
    step(solver, face, 0)
    resumed, its_face = joined(tmp_path)
    resumed.restore(solver.save())
    its_face.restore(face.save())
    for index in (1, 2):
        assert np.array_equal(step(solver, face, index), step(resumed, its_face, index))


def test_fields_go_to_the_output_folder(tmp_path: Path) -> None:
    solver, _ = joined(tmp_path)
    solver.write(-1, 0.0)
    solver.advance(0.1)
    solver.write(0, 0.1)
    assert {"fields.pvd", "fields_000000.pvti", "fields_000001.pvti"} <= {p.name for p in tmp_path.iterdir()}
    assert (tmp_path / "fields.pvd").read_text().count("<DataSet") == 2


def check(
    folder: Path, side: str = "z-lower", ranks: int = 1, made: frozenset[Path] = frozenset(), **changes: Any
) -> Any:
    interfaces = {"seam": KIND.interface_settings.model_validate({"side": side})}
    return KIND.check(
        CheckRequest(
            participant="channel",
            case=folder,
            solver=KIND.solver_settings.model_validate(case(folder, **changes)),
            interfaces=interfaces,
            window=0.25,
            ranks=ranks,
            made=frozenset(made),
            report=Review(folder / "case.toml").error,
        )
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"side": "z-upper"}, "of kind 'wall'"),
        ({"side": "x-lower"}, "whose boundary is absent"),
        ({"boundaries": {"z-lower": {"kind": "seam"}, "z-upper": {"kind": "seam"}}}, "a seam that no interface names"),
        ({"fluid": {"kind": "measured", "file": "absent.json"}}, "absent.json"),
        ({"initial": {"density": 0.3, "velocity": [0, 0, 0], "temperature": 1.1}}, "0.3 in the cell at (6, 6, 15.5)"),
        ({"ranks": 7}, "at most 6"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        check(tmp_path, **arguments)
    assert message in str(caught.value)
    assert "case.toml" in str(caught.value)


def test_check_estimates_the_work(tmp_path: Path) -> None:
    estimate = check(tmp_path)
    assert estimate.size == "12 cells" and estimate.steps == 1.0 and 0 < estimate.seconds < 0.01
    absent = {"fluid": {"kind": "measured", "file": "later.json"}}
    assert check(tmp_path, made=(tmp_path / "later.json",), **absent) is None
    side = KIND.interface_settings(side="z-upper")
    extent = KIND.extent(KIND.solver_settings.model_validate(case(tmp_path)), side)
    assert extent == ((0, 0, 50), (12, 12, 50))
