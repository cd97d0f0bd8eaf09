"""Under mpirun: couples noisy tanks through every filter, and prints what came of each as JSON.

mpirun -n 4 python -m tests.couplers.play_filters FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from mpi4py import MPI

from suture.adapters.tank_face import SourceFace
from suture.couplers.smoothing import Smoother

from .play_tanks import PARALLEL, SERIAL, play

FILTERS = {
    "moving-window": '{ kind = "moving-window", windows = 20 }',
    "gaussian": '{ kind = "gaussian", width = 5.5 }',
    "pod": '{ kind = "pod", windows = 12 }',
    "kalman": '{ kind = "kalman", drift = 0.1 }',
    "kalman, measured": '{ kind = "kalman" }',
}
UNITS = ("lj", '"lj"\nnoisy = true', '"lj"')


def filtered(filter: str, base: dict[str, Any] = SERIAL, scheme: str = "", **more: Any) -> dict[str, Any]:
    """A case of the tanks whose source is noisy, and whose interface has a filter."""
    return base | {"units": UNITS, "more": f"{scheme}\n[interfaces.seam]\nfilter = {filter}\n"} | more


@contextmanager
def noise() -> Iterator[None]:
    """Ten per cent and more of white noise on what the source gives, the same for a cell on any number of ranks."""
    send = SourceFace.send

    def noisy(self: SourceFace, window: Any) -> dict[str, Any]:
        places = np.round(1000 * self._cells.centres[:, :2]).astype(int)
        draws = np.array([np.random.default_rng([window.index + 1, *place]).standard_normal(5) for place in places])
        change = 0.05 * draws.reshape(-1, 5)
        self._solver.lost += change
        self._solver.held -= change
        return dict(send(self, window))

    with patch.object(SourceFace, "send", noisy):
        yield


def forgetting() -> Any:
    """The held amounts do not stand in the books."""
    honest = Smoother.smooth
    return patch.object(Smoother, "smooth", lambda self, arrived: (honest(self, arrived)[0], {}))


def some_runs() -> dict[str, tuple[dict[str, Any], Callable[[], Any]]]:
    """By name: the case, and what is patched beside the noise."""
    runs: dict[str, tuple[dict[str, Any], Callable[[], Any]]] = {}
    for number, (name, filter) in enumerate(FILTERS.items()):
        base = (SERIAL, PARALLEL)[number % 2]
        runs[name] = filtered(filter, base, end=250.0), nullcontext
        runs[f"{name} on 3 + 1"] = filtered(filter, base, ranks=(3, 1)), nullcontext
        runs[f"{name} on 1 + 3"] = filtered(filter, base, ranks=(1, 3)), nullcontext
        runs[f"{name}, samples"] = filtered(filter, base, "samples = 3", ranks=(2, 2)), nullcontext
        runs[f"{name}, forgotten"] = filtered(filter, base), forgetting
    runs["no filter"] = SERIAL | {"units": UNITS, "end": 250.0}, nullcontext
    return runs


def main(folder: Path) -> None:
    world = MPI.COMM_WORLD
    results = {}
    for name, (setting, change) in some_runs().items():
        ranks = sum(setting["ranks"])
        comm = world.Split(0 if world.rank < ranks else 1)
        if world.rank < ranks:
            with noise():
                results[name] = play(comm, folder / name, setting, change)
    if world.rank == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
