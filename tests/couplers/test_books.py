"""The books of coupled runs: honest ones balance, dishonest ones do not, and a file is audited from itself alone."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from suture.books import as_tree
from suture.couplers.audit import Balance, read_books, read_history, read_sent
from suture.couplers.bookkeeping import Bookkeeper
from suture.couplers.errors import LedgerError
from suture.couplers.exchange import Flow
from suture.couplers.ledger import Chart, Closing
from suture.couplers.ledger_file import LedgerFile
from suture.couplers.units import UnitSystem

from ..mpi import suture
from .play_tanks import RUNS
from .test_ledger import CHART, FLOW, Run, open_books

HONEST = list(RUNS)[: list(RUNS).index("received is dropped")]


@pytest.mark.parametrize("name", HONEST)
def test_honest_books_balance_to_round_off(tanks, name):
    folder, results = tanks
    assert results[name]["message"] == ""
    assert 0 < results[name]["worst"] < 1e-12
    books = read_books(folder / name)
    assert books.complete and books.balanced
    assert books.windows == round(RUNS[name][0]["end"] / 0.25)
    flow = next(flow for flow in books.flows if flow.name == "seam: a -> b")
    assert np.all(flow.throughput > 0)
    assert np.all(books.whole.drift < 1e-12)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("received is dropped", r"window 0: .*\n  interface seam: a -> b: mass has a defect of 0\.409"),
        ("received is altered", r"window 0: .*\n  interface seam: a -> b: \w+ .* which is 1e-10 of the throughput"),
        ("sent is altered", r"window 0: .*\n  participant 'a': \w+ .* which is 1e-10 of the throughput"),
        ("transit is dropped", r"window 0: .*\n  interface seam: a -> b: mass .* which is 1 of the throughput"),
        ("opening is dropped", r"window 0: .*\n  interface seam: a -> b: momentum_z has a defect of -2,"),
        ("sink leaks", r"window 5: .*\n  participant 'b': \w+ has a defect of"),
        ("one rank leaks", r"window 5: .*\n  participant 'b': \w+ has a defect of"),
        ("heater is left out", r"window 0: .*\n  participant 'b': energy has a defect of 0\.25,"),
        ("heater is 1e-9 too weak", r"window 0: .*\n  participant 'b': energy has a defect of 2\.5e-10,"),
    ],
)
def test_dishonest_books_end_the_run_and_are_on_record(tanks, name, message):
    folder, results = tanks
    assert re.match(message, results[name]["message"]), results[name]["message"]
    window = int(re.match(r"window (\d+)", results[name]["message"])[1])
    books = read_books(folder / name)
    assert not books.complete and not books.balanced
    assert window < books.windows <= window + 64  # very short windows are settled some at a time


def test_every_run_is_tested(tanks):
    marks = test_dishonest_books_end_the_run_and_are_on_record.pytestmark[0].args[1]
    assert HONEST + [name for name, _ in marks] == list(RUNS)


def test_the_books_are_those_of_the_tanks(tanks):
    """Source and sink start with 100 and 0; over whole periods the source gives its steady rates."""
    folder, _ = tanks
    books = read_books(folder / "parallel")
    rates = np.array([1.0, 0.3, -0.2, 8.0, 2.5])
    a, b = books.participants
    np.testing.assert_allclose(a.terms["closing"], 100 - 5 * rates, rtol=1e-12)
    flow = books.flows[0]
    np.testing.assert_allclose(flow.terms["sent"], 5 * rates, rtol=1e-12)
    np.testing.assert_allclose(flow.terms["opening"], [0, 0, 0, 2, 0], rtol=1e-12)  # a pressure of 8 for a window
    in_transit = rates * (0.25 - (1 - np.cos(2 * np.pi * 4.75)) / (2 * np.pi))
    np.testing.assert_allclose(flow.terms["closing"], in_transit, rtol=1e-11)
    np.testing.assert_allclose(b.terms["closing"], flow.terms["opening"] + 5 * rates - in_transit, rtol=1e-11)
    serial = read_books(folder / "serial")
    np.testing.assert_allclose(serial.flows[0].terms["closing"], 0, atol=1e-12)
    np.testing.assert_allclose(serial.participants[1].terms["closing"], 5 * rates, rtol=1e-12)


def test_the_ledger_is_in_the_units_of_the_case(tanks):
    """The metal tank runs for 5e-3 of its time unit; the ledger has its momentum and energy in real units."""
    folder, _ = tanks
    sent = read_books(folder / "serial, metal to real").flows[0].terms["sent"]
    part = 5e-3 + (1 - np.cos(2 * np.pi * 5e-3)) / (2 * np.pi)
    assert sent[0] == pytest.approx(part, rel=1e-12)
    assert sent[1:4] == pytest.approx(np.array([0.3, -0.2, 8.0]) * part * 1e-3, rel=1e-12)  # Å/ps is 1e-3 Å/fs
    assert sent[4] == pytest.approx(2.5 * part * 23.060549, rel=1e-6)  # CODATA 2018: eV in kcal/mol


@pytest.mark.parametrize("rows", ["time", "flows/seam: a -> b/sent", "participants/a/inventory"])
def test_ranks_do_not_change_the_books(tanks, rows):
    folder, _ = tanks
    one = h5py.File(folder / "parallel" / "ledger.h5")[rows][:]
    for name in ("parallel on 3 + 2", "parallel on 1 + 3"):
        with h5py.File(folder / name / "ledger.h5") as other:
            np.testing.assert_allclose(other[rows][:], one, rtol=1e-13, atol=1e-13)


TERMS = [
    "participants/a/inventory",
    "participants/b/inventory",
    "participants/b/rows/heater",
    "flows/seam: a -> b/sent",
    "flows/seam: a -> b/received",
    "flows/seam: a -> b/carry",
]


@pytest.mark.parametrize("change", [1e-9, np.nan])
@pytest.mark.parametrize("term", TERMS)
def test_one_number_changed_in_the_file_is_found(tanks, tmp_path, term, change):
    shutil.copy(tanks[0] / "heater" / "ledger.h5", tmp_path)
    with h5py.File(tmp_path / "ledger.h5", "r+") as file:
        file[term][7, 4] += change
    books = read_books(tmp_path)
    assert not books.balanced
    where = term.split("/")[1]
    accounts = {b.name: b for b in [*books.participants, *books.flows]}
    worst = accounts.get(where) or accounts[f"participant {where}"]
    assert worst.worst > books.tolerance
    assert worst.worst_window in (6, 7)
    json.loads(json.dumps(as_tree(books), allow_nan=False))


def test_the_ledger_command_says_what_does_not_balance(tanks, tmp_path):
    shutil.copy(tanks[0] / "heater" / "ledger.h5", tmp_path)
    with h5py.File(tmp_path / "ledger.h5", "r+") as file:
        file["flows/seam: a -> b/received"][3, 0] *= 1 + 1e-9
    done = suture("ledger", tmp_path, "--json", check=False)
    assert done.returncode == 4
    tree = json.loads(done.stdout)
    assert tree["balanced"] is False and tree["windows"] == 20
    assert "worst in window 3; the case allows 1e-12" in done.stderr


def test_the_books_of_a_run_can_be_read_while_it_writes_them(tmp_path):
    run = Run()
    ledger = open_books(run)
    opening = Closing(-1, np.zeros(1), np.ones(1))
    opening.inventory = {name: held[None] for name, held in run.held.items()}
    opening.carry = {FLOW.name: run.transit[None]}
    file = LedgerFile(tmp_path / "ledger.h5", CHART, opening, {"tolerance": 1e-12})
    for windows in (0, 7):
        for index in range(windows):
            ledger.enter(index, index + 1.0, run.window(index))
            file.append(ledger.settle())
        file.flush()
        tree = json.loads(suture("ledger", tmp_path, "--json").stdout)
        assert (tree["windows"], tree["complete"], tree["balanced"]) == (windows, False, True)
    file.close(complete=True)
    assert read_books(tmp_path).complete


def test_the_ledger_command_prints_balanced_books(tanks):
    done = suture("ledger", tanks[0] / "heater", "--json")
    tree = json.loads(done.stdout)
    assert tree["balanced"] is True and tree["complete"] is True
    assert tree["columns"] == ["mass", "momentum_x", "momentum_y", "momentum_z", "energy"]
    assert tree["participants"]["participant b"]["terms"]["heater"][4] == pytest.approx(0.1 * 5 * 10)
    printed = suture("ledger", tanks[0] / "heater")
    assert "balanced: worst defect" in printed.stdout


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _other(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = 1.0


def _short(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        sent = file["flows/seam: a -> b/sent"][:5]
        del file["flows/seam: a -> b/sent"]
        file["flows/seam: a -> b/sent"] = sent


@pytest.mark.parametrize("spoil", [_cut, _empty, _other, _short])
def test_a_spoilt_file_is_no_traceback(tanks, tmp_path, spoil):
    shutil.copy(tanks[0] / "heater" / "ledger.h5", tmp_path)
    spoil(tmp_path / "ledger.h5")
    with pytest.raises(LedgerError, match="is not a readable ledger"):
        read_books(tmp_path)


def test_no_ledger_is_told_with_exit_code_2(tmp_path):
    done = suture("ledger", tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"no ledger in {tmp_path}: expected ledger.h5 there or in RUN/")


class Everyone:
    """A communicator of two ranks, of which the other one is participant b."""

    def allgather(self, mine: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return [mine, ("b", ("sink",), ("mass", "energy"), {})]


class Body:
    """A solver in metal units whose parts cancel."""

    def inventory(self) -> dict[str, Any]:
        return {"mass": np.array([3.0]), "momentum": np.array([1e3, 0.0, -2e3])}

    def gross(self) -> dict[str, Any]:
        return {"momentum": np.array([7e3, 0.0, 9e3])}

    def rows(self) -> dict[str, dict[str, Any]]:
        return {"pump": {"mass": np.array([0.5])}, "wall": {"momentum": np.array([0.0, 5e3, 0.0])}}


class Region:
    """An adapter that keeps a buffer, and measures a second time what it sends."""

    measured: dict[str, Any] | None = None

    def carry(self) -> dict[str, Any]:
        return {"mass": np.array([0.25])}

    def audit(self) -> dict[str, Any] | None:
        return self.measured

    def buffer_inventory(self) -> dict[str, Any]:
        return {"mass": np.array([8.0])}

    def buffer_rows(self) -> dict[str, dict[str, Any]]:
        return {"bath": {"mass": np.array([-1.0])}}


AMOUNTS = ("mass", "momentum")
METAL, REAL = UnitSystem(system="metal"), UnitSystem(system="real")
THERE, BACK = Flow("seam", "a", "b", AMOUNTS, lag=1), Flow("seam", "b", "a", AMOUNTS, lag=1)
STATES = Flow("seam", "a", "b", ("velocity",), lag=0)


def bookkeeper(solver: Any, adapter: Any, lag: int = 1, interfaces: bool = True) -> tuple[Bookkeeper, Chart]:
    there = replace(THERE, lag=lag)
    crossing = SimpleNamespace(directions=[SimpleNamespace(amounts=AMOUNTS)])
    case = SimpleNamespace(
        participants={name: SimpleNamespace(unit_system=METAL) for name in "ab"},
        units=REAL,
        clocks={"a": 2.0, "b": 6.0},
        interfaces={"seam": crossing} if interfaces else {},
    )
    inflow = SimpleNamespace(
        flow=BACK,
        held_back=lambda: {"momentum": np.array([0.0, 1e3, 0.0])},
        in_transit=lambda: {"mass": np.array([0.75])},
    )
    states = SimpleNamespace(flow=STATES)
    outflow = SimpleNamespace(flow=there, sent=lambda: {"mass": np.array([0.5]), "momentum": np.array([0.0, 0.0, 2e3])})
    books = Bookkeeper("a", solver, {"seam": adapter}, [inflow, states], [outflow, states])
    return books, books.draw_chart(case, [there, BACK, STATES], Everyone())


def as_lists(shares: dict[Any, Any]) -> dict[Any, list[float]]:
    return {entry: np.round(values, 12).tolist() for entry, values in shares.items()}


ENTERED = {
    ("inventory", "a", ""): [3, 1, 0, -2],
    ("gross", "a", ""): [0, 7, 0, 9],
    ("row", "a", "pump"): [0.5, 0, 0, 0],
    ("row", "a", "wall"): [0, 0, 5, 0],
    ("buffer", THERE.name, ""): [8, 0, 0, 0],
    ("buffer row", THERE.name, "bath"): [-1, 0, 0, 0],
}


def test_what_a_participant_enters():
    """Metal's momentum, g/mol Å/ps, is 1e-3 of that of real units; b's clock is three times a's."""
    region = Region()
    books, chart = bookkeeper(Body(), region)
    assert chart.quantities == AMOUNTS and chart.flows == (THERE, BACK)
    assert chart.rows == {"a": ("pump", "wall"), "b": ("sink",)}
    assert chart.kept == {"a": AMOUNTS, "b": ("mass", "energy")}
    assert chart.buffers == {THERE.name: ("bath",)}
    assert as_lists(books.opening()) == ENTERED | {("carry", BACK.name, ""): [0.75, 0, 1, 0]}
    flows = {
        ("received", BACK.name, ""): [0.125, 0, 0, 0],
        ("carry", BACK.name, ""): [0.25, 0, 1, 0],
        ("sent", THERE.name, ""): [0.5, 0, 0, 2],
        ("carry", THERE.name, ""): [1.5, 0, 0, 6],
    }
    received = {"seam": {"mass": np.array([0.125])}}
    assert as_lists(books.closing(received)) == ENTERED | flows
    region.measured = {"mass": np.array([0.625])}
    audit = {("audit", THERE.name, ""): [0.625, 0, 0, 0], ("audited", THERE.name, ""): [1, 1, 1, 1]}
    assert as_lists(books.closing(received)) == ENTERED | flows | audit


def test_what_is_not_late_and_not_kept_is_not_entered():
    solver = SimpleNamespace(inventory=Body().inventory, rows=lambda: {})
    face = SimpleNamespace(carry=lambda: {})
    books, chart = bookkeeper(solver, face, lag=0)
    assert chart.buffers == {}
    kinds = [kind for kind, _, _ in books.closing({"seam": {}})]
    assert sorted(kinds) == ["carry", "inventory", "received", "sent"]


def test_without_interfaces_the_books_are_of_what_is_held():
    assert bookkeeper(Body(), Region(), interfaces=False)[1].quantities == ("mass", "momentum", "energy")


COLUMNS = ["mass", "energy", "charge"]
"""Of the file below: the second is kept by one of two participants only, the third is held and does not flow."""
SENT = np.array([[1.0, 0.5, 0], [2, 4, 0], [3, -4, 0]])
PUMP = np.array([[4.0, 0, 0], [-2, 1, 0], [1, 1, 0]])
HEATER = np.array([[0.0, 6, 0], [0, -3, 0], [0, 12, 0]])
BATH = np.array([[-0.5, 0, 0], [-0.25, 0, 0], [0, -1, 0]])
CARRY = np.array([[0.5, 0, 0], [1, 1, 0], [2, 0, 0], [0.25, 3, 0]])
RECEIVED = 3 * SENT - np.diff(CARRY, axis=0)
"""The receiver's clock is three times the sender's."""


def course(begin: list[float], added: Any) -> Any:
    """What is held from before the first window."""
    return np.vstack([np.zeros(3), np.cumsum(added, axis=0)]) + begin


HELD = {
    "a": course([10.0, 20.0, 1e6], PUMP - SENT),
    "b": course([1.0, 2.0, -4e6], RECEIVED + HEATER),
    "buffer": course([5.0, 6.0, 0.0], SENT + BATH),
}


def written_by_hand(folder: Path, held: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Three windows of a sender with clock 2, a pump and a buffer, and a receiver with clock 6 and a heater."""
    held = HELD | (held or {})
    arrays = {
        "time": np.array([0.0, 0.5, 1.0, 1.5]),
        "iterations": np.array([2.0, -1.0, 3.0]),
        "participants/a/inventory": held["a"],
        "participants/a/rows/pump": PUMP,
        "participants/b/inventory": held["b"],
        "participants/b/rows/heater": HEATER,
        "flows/seam/sent": SENT,
        "flows/seam/received": RECEIVED,
        "flows/seam/carry": CARRY,
        "buffers/seam/inventory": held["buffer"],
        "buffers/seam/rows/bath": BATH,
    }
    with h5py.File(folder / "ledger.h5", "w") as file:
        for name, values in (arrays | changes).items():
            file[name] = values
        file.attrs.update({"columns": COLUMNS, "tolerance": 1e-12, "complete": True})
        file["participants/a"].attrs.update({"kept": [1.0, 1.0, 1.0], "clock": 2.0})
        file["participants/b"].attrs.update({"kept": [1.0, np.nan, 1.0], "clock": 6.0})
        file["flows/seam"].attrs.update({"sender": "a", "receiver": "b"})
    return folder


def figures(balance: Balance) -> tuple[dict[str, list[float]], list[float]]:
    return {name: values.tolist() for name, values in balance.terms.items()}, balance.throughput.tolist()


def test_every_figure_of_the_books(tmp_path):
    """Each is in its owner's time, the whole in the case's: divided by 2 and 6."""
    books = read_books(written_by_hand(tmp_path))
    assert books.balanced and books.worst < 1e-15 and books.complete
    assert (books.audits, books.noise, books.filters) == ({}, {}, {})
    assert (books.windows, books.time, books.tolerance) == (3, 1.5, 1e-12)
    assert books.iterations.tolist() == [2, 1, 3] and books.unconverged == (1,)
    (a, b), (seam,), (buffer,) = books.participants, books.flows, books.buffers
    assert figures(a) == (
        {"opening": [10, 20, 1e6], "closing": [7, 21.5, 1e6], "sent, seam": [-6, -0.5, 0], "pump": [3, 2, 0]},
        [13, 10.5, 0],
    )
    assert figures(b) == (
        {
            "opening": [1, 2, -4e6],
            "closing": [19.25, 15.5, -4e6],
            "received, seam": [18.25, -1.5, 0],
            "heater": [0, 15, 0],
        },
        [2.5 + 5 + 10.75, 0.5 + 13 + 15 + 21, 0],
    )
    assert figures(seam) == (
        {
            "opening": [0.5, 0, 0],
            "closing": [0.25, 3, 0],
            "sent, in the receiver's time": [18, 1.5, 0],
            "received": [18.25, -1.5, 0],
            "sent": [6, 0.5, 0],
        },
        [18, 25.5, 0],
    )
    assert figures(buffer) == (
        {"opening": [5, 6, 0], "closing": [10.25, 5.5, 0], "sent, seam": [6, 0.5, 0], "bath": [-0.75, -1, 0]},
        [6.75, 9.5, 0],
    )
    whole, (opening, closing) = books.whole, ((HELD["a"] / 2 + (HELD["b"] + CARRY) / 6)[k] for k in (0, -1))
    np.testing.assert_allclose(whole.terms["opening"], opening, rtol=1e-15)
    np.testing.assert_allclose(whole.terms["closing"], closing, rtol=1e-15)
    np.testing.assert_allclose(whole.terms["a: pump"], [1.5, 1, 0], rtol=1e-15)
    np.testing.assert_allclose(whole.terms["b: heater"], [0, 2.5, 0], rtol=1e-15)
    np.testing.assert_allclose(whole.throughput, [3.5 + 3, 1 + 3.5 + 4.25, 0], rtol=1e-15)


def test_a_defect_is_relative_to_the_throughput_up_to_its_window(tmp_path):
    """The sender's inventory is off by 1 at the end of the second window only."""
    wrong = HELD["a"].copy()
    wrong[2, 0] += 1.0
    books = read_books(written_by_hand(tmp_path, {"a": wrong}))
    a, whole = books.participants[0], books.whole
    assert a.defects[:, 0].tolist() == [0, 1, -1]
    assert a.history.tolist() == pytest.approx([0, 1 / 9, 1 / 13])
    assert a.defect.tolist() == pytest.approx([1 / 9, 0, 0])
    assert (a.worst_window, a.drift[0]) == (1, 0.0)
    assert a.drifts[:, 0].tolist() == [0, 1, 0]
    assert a.walks[:, 0].tolist() == pytest.approx([0, 1, np.sqrt(2)])
    assert not books.balanced and books.worst == a.worst == pytest.approx(1 / 9)
    np.testing.assert_allclose(whole.defects[:, 0], [0, 0.5, -0.5], atol=1e-15)
    assert whole.history.tolist() == pytest.approx([0, 0.5 / (3 + 1.5), 0.5 / 6.5])
    assert np.isnan(whole.defects[:, 1]).all() and np.isnan(whole.defect[1]), "b does not say what energy it holds"


def test_a_defect_that_stays_is_a_drift(tmp_path):
    wrong = HELD["b"].copy()
    wrong[1:, 0] += 1.0
    b = read_books(written_by_hand(tmp_path, {"b": wrong})).participants[1]
    assert b.drifts[:, 0].tolist() == [1, 1, 1]
    assert (b.drift[0], b.worst) == (pytest.approx(1 / 18.25), pytest.approx(1 / 2.5))


def test_what_does_not_flow_is_judged_by_the_round_off_of_what_is_held_and_its_parts(tmp_path):
    """64 eps of all terms counts as much as the tolerance does of the throughput."""
    wrong = HELD["a"].copy()
    wrong[2:, 2] += 1e-6
    gross = np.array([[0.0, 0, 1e7], [0, 0, 2e7], [0, 0, 4e7]])
    round_off = 64 * 2.0**-52 / 1e-12
    for parts, change in ((0.0, {}), (gross[:, 2], {"participants/a/gross": gross})):
        books = read_books(written_by_hand(tmp_path, {"a": wrong}, **change))
        terms = np.ones(3) * (2e6 + parts)
        assert books.participants[0].defect[2] == pytest.approx(1e-6 / (round_off * terms[1]), rel=1e-6)
        assert books.participants[0].drift[2] == pytest.approx(1e-6 / (round_off * terms.sum()), rel=1e-6)
        of_all = np.abs(1e6 / 2 - 4e6 / 6) * 2 + parts * np.ones(3) / 2
        assert books.whole.defect[2] == pytest.approx(0.5e-6 / (round_off * of_all[1]), rel=1e-6)


def test_round_off_is_that_of_what_is_held_before_and_after_the_window(tmp_path):
    wrong = HELD["a"].copy()
    wrong[:, 2] = [1e6, 3e6, -7e6, -7e6]
    history = read_books(written_by_hand(tmp_path, {"a": wrong})).participants[0].history
    assert history.tolist() == pytest.approx(np.array([2 / (1 + 3), 10 / (3 + 7), 0]) / (64 * 2.0**-52 / 1e-12))


def test_what_comes_and_goes_counts_with_its_terms_and_their_sums_so_far(tmp_path):
    """The throughput of a flow is what was sent; here something is received of which nothing was sent or held."""
    received = RECEIVED.copy()
    received[:, 2] = [1.0, 2.0, -4.0]
    books = read_books(written_by_hand(tmp_path, **{"flows/seam/received": received}))
    # defects of 1, 2, -4 relative to the round-off of themselves and of their sums, 1 + 1, 2 + 3, 4 + 1
    round_off = 64 * 2.0**-52 / 1e-12
    expected = np.array([1 / 2, 2 / 5, 4 / 5]) / round_off
    assert books.flows[0].history.tolist() == pytest.approx(expected.tolist())
    assert books.flows[0].worst_window == 2


def test_audits_means_and_filters(tmp_path):
    audit = SENT - np.array([[0.25, 0.25, 0.5], [np.nan, 0, 0], [-0.75, 1, 0]])
    folder = written_by_hand(tmp_path, **{"flows/seam/audit": audit, "flows/seam/mean": [2.0, 0, 0]})
    with h5py.File(folder / "ledger.h5", "r+") as file:
        file["flows/seam/error"] = [0.5, 0, 0]
        file["flows/seam"].attrs["filter"] = "pod"
    books = read_books(folder)
    found = books.audits["seam"]
    assert found["windows"] == 2
    np.testing.assert_allclose(found["mean"], [-0.25, 0.625, 0.25])
    np.testing.assert_allclose(
        found["rms"], [np.sqrt((0.25**2 + 0.75**2) / 2), np.sqrt((0.25**2 + 1) / 2), np.sqrt(0.125)]
    )
    np.testing.assert_allclose(found["relative"], [0.25, 0.5, 0.5])  # of 1 and 6; of 0.5 and 8.5; of nothing
    assert books.noise["seam"]["mean"][0] == 2.0 and books.noise["seam"]["error"][0] == 0.5
    assert books.filters == {"seam": "pod"}
    assert (books.clocks, "'b' runs 6 times faster" in books.caution) == ({"a": 2.0, "b": 6.0}, True)


def test_the_course_of_an_account_and_of_a_row(tmp_path):
    folder = written_by_hand(tmp_path)
    a = read_history(folder, "a")
    assert list(a) == ["held", "sent, seam", "pump"]
    np.testing.assert_array_equal(a["held"], HELD["a"][1:])
    np.testing.assert_array_equal(a["sent, seam"], -SENT)
    np.testing.assert_array_equal(read_history(folder, "seam")["received"], -RECEIVED)
    np.testing.assert_allclose(read_history(folder, "the whole")["b: heater"], HEATER / 6)
    np.testing.assert_array_equal(read_history(folder, "buffer of a")["held"], HELD["buffer"][1:])
    assert {row: values.tolist() for row, values in read_history(folder, "heater").items()} == {
        "b: heater": HEATER.tolist()
    }
    known = "known: a, b, seam, the whole, buffer of a, heater, pump, received, seam, sent, seam$"
    with pytest.raises(LedgerError, match=f"no account or row is named 'fan'; {known}"):
        read_history(folder, "fan")
    time, sent = read_sent(folder)
    assert time.tolist() == [0.5, 1.0, 1.5]
    np.testing.assert_array_equal(sent["seam"], SENT)


def test_books_of_no_window_and_of_older_files(tmp_path):
    """Without clocks and iterations they are 1 everywhere."""
    nothing = {name: np.zeros((0, 3)) for name in ("flows/seam/sent", "flows/seam/received", "buffers/seam/rows/bath")}
    nothing |= {"participants/a/rows/pump": np.zeros((0, 3)), "participants/b/rows/heater": np.zeros((0, 3))}
    held = {name: values[:1] for name, values in HELD.items()}
    opened = {"flows/seam/carry": CARRY[:1], "time": [0.0], "iterations": np.zeros(0)}
    books = read_books(written_by_hand(tmp_path, held, **nothing, **opened))
    assert (books.windows, books.worst, books.balanced) == (0, 0.0, True)
    assert len(books.whole.history) == 0 and books.whole.worst_window == 0
    assert books.whole.defect.tolist() == [0, 0, 0]
    received = SENT - np.diff(CARRY, axis=0)
    old = {"b": course([1.0, 2.0, -4e6], received + HEATER)}
    folder = written_by_hand(tmp_path, old, **{"flows/seam/received": received})
    with h5py.File(folder / "ledger.h5", "r+") as file:
        file["participants/a"].attrs["clock"] = 7.0
    assert "sent, in the receiver's time" in read_books(folder).flows[0].terms
    with h5py.File(folder / "ledger.h5", "r+") as file:
        del file["participants/a"].attrs["clock"], file["participants/b"].attrs["clock"], file["iterations"]
    books = read_books(folder)
    assert books.balanced and books.iterations.tolist() == [1, 1, 1] and books.caution == ""
    assert list(books.flows[0].terms) == ["opening", "closing", "sent", "received"]


def test_flows_in_all_directions_are_booked_where_they_begin_and_end(tmp_path):
    """The second of three participants gives to the first, and takes from it and the third; the first gives to it."""
    held = {name: np.full((2, 1), 100.0) for name in "abc"}
    with h5py.File(tmp_path / "ledger.h5", "w") as file:
        for (sender, receiver), amount in {"ba": 1.0, "ab": 2.0, "cb": 4.0, "ac": 8.0}.items():
            held[sender][1] -= amount
            held[receiver][1] += amount
            flow = file.create_group(f"flows/{sender} to {receiver}")
            flow.attrs.update({"sender": sender, "receiver": receiver})
            flow["carry"], flow["sent"], flow["received"] = np.zeros((2, 1)), [[amount]], [[amount]]
        for name, course in held.items():
            file[f"participants/{name}/inventory"] = course
            file[f"participants/{name}"].attrs["kept"] = [1.0]
        file["time"] = [0.0, 1.0]
        file.attrs.update({"columns": ["mass"], "tolerance": 1e-12, "complete": True})
    books = read_books(tmp_path)
    assert books.balanced
    assert [balance.throughput[0] for balance in books.participants] == [11, 7, 12]
    assert list(books.participants[1].terms) == [
        "opening",
        "closing",
        "received, a to b",
        "sent, b to a",
        "received, c to b",
    ]


def test_what_is_not_a_number_is_a_defect_and_adds_nothing_to_the_throughput(tmp_path):
    sent = SENT.copy()
    sent[1, 0] = np.nan
    a, b = read_books(written_by_hand(tmp_path, **{"flows/seam/sent": sent})).participants
    assert np.isinf(a.worst) and a.worst_window == 1 and not b.worst > 1e-15
    assert a.throughput[0] == 13 - 4, "in the window that is not known"


def test_books_without_a_column_are_read(tmp_path):
    with h5py.File(tmp_path / "ledger.h5", "w") as file:
        file["participants/a/inventory"] = np.zeros((2, 0))
        file["participants/a"].attrs["kept"] = np.zeros(0)
        file["time"] = [0.0, 1.0]
        file.attrs.update({"columns": [], "tolerance": 1e-12, "complete": False})
    books = read_books(tmp_path)
    assert (books.columns, books.windows, books.worst, books.complete) == ((), 1, 0.0, False)
