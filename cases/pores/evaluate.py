"""The conductivity of a periodic array of pores, over the bulk's, and over what Fourier's law leaves of it.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

Fourier's law in a square array of round pores: Rayleigh, Phil. Mag. 34 (1892) 481.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np

POROSITY = np.pi * 0.3**2
GRADIENT, BULK = 1e7, 148.0
FOURIER = 1 - 2 * POROSITY / (1 + POROSITY - 0.305827 * POROSITY**4 - 0.013362 * POROSITY**8)


def evaluate(run):
    """Conductivity of the array, both ratios, flux across over flux along, and sweeps."""
    with h5py.File(run / "silicon" / "course.h5") as course:
        flux, sweeps = course["flux"][-1] * (1 - POROSITY), course["iterations"][-1]
    k = float(flux[0]) / GRADIENT
    return {
        "conductivity": k,
        "over_bulk": k / BULK,
        "over_fourier": k / (FOURIER * BULK),
        "across": abs(float(flux[1] / flux[0])),
        "sweeps": float(sweeps),
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
