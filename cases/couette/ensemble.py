"""Runs the case with many seeds and stores their profiles: reference/ensemble.json.

    python ensemble.py [--seeds 40] [--jobs 2]

Each run has one MD rank and one flow rank, in a temporary copy of the case. What is stored is what ``evaluate.py``
reads of a run, with the hashes of the inputs, the versions and the cost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import evaluate

CASE = Path(__file__).parent
INPUTS = ("case.toml", "wall/in.wall", "fluid.lmp", "measured/fluid.json")


def run_seed(folder: Path, seed: int) -> evaluate.Profile:
    """Run one seed in ``folder`` and read its profile."""
    shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*", "reference", "__pycache__"))
    text = (folder / "case.toml").read_text()
    text = re.sub(r"seed = \d+", f"seed = {seed}", text).replace("ranks = 2", "ranks = 1")
    (folder / "case.toml").write_text(text)
    command = [sys.executable, "-m", "suture", "run", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"seed {seed}:\n{done.stdout}\n{done.stderr}")
    profile = evaluate.read(folder / "RUN")
    shutil.rmtree(folder)
    print(f"seed {seed}: {done.stdout.strip().splitlines()[-2]}", flush=True)
    return profile


def main() -> None:
    """Run all seeds and store what they gave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    start = time.monotonic()
    seeds = range(1, arguments.seeds + 1)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        profiles = list(pool.map(lambda seed: run_seed(Path(name) / f"seed-{seed}", seed), seeds))
    content = {
        "what": "x-velocity of independent seeds, averaged over spans of time and bins; seam: see evaluate.py",
        "provenance": {
            "command": f"python ensemble.py --seeds {arguments.seeds}",
            "inputs": {path: hashlib.sha256((CASE / path).read_bytes()).hexdigest() for path in INPUTS},
            "suture": version("suture"),
            "seconds": round(time.monotonic() - start),
        },
        "spans": evaluate.SPANS,
        "edges": evaluate.point_edges().tolist(),
        "seeds": list(seeds),
        "samples": [profile.u.round(6).tolist() for profile in profiles],
        "seam": {key: [round(profile.seam[key], 6) for profile in profiles] for key in profiles[0].seam},
    }
    (CASE / "reference" / "ensemble.json").write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
