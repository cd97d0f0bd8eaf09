"""Compares a run of the flow over the heated plate with a monolithic solution of the same equations.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

In the steady state, for small differences of temperature, the gas has the velocity U z and constant density, and

    rho c_p U z dT/dx = lambda lap T + mu U^2   in the gas, periodic in x, T = 1 at the lid z = 1
    0 = k lap T                                  in the plate, T = 1 at its ends, heated from below

with one temperature and one flux at z = 0. Here both are solved at once, by finite volumes of second order on two
grids, whose difference is extrapolated. The run's equations are those of a compressible gas: they differ from these by
the order of the temperature differences, some thousandths.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np
from scipy.integrate import simpson
from scipy.interpolate import CubicSpline
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

LENGTH, HEIGHT, THICKNESS = 2.0, 1.0, 0.25
SPEED, VISCOSITY, CONDUCTIVITY, CAPACITY = 0.1, 0.014, 0.07, 3.5
PLATE = 0.14
HEAT = 0.0005
"""Heat from below is HEAT (1 - cos(pi x)) per area."""


POINTS = np.arange(17) / 8
"""Places along the interface where the run has probes, between its ends."""


class Assembly:
    """A sparse system, put together cell by cell."""

    def __init__(self, size):
        self.rows, self.columns, self.values, self.right = [], [], [], np.zeros(size)

    def add(self, row, column, value):
        """Add to the matrix."""
        self.rows.append(row)
        self.columns.append(column)
        self.values.append(value)

    def couple(self, one, other, conductance, carried=0.0):
        """Heat goes from ``one`` to ``other`` by conduction, and by a flow that carries the mean of both."""
        for cell, sign in ((one, 1.0), (other, -1.0)):
            self.add(cell, one, sign * (conductance + 0.5 * carried))
            self.add(cell, other, sign * (0.5 * carried - conductance))

    def solve(self):
        """The solution."""
        matrix = coo_matrix((self.values, (self.rows, self.columns)), shape=(len(self.right), len(self.right)))
        return spsolve(matrix.tocsc(), self.right)


def monolithic(n):
    """Temperatures above 1 and heat fluxes into the gas at the interface, of n cells each, on squares of LENGTH / n."""
    h, below, above = LENGTH / n, round(THICKNESS * n / LENGTH), round(HEIGHT * n / LENGTH)
    system = Assembly(n * (below + above))
    for level in range(below + above):
        here, over = (PLATE if k < below else CONDUCTIVITY for k in (level, level + 1))
        for i in range(n):
            cell = level * n + i
            if level + 1 < below + above:
                system.couple(cell, cell + n, 2.0 / (1.0 / here + 1.0 / over))
            else:
                system.add(cell, cell, 2.0 * CONDUCTIVITY)
            if level >= below:
                z = (level - below + 0.5) * h
                system.couple(cell, level * n + (i + 1) % n, here, carried=CAPACITY * SPEED * z / HEIGHT * h)
                system.right[cell] += VISCOSITY * (SPEED / HEIGHT) ** 2 * h * h
            elif i + 1 < n:
                system.couple(cell, cell + 1, here)
            if level < below and i in (0, n - 1):
                system.add(cell, cell, 2.0 * here)
    x = np.arange(n + 1) * h
    system.right[:n] += HEAT * np.diff(x - np.sin(np.pi * x) / np.pi)
    solved = system.solve()
    under, over = solved[n * (below - 1) : n * below], solved[n * below : n * (below + 1)]
    flux = (under - over) / (0.5 * h / PLATE + 0.5 * h / CONDUCTIVITY)
    return under - flux * 0.5 * h / PLATE, flux


def reference():
    """Temperatures above 1 at ``POINTS``, their mean, mean flux and Nusselt number, extrapolated from two grids."""
    grids = []
    for n in (64, 128):
        temperature, flux = monolithic(n)
        middles = (np.arange(n) + 0.5) * LENGTH / n
        course = CubicSpline([0.0, *middles, LENGTH], [0.0, *temperature, 0.0])
        grids.append((course(POINTS), temperature.mean(), flux.mean()))
    temperature, mean, flux = ((4.0 * fine - coarse) / 3.0 for coarse, fine in zip(*grids, strict=True))
    return temperature, mean, flux, flux * HEIGHT / (CONDUCTIVITY * mean)


def evaluate(run):
    """Largest difference of the interface's temperature and of the Nusselt number, relatively, and the heat balance."""
    expected, mean, flux, nusselt = reference()
    with h5py.File(run / "plate" / "course.h5") as file:
        found = np.array([file[f"p{number}"][-1] for number in range(1, 16)]) - 1.0
        before = np.array([file[f"p{number}"][-20] for number in range(1, 16)]) - 1.0
    with h5py.File(run / "ledger.h5") as ledger:
        dt = np.diff(ledger["time"][:])[-1]
        (flow,) = ledger["flows"].values()
        sign = -1.0 if flow.attrs["sender"] == "gas" else 1.0
        crossed = sign * flow["sent"][-1, 0] / dt / LENGTH
        rows = ledger["participants/plate/rows"]
        heated, ends = rows["z-lower"][-1, 0] / dt, (rows["x-lower"][-1, 0] + rows["x-upper"][-1, 0]) / dt
        stored = np.diff(ledger["participants/plate/inventory"][:, 0])[-1] / dt
    mean_found = simpson([0.0, *found, 0.0], x=POINTS) / LENGTH
    return {
        "temperature": float(np.abs(found - expected[1:-1]).max() / expected.max()),
        "flux": float(abs(crossed / flux - 1.0)),
        "nusselt": float(crossed * HEIGHT / (CONDUCTIVITY * mean_found) / nusselt - 1.0),
        "nusselt_number": float(nusselt),
        "change": float(np.abs(found - before).max() / expected.max()),
        "balance": float(abs(heated + ends - crossed * LENGTH - stored) / heated),
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
