"""Under mpirun: runs one case after the other and prints what came of each, by the name of its folder, as JSON.

    mpirun -n 3 -m tests.cases.play FOLDER...

Each case takes the first ranks of the world that it needs. One start of MPI serves them all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from mpi4py import MPI

from suture.couplers.case import load_case
from suture.couplers.errors import SutureError
from suture.couplers.loop import run
from suture.couplers.participant import Participant
from suture.couplers.world import World


def play(comm: MPI.Comm, folder: Path) -> dict[str, Any]:
    case, output = load_case(folder), folder / "RUN"
    if comm.rank == 0:
        output.mkdir(exist_ok=True)
        (output / "case.resolved.toml").write_text(case.resolved())
    comm.Barrier()
    me = Participant(case, World.split(comm, {name: p.ranks for name, p in case.participants.items()}), output)
    try:
        run(me)
    except SutureError as error:
        return {"exit_code": error.exit_code, "message": str(error)}
    return {"exit_code": 0, "worst": me.ledger.worst}


def main() -> None:
    world, results = MPI.COMM_WORLD, {}
    for folder in map(Path, sys.argv[1:]):
        needed = load_case(folder).ranks
        comm = world.Split(0 if world.rank < needed else 1)
        if world.rank < needed:
            results[folder.name] = play(comm, folder)
    if world.rank == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
