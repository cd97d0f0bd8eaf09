"""Compares a sound pulse that went through atoms, and the stored pairs of runs, with linear acoustics.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names, and draws sound.png

In each flow two waves travel, to the right and to the left,

    r± = (u ± p'/(rho c)) / 2,        p' = p(rho, T) - p(rho_0, T_0),

with the measured equation of state's p and speed of sound c. The pulse that starts as A exp(-(z - z_0)²/2 w²) is

    r+ = A w/s exp(-(z - z_0 - c t)²/2 s²),      s² = w² + Gamma t,
    Gamma = ((4/3 eta + zeta) + (gamma - 1) lambda/c_p) / rho

(Landau and Lifshitz, Fluid Mechanics, § 79: a wave of wavenumber k decays with Gamma k²/2). All of it is measured, and
nothing is fitted but what the atoms do to the pulse: a delay and an amplitude.

Runs come in pairs, +A and -A: half of their difference is free of what the pulse does in second order.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from suture.solvers.navier_stokes import NavierStokes, NavierStokesSettings
from suture.solvers.navier_stokes.closures import Measured, read_fluid_file

CASE = Path(__file__).parent
AMPLITUDE, START, WIDTH = 0.1, -55.0, 15.0
"""Of the pulse: velocity in its middle, where that is at first, and its standard deviation."""
ENDS = (-115.0, 100.0)
PLANES = (5.0, 25.0)
CELL, ACROSS = 2.5, 12.0
STATION = 10.0
"""Length of the stations next to the two planes, in the flows, where the waves are recorded."""
EVERY, WINDOW, WINDOWS = 4, 0.125, 152
"""Windows over which a record is averaged, their length and their number."""
TRACES = ("incoming", "reflected", "transmitted", "returning")
"""r+ and r- of the station before the atoms, and of the one behind them."""


@dataclass(frozen=True)
class Fluid:
    """The measured fluid at rest."""

    density: float
    temperature: float
    sound_speed: float
    heating: float
    """dT/drho at constant entropy."""
    damping: float
    """Gamma, of the wave's energy per squared wavenumber."""
    closure: Measured

    def pressure(self, density, temperature):
        """Less that at rest."""
        rest = self.closure.pressure(np.array([self.density]), np.array([self.temperature]))
        return self.closure.pressure(density, temperature) - rest


def measured_fluid():
    """What the case measured of its own fluid."""
    file = read_fluid_file(CASE / "measured" / "fluid.json")
    closure, point = Measured(file), file.state_point
    rho, t = np.array([point.density]), np.array([point.temperature])
    energy, pressure = file.equation_of_state.energy, file.equation_of_state.pressure
    c = float(closure.sound_speed(rho, t)[0])
    cv = float(closure.heat_capacity(rho, t)[0])
    heating = (float(closure.pressure(rho, t)[0]) / point.density**2 - energy["10"]) / cv
    ratio = c**2 / pressure["10"]
    stress = 4.0 / 3.0 * float(closure.viscosity(rho, t)) + float(closure.bulk_viscosity(rho, t))
    heat = (ratio - 1.0) * float(closure.conductivity(rho, t)) / (ratio * cv)
    return Fluid(point.density, point.temperature, c, heating, (stress + heat) / point.density, closure)


def record_times():
    """Middles of the records, (records,)."""
    return WINDOW * (EVERY * np.arange(WINDOWS // EVERY) + 0.5 * (EVERY + 1))


def pulse(fluid, z, t):
    """r+ of linear acoustics; arrays are broadcast."""
    s = np.sqrt(WIDTH**2 + fluid.damping * t)
    return AMPLITUDE * WIDTH / s * np.exp(-0.5 * ((z - START - fluid.sound_speed * t) / s) ** 2)


def waves(fluid, density, velocity, temperature):
    """r+ and r-, of fields of the same shape."""
    pressure = fluid.pressure(density, temperature) / (fluid.density * fluid.sound_speed)
    return 0.5 * (velocity + pressure), 0.5 * (velocity - pressure)


def traces(left, right):
    """Records of the two stations, (4, records), of the waves (2, windows, cells) of the flows."""
    cells = round(STATION / CELL)
    stations = np.concatenate((left[:, :, -cells:].mean(axis=2), right[:, :, :cells].mean(axis=2)))
    return stations[:, : WINDOWS // EVERY * EVERY].reshape(4, -1, EVERY).mean(axis=2)


def read(run):
    """The traces of one run."""
    fluid = measured_fluid()
    found = []
    for name in ("left", "right"):
        with h5py.File(run / name / "profiles.h5") as file:
            found.append(np.array(waves(fluid, file["density"][:], file["velocity"][..., 2], file["temperature"][:])))
    return traces(*found)


def whole(sign=1.0):
    """The flow solver of all of it, without atoms; ``sign`` of the pulse."""
    from mpi4py import MPI  # not before: importing it starts MPI, and ensemble.py starts runs

    fluid = measured_fluid()
    shape = f"{sign * AMPLITUDE!r}*exp(-((z - {START!r})/{WIDTH!r})**2/2)"
    denser = fluid.density / fluid.sound_speed
    settings = {
        "lower": [0.0, 0.0, ENDS[0]],
        "upper": [ACROSS, ACROSS, ENDS[1]],
        "cells": [1, 1, round((ENDS[1] - ENDS[0]) / CELL)],
        "fluid": {"kind": "measured", "file": "measured/fluid.json"},
        "boundaries": {"z-lower": {"kind": "wall"}, "z-upper": {"kind": "wall"}},
        "initial": {
            "density": f"{fluid.density!r} + {denser!r}*{shape}",
            "velocity": [0.0, 0.0, shape],
            "temperature": f"{fluid.temperature!r} + {fluid.heating * denser!r}*{shape}",
        },
    }
    return NavierStokes(NavierStokesSettings.model_validate(settings), MPI.COMM_SELF, CASE)


def without_atoms(sign=1.0):
    """The traces of the same pulse in the flow solver alone."""
    flow, fluid = whole(sign), measured_fluid()
    found = []
    for _ in range(WINDOWS):
        flow.advance(WINDOW)
        fields = (flow.density.ravel(), flow.velocity[2].ravel(), flow.temperature.ravel())
        found.append(np.array(waves(fluid, *fields)))
    found = np.stack(found, axis=1)
    left, right = (round((plane - ENDS[0]) / CELL) for plane in PLANES)
    return traces(found[:, :, :left], found[:, :, right:])


def stored_pairs():
    """The traces of the stored runs, (pairs, 2, 4, records): +A and -A."""
    return np.array(json.loads((CASE / "reference" / "ensemble.json").read_text())["samples"])


def half_difference(samples):
    """(+A less -A)/2 of pairs, (pairs, 2, ...)."""
    return 0.5 * (samples[:, 0] - samples[:, 1])


def pair_without_atoms():
    """The same of the flow solver alone, (4, records)."""
    return 0.5 * (without_atoms(1.0) - without_atoms(-1.0))


def theory(fluid, station, delay=0.0):
    """r+ of linear acoustics as a station records it, which begins at ``station``, (records,)."""
    inside = station + STATION * (np.arange(8) + 0.5) / 8.0
    instants = WINDOW * (np.arange(EVERY) - 0.5 * (EVERY - 1))
    times = record_times()[:, None, None] + instants[:, None] - delay
    return pulse(fluid, inside, np.maximum(times, 0.0)).mean(axis=(1, 2))


def fit(fluid, trace, station):
    """Amplitude, relative to the theory's, and delay of the pulse in a trace: least squares."""
    amplitude, delay, step = 1.0, 0.0, 0.02
    for _ in range(8):
        shape = theory(fluid, station, delay)
        slope = (theory(fluid, station, delay + step) - theory(fluid, station, delay - step)) / (2.0 * step)
        change = np.linalg.lstsq(np.stack((shape, amplitude * slope), axis=1), trace - amplitude * shape, rcond=None)[0]
        amplitude, delay = amplitude + change[0], delay + change[1]
    return float(amplitude), float(delay)


def unbiased_square(samples):
    """The square of the mean of independent samples, (samples, n), without what their noise adds, summed over n."""
    count = len(samples)
    return float((samples.sum(axis=0) ** 2 - (samples**2).sum(axis=0)).sum() / (count * (count - 1)))


def figures(fluid, traces_of_pairs, alone):
    """What the pulse did, of half differences (pairs, 4, records), and without atoms, (4, records)."""
    mean = traces_of_pairs.mean(axis=0)
    behind, before = PLANES[1], PLANES[0] - STATION
    sent = float((alone[0] ** 2).sum())
    path = behind + 0.5 * STATION - START
    amplitude, delay = fit(fluid, mean[2], behind)
    amplitude_alone, delay_alone = fit(fluid, alone[2], behind)
    return {
        "arrival_over_theory": 1.0 + delay * fluid.sound_speed / path,
        "arrival_over_theory_without_atoms": 1.0 + delay_alone * fluid.sound_speed / path,
        "delay_by_the_atoms": delay - delay_alone,
        "amplitude_over_theory": amplitude,
        "amplitude_over_theory_without_atoms": amplitude_alone,
        "reflected_energy": unbiased_square(traces_of_pairs[:, 1] - alone[1]) / sent,
        "incoming_delay": fit(fluid, mean[0], before)[1] - fit(fluid, alone[0], before)[1],
    }


def pulses(fluid, samples):
    """The figures of pairs (pairs, 2, 4, records), each with its standard error by the jackknife."""
    pairs = half_difference(samples)
    alone = pair_without_atoms()
    whole = figures(fluid, pairs, alone)
    left_out = [figures(fluid, np.delete(pairs, k, axis=0), alone) for k in range(len(pairs))]
    scale = (len(pairs) - 1) / np.sqrt(len(pairs))
    errors = {f"{name}_error": float(scale * np.std([one[name] for one in left_out])) for name in whole}
    return whole | {name: error for name, error in errors.items() if "without" not in name}


def evaluate(run):
    """What ``reference/checks.toml`` compares: the run, with the stored runs' spread as its error, and the pairs."""
    fluid = measured_fluid()
    samples = stored_pairs()
    difference = read(run) - without_atoms()
    spread = samples[:, 0].std(axis=0, ddof=1)
    return {
        "sound_speed": fluid.sound_speed,
        "rms_deviation_in_errors": float(np.sqrt(((difference / spread) ** 2).mean())),
        "pairs": {"number": len(samples), **pulses(fluid, samples)},
    }


def draw(run):
    """The traces of the stored pairs, of the pulse without atoms, and of linear acoustics: ``sound.png`` in the run."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fluid, times = measured_fluid(), record_times()
    samples = stored_pairs()
    pairs = half_difference(samples)
    mean, error = pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    alone = pair_without_atoms()
    figure, axes = plt.subplots(figsize=(7.0, 4.2))
    for row, name in enumerate(TRACES[:3]):
        points = axes.errorbar(times, mean[row], error[row], fmt="o", ms=3, label=name)
        axes.plot(times, alone[row], lw=1, c=points[0].get_color())
    for station in (PLANES[0] - STATION, PLANES[1]):
        axes.plot(times, theory(fluid, station), "k:", lw=1)
    axes.set(xlabel="time / τ", ylabel="r± / √(ε/m)", title="Lines: no atoms; dotted: linear acoustics")
    axes.legend()
    figure.tight_layout()
    figure.savefig(run / "sound.png", dpi=150)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    run = parser.parse_args().run
    draw(run)
    print(json.dumps(evaluate(run)))


if __name__ == "__main__":
    main()
