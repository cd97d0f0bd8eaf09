"""Compares a run of the bar with the theory of plane waves.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

A wave that meets a change of impedance, Z = sqrt(young density) without Poisson's ratio, goes on with 2 Z1 / (Z1 + Z2)
of its displacement, and comes back with (Z1 - Z2) / (Z1 + Z2).
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py
import numpy as np

AMPLITUDE = 0.01


def coefficients(run):
    """What should be reflected, and what transmitted, of the displacement."""
    case = tomllib.loads((run / "case.resolved.toml").read_text())
    one, other = (
        np.sqrt(case["participants"][name]["solver"]["young"] * case["participants"][name]["solver"]["density"])
        for name in ("left", "right")
    )
    return (one - other) / (one + other), 2 * one / (one + other)


def extreme(values):
    """The value that is farthest from zero; a parabola through the three around it tells what lies between steps."""
    place = int(np.clip(np.abs(values).argmax(), 1, len(values) - 2))
    before, here, after = values[place - 1 : place + 2]
    bend = before - 2 * here + after
    return here - (after - before) ** 2 / (8 * bend) if bend else here


def evaluate(run):
    """What came back and what went on, of the amplitude; the energy's course; the work of both sides of the seam."""
    courses = {}
    for name in ("left", "right"):
        with h5py.File(run / name / "course.h5") as file:
            courses[name] = {key: file[key][:] for key in file}
    left, right = courses["left"], courses["right"]
    reflection, transmission = coefficients(run)
    back = extreme(left["middle"][left["time"] > 7.5, 0]) / AMPLITUDE
    on = extreme(right["middle"][:, 0]) / AMPLITUDE
    energy = sum(course[key] for course in (left, right) for key in ("kinetic", "strain"))
    with h5py.File(run / "ledger.h5") as ledger:
        (flow,) = ledger["flows"].values()
        sent, received = flow["sent"][:], flow["received"][:]
        iterations = np.abs(ledger["iterations"][:])
        columns = list(ledger.attrs["columns"])
    work, push = (columns.index(name) for name in ("energy", "momentum_x"))
    apart = {n: abs(sent[:, n].sum() - received[:, n].sum()) / np.abs(sent[:, n]).sum() for n in (work, push)}
    return {
        "reflected": float(back),
        "reflection_error": float(abs(back - reflection)),
        "transmission_error": float(abs(on / transmission - 1)),
        "energy_drift": float(np.abs(energy / energy[0] - 1).max()),
        "work_apart": float(apart[work]),
        "momentum_apart": float(apart[push]),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
