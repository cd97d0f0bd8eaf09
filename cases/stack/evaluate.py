"""The resistance of metal, film and substrate, and how many iterations a window took.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

In closed form R = La / ka + Lb / kb + 4 / (C v) (1 / Q + 1 / t1 + 1 / t2 - 2), with Q the film's flux
between black walls.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np

AREA, DIFFERENCE, WINDOW = 1e-12, 1.0, 1e-7
Q = 0.55340599333
"""Of a film of one mean free path, from the integral equation."""
EXACT = 100e-9 / 180 + 1e-6 / 142 + 4 / 3e9 * (1 / Q + 1 / 0.5 + 1 / 0.5 - 2)


def evaluate(run):
    """Resistance in the last window, its relative error at both interfaces, and iterations."""
    with h5py.File(run / "ledger.h5") as ledger:
        heat = [abs(float(ledger[f"flows/{name}/sent"][-1, 0])) for name in ledger["flows"]]
        iterations = np.abs(ledger["iterations"][:])
    resistances = [AREA * DIFFERENCE * WINDOW / q for q in heat]
    return {
        "resistance": resistances[0],
        "error": max(abs(r / EXACT - 1) for r in resistances),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
