"""A disk that is full or read-only ends a run with a clear error, and what was written before is intact."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..mpi import suture
from .test_stopping import write


def mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        mount(disk, "size=3m")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("only root can mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, small_disk):
    """Each checkpoint has 1.6 MB, so there is no place for a second; when there is, the run goes on."""
    case = write(tmp_path / "case", "checkpoint_every = 4", end=5.0)
    text = (case / "case.toml").read_text()
    (case / "case.toml").write_text(text.replace("cells = [5, 2]", "cells = [100, 100]"))
    full = suture("run", case, "--output", small_disk / "RUN", check=False)
    assert full.returncode == 9 and "Traceback" not in full.stderr
    place = rf"{small_disk}/RUN/checkpoints/window-00000008\.part"
    said = rf"participant '\w+', rank \d, window 7: cannot write the checkpoint {place}: No space left on device"
    assert re.search(said, full.stderr), full.stderr
    assert re.search(r"resume after window 3 by: suture run \S+ --output \S+ --resume", full.stderr)
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    done = suture("run", case, "--output", small_disk / "RUN", "--resume")
    assert "the books balance" in done.stdout


def test_a_disk_that_is_full_of_others_files(tmp_path, small_disk):
    """There is no room for the ledger's rows."""
    case = write(tmp_path / "case", end=2000.0)
    (small_disk / "others").write_bytes(bytes(2_600_000))
    full = suture("run", case, "--output", small_disk / "RUN", check=False)
    assert full.returncode not in (0, 1) and "Traceback" not in full.stderr
    assert "No space left on device" in full.stderr
    assert "participant 'upper', rank 0, window" in full.stderr or "before the first window" in full.stderr


def test_a_read_only_disk(tmp_path, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused = suture("run", write(tmp_path / "case"), "--output", small_disk / "RUN", check=False)
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert f"cannot write the output folder {small_disk}/RUN: Read-only file system; name another" in refused.stderr
