"""An open region beside reservoirs at rest, at the fluid's own state: nothing may tell where they begin. Ten minutes.

What `docs/particle_region.md` says of it was measured by ``python -m tests.adapters.test_open_equilibrium`` in 20,000
windows, a million steps.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from .open_particles import opened

FLUID = Path(__file__).parents[2] / "cases" / "couette" / "measured" / "fluid.json"
DENSITY, TEMPERATURE = 0.8442, 1.107
LENGTH, BUFFER, WIDTH, BIN = 20.0, 5.0, 12.0, 0.5
WINDOW = 0.25
WINDOWS = 20_000


@dataclass(frozen=True)
class Seen:
    """Sums of number, mass, m v (3) and m v² by window and bin, and amounts by window and plane."""

    moments: np.ndarray
    sent: np.ndarray

    @property
    def number(self):
        return self.moments[:, :, 0]

    def density(self):
        return self.number.mean(axis=0) / (WIDTH**2 * BIN)

    def temperature(self):
        momentum, mass = self.moments[:, :, 2:5], np.maximum(self.moments[:, :, 1], 1.0)
        peculiar = self.moments[:, :, 5] - (momentum**2).sum(axis=2) / mass
        return peculiar.sum(axis=0) / (3.0 * (self.number - 1.0)).sum(axis=0)

    def pressure(self):
        """At both planes, with standard errors of 20 blocks: (2, 2)."""
        pressure = self.sent[:, :, 3] * np.array([-1.0, 1.0]) / (WIDTH**2 * WINDOW)
        return np.array([blocks(pressure[:, k]) for k in range(2)])

    def flow(self):
        """Mean velocity through the region, and its standard error, by what left through both planes."""
        through = 0.5 * (self.sent[:, 1, 0] - self.sent[:, 0, 0])
        return np.array(blocks(through)) / (DENSITY * WIDTH**2 * WINDOW)

    def slope(self):
        """How the variance of the number in the middle grows with the length, over A ρ kT (∂ρ/∂p): 1 where it is open.

        The variance is A (ρ² kT κ l + c), with c of the two faces; in a closed box it would bend down. With error.
        """
        lengths = np.arange(2.0, LENGTH - 2.0 * BUFFER + 0.1)
        middle = np.abs(BIN * (np.arange(self.number.shape[1]) + 0.5) - 0.5 * LENGTH)
        counts = np.array([self.number[:, middle < 0.5 * length].sum(axis=1) for length in lengths])
        stiffness = json.loads(FLUID.read_text())["equation_of_state"]["pressure"]["10"]
        expected = WIDTH**2 * DENSITY * TEMPERATURE / stiffness
        parts = [np.polyfit(lengths, part.var(axis=1), 1)[0] for part in np.array_split(counts, 10, axis=1)]
        return np.polyfit(lengths, counts.var(axis=1), 1)[0] / expected, np.std(parts) / np.sqrt(9.0) / expected


def blocks(samples, number=20):
    means = [part.mean() for part in np.array_split(samples, number)]
    return float(np.mean(means)), float(np.std(means, ddof=1) / np.sqrt(number))


def watch(folder, windows):
    """Run, and leave out a twentieth at the beginning."""
    pressure = json.loads(FLUID.read_text())["equation_of_state"]["pressure"]["00"]
    state = {"density": DENSITY, "temperature": TEMPERATURE, "pressure": pressure}
    play = opened(
        MPI.COMM_SELF,
        folder,
        window=WINDOW,
        planes={"below": BUFFER, "above": LENGTH - BUFFER},
        thickness=0.5 * BUFFER,
        settle=200,
        audit_every=0,
        settings={"fluctuations": True},
        length=LENGTH,
        cells=7,
        equilibration=3000,
    )
    play.prepare(**state)
    edges, moments, sent = np.arange(0.0, LENGTH + 0.5 * BIN, BIN), [], []
    for _ in range(windows):
        run = play.run(**state)
        sent.append([run["below"][0], run["above"][0]])
        moments.append(play.solver.moments(2, edges))
    print("events:", [region.open_end.events for region in play.regions.values()])
    print("search:", [region.open_end.tally for region in play.regions.values()])
    play.solver.close()
    return Seen(np.array(moments)[windows // 20 :], np.array(sent)[windows // 20 :])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_tells_where_the_reservoirs_begin(tmp_path):
    seen = watch(tmp_path, WINDOWS)
    # The interior, and 2 of each buffer; beyond that atoms are in the layers of the end.
    flat = slice(int((BUFFER - 2.0) / BIN), -int((BUFFER - 2.0) / BIN))
    assert seen.density()[flat] == pytest.approx(DENSITY, rel=0.01)
    assert seen.temperature()[flat] == pytest.approx(TEMPERATURE, rel=0.01)
    mean, error = seen.flow()
    assert abs(mean) < max(4.0 * error, 0.002)
    assert seen.pressure()[:, 0] == pytest.approx(8.5577, rel=0.01)
    slope, error = seen.slope()
    assert abs(slope - 1.0) < max(3.0 * error, 0.1)


def report(seen):
    """Everything, by bin and in all."""
    for k, (density, temperature) in enumerate(zip(seen.density(), seen.temperature(), strict=True)):
        velocity = seen.moments[:, k, 4].sum() / seen.moments[:, k, 1].sum()
        error = blocks(seen.number[:, k] / (WIDTH**2 * BIN))[1]
        print(f"{BIN * (k + 0.5):6.2f} {density:.4f} ± {error:.4f}  {temperature:.4f}  {velocity:+.4f}")
    inside = slice(int(BUFFER / BIN), -int(BUFFER / BIN))
    print("density inside", blocks(seen.number[:, inside].sum(axis=1) / (WIDTH**2 * (LENGTH - 2 * BUFFER))))
    print("temperature inside", seen.temperature()[inside].mean())
    print("pressure", seen.pressure(), "flow", seen.flow(), "slope", seen.slope())
    print("variance inside", seen.number[:, inside].sum(axis=1).var())


if __name__ == "__main__":
    report(watch(tempfile.mkdtemp(), int(sys.argv[1]) if len(sys.argv) > 1 else WINDOWS))
