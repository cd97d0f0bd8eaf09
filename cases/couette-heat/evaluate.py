"""Compares steady Couette flow with viscous heating, in one run and in the stored seeds, with theory.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names, and draws heat.png

Between walls at z = 0 and z = H a fluid of constant viscosity and conductivity has, with s = z/H,

    u = u_b + (U - u_b) s,        T = T_b + (T_lid - T_b) s + 4 R s (1 - s),        R = eta (U - u_b)^2 / (8 lambda)

(Schlichting & Gersten, Boundary-Layer Theory, 5.1). R is by how much the mid-plane is warmer than the mean of what the
*fluid* has at its two walls. At the lid that is the wall's own; at the atoms' wall it slips by u_b, and its temperature
jumps to T_b, to which the profile is extrapolated; both are reported. eta and lambda are measured, and not fitted.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from suture.couplers.blocking import Blocking

CASE = Path(__file__).parent
H, U, LID = 30.0, 1.8, 1.01
"""Height, the lid's speed, its temperature."""
AREA = 144.0
CLEAR = 2.0
"""Below this height the fluid is in layers, and counts for no profile."""
START, SPAN = 100.0, 50.0
"""What comes earlier is left out; profiles are averaged over blocks of this length."""
ENERGY, ALONG = 4, 1
"""Columns of the ledger: energy, and momentum along x."""


def parabola(z, jump, rise, height=H):
    """Steady temperature: ``jump`` is T_b - T_lid."""
    s = np.asarray(z) / height
    return LID + jump * (1.0 - s) + 4.0 * rise * s * (1.0 - s)


def fit(z, weight, u, temperature):
    """Least-squares slip, jump and rise of profiles (blocks, points): each (blocks,).

    Velocity and temperature of the fluid at the lid are the lid's. All three are linear in the profiles, so the fit of
    a mean is the mean of the fits.
    """
    s, root = z / H, np.sqrt(weight)
    slope = ((1.0 - s) * weight) @ (U - u).T / ((1.0 - s) ** 2 * weight).sum()
    shapes = np.stack([1.0 - s, 4.0 * s * (1.0 - s)], axis=1) * root[:, None]
    jump, rise = np.linalg.lstsq(shapes, ((temperature - LID) * root).T, rcond=None)[0]
    return U - slope, jump, rise


def coefficients():
    """Viscosity and conductivity, each with its standard error, as the case measured them of its own fluid."""
    fluid = json.loads((CASE / "measured" / "fluid.json").read_text())
    names = ("viscosity", "conductivity")
    return tuple((fluid[name]["polynomial"]["00"], fluid[name]["standard_error"]["00"]) for name in names)


def predicted_rise(slip):
    """R and its standard error, which is that of the coefficients."""
    (eta, eta_error), (conductivity, error) = coefficients()
    rise = eta * (U - slip) ** 2 / (8.0 * conductivity)
    return rise, rise * np.hypot(eta_error / eta, error / conductivity)


def along_isobar():
    """Logarithmic slopes of viscosity and conductivity with temperature at the channel's pressure."""
    isobar = json.loads((CASE / "reference" / "isobar.json").read_text())
    t = isobar["temperature"]
    values = ((np.array(isobar[name]), np.array(isobar[f"{name}_error"])) for name in ("viscosity", "conductivity"))
    return tuple(float(np.polyfit(t, np.log(value), 1, w=value / error)[0]) for value, error in values)


def varied(slip, jump, eta_slope, conductivity_slope, seam=12.0):
    """Steady u and T on a fine grid, (3, n) with z, where the *atoms'* coefficients go as exp(slope (T - T0)).

    The flow's are constant. The stress tau is constant; u' = tau / eta, q = q_0 + tau (u - u_b), T' = -q / lambda.
    """
    (eta, _), (conductivity, _) = coefficients()
    state = json.loads((CASE / "measured" / "fluid.json").read_text())["state_point"]["temperature"]
    z = np.linspace(0.0, H, 3001)
    atoms = z <= seam
    t = parabola(z, jump, predicted_rise(slip)[0])
    for _ in range(30):
        softness = np.exp(-np.where(atoms, eta_slope * (t - state), 0.0)) / eta
        resistance = np.exp(-np.where(atoms, conductivity_slope * (t - state), 0.0)) / conductivity
        tau = (U - slip) / _integral(z, softness)[-1]
        u = slip + tau * _integral(z, softness)
        worked = _integral(z, resistance * tau * (u - slip))
        conducted = _integral(z, resistance)
        heat = (jump - worked[-1]) / conducted[-1]
        t = LID + jump - heat * conducted - worked
    return np.array([z, u, t])


def _integral(z, f):
    """From the lower wall on, by the trapezoidal rule."""
    return np.concatenate(([0.0], np.cumsum(0.5 * (f[1:] + f[:-1]) * np.diff(z))))


def read(run):
    """The profiles and powers of one run in blocks of time, as they are stored."""
    with h5py.File(run / "atoms" / "profiles.h5") as atoms, h5py.File(run / "flow" / "profiles.h5") as flow:
        z, weight, u, temperature = _joined(atoms, flow)
    with h5py.File(run / "ledger.h5") as ledger:
        power = _powers(ledger)
    return {"z": z, "weight": weight, "u": u, "temperature": temperature, "power": power, "books": budget(run)}


def _blocks(time):
    """Slices of windows, one for each block; ``time`` at the windows' ends."""
    ends = np.arange(START, time[-1] + 1e-9, SPAN)
    places = np.searchsorted(time, ends + 1e-9)
    return [slice(*pair) for pair in pairwise(places)]


def _joined(atoms, flow):
    """Heights, their shares of the height, and velocity and temperature: the atoms' up to the seam, then the flow's."""
    edges, cells = atoms["edges"][:], flow["edges"][:]
    here = (edges[:-1] >= CLEAR - 1e-9) & (edges[1:] <= cells[0] + 1e-9)
    number = atoms["number"][:][:, here]
    u, t = (np.nan_to_num(values) for values in (atoms["velocity"][:, :, 0][:, here], atoms["temperature"][:][:, here]))
    rows = _blocks(atoms["time"][:])
    z = np.concatenate([0.5 * (e[1:] + e[:-1]) for e in (edges, cells)])[np.append(here, [True] * (len(cells) - 1))]
    weight = np.append(np.diff(edges)[here], np.diff(cells)) / H
    both = []
    for inside, outside in ((u, flow["velocity"][:, :, 0]), (t, flow["temperature"][:])):
        means = [(number[r] * inside[r]).sum(axis=0) / number[r].sum(axis=0) for r in rows]
        both.append(np.hstack([means, [outside[r].mean(axis=0) for r in rows]]))
    return z, weight, *both


def _rows(ledger):
    """What lid and wall gave to the fluid in each window, (windows, columns)."""
    participants = ledger["participants"]
    return participants["flow/rows/z-upper"][:], participants["atoms/rows/bottom"][:]


def _powers(ledger):
    """Per area and time, in blocks: stress, the lid's work, the heat that left through lid and wall."""
    lid, wall = _rows(ledger)
    per_window = {
        "stress": lid[:, ALONG],
        "work": U * lid[:, ALONG],
        "heat_lid": U * lid[:, ALONG] - lid[:, ENERGY],
        "heat_wall": -wall[:, ENERGY],
    }
    time = ledger["time"][1:]
    scale = AREA * (time[1] - time[0])
    return {k: np.array([v[r].mean() for r in _blocks(time)]) / scale for k, v in per_window.items()}


def budget(run):
    """The energy of the whole run: the lid's work, the heat that left, storage, and what is left of them.

    The wall of atoms is at rest, so all energy that it takes is heat. ``residual`` is relative to throughput.
    """
    with h5py.File(run / "ledger.h5") as ledger:
        lid, wall = _rows(ledger)
        (flow,) = ledger["flows"].values()
        (buffer,) = ledger["buffers"].values()
        inventories = [ledger[f"participants/{name}/inventory"][:, ENERGY] for name in ("atoms", "flow")]
        held = sum(inventories) + flow["carry"][:, ENERGY]
        sent, audit = flow["sent"][:, ENERGY], flow["audit"][:, ENERGY]
        events = {name: abs(buffer[f"rows/{name}"][:, 0].sum()) for name in ("insertion", "deletion")}
    terms = {
        "work": U * lid[:, ALONG].sum(),
        "heat_lid": U * lid[:, ALONG].sum() - lid[:, ENERGY].sum(),
        "heat_wall": -wall[:, ENERGY].sum(),
        "storage": held[-1] - held[0],
    }
    throughput = sum(np.abs(column).sum() for column in (lid[:, ENERGY], wall[:, ENERGY], sent))
    residual = abs(imbalance(terms)) / throughput
    return terms | {"residual": residual, "throughput": throughput} | events | _audited(sent, audit)


def _audited(sent, audit):
    """What the ledger and the audit of some windows differ by in the seam's energy, as if all had been audited."""
    seen = (sent - audit)[~np.isnan(audit)]
    error = seen.std(ddof=1) / np.sqrt(len(seen))
    return {"audit_difference": seen.mean() * len(sent), "audit_difference_error": error * len(sent)}


def imbalance(terms):
    """Work less heat less storage."""
    return terms["work"] - terms["heat_lid"] - terms["heat_wall"] - terms["storage"]


def mean_and_error(series):
    """Of a correlated series of blocks, by blocking."""
    blocking = Blocking(1)
    blocking.add(np.asarray(series, dtype=float)[:, None])
    return float(blocking.mean()[0]), float(blocking.error()[0])


def compare(runs):
    """One run, or several taken together, against theory; see the head of this file."""
    z, weight = np.array(runs[0]["z"]), np.array(runs[0]["weight"])
    u, temperature = (np.concatenate([run[k] for run in runs]) for k in ("u", "temperature"))
    slip, jump, rise = (mean_and_error(series) for series in fit(z, weight, u, temperature))
    power = {k: mean_and_error(np.concatenate([run["power"][k] for run in runs])) for k in runs[0]["power"]}
    linear, curved = slip[0] + (U - slip[0]) * z / H, parabola(z, jump[0], rise[0])
    return {
        **_judged(slip[0], *rise),
        "halves_in_errors": max(_drift(runs, k) for k in range(3)),
        "slip": slip,
        "jump": jump,
        "velocity_deviation": _rms(u.mean(axis=0) - linear, weight) / U,
        "temperature_deviation": _rms(temperature.mean(axis=0) - curved, weight),
        "with_variation": with_variation(z, weight, slip[0], jump[0]),
        "power": power,
        "viscosity": np.multiply(power["stress"], H / (U - slip[0])).tolist(),
    }


def _judged(slip, rise, error):
    """The measured rise beside the predicted one."""
    expected, expected_error = predicted_rise(slip)
    return {
        "rise": rise,
        "rise_error": error,
        "rise_in_errors": rise / error,
        "predicted": float(expected),
        "predicted_error": float(expected_error),
        "deviation_in_errors": float(abs(rise - expected) / np.hypot(error, expected_error)),
    }


def _rms(values, weight):
    return float(np.sqrt((values**2 * weight).sum() / weight.sum()))


def with_variation(z, weight, slip, jump):
    """What the same fit would find at the points ``z`` where the atoms' coefficients vary along the isobar."""
    height, *profiles = varied(slip, jump, *along_isobar())
    u, temperature = (np.interp(z, height, values)[None] for values in profiles)
    (fitted,), _, (rise,) = fit(z, weight, u, temperature)
    linear = fitted + (U - fitted) * z / H
    return {"rise": float(rise), "velocity_deviation": _rms(u[0] - linear, weight) / U}


def _drift(runs, which):
    """Difference of slip, jump or rise between the second halves and the first ones, in standard errors."""
    halves = []
    for part in (0, 1):
        series = []
        for run in runs:
            rows = np.array_split(np.arange(len(run["u"])), 2)[part]
            z, weight, u, t = (np.array(run[k]) for k in ("z", "weight", "u", "temperature"))
            series.append(fit(z, weight, u[rows], t[rows])[which])
        halves.append(mean_and_error(np.concatenate(series)))
    (first, error), (second, other) = halves
    return float(abs(second - first) / np.hypot(error, other))


def stored():
    """The stored seeds."""
    return json.loads((CASE / "reference" / "ensemble.json").read_text())


def evaluate(run):
    """What ``reference/checks.toml`` compares: the run, and the stored seeds taken together."""
    found = read(run)
    seeds = stored()["runs"]
    return {
        "run": compare([found]),
        "budget": found["books"],
        "ensemble": compare(seeds),
        "ensemble_budget": {
            "residual": max(seed["books"]["residual"] for seed in seeds),
            "insertion": min(seed["books"]["insertion"] for seed in seeds),
            "deletion": min(seed["books"]["deletion"] for seed in seeds),
        },
        "profile": {k: np.asarray(found[k]).tolist() for k in ("z", "u", "temperature")},
    }


def draw(run, result):
    """Velocity and temperature against theory: ``heat.png`` in the run's folder."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    profile, found = result["profile"], result["run"]
    (slip, _), (jump, _) = found["slip"], found["jump"]
    z = np.linspace(0.0, H, 200)
    lines = {"u": slip + (U - slip) * z / H, "temperature": parabola(z, jump, found["predicted"])}
    names = {"u": "velocity / √(ε/m)", "temperature": "temperature / (ε/k)"}
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 4.0))
    for panel, (key, line) in zip(axes, lines.items(), strict=True):
        panel.axvspan(0.0, 12.0, color="0.93")
        panel.plot(z, line, lw=1, label="theory, measured η and λ")
        panel.plot(profile["z"], np.mean(profile[key], axis=0), "o", ms=3.5, label="atoms (grey) and Navier-Stokes")
        panel.set(xlabel="z / σ", ylabel=names[key])
    axes[0].legend(loc="upper left")
    figure.suptitle(f"Rise {found['rise']:.4f} ± {found['rise_error']:.4f}, theory {found['predicted']:.4f}")
    figure.tight_layout()
    figure.savefig(run / "heat.png", dpi=150)


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
