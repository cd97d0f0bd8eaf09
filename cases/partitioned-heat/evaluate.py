"""Compares a run of the two squares with the manufactured solution u = 1 + x^2 + 3 y^2 + 1.2 t.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

The heat that enters each side of a square is known: the normal derivative of u is 2 at the cut x = 1, 4 at x = 2, 6 at
y = 1 and 0 at x = 0 and y = 0.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np

ENTERS = {
    "left": {"x-lower": 0.0, "y-lower": 0.0, "y-upper": 6.0},
    "right": {"x-upper": 4.0, "y-lower": 0.0, "y-upper": 6.0},
}
"""Rate at which heat enters through each outer side."""
CROSSES = -2.0
"""Rate at which it leaves the left square through the cut."""


def evaluate(run):
    """Largest nodal error, and how far the heat through the cut and through each outer side is from the exact one."""
    error = 0.0
    for name in ENTERS:
        with h5py.File(run / name / "course.h5") as file:
            error = max(error, file["error"][:].max())
    with h5py.File(run / "ledger.h5") as ledger:
        windows = np.diff(ledger["time"][:])
        iterations = np.abs(ledger["iterations"][:])
        (flow,) = ledger["flows"].values()
        sign = 1.0 if flow.attrs["sender"] == "left" else -1.0
        crossed = sign * flow["sent"][:, 0] / windows - CROSSES
        entered = [
            rows[side][:, 0] / windows - rate
            for name, sides in ENTERS.items()
            for rows in [ledger["participants"][name]["rows"]]
            for side, rate in sides.items()
        ]
    return {
        "error": float(error),
        "crossed": float(np.abs(crossed).max()),
        "entered": float(np.abs(entered).max()),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
