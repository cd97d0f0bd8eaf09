"""Work on a file in a process of its own, whatever comes of it; and what a ledger's datasets may look like."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.couplers import ledger_form
from suture.couplers.errors import LedgerError
from suture.couplers.ledger_form import apart, check_form


@pytest.fixture
def file() -> h5py.File:
    """Two columns, two windows, in memory."""
    made = h5py.File("ledger", "w", driver="core", backing_store=False)
    made.attrs.update(columns=["mass", "energy"], tolerance=1e-9)
    made["time"], made["iterations"], made["written"] = np.arange(3.0), np.array([1, 1]), np.array([2])
    made["participants/upper/inventory"], made["participants/lower/rows/wall"] = np.zeros((3, 2)), np.zeros((2, 2))
    made["participants/upper"].attrs.update(kept=[1.0, np.nan], clock=0.5)
    made["flows/heat/sent"], made["flows/heat/mean"], made["flows/heat/error"] = np.zeros((2, 2)), np.zeros(2), [0, 1]
    made["flows/heat"].attrs.update(sender="upper", receiver="lower")
    return made


def check(file: h5py.File, most: int = 1000, time: Any = (0.0, 1.0)) -> None:
    check_form(file, most, np.array(time))


def swapped(name: str, values: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = values

    return change


def told(name: str, key: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[name].attrs.__setitem__(key, value)


SHAPE = r"'participants/upper/inventory' has the shape \(.*\); it must have 2 columns"
WRONG: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "a column": (told("/", "columns", "mass"), "'columns' must be texts"),
    "numbers for columns": (told("/", "columns", [1.0, 2.0]), "'columns' must be texts"),
    "no tolerance": (told("/", "tolerance", 0.0), "'tolerance' is 0.0; it must be a positive number"),
    "less tolerance": (told("/", "tolerance", -1.0), "'tolerance'"),
    "all tolerance": (told("/", "tolerance", np.inf), "'tolerance' is inf"),
    "tolerances": (told("/", "tolerance", [0.1]), "'tolerance'"),
    "an integer": (told("/", "tolerance", 1), "'tolerance'"),
    "a truth": (told("/", "tolerance", True), "'tolerance'"),
    "more kept": (told("participants/upper", "kept", [1.0, 2.0, 3.0]), "'kept' of 'participants/upper'"),
    "kept": (told("participants/upper", "kept", [1.0]), "'kept' of 'participants/upper' .* each of 2 columns"),
    "no clock": (told("participants/upper", "clock", 0), "'clock' of 'participants/upper' is 0; it must be a positive"),
    "an endless clock": (told("participants/upper", "clock", np.inf), "'clock'"),
    "a clock that runs back": (told("participants/upper", "clock", -1), "'clock'"),
    "clocks": (told("participants/upper", "clock", [1.0]), "'clock'"),
    "a word": (told("participants/upper", "clock", "late"), "'clock' .* is 'late'"),
    "texts": (swapped("flows/heat/sent", [[b"a", b"b"]]), "dataset 'flows/heat/sent' must hold numbers"),
    "times in columns": (swapped("time", np.zeros((3, 1))), "dataset 'time' must be one number a window"),
    "one for all": (swapped("iterations", 1), "dataset 'iterations' must be one number a window"),
    "iterations": (swapped("iterations", [1.0, np.nan]), "dataset 'iterations' must be one number a window"),
    "one column": (swapped("participants/upper/inventory", np.zeros((3, 1))), SHAPE),
    "three columns": (swapped("participants/upper/inventory", np.zeros((3, 3))), SHAPE),
    "no windows": (swapped("participants/upper/inventory", np.zeros(2)), SHAPE),
    "deeper": (swapped("participants/upper/inventory", np.zeros((1, 3, 2))), SHAPE),
    "a mean a window": (swapped("flows/heat/mean", np.zeros((3, 2))), "'flows/heat/mean' has the shape"),
    "an error a window": (swapped("flows/heat/error", np.zeros((3, 2))), "'flows/heat/error' has the shape"),
    "a stranger sends": (told("flows/heat", "sender", "who"), "flow 'heat' is from or to a participant"),
    "a stranger receives": (told("flows/heat", "receiver", "who"), "flow 'heat' is from or to a participant"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_ledger_of_another_form_is_refused(file, name):
    change, text = WRONG[name]
    change(file)
    with pytest.raises(ValueError, match=text):
        check(file)


RIGHT = {
    "as it is": lambda file: None,
    "a whole clock": told("participants/upper", "clock", 2),
    "without a clock": lambda file: file["participants/upper"].attrs.__delitem__("clock"),
    "a fast clock": told("participants/upper", "clock", 1e9),
    "any tolerance": told("/", "tolerance", 2.0),
    "one more participant": lambda file: file["participants"].create_group("idle"),
    "without flows": lambda file: file.__delitem__("flows"),
    "in whole numbers": swapped("flows/heat/sent", np.zeros((2, 2), dtype=int)),
    "time of what is not whole": swapped("time", np.array([0.0, np.nan])),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_ledger_of_the_right_form_is_taken(file, name):
    RIGHT[name](file)
    check(file)


def test_no_dataset_is_larger_than_its_file(file):
    check(file, most=48)  # the inventory: three windows of two columns of eight bytes
    with pytest.raises(ValueError, match="'participants/upper/inventory' must hold numbers, as many as the file has"):
        check(file, most=47)


@pytest.mark.parametrize("time", [[], [0.0, np.nan], [np.inf]])
def test_every_window_has_a_time(file, time):
    with pytest.raises(ValueError, match="'time' must have a finite number for every window"):
        check(file, time=time)


def raises(error: BaseException) -> Callable[[Path], None]:
    def work(path: Path) -> None:
        raise error

    return work


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_what_work_makes_comes_from_another_process(tmp_path, size):
    pid, given, came = apart(tmp_path, lambda path: (os.getpid(), path, b"a" * size))
    assert pid != os.getpid() and given == tmp_path and len(came) == size


FAILS = {
    "a reason": (raises(ValueError("the end is missing")), "is not a readable ledger: the end is missing$"),
    "no words": (raises(KeyError()), "is not a readable ledger: KeyError$"),
    "damage": (raises(OverflowError("too large")), "is not a readable ledger: too large$"),
    "an own error": (raises(LedgerError("no such flow")), "^no such flow$"),
    "a crash": (lambda path: os.kill(os.getpid(), signal.SIGTERM), "reading it, was ended by SIGTERM$"),
    "another error": (raises(AssertionError()), "reading it, was ended by an error$"),
    "nothing told": (lambda path: os._exit(0), "reading it, was ended by an error$"),
    "an exit": (lambda path: os._exit(3), "reading it, was ended by an error$"),
}


@pytest.mark.parametrize("name", FAILS)
def test_what_goes_wrong_there_is_told_here(tmp_path, name):
    work, text = FAILS[name]
    with pytest.raises(LedgerError, match=text):
        apart(tmp_path, work)


def test_more_is_waited_for_a_larger_file(tmp_path, monkeypatch):
    (tmp_path / "small").write_bytes(b"a")
    (tmp_path / "large").write_bytes(b"a" * 500)
    monkeypatch.setattr(ledger_form, "_PATIENCE", 0.3)
    monkeypatch.setattr(ledger_form, "_SECOND", 50)
    kill, killed = os.kill, list[int]()
    monkeypatch.setattr(os, "kill", lambda reader, by: (killed.append(by), kill(reader, by)))
    assert apart(tmp_path / "large", lambda path: time.sleep(1.2)) is None
    assert not killed
    began = time.monotonic()
    with pytest.raises(LedgerError, match="was ended by SIGKILL$"):
        apart(tmp_path / "small", lambda path: time.sleep(20.0))
    assert 0.3 < time.monotonic() - began < 10.0
    assert killed == [signal.SIGKILL]
