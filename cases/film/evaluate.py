"""Heat flux and slip of a gray film, in the units of the integral equation's solution.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

Q is the flux over C v dT / 4; the effective conductivity over the bulk's is 3/4 tau Q with tau the thickness in mean
free paths; slip is what the phonons at the hot wall are colder than it, over dT.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py


def evaluate(run):
    """Q, k_eff / k and the slip; their imbalance and the sweeps it took."""
    settings = tomllib.loads((run / "case.resolved.toml").read_text())["participants"]["film"]["solver"]
    material = settings["material"]
    ballistic = material["heat_capacity"] * material["velocity"] / 4
    tau = (settings["mesh"]["upper"][0] - settings["mesh"]["lower"][0]) / material["mean_free_path"]
    with h5py.File(run / "ledger.h5") as ledger:
        rows = ledger["participants/film/rows"]
        entered, left = (float(rows[side][0, 0]) for side in ("x-lower", "x-upper"))
    with h5py.File(run / "film" / "course.h5") as course:
        temperature, sweeps = course["temperature"][-1], course["iterations"][-1]
    q = entered / ballistic
    return {
        "Q": q,
        "k_eff_over_k": 0.75 * tau * q,
        "slip": 1.0 - float(temperature[0]),
        "imbalance": abs(entered + left) / entered,
        "sweeps": float(sweeps),
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
