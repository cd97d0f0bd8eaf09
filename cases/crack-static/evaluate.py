"""Where the bonds across the crack are open in a run, window by window.

python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np
from bonds import OPEN, bonds, lengths
from field import level


def atoms(file):
    """A dump's places, (n, 3), by id."""
    lines = file.read_text().split("ITEM: ATOMS", 1)[1].splitlines()[1:]
    return np.array([line.split()[2:5] for line in lines], dtype=float)


def course(run):
    """K in units of Griffith's, the place of the last open bond, and the lengths of all, (windows, m), with their x."""
    rest = atoms(run / "core" / "rest.dump")
    pairs = bonds(rest)
    x = rest[pairs[:, 0], 0]
    files = sorted((run / "core").glob("atoms_*.dump"))
    long = np.array([lengths(pairs, atoms(file)) for file in files])
    levels = np.array([level(int(file.stem[-6:])) for file in files])
    return levels, np.array([x[row > OPEN].max() for row in long]), long, x


def evaluate(run):
    """K at which the crack first grew, what holds before, and what the run cost."""
    levels, ends, long, x = course(run)
    grown = np.flatnonzero(ends > ends[0] + 1.0)
    before = levels[: grown[0]] if len(grown) else levels
    tip = int(np.argmin(np.abs(x - x[x > 1.0].min())))
    with h5py.File(run / "ledger.h5") as ledger:
        iterations = np.abs(ledger["iterations"][:])
    return {
        "holds": float(before[-1]),
        "grows": float(levels[grown[0]]) if len(grown) else float("nan"),
        "growth": float(ends[-1] - ends[0]),
        "first_bond": {f"{k:.2f}": float(row[tip]) for k, row in zip(levels, long, strict=True)},
        "atoms": len(atoms(run / "core" / "rest.dump")),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
