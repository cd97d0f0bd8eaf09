"""The couette case stopped and resumed: the atoms are where they were, and the books go on."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from suture.couplers.audit import read_books

from ..mpi import suture
from .test_couette import short


def without_random_forces(folder: Path, end: str) -> Path:
    """LAMMPS' thermostat draws anew after a restart, so the wall goes without; then both runs are the same motion."""
    short(folder, end=end, cells="[1, 1, 12]", audit_every="4\nsettle = 8", fields_every="10\ncheckpoint_every = 10")
    script = (folder / "wall" / "in.wall").read_text()
    script, found = re.subn(r"(?m)^fix +wallheat .*$", "", script)
    assert found == 1
    (folder / "wall" / "in.wall").write_text(script.replace("equilibration index 4000", "equilibration index 200"))
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("resumed")
    whole, cut = without_random_forces(folder / "whole", "4.0"), without_random_forces(folder / "cut", "2.5")
    suture("run", whole, timeout=240)
    suture("run", cut, timeout=240)
    text = (cut / "case.toml").read_text()
    (cut / "case.toml").write_text(text.replace("end = 2.5", "end = 4.0"))
    suture("run", cut, "--resume", timeout=240)
    return whole / "RUN", cut / "RUN"


def test_the_books_go_on_and_balance(runs: tuple[Path, Path]) -> None:
    books = read_books(runs[1])
    assert books.complete and books.windows == 16
    assert books.worst <= 1e-12


def test_the_atoms_go_on_from_where_they_were(runs: tuple[Path, Path]) -> None:
    """Forces are summed in another order, so the motions part slowly; one atom displaced would show at once."""
    with h5py.File(runs[0] / "ledger.h5") as whole, h5py.File(runs[1] / "ledger.h5") as resumed:
        (flow,) = whole["flows"]
        sent = [file[f"flows/{flow}/sent"][:] for file in (whole, resumed)]
        assert np.array_equal(sent[0][:10], sent[1][:10])
        np.testing.assert_allclose(sent[1][10:12], sent[0][10:12], atol=1e-6)
        for row in whole["participants/wall/rows"]:
            added = [file[f"participants/wall/rows/{row}"][10:12] for file in (whole, resumed)]
            np.testing.assert_allclose(added[1], added[0], atol=1e-6)
        held = [file[f"buffers/{flow}/inventory"][:] for file in (whole, resumed)]
        np.testing.assert_allclose(held[1][:12], held[0][:12], atol=1e-6)


def test_the_profiles_go_on(runs: tuple[Path, Path]) -> None:
    for name in ("wall", "channel"):
        with h5py.File(runs[1] / name / "profiles.h5") as file:
            np.testing.assert_allclose(file["time"][:], 0.25 * np.arange(1, 17), rtol=1e-12)
