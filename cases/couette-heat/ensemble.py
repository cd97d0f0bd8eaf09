"""Runs the case with some seeds and stores what evaluate.py reads of them: reference/ensemble.json.

    python ensemble.py [--seeds 2] [--jobs 2]

Each run is a copy of the case with another seed. The hashes of the inputs and the version are stored too. Seeds that
are stored already, from the same inputs, are kept.
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
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

import evaluate

CASE = Path(__file__).parent
STORE = CASE / "reference" / "ensemble.json"
INPUTS = ("case.toml", "atoms/in.atoms", "fluid.lmp", "measured/fluid.json")


def run_seed(folder, seed):
    """Run one seed in ``folder``; what evaluate.py reads of it."""
    shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*", "reference", "__pycache__"))
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(re.sub(r"seed = \d+", f"seed = {seed}", text))
    command = [sys.executable, "-m", "suture", "run", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"seed {seed}:\n{done.stdout}\n{done.stderr}")
    return evaluate.read(folder / "RUN")


def store(stored, seed, found):
    """Add a seed, and write the file."""
    stored["runs"].append({"seed": seed} | found)
    STORE.write_text(json.dumps(stored, default=_plain) + "\n")


def _plain(value):
    """Arrays to six digits behind the point."""
    return value.round(6).tolist()


def known():
    """What is stored from the present inputs; a new store otherwise."""
    inputs = {path: hashlib.sha256((CASE / path).read_bytes()).hexdigest() for path in INPUTS}
    if STORE.exists():
        stored = json.loads(STORE.read_text())
        if stored["provenance"]["inputs"] == inputs:
            return stored
    what = "blocks of time: see evaluate.py, read"
    provenance = {"command": "python ensemble.py", "inputs": inputs, "suture": version("suture")}
    return {"what": what, "provenance": provenance, "start": evaluate.START, "span": evaluate.SPAN, "runs": []}


def main():
    """Run all seeds and store what they gave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    stored = known()
    done = {run["seed"] for run in stored["runs"]}
    seeds = [seed for seed in range(1, arguments.seeds + 1) if seed not in done]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run_seed, Path(name) / f"seed-{seed}", seed): seed for seed in seeds}
        for run in as_completed(runs):
            store(stored, runs[run], run.result())


if __name__ == "__main__":
    main()
