"""A plate in a stream that is a program of its own: it swings as beam theory says, and nothing is lost between them."""

from __future__ import annotations

import sys
from pathlib import Path

from suture.couplers.audit import read_books

from ..mpi import together
from .variants import evaluation, variant


def play(case: Path) -> None:
    plate = [sys.executable, "-m", "suture", "run", str(case), "--only", "plate"]
    together((1, plate), (1, [sys.executable, str(case / "stream.py"), str(case)]), timeout=120)


def test_the_plate_swings_as_beam_theory_says(tmp_path: Path) -> None:
    case = variant("plate-flap", tmp_path / "case")
    play(case)
    books, found = read_books(case / "RUN"), evaluation("plate-flap").evaluate(case / "RUN")
    assert books.complete and books.worst <= 1e-12
    assert found["largest_error"] < 0.01 and found["mean_error"] < 0.01 and found["rms_error"] < 0.01
    assert books.flows[0].throughput[1] > 0.1


def test_large_deflections_balance_too(tmp_path: Path) -> None:
    """A hundred times the pressure, until the tip has gone a third of the length; the push follows the surface."""
    case = variant("plate-flap", tmp_path / "case", ("end = 12.6", "end = 3.0"))
    program = (case / "stream.py").read_text()
    assert "2.0e-3" in program
    (case / "stream.py").write_text(program.replace("2.0e-3", "2.0e-1"))
    play(case)
    books, found = read_books(case / "RUN"), evaluation("plate-flap").evaluate(case / "RUN")
    assert books.complete and books.worst <= 1e-12
    assert found["of_length"] > 0.3
    assert abs(books.flows[0].throughput[0]) > 0.01 * books.flows[0].throughput[1]  # the push has turned
