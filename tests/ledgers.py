"""What stands in a run's ledger, for tests that compare two runs number by number."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np


def numbers(case: Path) -> dict[str, np.ndarray]:
    """All of the datasets of the case's finished run, by their path."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(case / "RUN" / "ledger.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[:]}) if hasattr(item, "shape") else None)
        assert file.attrs["complete"]
    return found
