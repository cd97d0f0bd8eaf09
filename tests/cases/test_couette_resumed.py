"""The couette case stopped and resumed goes on to the last bit, with the random forces of its wall's thermostat."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from suture.couplers.audit import read_books

from ..mpi import suture
from .test_couette import short


def brief(folder: Path, end: str, ranks: int) -> Path:
    short(folder, end=end, cells="[1, 1, 12]", audit_every="4\nsettle = 8", fields_every="10\ncheckpoint_every = 5")
    script = folder / "wall" / "in.wall"
    script.write_text(script.read_text().replace("equilibration index 4000", "equilibration index 200"))
    case = folder / "case.toml"
    text = case.read_text()
    assert text.count("ranks = 2") == 1
    case.write_text(text.replace("ranks = 2", f"ranks = {ranks}"))
    return folder


@pytest.fixture(scope="module", params=[1, 2])
def runs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("resumed")
    whole, cut = brief(folder / "whole", "4.0", request.param), brief(folder / "cut", "2.5", request.param)
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


def test_the_atoms_go_on_as_if_nothing_had_been(runs: tuple[Path, Path]) -> None:
    """Every number of the books: positions that differ in the last bit would show in them within some windows."""
    whole, resumed = ({}, {})
    for run, found in zip(runs, (whole, resumed), strict=True):
        with h5py.File(run / "ledger.h5") as file:
            file.visititems(
                lambda name, item, found=found: found.update({name: item[:]}) if hasattr(item, "shape") else None
            )
    assert whole.keys() == resumed.keys() and len(whole["time"]) == 17
    for name, values in whole.items():
        if name.endswith(("/mean", "/error")):  # of all windows at once after a restart, so summed in another order
            np.testing.assert_allclose(resumed[name], values, rtol=1e-12, atol=1e-14)
        else:
            np.testing.assert_array_equal(resumed[name], values, err_msg=name)


def test_the_profiles_go_on(runs: tuple[Path, Path]) -> None:
    for name in ("wall", "channel"):
        with h5py.File(runs[1] / name / "profiles.h5") as file:
            np.testing.assert_allclose(file["time"][:], 0.25 * np.arange(1, 17), rtol=1e-12)
