"""Measures what the rod conducts, without any continuum: between two baths of given temperatures.

    python measure.py [OUT]     writes measured/conductivity.json, in some 15 minutes on one core

The same rod, planes and baths as in the case, four cells wide, at mean temperatures of 0.4, 0.5 and 0.6, each with a
fall of 0.3 over the whole rod. The conductivity is the heat that passes both planes over the gradient in the interior.
A power law of the temperature is fitted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
from mpi4py import MPI

from suture.adapters.interior import Interior
from suture.adapters.particle_interface import ParticleRegion
from suture.adapters.particle_region import ParticleRegionSettings
from suture.couplers.window import Window
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings
from suture.solvers.md.statistics import block_means
from suture.solvers.md.steady_conduction import jackknife

CASE = Path(__file__).parent
SCRIPT = CASE / "atoms" / "in.rod"
PLANES, ENDS = {"below": 12.8, "above": 32.0}, (3.2, 41.6)
WINDOW, LAYER = 0.4, 0.8
SIDE = {"slabs": 4, "thickness": 2.4, "impose": {"kind": "langevin", "rate": 1.0}, "settle": 0, "audit_every": 0}
TEMPERATURES, FALL = (0.4, 0.5, 0.6), 0.3
SETTLING, WINDOWS, BLOCKS = 200, 2000, 16
CLEAR = 2.4
"""Next to the planes no gradient is fitted."""


def rod(temperature, seed, folder):
    """The atoms, and their regions."""
    walls = {name: {"group": name} for name in ("lower", "upper")}
    variables = {"seed": seed, "cells": 4, "temperature": temperature}
    settings = MolecularDynamicsSettings(script=str(SCRIPT), variables=variables, fluid="solid", walls=walls)
    solver = MolecularDynamics(settings, MPI.COMM_SELF, SCRIPT, folder, WINDOW)
    interior = Interior(solver)
    regions = [
        ParticleRegion(solver, ParticleRegionSettings(at=at, beyond=beyond, **SIDE), WINDOW, None, interior=interior)
        for beyond, at in PLANES.items()
    ]
    return solver, regions


def imposed(region, temperature):
    """A straight line from end to end, at the middles of a region's slabs."""
    outward = 1.0 if region.settings.beyond == "above" else -1.0
    middle = region.buffer.edges + 0.5 * outward * region.settings.thickness
    fall = (middle - np.mean(ENDS)) / (ENDS[1] - ENDS[0])
    return {"temperature": (temperature - FALL * fall)[:, None]}


def course(temperature, seed):
    """Window by window: heat that passed upward, by area and time, and the temperature of each layer."""
    edges = np.arange(PLANES["below"], PLANES["above"] + 0.5 * LAYER, LAYER)
    with tempfile.TemporaryDirectory() as folder:
        solver, regions = rod(temperature, seed, Path(folder))
        states = [imposed(region, temperature) for region in regions]
        for region, given in zip(regions, states, strict=True):
            region.prepare(given)
        lower, upper = solver.lammps.box
        area, rows = float(np.prod((upper - lower)[:2])), []
        for index in range(SETTLING + WINDOWS):
            window = Window(index, index * WINDOW, WINDOW)
            for region, given in zip(regions, states, strict=True):
                region.receive(window, given)
            solver.advance(WINDOW)
            for region in regions:
                region.account(WINDOW)
            below, above = (float(region.send(window)["energy"][0, 0]) for region in regions)
            rows.append([0.5 * (above - below) / (area * WINDOW), *_temperatures(solver, edges)])
        solver.close()
    return 0.5 * (edges[1:] + edges[:-1]), np.array(rows[SETTLING:])


def _temperatures(solver, edges):
    number, mass, *momentum, square = solver.moments(2, edges).T
    peculiar = square - np.sum(np.square(momentum), axis=0) / mass
    return peculiar / (3.0 * (number - 1.0))


def conductivity(height, rows):
    """Flux over gradient, with its standard error; and the mean temperature of the interior."""
    inner = (height > PLANES["below"] + CLEAR) & (height < PLANES["above"] - CLEAR)
    line = np.linalg.pinv(np.column_stack([np.ones(inner.sum()), height[inner] - height[inner].mean()]))

    def ratio(mean):
        return -mean[0] / float(line[1] @ mean[1:][inner])

    found = jackknife(ratio, block_means(rows, BLOCKS))
    return found.value, found.standard_error, float(rows[:, 1:][:, inner].mean())


def fitted(points):
    """ln k = ln k0 - n ln (T/0.5), weighted: k0, n and their covariance."""
    value, error, temperature = np.array(points).T
    design = np.column_stack([np.ones_like(value), -np.log(temperature / 0.5)]) / (error / value)[:, None]
    covariance = np.linalg.inv(design.T @ design)
    log, power = covariance @ design.T @ (np.log(value) / (error / value))
    return float(np.exp(log)), float(power), covariance.tolist()


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=CASE / "measured" / "conductivity.json")
    out = parser.parse_args().out
    points = []
    for seed, temperature in enumerate(TEMPERATURES, start=11):
        points.append(conductivity(*course(temperature, seed)))
        print("conductivity {:.2f} ± {:.2f} at {:.4f}".format(*points[-1]), flush=True)
    at_half, power, covariance = fitted(points)
    result = {
        "what": "conductivity k = at_half (T/0.5)^-power of in.rod's crystal, in this rod, by measure.py; units lj",
        "at_half": at_half,
        "power": power,
        "covariance_of_log_and_power": covariance,
        "points": [dict(zip(("conductivity", "error", "temperature"), point, strict=True)) for point in points],
        "provenance": {
            "inputs": {"atoms/in.rod": hashlib.sha256(SCRIPT.read_bytes()).hexdigest()},
            "windows": WINDOWS,
            "window": WINDOW,
            "cells": 4,
            "seeds": [11, 12, 13],
            "bath": SIDE["impose"],
        },
    }
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
