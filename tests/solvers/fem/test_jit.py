"""Code that another program has begun to compile, and will never finish, stops nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.mpi import mpirun

ROOT = Path(__file__).parents[3]
PROGRAM = """
from mpi4py import MPI
from tests.solvers.fem.bodies import heat, square
body = heat(square(4), MPI.COMM_WORLD, initial="x")
body.advance(0.1)
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_was_left_unfinished_is_compiled_again(
    ranks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = tmp_path / "fenics"
    mpirun(ranks, "-c", PROGRAM, cwd=ROOT)
    ready = sorted(cache.glob("*.c.cached"))
    assert len(ready) >= 2
    for file in ready[:2]:  # as a compiler leaves it that is killed
        file.unlink()
        for library in cache.glob(f"{file.name.removesuffix('.c.cached')}*.so"):
            library.unlink()
    mpirun(ranks, "-c", PROGRAM, cwd=ROOT)
    assert sorted(cache.glob("*.c.cached")) == ready
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_two_programs_that_start_at_once_do_not_fail(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    started = [subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment) for _ in range(3)]
    deadline = time.monotonic() + 200.0
    assert [each.wait(deadline - time.monotonic()) for each in started] == [0, 0, 0]
