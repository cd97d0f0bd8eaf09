"""``suture ledger``: prints the books of a run, and fails on a defect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from .couplers.audit import Balance, Books, read_books
from .couplers.cells import Array
from .couplers.errors import ConservationError


def show(run: Path, as_json: bool = False) -> None:
    """Print the books; raises ``ConservationError`` when a balance has a defect above the case's tolerance."""
    books = read_books(run)
    if as_json:
        print(json.dumps(as_tree(books), indent=1))
    else:
        _print(books)
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
    console.print(f"{verdict}: worst defect {books.worst:.2g} of throughput, tolerance {books.tolerance:g}")


def _with_errors(books: Books, balance: Balance, term: str, values: Array) -> list[str]:
    """A row of amounts; what a noisy side sent in all has a standard error beside it."""
    texts = [f"{v:.8g}" for v in values]
    if term != "sent" or balance.name not in books.noise:
        return texts
    errors = books.windows * books.noise[balance.name]["error"]
    return [text if np.isnan(e) else f"{text} ± {e:.2g}" for text, e in zip(texts, errors, strict=True)]
