"""Judges a run of the plate that is pulled, and draws its atoms.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names, and draws crack.png

A bond is broken where an atom has fewer neighbours within 1.4 than the six of the lattice, and was not at the notch.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np
from scipy.spatial import cKDTree

NEAR = 1.4


def dumps(run):
    """Windows done, and the atoms' places (n, 3) at their end, of each dump."""
    found = sorted((run / "core").glob("atoms_*.dump"))
    return [(int(path.stem.split("_")[1]), np.loadtxt(path, skiprows=9)[:, 2:5]) for path in found]


def tip(places):
    """How far to the right atoms around the middle of the strip lack neighbours: the end of the crack."""
    tree = cKDTree(places[:, :2])
    neighbours = np.array([len(near) - 1 for near in tree.query_ball_point(places[:, :2], NEAR)])
    inside = (np.abs(places[:, 1]) < 7.0) & (places[:, 0] < 39.0)
    return float(places[inside & (neighbours < 5), 0].max())


def evaluate(run):
    """What ``reference/checks.toml`` compares."""
    with h5py.File(run / "ledger.h5") as file:
        energy = list(file.attrs["columns"]).index("energy")
        held = sum(group["inventory"][:, energy] for group in file["participants"].values())
        rows = {
            row: group["rows"][row][:, energy].sum() for group in file["participants"].values() for row in group["rows"]
        }
    tips = [tip(places) for _, places in dumps(run)]
    work = rows["upper"] + rows["lower"]
    return {
        "work": work,
        "stored_of_work": float((held[-1] - held[0]) / work),
        "heat_of_work": float(-rows["stadium"] / work),
        "blending_of_work": float(abs(rows["force blending"]) / work),
        "integrators_of_work": float((abs(rows["integration error"]) + abs(rows["numerical dissipation"])) / work),
        "tip_before": tips[0],
        "tip_after": tips[-1],
        "tips": tips,
    }


def draw(run):
    """The atoms at the end of each dump: ``crack.png`` in the run's folder."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = dumps(run)[1:]
    figure, axes = plt.subplots(2, 2, figsize=(9.0, 5.0))
    for (window, places), part in zip(shown, axes.ravel(), strict=False):
        tree = cKDTree(places[:, :2])
        count = [len(near) - 1 for near in tree.query_ball_point(places[:, :2], NEAR)]
        part.scatter(places[:, 0], places[:, 1], c=count, s=4, vmin=2, vmax=6, cmap="viridis")
        part.set(title=f"t = {0.02 * window:g}", aspect="equal")
    figure.tight_layout()
    figure.savefig(run / "crack.png", dpi=110)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    run = parser.parse_args().run
    draw(run)
    print(json.dumps(evaluate(run)))


if __name__ == "__main__":
    main()
