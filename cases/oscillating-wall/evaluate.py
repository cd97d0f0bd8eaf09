"""Compares the flow over an oscillating atomic wall, and the stored periods of several seeds, with Stokes' solution.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names, and draws profile.png

The wall at z = 0 moves with U sin(omega t), the one at H is at rest. With slip length b at the atomic wall, far from
the start,

    u = Im[û(z) exp(i omega t)],    û = U sinh k(H - z) / (sinh kH + k b cosh kH),    k² = i omega/nu

(Stokes' second problem: Landau and Lifshitz, Fluid Mechanics, § 24, between two walls). nu is the measured viscosity
over the density, never fitted; the slip length is fitted, and reported.

A course of velocities becomes û by 2i <u exp(-i omega t)> over each period. Periods of one run are samples: shear takes
H²/pi² nu = 63 to cross the channel, a period lasts 150.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

CASE = Path(__file__).parent
H, U, PERIOD = 40.0, 0.5, 150.0
OMEGA = 2.0 * np.pi / PERIOD
FIRST = 3
"""Periods that are left out, in which the flow comes to swing: the last of them begins with exp(-300/63) of it."""
SEAM, CELL = 10.0, 2.5
EDGES = np.arange(2.5, H + 0.1, CELL)
"""Of the points of a profile: three bins of atoms, clear of the wall's layers, then the continuum's cells."""


def wavenumber(nu):
    """k, of which both parts are positive."""
    return np.sqrt(1j * OMEGA / nu)


def stokes(z, nu, slip):
    """û at heights ``z``."""
    k = wavenumber(nu)
    return U * np.sinh(k * (H - z)) / (np.sinh(k * H) + k * slip * np.cosh(k * H))


def model(nu, slip):
    """û averaged over the bins and cells of a profile, (points,)."""
    inside = EDGES[:-1, None] + CELL * (np.arange(5) + 0.5) / 5.0
    return stokes(inside, nu, slip).mean(axis=1)


def viscosity():
    """eta and its standard error, and the density, from what the case measured of its own fluid."""
    fluid = json.loads((CASE / "measured" / "fluid.json").read_text())
    eta = fluid["viscosity"]
    return eta["polynomial"]["00"], eta["standard_error"]["00"], fluid["state_point"]["density"]


@dataclass
class Swing:
    """What swings with the wall, in each period that counts."""

    velocity: np.ndarray
    """û, (periods, points)."""
    stress: np.ndarray
    """Of the momentum along x that crosses the seam upward per area and time, (periods,)."""


def amplitudes(time, values):
    """The complex amplitude of each period that counts, (periods, ...), of values at the windows' ends."""
    swinging = values * np.exp(-1j * OMEGA * time).reshape(-1, *[1] * (values.ndim - 1))
    each = round(PERIOD / (time[1] - time[0]))
    whole = len(time) // each
    return 2j * swinging[: whole * each].reshape(whole, each, *values.shape[1:]).mean(axis=1)[FIRST:]


def read(run):
    """What swings in one run."""
    with h5py.File(run / "atoms" / "profiles.h5") as atoms, h5py.File(run / "channel" / "profiles.h5") as flow:
        time = atoms["time"][:]
        velocity = np.concatenate((_bins(atoms), flow["velocity"][..., 0]), axis=1)
    with h5py.File(run / "ledger.h5") as ledger:
        (sent,) = (ledger["flows"][name]["sent"][:, 1] for name in ledger["flows"])
    window = time[1] - time[0]
    # What crossed in a window belongs to its middle.
    return Swing(amplitudes(time, velocity), amplitudes(time - 0.5 * window, sent / (144.0 * window)))


def _bins(file):
    """Mean velocity of the atoms in each bin below the seam, (windows, bins)."""
    edges = file["edges"][:]
    mass = file["density"][:] * np.diff(edges)
    momentum = np.nan_to_num(file["velocity"][..., 0]) * mass
    which = np.digitize(0.5 * (edges[1:] + edges[:-1]), EDGES[EDGES <= SEAM + 0.1]) - 1
    bins = range(round((SEAM - EDGES[0]) / CELL))
    return np.stack([momentum[:, which == b].sum(axis=1) / mass[:, which == b].sum(axis=1) for b in bins], axis=1)


def grid_error(nu):
    """|error| of cells 2.5 long at the points: central differences, and the parabola at the walls, over all of it."""
    cells = round(H / CELL)
    operator = np.diag(np.full(cells, -2.0)) + np.diag(np.ones(cells - 1), 1) + np.diag(np.ones(cells - 1), -1)
    for end, next_one in ((0, 1), (-1, -2)):
        operator[end, end], operator[end, next_one] = -4.0, 4.0 / 3.0  # wall gradient (8 u_w - 9 u_1 + u_2) / 3h
    operator *= nu / CELL**2
    drive = np.zeros(cells)
    drive[0] = 8.0 / 3.0 * U * nu / CELL**2
    found = np.linalg.solve(1j * OMEGA * np.eye(cells) - operator, drive)
    return np.abs(found[-len(EDGES) + 1 :] - model(nu, 0.0))


def parts(values):
    """Real and imaginary parts side by side."""
    return np.concatenate((values.real, values.imag), axis=-1)


def fit_slip(found, error, nu):
    """Least-squares slip length of the parts of û."""
    weight, slip = 1.0 / error**2, 0.0
    for _ in range(4):
        slope = parts(model(nu, slip + 0.05) - model(nu, slip - 0.05)) / 0.1
        slip += float((weight * slope * (found - parts(model(nu, slip)))).sum() / (weight * slope**2).sum())
    return slip


def compare(samples, nu, nu_error, draws=2000, seed=1):
    """Chi-squared of the mean over periods against Stokes' solution, and its probability under the hypothesis.

    ``samples`` is û, (periods, points), of all seeds. The error of a point holds the standard error of the mean, that
    of the measured viscosity, and the error of the continuum's grid. Points of one period are correlated, so the
    distribution of chi-squared comes from a bootstrap over periods, with the viscosity drawn and the slip fitted anew.
    The grid's error is not drawn, so the probability is on the low side.
    """
    rng, values = np.random.default_rng(seed), parts(samples)
    count, mean = len(values), values.mean(axis=0)
    statistical = values.std(axis=0, ddof=1) / np.sqrt(count)
    by_nu = parts(model(nu * 1.01, 0.0) - model(nu * 0.99, 0.0)) / (0.02 * nu)
    grid = np.tile(grid_error(nu), 2) / np.sqrt(2.0)
    error = np.sqrt(statistical**2 + (by_nu * nu_error) ** 2 + grid**2)
    slip = fit_slip(mean, error, nu)
    deviation = (mean - parts(model(nu, slip))) / error
    by_slip = parts(model(nu, slip + 0.05) - model(nu, slip - 0.05)) / 0.1
    drawn, slips = np.empty(draws), np.empty(draws)
    for i in range(draws):
        r = (values[rng.integers(count, size=count)] - mean).mean(axis=0) + by_nu * nu_error * rng.standard_normal()
        slips[i] = (by_slip * r / error**2).sum() / (by_slip**2 / error**2).sum()
        drawn[i] = (((r - slips[i] * by_slip) / error) ** 2).sum()
    chi2 = float((deviation**2).sum())
    return {
        "periods": count,
        "slip": slip,
        "slip_error": float(slips.std()),
        "chi2": chi2,
        "points": len(mean),
        "p": float((drawn >= chi2).mean()),
        "largest_deviation": float(np.abs(deviation).max()),
        "largest_standard_error_over_speed": float(statistical.max() / U),
    }


def stress_at_seam(samples, slip):
    """Shear stress at the seam, which the amounts give, over -eta du/dz there: 1 in theory; and its standard error."""
    eta, _, rho = viscosity()
    step = 1e-3
    slope = (stokes(SEAM + step, eta / rho, slip) - stokes(SEAM - step, eta / rho, slip)) / (2.0 * step)
    ratio = samples / (-eta * slope)
    error = np.hypot(ratio.real.std(ddof=1), ratio.imag.std(ddof=1)) / np.sqrt(2 * len(ratio))
    return {
        "real": float(ratio.real.mean()),
        "imaginary": float(ratio.imag.mean()),
        "error": float(error),
        "in_errors": float(abs(ratio.mean() - 1.0) / error),
    }


def stored():
    """û and the stress at the seam of all periods of the stored seeds."""
    ensemble = json.loads((CASE / "reference" / "ensemble.json").read_text())
    velocity = np.array(ensemble["velocity"]) @ np.array([1.0, 1j])
    stress = np.array(ensemble["stress"]) @ np.array([1.0, 1j])
    return Swing(velocity.reshape(-1, len(EDGES) - 1), stress.reshape(-1))


def profile(samples):
    """Amplitude over U and phase behind the wall of the mean, with standard errors, and the theory's beside them."""
    mean = samples.mean(axis=0)
    turned = samples * np.exp(-1j * np.angle(mean))
    along, across = turned.real.std(axis=0, ddof=1), turned.imag.std(axis=0, ddof=1)
    root = np.sqrt(len(samples))
    return {
        "z": (0.5 * (EDGES[1:] + EDGES[:-1])).tolist(),
        "amplitude": (np.abs(mean) / U).tolist(),
        "amplitude_error": (along / root / U).tolist(),
        "phase": np.angle(mean).tolist(),
        "phase_error": (across / root / np.abs(mean)).tolist(),
    }


def evaluate(run):
    """What ``reference/checks.toml`` compares: the run, with the stored periods' spread as its error, and these."""
    eta, eta_error, rho = viscosity()
    nu, nu_error = eta / rho, eta_error / rho
    found, ensemble = read(run).velocity, stored()
    whole = compare(ensemble.velocity, nu, nu_error)
    difference = parts(found.mean(axis=0) - model(nu, whole["slip"]))
    spread = parts(ensemble.velocity).std(axis=0, ddof=1) / np.sqrt(len(found))
    error = np.hypot(spread, np.tile(grid_error(nu), 2) / np.sqrt(2.0))
    return {
        "rms_error_over_speed": float(np.sqrt((difference**2).mean()) / U),
        "rms_deviation_in_errors": float(np.sqrt(((difference / error) ** 2).mean())),
        "ensemble": whole,
        "ensemble_with_0.8_viscosity": compare(ensemble.velocity, 0.8 * nu, 0.8 * nu_error),
        "stress_at_seam": stress_at_seam(ensemble.stress, whole["slip"]),
        "profile": profile(ensemble.velocity),
    }


def draw(run, result):
    """Amplitude and phase of the stored periods against Stokes' solution: ``profile.png`` in the run."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    eta, _, rho = viscosity()
    z, shown = np.linspace(0.0, H - 0.1, 200), result["profile"]
    theory = stokes(z, eta / rho, result["ensemble"]["slip"])
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 4.2), sharex=True)
    curves = (("amplitude", np.abs(theory) / U, "amplitude / U"), ("phase", np.angle(theory), "phase / rad"))
    for axis, (name, curve, label) in zip(axes, curves, strict=True):
        axis.plot(z, curve, lw=1)
        axis.errorbar(shown["z"], shown[name], shown[f"{name}_error"], fmt="o", ms=3.5)
        axis.axvspan(0.0, SEAM, color="0.93")
        axis.set(xlabel="z / σ", ylabel=label)
    figure.suptitle("Oscillating atomic wall: lines are Stokes' solution, atoms in the grey part")
    figure.tight_layout()
    figure.savefig(run / "profile.png", dpi=150)


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
