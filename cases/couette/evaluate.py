"""Compares a start-up Couette run, and the stored ensemble of seeds, with the analytic series.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names, and draws couette.png

The lid at z = H starts to move with speed U at t = 0 over fluid and an atomic wall at rest. With d = H - z

    u = U (1 - d/L) - (2U/pi) sum_k sin(k pi d/L) exp(-k^2 pi^2 nu t/L^2) / k,    L = H + slip length,

(Schlichting & Gersten, Boundary-Layer Theory, 5.2.3). nu is the measured viscosity over the density, never fitted; the
slip length of the atomic wall is fitted, and reported.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

CASE = Path(__file__).parent
H, U = 50.0, 0.5
SPANS = ((10.0, 15.0), (50.0, 75.0), (100.0, 150.0), (200.0, 250.0))
"""Times over which profiles are averaged; the series is averaged over the same."""
ATOM_EDGES = np.arange(2.0, 14.1, 3.0)
"""Bins of the atoms' profile, clear of the wall's layers."""
SEAM = 14.0


def series(d, t, nu, length=H, speed=U, terms=400):
    """Velocity at distance ``d`` from the moving wall at time ``t``; arrays are broadcast."""
    d, t = np.broadcast_arrays(np.asarray(d, float), np.asarray(t, float))
    k = np.arange(1, terms + 1).reshape(-1, *[1] * d.ndim)
    waves = np.sin(k * np.pi * d / length) * np.exp(-((k * np.pi / length) ** 2) * nu * t) / k
    return speed * (1.0 - d / length) - 2.0 * speed / np.pi * waves.sum(axis=0)


def kinematic_viscosity():
    """nu and its standard error, from what the case measured of its own fluid."""
    fluid = json.loads((CASE / "measured" / "fluid.json").read_text())
    rho = fluid["state_point"]["density"]
    eta = fluid["viscosity"]
    return eta["polynomial"]["00"] / rho, eta["standard_error"]["00"] / rho


@dataclass
class Profile:
    """Velocity along x, averaged over each of the spans: arrays (spans, points)."""

    z: np.ndarray
    u: np.ndarray
    seam: dict


def model(nu, slip):
    """The series averaged over the bins and spans of a profile, (spans, points)."""
    edges = point_edges()
    inside = np.linspace(0.1, 0.9, 5)
    rows = []
    for begin, end in SPANS:
        t = np.linspace(begin, end, 41)[:, None, None]
        z = edges[:-1, None] + np.diff(edges)[:, None] * inside
        rows.append(series(H - z[None], t, nu, H + slip).mean(axis=(0, 2)))
    return np.array(rows)


def point_edges():
    """Edges of the points of a profile: the atoms' bins, then the continuum's cells."""
    return np.concatenate((ATOM_EDGES, np.arange(17.0, H + 0.1, 3.0)))


def read(run):
    """The profile of one run, and what both sides say of the seam."""
    with h5py.File(run / "wall" / "profiles.h5") as atoms, h5py.File(run / "channel" / "profiles.h5") as flow:
        u = [np.concatenate((_bins(atoms, span), _cells(flow, span))) for span in SPANS]
        seam = _seam(atoms, flow)
    edges = point_edges()
    return Profile(0.5 * (edges[1:] + edges[:-1]), np.array(u), seam)


def _when(file, span):
    time = file["time"][:]
    return (time > span[0] + 1e-9) & (time < span[1] + 1e-9)


def _bins(file, span):
    """Mean velocity of the atoms in each bin of ATOM_EDGES."""
    when = _when(file, span)
    edges, mass = file["edges"][:], file["density"][when] * np.diff(file["edges"][:])
    momentum = np.nan_to_num(file["velocity"][when][..., 0]) * mass
    centre = 0.5 * (edges[1:] + edges[:-1])
    which = np.digitize(centre, ATOM_EDGES) - 1
    return np.array([momentum[:, which == b].sum() / mass[:, which == b].sum() for b in range(len(ATOM_EDGES) - 1)])


def _cells(file, span):
    return file["velocity"][_when(file, span)][..., 0].mean(axis=0)


def _seam(atoms, flow):
    """Density, normal velocity and temperature on both sides of the seam, averaged over the run's second half."""
    half = atoms["time"][-1] / 2
    late, late_flow = atoms["time"][:] > half, flow["time"][:] > half
    centre = 0.5 * (atoms["edges"][1:] + atoms["edges"][:-1])
    near = (centre > SEAM - 3.0) & (centre < SEAM + 3.0)
    mass = atoms["density"][late][:, near]
    total = mass.sum()
    return {
        "density_atoms": float(mass.mean()),
        "density_flow": float(flow["density"][late_flow][:, 0].mean()),
        "normal_velocity_atoms": float((np.nan_to_num(atoms["velocity"][late][:, near, 2]) * mass).sum() / total),
        "normal_velocity_flow": float(flow["velocity"][late_flow][:, 0, 2].mean()),
        "temperature_atoms": float((np.nan_to_num(atoms["temperature"][late][:, near]) * mass).sum() / total),
        "temperature_flow": float(flow["temperature"][late_flow][:, 0].mean()),
    }


def seam_agreement(seam):
    """Difference atoms - continuum at the seam over the ensemble, in standard errors, by quantity."""
    agreement = {}
    for quantity in ("density", "normal_velocity", "temperature"):
        difference = np.array(seam[f"{quantity}_atoms"]) - np.array(seam[f"{quantity}_flow"])
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        agreement[quantity] = {
            "difference": float(difference.mean()),
            "error": float(error),
            "in_errors": float(abs(difference.mean()) / error),
        }
    return agreement


def fit_slip(u, error, nu):
    """Least-squares slip length of profiles (spans, points)."""
    weight = 1.0 / error**2
    slip = 0.0
    for _ in range(4):
        slope = (model(nu, slip + 0.05) - model(nu, slip - 0.05)) / 0.1
        slip += float((weight * slope * (u - model(nu, slip))).sum() / (weight * slope**2).sum())
    return slip


def grid_error(nu, slip):
    """Error of cells 3σ long, (spans, points): the flow solver's scheme on the whole channel less the series.

    Central second-order diffusion with three-point gradients at the walls, integrated exactly in time.
    """
    length = H + slip
    cells = round(length / 3.0)
    h = length / cells
    operator = np.diag(np.full(cells, -2.0)) + np.diag(np.ones(cells - 1), 1) + np.diag(np.ones(cells - 1), -1)
    for end, next_one in ((0, 1), (-1, -2)):
        operator[end, end], operator[end, next_one] = -4.0, 4.0 / 3.0  # wall gradient (8 u_w - 9 u_1 + u_2) / 3h
    drive = np.zeros(cells)
    drive[-1] = 8.0 / 3.0 * U
    rates, modes = np.linalg.eig(operator * nu / h**2)
    steady = -np.linalg.solve(operator, drive)
    start = np.linalg.solve(modes, -steady.astype(complex))
    centre = (np.arange(cells) + 0.5) * h - slip
    edges = point_edges()
    error = []
    for begin, end in SPANS:
        t = np.linspace(begin, end, 41)
        cells_u = steady + np.real(modes @ (start[:, None] * np.exp(np.outer(rates, t)))).mean(axis=1)
        inside = np.linspace(-0.4, 0.4, 5) * h
        exact = series(H - centre[:, None, None] - inside[:, None], t, nu, length).mean(axis=(1, 2))
        error.append(np.interp(0.5 * (edges[1:] + edges[:-1]), centre, cells_u - exact))
    return np.array(error)


def compare_ensemble(samples, nu, nu_error, draws=2000, seed=1):
    """Chi-squared of the ensemble's mean against the series, and its probability under the hypothesis.

    ``samples`` is (seeds, spans, points). A point's error holds three parts: the standard error of the mean over seeds,
    that of the measured viscosity, and the error of the continuum's grid (which rules near the lid, where no noise has
    arrived yet). Points of one run are correlated (they share the slow modes), so the distribution of chi-squared comes
    from a bootstrap: centred samples are drawn with replacement, the viscosity is drawn with its error, and the slip
    length is fitted anew in every draw. The grid's error is not drawn, so the probability is on the low side.
    """
    rng = np.random.default_rng(seed)
    count = len(samples)
    mean, statistical = samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(count)
    by_nu = (model(nu * 1.01, 0.0) - model(nu * 0.99, 0.0)) / (0.02 * nu)
    error = np.sqrt(statistical**2 + (by_nu * nu_error) ** 2 + grid_error(nu, 0.0) ** 2)
    slip = fit_slip(mean, error, nu)
    deviation = (mean - model(nu, slip)) / error
    chi2 = float((deviation**2).sum())
    by_slip = (model(nu, slip + 0.05) - model(nu, slip - 0.05)) / 0.1
    centred = samples - mean
    drawn, slips = np.empty(draws), np.empty(draws)
    for i in range(draws):
        r = centred[rng.integers(count, size=count)].mean(axis=0) + by_nu * nu_error * rng.standard_normal()
        slips[i] = (by_slip * r / error**2).sum() / (by_slip**2 / error**2).sum()
        drawn[i] = (((r - slips[i] * by_slip) / error) ** 2).sum()
    return {
        "slip": slip,
        "slip_error": float(slips.std()),
        "chi2": chi2,
        "points": int(mean.size),
        "p": float((drawn >= chi2).mean()),
        "largest_deviation": float(np.abs(deviation).max()),
        "largest_standard_error_over_speed": float(statistical.max() / U),
    }


def evaluate(run):
    """What ``reference/checks.toml`` compares: the run, with the ensemble's spread as its error, and the ensemble."""
    profile, (nu, nu_error) = read(run), kinematic_viscosity()
    ensemble = json.loads((CASE / "reference" / "ensemble.json").read_text())
    samples = np.array(ensemble["samples"])
    whole = compare_ensemble(samples, nu, nu_error)
    difference = profile.u - model(nu, whole["slip"])
    error = np.hypot(samples.std(axis=0, ddof=1), grid_error(nu, 0.0))
    return {
        "rms_error_over_speed": float(np.sqrt((difference**2).mean()) / U),
        "rms_deviation_in_errors": float(np.sqrt(((difference / error) ** 2).mean())),
        "ensemble": whole,
        "ensemble_with_0.8_viscosity": compare_ensemble(samples, 0.8 * nu, 0.8 * nu_error),
        "ensemble_seam": seam_agreement(ensemble["seam"]),
        "seam": profile.seam,
        "profile": {"z": profile.z.tolist(), "u": profile.u.tolist(), "error": error.tolist()},
    }


def draw(run, result):
    """Profiles at four times against the series, with error bars: ``couette.png`` in the run's folder."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    nu, _ = kinematic_viscosity()
    profile, slip = result["profile"], result["ensemble"]["slip"]
    figure, axes = plt.subplots(figsize=(7.0, 4.6))
    z = np.linspace(0.0, H, 200)
    for row, (begin, end) in enumerate(SPANS):
        t = np.linspace(begin, end, 21)[:, None]
        (curve,) = axes.plot(z, series(H - z, t, nu, H + slip).mean(axis=0), lw=1)
        label = f"t = {begin:g} … {end:g}"
        axes.errorbar(
            profile["z"], profile["u"][row], profile["error"][row], fmt="o", ms=3.5, c=curve.get_color(), label=label
        )
    axes.axvspan(0.0, SEAM, color="0.93")
    axes.text(SEAM - 0.5, 0.95 * U, "atoms", ha="right")
    axes.text(SEAM + 0.5, 0.95 * U, "Navier-Stokes", ha="left")
    axes.set(xlabel="z / σ", ylabel="velocity / √(ε/m)", title="Start-up Couette flow: lines are the analytic series")
    axes.legend(loc="upper left", bbox_to_anchor=(0.02, 0.92))
    figure.tight_layout()
    figure.savefig(run / "couette.png", dpi=150)


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
