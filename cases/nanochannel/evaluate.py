"""Compares runs of the nanochannel with the whole circuit of atoms.

    python evaluate.py RUN     prints JSON with the figures that reference/checks.toml names, and draws nanochannel.png

Both begin at rest; at t = 0 the pump is switched on. What is compared are means over t = 200 ... 2500: the flow of
mass, density, velocity and temperature along the circuit, and the last three across the middle of the slit. LAMMPS
measures both alike (measure.lmp); in the reservoirs the coupled run has the cells of its flows. The standard error
of a difference is that of its means over blocks of 100, or what the spread over seeds says, whichever is larger.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import h5py
import numpy as np

CASE = Path(__file__).parent
TIMESTEP, BLOCK, BEGIN, END = 0.005, 100.0, 200.0, 2500.0
DEPTH = 60.0 / 7.0
AREA = 12.0 * DEPTH
SLICE, STRIP = AREA * 2.0, 12.0 * DEPTH * 0.5
"""Volumes of a chunk along the circuit and of one across the slit's middle, z = 6 ... 18."""
LOWER, PLANES, UPPER = -156.0, (-6.0, 30.0), 180.0
ALONG = np.concatenate((np.arange(LOWER, -5.0, 30.0), np.arange(0.0, 31.0, 6.0), np.arange(60.0, 181.0, 30.0)))
"""Edges of the points along the circuit: the reservoirs in parts of 30, what is between the planes in parts of 6."""
ACROSS = np.array([3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 11.5])
"""Across the slit."""
RESERVOIRS = (ALONG[1:] <= PLANES[0]) | (ALONG[:-1] >= PLANES[1])
"""Which points along the circuit are theirs."""
QUANTITIES = ("density", "velocity", "temperature")


def read_chunks(path):
    """What ``fix ave/chunk`` wrote: times of the blocks' ends, edges of the chunks, and number, vz and T in them."""
    steps, blocks, lower = [], [], np.zeros(0)
    lines = iter(path.read_text().splitlines())
    for line in lines:
        if line.startswith("#"):
            continue
        step, count, _ = line.split()
        rows = np.array([next(lines).split() for _ in range(int(count))], dtype=float)
        steps.append(int(step))
        blocks.append(rows[:, 2:])
        lower = rows[:, 1]
    number, _, vz, xx, yy, zz = np.moveaxis(np.array(blocks), 2, 0)
    edges = np.append(lower, 2.0 * lower[-1] - lower[-2])
    return np.array(steps) * TIMESTEP, edges, (number, vz, (xx + yy + zz - vz**2) / 3.0)


def gather(edges, values, points, volume=1.0):
    """Density, velocity and temperature between ``points``, (blocks, 3, n), of chunks of equal ``volume``.

    ``values``: mass, velocity and temperature of each chunk.
    """
    mass, velocity, temperature = values
    which = np.digitize(0.5 * (edges[1:] + edges[:-1]), points) - 1
    means = []
    for point in range(len(points) - 1):
        here = which == point
        whole = mass[:, here].sum(axis=1)
        weighted = ((mass * value)[:, here].sum(axis=1) / whole for value in (velocity, temperature))
        means.append([whole / (volume * here.sum()), *weighted])
    return np.moveaxis(np.array(means), 2, 0).swapaxes(1, 2)


def in_blocks(times, values, begin=0.0):
    """Means over blocks of BLOCK between BEGIN and END of what was sampled up to ``times``, from ``begin`` on."""
    ends = np.arange(BEGIN + BLOCK, END + 0.5 * BLOCK, BLOCK)
    late = times - begin
    picked = [values[(late > end - BLOCK + 1e-6) & (late < end + 1e-6)] for end in ends if end < late[-1] + 1e-6]
    return np.array([block.mean(axis=0) for block in picked])


def read_full(folder):
    """One run of atoms alone: flow of mass (blocks,), along and across (blocks, quantities, points)."""
    times, edges, values = read_chunks(folder / "along.txt")
    length = edges[-1] - edges[0]
    return {
        "flow": in_blocks(times, (values[0] * values[1]).sum(axis=1) / length),
        "along": in_blocks(times, gather(edges, values, ALONG, SLICE)),
        "across": _across(folder, 0.0),
    }


def _across(folder, begin):
    times, edges, values = read_chunks(folder / "across.txt")
    return in_blocks(times, gather(edges, values, ACROSS, STRIP), begin)


def read(run):
    """The same of a coupled run."""
    with h5py.File(run / "ledger.h5") as file:
        sent = {name.partition(":")[0]: flow["sent"][:, 0] for name, flow in file["flows"].items()}
        ends = file["time"][1:]
    window = ends[0]
    resolved = tomllib.loads((run / "case.resolved.toml").read_text())
    settling = window * resolved["interfaces"]["inlet"]["sides"]["channel"]["settle"]
    times, edges, values = read_chunks(run / "channel" / "along.txt")
    parts = [
        _cells(run / "upstream" / "profiles.h5"),
        in_blocks(times, gather(edges, values, _between(), SLICE), settling),
        _cells(run / "downstream" / "profiles.h5"),
    ]
    return {
        "flow": in_blocks(ends, 0.5 * (sent["outlet"] - sent["inlet"]) / window),
        "along": np.concatenate(parts, axis=2),
        "across": _across(run / "channel", settling),
    }


def _between():
    """Edges of the points between the planes."""
    return ALONG[(ALONG >= PLANES[0]) & (ALONG <= PLANES[1])]


def _cells(path):
    """Density, velocity and temperature of a flow's cells, in parts of 30: (blocks, quantities, points)."""
    with h5py.File(path) as file:
        times, edges = file["time"][:], file["edges"][:]
        density, velocity, temperature = file["density"][:], file["velocity"][..., 2], file["temperature"][:]
    points = ALONG[(ALONG >= edges[0] - 1e-9) & (ALONG <= edges[-1] + 1e-9)]
    return in_blocks(times, gather(edges, (density, velocity, temperature), points))


def mean_and_error(blocks):
    """Over the first axis; each block is correlated with the next one, alike at all points, and the others by that."""
    number = len(blocks)
    deviation = blocks - blocks.mean(axis=0)
    variance = (deviation**2).sum(axis=0) / (number - 1)
    # By coefficients of the points and not of their sum, or what is loud would speak for all.
    together = float(((deviation[1:] * deviation[:-1]).sum(axis=0) / (deviation**2).sum(axis=0)).mean())
    together += (1.0 + 3.0 * together) / number  # of so few blocks it is too small (Marriott and Pope 1954)
    stretch = np.sqrt((1.0 + max(together, 0.0)) / (1.0 - max(together, 0.0)))
    return blocks.mean(axis=0), stretch * np.sqrt(variance / number)


def compare(coupled, full, seeds):
    """Means of both, their difference in standard errors and relative to the circuit's, by what was measured.

    ``coupled`` and ``full`` are lists of what ``read`` and ``read_full`` gave of some seeds. What is slower than blocks
    can tell, as the reservoirs' temperatures are, shows in the spread over ``seeds``, such a list of coupled ones.
    """
    flow = _compared(*(_columns(samples, "flow") for samples in (coupled, full, seeds)), RESERVOIRS[:1])
    result = {"flow": {name: float(value[0]) for name, value in flow.items()}}
    for place, alike in (("along", RESERVOIRS), ("across", np.zeros(len(ACROSS) - 1, dtype=bool))):
        for k, quantity in enumerate(QUANTITIES):
            columns = (_columns(samples, place)[:, :, k] for samples in (coupled, full, seeds))
            points = _compared(*columns, alike)
            if quantity == "velocity":
                # Near the plate it is small: what counts is the fastest one.
                points["relative"] *= points["full"] / points["full"].max()
            result[f"{quantity}_{place}"] = _summary(points)
    return result


def _columns(samples, name):
    """(seeds, blocks, ...), a flow with one point."""
    values = np.array([np.asarray(sample[name]) for sample in samples])
    return values[..., None] if name == "flow" else values


def _compared(coupled, full, seeds, alike):
    """Of each point; all arguments are (seeds, blocks, points), but ``alike``, by which points are pooled."""
    number = min(coupled.shape[1], full.shape[1])
    coupled, full = coupled[:, :number], full[:, :number]
    difference = coupled.mean(axis=0) - full.mean(axis=0)
    spread = seeds.mean(axis=1).var(axis=0, ddof=1) * (1.0 / len(coupled) + 1.0 / len(full))
    error = np.zeros(len(alike))
    for group in (alike, ~alike):
        if group.any():
            error[group] = np.maximum(mean_and_error(difference[:, group])[1], np.sqrt(spread[group].mean()))
    points = {"coupled": coupled.mean(axis=(0, 1)), "full": full.mean(axis=(0, 1)), "error": error}
    apart = np.abs(points["coupled"] - points["full"])
    return points | {"in_errors": apart / error, "relative": apart / points["full"]}


def _summary(points):
    listed = {
        name: np.round(value, 6).tolist() for name, value in points.items() if name in ("coupled", "full", "error")
    }
    return listed | {
        "largest_relative": float(points["relative"].max()),
        "largest_in_errors": float(points["in_errors"].max()),
        "rms_in_errors": float(np.sqrt((points["in_errors"] ** 2).mean())),
    }


def load(name):
    """What is stored in ``reference/NAME.json``, a list of seeds."""
    return json.loads((CASE / "reference" / f"{name}.json").read_text())["samples"]


def stored():
    """The stored coupled runs against the stored run of atoms alone."""
    coupled = load("coupled")
    return compare(coupled, load("full"), coupled)


def evaluate(run):
    """What ``reference/checks.toml`` compares: the run, and the stored ones, with the stored run of atoms alone."""
    one = compare([read(run)], load("full"), load("coupled"))
    return {"run": one, "stored": stored(), "atoms": whole_atoms(run)}


def whole_atoms(run):
    """Atoms that passed the planes; how far amounts are from whole numbers, and from what the slit's atoms became."""
    with h5py.File(run / "ledger.h5") as file:
        passed = {name.partition(":")[0]: flow["sent"][:, 0] for name, flow in file["flows"].items()}
        inside = file["participants/channel/inventory"][:, 0]
        rows = [buffer["rows"] for buffer in file["buffers"].values()]
        events = {name: float(sum(abs(row[name][:, 0]).sum() for row in rows)) for name in ("insertion", "deletion")}
    through = passed["inlet"] + passed["outlet"]
    return {
        "from_whole": float(max(np.abs(passed[name] - np.round(passed[name])).max() for name in ("inlet", "outlet"))),
        "unexplained": float(np.abs(np.diff(inside) + through).max()),
        "in": float(-passed["inlet"].sum()),
        "out": float(passed["outlet"].sum()),
        "events": events,
    }


def draw(run, result):
    """Profiles of the run beside those of the atoms alone: ``nanochannel.png`` in the run's folder."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9.0, 6.0))
    shown = (("velocity_along", ALONG, "z"), ("temperature_along", ALONG, "z"), ("density_along", ALONG, "z"))
    for axis, (name, points, letter) in zip(axes.flat, (*shown, ("velocity_across", ACROSS, "x")), strict=True):
        values, centres = result["run"][name], 0.5 * (points[1:] + points[:-1])
        axis.stairs(values["full"], points, baseline=None, color="0.5", label="atoms alone")
        axis.errorbar(centres, values["coupled"], values["error"], fmt="o", ms=3, label="coupled")
        axis.set(xlabel=f"{letter} / σ", ylabel=name.partition("_")[0])
        if letter == "z":
            axis.axvspan(*PLANES, color="0.93", zorder=0)
    axes[1, 1].legend(loc="lower center")
    figure.tight_layout()
    figure.savefig(run / "nanochannel.png", dpi=150)


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
