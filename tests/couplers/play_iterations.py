"""Under mpirun: programs of one's own iterate linear problems; prints what came of each as JSON.

    mpirun -n 3 python -m tests.couplers.play_iterations FOLDER

Each program gives a temperature on four cells, which is a matrix times the temperatures that it takes, plus a constant;
the first also gives an energy that depends on the last temperature, which the second books.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.couplers.case import load_case
from suture.couplers.errors import SutureError
from suture.couplers.foreign import ForeignParticipant
from suture.couplers.world import World

CELLS = 4
CASE = """
title = "Linear programs"
units = "lj"
[time]
window = 1
end = {windows}
[scheme]
kind = "{kind}"
{scheme}
[participants]
{participants}
{interfaces}
"""
INTERFACE = """
[interfaces.{a}{b}.sides]
{a} = {{}}
{b} = {{}}
[[interfaces.{a}{b}.exchange]]
from = "{a}"
to = "{b}"
states = ["temperature"]
{energy}
[[interfaces.{a}{b}.exchange]]
from = "{b}"
to = "{a}"
states = ["temperature"]
"""
STANDARD = {"kind": "serial-implicit", "names": "ab", "gain": 0.7, "windows": 3, "scheme": "", "fail": ""}
RUNS: dict[str, dict[str, Any]] = {
    f"{kind}, {names}": STANDARD | {"kind": kind, "names": names}
    for kind in ("serial-implicit", "parallel-implicit")
    for names in ("ab", "abc")
}
RUNS |= {
    "no convergence": STANDARD | {"gain": 1.5, "scheme": 'acceleration.kind = "none"\nconvergence.max_iterations = 7'},
    "no convergence, continue": STANDARD
    | {
        "gain": 1.5,
        "scheme": 'acceleration.kind = "none"\nconvergence = {max_iterations = 7, at_maximum = "continue"}',
    },
    "overflow": STANDARD | {"gain": 1e30, "scheme": 'acceleration.kind = "none"'},
    "not a number": STANDARD | {"fail": "nan"},
    "infinite": STANDARD | {"fail": "inf"},
    "loose": STANDARD | {"scheme": "convergence.relative = 1e-2", "windows": 30},
    "strict energy": STANDARD
    | {"scheme": "convergence = {relative = 1e-2, fields.energy = {relative = 1e-12}}", "windows": 3},
    "absolute": STANDARD | {"scheme": "convergence = {absolute = 1e9}"},
}


def matrix(name: str, gain: float) -> np.ndarray:
    """The same on every rank: of norm ``gain``."""
    random = np.random.default_rng(ord(name))
    return gain * np.linalg.qr(random.standard_normal((CELLS, CELLS)))[0]


def case_text(setting: dict[str, Any]) -> str:
    names = setting["names"]
    pairs = itertools.pairwise(names)
    interfaces = [INTERFACE.format(a=a, b=b, energy='amounts = ["energy"]' if a == "a" else "") for a, b in pairs]
    participants = "\n".join(f'{name} = {{kind = "foreign"}}' for name in names)
    fill = {key: setting[key] for key in ("kind", "scheme", "windows")}
    return CASE.format(**fill, participants=participants, interfaces="".join(interfaces))


def faces() -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(CELLS + 1.0)
    zero = np.zeros(CELLS)
    return np.column_stack((x[:-1], zero, zero)), np.column_stack((x[1:], zero + 1, zero))


class Program:
    """One participant: temperature = matrix (mean of what it takes) + window, energy = sum of squares."""

    def __init__(self, me: ForeignParticipant, setting: dict[str, Any]) -> None:
        self.me = me
        self.setting = setting
        self.matrix = matrix(me.name, setting["gain"])
        self.sides = {name: me.side(name, amounts=faces(), states=faces()) for name in me.case.interfaces_of(me.name)}
        self.held = np.zeros(1)
        self.iterations = 0
        me.books(lambda: {"energy": self.held})
        me.rewind(lambda: {"held": self.held}, lambda state: setattr(self, "held", state["held"]))
        for side in self.sides.values():
            side.give(temperature=0.0)

    def play(self) -> list[list[float]]:
        """The temperatures of every window."""
        course: list[list[float]] = []
        for window in self.me.windows():
            self.me.receive(window)
            taken = np.mean([side.arrived["temperature"][:, 0] for side in self.sides.values()], axis=0)
            given = self.matrix @ taken + window.index + 1.0
            if self.setting["fail"] and window.index == 1 and self.me.name == "b":
                given = given * float(self.setting["fail"])
            for side in self.sides.values():
                side.give(temperature=given)
            if self.me.name == "a":
                self.held = self.held - given @ given
                self.sides["ab"].give(energy=given**2)
            if self.me.name == "b":
                energy = self.sides["ab"].arrived["energy"].sum()
                self.held = self.held + energy
                self.sides["ab"].book(energy=energy)
            self.me.send(window)
            self.iterations += 1
            if self.me.close(window):
                course.append(given.tolist())
        return course


def play(comm: MPI.Comm, folder: Path, setting: dict[str, Any]) -> dict[str, Any]:
    """One run on ``comm``; what every rank found."""
    if comm.rank == 0:
        folder.mkdir()
        (folder / "case.toml").write_text(case_text(setting))
    comm.Barrier()
    case = load_case(folder)
    world = World.split(comm, {name: 1 for name in setting["names"]}, only=(setting["names"][comm.rank],))
    found: dict[str, Any] = {"message": "", "code": 0}
    with ForeignParticipant(case, world, folder) as me:
        program = Program(me, setting)
        try:
            found["course"] = program.play()
        except SutureError as error:
            found |= {"message": str(error), "code": error.exit_code}
        found["iterations"] = program.iterations
        found["worst"] = me.ledger.worst
    everyone = comm.allgather(found)
    assert len({(each["message"], each["iterations"]) for each in everyone}) == 1, everyone
    return {"courses": [each.get("course") for each in everyone], **found}


def main(folder: Path) -> None:
    world = MPI.COMM_WORLD
    results = {}
    for name, setting in RUNS.items():
        ranks = len(setting["names"])
        comm = world.Split(0 if world.rank < ranks else 1)
        if world.rank < ranks:
            results[name] = play(comm, folder / name, setting)
    if world.rank == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
