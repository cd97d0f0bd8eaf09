"""Runs the case with many seeds and both signs of the pulse, and stores their traces: reference/ensemble.json.

    python ensemble.py [--seeds 16] [--jobs 1]

What is stored is what ``evaluate.py`` reads of a run, with the hashes of the inputs, the versions and the cost. Seeds
that are stored already, from the same inputs, are kept.
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
import h5py
import numpy as np

CASE = Path(__file__).parent
STORE = CASE / "reference" / "ensemble.json"
INPUTS = ("case.toml", "atoms/in.atoms", "fluid.lmp", "measured/fluid.json")


def run_pair(folder: Path, seed: int) -> tuple[np.ndarray, dict[str, int], float]:
    """Run one seed with +A and -A below ``folder``; their traces, what came and went, and the seconds they took."""
    start = time.monotonic()
    events = {"insertion": 0, "deletion": 0}
    found = []
    for sign, factor in (("plus", "0.1*"), ("minus", "-0.1*")):
        case = folder / sign
        shutil.copytree(CASE, case, ignore=shutil.ignore_patterns("RUN*", "reference", "__pycache__"))
        text = (case / "case.toml").read_text()
        text = re.sub(r"seed = \d+", f"seed = {seed}", text).replace("0.1*", factor)
        (case / "case.toml").write_text(text)
        command = [sys.executable, "-m", "suture", "run", str(case)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"seed {seed}, {sign}:\n{done.stdout}\n{done.stderr}")
        found.append(evaluate.read(case / "RUN"))
        for name, number in came_and_went(case / "RUN").items():
            events[name] += number
        print(f"seed {seed}, {sign}: {done.stdout.strip().splitlines()[-2]}", flush=True)
    shutil.rmtree(folder)
    return np.array(found), events, time.monotonic() - start


def came_and_went(run: Path) -> dict[str, int]:
    """Atoms inserted and deleted at both ends."""
    with h5py.File(run / "ledger.h5") as file:
        buffers = [file["buffers"][flow]["rows"] for flow in file["buffers"]]
        return {name: round(sum(abs(rows[name][:, 0]).sum() for rows in buffers)) for name in ("insertion", "deletion")}


def main() -> None:
    """Run all seeds and store what they gave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    stored = _stored()
    seeds = [seed for seed in range(1, arguments.seeds + 1) if seed not in stored["seeds"]]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run_pair, Path(name) / f"seed-{seed}", seed): seed for seed in seeds}
        for run in as_completed(runs):
            _store(stored, runs[run], *run.result())


def _store(stored: dict, seed: int, pair: np.ndarray, events: dict[str, int], seconds: float) -> None:
    stored["seeds"].append(seed)
    stored["samples"].append(pair.round(5).tolist())
    for name, number in events.items():
        stored["events"][name] += number
    stored["provenance"]["seconds"] += round(seconds)
    STORE.write_text(json.dumps(stored) + "\n")


def _stored() -> dict:
    """What is stored from the present inputs; a new store otherwise."""
    inputs = {path: hashlib.sha256((CASE / path).read_bytes()).hexdigest() for path in INPUTS}
    if STORE.exists():
        stored = json.loads(STORE.read_text())
        if stored["provenance"]["inputs"] == inputs:
            return stored
    provenance = {"command": "python ensemble.py", "inputs": inputs, "suture": version("suture"), "seconds": 0}
    return {
        "what": f"pairs of runs, +A and -A, of independent seeds; of each the traces {', '.join(evaluate.TRACES)}",
        "provenance": provenance,
        "times": evaluate.record_times().tolist(),
        "events": {"insertion": 0, "deletion": 0},
        "seeds": [],
        "samples": [],
    }


if __name__ == "__main__":
    main()
