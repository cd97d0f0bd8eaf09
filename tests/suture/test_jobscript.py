"""The script of a batch job: valid bash, and a case comes to its end in as many jobs as it takes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from suture.couplers.audit import read_books

from ..mpi import clean_environment, suture
from .test_killed import CASE, case

FOREIGN = """
[time]
window = 0.1
end = 1.0
[participants.wall]
kind = "stub-source"
ranks = 2
[participants.my-solver]
kind = "foreign"
ranks = 3
[interfaces.seam]
exchange = [{from = "wall", to = "my-solver", amounts = ["mass"]}]
[interfaces.seam.sides]
wall = {}
my-solver = {}
"""


def script(folder: Path, *options: str) -> Path:
    target = folder / "job.sh"
    target.write_text(suture("jobscript", folder, *options).stdout)
    return target


def must_be_sound(target: Path) -> None:
    subprocess.run(["bash", "-n", str(target)], check=True)
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", "-S", "warning", str(target)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def queue(folder: Path) -> dict[str, str]:
    """An environment as a batch system gives, whose commands write down what they are asked."""
    for name in ("scontrol", "qsub"):
        tool = folder / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f'#!/bin/sh\necho {name} "$@" >> "{folder}/asked"\n')
        tool.chmod(0o755)
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return clean_environment() | {"PATH": path, "SLURM_JOB_ID": "17", "PBS_O_WORKDIR": str(folder)}


@pytest.mark.parametrize("options", [(), ("--pbs",)])
def test_the_script_is_sound(tmp_path, options):
    text = script(case(tmp_path / "a case; $(touch here)"), *options, "--time", "00:30:00")
    must_be_sound(text)
    said = text.read_text()
    assert ("#PBS -l select=1:ncpus=2:mpiprocs=2" if options else "#SBATCH --ntasks=2") in said
    assert ("#PBS -l walltime=00:30:00" if options else "#SBATCH --time=00:30:00") in said
    assert ("+ 1800))" if options else "--signal=B:USR1@180") in said


def test_programs_of_ones_own_stand_under_the_same_mpirun(tmp_path):
    (tmp_path / "case.toml").write_text(FOREIGN)
    text = script(tmp_path)
    must_be_sound(text)
    assert '--only wall "$@" : -n 3 "${program_my_solver[@]}" "$@"; }' in text.read_text()
    assert "#SBATCH --ntasks=5" in text.read_text() and "mpirun -n 2 " in text.read_text()


def test_a_time_that_is_none_is_refused(tmp_path):
    done = suture("jobscript", case(tmp_path), "--time", "1 day", check=False)
    assert done.returncode == 2
    assert done.stderr == "--time\n  found:   1 day\n  allowed: HH:MM:SS, as 23:30:00\n"


def test_a_job_that_is_warned_is_queued_again_and_the_next_one_ends_the_case(tmp_path):
    folder = case(tmp_path, end=3.0)
    command = ["bash", str(script(folder))]
    with open(folder / "log", "w") as log:
        job = subprocess.Popen(command, env=queue(folder), stdout=log, stderr=log)
        while not (folder / "RUN" / "checkpoints").exists() and job.poll() is None:
            time.sleep(0.05)
        job.send_signal(signal.SIGUSR1)
        assert job.wait(timeout=60) == 8, (folder / "log").read_text()
        assert (folder / "asked").read_text() == "scontrol requeue 17\n"
        first = read_books(folder).windows
        assert 0 < first < 300
        subprocess.run(command, env=queue(folder), stdout=log, stderr=log, check=True, timeout=120)
    assert read_books(folder).complete and read_books(folder).windows == 300
    assert (folder / "asked").read_text() == "scontrol requeue 17\n"


def test_a_pbs_job_ends_by_its_own_clock_and_submits_itself(tmp_path):
    folder = case(tmp_path, end=60.0)
    job = ["bash", str(script(folder, "--pbs", "--time", "00:00:12"))]
    done = subprocess.run(job, env=queue(folder), capture_output=True, text=True, timeout=60)
    assert done.returncode == 8, done.stdout + done.stderr
    assert "the time limit" in done.stderr
    assert (folder / "asked").read_text() == f"qsub {folder}/suture.pbs\n"


def test_a_job_that_saves_nothing_is_not_queued_for_ever(tmp_path):
    """A run that always says that it was stopped, without a checkpoint."""
    folder = case(tmp_path)
    text = script(folder)
    text.write_text(text.read_text().replace("launch() { ", "launch() { return 8; "))
    done = subprocess.run(["bash", str(text)], env=queue(folder), capture_output=True, text=True, timeout=60)
    assert done.returncode == 8 and "it is not submitted again" in done.stderr
    assert not (folder / "asked").exists()


def test_a_failure_is_the_jobs_failure(tmp_path):
    (tmp_path / "case.toml").write_text(CASE.format(end=4.0))
    text = script(tmp_path)
    (tmp_path / "case.toml").write_text("[time]\n")
    done = subprocess.run(["bash", str(text)], env=queue(tmp_path), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and not (tmp_path / "asked").exists()
