"""Particles between two flows, as a case: its ledger, and going on from a checkpoint with other atoms than at first."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from ..complaints import edited
from ..mpi import suture
from ..open_case import CASE, lay_out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = lay_out(tmp_path_factory.mktemp("open"))
    suture("run", folder)
    return folder


def test_the_books_of_three_participants_balance(run):
    assert json.loads(suture("ledger", run, "--json").stdout)["balanced"]


def test_reservoirs_change_by_whole_atoms(run):
    """To the last atom: what a flow lost is what is in transit, and what came to the particles."""
    with h5py.File(run / "RUN" / "ledger.h5") as file:
        for flow in file["flows"]:
            mass = file["flows"][flow]["sent"][:, 0]
            assert np.array_equal(mass, np.round(mass))
        inside = file["participants/channel/inventory"][:, 0]
        sent = sum(file["flows"][flow]["sent"][:, 0] for flow in file["flows"])
        assert np.array_equal(np.diff(inside), -sent)
        for flow in file["buffers"]:
            assert {"insertion", "deletion", "boundary force"} <= set(file["buffers"][flow]["rows"])
            assert np.abs(file["buffers"][flow]["rows"]["integration error"][:, 0]).max() == 0.0


def test_audits_of_both_planes_agree(run):
    with h5py.File(run / "RUN" / "ledger.h5") as file:
        assert len(file["flows"]) == 2
        for flow in file["flows"]:
            sent, audit = file["flows"][flow]["sent"][:], file["flows"][flow]["audit"][:]
            done = ~np.isnan(audit[:, 0])
            assert done.sum() == 3
            throughput = np.abs(sent).sum(axis=0)
            assert np.all(np.abs(sent - audit)[done, :4] <= 1e-12 * throughput[:4])


def test_a_run_goes_on_with_the_atoms_that_it_had(tmp_path):
    folder = lay_out(tmp_path, edited(CASE, ("end = 1.2", "end = 0.8")))
    suture("run", folder)
    lay_out(tmp_path)
    suture("run", folder, "--resume")
    books = json.loads(suture("ledger", folder, "--json").stdout)
    assert books["balanced"]
    assert books["windows"] == 12
    with h5py.File(folder / "RUN" / "ledger.h5") as file:
        events = file["buffers"][next(iter(file["buffers"]))]["rows"]["deletion"][:, 0]
        assert len(events) == 12
