"""The books: what the inventory gains is what the rows and the seam say, to round-off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suture.solvers.navier_stokes import NavierStokes

from .flows import flow, liquid, own_flux, run

WAVY = ["0.3*sin(2*pi*(x+y)/8)", "0.2*cos(2*pi*(y-z)/8)", "0.1*sin(2*pi*(x+z)/8)"]


def totals(book: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([book["mass"], book["momentum"], book["energy"]])


def driven(folder: Path, cells: list[int]) -> tuple[NavierStokes, np.ndarray, dict[str, list[np.ndarray]]]:
    """A liquid in a box with every kind of boundary, after windows of noisy amounts through its seam.

    Returns the solver, its inventory at the start and what crossed in each window by name of the row or "seam".
    """
    solver = flow(
        cells,
        upper=[8, 8, 8],
        fluid=liquid(folder),
        initial={"density": 0.84, "velocity": WAVY, "temperature": 1.1},
        boundaries={
            "x-lower": {"kind": "wall", "velocity": [0, 0.3, 0.1], "temperature": 1.15},
            "x-upper": {"kind": "reservoir", "pressure": 7.2, "temperature": 1.05},
            "z-lower": {"kind": "seam"},
            "z-upper": {"kind": "wall", "velocity": [0.2, 0, 0], "slip_length": 0.05},
        },
        body_force=["0.1*cos(2*pi*x/8)", 0.2, "sin(t)"],
    )
    before = totals(solver.inventory())
    random = np.random.default_rng(7)
    crossed: dict[str, list[np.ndarray]] = {name: [] for name in ("seam", *solver.rows())}
    lower, _ = solver.seam_cells("z-lower")
    for _ in range(20):
        noise = random.normal(size=(len(lower), 5)) * [0.05, 0.5, 0.5, 0.5, 1.0]
        solver.set_seam_flux("z-lower", own_flux(solver, "z-lower") + noise)
        start = solver.rows()
        solver.advance(3.3 * solver.max_dt)
        crossed["seam"].append(solver.seam_amounts("z-lower").sum(axis=0))
        for name, row in solver.rows().items():
            crossed[name].append(totals(row) - totals(start[name]))
    return solver, before, crossed


def defect(solver: NavierStokes, before: np.ndarray, crossed: dict[str, list[np.ndarray]]) -> np.ndarray:
    """What the books cannot explain, by conserved variable, relative to what crossed in all windows."""
    change = totals(solver.inventory()) - before
    amounts = np.array([amount for windows in crossed.values() for amount in windows])
    throughput = np.abs(amounts).sum(axis=0)
    floor = 64 * np.finfo(float).eps * (np.abs(before) + np.abs(before + change) + throughput)
    return np.abs(change - amounts.sum(axis=0)) / np.maximum(throughput, floor)


@pytest.mark.parametrize("cells", [[1, 1, 12], [8, 1, 8], [6, 5, 7]])
def test_every_gain_has_its_row(cells: list[int], tmp_path: Path) -> None:
    assert defect(*driven(tmp_path, cells)).max() < 1e-13


def test_a_missing_row_shows(tmp_path: Path) -> None:
    solver, before, crossed = driven(tmp_path, [6, 5, 7])
    assert set(crossed) == {"seam", "x-lower", "x-upper", "z-upper", "body force"}
    for name in crossed:
        incomplete = {other: windows for other, windows in crossed.items() if other != name}
        assert defect(solver, before, incomplete).max() > 1e-3, name


@pytest.mark.parametrize("cells", [[12, 1, 1], [8, 1, 8], [8, 7, 6]])
def test_periodic_box_keeps_its_inventory(cells: list[int], tmp_path: Path) -> None:
    initial = {"density": "0.84+0.02*sin(2*pi*(x+z)/8)", "velocity": WAVY, "temperature": 1.1}
    solver = flow(cells, upper=[8, 8, 8], fluid=liquid(tmp_path), initial=initial)
    before = totals(solver.inventory())
    scale = np.abs(solver.grid.state).sum(axis=(0, 1, 2)) * solver.grid.cell_volume
    moving = np.abs(solver.velocity).max()
    run(solver, 100 * solver.max_dt)
    assert np.abs(solver.velocity).max() < 0.95 * moving
    assert (np.abs(totals(solver.inventory()) - before) <= 1e-14 * scale).all()
    assert solver.rows() == {}


def test_seam_takes_exactly_what_is_prescribed(tmp_path: Path) -> None:
    """Whatever the steps, face by face, to round-off."""
    solver = flow(
        [4, 1, 6],
        fluid=liquid(tmp_path),
        initial={"density": 0.84, "velocity": [0, 0, 0], "temperature": 1.1},
        boundaries={"z-lower": {"kind": "wall"}, "z-upper": {"kind": "seam"}},
    )
    flux = np.array([[0.1, 0.2, 0.3, -7.0, -0.5]] * 4) * np.arange(1, 5)[:, None] ** 0.1
    solver.set_seam_flux("z-upper", flux)
    taken, time = np.zeros((4, 5)), 0.0
    for factor in (0.3, 1.0, 2.7, 0.11):
        dt = factor * solver.max_dt
        solver.advance(dt)
        taken, time = taken + solver.seam_amounts("z-upper"), time + dt
    lower, upper = solver.seam_cells("z-upper")
    areas = (upper[:, 0] - lower[:, 0]) * (upper[:, 1] - lower[:, 1])
    assert (lower[:, 2] == 1.0).all() and (upper[:, 2] == 1.0).all()
    assert np.abs(taken / (flux * areas[:, None] * time) - 1).max() < 1e-14
    assert abs(solver.time - time) < 1e-15


def test_restore_repeats_identically(tmp_path: Path) -> None:
    solver, _, _ = driven(tmp_path, [6, 5, 7])
    saved = solver.save()
    results = []
    for _ in range(2):
        solver.advance(2.5 * solver.max_dt)
        results.append((solver.grid.state.copy(), solver.rows()["z-upper"]["energy"].copy(), solver.time))
        solver.restore(saved)
    assert np.array_equal(results[0][0], results[1][0])
    assert results[0][1:] == results[1][1:]
