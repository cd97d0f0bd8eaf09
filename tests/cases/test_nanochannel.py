"""The nanochannel: a short run on real engines, what is read of LAMMPS' files, and the stored runs."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

from ..mpi import suture
from .variants import ROOT, evaluation, scaled, variant

REFERENCE = ROOT / "cases" / "nanochannel" / "reference"


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    return evaluation("nanochannel")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = variant("nanochannel", tmp_path_factory.mktemp("nanochannel") / "case", ("{ seed = 1 }", SHORT))
    for key, value in (("end", 4.0), ("settle", 20), ("audit_every", 8)):
        scaled(folder, key, lambda _, value=value: value)
    suture("run", folder, timeout=240)
    return folder / "RUN"


SHORT = "{ seed = 1, equilibration = 1000 }"
FILTER = 'filter = { kind = "moving-window", windows = 4 }'


class TestAShortRun:
    """16 windows of 50 steps: the pump has just begun to pull."""

    def test_every_balance_closes(self, run: Path) -> None:
        assert json.loads(suture("ledger", run.parent, "--json").stdout)["balanced"]

    def test_reservoirs_fall_and_rise_by_whole_atoms(self, run: Path, judge: ModuleType) -> None:
        atoms = judge.whole_atoms(run)
        assert atoms["from_whole"] == atoms["unexplained"] == 0.0
        assert min(atoms["events"].values()) > 0

    def test_the_circuit_loses_nothing(self, run: Path) -> None:
        """The pump pulls, the plate takes heat and momentum; of mass there is as much as at first, to round-off."""
        with h5py.File(run / "ledger.h5") as file:
            held = sum(file["participants"][name]["inventory"][:, 0] for name in file["participants"])
            late = sum(file["flows"][name]["carry"][:, 0] for name in file["flows"])
        assert np.ptp(held[1:] + late[-len(held) + 1 :]) <= 1e-14 * held[0]

    def test_both_planes_are_audited(self, run: Path) -> None:
        with h5py.File(run / "ledger.h5") as file:
            for name in ("inlet: channel -> upstream", "outlet: channel -> downstream"):
                sent, audit = file["flows"][name]["sent"][:], file["flows"][name]["audit"][:]
                done = ~np.isnan(audit[:, 0])
                assert done.sum() == 2
                assert np.all(np.abs(sent - audit)[done, :4] <= 1e-12 * np.abs(sent).sum(axis=0)[:4])


def test_filters_and_members_keep_the_books(tmp_path: Path) -> None:
    """What the filters hold back, and halves of atoms, are in the books like all else."""
    folder = variant(
        "nanochannel",
        tmp_path / "case",
        ("{ seed = 1 }", SHORT + "\nensemble = { members = 2 }"),
        ("[interfaces.inlet.sides.channel]", f"[interfaces.inlet]\n{FILTER}\n[interfaces.inlet.sides.channel]"),
        ("[interfaces.outlet.sides.channel]", f"[interfaces.outlet]\n{FILTER}\n[interfaces.outlet.sides.channel]"),
    )
    for key, value in (("end", 2.0), ("settle", 10), ("audit_every", 8)):
        scaled(folder, key, lambda _, value=value: value)
    suture("run", folder, timeout=240)
    assert json.loads(suture("ledger", folder, "--json").stdout)["balanced"]
    with h5py.File(folder / "RUN" / "ledger.h5") as file:
        flow = file["flows"]["inlet: channel -> upstream"]
        sent, carry = 2.0 * flow["sent"][:, 0], flow["carry"][:, 0]
    assert np.array_equal(sent, np.round(sent))
    assert np.any(sent % 2.0)
    assert np.abs(carry).max() > 0.1


def test_chunks_are_read(tmp_path: Path, judge: ModuleType) -> None:
    rows = "  1 -2 10 0.1 0.5 1.0 1.0 1.25\n  2 0 30 0.3 0.0 1.1 1.1 1.1\n"
    (tmp_path / "along.txt").write_text(f"# a\n# b\n# c\n100 2 40\n{rows}200 2 40\n{rows}")
    times, edges, (number, velocity, temperature) = judge.read_chunks(tmp_path / "along.txt")
    np.testing.assert_allclose(times, [0.5, 1.0])
    np.testing.assert_allclose(edges, [-2.0, 0.0, 2.0])
    np.testing.assert_allclose(temperature, [[1.0, 1.1]] * 2)
    found = judge.gather(edges, (number, velocity, temperature), np.array([-2.0, 2.0]), volume=2.0)
    np.testing.assert_allclose(found, [[[10.0], [0.125], [1.075]]] * 2)


def test_an_error_covers_the_spread_of_correlated_blocks(judge: ModuleType) -> None:
    """Twenty blocks of an autoregressive series, as the flow's are: the error is that of the mean."""
    generator = np.random.default_rng(1)
    noise = generator.standard_normal((22, 4000))
    for row in range(1, 22):
        noise[row] = 0.3 * noise[row - 1] + np.sqrt(1 - 0.3**2) * noise[row]
    mean, error = judge.mean_and_error(noise)
    assert np.sqrt(((mean / error) ** 2).mean()) == pytest.approx(1.0, abs=0.12)


class TestTheStoredRuns:
    def test_the_coupled_circuit_is_that_of_atoms_alone(self, judge: ModuleType) -> None:
        found = judge.stored()
        assert found["flow"]["in_errors"] < 3.0
        assert found["flow"]["relative"] < 0.03
        for name in ("density_along", "velocity_along", "temperature_along", "velocity_across", "temperature_across"):
            assert found[name]["largest_in_errors"] < 3.0, name
            assert found[name]["largest_relative"] < 0.03, name

    def test_a_slit_that_lets_a_tenth_more_through_would_be_seen(self, judge: ModuleType) -> None:
        coupled = judge.load("coupled")
        for sample in coupled:
            sample["flow"] = 1.1 * np.array(sample["flow"])
            sample["along"] = np.array(sample["along"])
            sample["along"][:, 1] *= 1.1
        found = judge.compare(coupled, judge.load("full"), coupled)
        assert found["flow"]["in_errors"] > 3.0
        assert found["velocity_along"]["rms_in_errors"] > 3.0

    def test_a_slit_that_is_a_hundredth_colder_would_be_seen(self, judge: ModuleType) -> None:
        """As one was whose plate had lost a fiftieth of its thermostat's kicks."""
        coupled = judge.load("coupled")
        for sample in coupled:
            sample["across"] = np.array(sample["across"])
            sample["across"][:, 2] *= 0.99
        found = judge.compare(coupled, judge.load("full"), coupled)
        assert found["temperature_across"]["rms_in_errors"] > 3.0
