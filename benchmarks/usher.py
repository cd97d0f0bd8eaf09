"""What it takes to put atoms into a Lennard-Jones fluid by USHER, from dilute to dense.

    python benchmarks/usher.py [windows]

4,000 atoms, cut at 2.5 and shifted, at temperature 1.1, between reflecting walls. In every other window of 100 steps
ten are put in at the mean potential energy, away from the walls, and ten drawn by lot go. Of each density: the
share of searches that find a place, steps and searches an atom, the largest relative error of the energy, and what
searching, and all of it, cost beside a window without. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.adapters.usher import Usher
from suture.solvers.md import _open
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

DENSITIES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85)
TEMPERATURE, ATOMS, STEPS, TIMESTEP = 1.1, 10, 100, 0.005
AWAY = 3.0
"""From the walls, where new atoms are put in."""
SCRIPT = """
variable density index 0.8
units lj
boundary p p f
lattice fcc ${density}
region box block 0 10 0 10 -0.1 9.9
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_modify shift yes
pair_coeff * * 1.0 1.0
group fluid type 1
neighbor 0.3 bin
neigh_modify delay 0 every 2 check yes
velocity all create 1.1 1
fix motion all nve
fix heat all langevin 1.1 1.1 0.5 1
fix ends all wall/reflect zlo EDGE zhi EDGE
timestep 0.005
run 3000
"""


def start(folder: Path, density: float) -> MolecularDynamics:
    """The fluid, molten."""
    (folder / "in.fluid").write_text(SCRIPT)
    settings = MolecularDynamicsSettings(script="in.fluid", variables={"density": density}, fluid="fluid")
    md = MolecularDynamics(settings, MPI.COMM_SELF, folder / "in.fluid", folder, STEPS * TIMESTEP)
    md.open_fluid()
    md.begin()
    return md


def search_for(md: MolecularDynamics, density: float) -> _open.Search:
    """The mean potential energy of an atom, as an open end looks for it."""
    energy, number, _ = _open.count(md.lammps.address, md.fluid_bit, 2, 1.0, -np.inf, np.inf, "suture_pe")
    overlap = 1e4 * TEMPERATURE
    return _open.Search(
        target=energy / number,
        tolerance=1e-3 * max(abs(energy / number), TEMPERATURE),
        overlap=overlap,
        core=_open.core(md.lammps.address, 1, overlap),
        step=0.15 * density ** (-1.0 / 3.0),
        iterations=100,
        attempts=2000,
    )


def measure(density: float, windows: int) -> dict[str, float]:
    """All figures of one density."""
    generator = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        md = start(Path(name), density)
        box, inner = np.array(md.lammps.box), np.array(md.lammps.box)
        inner[:, 2] += (AWAY, -AWAY)
        usher = Usher(md.comm)
        seconds, errors = {"plain": 0.0, "search": 0.0, "changed": 0.0}, [0.0]

        def exchange() -> None:
            begin = time.perf_counter()
            around = _open.Surroundings(md.lammps.address, 2, float(box[0, 2]), float(box[1, 2]), 1)
            leaving = generator.choice(md.lammps.integers("id"), ATOMS, replace=False).tolist()
            around.remove(leaving)
            places, energies = usher.find(around, ATOMS, inner, search, generator)
            seconds["search"] += time.perf_counter() - begin
            velocities = generator.normal(scale=TEMPERATURE**0.5, size=places.shape)
            md.change_atoms(leaving, places, around.enter(velocities))
            errors.extend(np.abs(energies - search.target) / abs(search.target))

        for _ in range(windows):
            begin = time.perf_counter()
            md.advance(STEPS * TIMESTEP)
            plain = time.perf_counter()
            search = search_for(md, density)
            md.at_exchange = exchange
            md.advance(STEPS * TIMESTEP)
            seconds["plain"] += plain - begin
            seconds["changed"] += time.perf_counter() - plain
        md.close()
    tally = usher.tally
    return {
        "density": density,
        "target": round(search.target, 3),
        "succeed": round(tally.inserted / tally.attempts, 4),
        "steps_an_atom": round(tally.iterations / tally.inserted, 1),
        "searches_an_atom": round(tally.attempts / tally.inserted, 1),
        "largest_error": round(float(max(errors)), 6),
        "failed": tally.failed,
        "search_cost": round(seconds["search"] / seconds["plain"], 4),
        "whole_cost": round(seconds["changed"] / seconds["plain"] - 1.0, 4),
    }


def main() -> None:
    """Measure and print."""
    windows = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(json.dumps({"benchmark": "usher", "densities": [measure(density, windows) for density in DENSITIES]}))


if __name__ == "__main__":
    main()
