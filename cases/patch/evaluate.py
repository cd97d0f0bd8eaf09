"""How far atoms and nodes are from a uniform strain, and the forces that uniform strains leave.

python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py
import numpy as np

from suture.patch import spurious_forces
from suture.solvers.expression import SpaceExpression

FILE = Path(__file__).with_name("case.toml")


def gradient(boundary):
    """What the outer boundary's formulas say, (3, 3)."""
    formulas = [SpaceExpression(boundary[axis]) for axis in "xyz"]
    return np.array([[float(each(x=x, y=y, z=z)) for x, y, z in np.eye(3)] for each in formulas])


def evaluate(run, file=FILE):
    """Distances in Å of atoms and nodes from where the strain takes them; largest forces in eV/Å by per cent."""
    far = tomllib.loads((run / "case.resolved.toml").read_text())["participants"]["far"]["solver"]
    strain = gradient(far["boundaries"]["outer"])
    with h5py.File(run / "far" / "fields_000001.h5") as fields:
        nodes = fields["Mesh/mesh/geometry"][:]
        moved = next(iter(fields["Function/displacement"].values()))[:]
    figures = {"nodes_off": float(np.abs(moved - nodes @ strain.T).max())}
    figures["atoms_off"] = off_lattice(run, far["crystal"], strain)
    for found in spurious_forces(file):
        name = f"force_{100 * found['strain']:.0f}"
        figures[name] = max(found["force"], figures.get(name, 0.0))
    return figures


def off_lattice(run, crystal, strain):
    """The largest distance of an atom of the first place from the strained lattice, which may be shifted as a whole."""
    rows = np.loadtxt(run / "core" / "atoms_000001.dump", skiprows=9)
    places = rows[rows[:, 1] == 1, 2:5] @ np.linalg.inv(np.eye(3) + strain).T
    off = places - 0.5 * crystal["constant"] * np.round(places / (0.5 * crystal["constant"]))
    return float(np.abs(off - np.median(off, axis=0)).max())


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
