"""Particles that take amounts between two flows, as a case: its ledger, standard errors of states, a checkpoint."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from ..complaints import edited
from ..driven_case import DRIVEN
from ..mpi import suture
from ..open_case import lay_out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """To window 8, and on from its checkpoint to window 12."""
    case = edited(DRIVEN, ("end = 1.2", "end = 0.8"), ("[run]", "[ledger]\ncell_errors = true\n\n[run]"))
    folder = lay_out(tmp_path_factory.mktemp("driven"), case)
    suture("run", folder, timeout=240.0)
    lay_out(folder, edited(case, ("end = 0.8", "end = 1.2")))
    suture("run", folder, "--resume", timeout=240.0)
    return folder


def test_the_books_of_three_participants_balance(run):
    assert json.loads(suture("ledger", run, "--json").stdout)["balanced"]


def test_sent_is_received_and_carried_in_every_window(run):
    with h5py.File(run / "RUN" / "ledger.h5") as file:
        assert len(file["flows"]) == 2
        for flow in file["flows"].values():
            sent, received, carry = (flow[name][:] for name in ("sent", "received", "carry"))
            assert len(sent) == 12
            throughput = np.cumsum(np.abs(sent) + np.abs(received), axis=0)[1:]
            lost = sent[1:] - received[1:] - np.diff(carry, axis=0)[-11:]
            assert np.all(np.abs(lost) <= 1e-12 * throughput + 1e-15)
            assert np.array_equal(received[:, 0], np.round(received[:, 0]))


def test_interior_and_buffers_change_by_what_was_received(run):
    """Whole atoms, and momentum to round-off of 600 atoms' momenta; energy beside the integrator's error."""
    with h5py.File(run / "RUN" / "ledger.h5") as file:
        channel = file["participants/channel"]
        received = sum(flow["received"][:] for flow in file["flows"].values())
        rest = np.diff(channel["inventory"][:], axis=0) - received
        error = channel["rows/integration error"][:]
        assert np.abs(rest[:, 0]).max() == 0.0
        assert np.abs(rest[:, 1:4]).max() < 1e-10
        assert np.abs(rest[:, 4] - error[:, 4]).max() < 1e-9
        assert 0.0 < np.abs(error[:, 4]).max() < 2.0


def test_states_that_particles_give_have_standard_errors(run):
    noise = np.load(run / "RUN" / "inlet" / "noise-0.npz")
    for name, of_one in (("density", 0.02), ("velocity", 0.2), ("temperature", 0.2)):
        error = noise[f"below/{name}/error"]
        assert np.all((error > 0.0) & (error < 3.0 * of_one))
