"""Compares a run of the two masses with their exact motion.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

M x'' = -K x with K = [[k1 + k, -k], [-k, k2 + k]] has two modes, from the generalised eigenvalue problem K a = w^2 M a.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py
import numpy as np
from scipy.linalg import eigh


def problem(run):
    """Mass and stiffness matrices, and displacement and velocity (2, 3) at the start, as the run's case says."""
    case = tomllib.loads((run / "case.resolved.toml").read_text())
    one, other = (case["participants"][name]["solver"] for name in ("light", "heavy"))
    between = case["interfaces"]["spring"]["sides"]["heavy"]["stiffness"]
    mass = np.diag([one["mass"], other["mass"]])
    stiffness = np.diag([one["stiffness"], other["stiffness"]]) + between * np.array([[1.0, -1.0], [-1.0, 1.0]])
    start = [np.array([side[key] for side in (one, other)]) for key in ("displacement", "velocity")]
    return mass, stiffness, *start


def exact(run, t):
    """Displacements and velocities at the times ``t``, each (times, 2, 3), and the energy."""
    mass, stiffness, x0, v0 = problem(run)
    squares, modes = eigh(stiffness, mass)  # modes.T M modes = 1
    w = np.sqrt(squares)[None, :, None]
    a, b = (modes.T @ mass @ start for start in (x0, v0))
    phase = w * np.asarray(t)[:, None, None]
    x = modes @ (a * np.cos(phase) + b * np.sin(phase) / w)
    v = modes @ (b * np.cos(phase) - a * w * np.sin(phase))
    energy = 0.5 * sum(np.einsum("ia,ij,ja->", s, m, s) for s, m in ((v0, mass), (x0, stiffness)))
    return x, v, float(energy)


def evaluate(run):
    """Largest error of a displacement, and of the energy, relative to the exact ones, and the iterations."""
    courses = {}
    for name in ("light", "heavy"):
        with h5py.File(run / name / "course.h5") as file:
            courses[name] = {key: file[key][:] for key in file}
    light, heavy = courses["light"], courses["heavy"]
    x, _, energy = exact(run, light["time"])
    error = np.stack([light["displacement"], heavy["displacement"]], axis=1) - x
    drift = light["energy"] + heavy["energy"] - energy
    with h5py.File(run / "ledger.h5") as ledger:
        iterations = np.abs(ledger["iterations"][:])
        carry = ledger["flows/spring: heavy -> light/carry"][:]
        sent = ledger["flows/spring: heavy -> light/sent"][:]
    return {
        "displacement_error": float(np.abs(error).max() / np.abs(x).max()),
        "energy_error": float(np.abs(drift).max() / energy),
        "last_carry": float(np.abs(carry[-1]).max() / np.abs(sent).max()),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
