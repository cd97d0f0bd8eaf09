"""The chain as a case: every scheme's books close, it is resumed to the last bit, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from suture.couplers.case import load_case
from suture.couplers.errors import CaseError

from ..mpi import suture
from .variants import evaluation, variant

BRIDGING = """[participants.chain.solver.bridging]
atoms = 441
overlap = 40
element = 10
elements = 60
constraint = "consistent"
"""


def test_the_case(tmp_path: Path) -> None:
    folder = variant("chain", tmp_path / "case")
    assert suture("verify", folder).returncode == 0
    found = evaluation("chain").evaluate(folder / "RUN")
    assert found["unbooked"] < 1e-12


@pytest.mark.parametrize("scheme", ["energy-based", "quasi-nonlocal", "force-based", "bridging"])
def test_other_schemes(scheme: str, tmp_path: Path) -> None:
    """Bridging domain has a row for its multipliers; a scheme with an energy has none."""
    changes = [("width = 16\n", ""), ("end = 80.0", "end = 40.0"), ('"force-blended"', f'"{scheme}"')]
    if scheme == "bridging":
        changes = [
            ("end = 80.0", "end = 40.0"), ("[participants.chain.solver.chain]", BRIDGING), ("sites = 801\n", ""),
            ("core = [0, 400]\n", ""), ('scheme = "force-blended"\n', ""), ("width = 16\n", ""), ("element = 4\n", ""),
            ("begin = 640.0, end = 800.0", "begin = 840.0, end = 1000.0"),
        ]  # fmt: skip
    folder = variant("chain", tmp_path / "case", *changes)
    done = suture("run", folder)
    assert done.returncode == 0, done.stderr
    with h5py.File(folder / "RUN" / "ledger.h5") as file:
        rows = set(file["participants/chain/rows"])
    assert ("constraint" in rows) == (scheme == "bridging")
    assert ("force blending" in rows) == (scheme == "force-based")


def test_resumed_to_the_last_bit(tmp_path: Path) -> None:
    courses = {}
    for name in ("whole", "halves"):
        every = ("[participants.chain]", "[run]\ncheckpoint_every = 5\n\n[participants.chain]")
        folder = variant("chain", tmp_path / name, every, ("end = 80.0", "end = 40.0"))
        if name == "halves":
            file = folder / "case.toml"
            file.write_text(file.read_text().replace("end = 40.0", "end = 20.0"))
            assert suture("run", folder).returncode == 0
            file.write_text(file.read_text().replace("end = 20.0", "end = 40.0"))
            assert suture("run", folder, "--resume").returncode == 0
        else:
            assert suture("run", folder).returncode == 0
        with h5py.File(folder / "RUN" / "chain" / "course.h5") as course:
            courses[name] = course["kinetic"][:].tolist()
    assert courses["whole"] == courses["halves"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "atomic-chain"', 'kind = "atomic-chain"\nranks = 2', "1: a chain is held by one rank"),
        ("last = 400", "last = 900", "a site below 801"),
        ("[participants.chain.solver.packet]", "[participants.chain.solver.wave]", "wave"),
        ('scheme = "force-blended"', 'scheme = "force-based"', "takes no 'width'"),
    ],
)
def test_mistakes_are_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    folder = variant("chain", tmp_path / "case", (old, new))
    done = suture("check", folder, check=False)
    assert done.returncode == 2 and message in " ".join((done.stdout + done.stderr).split())


def test_one_of_two_chains(tmp_path: Path) -> None:
    folder = variant("chain", tmp_path / "case")
    text = (folder / "case.toml").read_text()
    start, end = text.index("[participants.chain.solver.chain]"), text.index("[participants.chain.solver.packet]")
    (folder / "case.toml").write_text(text[:start] + text[end:])
    from suture.check import verify_case

    with pytest.raises(CaseError, match="neither of 'chain' and 'bridging'"):
        verify_case(load_case(folder))
