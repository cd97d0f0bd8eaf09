"""Mutation testing: are there changes to the ledger's and the mappings' modules that no test sees?

    pip install cosmic-ray==8.7.0
    python benchmarks/mutants.py couplers/ledger.py tests/couplers/test_ledger.py tests/couplers/test_books.py

Changes MODULE in place, one change at a time, runs the tests with each, and puts it back; prints the changes that
survive. So work in a checkout of its own, whose editable install is the one that the tests import. Not made are changes
to annotations, which are not evaluated, and to the words of messages; of the eleven operators that cosmic-ray puts for
one only +, -, *, / (or | and &) are, since most others raise ``TypeError`` on floats. A test that does not end in time
has seen the change. Tests that run mpirun are slow: give them to the survivors of the quick ones.
"""

from __future__ import annotations

import argparse
import ast
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

_SETTINGS = """
[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = '{command}'
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = [
  "core/ReplaceBinaryOperator_.*_(Pow|Mod|FloorDiv|LShift|RShift|BitXor)$",
  "core/ReplaceBinaryOperator_(Add|Sub|Mul|Div|Pow|Mod|FloorDiv)_(BitOr|BitAnd)$",
  "core/ReplaceBinaryOperator_(BitOr|BitAnd|RShift|LShift)_(Add|Sub|Mul|Div)$",
  "core/ReplaceComparisonOperator_.*_(Is|IsNot)$",
]
"""


def main() -> None:
    """Make the mutants, run the tests, and print what survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--every", type=int, default=1, help="take every n-th mutant only")
    given = parser.parse_args()
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {' '.join(given.tests)}"
    since = time.monotonic()
    subprocess.run(shlex.split(command), check=True, stdout=subprocess.DEVNULL)
    timeout = 30.0 + 10.0 * (time.monotonic() - since)  # other work may come to the machine
    with tempfile.TemporaryDirectory() as folder:
        settings, session = Path(folder, "mutants.toml"), str(Path(folder, "mutants.sqlite"))
        settings.write_text(_SETTINGS.format(module=given.module, timeout=timeout, command=command))
        subprocess.run(["cosmic-ray", "init", settings, session], check=True)
        subprocess.run(["cr-filter-operators", session, settings], check=True)
        with use_db(session, WorkDB.Mode.open) as mutants:
            _leave_out(mutants, given.module, given.every)
        subprocess.run(["cosmic-ray", "exec", settings, session], check=True)
        with use_db(session, WorkDB.Mode.open) as mutants:
            _report(mutants)


def _leave_out(mutants: WorkDB, module: Path, every: int) -> None:
    """Skip what cannot matter, and all but every n-th of the rest."""
    quiet = _quiet(ast.parse(module.read_text()))
    left = 0
    for item in list(mutants.pending_work_items):
        where = item.mutations[0]
        reason = "words" if any(_inside(where, span) for span in quiet) else "sample" if left % every else ""
        left += reason != "words"
        if reason:
            mutants.set_result(item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED, output=reason))


Span = tuple[tuple[int, int], tuple[int, int]]


def _quiet(tree: ast.Module) -> list[Span]:
    """Annotations and formatted texts, from (line, column) to (line, column)."""
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        found += [n for n in (getattr(node, "annotation", None), getattr(node, "returns", None)) if n is not None]
        found += [node] if isinstance(node, ast.JoinedStr) else []
    return [((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in found]


def _inside(where: MutationSpec, span: Span) -> bool:
    return span[0] <= where.start_pos and where.end_pos <= span[1]


def _report(mutants: WorkDB) -> None:
    reached = {job: result for job, result in mutants.results if result.worker_outcome != WorkerOutcome.SKIPPED}
    survivors = [result for result in reached.values() if result.test_outcome == TestOutcome.SURVIVED]
    for result in survivors:
        print(result.diff)
    sampled_out = sum(result.output == "sample" for _, result in mutants.results)
    print(f"{len(reached)} mutants, {len(survivors)} survive; {sampled_out} more were not looked at")


if __name__ == "__main__":
    main()
