"""No leak: a finite tolerance and unequal steps lose nothing, in 1,000 windows; and how much is lost the usual way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ..mpi import mpirun

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("leak")
    return json.loads(mpirun(2, "-m", "tests.couplers.play_leak", folder, cwd=ROOT).stdout)


def test_a_loose_tolerance_loses_nothing(played: dict[str, Any]) -> None:
    """Every balance of every window to 1e-12, and the heat of the whole too, from the first window to the last."""
    kept = played["kept"]
    assert kept["worst"] <= 1e-12
    assert kept["largest"] < 1e-14
    assert kept["iterations"] < 8, "the tolerance is loose"
    assert 1e-4 < kept["carry"] < 0.1, "there is something to lose, and it does not grow"


def test_forgetting_it_is_seen_at_once(played: dict[str, Any]) -> None:
    assert "window 0: the books do not balance" in played["forgotten"]["message"]
    assert "interface seam: plate -> coat: energy has a defect" in played["forgotten"]["message"]


def test_forgetting_it_unseen_loses_heat(played: dict[str, Any]) -> None:
    """What a coupler without books does: the loss wanders, ten orders of magnitude above round-off."""
    unseen = played["forgotten, and not audited"]
    assert unseen["largest"] > 1e-6
    assert unseen["largest"] > 1e8 * played["kept"]["largest"]


@pytest.mark.parametrize(
    ("samples", "scheme"), [(1, "serial-explicit"), (7, "serial-implicit"), (7, "parallel-implicit")]
)
@pytest.mark.parametrize("ratio", ["10:1", "10:3", "1:10"])
def test_unequal_steps_keep_the_time_integral(ratio: str, samples: int, scheme: str, played: dict[str, Any]) -> None:
    """Where values are passed on and not amounts, these steps lose -3.0 %, -0.64 % and +2.1 %."""
    assert played[f"{ratio} {samples} {scheme}"] == pytest.approx(1.0, abs=1e-12)
