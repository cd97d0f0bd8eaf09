"""A run that is killed leaves books that can be read and a checkpoint to go on from, as if it had never been killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from suture import launch
from suture.couplers import status
from suture.couplers.audit import read_books

from ..mpi import clean_environment, mpirun, suture

CASE = """
[time]
window = 0.01
end = {end}
[run]
checkpoint_every = 7
[participants.film]
kind = "heat-slab"
[participants.film.solver]
lower = [0.0, 0.0, 0.0]
upper = [1.0, 1.0, 1.0]
cells = 4
conductivity = 1.0
capacity = 1.0
initial = 1.0
step = 0.01
boundaries = {{ lower = {{ kind = "temperature", temperature = "sin(t)" }}, upper = {{ kind = "seam" }} }}
[participants.block]
kind = "heat-slab"
[participants.block.solver]
lower = [1.0, 0.0, 0.0]
upper = [2.0, 1.0, 1.0]
cells = 4
conductivity = 10.0
capacity = 10.0
initial = 0.0
step = 0.01
boundaries = {{ lower = {{ kind = "seam" }}, upper = {{ kind = "flux", flux = 0.0 }} }}
[interfaces.seam.sides]
film = {{ side = "upper", condition = "temperature" }}
block = {{ side = "lower", condition = "flux" }}
"""
FILES = ("ledger.h5", "film/profiles.h5", "block/profiles.h5")


def case(folder: Path, end: float = 4.0) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "case.toml").write_text(CASE.format(end=end))
    return folder


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "suture", "run", str(folder), *options]
    return subprocess.Popen(
        command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def datasets(run: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name in FILES:
        keys: list[str] = []
        with h5py.File(run / name) as file:
            file.visit(keys.append)
            found |= {f"{name}/{key}": file[key][:] for key in keys if hasattr(file[key], "shape")}
    return found


def kill_at(run: Path, job: subprocess.Popen[str], window: int) -> int:
    """Read the books until the run is so far, then kill every rank; returns the windows of the last look at them."""
    seen = 0
    while job.poll() is None:
        slates = status.read(run)
        if len(slates) == 2 and all(slate.get("done", 0) >= window for slate in slates):
            for slate in slates:
                os.kill(slate["pid"], signal.SIGKILL)
            break
        if slates and (run / "ledger.h5").exists():
            books = read_books(run)
            assert books.balanced and not books.complete
            seen = books.windows
        time.sleep(0.02)
    said = job.communicate(timeout=30)[0]
    assert job.returncode and "killed by signal 9" in said, said
    return seen


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path):
    folder = case(tmp_path / "killed")
    seen = [kill_at(folder / "RUN", start(folder, *how), at) for at, how in ((60, ()), (200, ("--resume",)))]
    books = read_books(folder)
    assert books.balanced and not books.complete and books.windows >= max(seen) > 0
    printed = suture("ledger", folder)
    assert "not finished" in printed.stdout and "balanced" in printed.stdout
    suture("ledger", folder, "--proof", tmp_path / "proof.json")
    proof = json.loads((tmp_path / "proof.json").read_text())
    assert len(proof["windows"]) == books.windows and not proof["complete"] and proof["ledger_sha256"] is None
    suture("run", folder, "--resume")
    suture("run", case(tmp_path / "whole"))
    killed, whole = datasets(folder / "RUN"), datasets(tmp_path / "whole" / "RUN")
    assert len(whole["ledger.h5/time"]) == 401 and len(whole["film/profiles.h5/time"]) == 400
    assert killed.keys() == whole.keys()
    assert all(np.array_equal(killed[name], whole[name], equal_nan=True) for name in whole)


FULL = """
import resource, sys
from pathlib import Path
from suture.couplers.participant import Participant
from suture.inside import play
before = Participant.write
def write(self, window):
    if window.index == 100:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    before(self, window)
Participant.write = write
sys.exit(play(Path(sys.argv[1]), (), None))
"""


def test_a_disk_that_fills_up_ends_the_run_with_its_reason_and_what_was_written_is_kept(tmp_path):
    """From window 100 on nothing can be written beyond 4 kB of a file; there is a checkpoint after 98 windows."""
    folder = case(tmp_path)
    done = mpirun(2, "-c", FULL, folder, check=False)
    assert done.returncode == 9
    message = r"suture: participant '\w+', rank 0, window \d+: cannot write \S+\.h5: File too large; what was written"
    assert re.search(message, done.stderr), done.stderr
    found = read_books(folder)
    assert found.balanced and not found.complete and 98 <= found.windows <= 101
    suture("run", folder, "--resume")
    assert read_books(folder).complete and read_books(folder).windows == 400


@pytest.mark.parametrize(("size", "ends"), [(1, False), (2, True)])
def test_a_rank_that_died_unseen_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, ends: bool
) -> None:
    """A launcher that stays with one rank, where there should be two: both are ended."""
    monkeypatch.setattr(launch, "_LINGER", 0.5)
    rank = [sys.executable, "-c", "import time; time.sleep(10)"]
    job = subprocess.Popen([sys.executable, "-c", f"import subprocess; subprocess.run({rank!r})"])
    stop = threading.Event()
    watch = threading.Thread(target=launch._reap, args=(job, tmp_path, stop, size))
    watch.start()
    try:
        if ends:
            assert job.wait(timeout=10) == -signal.SIGKILL
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                job.wait(timeout=4)
    finally:
        stop.set()
        watch.join()
        job.kill()
        job.wait()
