"""Compares a run of the heat rod with Fourier's law and the conductivity that was measured beforehand.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names, and draws rod.png

What comes in at the hot end passes both planes and leaves at the cold end; what differs is what the parts have stored.
In the atoms between the planes the profile of a conductivity that is a power of the temperature is fitted: its slope is
the gradient, its ends are compared with the bodies' own temperatures at the planes. Errors are those of a jackknife
over blocks of time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np

from suture.solvers.md.statistics import block_means
from suture.solvers.md.steady_conduction import jackknife

CASE = Path(__file__).parent
PLANES = {"hot": 12.8, "cold": 32.0}
AREA, CLEAR = 64.0, 2.4
"""Cross-section; next to the planes no line is fitted."""
START, BLOCKS = 100.0, 16
"""What comes earlier is left out."""


def read(run):
    """Window by window from START on: heat by area and time at four places from hot to cold, and temperatures.

    ``seams`` are those of the bodies at the planes, ``temperature`` those of the atoms' layers, at ``height``.
    """
    with h5py.File(run / "ledger.h5") as file:
        time = file["time"][:]
        window = time[1] - time[0]
        late = time[1:] > START
        crossed = [inwards(file, "hot"), *passed(file), -inwards(file, "cold")]
        flux = np.array([heat[late] for heat in crossed]) / (AREA * window)
    seams = []
    for name in PLANES:
        with h5py.File(run / name / "course.h5") as file:
            seams.append(np.ravel(file["end"][:])[-late.sum() :])
    with h5py.File(run / "atoms" / "profiles.h5") as file:
        edges, temperature = file["edges"][:], file["temperature"][:][late]
    inner = (edges[:-1] > PLANES["hot"] - 1e-6) & (edges[1:] < PLANES["cold"] + 1e-6)
    height = 0.5 * (edges[1:] + edges[:-1])
    return {
        "flux": flux.T,
        "seams": np.array(seams).T,
        "height": height[inner],
        "temperature": temperature[:, inner],
        "whole": (height, np.nan_to_num(temperature).mean(axis=0)),
    }


def inwards(file, name):
    """Heat that came into a body through its outer end, in each window."""
    return sum(row[:, 0] for row in file[f"participants/{name}/rows"].values())


def passed(file):
    """Heat that passed the planes towards the cold end, in each window: as the atoms gave it."""
    flows = {name.split(":")[0]: flow["sent"][:, 0] for name, flow in file["flows"].items()}
    return -flows["below"], flows["above"]


def balances(run):
    """What each part's heat in, heat out and storage leave over the whole run, relative to what passed."""
    with h5py.File(run / "ledger.h5") as file:
        below, above = (heat.sum() for heat in passed(file))
        stored = {
            name: float(np.diff(file[f"participants/{name}/inventory"][[0, -1], 0])[0])
            for name in ("hot", "atoms", "cold")
        }
        ends = inwards(file, "hot").sum(), -inwards(file, "cold").sum()
        scale = sum(np.abs(heat).sum() for heat in (*passed(file), inwards(file, "hot"), inwards(file, "cold")))
    left = (ends[0] - below - stored["hot"], below - above - stored["atoms"], above - ends[1] - stored["cold"])
    return [float(abs(rest) / scale) for rest in left]


def known():
    """What measure.py found: the conductivity of the rod, a power law of the temperature."""
    return json.loads((CASE / "measured" / "conductivity.json").read_text())


def fit(height, temperature):
    """Fourier's profile through the layers' temperatures: its slope at their mean, and its ends at the planes.

    Where the conductivity goes as T^-p, T^(1 - p) is a straight line.
    """
    clear = (height > PLANES["hot"] + CLEAR) & (height < PLANES["cold"] - CLEAR)
    power = 1.0 - known()["power"]
    rise, level = np.polyfit(height[clear], temperature[clear] ** power, 1)
    slope = rise * temperature[clear].mean() ** (1.0 - power) / power
    return slope, *((level + rise * at) ** (1.0 / power) for at in PLANES.values())


def predicted(temperature):
    """Conductivity that measure.py found, and its standard error."""
    found = known()
    value = found["at_half"] * (temperature / 0.5) ** -found["power"]
    slope = np.array([1.0, -np.log(temperature / 0.5)])
    return value, value * float(np.sqrt(slope @ np.array(found["covariance_of_log_and_power"]) @ slope))


def evaluate(run):
    """What ``reference/checks.toml`` compares."""
    found = read(run)
    layers = len(found["height"])
    means = block_means(np.hstack([found["flux"], found["seams"], found["temperature"]]), BLOCKS)

    def measured(value):
        return jackknife(lambda m: value(m[:4], m[4:6], m[6 : 6 + layers]), means)

    def line(temperature):
        return fit(found["height"], temperature)

    conductivity = measured(lambda flux, _, t: -flux[1:3].mean() / line(t)[0])
    temperature = measured(lambda flux, _, t: t.mean()).value
    expected, error = predicted(temperature)
    jumps = [measured(lambda _, seam, t, k=k: line(t)[1 + k] - seam[k]) for k in (0, 1)]
    fluxes = [measured(lambda flux, *_, k=k: flux[k]) for k in range(4)]
    apart = [measured(lambda flux, *_, k=k: flux[k + 1] - flux[k]) for k in range(3)]
    return {
        "balance": max(balances(run)),
        "flux": [one.value for one in fluxes],
        "flux_error": [one.standard_error for one in fluxes],
        "flux_apart_in_errors": max(abs(one.value) / one.standard_error for one in apart),
        "jump": [one.value for one in jumps],
        "jump_error": [one.standard_error for one in jumps],
        "jump_in_errors": max(abs(one.value) / one.standard_error for one in jumps),
        "conductivity": conductivity.value,
        "conductivity_error": conductivity.standard_error,
        "temperature": temperature,
        "predicted": expected,
        "predicted_error": error,
        "deviation_in_errors": abs(conductivity.value - expected) / np.hypot(conductivity.standard_error, error),
    }


def draw(run, result):
    """The temperatures of all three parts: ``rod.png`` in the run's folder."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = read(run)
    height, temperature = found["whole"]
    shown = temperature > 0.0
    figure, axes = plt.subplots(figsize=(7.0, 4.0))
    axes.axvspan(*PLANES.values(), color="0.93")
    axes.plot(height[shown], temperature[shown], "o", ms=3.5, label="atoms, with their buffers")
    for (at, end), seam in zip(((12.8, (-6.4, 0.7)), (32.0, (51.2, 0.3))), found["seams"].mean(axis=0), strict=True):
        axes.plot([end[0], at], [end[1], seam], "s", ms=6, mfc="none", color="C1")
    axes.set(xlabel="z / σ", ylabel="temperature / (ε/k)")
    axes.set_title(
        f"conductivity {result['conductivity']:.2f} ± {result['conductivity_error']:.2f}, "
        f"measured beforehand {result['predicted']:.2f} ± {result['predicted_error']:.2f}"
    )
    axes.legend()
    figure.tight_layout()
    figure.savefig(run / "rod.png", dpi=150)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    run = parser.parse_args().run
    result = evaluate(run)
    draw(run, result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
