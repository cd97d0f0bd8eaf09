"""What silicon conducts, computed from forces on atoms, and the heat through a film and a component of it.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

The film is judged by what it must become when it is thick, and by how much it conducts less; the component by the
integral of its conductivity over temperature, which its heat must be. What the heat is known to follows from what
the conductivity is known to, to first order: the component is nearly all of the resistance.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py
import numpy as np
from scipy.integrate import quad

from suture.solvers.bte.materials import Phono3py, spectrum
from suture.solvers.conductivity_file import ConductivityCurve, read_conductivity_file

AREA = 1e-12


def bulk(case, settings):
    """The conductivity at 300 K and what it is known to; how well the film's material agrees at its own temperature."""
    file = read_conductivity_file(case / "measured" / "conductivity.json")
    k = dict(zip(file.temperature, file.conductivity, strict=True))
    film = spectrum(Phono3py.model_validate(settings["material"]), case)
    phonons = json.loads((case / "measured" / "phonons.json").read_text())
    full = phonons["conductivity_full"]
    return film, {
        "conductivity_300": k[300.0],
        "full_300": full[file.temperature.index(300.0)] if full else None,
        "film_material": abs(film.conductivity / k[settings["material"]["temperature"]] - 1.0),
    }


def heat_through(run):
    """Heat per time through the film, and between it and the component; temperatures at both ends of each."""
    with h5py.File(run / "ledger.h5") as ledger:
        window = float(ledger["time"][-1] - ledger["time"][-2])
        entered = float(ledger["participants/film/rows/x-lower"][-1, 0]) / window
        out = -float(ledger["participants/component/rows/x-upper"][-1, 0]) / window
        (flow,) = ledger["flows"].values()
        crossed = abs(float(flow["sent"][-1, 0])) / window
    with h5py.File(run / "component" / "course.h5") as course:
        contact = float(course["contact"][-1])
    return entered, crossed, out, contact


def evaluate(run):
    """All of it."""
    case = run.resolve().parent
    settings = tomllib.loads((run / "case.resolved.toml").read_text())["participants"]
    film, found = bulk(case, settings["film"]["solver"])
    file = read_conductivity_file(case / "measured" / "conductivity.json")
    entered, crossed, out, contact = heat_through(run)
    cold = float(settings["component"]["solver"]["boundaries"]["x-upper"]["temperature"])
    hot = float(settings["film"]["solver"]["boundaries"]["x-lower"]["temperature"])
    mesh = settings["component"]["solver"]["mesh"]
    length = mesh["upper"][0] - mesh["lower"][0]
    thickness = settings["film"]["solver"]["mesh"]["upper"][0]

    def heat(values):
        curve = ConductivityCurve(np.array(file.temperature), np.array(values))
        return AREA / length * quad(lambda t: float(curve.value(np.array(t))), cold, contact, epsrel=1e-10)[0]

    exact, known = heat(file.conductivity), file.uncertainty.get("total")
    return found | {
        "imbalance": max(abs(entered - crossed), abs(crossed - out)) / entered,
        "component_error": abs(out / exact - 1.0),
        "film_over_bulk": entered / AREA * thickness / (hot - contact) / film.conductivity,
        "contact": contact,
        "heat": out,
        "heat_uncertainty": heat(np.array(file.conductivity) + known) / exact - 1.0 if known else None,
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
