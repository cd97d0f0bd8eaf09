"""Compares a run of the two slabs with their exact solution.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

With k = 100 and 1, c = 1 and thickness 1 of both, the modes exp(-w^2 t) are A cos(w x / 10) in the plate, which is
insulated at x = 0, and B sin(w (2 - x)) in the coat, which is cold at x = 2. At x = 1 the temperatures agree if
A cos(w / 10) = B sin(w), and the fluxes if also 10 tan(w / 10) = cot(w).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np
from scipy.optimize import brentq

STRENGTHS = (1.0, 0.3)
"""B of the slowest modes, as the case starts."""


def modes():
    """Wave numbers, A and B of the modes that the case starts from."""
    waves = [
        brentq(lambda w: 10 * np.tan(w / 10) - 1 / np.tan(w), n * np.pi + 1e-6, (n + 0.5) * np.pi - 1e-9, xtol=1e-15)
        for n in range(len(STRENGTHS))
    ]
    return [(w, b * np.sin(w) / np.cos(w / 10), b) for w, b in zip(waves, STRENGTHS, strict=True)]


def exact(x, t):
    """Temperature at positions ``x`` (n,) and times ``t`` (m,): (m, n)."""
    x, t = np.asarray(x)[None, :], np.asarray(t)[:, None]
    return sum(
        np.exp(-w * w * t) * np.where(x < 1, a * np.cos(w * x / 10), b * np.sin(w * (2 - x))) for w, a, b in modes()
    )


def crossed(t):
    """Heat per area that has left the plate by the time ``t``."""
    return sum(b * np.cos(w) / w * (1 - np.exp(-w * w * t)) for w, _, b in modes())


def evaluate(run):
    """Errors relative to the temperature at the start, at the windows' ends, and of the heat that crossed."""
    error, scale = [], []
    for name in ("plate", "coat"):
        with h5py.File(run / name / "profiles.h5") as file:
            x = 0.5 * (file["edges"][1:] + file["edges"][:-1])
            error.append(file["temperature"][:] - exact(x, file["time"][:]))
            scale.append(exact(x, [0.0]))
    error, scale = np.hstack(error), np.sqrt(np.mean(np.hstack(scale) ** 2))
    with h5py.File(run / "ledger.h5") as ledger:
        iterations = np.abs(ledger["iterations"][:])
        (flow,) = ledger["flows"].values()  # from the plate to the coat, or counted the other way round
        heat = flow["sent"][:].sum() * (1 if flow.attrs["sender"] == "plate" else -1)
        heat_error = heat / crossed(ledger["time"][-1]) - 1
    return {
        "rms_error": float(np.sqrt(np.mean(error**2, axis=1)).max() / scale),
        "heat_error": float(abs(heat_error)),
        "iterations": {"mean": float(iterations.mean()), "most": float(iterations.max())},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
