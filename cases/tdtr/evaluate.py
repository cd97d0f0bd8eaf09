"""What a lock-in amplifier measures of a run, and which conductivity of the film Fourier's law would read from it.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

The run is the response to one pulse. Its sum over the pulses of the laser is fitted with the multilayer solution, which
knows everything but the film's conductivity and the conductance above it: those that went in, where phonons diffuse.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from suture.solvers.bte.materials import spectrum
from suture.solvers.bte.settings import PhononSettings
from suture.solvers.tdtr import Layer, Measurement, Sample, fit, lock_in, ratio

DELAYS = np.geomspace(0.1e-9, 3.6e-9, 12)
"""Of the probe after the pump."""
ERROR = 0.005
"""Standard error of a ratio: what the mesh, the windows and the truncated tail cost, measured where phonons diffuse."""
UNKNOWN = "1.conductivity", "0.conductance"
"""What an experimenter fits: the film, and its interface with the metal."""
REPETITION, MODULATION, RADIUS = 80e6, 9.8e6, 10e-6
"""Of the lasers. The radius is that of both beams, in the case's formulas too."""


@dataclass(frozen=True)
class Response:
    """Temperature that the probe sees, per energy of one pulse."""

    times: np.ndarray
    values: np.ndarray
    sample: Sample
    """The layers, by Fourier's law with bulk properties."""

    def ratios(self, lasers, delays=DELAYS):
        """-V_in / V_out, and the most that the truncated tail can change of each, relatively."""
        found = lock_in(self.times, self.values, lasers, delays)
        share = found.bound * (1 / np.abs(found.signal.real) + 1 / np.abs(found.signal.imag))
        return -found.signal.real / found.signal.imag, share


def response(run):
    """The response of a run; layers and their properties are those of its case."""
    case = tomllib.loads((run / "case.resolved.toml").read_text())["participants"]
    with h5py.File(run / "metal" / "course.h5") as course:
        times, values = course["time"][:], course["probe"][:]
    with h5py.File(run / "ledger.h5") as ledger:
        energy = ledger["participants/metal/inventory"][0, 0]
    return Response(times, values / energy, layers(case))


def layers(case):
    """Metal, film, and substrate if there is one; interfaces conduct one over their resistance."""
    metal, film = case["metal"]["solver"], PhononSettings.model_validate(case["film"]["solver"])
    bulk = spectrum(film.material, Path())
    above = 1 / film.boundaries["y-upper"].resistance
    found = [Layer(float(metal["conductivity"]), float(metal["capacity"]), metal["mesh"]["upper"][1], above)]
    if "substrate" not in case:
        return Sample((*found, Layer(bulk.conductivity, bulk.capacity)))
    solid, below = case["substrate"]["solver"], 1 / film.boundaries["y-lower"].resistance
    thickness = film.mesh.upper[1] - film.mesh.lower[1]
    found += [Layer(bulk.conductivity, bulk.capacity, thickness, below)]
    return Sample((*found, Layer(float(solid["conductivity"]), float(solid["capacity"]))))


def apparent(found, modulation=MODULATION, radius=RADIUS):
    """The fit of the film's conductivity, and of the conductance above it, to the ratios at one modulation."""
    lasers = Measurement(REPETITION, modulation, radius, radius)
    ratios, _ = found.ratios(lasers)
    return fit(found.sample, lasers, DELAYS, ratios, list(UNKNOWN), error=ERROR)


def evaluate(run):
    """Ratios at four delays, relative to those of Fourier's law, and what a fit finds, relative to what went in."""
    found, lasers = response(run), Measurement(REPETITION, MODULATION, RADIUS, RADIUS)
    delays = np.array([0.1e-9, 0.5e-9, 1.0e-9, 3.6e-9])
    ratios, tail = found.ratios(lasers, delays)
    expected = ratio(found.sample, lasers, delays)
    best = apparent(found)
    given = {"1.conductivity": found.sample.layers[1].conductivity, "0.conductance": found.sample.layers[0].conductance}
    return {
        "delays_ns": (1e9 * delays).tolist(),
        "ratios": ratios.tolist(),
        "over_fourier": (ratios / expected).tolist(),
        "furthest_from_fourier": float(np.abs(ratios / expected - 1).max()),
        "tail": float(tail.max()),
        **{name[2:]: best.values[name] / given[name] for name in UNKNOWN},
        **{f"{name[2:]}_error": best.errors[name] / given[name] for name in UNKNOWN},
        "residual": best.residual,
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
