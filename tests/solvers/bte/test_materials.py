"""Modes from a file: they do what the bands do that they are cut from, and files that do not do are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.bte.quadrature import fitted, product
from suture.solvers.errors import SolverError

from .bodies import film, gray, rows, solved, solver

MODES = {"kind": "modes", "file": "modes.txt"}


def written(folder: Path, table: Any) -> Path:
    np.savetxt(folder / "modes.txt", table, header="C vx vy vz tau bin")
    return folder


def cut(path: float) -> np.ndarray:
    """Gray phonons of heat capacity and speed one, direction by direction."""
    q = fitted(product(1, 16, 1), 1, np.eye(1))
    lifetimes = np.full(len(q.weights), path)
    return np.column_stack([q.weights / (4.0 * np.pi), q.directions, lifetimes])


def test_modes_are_the_bands_that_they_are_cut_from(tmp_path: Path) -> None:
    made = solver(film(material=MODES), written(tmp_path, cut(0.3)))
    made.advance(1.0)
    same = solved(film(0.3))
    assert rows(made) == pytest.approx(rows(same), rel=1e-9)
    assert made.temperature == pytest.approx(same.temperature, abs=1e-9)
    assert abs(sum(rows(made).values())) <= 1e-12 * rows(made)["x-lower"]


def test_modes_in_time(tmp_path: Path) -> None:
    changes = {"time_integration": "sdirk2", "step": 0.1, "initial": 0.0}
    made = solver(film(material=MODES, **changes), written(tmp_path, cut(0.3)))
    made.advance(0.3)
    assert rows(made)["x-lower"] == pytest.approx(rows(solved(film(0.3, **changes), 0.3))["x-lower"], rel=1e-9)
    assert float(made.inventory()["energy"][0]) == pytest.approx(sum(rows(made).values()), rel=1e-12)


MISTAKES: dict[str, tuple[Any, str]] = {
    "none": (None, "no such file"),
    "columns": (np.ones((3, 4)), "3 lines of 4 numbers; allowed are 5 or 6"),
    "lifetime": (cut(0.3) * [1, 1, 1, 1, -1], "'lifetime' number 1 is -0.3; it must be positive"),
    "bin": (np.column_stack([cut(0.3), -np.ones(32)]), "line 1 has a bin below 0"),
    "one way": (cut(0.3)[:16], "every mode needs its opposite"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_files_that_do_not_do_are_named(name: str, tmp_path: Path) -> None:
    table, message = MISTAKES[name]
    if table is not None:
        written(tmp_path, table)
    with pytest.raises(SolverError, match=message):
        solver(film(material=MODES), tmp_path)


def test_what_is_no_number_is_named(tmp_path: Path) -> None:
    (tmp_path / "modes.txt").write_text("1 2 three 4 5\n")
    with pytest.raises(SolverError, match="allowed are lines of 5 or 6 numbers"):
        solver(film(material=MODES), tmp_path)


def test_gray_is_a_band() -> None:
    two = {"kind": "bands", "heat_capacity": [1.0], "velocity": [1.0], "mean_free_path": [0.3]}
    assert rows(solved(film(material=two))) == rows(solved(film(material=gray(0.3))))
