"""Couette flow whose continuum has a clock of its own, beside atoms that have the case's."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from suture.couplers.audit import Books, read_books

from ..mpi import suture
from .variants import variant

CLOCK = 4.0


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = variant(
        "couette",
        tmp_path_factory.mktemp("clocks") / "couette",
        ("end = 250.0", "end = 5.0"),
        ("[participants.channel]\n", f"[participants.channel]\nclock = {CLOCK}\n"),
        ("cells = [1, 1, 12]", "cells = [1, 1, 3]"),
        ("ranks = 2", "ranks = 1"),
        ("seed = 1", "seed = 1, equilibration = 1000"),
        ("audit_every = 100", "audit_every = 4\nsettle = 8"),
    )
    said = suture("run", folder, timeout=240).stdout
    assert "rates of a steady state: 'channel' runs 4 times faster than the case's clock" in said
    return folder / "RUN"


@pytest.fixture(scope="module")
def books(short: Path) -> Books:
    return read_books(short)


class TestAShortRun:
    """20 windows, in which the atoms advance by 5 and the flow by 20."""

    def test_every_balance_closes(self, books: Books) -> None:
        assert books.complete and books.windows == 20
        assert books.worst <= 1e-12
        assert not np.isnan([b.defect for b in [*books.participants, *books.flows, books.whole]]).any()

    def test_what_whole_atoms_bring_is_multiplied_by_the_clock(self, short: Path) -> None:
        with h5py.File(short / "ledger.h5") as file:
            (flow,) = file["flows"].values()
            sent, received = flow["sent"][:], flow["received"][:]
            mass = np.diff(file["participants/channel/inventory"][:, 0])
        assert np.array_equal(sent[:, 0], np.round(sent[:, 0])) and sent[:, 0].any()
        np.testing.assert_allclose(received, CLOCK * sent, rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(mass, CLOCK * sent[:, 0], rtol=1e-9, atol=1e-9)

    def test_the_audit_agrees_in_the_atoms_time(self, books: Books) -> None:
        (audit,) = books.audits.values()
        relative = np.asarray(audit["relative"])
        assert relative[:4].max() <= 1e-12
        assert 0.0 < relative[4] < 1e-2

    def test_profiles_are_in_times_of_their_own(self, short: Path) -> None:
        for part, clock in (("wall", 1.0), ("channel", CLOCK)):
            with h5py.File(short / part / "profiles.h5") as file:
                np.testing.assert_allclose(file["time"][:][[0, -1]], [0.25 * clock, 5.0 * clock])
