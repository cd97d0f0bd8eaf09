"""A solid between two heat-conducting bodies, as a case: its ledger, what its baths were told, and a restart."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest

from suture.couplers.audit import read_books

from ..complaints import edited
from ..mpi import suture
from ..rod_case import CASE, lay_out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = lay_out(tmp_path_factory.mktemp("rod"))
    suture("run", folder)
    return folder


def test_the_books_balance_in_energy_alone(run):
    assert json.loads(suture("ledger", run, "--json").stdout)["balanced"]
    books = read_books(run / "RUN")
    assert books.worst <= 1e-12
    with h5py.File(run / "RUN" / "ledger.h5") as file:
        assert list(file.attrs["columns"]) == ["energy"]
        for flow in file["flows"]:
            sent, audit = file["flows"][flow]["sent"][:, 0], file["flows"][flow]["audit"][:, 0]
            done = ~np.isnan(audit)
            assert done.sum() == 3
            assert np.abs(sent - audit)[done].max() < 0.01 * np.abs(sent).sum()


@pytest.mark.parametrize("dropped", ["participants/hot/rows/z-lower", "flows/{}/received"])
def test_the_ledger_misses_what_is_dropped(run, tmp_path, dropped):
    shutil.copy(run / "RUN" / "ledger.h5", tmp_path)
    with h5py.File(tmp_path / "ledger.h5", "r+") as file:
        file[dropped.format(next(iter(file["flows"])))][:] = 0.0
    assert not read_books(tmp_path).balanced


def test_slabs_have_the_temperature_that_the_body_has_there(run):
    """The bodies start from a straight line, which finite elements have exactly, and its middles are the slabs'."""
    for name, middles in (("profiles-below.h5", [4.8, 3.2]), ("profiles.h5", [9.6, 11.2])):
        with h5py.File(run / "RUN" / "atoms" / name) as file:
            assert file["continuum_temperature"][0] == pytest.approx(0.5 - 0.02 * np.array(middles), abs=1e-12)
            assert np.ptp(file["continuum_temperature"][:, 0]) > 1e-6


def test_a_body_that_does_not_overlap_gives_the_seams_temperature(tmp_path):
    case = edited(CASE, ("overlap = true\n", ""), ("end = 1.2", "end = 0.2"))
    suture("run", lay_out(tmp_path, case))
    with h5py.File(tmp_path / "RUN" / "atoms" / "profiles-below.h5") as file:
        assert file["continuum_temperature"][0] == pytest.approx([0.5 - 0.02 * 5.6] * 2, abs=1e-12)


def test_a_run_goes_on_as_if_it_had_not_ended(run, tmp_path):
    folder = lay_out(tmp_path, edited(CASE, ("end = 1.2", "end = 0.8")))
    suture("run", folder)
    lay_out(tmp_path, CASE)
    suture("run", folder, "--resume")
    sent = []
    for place in (run, folder):
        with h5py.File(place / "RUN" / "ledger.h5") as file:
            sent.append(np.array([flow["sent"][:, 0] for flow in file["flows"].values()]))
    assert sent[0].shape == (2, 12)
    assert sent[1] == pytest.approx(sent[0], abs=1e-7)
