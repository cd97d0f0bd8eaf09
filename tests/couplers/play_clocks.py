"""Under mpirun: two slabs, and two tanks, with clocks of their own; prints what came of each run as JSON.

    mpirun -n 2 python -m tests.couplers.play_clocks FOLDER

A film conducts beside a block that is twenty times as slow. Each run leaves its books and profiles in FOLDER/NAME. A
block with a clock of 20 is to do, in the case's time, what a *light* one does, whose capacity is a twentieth.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mpi4py import MPI

from suture.couplers.audit import read_books
from suture.couplers.bookkeeping import Bookkeeper

from .play_tanks import PARALLEL, SERIAL, keeps, play

CLOCK = 20.0
CASE = """
[time]
window = {window}
end = {end}
[scheme]
kind = "{scheme}"
{more}
[run]
checkpoint_every = {checkpoint_every}
[participants.film]
kind = "heat-slab"
clock = {film}
noisy = {noisy}
[participants.film.solver]
lower = [0.0, 0.0, 0.0]
upper = [1.0, 1.0, 1.0]
cells = 16
conductivity = 1.0
capacity = 1.0
initial = 350.0
source = "20*x"
step = {film_step}
boundaries = {{ lower = {{ kind = "temperature", temperature = "{outer}" }}, upper = {{ kind = "seam" }} }}
[participants.block]
kind = "heat-slab"
clock = {block}
[participants.block.solver]
lower = [1.0, 0.0, 0.0]
upper = [2.0, 1.0, 1.0]
cells = 16
conductivity = 10.0
capacity = {capacity}
initial = 350.0
step = {block_step}
[participants.block.solver.boundaries]
lower = {{ kind = "seam" }}
upper = {{ kind = "convection", coefficient = 30.0, temperature = 300.0 }}
[interfaces.seam]
{filter}
[interfaces.seam.sides]
film = {{ side = "upper", condition = "temperature" }}
block = {{ side = "lower", condition = "flux" }}
"""
Setting = dict[str, Any]
TRAJECTORY: Setting = {
    "window": 0.1,
    "end": 5.0,
    "scheme": "serial-explicit",
    "more": "",
    "checkpoint_every": 0,
    "film": 1.0,
    "block": 1.0,
    "noisy": "false",
    "film_step": 0.05,
    "block_step": 0.1,
    "capacity": 200.0,
    "outer": "400",
    "filter": "",
}
CLOCKS = TRAJECTORY | {"block": CLOCK, "block_step": CLOCK * 0.1}
LIGHT = TRAJECTORY | {"capacity": 200.0 / CLOCK}
SLOW_FILM = CLOCKS | {"film": 1.0 / CLOCK, "block": 1.0, "window": CLOCK * 0.1, "end": CLOCK * 5.0}
SCHEMES: dict[str, Setting] = {
    "serial": {},
    "parallel": {"scheme": "parallel-explicit"},
    "samples": {"scheme": "parallel-explicit", "more": "samples = 4"},
    "implicit": {"scheme": "serial-implicit", "more": "samples = 3\nconvergence = { relative = 1e-13 }"},
    "loosely implicit": {"scheme": "parallel-implicit", "more": "convergence = { relative = 1e-3 }"},
    "filter": {"noisy": "true", "filter": 'filter = { kind = "moving-window", windows = 3 }'},
    "estimate": {"noisy": "true", "filter": 'filter = { kind = "kalman", drift = 1.0 }'},
}
UNSTEADY = {"outer": "400 + 50*sin(2*t)"}
STEADY = {"end": 20.0}


def dropped(*modules: str) -> Callable[[], Any]:
    """Leave the ratio of the clocks out in some places."""

    def change() -> ExitStack:
        stack = ExitStack()
        for module in modules:
            stack.enter_context(patch(f"suture.couplers.{module}.ratio", lambda *_: 1.0))
        return stack

    return change


def unscaled(shares: Mapping[Any, Any]) -> dict[Any, Any]:
    """What is in transit, as if it were in the sender's time."""
    sent = {name: value for (kind, name, _), value in shares.items() if kind == "sent"}
    return {entry: sent[entry[1]] if entry[0] == "carry" else value for entry, value in shares.items()}


RUNS: dict[str, tuple[Setting, Callable[[], Any]]] = {
    **{f"{name}, clocks": (CLOCKS | scheme, nullcontext) for name, scheme in SCHEMES.items()},
    **{f"{name}, light": (LIGHT | scheme, nullcontext) for name, scheme in SCHEMES.items()},
    "whole": (
        CLOCKS | SCHEMES["filter"] | {"scheme": "parallel-explicit", "checkpoint_every": 6, "end": 1.2},
        nullcontext,
    ),
    "slow film": (SLOW_FILM, nullcontext),
    "steady, clocks": (CLOCKS | STEADY, nullcontext),
    "steady, none": (TRAJECTORY | {"end": CLOCK * 5.0}, nullcontext),
    "quasi-steady": (TRAJECTORY | {"film": 0.25, "window": 0.4, "end": 20.0}, nullcontext),
    "unsteady, clocks": (CLOCKS | UNSTEADY, nullcontext),
    "unsteady, none": (TRAJECTORY | UNSTEADY, nullcontext),
    "ratio is dropped from the exchange": (CLOCKS, dropped("case_model")),
    "ratio is dropped from the ledger": (CLOCKS, dropped("ledger")),
    "ratio is dropped from what is in transit": (
        CLOCKS | SCHEMES["parallel"],
        lambda: keeps(Bookkeeper, "_sender_shares", unscaled),
    ),
    "ratio is dropped everywhere": (CLOCKS | STEADY, dropped("case_model", "ledger", "accounts")),
}
TANKS = {
    "tanks, serial": SERIAL | {"units": ("lj", '"lj"', '"lj"\nclock = 7.3')},
    "tanks, parallel, quick source": PARALLEL | {"units": ("lj", '"lj"\nclock = 7.3', '"lj"')},
    "tanks, metal to real": PARALLEL
    | {"units": ("real", '"metal"\nclock = 0.3', '"real"'), "steps": (3e-5, 0.1), "more": "samples = 3"},
}


def main(folder: Path) -> None:
    world, results = MPI.COMM_WORLD, {}
    for name, (setting, change) in RUNS.items():
        results[name] = play(world, folder / name, setting, change, CASE)
        if world.rank == 0:
            with change():  # the audit is to make the same mistake
                books = read_books(folder / name)
            results[name] |= {"whole": books.whole.worst, "flows": max(flow.worst for flow in books.flows)}
    for name, setting in TANKS.items():
        results[name] = play(world, folder / name, setting, nullcontext)
    if world.rank == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
