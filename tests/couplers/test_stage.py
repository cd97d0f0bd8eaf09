"""A stage's output is kept while its inputs are the same, and made again, with a reason, when they are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mpi4py import MPI
from pydantic import BaseModel

from suture.couplers.stage import (
    StageCheckRequest,
    StageContext,
    StageKind,
    input_hash,
    log_file,
    run_stage,
    stale,
    write_atomically,
)


class SumSettings(BaseModel):
    numbers: str
    factor: float = 1.0
    output: str = "made/sum.json"
    ranks: int = 1


def _sum(settings: SumSettings, context: StageContext) -> dict[str, Any]:
    """Adds the numbers in a file, each rank its share."""
    context.log.write_text("adding")
    numbers = [float(word) for word in (context.case / settings.numbers).read_text().split()]
    total = context.comm.allreduce(sum(numbers[context.comm.rank :: context.comm.size]))
    return {"sum": settings.factor * total, "provenance": {"method": "addition"}}


SUM = StageKind(
    name="sum",
    settings=SumSettings,
    run=_sum,
    inputs=lambda settings, case: (case / settings.numbers,),
    check=lambda request: None,
)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    (tmp_path / "numbers.txt").write_text("1 2 3.5")
    return tmp_path


SETTINGS = SumSettings(numbers="numbers.txt")


def test_output_has_content_and_provenance(case: Path):
    run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    content = json.loads((case / "made" / "sum.json").read_text())
    assert content["sum"] == 6.5
    provenance = content["provenance"]
    assert provenance["method"] == "addition"
    assert provenance["inputs"] == input_hash(SUM, SETTINGS, case)
    assert list(provenance["files"]) == ["numbers.txt"]
    assert provenance["settings"]["factor"] == 1.0
    assert provenance["ranks"] == 1
    assert provenance["seconds"] >= 0.0


def test_fresh_after_a_run_and_stale_before(case: Path):
    assert stale(SUM, SETTINGS, case) == "made/sum.json does not exist"
    run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    assert stale(SUM, SETTINGS, case) is None


def test_changed_file_makes_it_stale(case: Path):
    run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    (case / "numbers.txt").write_text("1 2 3.6")
    assert stale(SUM, SETTINGS, case) == "made/sum.json was made from other input: numbers.txt"


def test_changed_setting_makes_it_stale(case: Path):
    run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    assert stale(SUM, SETTINGS.model_copy(update={"factor": 2.0}), case) == "made/sum.json was made from other settings"


def test_ranks_do_not_make_it_stale(case: Path):
    run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    assert stale(SUM, SETTINGS.model_copy(update={"ranks": 4}), case) is None


@pytest.mark.parametrize("text", ['{"sum": 6.5, "prov', "", "[]", '{"sum": 6.5}', '{"provenance": {"inputs": 3}}'])
def test_torn_or_foreign_output_is_stale(case: Path, text: str):
    run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    (case / "made" / "sum.json").write_text(text)
    assert stale(SUM, SETTINGS, case) == "made/sum.json is incomplete or was not made by a stage"


def test_hash_depends_on_names_and_bytes_only(case: Path, tmp_path_factory: pytest.TempPathFactory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "numbers.txt").write_text("1 2 3.5")
    assert input_hash(SUM, SETTINGS, case) == input_hash(SUM, SETTINGS, elsewhere)


def test_missing_input_is_an_error(case: Path):
    (case / "numbers.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"numbers\.txt"):
        run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)


def test_log_goes_with_success_and_stays_with_failure(case: Path):
    run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    assert not log_file(SETTINGS, case).exists()
    (case / "numbers.txt").write_text("one")
    before = (case / "made" / "sum.json").read_text()
    with pytest.raises(ValueError, match="could not convert"):
        run_stage(SUM, SETTINGS, case, MPI.COMM_SELF)
    assert log_file(SETTINGS, case).read_text() == "adding"
    assert (case / "made" / "sum.json").read_text() == before


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file.json"
    write_atomically(path, "before")

    def stop(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("suture.couplers.stage.os.fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "after")
    assert path.read_text() == "before"


def _table(settings: SumSettings, context: StageContext) -> dict[str, Any]:
    (context.case / "made" / "table.txt").write_text("1 2 3.5")
    return _sum(settings, context)


TABLE = replace(SUM, run=_table, beside=lambda settings, case: (case / "made" / "table.txt",))


def test_a_file_beside_the_output_is_part_of_what_is_made(case: Path):
    run_stage(TABLE, SETTINGS, case, MPI.COMM_SELF)
    assert list(json.loads((case / "made" / "sum.json").read_text())["provenance"]["beside"]) == ["made/table.txt"]
    assert stale(TABLE, SETTINGS, case) is None
    (case / "made" / "table.txt").write_text("1 2 3.6")
    assert stale(TABLE, SETTINGS, case) == "made/table.txt is not what the stage has made"
    (case / "made" / "table.txt").unlink()
    assert stale(TABLE, SETTINGS, case) == "made/table.txt does not exist"


def test_an_input_is_there_or_made_before(case: Path):
    def ask(made: frozenset[Path], numbers: str = "numbers.txt") -> None:
        settings = SETTINGS.model_copy(update={"numbers": numbers})
        report = lambda *parts: ValueError(" | ".join(parts))  # noqa: E731
        StageCheckRequest("sum", case, settings, report, made).require_file("numbers", "a table")

    ask(frozenset())
    ask(frozenset({case / "other.txt"}), "other.txt")
    with pytest.raises(
        ValueError, match=r"stages\.sum \| numbers \| 'other\.txt' \| a table, relative to the case .*does not exist"
    ):
        ask(frozenset(), "other.txt")
