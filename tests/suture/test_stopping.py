"""A run that is told to end writes a checkpoint first, and goes on from it as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from suture.couplers.status import read

from ..ledgers import numbers
from ..mpi import ENVIRONMENT, clean_environment, suture

CASE = """
title = "Tanks"
units = "lj"
[time]
window = 0.25
end = {end}
[run]
deadline = 20
{run}
[scheme]
kind = "{scheme}"
[participants.upper]
kind = "stub-sink"
[participants.upper.solver]
cells = [5, 2]
step = 0.1
[participants.lower]
kind = "stub-source"
ranks = 2
[participants.lower.solver]
cells = [3, 4]
step = {step}
{fault}
[interfaces.seam.sides]
upper = {{}}
lower = {{}}
"""
SLOW = "fault = { kind = 'slow' }"


def write(folder: Path, run: str = "", end: float = 100.0, scheme: str = "parallel-explicit", fault: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    step = 0.25 if fault == SLOW else 0.03
    (folder / "case.toml").write_text(CASE.format(run=run, end=end, scheme=scheme, fault=fault, step=step))
    return folder


def start(case: Path, under_mpirun: bool = False) -> subprocess.Popen[str]:
    mpi = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "3"] if under_mpirun else []
    environment = clean_environment() | (ENVIRONMENT if under_mpirun else {})
    command = [*mpi, sys.executable, "-m", "suture", "run", str(case)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def wait_for_window(case: Path, window: int) -> None:
    until = time.monotonic() + 20.0
    while not any(slate["window"] >= window for slate in read(case / "RUN")):
        assert time.monotonic() < until
        time.sleep(0.02)


def require_same_as_undisturbed(case: Path, tmp_path: Path, scheme: str) -> None:
    """Resume to the end, and compare every number of the books."""
    suture("run", case, "--resume")
    whole = write(tmp_path / "whole", scheme=scheme)
    suture("run", whole)
    ours, theirs = numbers(case), numbers(whole)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name], equal_nan=True) for name in theirs)


@pytest.mark.parametrize(
    ("number", "scheme"),
    [(signal.SIGTERM, "parallel-explicit"), (signal.SIGUSR1, "serial-explicit"), (signal.SIGTERM, "parallel-implicit")],
)
def test_a_signal_to_the_launcher(tmp_path, number, scheme):
    case = write(tmp_path / "case", scheme=scheme)
    job = start(case)
    wait_for_window(case, 20)
    job.send_signal(number)
    said = job.communicate(timeout=15)[1]
    assert job.returncode == 8, said
    assert "of 400 windows (" in said and "stop asked for it); a checkpoint is written" in said
    assert f"by: suture run {case / 'case.toml'} --resume" in said and "Traceback" not in said
    require_same_as_undisturbed(case, tmp_path, scheme)


def test_a_signal_to_the_ranks(tmp_path):
    """Open MPI's mpirun hands SIGUSR1 on; srun would hand on both."""
    case = write(tmp_path / "case")
    job = start(case, under_mpirun=True)
    wait_for_window(case, 20)
    job.send_signal(signal.SIGUSR1)
    said = job.communicate(timeout=15)[1]
    assert job.returncode == 8 and "windows (SIGUSR1); a checkpoint is written" in said
    require_same_as_undisturbed(case, tmp_path, "parallel-explicit")


def test_a_signal_to_one_rank_ends_all(tmp_path):
    case = write(tmp_path / "case")
    job = start(case, under_mpirun=True)
    wait_for_window(case, 20)
    os.kill(next(slate["pid"] for slate in read(case / "RUN") if slate["rank"] == 1), signal.SIGTERM)
    said = job.communicate(timeout=15)[1]
    assert job.returncode == 8 and "windows (a signal); a checkpoint is written" in said


def test_a_file_in_the_folder_ends_the_run_and_not_the_next(tmp_path):
    case = write(tmp_path / "case")
    job = start(case)
    wait_for_window(case, 20)
    (case / "RUN" / "stop").touch()
    assert "stop asked for it" in job.communicate(timeout=15)[1] and job.returncode == 8
    assert suture("run", case, "--resume").returncode == 0


def test_two_runs_in_one_folder_are_refused(tmp_path):
    case = write(tmp_path / "case", end=20000.0)
    job = start(case)
    wait_for_window(case, 20)
    for resume in ([], ["--resume"]):
        refused = suture("run", case, *resume, check=False)
        assert refused.returncode == 2 and "Traceback" not in refused.stderr
        assert f"a run is at work in {case / 'RUN'} (process " in refused.stderr
    job.terminate()
    job.communicate(timeout=15)
    assert job.returncode == 8


def test_the_second_signal_ends_it_at_once(tmp_path):
    """A window of a year."""
    case = write(tmp_path / "case", fault="fault = { kind = 'hang', window = 1 }")
    job = start(case)
    wait_for_window(case, 1)
    job.terminate()
    time.sleep(0.5)
    assert job.poll() is None
    job.terminate()
    job.communicate(timeout=15)
    assert job.returncode not in (0, 8)


@pytest.mark.parametrize("said_by", ["the case", "Slurm"])
def test_it_ends_before_its_time_is_over(tmp_path, said_by, monkeypatch):
    """Windows of a second; the limit falls into one of the first."""
    limit = time.time() + 15.0
    if said_by == "Slurm":
        monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(limit)))
    case = write(tmp_path / "case", "time_limit = '15 s'" if said_by == "the case" else "", fault=SLOW)
    done = suture("run", case, check=False)
    assert done.returncode == 8 and "windows (the time limit); a checkpoint is written" in done.stderr
    (manifest,) = (case / "RUN" / "checkpoints").glob("window-*/manifest.json")
    if said_by == "the case":  # its time begins when the command does, a little before this is written
        limit = (case / "RUN" / "case.resolved.toml").stat().st_mtime + 15.0
    assert manifest.stat().st_mtime < limit


def test_checkpoints_by_the_clock(tmp_path):
    case = write(tmp_path / "case", "checkpoint_interval = 2.0", fault=SLOW, end=2.0)
    suture("run", case)
    kept = sorted(path.name for path in (case / "RUN" / "checkpoints").iterdir())
    assert len(kept) == 2 and all(name.startswith("window-0000000") for name in kept)
