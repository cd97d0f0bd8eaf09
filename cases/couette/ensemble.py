"""Runs the case with many seeds and stores their profiles: reference/ensemble.json.

    python ensemble.py [--seeds 72] [--jobs 2]

Each run has one MD rank and one flow rank, in a temporary copy of the case. What is stored is what ``evaluate.py``
reads of a run, with the hashes of the inputs, the version and the cost. Seeds that are stored already, from the same
inputs, are kept.
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
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

import evaluate

CASE = Path(__file__).parent
STORE = CASE / "reference" / "ensemble.json"
INPUTS = ("case.toml", "wall/in.wall", "fluid.lmp", "measured/fluid.json")


def run_seed(folder: Path, seed: int) -> tuple[evaluate.Profile, float]:
    """Run one seed in ``folder``; its profile and the seconds it took."""
    start = time.monotonic()
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
    return profile, time.monotonic() - start


def main() -> None:
    """Run all seeds and store what they gave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=72)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    stored = _stored()
    seeds = [seed for seed in range(1, arguments.seeds + 1) if seed not in stored["seeds"]]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run_seed, Path(name) / f"seed-{seed}", seed): seed for seed in seeds}
        for run in as_completed(runs):
            _store(stored, runs[run], *run.result())


def _store(stored: dict, seed: int, profile: evaluate.Profile, seconds: float) -> None:
    stored["seeds"].append(seed)
    stored["samples"].append(profile.u.round(6).tolist())
    for key, value in profile.seam.items():
        stored["seam"].setdefault(key, []).append(round(value, 6))
    stored["provenance"]["seconds"] += round(seconds)
    STORE.write_text(json.dumps(stored) + "\n")


def _stored() -> dict:
    """What is stored from the present inputs; a new store otherwise."""
    inputs = {path: hashlib.sha256((CASE / path).read_bytes()).hexdigest() for path in INPUTS}
    if STORE.exists():
        stored = json.loads(STORE.read_text())
        if stored["provenance"]["inputs"] == inputs:
            return stored
    return {
        "what": "x-velocity of independent seeds, averaged over spans of time and bins; seam: see evaluate.py",
        "provenance": {"command": "python ensemble.py", "inputs": inputs, "suture": version("suture"), "seconds": 0},
        "spans": evaluate.SPANS,
        "edges": evaluate.point_edges().tolist(),
        "seeds": [],
        "samples": [],
        "seam": {},
    }


if __name__ == "__main__":
    main()
