"""A small sample of ``benchmarks/fuzz.py``: whatever is spoiled is accepted or refused in words, and in time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"
QUICK = ("case: bytes", "formulas", "units", "potentials", "phonons: text files", "phonons: phono3py", "fluids")
QUICK += ("conductivities", "outputs of stages", "ledgers", "profiles", "checkpoints", "status", "references")


def fuzz(count: int, *kinds: str, seed: int = 3) -> dict:
    command = [sys.executable, FUZZ, "--count", str(count), "--seed", str(seed), "--only", *kinds]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_sample_of_everything_quick():
    found = fuzz(25, *QUICK, "case: tables")
    assert found["findings"] == []
    assert found["inputs"] > 300
    assert all(told["refused"] > 0 for told in found["kinds"].values())


@pytest.mark.long
def test_a_sample_of_everything():
    assert fuzz(300, *QUICK, "case: tables", "meshes", "LAMMPS scripts")["findings"] == []
