"""Solvers that are none of ours, as docs/join.md joins them: SciPy's integrator and scikit-fem."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from suture.couplers.audit import read_books

from ..mpi import together

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str, folder: Path, old: str = "", new: str = "") -> Path:
    case = Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("RUN*")))
    text = (case / "case.toml").read_text()
    assert old in text
    (case / "case.toml").write_text(text.replace(old, new))
    return case


def kettle(case: Path) -> float:
    plate = [sys.executable, "-m", "suture", "run", str(case), "--only", "plate"]
    done = together((1, plate), (1, [sys.executable, str(case / "kettle.py"), str(case)]))
    books = read_books(case / "RUN")
    assert books.complete and books.worst < 1e-12 and books.iterations.max() > 1
    return float(re.search(r"the kettle is at ([\d.]+)", done.stdout)[1])


def whole(n: int = 200) -> float:
    """Plate and kettle as one system of ordinary differential equations."""
    h = 1.0 / n
    x = (np.arange(n) + 0.5) * h

    def rate(t: float, y: np.ndarray) -> np.ndarray:
        u, body = y[:-1], y[-1]
        flux = np.concatenate(([(2.0 - u[0]) / (h / 2)], -np.diff(u) / h, [(u[-1] - body) / (h / 2)]))
        return np.append(-np.diff(flux) / h, (flux[-1] - 0.2 * (body**4 - 1)) / 0.5)

    return float(solve_ivp(rate, (0, 2), np.append(2.0 - x, 1.0), method="BDF", rtol=1e-9, atol=1e-10).y[-1, -1])


def test_a_scipy_integrator_joins_a_slab(tmp_path):
    coarse = kettle(example("kettle", tmp_path / "coarse"))
    fine = kettle(example("kettle", tmp_path / "fine", "window = 0.1", "window = 0.025"))
    exact = whole()
    assert abs(fine - exact) < 2e-3
    assert abs(fine - exact) < 0.4 * abs(coarse - exact)


def test_two_halves_of_a_plate_in_scikit_fem_are_the_plate(tmp_path):
    pytest.importorskip("skfem")
    case = example("plate", tmp_path)
    halves = [(1, [sys.executable, str(case / "plate.py"), str(case), name]) for name in ("left", "right")]
    errors = re.findall(r"largest error (\S+)", together(*halves, timeout=60).stdout)
    assert len(errors) == 2 and max(map(float, errors)) < 1e-8
    books = read_books(case / "RUN")
    assert books.balanced and books.worst < 1e-12
    carried = books.flows[0].terms["closing"]
    assert abs(carried[0]) < 1e-12


def test_a_solver_that_does_not_return_to_where_the_window_began_is_found_out(tmp_path):
    case = example("kettle", tmp_path)
    program = (case / "kettle.py").read_text()
    assert "lambda saved: state.update(saved)" in program
    (case / "kettle.py").write_text(program.replace("lambda saved: state.update(saved)", "lambda saved: None"))
    plate = [sys.executable, "-m", "suture", "run", str(case), "--only", "plate"]
    done = together((1, plate), (1, [sys.executable, str(case / "kettle.py"), str(case)]), check=False)
    assert done.returncode == 1
    assert (
        "participant 'kettle', rank 0, window 0: restore() does not return to where the window began: energy was"
        in (done.stderr)
    )
