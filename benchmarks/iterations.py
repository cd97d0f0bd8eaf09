"""Mean coupling iterations a window on the problems of toys.py, beside those of preCICE 3.4.1.

    python benchmarks/iterations.py

Prints one JSON line. In a serial scheme what the second half gives is iterated, in a parallel one what both give. A
window starts from what the one before came to, except in the rows "default", which are Suture's defaults, with its
automatic extrapolation; it is done when what each half gives changes by less than the tolerance, relative to its norm:
of an iterated field x~ - x, of another one the change since the iteration before; after 100 iterations it goes on
regardless. A row ends where numbers overflow; its mean is then null. Aitken's factor is a quotient of small
differences, and where they cancel, as for linear-fsi, round-off decides how many iterations there are: "rounding", in
a serial scheme, holds the least and the largest mean of runs in which the last bit of every value is up to chance.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from toys import TOYS, Array, Toy

from suture.couplers.acceleration import create_acceleration
from suture.couplers.acceleration_settings import AccelerationSettings
from suture.couplers.extrapolation import Extrapolation

MOST = 100
ROUNDINGS = 8
PEER = tomllib.loads((Path(__file__).parent / "iterations_peer.toml").read_text())
DEFAULT = "default"
SETTINGS = {
    DEFAULT: AccelerationSettings(),
    "none": AccelerationSettings(kind="none"),
    "constant-0.5": AccelerationSettings(kind="constant", relaxation=0.5),
    "aitken-0.5": AccelerationSettings(kind="aitken", relaxation=0.5),
    "aitken-0.1": AccelerationSettings(kind="aitken", relaxation=0.1),
    "iqn-ils": AccelerationSettings(relaxation=0.1),
    "iqn-ils-0": AccelerationSettings(relaxation=0.1, reused_windows=0, filter="qr2", filter_limit=1e-3),
    "iqn-ils-8": AccelerationSettings(relaxation=0.1, reused_windows=8, filter="qr2", filter_limit=1e-3),
    "iqn-imvj": AccelerationSettings(kind="iqn-imvj", relaxation=0.1),
}


class DivergedError(ArithmeticError):
    """The iterates, or their norms, are no numbers any more."""


class Run:
    """One toy under one scheme; ``x`` is what is iterated, ``seen`` what the first half gave last."""

    def __init__(
        self,
        toy: Toy,
        scheme: str,
        settings: AccelerationSettings,
        extrapolate: bool = False,
        rounding: np.random.Generator | None = None,
    ) -> None:
        self.rounding = rounding
        self.toy, self.serial = toy, scheme == "serial-implicit"
        self.seen, second = toy.first.initial, toy.second.initial
        self.x = second if self.serial else np.concatenate((self.seen, second))
        self.cut = 0 if self.serial else len(self.seen)
        fields = {"second": slice(self.cut, len(self.x))} | ({} if self.serial else {"first": slice(0, self.cut)})
        self.acceleration = create_acceleration(settings, fields, np.copy)
        self.extrapolation = Extrapolation(fields, np.copy) if extrapolate else None

    def windows(self) -> Iterator[int]:
        """Iterations of each window; more than ``MOST`` where it has not converged."""
        for index in range(self.toy.windows):
            end = (index + 1) * self.toy.window
            self.acceleration.begin()
            if self.extrapolation:
                self.x = self.extrapolation.guess(self.x)
            yield self.window(end)
            self.toy.first.accept()
            self.toy.second.accept()

    def window(self, end: float) -> int:
        iteration = 1
        given, done = self.iterate(end)
        while not done and iteration < MOST:
            self.x = self.acceleration.update(self.x, given)
            given, done = self.iterate(end)
            iteration += 1
        self.acceleration.accept(self.x, given)
        if self.extrapolation:
            self.extrapolation.accept(given)
        self.x = given
        return iteration if done else MOST + 1

    def iterate(self, end: float) -> tuple[Array, bool]:
        """H(x), and whether this is close enough to x."""
        before = self.seen if self.serial else self.x[: self.cut]
        self.seen = self.toy.first.advance(self.x[self.cut :], end)
        second = self.toy.second.advance(self.seen if self.serial else self.x[: self.cut], end)
        done = self.close(self.seen, before) and self.close(second, self.x[self.cut :])
        given = second if self.serial else np.concatenate((self.seen, second))
        if self.rounding:
            given = given * (1 + np.spacing(1.0) * self.rounding.integers(-1, 2, given.shape))
        return given, done

    def close(self, new: Array, old: Array) -> bool:
        change, size = np.linalg.norm(new - old), np.linalg.norm(new)
        if not np.isfinite(change + size):
            raise DivergedError
        return bool(change <= self.toy.tolerance * size)


def row(name: str, scheme: str, acceleration: str) -> dict[str, object]:
    counts: list[int] = []
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            counts.extend(Run(TOYS[name](), scheme, SETTINGS[acceleration], acceleration == DEFAULT).windows())
        mean = float(np.mean(np.minimum(counts, MOST)))
    except DivergedError:
        mean = None
    comparable = SETTINGS[acceleration].kind == "aitken" and scheme == "serial-implicit"
    peer = PEER[name][scheme]
    return ({"rounding": rounding(name, scheme, acceleration)} if comparable else {}) | {
        "toy": name,
        "scheme": scheme,
        "acceleration": acceleration,
        "mean": mean,
        "first_windows": [min(count, MOST) for count in counts[:4]],
        "not_converged": sum(count > MOST for count in counts),
        "peer": min(peer.values()) if acceleration == DEFAULT else peer[acceleration],
    }


def rounding(name: str, scheme: str, acceleration: str) -> tuple[float, float]:
    """The least and the largest mean where the last bit of every value is up to chance."""
    chance = np.random.default_rng(1)
    runs = [Run(TOYS[name](), scheme, SETTINGS[acceleration], rounding=chance) for _ in range(ROUNDINGS)]
    means = [float(np.mean(np.minimum(list(run.windows()), MOST))) for run in runs]
    return min(means), max(means)


def main() -> None:
    rows = [row(name, scheme, a) for name in TOYS for scheme in PEER[name] for a in SETTINGS]
    print(json.dumps({"benchmark": "iterations", "peer": "preCICE 3.4.1", "rows": rows}))


if __name__ == "__main__":
    main()
