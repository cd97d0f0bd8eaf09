"""The energy of formation of a vacancy, from where the coupled run put its atoms and nodes.

    python evaluate.py RUN                  prints JSON with the figures that reference/checks.toml names
    python evaluate.py RUN --atomistic      finds the same by atoms alone, in the same box, and how long that takes

Forces that are blended have no energy of their own. So all atoms of the box are put where the run says, those far away
where the nodes around them take them, and LAMMPS tells the energy of them all: E(vacancy) - E(perfect) + E(one atom).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tomllib
from pathlib import Path

import h5py
import numpy as np
from mpi4py import MPI
from scipy.interpolate import LinearNDInterpolator

from suture.solvers.crystal import CrystalSettings
from suture.solvers.md.library import Lammps

REACH = 12.0
"""Of copper's potential, twice: so far beyond the box there are atoms, which stay."""
EVERYWHERE = 1e3


class Crystal:
    """All atoms of the box and those around it, with or without the vacancy, by LAMMPS."""

    def __init__(self, case, settings, half, **variables):
        self.folder = tempfile.TemporaryDirectory()
        given = settings.get("variables", {}) | variables | {"radius": EVERYWHERE, "half": half + REACH}
        self.lammps = Lammps(MPI.COMM_SELF, Path(self.folder.name) / "log.lammps", given)
        self.lammps.script(case / settings["script"])
        self.lammps.command("variable energy equal pe")
        self.places = self.lammps.atoms("x").copy()

    def energy(self, displacement):
        """Of all atoms, in eV, moved from the lattice."""
        self.lammps.atoms("x")[:] = self.places + displacement
        self.lammps.command("run 0")
        return self.lammps.variable("energy")

    def close(self):
        """Free what LAMMPS holds."""
        self.lammps.close()
        self.folder.cleanup()


def displaced(run, constant, places):
    """Where the run moved atoms at ``places``: what it says of them, else of the nodes around them, else nowhere."""
    with h5py.File(run / "far" / "fields_000001.h5") as file:
        nodes = file["Mesh/mesh/geometry"][:]
        moved = next(iter(file["Function/displacement"].values()))[:]
    found = LinearNDInterpolator(nodes, moved, fill_value=0.0)(places)
    rows = np.loadtxt(run / "core" / "atoms_000001.dump", skiprows=9)[:, 2:5]
    numbers = [np.round(each / (0.5 * constant)).astype(int) for each in (rows, places)]
    at = {tuple(number): k for k, number in enumerate(numbers[1].tolist())}
    rows_of = [at[tuple(number)] for number in numbers[0].tolist()]
    found[rows_of] = rows - 0.5 * constant * numbers[0]
    return found


def told(run):
    """Folder of the case, settings of the atoms, crystal and half the edge of the box."""
    resolved = tomllib.loads((run / "case.resolved.toml").read_text())["participants"]
    far = resolved["far"]["solver"]
    return run.parent, resolved["core"]["solver"], far["crystal"], far["mesh"]["upper"][0]


def one_atom(case, crystal):
    """The energy of an atom of the lattice, in eV."""
    continuum = CrystalSettings.model_validate(crystal).create(case)
    return float(continuum.at(np.eye(3)[None]).energy[0]) * continuum.structure.volume


def evaluate(run):
    """The energy of formation in eV, with and without relaxing; the largest force left on a free atom in eV/Å."""
    case, settings, crystal, half = told(run)
    perfect = Crystal(case, settings, half, vacancies=0)
    whole = perfect.energy(0.0) - one_atom(case, crystal)
    perfect.close()
    torn = Crystal(case, settings, half)
    figures = {"unrelaxed": torn.energy(0.0) - whole}
    figures["formation"] = torn.energy(displaced(run, crystal["constant"], torn.places)) - whole
    torn.close()
    with h5py.File(run / "core" / "course.h5") as course:
        figures["force"] = float(course["force"][-1])
    with h5py.File(run / "ledger.h5") as ledger:
        figures["iterations"] = int(np.abs(ledger["iterations"][:]).max())
    return figures


def atomistic(run):
    """The energy of formation by a minimisation of all atoms, those outside of the box held, and its seconds."""
    case, settings, crystal, half = told(run)
    perfect = Crystal(case, settings, half, vacancies=0)
    whole = perfect.energy(0.0) - one_atom(case, crystal)
    perfect.close()
    torn = Crystal(case, settings, half)
    edge = half - 1e-6
    for line in (
        f"region inside block -{edge} {edge} -{edge} {edge} -{edge} {edge} units box",
        "group inside region inside",
        "group outside subtract all inside",
        "fix hold outside setforce 0 0 0",
        "min_modify norm inf",
    ):
        torn.lammps.command(line)
    start = time.perf_counter()
    for style, force in (("cg", 1e-4), ("hftn", 1e-9)):
        torn.lammps.command(f"min_style {style}")
        torn.lammps.command(f"minimize 0 {force} 20000 20000")
    seconds = time.perf_counter() - start
    torn.lammps.command("run 0")
    found = {"formation": torn.lammps.variable("energy") - whole, "seconds": seconds, "atoms": len(torn.places)}
    torn.close()
    return found


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--atomistic", action="store_true")
    given = parser.parse_args()
    run = given.run.resolve()
    print(json.dumps(atomistic(run) if given.atomistic else evaluate(run)))


if __name__ == "__main__":
    main()
