"""The amplitude of a thermal grating at the windows' ends.

    python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names

The profile is projected on the cosine that the case starts from.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py
import numpy as np


def evaluate(run):
    """Amplitudes by the time, in lifetimes."""
    with h5py.File(run / "crystal" / "course.h5") as course:
        x, temperature, times = course["x"][0], course["temperature"][:], course["time"][:]
    wave = np.cos(np.pi * x / x[-1])
    a, b = x[::2], x[1::2]
    weight = np.repeat((b - a) / 2, 2)  # trapezoids: exact to round-off for whole half periods of even cells
    amplitude = (temperature * wave * weight).sum(axis=1) / (wave * wave * weight).sum()
    return {"amplitude": {f"{t:g}": float(a) for t, a in zip(times, amplitude, strict=True)}}


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
