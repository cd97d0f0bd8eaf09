"""``suture ledger``: prints the books of a run, and fails on a defect."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .couplers.audit import Balance, Books, read_books, read_history
from .couplers.cells import Array
from .couplers.errors import ConservationError
from .proof import write_proof

if TYPE_CHECKING:
    from rich.table import Table

_FAR = 4.0
"""Times a random walk's distance that chance does not go: once in 15,000."""


def show(run: Path, as_json: bool = False, rows: str | None = None, proof: Path | None = None) -> None:
    """Print the books, or of one account or row what the windows brought; write the proof where one is asked for.

    Raises ``ConservationError`` when a balance has a defect above the case's tolerance.
    """
    books = read_books(run)
    said = f"proof: {proof}, sha256 {write_proof(books.file, proof)}" if proof else ""
    history = read_history(run, rows) if rows else {}
    if as_json:
        print(json.dumps(_history_tree(history) if rows else as_tree(books), indent=1))
    elif rows:
        _print_history(books, rows, history)
    else:
        _print(books)
    if said:
        print(said, file=sys.stderr if as_json else sys.stdout)
    if not books.balanced:
        worst = max([*books.participants, *books.flows, books.whole], key=lambda b: b.worst)
        raise ConservationError(
            f"{worst.name}: defect {worst.worst:.3g} of throughput, worst in window {worst.worst_window}; "
            f"the case allows {books.tolerance:g}"
        )


def on_clocks(books: Books) -> list[str]:
    """What the books are where participants have clocks of their own: rates, and not a trajectory."""
    if not books.caution:
        return []
    whole = "what is sent is booked in the sender's time, what is received and carried in the receiver's"
    return [f"this ledger {books.caution}", f"{whole}; the whole in the case's: divided by the clocks"]


def on_iterations(books: Books) -> list[str]:
    """What there is to say of an implicit scheme: how often windows were repeated, and which did not converge."""
    if not len(books.iterations) or (books.iterations.max() <= 1 and not books.unconverged):
        return []
    said = [f"{books.iterations.mean():.4g} iterations a window on average, {int(books.iterations.max())} at most"]
    if books.unconverged:
        first = ", ".join(map(str, books.unconverged[:10])) + (", …" if len(books.unconverged) > 10 else "")
        said.append(f"NOT CONVERGED in {len(books.unconverged)} of {books.windows} windows: {first}")
    return said


def on_held(books: Books) -> list[str]:
    """What filters still hold at the end, with what is in transit: given, in the books, and not used."""
    said = []
    for flow in books.flows:
        if flow.name in books.filters:
            held = zip(books.columns, flow.terms["closing"], strict=True)
            amounts = ", ".join(f"{column} {amount:.6g}" for column, amount in held if amount)
            kind = books.filters[flow.name]
            said.append(f"held by the {kind} filter of {flow.name}, or in transit, at the end: {amounts or 'nothing'}")
    return said


def on_drift(books: Books) -> list[str]:
    """Where the whole drifts farther than round-off of no sign would take it."""
    if not books.windows:
        return []
    ends = zip(books.columns, books.whole.drifts[-1], books.whole.walks[-1], strict=True)
    return [
        f"{column} of the whole has drifted by {drift:.2g}, {abs(drift) / walk:.1f} times as far as a random walk of "
        f"the windows' defects: they have a sign"
        for column, drift, walk in ends
        if abs(drift) > _FAR * walk > 0.0
    ]


def as_tree(books: Books) -> dict[str, Any]:
    """The books as plain lists and numbers; nan becomes None, and infinity, which JSON lacks, the largest number."""
    return {
        "file": str(books.file),
        "columns": list(books.columns),
        "tolerance": books.tolerance,
        "windows": books.windows,
        "time": books.time,
        "complete": books.complete,
        "caution": books.caution,
        "clocks": dict(books.clocks),
        "balanced": books.balanced,
        "worst_defect": float(np.nan_to_num(books.worst)),
        "iterations": [int(n) for n in books.iterations],
        "unconverged": list(books.unconverged),
        "participants": {b.name: _balance_tree(b) for b in books.participants},
        "flows": {b.name: _balance_tree(b) for b in books.flows},
        "whole": _balance_tree(books.whole),
        "buffers": {b.name: _balance_tree(b) for b in books.buffers},
        "audits": {name: {k: _plain(v) for k, v in audit.items()} for name, audit in books.audits.items()},
        "noise": {name: {k: _plain(v) for k, v in noise.items()} for name, noise in books.noise.items()},
        "filters": dict(books.filters),
    }


def _balance_tree(balance: Balance) -> dict[str, Any]:
    return {
        "terms": {name: _plain(values) for name, values in balance.terms.items()},
        "throughput": _plain(balance.throughput),
        "worst_defect": _plain(balance.defect),
        "drift": _plain(balance.drift),
        "worst_window": balance.worst_window,
        "drift_sum": _plain(balance.defects.sum(axis=0)),
        "random_walk": _plain(np.sqrt((balance.defects**2).sum(axis=0))),
    }


def _plain(values: Any) -> Any:
    if isinstance(values, int):
        return values
    return [None if np.isnan(v) else float(np.nan_to_num(v)) for v in np.asarray(values)]


def _print(books: Books) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    state = "complete" if books.complete else "not finished"
    console.print(f"{books.file}: {books.windows} windows to t = {books.time:g}, {state}")
    for line in on_clocks(books):
        console.print(line)
    for line in on_iterations(books):
        console.print(line)
    for balance in [*books.participants, *books.buffers, *books.flows, books.whole]:
        table = Table(title=balance.name, title_justify="left")
        table.add_column("")
        for column in books.columns:
            table.add_column(column, justify="right")
        for name, values in balance.terms.items():
            table.add_row(name, *_with_errors(books, balance, name, values))
        for name, values in (("throughput", balance.throughput), ("defect", balance.defect), ("drift", balance.drift)):
            table.add_row(name, *("not kept" if np.isnan(v) else f"{v:.2g}" for v in values), style="bold")
        console.print(table)
    console.print(_drift_table(books))
    for line in on_drift(books):
        console.print(line)
    for name, audit in books.audits.items():
        table = Table(title=f"audit of {name}: {audit['windows']} windows", title_justify="left")
        table.add_column("sent - audit")
        for column in books.columns:
            table.add_column(column, justify="right")
        for key in ("mean", "rms", "relative"):
            table.add_row(key, *(f"{v:.2g}" for v in np.asarray(audit[key])))
        console.print(table)
    for line in on_held(books):
        console.print(line)
    verdict = "balanced" if books.balanced else "NOT BALANCED"
    worst = max([*books.participants, *books.flows, books.whole], key=lambda b: b.worst)
    console.print(
        f"{verdict}: worst defect {books.worst:.2g} of throughput, of {worst.name} in window {worst.worst_window}; "
        f"tolerance {books.tolerance:g}"
    )


def _drift_table(books: Books) -> Table:
    """The sum of the defects of the whole after 1, 10, 100, … windows, and how far a random walk would have gone."""
    from rich.table import Table

    table = Table(title="drift of the whole ± a random walk of its defects", title_justify="left")
    table.add_column("windows")
    for column in books.columns:
        table.add_column(column, justify="right")
    for n in _decades(books.windows):
        ends = zip(books.whole.drifts[n - 1], books.whole.walks[n - 1], strict=True)
        table.add_row(str(n), *("not kept" if np.isnan(drift) else f"{drift:.2g} ± {walk:.2g}" for drift, walk in ends))
    return table


def _decades(windows: int) -> list[int]:
    return [10**k for k in range(len(str(windows))) if 10**k < windows] + ([windows] if windows else [])


def _print_history(books: Books, name: str, history: dict[str, Array]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{books.file}: {name} in each of {books.windows} windows")
    for term, values in history.items():
        table = Table(title=term, title_justify="left")
        table.add_column("")
        for column in books.columns:
            table.add_column(column, justify="right")
        for key, texts in _figures(values).items():
            table.add_row(key, *texts)
        console.print(table)


def _figures(values: Array) -> dict[str, list[str]]:
    """Mean, extremes with their windows, and the last, in words by column."""
    if not len(values):
        return {}
    figures = {"mean": [f"{v:.8g}" for v in values.mean(axis=0)]}
    for key, windows in (("least", values.argmin(axis=0)), ("most", values.argmax(axis=0))):
        figures[key] = [f"{values[w, column]:.8g} (window {w})" for column, w in enumerate(windows)]
    return figures | {"last": [f"{v:.8g}" for v in values[-1]]}


def _history_tree(history: dict[str, Array]) -> dict[str, Any]:
    """Every window's numbers too."""
    return {
        term: {
            "mean": _plain(values.mean(axis=0)),
            "least": _plain(values.min(axis=0)),
            "least_window": values.argmin(axis=0).tolist(),
            "most": _plain(values.max(axis=0)),
            "most_window": values.argmax(axis=0).tolist(),
            "last": _plain(values[-1]),
            "windows": [_plain(row) for row in values],
        }
        for term, values in history.items()
        if len(values)
    }


def _with_errors(books: Books, balance: Balance, term: str, values: Array) -> list[str]:
    """A row of amounts; what a noisy side sent in all has a standard error beside it."""
    texts = [f"{v:.8g}" for v in values]
    if term != "sent" or balance.name not in books.noise:
        return texts
    errors = books.windows * books.noise[balance.name]["error"]
    return [text if np.isnan(e) else f"{text} ± {e:.2g}" for text, e in zip(texts, errors, strict=True)]
