"""``suture verify``: runs cases and compares them with their references, number by number.

A case's ``reference/checks.toml`` holds a one-line ``requirement``, optionally the name of a Python program
(``evaluate``, relative to the case) that prints a JSON object of results when it is given a run's folder, and
``[[check]]`` tables: a dotted ``value`` in the results (``ledger.…`` is what ``suture ledger --json`` prints), bounds
``min`` and ``max`` or ``expected`` with ``tolerance``, and the ``source`` of the number.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console
from rich.table import Table

from .books import as_tree
from .couplers.audit import read_books
from .couplers.case import load_case
from .couplers.errors import CaseError, Mistake, VerificationError
from .launch import run as launch


class Check(BaseModel):
    """One number with its bounds."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    value: str
    min: float | None = None
    max: float | None = None
    expected: float | None = None
    tolerance: float = Field(0.0, ge=0.0)
    source: str

    def holds(self, number: float) -> bool:
        """Whether ``number`` is within the bounds; nan never is."""
        low = self.min if self.expected is None else self.expected - self.tolerance
        high = self.max if self.expected is None else self.expected + self.tolerance
        return (low is None or number >= low) and (high is None or number <= high) and number == number

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        if self.expected is not None:
            return f"{self.expected:g} ± {self.tolerance:g}"
        parts = [f"≥ {self.min:g}" if self.min is not None else "", f"≤ {self.max:g}" if self.max is not None else ""]
        return " and ".join(part for part in parts if part)


class Reference(BaseModel):
    """``reference/checks.toml``."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    requirement: str
    evaluate: str | None = None
    check: list[Check] = Field(min_length=1)


def verify(cases: list[Path], rerun: bool = True) -> None:
    """Run each case (or take the run that is there) and compare; raises ``VerificationError`` where a check fails."""
    failed = [str(path) for path in cases if not verify_case(path, rerun)]
    if failed:
        raise VerificationError(f"not verified: {', '.join(failed)}")


def verify_case(path: Path, rerun: bool) -> bool:
    """Compare one case with its reference and print a table; returns whether every check holds."""
    case = load_case(path)
    reference = read_reference(case.directory)
    if rerun and launch(path):
        raise VerificationError(f"{path}: the run failed")
    results = _results(case.directory, reference)
    table = Table(title=f"{case.directory.name}: {reference.requirement}", title_justify="left")
    for column in ("value", "found", "allowed", "", "source"):
        table.add_column(column)
    good = True
    for check in reference.check:
        number = lookup(results, check.value, case.directory)
        holds = check.holds(number)
        good = good and holds
        table.add_row(check.value, f"{number:.4g}", check.bounds, "ok" if holds else "FAILED", check.source)
    Console(width=None if sys.stdout.isatty() else 180).print(table)
    return good


def read_reference(directory: Path) -> Reference:
    """The case's checks; ``CaseError`` where there are none or they cannot be understood."""
    file = directory / "reference" / "checks.toml"
    try:
        return Reference.model_validate(tomllib.loads(file.read_text()))
    except FileNotFoundError:
        mistake = Mistake(file, "", "", "no such file", "a file of checks", "see docs/case.md, 'References'")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        mistake = Mistake(file, "", place, repr(first["input"]), first["msg"])
    except (ValueError, RecursionError) as error:
        mistake = Mistake(file, "", "", str(error), "TOML")
    raise CaseError(mistake)


def _results(directory: Path, reference: Reference) -> dict[str, Any]:
    run = directory / "RUN"
    results: dict[str, Any] = {"ledger": as_tree(read_books(run))}
    if reference.evaluate:
        done = subprocess.run(
            [sys.executable, str(directory / reference.evaluate), str(run)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise VerificationError(f"{reference.evaluate} failed on {run}:\n{done.stderr.strip()}")
        results |= json.loads(done.stdout)
    return results


def lookup(results: dict[str, Any], path: str, directory: Path) -> float:
    """The number at a dotted path; keys may contain dots themselves. ``CaseError`` where there is none."""
    node: Any = results
    rest = path
    while rest and isinstance(node, dict):
        key = next((k for k in sorted(node, key=len, reverse=True) if rest == k or rest.startswith(k + ".")), None)
        if key is None:
            break
        node, rest = node[key], rest[len(key) + 1 :]
    if rest or isinstance(node, dict | list):
        allowed = (
            f"the dotted name of a number, here one of {', '.join(node)}" if isinstance(node, dict) else "a number"
        )
        raise CaseError(Mistake(directory / "reference" / "checks.toml", "check", "value", repr(path), allowed))
    return float(node)
