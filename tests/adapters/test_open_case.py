"""Particles between two flows, as a case: its ledger, and going on from a checkpoint with other atoms than at first."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from ..complaints import edited
from ..ledgers import numbers
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


WIDE = (
    ("window = 0.1\nend = 1.2", "window = 0.25\nend = 150.0"),
    ("checkpoint_every = 4", "checkpoint_every = 0"),
    ("variables = { seed = 1 }", "variables = { seed = 1, cells = 7 }"),
    *[("6.857142857142857, 6.857142857142857", "12.0, 12.0")] * 2,
    *[("settle = 10\naudit_every = 4", "settle = 100\naudit_every = 100")] * 2,
)


@pytest.mark.long
def test_noise_does_not_grow_from_cell_to_cell(tmp_path):
    """Flows whose cells are as long as the buffer's slabs, over 600 windows.

    Where an open end followed the slab at its end, densities and velocities of neighbouring cells came to alternate by
    5 % and 0.15, and the run left the fluid's range after 340 windows.
    """
    suture("run", lay_out(tmp_path, edited(CASE, *WIDE)), timeout=280.0)
    for name, seam in (("inlet", 3), ("outlet", 0)):
        with h5py.File(tmp_path / "RUN" / name / "profiles.h5") as file:
            density, velocity = file["density"][-200:], file["velocity"][-200:, :, 2]
        # 302 atoms in a cell fluctuate by 0.0085 by themselves.
        assert density[:, seam].std() < 0.02
        assert np.delete(density, seam, axis=1).std() < 0.01
        assert np.abs(np.diff(density.mean(axis=0))).max() < 0.01
        assert np.abs(np.diff(velocity.mean(axis=0))).max() < 0.02


def test_a_run_goes_on_with_the_atoms_that_it_had(run, tmp_path):
    """To the last bit: the end, too, goes on with the motion and the force that it had."""
    folder = lay_out(tmp_path, edited(CASE, ("end = 1.2", "end = 0.8")))
    suture("run", folder)
    lay_out(tmp_path)
    suture("run", folder, "--resume")
    assert json.loads(suture("ledger", folder, "--json").stdout)["balanced"]
    ours, whole = numbers(folder), numbers(run)
    assert len(whole["time"]) == 13 and ours.keys() == whole.keys()
    # Means and their errors are summed in another order.
    exact = [name for name in whole if not name.endswith(("/mean", "/error"))]
    assert [name for name in exact if not np.array_equal(ours[name], whole[name], equal_nan=True)] == []
