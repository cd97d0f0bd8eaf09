"""What ``suture verify`` takes and refuses: the numbers of a reference, and their bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from suture.couplers.errors import CaseError
from suture.verify import Check, lookup, read_reference

RESULTS = {"ledger": {"worst": 2e-14}, "with_0.8_viscosity": {"p": 0.0}, "list": [1.0]}


def test_a_number_is_found_by_its_dotted_name() -> None:
    assert lookup(RESULTS, "ledger.worst", Path()) == 2e-14
    assert lookup(RESULTS, "with_0.8_viscosity.p", Path()) == 0.0


@pytest.mark.parametrize("path", ["ledger", "ledger.best", "nothing", "ledger.worst.more", "list", ""])
def test_what_is_no_number_is_a_mistake_of_the_reference(path: str) -> None:
    with pytest.raises(CaseError, match=r"checks\.toml: \[check\] value"):
        lookup(RESULTS, path, Path("case"))


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"max": 1.0}, 1.0, 1.1),
        ({"min": 1.0}, 1.0, 0.9),
        ({"min": 0.0, "max": 1.0}, 0.5, -0.1),
        ({"expected": 2.0, "tolerance": 0.1}, 2.05, 2.2),
        ({"max": 1.0}, 0.0, float("nan")),
    ],
)
def test_bounds(bounds: dict[str, float], inside: float, outside: float) -> None:
    check = Check(value="x", source="arithmetic", **bounds)  # type: ignore[arg-type]
    assert check.holds(inside)
    assert not check.holds(outside)


def test_a_case_without_reference_says_so(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no such file"):
        read_reference(tmp_path)


def test_an_unknown_key_in_a_reference_is_named(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "checks.toml").write_text('requirement = "r"\nchekc = []\n')
    with pytest.raises(CaseError, match=r"check|chekc"):
        read_reference(tmp_path)
