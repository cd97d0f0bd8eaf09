"""Compares a run of the plate in the stream with Euler and Bernoulli's beam.

    python evaluate.py RUN      prints JSON

A cantilever on which a uniform load q per length acts from t = 0 on bends by the sum over its modes of
q / (rho A) 2 s / b (-1)^n 2 (1 - cos w t) / w^2 at the tip, with w = (b / L)^2 sqrt(E I / (rho A)), the roots b of
cos b cosh b = -1, and s = (cosh b + cos b) / (sinh b + sin b).
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py
import numpy as np
from scipy.optimize import brentq

LOAD = 4.0e-3
"""Twice the stream's pressure: from below and from above."""
MODES = 4


def modes():
    """The first roots b, and s of each."""
    roots = [
        brentq(lambda b: np.cos(b) + 1 / np.cosh(b), (n + 0.5) * np.pi - 0.4, (n + 0.5) * np.pi + 0.4, xtol=1e-14)
        for n in range(MODES)
    ]
    return [(b, (np.cosh(b) + np.cos(b)) / (np.sinh(b) + np.sin(b))) for b in roots]


def beam(run):
    """Length, mass per length and bending stiffness per depth, as the run's case says."""
    plate = tomllib.loads((run / "case.resolved.toml").read_text())["participants"]["plate"]["solver"]
    length, height = plate["mesh"]["upper"]
    return length, plate["density"] * height, plate["young"] * height**3 / 12


def deflection(run, t):
    """Of the beam's tip at the times ``t``."""
    length, mass, stiffness = beam(run)
    tip = np.zeros_like(t)
    for n, (b, s) in enumerate(modes()):
        square = (b / length) ** 4 * stiffness / mass
        tip += LOAD / mass * 2 * s / b * (-1) ** n * 2 * (1 - np.cos(np.sqrt(square) * t)) / square
    return tip


def evaluate(run):
    """Largest deflection and the course of the tip against the beam's, and where the tip turns."""
    with h5py.File(run / "plate" / "course.h5") as file:
        t, tip = file["time"][:], file["tip"][:, 1]
    exact, length = deflection(run, t), beam(run)[0]
    with h5py.File(run / "ledger.h5") as ledger:
        iterations = np.abs(ledger["iterations"][:])
    return {
        "largest_error": float(abs(tip.max() / exact.max() - 1)),
        "rms_error": float(np.sqrt(np.mean((tip - exact) ** 2)) / exact.max()),
        "mean_error": float(abs(tip.mean() / exact.mean() - 1)),
        "of_length": float(tip.max() / length),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
