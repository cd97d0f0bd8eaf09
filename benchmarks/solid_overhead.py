"""MD steps per second of atoms that follow a continuum over those of the same LAMMPS script alone.

    python benchmarks/solid_overhead.py [windows] [steps]

A disc of a triangular lattice (the script of the case `wave`, made larger) on one rank, in windows of 10 steps or as
many as are given. Alone, LAMMPS does one plain run in which the led atoms stand still. Coupled, the atoms' side of the
interface takes a displacement in each window, moves its led atoms, and gives momentum and energy; its partner is played
by this program, whose time does not count. Processor time; the two alternate, and the median of the pairs' ratios
counts. Prints one JSON line.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.adapters.led_atoms import LedAtoms
from suture.adapters.solid_atoms import CoupledMovingAtoms
from suture.couplers.kind import Context
from suture.couplers.window import Window
from suture.solvers.md.library import Lammps
from suture.solvers.md.solid_settings import SolidAtomsSettings

SCRIPT = Path(__file__).parent.parent / "cases" / "wave"
TIMESTEP, PAIRS = 0.005, 7
SETTINGS = {
    "script": "in.core",
    "free": "free",
    "plane": True,
    "variables": {"core": 56.0, "radius": 60.0, "half": 65.0},
}


WARM = "velocity free create 0.1 1 loop geom"


def coupled(folder: Path, windows: int, steps: int) -> float:
    """Processor seconds of the windows."""
    context = Context(MPI.COMM_SELF, "atoms", SCRIPT, folder, steps * TIMESTEP)
    solver = CoupledMovingAtoms(SolidAtomsSettings.model_validate(SETTINGS), context)
    solver.lammps.command(WARM)
    side = LedAtoms(solver)
    count = len(side.cells("momentum").points)
    states = {"displacement": 3, "velocity": 3, "shift": 3, "force": 3, "blending": 1, "covered": 1}
    values = {name: np.zeros((count, width)) for name, width in states.items()}
    values["weight"] = np.ones((count, 1))
    side.prepare(values)
    seconds = 0.0
    for index in range(windows):
        window = Window(index, index * solver.max_dt, solver.max_dt)
        values["displacement"][:, 0] = 1e-3 * np.sin(index)
        begin = time.process_time()
        side.receive(window, values)
        solver.advance(window.dt)
        side.account(window.dt)
        side.send(window)
        solver.inventory(), solver.rows(), solver.gross()
        seconds += time.process_time() - begin
    solver.close()
    return seconds


def alone(folder: Path, steps: int) -> float:
    """Processor seconds of as many steps in one run."""
    lammps = Lammps(MPI.COMM_SELF, folder / "log.lammps", SETTINGS["variables"])
    lammps.script(SCRIPT / SETTINGS["script"])
    lammps.command(WARM)
    lammps.command("run 1 post no")
    begin = time.process_time()
    lammps.command(f"run {steps} post no")
    seconds = time.process_time() - begin
    lammps.close()
    return seconds


def main(windows: int, steps: int) -> None:
    """Print the JSON line."""
    pairs = []
    for _ in range(PAIRS):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            pairs.append((alone(Path(one), windows * steps), coupled(Path(other), windows, steps)))
    ratios = [one / other for one, other in pairs]
    found = {
        "benchmark": "solid_overhead",
        "steps": windows * steps,
        "steps_a_window": steps,
        "lammps_alone_steps_per_s": windows * steps / statistics.median(one for one, _ in pairs),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*(int(word) for word in [*sys.argv[1:], *("40", "10")[len(sys.argv) - 1 :]]))
