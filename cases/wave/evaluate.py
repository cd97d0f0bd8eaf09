"""Judges a run of the pulse: what its books, and the atoms after it has passed, say of the seam.

python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np


def evaluate(run):
    """What ``reference/checks.toml`` compares."""
    with h5py.File(run / "ledger.h5") as file:
        energy = list(file.attrs["columns"]).index("energy")
        held = sum(group["inventory"][:, energy] for group in file["participants"].values())
        pulse = file["participants/far/inventory"][0, energy]
        rows = file["participants/far/rows"]
        damping = rows["numerical dissipation"][:, energy]
        # What the scheme does not conserve; one that blends energies has no such row.
        own = [name for name in ("force blending", "constraint") if name in rows]
        blending = sum((rows[name][:] for name in own), np.zeros_like(rows["sides"][:]))
        (flow,) = file["flows"].values()
        sent = np.abs(flow["sent"][:]).sum(axis=0)
    with h5py.File(run / "core" / "course.h5") as file:
        kinetic = file["kinetic"][:].ravel()
    return {
        "pulse": float(pulse),
        "energy_drift": float(np.abs(held - held[0]).max() / pulse),
        "blending_energy": float(np.abs(np.cumsum(blending[:, energy])).max() / pulse),
        "blending_momentum": float(abs(blending[:, 0].sum()) / sent[0]),
        "integrator": float(np.abs(np.cumsum(damping)).max() / pulse),
        "left_behind": float(kinetic[-20:].mean() / kinetic.max()),
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
