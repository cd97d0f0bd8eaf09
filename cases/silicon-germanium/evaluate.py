"""What was measured of silicon on germanium, and what a film with that interface conducts.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

A length's books are what the baths gave and took, in joint standard errors, and the integrator's drift. Of the film the
resistance of the interface is the jump over the flux, between lines through the middle third of both layers; it is what
was measured, since transport makes the slip that was taken out. How uncertain the measurement's error makes the film's
heat is found by solving for it with one standard error more and one less.
"""

from __future__ import annotations

import argparse
import json
import math
import tomllib
from pathlib import Path

import h5py
import numpy as np
from mpi4py import MPI

from suture.solvers.bte.settings import PhononSettings
from suture.solvers.bte.solver import PhononTransport

CASE = Path(__file__).parent


def stored(name="conductance"):
    """A file of ``measured``."""
    return json.loads((CASE / "measured" / f"{name}.json").read_text())


def apart(one, other):
    """How far two measured numbers are from each other, in joint standard errors."""
    return abs(one["value"] - other["value"]) / math.hypot(one["standard_error"], other["standard_error"])


def measured(content):
    """The extrapolated conductance with its relative error, and the worst of what must hold at every length."""
    conductance, lengths = content["conductance"], content["lengths"]
    return {
        "conductance": conductance["value"],
        "relative_error": conductance["standard_error"] / conductance["value"],
        "chi_squared": content["extrapolation"]["chi_squared"],
        "lengths": len(lengths),
        "books_in_errors": max(apart(one["given"], one["taken"]) for one in lengths),
        "drift": max(abs(one["drift"]) for one in lengths),
        "jumps_in_errors": max(apart(*one["jumps"]) for one in lengths),
        "temperature": content["temperature"]["value"],
    }


def fluctuations(content):
    """The conductance at equilibrium, its relative error, and the one between baths in the same box over it."""
    (one,) = content["lengths"]
    found = one["equilibrium"]["conductance"]
    return {
        "conductance": found["value"],
        "relative_error": found["standard_error"] / found["value"],
        "between_baths": one["conductance"]["value"],
        "between_baths_over_it": one["conductance"]["value"] / found["value"],
        "apart": apart(found, one["conductance"]),
    }


def film(run):
    """Heat per area and time through the film, its error, and the resistance of the interface in it."""
    settings = tomllib.loads((run / "case.resolved.toml").read_text())["participants"]["film"]["solver"]
    with h5py.File(run / "ledger.h5") as ledger:
        rows = ledger["participants/film/rows"]
        entered, left = (float(rows[side][0, 0]) for side in ("x-lower", "x-upper"))
        duration = float(ledger["time"][-1])
    with h5py.File(run / "film" / "course.h5") as course:
        x, temperature = course["x"][-1], course["temperature"][-1]
    flux = entered / duration / area(settings["mesh"])
    found = jump(settings["mesh"]["layers"], x, temperature) / flux
    resistance = stored()["resistance"]
    ends = [heat(settings, resistance["value"] + sign * resistance["standard_error"]) for sign in (-1.0, 1.0)]
    return {
        "flux": flux,
        "flux_error": 0.5 * (ends[0] - ends[1]),
        "imbalance": abs(entered + left) / entered,
        "resistance": found,
        "resistance_over_measured": found / resistance["value"],
    }


def area(mesh):
    """Of the film's cross-section."""
    return math.prod(high - low for low, high in zip(mesh["lower"][1:], mesh["upper"][1:], strict=True))


def jump(layers, x, temperature):
    """Between lines through the middle third of the first layer and of the second, where they meet."""
    ends = []
    for begin, end in (layers["silicon"], layers["germanium"]):
        middle = np.abs(x - 0.5 * (begin + end)) < (end - begin) / 6.0
        ends.append(np.polyfit(x[middle] - layers["silicon"][1], temperature[middle], 1)[1])
    return ends[0] - ends[1]


def heat(settings, resistance):
    """Through the film if its interface had this resistance."""
    between = {"regions": ["silicon", "germanium"], "kind": "resistance", "resistance": resistance}
    made = PhononTransport(PhononSettings.model_validate(settings | {"interfaces": [between]}), MPI.COMM_SELF, CASE)
    made.advance(1.0)
    return float(made.rows()["x-lower"]["energy"][0]) / area(settings["mesh"])


def evaluate(run):
    """What ``reference/checks.toml`` compares."""
    return {
        "measured": measured(stored()),
        "equilibrium": fluctuations(stored("fluctuations")),
        "film": film(run),
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
