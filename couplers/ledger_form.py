"""Whether a ledger file is what it says, before anything is worked out from it: bytes may have changed on disk."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError
from typing import Any, TypeVar

import numpy as np

from .cells import Array
from .errors import LedgerError

DAMAGE = (
    KeyError,
    TypeError,
    AttributeError,
    MemoryError,
    RuntimeError,
    OverflowError,
    NotImplementedError,
    SyntaxError,
    TokenError,
    zlib.error,
)
"""What reading HDF5 and NumPy files may raise, beside ``OSError`` and ``ValueError``, where bytes were changed."""
Result = TypeVar("Result")
_PATIENCE = 60.0
"""Seconds in which a file must be read, beside a second for every so many bytes."""
_SECOND = 10_000_000


def apart(path: Path, work: Callable[[Path], Result]) -> Result:
    """What ``work`` makes of a file, in a process of its own: on damaged ones HDF5's library crashes, or never ends.

    Raises ``LedgerError`` for these, and for whatever ``work`` raises.
    """
    limit = time.monotonic() + _PATIENCE + path.stat().st_size / _SECOND
    out, into = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: the child uses none
        reader = os.fork()
    if not reader:
        _work(path, work, into)
    os.close(into)
    told = bytearray()
    with open(out, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], max(0.0, limit - time.monotonic()))[0] and (more := pipe.read(1 << 20)):
            told += more
    if time.monotonic() > limit:
        os.kill(reader, signal.SIGKILL)
    status = os.waitpid(reader, 0)[1]
    if status or not told:
        name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an error"
        raise LedgerError(f"{path} is not a readable ledger: HDF5's library, reading it, was ended by {name}")
    result, wrong = pickle.loads(told)  # what our own child has written
    if wrong is not None:
        raise LedgerError(wrong)
    return result


def _work(path: Path, work: Callable[[Path], Any], into: int) -> None:
    """In the forked process; never returns."""
    try:
        try:
            told = pickle.dumps((work(path), None))
        except (OSError, ValueError, *DAMAGE) as error:  # no HDF5 file, none of ours, cut off, or damaged
            told = pickle.dumps((None, f"{path} is not a readable ledger: {str(error) or type(error).__name__}"))
        except LedgerError as error:
            told = pickle.dumps((None, str(error)))
        with open(into, "wb") as pipe:
            pipe.write(told)
        os._exit(0)
    finally:
        os._exit(1)


def _is_group(item: Any) -> bool:
    return not hasattr(item, "shape")


def check_form(file: Any, most: int, time: Array) -> None:
    """Raise ``ValueError`` where an open ledger's datasets or attributes have another type, shape or size than a run's.

    ``most`` is the size of the file in bytes, more than which no dataset can have, ``time`` what it says of the time.
    """
    columns = file.attrs["columns"]
    if np.ndim(columns) != 1 or not all(isinstance(column, str) for column in columns):
        raise ValueError("'columns' must be texts")
    tolerance = file.attrs["tolerance"]
    if not (np.ndim(tolerance) == 0 and np.asarray(tolerance).dtype.kind == "f" and 0.0 < tolerance < np.inf):
        raise ValueError(f"'tolerance' is {tolerance!r}; it must be a positive number")
    file.visititems(lambda name, item: _check_item(name, item, len(columns), most))
    if not len(time) or not np.isfinite(time).all():
        raise ValueError("'time' must have a finite number for every window")
    names = list(file["participants"])
    for name, flow in file.get("flows", {}).items():
        if not {flow.attrs["sender"], flow.attrs["receiver"]} <= set(names):
            raise ValueError(f"flow {name!r} is from or to a participant that is not in the books")


def _check_item(name: str, item: Any, columns: int, most: int) -> None:
    if _is_group(item):
        if "kept" in item.attrs and np.shape(item.attrs["kept"]) != (columns,):
            raise ValueError(f"'kept' of {name!r} must have a number for each of {columns} columns")
        clock = item.attrs.get("clock", 1.0)
        if not (np.ndim(clock) == 0 and np.asarray(clock).dtype.kind in "fi" and 0.0 < clock < np.inf):
            raise ValueError(f"'clock' of {name!r} is {clock!r}; it must be a positive number")
        return
    if item.dtype.kind not in "fi" or item.nbytes > most:
        raise ValueError(f"dataset {name!r} must hold numbers, as many as the file has room for")
    series, last = ("time", "iterations", "written"), item.shape[-1:]
    if name in series:
        if item.ndim != 1 or (name == "iterations" and not np.isfinite(item[()]).all()):
            raise ValueError(f"dataset {name!r} must be one number a window")
    elif last != (columns,) or item.ndim != (1 if name.endswith(("/mean", "/error")) else 2):
        raise ValueError(f"dataset {name!r} has the shape {item.shape}; it must have {columns} columns")
