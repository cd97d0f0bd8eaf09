"""Judges a run of the chain, and compares its scheme with all others.

python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names
python evaluate.py          prints a table of all schemes: ghost forces, and what the seam sends back
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py
import numpy as np

from suture.solvers.chain import ChainSettings, chain, measure_reflection, patch_test

CASE = Path(__file__).parent
SCHEMES = ("energy-based", "quasi-nonlocal", "energy-blended", "ghost-force-corrected", "force-based", "force-blended")
BLENDED = ("energy-blended", "ghost-force-corrected", "force-blended")


def settings(**changes) -> ChainSettings:
    """Those of the case, with changes; a width goes with a blended scheme only."""
    given = tomllib.loads((CASE / "case.toml").read_text())["participants"]["chain"]["solver"]["chain"] | changes
    if given["scheme"] not in BLENDED:
        given.pop("width", None)
    return ChainSettings.model_validate(given)


def evaluate(run):
    """What ``reference/checks.toml`` compares."""
    with h5py.File(run / "ledger.h5") as file:
        energy = list(file.attrs["columns"]).index("energy")
        book = file["participants/chain"]
        held = book["inventory"][:, energy]
        rows = {name: row[:].sum(axis=0) for name, row in book["rows"].items()}
    pulse = held[0]
    return {
        "ghost_forces": max(patch_test(settings(), strain).largest for strain in (0.0, 0.01, 0.02)),
        "absorbed": float(-rows["stadium"][energy] / pulse),
        "left": float(held[-1] / pulse),
        "blending": float(abs(rows["force blending"][energy]) / pulse),
        "unbooked": float(abs(held[-1] - held[0] - sum(row[energy] for row in rows.values())) / pulse),
    }


def table():
    """Every scheme on the chain of the case."""
    print(f"{'scheme':24} {'ghost force, 0 and 1 %':>24} {'sent back, q = 0.1, 0.3':>26}")
    for scheme in SCHEMES:
        of = settings(scheme=scheme, element=1)
        forces = [patch_test(of, strain).largest for strain in (0.0, 0.01)]
        back = [measure_reflection(chain(of), 400, 200.0, 20.0, q, 400.0 / np.sqrt(60.0)) for q in (0.1, 0.3)]
        print(f"{scheme:24} {forces[0]:12.2e}{forces[1]:12.2e} {back[0]:14.2e}{back[1]:12.2e}")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN", nargs="?")
    run = parser.parse_args().run
    if run is None:
        table()
    else:
        print(json.dumps(evaluate(run)))


if __name__ == "__main__":
    main()
