"""Compares a run of the three bodies with all of them solved as one, by other means.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

The whole is one problem for linear finite elements on a fine mesh and an integrator of high order, which know nothing
of windows, seams, nor of the finite volumes and the Crank-Nicolson scheme of the participants.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import diags

BODIES = ("first", "second", "third")
ELEMENTS = 400
"""In each body."""


def assemble(bodies):
    """Nodes, their heat capacities, and the sparse matrix of conduction with convection at both outer ends."""
    ends = [bodies[0]["lower"][0]] + [body["upper"][0] for body in bodies]
    nodes = np.concatenate([np.linspace(a, b, ELEMENTS + 1)[1:] for a, b in pairwise(ends)])
    nodes = np.concatenate([ends[:1], nodes])
    h = np.diff(nodes)
    capacity = np.repeat([body["capacity"] for body in bodies], ELEMENTS)
    conductivity = np.repeat([body["conductivity"] for body in bodies], ELEMENTS)
    half, between = 0.5 * capacity * h, conductivity / h
    diagonal = np.append(between, 0.0) + np.append(0.0, between)
    diagonal[0] += bodies[0]["boundaries"]["lower"]["coefficient"]
    diagonal[-1] += bodies[-1]["boundaries"]["upper"]["coefficient"]
    conduction = diags([-between, diagonal, -between], [-1, 0, 1], format="csc")
    return nodes, np.append(half, 0.0) + np.append(0.0, half), conduction


def whole(bodies, times):
    """Nodes (n,) and temperatures (times, n) of all bodies as one; the first is heated by air at tanh((3 t)^2)."""
    nodes, capacity, conduction = assemble(bodies)
    drive = np.zeros(len(nodes))
    drive[0] = bodies[0]["boundaries"]["lower"]["coefficient"]

    def rate(t, u):
        return (drive * np.tanh((3 * t) ** 2) - conduction @ u) / capacity

    jacobian = diags(-1.0 / capacity) @ conduction
    span, start = (0.0, times[-1]), np.zeros(len(nodes))
    done = solve_ivp(rate, span, start, "Radau", times, rtol=1e-8, atol=1e-11, jac=jacobian.tocsc())
    return nodes, done.y.T


def evaluate(run):
    """Root mean square and largest difference to the whole, relative to its highest temperature; and the iterations."""
    case = tomllib.loads((run / "case.resolved.toml").read_text())
    bodies = [case["participants"][name]["solver"] for name in BODIES]
    courses = []
    for name in BODIES:
        with h5py.File(run / name / "profiles.h5") as file:
            courses.append((0.5 * (file["edges"][1:] + file["edges"][:-1]), file["temperature"][:], file["time"][:]))
    nodes, reference = whole(bodies, courses[0][2])
    wanted = [np.array([np.interp(x, nodes, row) for row in reference]) for x, _, _ in courses]
    difference = np.hstack([found - w for (_, found, _), w in zip(courses, wanted, strict=True)]) / reference.max()
    with h5py.File(run / "ledger.h5") as ledger:
        iterations = np.abs(ledger["iterations"][:])
    return {
        "rms_error": float(np.sqrt(np.mean(difference**2))),
        "largest_error": float(np.abs(difference).max()),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
