"""A vacancy among few free atoms in a continuum, force-based and force-blended, against all atoms of the box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..adapters.seams_of_atoms import BLENDED, small
from .variants import evaluation, played


@pytest.mark.parametrize("changes", [(), pytest.param(BLENDED, marks=pytest.mark.long)], ids=["sharp", "blended"])
def test_the_energy_of_formation(changes: Any, tmp_path: Path) -> None:
    """12 free atoms against 6,600; of the 0.04 eV by which all of them relax little may be missed."""
    case = small(tmp_path / "case", *changes)
    run = played([case], ranks=2)["case"]
    assert run["exit_code"] == 0 and run["worst"] < 1e-12, run
    found = evaluation("vacancy").evaluate(case / "RUN")
    atomistic = evaluation("vacancy").atomistic(case / "RUN")["formation"]
    assert found["unrelaxed"] == pytest.approx(1.30933, abs=1e-4)
    assert found["formation"] == pytest.approx(atomistic, abs=0.002)
    assert found["unrelaxed"] - atomistic > 0.03 and found["force"] < 1e-9
