"""Three participants exchange heat as one joint problem, against all of them solved as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.solvers.slab import Slab, SlabSettings

from .variants import evaluation, played, scaled, variant

PLAIN = ("samples = 5", 'samples = 5\nacceleration = { kind = "none" }')
SERIAL = ("parallel-implicit", "serial-implicit")
EULER = ("step = 0.02", 'step = 0.02\ntime_integration = "backward-euler"')
EXACTLY = ("samples = 5", "samples = 5\nconvergence = { relative = 1e-10 }")
SHORT = ("end = 2.0", "end = 0.5")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("three_bodies")
    changes = {
        "parallel": [],
        "serial": [SERIAL],
        "plain": [SHORT, PLAIN],
        "euler": [SHORT, EULER, EXACTLY],
        "euler serial": [SHORT, EULER, EXACTLY, SERIAL],
    }
    folders = [variant("three-bodies", folder / name, *change) for name, change in changes.items()]
    fine = variant("three-bodies", folder / "fine")
    for key in ("window", "step"):
        scaled(fine, key, lambda value: value / 2)
    scaled(fine, "cells", lambda value: round(value * 2))
    return folder, played([*folders, fine])


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("three-bodies").evaluate(runs[0] / name / "RUN")


def test_second_order_and_few_iterations(runs: Any) -> None:
    coarse, serial, fine = (result(runs, name) for name in ("parallel", "serial", "fine"))
    for key, bound in (("rms_error", 5e-5), ("largest_error", 4e-4)):
        assert coarse[key] < bound
        assert serial[key] == pytest.approx(coarse[key], rel=1e-3)
        assert np.log2(coarse[key] / fine[key]) > 1.8
    assert coarse["iterations"]["mean"] < 6 and serial["iterations"]["mean"] < 7


def test_plain_iteration_diverges(runs: Any) -> None:
    assert runs[1]["plain"]["exit_code"] == 7


@pytest.mark.parametrize("name", ["euler", "euler serial"])
def test_they_are_one_slab(name: str, runs: Any) -> None:
    """With equal steps of backward Euler the coupled equations are those of one slab of all cells, to the tolerance."""
    result(runs, name)
    whole = Slab(
        SlabSettings.model_validate(
            {
                "lower": [0, 0, 0],
                "upper": [2.5, 1, 1],
                "cells": 100,
                "conductivity": "4 + (0.5 - 4)*max(0, tanh(1e9*(x-1))) + (10-0.5)*max(0, tanh(1e9*(x-1.5)))",
                "capacity": "2 - max(0, tanh(1e9*(x-1))) - 0.5*max(0, tanh(1e9*(x-1.5)))",
                "initial": 0.0,
                "step": 0.02,
                "time_integration": "backward-euler",
                "boundaries": {
                    "lower": {"kind": "convection", "coefficient": 10.0, "temperature": "tanh((3*t)**2)"},
                    "upper": {"kind": "convection", "coefficient": 5.0, "temperature": 0.0},
                },
            }
        )
    )
    for _ in range(25):
        whole.advance(0.02)
    parts = []
    for body in ("first", "second", "third"):
        with h5py.File(runs[0] / name / "RUN" / body / "profiles.h5") as file:
            parts.append(file["temperature"][-1])
    assert np.abs(np.concatenate(parts) - whole.temperature).max() < 1e-8
    assert whole.temperature.max() > 0.5
