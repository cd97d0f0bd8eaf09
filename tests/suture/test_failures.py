"""Whatever goes wrong on a rank ends the whole job soon, with participant, rank and window named."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from suture.couplers.failure import describe
from suture.couplers.status import read

from ..mpi import mpirun, suture

SECONDS = 15.0
"""Within which every job must end."""
CASE = """
title = "Tanks"
units = "lj"
[time]
window = 0.25
end = 5.0
[run]
deadline = 2
[scheme]
kind = "{scheme}"
[participants.upper]
kind = "stub-sink"
[participants.upper.solver]
cells = [5, 2]
step = 0.1
{sink}
[participants.lower]
kind = "stub-source"
ranks = 2
[participants.lower.solver]
cells = [{cells}, 4]
step = 0.03
{source}
[interfaces.seam.sides]
upper = {{}}
lower = {{}}
"""


def write(folder: Path, fault: str = "", side: str = "source", scheme: str = "serial-explicit", cells: int = 3) -> Path:
    faults = {"sink": "", "source": "", side: f"fault = {{ {fault} }}" if fault else ""}
    (folder / "case.toml").write_text(CASE.format(scheme=scheme, cells=cells, **faults))
    return folder


@contextlib.contextmanager
def ends_soon(case: Path) -> Iterator[None]:
    """The job ends in time, and none of its processes is left."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < SECONDS
    until = time.monotonic() + 3.0
    while left := [slate["pid"] for slate in read(case / "RUN") if _runs(slate["pid"])]:
        assert time.monotonic() < until, f"still running: {left}"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def fails(case: Path, launcher: str) -> subprocess.CompletedProcess[str]:
    """Run the case, which must fail in time."""
    with ends_soon(case):
        if launcher == "suture run":
            done = suture("run", case, check=False, timeout=SECONDS)
        else:
            done = mpirun(3, "-m", "suture", "run", case, check=False, timeout=SECONDS)
    assert done.returncode not in (0, -signal.SIGALRM)
    return done


LAUNCHERS = ("suture run", "mpirun")


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_crash_is_told_with_its_traceback(tmp_path, launcher):
    done = fails(write(tmp_path, 'kind = "crash", window = 3, rank = 1'), launcher)
    assert "participant 'lower', rank 1, window 3: RuntimeError: the stub was told to crash\nTraceback" in done.stderr
    assert done.returncode == 1
    assert "RuntimeError: the stub was told to crash" in (tmp_path / "RUN" / "suture.log").read_text()


def test_a_crash_in_a_parallel_scheme(tmp_path):
    """All ranks have messages on their way when the job ends."""
    done = fails(write(tmp_path, 'kind = "crash", window = 3', "sink", "parallel-explicit", cells=500), "suture run")
    assert "participant 'upper', rank 0, window 3: RuntimeError" in done.stderr


@pytest.mark.parametrize("scheme", ["serial-implicit", "parallel-implicit"])
@pytest.mark.parametrize(("window", "side"), [(0, "source"), (2, "sink")])
def test_a_rank_that_is_killed_while_windows_are_iterated_is_never_taken_for_a_slow_one(tmp_path, scheme, window, side):
    done = fails(write(tmp_path, f'kind = "killed", window = {window}', side, scheme), "suture run")
    name = "lower" if side == "source" else "upper"
    assert f"suture: participant '{name}', rank 0, window {window}: killed by signal 9" in done.stderr


@pytest.mark.parametrize("scheme", ["serial-implicit", "parallel-implicit"])
def test_what_is_no_number_never_converges(tmp_path, scheme):
    done = fails(write(tmp_path, 'kind = "nan", window = 2', scheme=scheme), "suture run")
    assert done.returncode == 7 and "Traceback" not in done.stderr
    assert re.search(r"window 2, iteration \d+: \w+ of seam: .* is not a number any more", done.stderr)


@pytest.mark.parametrize(
    ("scheme", "side", "said"),
    [
        ("serial-explicit", "source", "participant 'lower', rank 0, window 2: seam: lower -> upper: mass"),
        ("parallel-explicit", "source", "participant 'lower', rank 0, window 2: seam: lower -> upper: mass"),
        ("serial-explicit", "sink", "participant 'upper', rank 0, window 2: seam: upper -> lower: temperature"),
    ],
)
def test_what_is_no_number_is_not_given_to_a_partner(tmp_path, scheme, side, said):
    done = fails(write(tmp_path, 'kind = "nan", window = 2', side, scheme), "suture run")
    assert done.returncode == 3 and "Traceback" not in done.stderr
    places = "6 of 6" if side == "source" else "10 of 10"
    assert f"suture: {said} is not a number at {places} places of this rank, the first of them number 0" in done.stderr


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_rank_that_was_killed(tmp_path, launcher):
    done = fails(write(tmp_path, 'kind = "killed", window = 4'), launcher)
    assert "signal 9" in done.stderr
    if launcher == "suture run":
        assert "suture: participant 'lower', rank 0, window 4: killed by signal 9" in done.stderr


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_rank_that_hangs_is_found_by_the_deadline(tmp_path, launcher):
    done = fails(write(tmp_path, 'kind = "hang", window = 2, rank = 1'), launcher)
    # Ranks that need nothing of the silent one may be some windows ahead when they miss it.
    said = r"suture: participant '\w+', rank \d, window \d+: no word from .* for 2 s; if it is"
    assert re.search(said + r"[^\n]*\n(.*\n)*?  participant 'lower', rank 1, window 2: solving", done.stderr)
    assert "  participant 'lower', rank 1, window 2: solving" in done.stderr
    assert done.returncode == 5


def start(case: Path) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_"))}
    command = [sys.executable, "-m", "suture", "run", str(case)]
    return subprocess.Popen(command, env=clean, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def test_a_rank_that_is_stopped_is_found_by_the_deadline(tmp_path):
    """SIGSTOP: neither dead nor alive."""
    case = write(tmp_path)
    (case / "case.toml").write_text((case / "case.toml").read_text().replace("end = 5.0", "end = 5000.0"))
    with ends_soon(case):
        job = start(case)
        pid = _slate(case, "lower", window=1)["pid"]
        os.kill(pid, signal.SIGSTOP)
        said = job.communicate(timeout=SECONDS)[1]
    assert job.returncode == 5
    rank = next(slate["rank"] for slate in read(case / "RUN") if slate["pid"] == pid)
    assert re.search(rf"no word from .* for 2 s.*\n  participant 'lower', rank {rank}, window \d+: \w+", said)


def _slate(case: Path, participant: str, window: int) -> dict:
    until = time.monotonic() + 10.0
    while time.monotonic() < until:
        for slate in read(case / "RUN"):
            if slate["participant"] == participant and slate["window"] >= window:
                return slate
        time.sleep(0.02)
    raise AssertionError(f"{participant} never came to window {window}")


@pytest.mark.parametrize("scheme", ["serial-explicit", "parallel-explicit", "parallel-implicit"])
def test_a_leak_ends_the_run_in_good_order(tmp_path, scheme):
    """Messages of a megabyte are on their way when all ranks end alike."""
    done = fails(write(tmp_path, 'kind = "leak", window = 3', "sink", scheme, cells=4000), "suture run")
    assert "suture: window 3: the books do not balance\n  participant 'upper': " in done.stderr
    assert done.returncode == 4
    assert "MPI_ABORT" not in done.stderr
    assert suture("ledger", tmp_path, check=False).returncode == 4


def test_an_error_before_the_first_window(tmp_path):
    """One participant cannot make its folder."""
    (tmp_path / "RUN").mkdir()
    (tmp_path / "RUN" / "upper").write_text("in the way")
    done = fails(write(tmp_path), "suture run")
    assert "suture: participant 'upper', rank 0, before the first window: FileExistsError" in done.stderr


def test_an_error_before_a_rank_has_its_part(tmp_path):
    """The first rank of one participant cannot make its slate."""
    (tmp_path / "RUN" / "status" / "upper-0.json").mkdir(parents=True)
    with ends_soon(tmp_path):
        done = suture("run", write(tmp_path), check=False, timeout=SECONDS)
    assert done.returncode != 0
    assert re.search(r"suture: (rank|cannot write) .*", done.stderr)


def test_a_solver_that_works_is_waited_for(tmp_path):
    """Five seconds of work in a step, with a deadline of two."""
    case = write(tmp_path, 'kind = "busy", window = 19', "sink")
    (case / "case.toml").write_text((case / "case.toml").read_text().replace("step = 0.1", "step = 0.3"))
    assert "the books balance" in suture("run", case, timeout=60).stdout
    said = r"WARNING no word from .* for \S+ s; it is at work, and is waited for"
    assert re.search(said, (case / "RUN" / "suture.log").read_text())


@pytest.mark.parametrize("number", ["ENOSPC", "EROFS", "ENOENT"])
def test_what_goes_wrong_on_a_disk_is_told_without_a_traceback(number):
    error = OSError(getattr(errno, number), os.strerror(getattr(errno, number)), "fields.h5")
    said = describe(error, "lower", 1, 3)
    assert said == (
        "suture: participant 'lower', rank 1, window 3: the disk does not take it: "
        f"[Errno {error.errno}] {error.strerror}: 'fields.h5'"
    )


def test_a_slow_solver_is_no_error(tmp_path):
    """A second in a window, with a deadline of two."""
    case = write(tmp_path, 'kind = "slow", window = 19', "sink")
    text = (case / "case.toml").read_text().replace("step = 0.1", "step = 0.3")
    (case / "case.toml").write_text(text)
    assert "the books balance" in suture("run", case, timeout=SECONDS).stdout


def test_a_job_that_is_told_to_end(tmp_path):
    """SIGTERM, as a batch system sends it, ends the ranks as well."""
    case = write(tmp_path, 'kind = "hang", window = 1', "sink")
    with ends_soon(case):
        job = start(case)
        _slate(case, "upper", window=1)
        job.terminate()
        job.communicate(timeout=SECONDS)
    assert job.returncode != 0
