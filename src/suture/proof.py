"""A proof of the books: every number that a balance needs, so that any program can add them up again.

One JSON object (``gzip``-ed where the file's name ends in .gz), with one window a line:

    format, version          "suture proof", 1
    suture, title, units, complete, caution
    case_sha256              of RUN/case.resolved.toml, or null without one
    ledger_sha256            of ledger.h5, or null while the run still writes it
    in_words                 what must hold, in sentences
    columns, tolerance
    entries                  names of what a window lists, each with a number for every column
    balances                 name; held, terms, through, gross: [number of the entry, factor]; kept: which columns count
    totals                   of every entry the sum over the windows, rounded once
    sha256                   of the tolerance and of all numbers of the opening and the windows, in order, as
                             little-endian doubles
    opening                  the entries before the first window; zeros of what has nothing then
    windows                  the entries of each window: held and gross at its end, the others what it added

Numbers are as short as they can be to come back to the last bit; what is no finite number is null.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from . import __version__
from .couplers.accounts import Account, Accounts, Part
from .couplers.cells import Array
from .couplers.series import Series, read_series, writing

_NOTHING = np.array(None, dtype=object)
_WORDS = (
    "In every window and every column that is kept, the change of what a balance holds is the sum of its terms: "
    "defect = sum of factor * held, at the end less before, minus sum of factor * terms.",
    "throughput = sum over through and over all windows so far of |factor * entry|.",
    "size = |held at the end| + |held before| + sum of |term| + sum of |term summed over all windows so far| + gross.",
    "|defect| <= tolerance * max(throughput, 64 * 2^-52 / tolerance * size).",
)


def write_proof(ledger: Path, target: Path) -> str:
    """Write the proof of the books in ``ledger``, finished or not, to ``target``; returns its SHA-256.

    Raises ``WriteError`` where it cannot be written.
    """
    with read_series(ledger) as series:
        accounts = Accounts(series.file).judged()
        names = _entries(accounts, series)
        opening, windows = _numbers(series, names)
        head = _head(series, ledger) | {
            "entries": names,
            "balances": [_balance(account, names) for account in accounts],
            "totals": {name: _plain([math.fsum(column) for column in windows[:, k].T]) for k, name in enumerate(names)},
            "sha256": _digest(float(series.file.attrs["tolerance"]), opening, windows),
        }
    with writing(target), _open(target) as file:
        file.write(json.dumps(head, indent=1)[:-2] + ',\n "opening": ' + json.dumps(_plain(opening)))
        file.write(',\n "windows": [\n' + ",\n".join(json.dumps(_plain(window)) for window in windows) + "\n]}\n")
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _open(target: Path) -> TextIO:
    return gzip.open(target, "wt") if target.suffix == ".gz" else open(target, "w")


def _head(series: Series, ledger: Path) -> dict[str, Any]:
    attributes = series.file.attrs
    case = ledger.with_name("case.resolved.toml")
    return {
        "format": "suture proof",
        "version": 1,
        "suture": __version__,
        "title": str(attributes.get("title", "")),
        "units": str(attributes.get("units", "")),
        "complete": bool(attributes["complete"]),
        "caution": str(attributes.get("caution", "")),
        "case_sha256": hashlib.sha256(case.read_bytes()).hexdigest() if case.exists() else None,
        "ledger_sha256": hashlib.sha256(ledger.read_bytes()).hexdigest() if series.final else None,
        "in_words": _WORDS,
        "columns": [str(column) for column in attributes["columns"]],
        "tolerance": float(attributes["tolerance"]),
    }


def _parts(account: Account) -> list[Part]:
    return [*account.held, *account.terms.values(), *account.through, *account.gross]


def _entries(accounts: list[Account], series: Series) -> list[str]:
    """Every dataset that a balance needs, once; those that come with the first window may be missing before it."""
    return list(dict.fromkeys(path for account in accounts for path, _ in _parts(account) if path in series))


def _numbers(series: Series, names: list[str]) -> tuple[Array, Array]:
    """Before the first window, (entries, columns), and in each, (windows, entries, columns)."""
    count = len(series["time"]) - 1
    columns = len(series.file.attrs["columns"])
    opening, windows = np.zeros((len(names), columns)), np.zeros((count, len(names), columns))
    for k, name in enumerate(names):
        values = series[name]
        windows[:, k] = values[len(values) - count :]
        if len(values) > count:
            opening[k] = values[0]
    return opening, windows


def _balance(account: Account, names: list[str]) -> dict[str, Any]:
    def listed(parts: list[Part]) -> list[tuple[int, float]]:
        return [(names.index(path), factor) for path, factor in parts if path in names]

    return {
        "name": account.name,
        "held": listed(account.held),
        "terms": {label: pair for label, part in account.terms.items() for pair in listed([part])},
        "through": listed(account.through),
        "gross": listed(account.gross),
        "kept": account.kept,
    }


def _digest(tolerance: float, opening: Array, windows: Array) -> str:
    numbers = hashlib.sha256(np.array([tolerance], "<f8").tobytes())
    for values in (opening, windows):
        numbers.update(np.where(np.isfinite(values), values, np.nan).astype("<f8").tobytes())
    return numbers.hexdigest()


def _plain(values: Any) -> Any:
    """Lists of lists of numbers; what is no finite number, which JSON lacks, is None."""
    values = np.asarray(values)
    return values.tolist() if np.isfinite(values).all() else np.where(np.isfinite(values), values, _NOTHING).tolist()
