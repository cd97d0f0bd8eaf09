"""A seam that is a wall with a partner's temperature: the flux of the isothermal wall, face by face, and its books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.navier_stokes import SIDES, NavierStokes, SolverError
from tests.mpi import mpirun
from tests.solvers.navier_stokes.flows import GAS, conductor, flow

ROOT = Path(__file__).parents[3]
SEAM = {"kind": "seam"}
WARM = {"kind": "wall", "velocity": [0.0, 0.3, 0.0], "temperature": 1.2}
INITIAL = {
    "density": "1 + 0.02*sin(3*x+z)",
    "velocity": ["0.1*sin(5*z)", "0.1*sin(3*x)", "0.05*sin(3*y)"],
    "temperature": "1 + 0.1*z - 0.05*x",
}


def opposite(side: str) -> str:
    return SIDES[SIDES.index(side) ^ 1]


def faces(solver: NavierStokes, side: str) -> np.ndarray:
    """Centres of the faces, (n, 3)."""
    return 0.5 * sum(solver.seam_cells(side))


def closed(cells: list[int], side: str, temperature: Any, **settings: Any) -> NavierStokes:
    """A flow whose ``side`` is a wall with ``temperature`` from the start: a number, or a function of the centres."""
    given = {"boundaries": {side: SEAM, opposite(side): WARM}, "initial": INITIAL} | settings
    solver = flow(cells, **given)
    solver.close_seam(side)
    values = (
        temperature(faces(solver, side)) if callable(temperature) else np.full(len(faces(solver, side)), temperature)
    )
    solver.set_wall_temperature(side, values, 0.0)
    return solver


@pytest.mark.parametrize("side", ["z-lower", "z-upper"])
@pytest.mark.parametrize("cells", [[1, 1, 8], [6, 1, 8], [6, 5, 8]])
def test_it_is_the_isothermal_wall_to_the_last_bit(cells: list[int], side: str) -> None:
    wall = {"kind": "wall", "temperature": 0.9}
    whole = flow(cells, boundaries={side: wall, opposite(side): WARM}, initial=INITIAL)
    shared = closed(cells, side, 0.9)
    for _ in range(10):
        for solver in (whole, shared):
            solver.advance(2.3 * solver.max_dt)
        assert np.array_equal(whole.seam_amounts(side), shared.seam_amounts(side))
    assert np.array_equal(whole.grid.state, shared.grid.state)
    assert np.array_equal(whole.rows()[side]["momentum"], shared.rows()[side]["momentum"])
    assert np.abs(whole.rows()[side]["energy"]).max() > 0.01 and shared.rows()[side]["energy"] == 0.0
    assert np.array_equal(whole.rows()[opposite(side)]["energy"], shared.rows()[opposite(side)]["energy"])


@pytest.mark.parametrize("side", SIDES)
def test_every_face_has_its_own_temperature(side: str) -> None:
    """In a fluid of temperature 1 at rest, heat k 8 (T_w - 1) / (3 h) enters: the slope of the parabola at the wall."""
    axis = "xyz".index(side[0])
    still = {"density": 1.0, "velocity": [0, 0, 0], "temperature": 1.0}
    waves = np.array([2.0, 3.0, 5.0])

    def warm(x: np.ndarray) -> np.ndarray:
        return 1.0 + 0.1 * np.sin(x @ waves)

    ends = {side: SEAM, opposite(side): {"kind": "wall"}}
    solver = closed([6, 5, 7], side, warm, initial=still, boundaries=ends)
    solver.advance(1e-9)
    h = solver.grid.spacing
    area = h.prod() / h[axis]
    slope = 8.0 * (warm(faces(solver, side)) - 1.0) / (3.0 * h[axis])
    np.testing.assert_allclose(solver.seam_amounts(side)[:, 4], GAS["conductivity"] * slope * area * 1e-9, rtol=1e-5)


def test_the_temperature_goes_in_straight_lines(tmp_path: Path) -> None:
    """Between walls that warm at the rate r, T = 1 + r t - r / (2 a) z (1 - z) with the diffusivity a: exact."""
    rate, diffusivity = 0.2, 0.5
    initial = {"density": 1.0, "velocity": [0, 0, 0], "temperature": f"1 - {0.5 * rate / diffusivity}*z*(1-z)"}
    ends = {"z-lower": SEAM, "z-upper": SEAM}
    solver = flow([1, 1, 8], fluid=conductor(tmp_path), boundaries=ends, initial=initial)
    for side in ends:
        solver.close_seam(side)
        solver.set_wall_temperature(side, np.array([1.0]), 0.0)
    for time in (0.01, 0.05, 0.3):
        for side in ends:
            solver.set_wall_temperature(side, np.array([1.0 + rate * time]), time)
        before = solver.inventory()["energy"][0]
        begun = solver.time
        solver.advance(time - begun)
        z = solver.grid.centres()[2]
        exact = 1.0 + rate * time - 0.5 * rate / diffusivity * z * (1.0 - z)
        np.testing.assert_allclose(solver.temperature, exact, rtol=0, atol=1e-13)
        taken = [solver.seam_amounts(side)[0, 4] for side in ends]
        np.testing.assert_allclose(taken, rate * (time - begun), rtol=1e-9)  # c_v = 2, half of it through each
        assert solver.inventory()["energy"][0] - before == pytest.approx(sum(taken), rel=1e-12)
    assert solver.wall_temperature("z-lower") == pytest.approx(1.0 + rate * 0.3)


def totals(book: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([book["mass"], book["momentum"], book["energy"]])


@pytest.mark.parametrize("cells", [[1, 1, 12], [8, 1, 8], [6, 5, 7]])
def test_every_gain_has_its_row_or_crosses_to_the_partner(cells: list[int]) -> None:
    solver = closed(cells, "z-lower", lambda x: 0.9 + 0.1 * x[:, 0], body_force=[0.2, 0.1, "sin(t)"])
    before, heat, throughput = totals(solver.inventory()), 0.0, np.zeros(5)
    for index in range(20):
        target = 0.9 + 0.05 * np.sin(index + faces(solver, "z-lower")[:, 0])
        dt = 3.3 * solver.max_dt
        solver.set_wall_temperature("z-lower", target, solver.time + dt)
        solver.advance(dt)
        heat += solver.seam_amounts("z-lower")[:, 4].sum()
        throughput += np.abs(solver.seam_amounts("z-lower")).sum(axis=0)
    rows = {name: totals(row) for name, row in solver.rows().items()}
    terms = rows | {"partner": np.array([0, 0, 0, 0, heat])}
    throughput += sum(np.abs(term) for term in terms.values())
    change = totals(solver.inventory()) - before
    scale = np.maximum(throughput, 64 * np.finfo(float).eps * np.abs(before))
    scale[0] = before[0]
    assert (np.abs(change - sum(terms.values())) <= 1e-12 * scale).all()
    assert rows["z-lower"][0] == rows["z-lower"][4] == 0.0
    for name in terms:
        incomplete = sum(term for other, term in terms.items() if other != name)
        assert (np.abs(change - incomplete) > 1e-3 * scale).any(), name


def test_a_repeated_step_is_identical() -> None:
    solver = closed([6, 1, 8], "z-lower", 1.1)
    solver.set_wall_temperature("z-lower", np.linspace(0.9, 1.1, 6), 0.05)
    solver.advance(0.02)
    saved, results = solver.save(), []
    for target in (1.3, 1.0, 1.0):
        solver.restore(saved)
        if target == 1.0:
            assert np.array_equal(solver.save()["shared_walls"]["z-lower"]["new"], np.linspace(0.9, 1.1, 6))
        solver.advance(0.01)
        solver.set_wall_temperature("z-lower", np.full(6, target), 0.06)
        solver.advance(0.03)
        results.append((solver.grid.state.copy(), solver.rows()["z-lower"]["momentum"], solver.seam_amounts("z-lower")))
    assert all(np.array_equal(a, b) for a, b in zip(results[1], results[2], strict=True))
    assert not np.array_equal(results[0][0], results[1][0])


def test_until_it_is_told_it_is_as_warm_as_the_fluid() -> None:
    solver = flow([1, 1, 8], boundaries={"z-lower": SEAM, "z-upper": WARM}, initial=INITIAL)
    solver.close_seam("z-lower")
    assert solver.wall_temperature("z-lower") == pytest.approx(solver.temperature[0].ravel())


@pytest.fixture(scope="module")
def on_ranks() -> dict[int, dict[str, Any]]:
    program = "tests.solvers.navier_stokes.parallel_walls"
    return {n: json.loads(mpirun(n, "-m", program, cwd=ROOT).stdout) for n in (1, 2, 3)}


@pytest.mark.parametrize("ranks", [2, 3])
def test_same_answer_on_any_number_of_ranks(ranks: int, on_ranks: dict[int, dict[str, Any]]) -> None:
    alone, together = on_ranks[1], on_ranks[ranks]
    assert len(alone) == 8
    for name, values in alone.items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(together[name], values, rtol=0, atol=1e-12 * scale, err_msg=name)


def test_only_a_seam_can_be_closed() -> None:
    with pytest.raises(SolverError, match="'z-upper' is no seam"):
        flow([1, 1, 8], boundaries={"z-lower": SEAM, "z-upper": WARM}).close_seam("z-upper")
