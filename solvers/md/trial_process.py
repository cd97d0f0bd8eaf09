"""The process in which ``try_script`` runs a script: ``python -m suture.solvers.md.trial_process TASK``."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from mpi4py import MPI

from .library import Lammps
from .trial import ScriptFacts, limit_process, write_facts

TIMED_STEPS = 20


def main(task: dict) -> None:
    """Run the script and write the facts."""
    limit_process()
    folder = Path(task["folder"])
    lammps = Lammps(MPI.COMM_SELF, folder / "log.lammps", task["variables"])
    lammps.script(Path(task["script"]))
    for command in task["then"]:
        lammps.command(command)
    if lammps.step:
        lammps.command("reset_timestep 0")
    lammps.command("run 0 post no")
    facts = facts_of(lammps)
    write_facts(facts, folder / "facts.json")
    # Last, since atoms that were not equilibrated may be lost in these steps: the facts stand then without a time.
    write_facts(replace(facts, seconds=seconds_of_step(lammps)), folder / "facts.json")


def seconds_of_step(lammps: Lammps) -> float:
    """Computing time of one step, from the few that a trial can afford."""
    start = time.perf_counter()
    lammps.run(TIMED_STEPS)
    return (time.perf_counter() - start) / TIMED_STEPS


def facts_of(lammps: Lammps) -> ScriptFacts:
    """What stands in LAMMPS after a script."""
    members = {name: (lammps.integers("mask") & lammps.group_bit(name)) != 0 for name in lammps.names("group")}
    places = lammps.atoms("x")
    lower, upper = lammps.box
    return ScriptFacts(
        timestep=lammps.constant("dt"),
        atoms=lammps.count,
        lower=tuple(lower.tolist()),
        upper=tuple(upper.tolist()),
        periodic=lammps.periodic,
        cutoff=lammps.cutoff(),
        groups={name: int(member.sum()) for name, member in members.items()},
        spans={
            name: [places[member].min(axis=0).tolist(), places[member].max(axis=0).tolist()]
            for name, member in members.items()
            if member.any()
        },
        fixes=lammps.styles("fix"),
        variables={
            name: lammps.variable(name) if style == "equal" else None
            for name, style in lammps.styles("variable").items()
        },
        pair_styles=lammps.pair_styles(),
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
