"""A seam that is open to a partner's cells: its faces are like those inside, on any number of ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.navier_stokes import NavierStokes, SolverError
from tests.mpi import mpirun
from tests.solvers.navier_stokes.flows import flow, liquid

ROOT = Path(__file__).parents[3]
WALL = {"kind": "wall", "velocity": [0.3, 0, 0], "temperature": 1.1}
COLD = {"kind": "wall", "temperature": 1.0}
N, CUT = 12, 7


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_the_part_is_the_whole(ranks: int, tmp_path: Path) -> None:
    """The rates of change of a part, with the rest of the flow beyond its seam, are those of the whole."""
    done = mpirun(ranks, "-m", "tests.solvers.navier_stokes.parallel_beyond", json.dumps(liquid(tmp_path)), cwd=ROOT)
    found = json.loads(done.stdout)
    assert len(found) == 6
    assert max(found.values()) < 1e-12, found


def column(lower: int, upper: int, low: Any, high: Any) -> NavierStokes:
    return flow(
        [1, 1, upper - lower],
        lower=[0, 0, lower / N],
        upper=[1, 1, upper / N],
        boundaries={"z-lower": low, "z-upper": high},
        initial={"density": "1 + 0.01*cos(pi*z)", "velocity": ["0.1*sin(3*z)", 0, 0], "temperature": "1 + 0.1*z"},
    )


def beyond(whole: NavierStokes) -> np.ndarray:
    fields = (whole.density, *whole.velocity, whole.temperature)
    return np.column_stack([field.ravel()[CUT : CUT + 2] for field in fields])


def follow(steps: int, dt: float) -> tuple[NavierStokes, NavierStokes, np.ndarray]:
    """The whole, the part that gets its states at the steps' ends, and what entered the part through its seam."""
    whole, part = column(0, N, COLD, WALL), column(0, CUT, COLD, {"kind": "seam"})
    part.open_seam("z-upper")
    part.set_seam_state("z-upper", beyond(whole), 0.0)
    entered = np.zeros((1, 5))
    for _ in range(steps):
        whole.advance(dt)
        part.set_seam_state("z-upper", beyond(whole), whole.time)
        part.advance(dt)
        entered += part.seam_amounts("z-upper")
    return whole, part, entered


def test_it_follows_the_whole_to_second_order_in_time_and_keeps_the_books() -> None:
    errors = []
    for n in (1, 2, 4):
        whole, part, entered = follow(16 * n, 0.01 / n)
        errors.append(np.abs(part.grid.state - whole.grid.state[:CUT]).max())
    rates = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (rates > 1.8).all() and errors[-1] < 1e-6, (errors, rates)
    start = column(0, CUT, COLD, {"kind": "seam"}).inventory()
    rows = part.rows()["z-lower"]
    ends = part.inventory()
    for name, columns in {"mass": slice(0, 1), "momentum": slice(1, 4), "energy": slice(4, 5)}.items():
        change = ends[name] - start[name] - rows[name]
        assert np.allclose(change, entered[0, columns], rtol=0, atol=1e-15 * 16 * 4)
    assert np.abs(entered).max() > 1e-3


def test_a_repeated_step_is_identical() -> None:
    whole, part, _ = follow(3, 0.01)
    saved, results = part.save(), []
    for _ in range(2):
        part.restore(saved)
        part.set_seam_state("z-upper", beyond(whole) + 0.01, part.time + 0.02)
        part.advance(0.01)
        part.advance(0.01)
        results.append(part.grid.state.copy())
    assert np.array_equal(*results)


def test_only_a_seam_can_be_opened() -> None:
    with pytest.raises(SolverError, match="'z-lower' is no seam"):
        column(0, CUT, COLD, {"kind": "seam"}).open_seam("z-lower")
