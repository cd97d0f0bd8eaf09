"""Kills a random rank of a run at a random moment, resumes, and compares the books with an undisturbed run's.

    python benchmarks/kills.py [--trials 8] [--seed 1] [--only CASE ...]

Cases are shortened, and write a checkpoint every few windows. In a third of the kills the moment is that of a
checkpoint that is just being written, and three of four come after the job's first checkpoint. A trial has up to three
kills, each followed by `--resume` where there is a checkpoint, and by a new start where there is none yet. Prints one
JSON line for each case: how many runs were killed, in how many a checkpoint was being written, how often one was
resumed, how long the slowest took until no rank was left, how many ended with the undisturbed run's books to the last
bit, how far the others are from them, and the worst defect of any.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from suture.couplers.audit import read_books

CASES = Path(__file__).parent.parent / "cases"
SOON = 2.0
"""Seconds after a checkpoint in which most kills come."""
TANKS = """
title = "Tanks"
units = "lj"
[time]
window = 0.25
end = 100.0
[scheme]
kind = "parallel-explicit"
[participants.upper]
kind = "stub-sink"
solver = { cells = [5, 2], step = 0.1 }
[participants.lower]
kind = "stub-source"
ranks = 2
solver = { cells = [3, 4], step = 0.03 }
[interfaces.seam.sides]
upper = {}
lower = {}
"""


@dataclass(frozen=True)
class Short:
    """What is changed of a case: ``end``, windows between checkpoints, and what replaces what in its files."""

    end: float
    every: int
    changes: tuple[tuple[str, str, str], ...] = ()


def equilibrated(script: str, steps: int) -> tuple[str, str, str]:
    """What shortens the equilibration in a script."""
    return script, f"equilibration index {steps}", "equilibration index 200"


SHORT = {
    "tanks": Short(100.0, 7),
    "oscillator": Short(24.0, 15),
    "two-slabs": Short(1.0, 3),
    "three-bodies": Short(2.0, 3),
    "partitioned-heat": Short(1.0, 2),
    "thermal-stress": Short(1.0, 3),
    "bar": Short(2.0, 6),
    "split-channel": Short(1.0, 4),
    "heated-plate": Short(20.0, 15),
    "stack": Short(6e-7, 1),
    "chain": Short(80.0, 4),
    "tdtr": Short(1e-9, 5),
    "couette": Short(6.0, 3, (equilibrated("wall/in.wall", 4000),)),
    "couette-heat": Short(4.0, 4, (equilibrated("atoms/in.atoms", 4000),)),
    "nanochannel": Short(
        4.0, 4, (equilibrated("channel/in.channel", 6000), ("case.toml", "settle = 800", "settle = 20"))
    ),
    "oscillating-wall": Short(
        4.0, 4, (equilibrated("atoms/in.wall", 3000), ("case.toml", "settle = 600", "settle = 20"))
    ),
    "crack-dynamic": Short(0.4, 5),
    "heat-rod": Short(8.0, 4),
    "sound": Short(2.0, 3),
    "wave": Short(1.0, 8),
}


def prepare(name: str, folder: Path) -> Path:
    """A copy of the case, shortened."""
    short, case = SHORT[name], folder / name
    if name == "tanks":
        case.mkdir()
        (case / "case.toml").write_text(TANKS)
    else:
        shutil.copytree(CASES / name, case, ignore=shutil.ignore_patterns("RUN*"))
    for file, old, new in short.changes:
        text = (case / file).read_text()
        assert old in text, f"{name}: {file} has no {old!r}"
        (case / file).write_text(text.replace(old, new))
    text, found = re.subn(r"(?m)^end = .*$", f"end = {short.end}", (case / "case.toml").read_text())
    assert found == 1, f"{name}: no end"
    every = f"[run]\ncheckpoint_every = {short.every}\n"
    text = re.sub(r"(?m)^\[run\]\n", every, text) if "[run]" in text else f"{text}\n{every}"
    (case / "case.toml").write_text(text)
    return case


def start(case: Path, output: Path, resume: bool = False) -> subprocess.Popen[bytes]:
    """`suture run`, with what it says in a file."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_"))}
    command = [sys.executable, "-m", "suture", "run", str(case), "--output", str(output)]
    with open(output.with_suffix(".txt"), "ab") as said:
        return subprocess.Popen(command + ["--resume"] * resume, env=clean, stdout=said, stderr=said)


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def ranks(job: subprocess.Popen[bytes]) -> list[int]:
    """The ranks of a job, once they are there."""
    return [rank for launcher in children(job.pid) for rank in children(launcher)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def moments(job: subprocess.Popen[bytes], output: Path, chance: random.Random, seconds: float) -> Iterator[bool]:
    """False until the moment has come, or the job has ended: some time, or while a checkpoint is written.

    Three of four are after the job's first checkpoint, so that there is something to resume.
    """
    writing, after, known = chance.random() < 1.0 / 3.0, chance.random() < 0.75, checkpoints(output)
    patience, until = chance.uniform(0.0, SOON if after else seconds), None
    while job.poll() is None:
        if until is None and (not after or checkpoints(output) - known):
            until = time.monotonic() + patience
        late = until is not None and time.monotonic() > until
        yield late and bool(ranks(job)) and (not writing or any(output.glob("checkpoints/*.part")))


def kill(
    job: subprocess.Popen[bytes], output: Path, chance: random.Random, seconds: float, found: Counter[str]
) -> None:
    """Kill one rank at a random moment, unless the job ends before, and wait until no rank is left."""
    for now in moments(job, output, chance, seconds):
        if now:
            break
        time.sleep(5e-4)
    all_ranks = ranks(job)
    if job.poll() is not None or not all_ranks:
        return
    found["in a checkpoint"] += any(output.glob("checkpoints/*.part"))
    os.kill(chance.choice(all_ranks), signal.SIGKILL)
    found["kills"] += 1
    began = time.monotonic()
    while job.poll() is None or any(alive(rank) for rank in all_ranks):
        assert time.monotonic() - began < 60.0, f"{output}: something is left of a killed job"
        time.sleep(0.01)
    found["slowest end, ms"] = max(found["slowest end, ms"], round(1e3 * (time.monotonic() - began)))


def checkpoints(output: Path) -> set[Path]:
    return set(output.glob("checkpoints/window-????????/manifest.json"))


def trial(case: Path, output: Path, chance: random.Random, seconds: float, found: Counter[str]) -> None:
    """One run with its kills, to its end."""
    for _ in range(chance.randint(1, 3)):
        resume = bool(checkpoints(output))
        found["resumed"] += resume
        job = start(case, output, resume)
        kill(job, output, chance, seconds, found)
        if job.wait() == 0:
            break
    else:
        resume = bool(checkpoints(output))
        found["resumed"] += resume
        code = start(case, output, resume).wait()
        assert code == 0, f"exit code {code}\n{output.with_suffix('.txt').read_text(errors='replace')}"
    found["torn"] += len(list(output.glob("checkpoints/*.torn")))


def books(output: Path) -> dict[str, np.ndarray]:
    """All that the ledger holds, but for means and their errors, which are summed in another order."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(output / "ledger.h5") as file:
        assert file.attrs["complete"]
        file.visititems(lambda name, item: found.update({name: item[:]}) if hasattr(item, "shape") else None)
    return {name: values for name, values in found.items() if not name.endswith(("/mean", "/error"))}


def difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """The largest difference of any number, relative to the largest of its kind or of what crosses in a window.

    0 where all bits are alike.
    """
    assert ours.keys() == theirs.keys()
    worst = 0.0
    crossed = max((np.nanmax(np.abs(values)) for name, values in theirs.items() if name.endswith("/sent")), default=0.0)
    for name, values in theirs.items():
        if not np.array_equal(ours[name], values, equal_nan=True):
            apart = np.nanmax(np.abs(ours[name] - values))
            worst = max(worst, apart / max(np.nanmax(np.abs(values)), crossed, np.finfo(float).tiny))
    return float(worst)


def play(name: str, trials: int, chance: random.Random, folder: Path) -> dict[str, object]:
    """All trials of one case."""
    case = prepare(name, folder)
    begin = time.monotonic()
    assert start(case, folder / "undisturbed").wait() == 0, f"{name}: see {folder / 'undisturbed.txt'}"
    seconds = time.monotonic() - begin
    whole = books(folder / "undisturbed")
    found: Counter[str] = Counter()
    differences, defects = [], []
    for number in range(trials):
        output = folder / f"trial-{number}"
        before = found["kills"]
        trial(case, output, chance, seconds, found)
        found["killed runs"] += found["kills"] > before
        differences.append(difference(books(output), whole))
        defects.append(read_books(output).worst)
        shutil.rmtree(output)
    return {
        "case": name,
        "trials": trials,
        **found,
        "bit for bit": differences.count(0.0),
        "largest difference": max(differences),
        "worst defect": max(defects),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=7, help="of each case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=SHORT, default=list(SHORT))
    options = parser.parse_args()
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            result = play(name, options.trials, random.Random(f"{options.seed} {name}"), Path(folder))
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
