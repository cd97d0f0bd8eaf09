"""The coupled tanks, played once for all tests of the books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ..mpi import mpirun


@pytest.fixture(scope="session")
def tanks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """The folder with one folder per run, and what came of each run."""
    folder = tmp_path_factory.mktemp("tanks")
    root = Path(__file__).parents[2]
    done = mpirun(5, "-m", "tests.couplers.play_tanks", folder, cwd=root)
    return folder, json.loads(done.stdout)
