"""Compares a run of the shrinking body with coupled thermoelasticity in closed form.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

On rollers the body strains along x only, without stress along x: (l + 2 m) du/dx = b (T - T0), b = (3 l + 2 m) a. Heat
that goes into straining, b T0 d(du/dx)/dt, adds to the capacity, so that a quarter of a sine decays as
exp(-(pi/2)^2 k t / (c + b^2 T0 / (l + 2 m))); the far end moves in proportion.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np

YOUNG, POISSON, EXPANSION, REFERENCE = 1.0, 0.25, 0.015, 300.0
LAME, SHEAR = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON)), YOUNG / (2 * (1 + POISSON))
COUPLING = (3 * LAME + 2 * SHEAR) * EXPANSION
STIFFNESS = LAME + 2 * SHEAR
EXTRA = COUPLING**2 * REFERENCE / STIFFNESS
"""What straining adds to the capacity 1."""
RATE = (np.pi / 2) ** 2 / (1.0 + EXTRA)


def evaluate(run):
    """Largest differences at the far end, relative to the start; the decay's rate; the heat that straining took."""
    with h5py.File(run / "heat" / "course.h5") as heat, h5py.File(run / "mechanics" / "course.h5") as mechanics:
        time, warmer, moved = heat["time"][:], heat["far"][:] - REFERENCE, mechanics["far"][:, 0]
    with h5py.File(run / "ledger.h5") as ledger:
        (flow,) = ledger["flows"].values()
        given = flow["sent"][:].sum() * (1 if flow.attrs["sender"] == "mechanics" else -1)
        iterations = np.abs(ledger["iterations"][:])
    exact = np.exp(-RATE * time)
    shrunk = 0.25 * 2 / np.pi * COUPLING / STIFFNESS * (1 - exact[-1])
    return {
        "temperature": float(np.abs(warmer - exact).max()),
        "displacement": float(np.abs(moved / (COUPLING / STIFFNESS * 2 / np.pi) - exact).max()),
        "rate": float(-np.log(warmer[-1]) / time[-1] / RATE - 1),
        "heat_of_straining": float(given / (COUPLING * REFERENCE * shrunk) - 1),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
