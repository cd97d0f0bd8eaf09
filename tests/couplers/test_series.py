"""Files that grow by a row a window: whole windows for every reader, whatever ends the writer or fills the disk."""

from __future__ import annotations

import os
import re
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from suture.couplers import series
from suture.couplers.errors import ResumeError, WriteError
from suture.couplers.series import SeriesFile, read_series

KEPT = "flows/a: x -> y/carry"


def write(file: SeriesFile, window: int) -> None:
    """A row that says which window it is of, in every dataset."""
    file.append("time", window + 1.0)
    file.append("flows/a: x -> y/sent", np.full(5, float(window)))
    file.append(KEPT, np.full(5, window + 1.0))


def begin(path: Path) -> SeriesFile:
    file = SeriesFile(path)
    file.attributes["/"]["title"] = "a title"
    file.attributes["flows/a: x -> y"] = {"sender": "x"}
    file.fixed["edges"] = np.array([0.0, 0.5, 2.0])
    file.begin("time", np.zeros(()))
    file.begin(KEPT, np.zeros(5))
    return file


def windows(path: Path) -> int:
    """How many windows a file has; each must be whole, and the one that it says it is."""
    with read_series(path) as file:
        if "flows/a: x -> y/sent" not in file:
            return 0
        sent, kept, times = file["flows/a: x -> y/sent"], file[KEPT], file["time"]
        assert file.file.attrs["title"] == "a title" and file.file["flows/a: x -> y"].attrs["sender"] == "x"
        assert list(file["edges"]) == [0.0, 0.5, 2.0]
    n = len(sent)
    assert np.array_equal(sent, np.repeat(np.arange(n, dtype=float), 5).reshape(n, 5))
    assert np.array_equal(kept, np.repeat(np.arange(n + 1, dtype=float), 5).reshape(n + 1, 5))
    assert np.array_equal(times, np.arange(n + 1, dtype=float))
    return n


def write_on(path: Path, keep: int | None) -> None:
    """In a process of its own, until it is killed; makes new files all the time as well."""
    file = begin(path) if keep is None else SeriesFile(path, keep)
    file.flush()
    window = keep or 0
    while True:
        for _ in range(1 + window % 3):
            write(file, window)
            window += 1
        file.flush()


def test_a_writer_that_is_killed_leaves_whole_windows_to_go_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(series, "_ROOM", 2)
    path, keep, most, random = tmp_path / "series.h5", None, 0, np.random.default_rng(1)
    for _ in range(40):
        child = os.fork()
        if not child:
            try:
                write_on(path, keep)
            finally:
                os._exit(1)
        while not path.exists():
            time.sleep(1e-3)
        try:
            end = time.monotonic() + random.uniform(0.005, 0.1)
            while windows(path) <= (keep or 0) or time.monotonic() < end:
                assert not os.waitpid(child, os.WNOHANG)[0], "it must write until it is killed"
        finally:
            os.kill(child, signal.SIGKILL)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL
        with h5py.File(path) as file:  # as anybody's program does
            assert file["edges"].shape == (3,)
        found = windows(path)
        keep, most = found - int(random.integers(2)), max(most, found)
    assert most >= 20  # it made new files several times: the first has room for two windows


def test_a_closed_file_has_no_room_to_spare_and_can_be_gone_on_with(tmp_path):
    path = tmp_path / "series.h5"
    file = begin(path)
    for window in range(700):
        write(file, window)
        file.write_soon()
    file.close()
    assert windows(path) == 700
    with h5py.File(path) as plain:
        assert "written" not in plain and plain["time"].shape == (701,) and plain[KEPT].shape == (701, 5)
    assert path.stat().st_size < 701 * 11 * 8 + 16000
    again = SeriesFile(path, keep=650)
    assert windows(path) == 700  # nothing is changed before something is written
    write(again, 650)
    again.close()
    assert windows(path) == 651
    assert [entry.name for entry in tmp_path.iterdir()] == ["series.h5"]


def test_a_file_that_is_too_short_is_not_gone_on_with(tmp_path):
    path = tmp_path / "series.h5"
    file = begin(path)
    write(file, 0)
    file.close()
    with pytest.raises(ResumeError, match=r"series\.h5: .*carry has 2 rows, and 4 are needed to go on with it"):
        SeriesFile(path, keep=3)
    with pytest.raises(ResumeError, match=r"none\.h5 cannot be continued: .*No such file"):
        SeriesFile(tmp_path / "none.h5", keep=3)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Like a disk that is full from there on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("more", [100, 1000])
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path, more):
    """With 100 more rows the present file is full, with 1000 the one that is to take its place."""
    path = tmp_path / "series.h5"
    file = begin(path)
    for window in range(100):
        write(file, window)
    file.flush()
    for window in range(100, 100 + more):
        write(file, window)
    with no_file_above(8192):
        for _ in range(2):
            with pytest.raises(WriteError, match=rf"cannot write {re.escape(str(path))}: File too large; what was"):
                file.flush()
            assert windows(path) == 100
        assert [entry.name for entry in tmp_path.iterdir()] == ["series.h5"]
    file.flush()
    assert windows(path) == 100 + more
    file.close()
    assert windows(path) == 100 + more
