"""A pulse between elements and atoms in motion: the books close, on any ranks and after a restart; its errors fall."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ..mpi import suture
from .variants import evaluation, played, variant

SMALL = (
    ('free = "free"', 'free = "free"\nvariables = { core = 6.0, radius = 10.5 }'),
    ("y*y) - 12", "y*y) - 6"),
    ("y*y) - 13.5", "y*y) - 7.5"),
    ("lower = [-60.0, -30.0], upper = [60.0, 30.0]", "lower = [-24.0, -14.6], upper = [24.0, 14.6]"),
    ("28.998513841172514", "13.532639792547174"),
    ("x + 30", "x + 13"),
    ("/32)", "/18)"),
    ("/16*", "/9*"),
    ("end = 8.0", "end = 1.6"),
)
"""The same on a disc of half the size."""
WINDOWS = {"whole": 0.02, "half": 0.01, "quarter": 0.005}


def small(folder: Path, window: float = 0.02, *more: tuple[str, str]) -> Path:
    times = [("window = 0.02", f"window = {window}"), ("step = 0.02", f"step = {window}")]
    return variant("wave", folder, *SMALL, *times, *more)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("wave")
    blended = (('y*y) - 7.5"', 'y*y) - 7.5", width = 3.0'), ("radius = 10.5", "radius = 13.5"))
    band = "baths.stadium = { lower = [-3.0, -3.0, -inf], upper = [3.0, 3.0, inf], length = 3.0, rate = 2.0 }"
    stadium = ("plane = true", f"plane = true\n{band}")
    folders = [small(folder / name, window) for name, window in WINDOWS.items()]
    folders += [small(folder / "blended", 0.02, *blended), small(folder / "damped", 0.02, stadium)]
    return folder, played(folders, 2)


def books(run: Path) -> Any:
    return h5py.File(run / "ledger.h5")


@pytest.mark.parametrize("name", [*WINDOWS, "blended", "damped"])
def test_books_close(name: str, runs: Any) -> None:
    found = runs[1][name]
    assert found["exit_code"] == 0, found
    assert found["worst"] <= 1e-12
    result = evaluation("wave").evaluate(runs[0] / name / "RUN")
    assert result["blending_momentum"] < 1e-3 and result["blending_energy"] < 0.03


def test_integrators_are_of_second_order(runs: Any) -> None:
    """Elements' and led atoms' windows are halved; so is what velocity Verlet makes of the energy, twice."""
    errors = [evaluation("wave").evaluate(runs[0] / name / "RUN")["integrator"] for name in WINDOWS]
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx([2.0, 2.0], abs=0.3)


def test_windows_converge(runs: Any) -> None:
    """Where the atoms end does not depend on the window, to second order."""
    ends = []
    for name in WINDOWS:
        with h5py.File(runs[0] / name / "RUN" / "core" / "course.h5") as file:
            ends.append(file["kinetic"][-1])
    assert abs(ends[1] - ends[2]) < 0.35 * abs(ends[0] - ends[1])


def test_heat_of_the_stadium_is_a_row(runs: Any) -> None:
    """What the band took is what the whole lost, to the error of the rows that the scheme itself has."""
    with books(runs[0] / "damped" / "RUN") as file:
        energy = list(file.attrs["columns"]).index("energy")
        held = sum(group["inventory"][:, energy] for group in file["participants"].values())
        taken = file["participants/core/rows/stadium"][:, energy].sum()
        pulse = file["participants/far/inventory"][0, energy]
    assert taken < -0.02 * pulse
    assert held[-1] - held[0] == pytest.approx(taken, abs=0.01 * pulse)


def test_ranks_and_restarts_agree(tmp_path: Path, runs: Any) -> None:
    """Two ranks a side, ended half-way and resumed: the same to 1e-9."""
    short = (
        ("end = 1.6", "end = 0.4"),
        ("[participants.core]", "[run]\ncheckpoint_every = 10\n\n[participants.core]\nranks = 2"),
        ("[participants.far]", "[participants.far]\nranks = 2"),
    )
    case = small(tmp_path / "case", 0.02, *short)
    assert suture("run", case).returncode == 0
    file = case / "case.toml"
    file.write_text(file.read_text().replace("end = 0.4", "end = 0.8"))
    again = suture("run", case, "--resume")
    assert again.returncode == 0, again.stderr
    with h5py.File(case / "RUN" / "core" / "course.h5") as one, books(case / "RUN") as ledger:
        found, worst = one["energy"][:].ravel(), ledger["time"][-1]
    with h5py.File(runs[0] / "whole" / "RUN" / "core" / "course.h5") as other:
        expected = other["energy"][:].ravel()[: len(found)]
    assert worst == pytest.approx(0.8) and len(found) == 40
    assert found == pytest.approx(expected, rel=1e-9)


def test_atoms_in_motion_repeat_no_window(tmp_path: Path) -> None:
    """The other participant's engine would do it; atoms say that they cannot."""
    case = small(tmp_path / "case", 0.02, ("serial-explicit", "serial-implicit"), ("end = 1.6", "end = 0.04"))
    done = suture("run", case, check=False)
    assert done.returncode == 3
    assert "participant 'core': atoms in motion cannot repeat a window, as an implicit scheme asks" in done.stderr


def test_motion_on_one_side_alone_is_refused(tmp_path: Path) -> None:
    still = ('time_integration = "velocity-verlet"', 'time_integration = "quasi-static"')
    case = small(tmp_path / "case", 0.02, still, ("end = 1.6", "end = 0.2"))
    done = suture("run", case, check=False)
    assert done.returncode == 2
    assert "'velocity-verlet', where that of 'far' is 'quasi-static'" in " ".join(done.stderr.split())
