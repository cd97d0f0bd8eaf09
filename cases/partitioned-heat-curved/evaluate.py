"""Compares a run of the two bodies with the manufactured solution u = 1 + x^2 + 3 y^2 + 1.2 t.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

The arc bulges by 0.2 from x = 1. What leaves the left body through it follows from the divergence theorem: 8 times the
body's area is what enters through all of its sides together, and 6 of it enters at the top.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np

BULGE = 0.2
RADIUS = (0.25 + BULGE**2) / (2 * BULGE)
ANGLE = 2 * np.arcsin(0.5 / RADIUS)
CROSSES = 6.0 - 8.0 * (1.0 + 0.5 * RADIUS**2 * (ANGLE - np.sin(ANGLE)))
"""Rate at which heat leaves the left body through the arc."""


def evaluate(run):
    """Largest nodal error, and how far the heat through the arc is from the exact one, relatively."""
    error = 0.0
    for name in ("left", "right"):
        with h5py.File(run / name / "course.h5") as file:
            error = max(error, file["error"][:].max())
    with h5py.File(run / "ledger.h5") as ledger:
        (flow,) = ledger["flows"].values()
        sign = 1.0 if flow.attrs["sender"] == "left" else -1.0
        crossed = sign * flow["sent"][:, 0] / np.diff(ledger["time"][:])
    return {"error": float(error), "crossed": float(np.abs(crossed / CROSSES - 1).max())}


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
