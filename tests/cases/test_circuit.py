"""Two flow solvers whose far ends are joined by a shift are one periodic flow solver, to second order in the step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from suture.solvers.navier_stokes import NavierStokes, NavierStokesSettings

from ..complaints import edited, require, write
from ..complaints import suture as refused
from .variants import played

GAS = {"kind": "ideal-gas", "gamma": 1.4, "gas_constant": 1.0, "viscosity": 0.02, "conductivity": 0.07}
INITIAL = {
    "density": "1 + 0.05*sin(2*pi*z)",
    "velocity": ["0.1*cos(2*pi*z)", 0.0, "0.3 + 0.05*sin(2*pi*z)"],
    "temperature": "1 + 0.03*cos(2*pi*z)",
}
PART = """
[participants.{name}]
kind = "finite-volume"
[participants.{name}.solver]
lower = [0.0, 0.0, {lower}]
upper = [1.0, 1.0, {upper}]
cells = [1, 1, 16]
fluid = {{ kind = "ideal-gas", gamma = 1.4, gas_constant = 1.0, viscosity = 0.02, conductivity = 0.07 }}
initial = {{ density = "1 + 0.05*sin(2*pi*z)", velocity = ["0.1*cos(2*pi*z)", 0.0, "0.3 + 0.05*sin(2*pi*z)"], \
temperature = "1 + 0.03*cos(2*pi*z)" }}
boundaries = {{ z-lower = {{ kind = "seam" }}, z-upper = {{ kind = "seam" }} }}
"""
CASE = (
    """
title = "A gas goes round in two flow solvers"
[time]
window = 0.04
end = 0.48
[scheme]
kind = "serial-implicit"
samples = 4
[scheme.convergence]
relative = 1e-9
absolute = 1e-13
"""
    + PART.format(name="first", lower=0.0, upper=0.5)
    + PART.format(name="second", lower=0.5, upper=1.0)
    + """
[interfaces.middle.sides.first]
side = "z-upper"
condition = "states"
[interfaces.middle.sides.second]
side = "z-lower"
[interfaces.ends.sides.second]
side = "z-upper"
condition = "states"
shift = [0.0, 0.0, -1.0]
[interfaces.ends.sides.first]
side = "z-lower"
"""
)
HALF = CASE.replace("window = 0.04", "window = 0.02").replace("\ninitial =", "\ncfl = 0.4\ninitial =")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("circuit")
    for name, text in (("one", CASE), ("half", HALF)):
        (folder / name).mkdir()
        write(folder / name, text)
    return folder, played([folder / "one", folder / "half"], 2)


def difference(run: Path, window: float, cfl: float) -> float:
    """Largest one to the periodic solver at the end, in the equal steps that both parts took."""
    whole = NavierStokes(
        NavierStokesSettings.model_validate(
            {
                "lower": [0.0, 0.0, 0.0],
                "upper": [1.0, 1.0, 1.0],
                "cells": [1, 1, 32],
                "fluid": GAS,
                "initial": INITIAL,
                "cfl": cfl,
                "boundaries": {"z-lower": {"kind": "periodic"}, "z-upper": {"kind": "periodic"}},
            }
        ),
        MPI.COMM_SELF,
    )
    steps = math.ceil(window / whole.max_dt)
    assert steps == 4
    for _ in range(round(0.48 / window) * steps):
        whole.advance(window / steps)
    found = []
    for name in ("first", "second"):
        with h5py.File(run / "RUN" / name / "profiles.h5") as file:
            velocity = file["velocity"][-1]
            found.append(np.stack([file["density"][-1], velocity[:, 0], velocity[:, 2], file["temperature"][-1]]))
    wanted = np.stack([v.ravel() for v in (whole.density, whole.velocity[0], whole.velocity[2], whole.temperature)])
    return float(np.abs(np.concatenate(found, axis=1) - wanted).max())


def test_a_circuit_is_a_periodic_box(runs: Any) -> None:
    for name in ("one", "half"):
        assert runs[1][name]["exit_code"] == 0, runs[1][name]
        assert runs[1][name]["worst"] <= 1e-12
    errors = [difference(runs[0] / "one", 0.04, 0.8), difference(runs[0] / "half", 0.02, 0.4)]
    assert errors[0] < 5e-4, errors
    assert math.log2(errors[0] / errors[1]) > 1.7, errors


def test_without_its_shift_a_side_meets_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, edited(CASE, ("shift = [0.0, 0.0, -1.0]\n", "")))
    require(refused(capsys, "check", tmp_path), "interfaces.ends", "first", "second")


def test_a_wall_is_not_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = edited(CASE, ('condition = "states"\nshift', 'condition = "wall"\nshift'))
    write(tmp_path, changed)
    require(
        refused(capsys, "check", tmp_path), "interfaces.ends", "'shift' is for sides through which the flow goes on"
    )
