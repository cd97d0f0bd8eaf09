"""The chain from forces to heat: every stage is done once, however often it is broken off, and the result holds."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suture.books import as_tree
from suture.check import check
from suture.couplers.audit import read_books
from suture.couplers.errors import CaseError
from suture.verify import lookup, read_reference

from ..mpi import clean_environment
from .variants import ROOT, evaluation, variant

CHEAPER = (
    ("finer_mesh = [11, 11, 11]\n", ""),
    ("[200.0, 250.0, 300.0, 350.0, 400.0, 450.0, 500.0]", "[300.0, 350.0, 400.0, 450.0]"),
)
"""What the mesh lacks stands in the case's README; the test does without."""
TIMEOUT = 240.0


def undone(folder: Path, *changes: tuple[str, str]) -> Path:
    """The case without what its stages may have made already."""
    case = variant("silicon-kappa", folder, *changes)
    shutil.rmtree(case / "measured", ignore_errors=True)
    return case


def started(case: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "suture", "run", str(case)]
    with log.open("wb") as file:
        return subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=clean_environment(), start_new_session=True
        )


def killed_at(line: str, case: Path, log: Path) -> str:
    """Start the case, and end it when it has said ``line``; returns all that it said."""
    process = started(case, log)
    limit = time.monotonic() + TIMEOUT
    while line not in log.read_text() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)
    assert process.poll() is None and line in log.read_text(), log.read_text()
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30.0)
    return log.read_text()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The case, and what a run that was broken off and the one after it said."""
    folder = tmp_path_factory.mktemp("chain")
    case = undone(folder / "case", *CHEAPER)
    first = killed_at("stage phonons: ", case, folder / "first.log")
    assert not (case / "measured" / "phonons.json").exists()
    process = started(case, folder / "second.log")
    process.wait(timeout=TIMEOUT)
    second = (folder / "second.log").read_text()
    assert process.returncode == 0, second
    return case, first, second


def test_a_run_goes_on_after_the_last_finished_stage(chain: tuple[Path, str, str]) -> None:
    _, first, second = chain
    assert "stage constants: measured/force-constants.json does not exist" in first
    assert "stage constants" not in second
    assert "stage phonons: measured/phonons.json does not exist" in second
    assert "stage conductivity: measured/conductivity.json does not exist" in second


def test_the_case_fulfils_its_requirement(chain: tuple[Path, str, str]) -> None:
    case, _, _ = chain
    results = {"ledger": as_tree(read_books(case / "RUN"))} | evaluation("silicon-kappa").evaluate(case / "RUN")
    for one in read_reference(ROOT / "cases" / "silicon-kappa").check:
        assert one.holds(lookup(results, one.value, case)), (one, results)


def test_a_finished_chain_is_only_looked_at(chain: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    check(chain[0])
    assert capsys.readouterr().out.count("is kept") == 3


def test_what_no_stage_makes_is_missed_before_the_run(tmp_path: Path) -> None:
    case = undone(tmp_path / "case")
    text = (case / "case.toml").read_text()
    stages, participants = text.index("[stages.constants]"), text.index("# A micrometre of silicon")
    (case / "case.toml").write_text(text[:stages] + text[participants:])
    with pytest.raises(CaseError) as mistakes:
        check(case)
    for words in (
        r"participants\.film\.solver.* material.*measured/phonons\.hdf5: no such file",
        r"participants\.component\.solver.* conductivity_file.*conductivity\.json: no such file; run the stage",
        "add the stage that makes it",
    ):
        assert re.search(words, str(mistakes.value), re.DOTALL), str(mistakes.value)


def test_what_is_in_si_units_is_refused_elsewhere(tmp_path: Path) -> None:
    elsewhere = ('kind = "phonon-transport"', 'kind = "phonon-transport"\nunits = "metal"')
    with pytest.raises(
        CaseError, match=r"(?s)\[participants\.film\.solver\] material.*kind 'phono3py', which is in SI units"
    ):
        check(undone(tmp_path / "film", elsewhere))
    elsewhere = ('kind = "heat-conduction"', 'kind = "heat-conduction"\nunits = "metal"')
    with pytest.raises(
        CaseError, match=r"(?s)conductivity_file.*, which is in SI units, in a participant of units 'metal'"
    ):
        check(undone(tmp_path / "component", elsewhere))


def test_stages_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    case = undone(tmp_path / "case")
    text = (case / "case.toml").read_text()
    first, second, third = (text.index(f"[stages.{name}]") for name in ("constants", "phonons", "conductivity"))
    (case / "case.toml").write_text(text[:first] + text[second:third] + text[first:second] + text[third:])
    with pytest.raises(CaseError, match=r"(?s)\[stages\.phonons\] force_constants.*or a file that a stage before"):
        check(case)
