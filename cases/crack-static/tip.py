"""Draws the atoms at the tip of the crack before and after it first grew.

python tip.py RUN PICTURE
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from evaluate import atoms, course
from field import CONSTANT
from matplotlib.collections import LineCollection

BOND = 2.9
"""Up to which neighbours are joined by a line, Å."""


def draw(axes, places):
    """Atoms of one period, as seen along the front, and their bonds, also those to the next period."""
    depth = CONSTANT / np.sqrt(2.0)
    images = np.concatenate([places + np.array([0.0, 0.0, k * depth]) for k in (-1, 0, 1)])
    apart = np.linalg.norm(places[:, None] - images[None], axis=2)
    one, other = np.nonzero((apart > 0.1) & (apart < BOND))
    segments = np.stack([places[one, :2], images[other, :2]], axis=1)
    axes.add_collection(LineCollection(segments.tolist(), colors="0.55", linewidths=1.0))
    axes.plot(*places[:, :2].T, "o", color="tab:blue", markersize=4)
    axes.set(xlim=(-16, 24), ylim=(-14, 18), aspect="equal", xlabel="x / Å")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    given = parser.parse_args()
    levels, ends, _, _ = course(given.run)
    after = int(np.flatnonzero(ends > ends[0] + 1.0)[0])
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True, layout="constrained")
    for one, window in zip(axes, (after - 1, after), strict=True):
        draw(one, atoms(given.run / "core" / f"atoms_{window + 1:06d}.dump"))
        one.set_title(f"K = {levels[window]:.2f} of Griffith's")
    axes[0].set_ylabel("y / Å")
    figure.savefig(given.picture, dpi=110)


if __name__ == "__main__":
    main()
