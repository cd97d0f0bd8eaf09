"""Runs the case with several seeds and stores what swings with the wall: reference/ensemble.json.

    python ensemble.py [--seeds 3] [--jobs 1]

Each run is in a temporary copy of the case. What is stored is what ``evaluate.py`` reads of a run, and the atoms that
came and went, with the hashes of the inputs, the version and the cost. Seeds that are stored already, from the same
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
import h5py
import numpy as np

CASE = Path(__file__).parent
STORE = CASE / "reference" / "ensemble.json"
INPUTS = ("case.toml", "atoms/in.wall", "fluid.lmp", "measured/fluid.json")


def run_seed(folder: Path, seed: int) -> tuple[evaluate.Swing, dict[str, int], float]:
    """Run one seed in ``folder``; what swings, what came and went, and the seconds it took."""
    start = time.monotonic()
    shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*", "reference", "__pycache__"))
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(re.sub(r"seed = \d+", f"seed = {seed}", text))
    command = [sys.executable, "-m", "suture", "run", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"seed {seed}:\n{done.stdout}\n{done.stderr}")
    swing, events = evaluate.read(folder / "RUN"), came_and_went(folder / "RUN")
    shutil.rmtree(folder)
    print(f"seed {seed}: {done.stdout.strip().splitlines()[-2]}", flush=True)
    return swing, events, time.monotonic() - start


def came_and_went(run: Path) -> dict[str, int]:
    """Atoms inserted and deleted at the open end."""
    with h5py.File(run / "ledger.h5") as file:
        (rows,) = (file["buffers"][flow]["rows"] for flow in file["buffers"])
        return {name: round(abs(rows[name][:, 0]).sum()) for name in ("insertion", "deletion")}


def main() -> None:
    """Run all seeds and store what they gave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    stored = _stored()
    seeds = [seed for seed in range(1, arguments.seeds + 1) if seed not in stored["seeds"]]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run_seed, Path(name) / f"seed-{seed}", seed): seed for seed in seeds}
        for run in as_completed(runs):
            _store(stored, runs[run], *run.result())


def _store(stored: dict, seed: int, swing: evaluate.Swing, events: dict[str, int], seconds: float) -> None:
    stored["seeds"].append(seed)
    for name in ("velocity", "stress"):
        values = getattr(swing, name)
        stored[name].append(np.stack((values.real, values.imag), axis=-1).round(6).tolist())
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
        "what": "complex amplitudes (real, imaginary) of each period: velocity at points, stress at the seam",
        "provenance": provenance,
        "edges": evaluate.EDGES.tolist(),
        "events": {"insertion": 0, "deletion": 0},
        "seeds": [],
        "velocity": [],
        "stress": [],
    }


if __name__ == "__main__":
    main()
