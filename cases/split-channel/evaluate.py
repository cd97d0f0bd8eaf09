"""Compares a run of the two flow solvers that share a channel with one solver that has all of it.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

The whole is stepped in the equal steps that both parts took, so that nothing but the cut makes a difference.
"""

from __future__ import annotations

import argparse
import json
import math
import tomllib
from pathlib import Path

import h5py
import numpy as np
from mpi4py import MPI

from suture.solvers.navier_stokes import NavierStokes, NavierStokesSettings

FIELDS = ("density", "velocity", "temperature")


def whole(case):
    """The flow solver of the whole channel, from the settings of its two parts."""
    lower, upper = (case["participants"][name]["solver"] for name in ("lower", "upper"))
    settings = {
        **lower,
        "upper": upper["upper"],
        "cells": [1, 1, lower["cells"][2] + upper["cells"][2]],
        "boundaries": {"z-lower": lower["boundaries"]["z-lower"], "z-upper": upper["boundaries"]["z-upper"]},
    }
    return NavierStokes(NavierStokesSettings.model_validate(settings), MPI.COMM_SELF)


def parts(run):
    """Times, and density, velocity along x and temperature of both parts together, (times, 3, cells)."""
    courses = []
    for name in ("lower", "upper"):
        with h5py.File(run / name / "profiles.h5") as file:
            time = file["time"][:]
            courses.append(np.stack([file["density"][:], file["velocity"][:, :, 0], file["temperature"][:]], axis=1))
    return time, np.concatenate(courses, axis=2)


def evaluate(run):
    """Largest difference to the whole at the windows' ends, relative to the largest value of the field."""
    case = tomllib.loads((run / "case.resolved.toml").read_text())
    time, found = parts(run)
    flow, window = whole(case), case["time"]["window"]
    steps = math.ceil(window / flow.max_dt)
    wanted = []
    for _ in time:
        for _ in range(steps):
            flow.advance(window / steps)
        wanted.append(np.stack([flow.density.ravel(), flow.velocity[0].ravel(), flow.temperature.ravel()]))
    wanted = np.array(wanted)
    scale = np.abs(wanted).max(axis=(0, 2))
    difference = np.abs(found - wanted).max(axis=2) / scale
    z = (np.arange(found.shape[2]) + 0.5) / found.shape[2]
    lid = case["participants"]["upper"]["solver"]["boundaries"]["z-upper"]["velocity"][0]
    with h5py.File(run / "ledger.h5") as ledger:
        iterations = np.abs(ledger["iterations"][:])
    return {
        "difference": dict(zip(FIELDS, map(float, difference.max(axis=0)), strict=True)),
        "last_difference": dict(zip(FIELDS, map(float, difference[-1]), strict=True)),
        "distance_to_couette": float(np.abs(found[-1, 1] - lid * z).max() / lid),
        "steps": steps,
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
