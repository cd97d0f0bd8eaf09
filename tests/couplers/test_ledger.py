"""The ledger by itself: every term of a balance counts, and a defect is relative to what flows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from mpi4py import MPI

from suture.couplers.cells import Array
from suture.couplers.clock import Clock
from suture.couplers.errors import ConservationError, LedgerError
from suture.couplers.exchange import Flow
from suture.couplers.ledger import INTEGRATION, Chart, Closing, Entry, Ledger, relative_defect

FLOW = Flow("seam", "a", "b", ("mass", "momentum"), lag=1)
CHART = Chart(
    quantities=("mass", "momentum"),
    rows={"a": ("pump",), "b": ()},
    kept={"a": ("mass", "momentum"), "b": ("mass", "momentum")},
    flows=(FLOW,),
)
Shares = dict[Entry, Array]


class Run:
    """A run of two participants with honest books: a pump fills a, which gives to b, which carries a part."""

    def __init__(self, held: float = 10.0, momentum: float = 0.0) -> None:
        self.held = {"a": np.array([held, momentum, 0, 0]), "b": np.array([held, momentum, 0, 0])}
        self.pumped = np.zeros(4)
        self.transit = np.array([0.1, 0, 0, 0])
        self.owed = np.zeros(4)

    def opening(self) -> Shares:
        return self._inventories() | {("carry", FLOW.name, ""): self.transit + self.owed}

    def window(self, index: int) -> Shares:
        sent = np.array([0.3 + 0.1 * np.sin(index), 0, 0, 0])
        pumped = np.array([0.2, 0, 0, 0])
        came, self.transit = self.transit, sent
        taken = 0.9 * (came + self.owed)
        self.owed = came + self.owed - taken
        self.pumped = self.pumped + pumped
        self.held = {"a": self.held["a"] + pumped - sent, "b": self.held["b"] + taken}
        return self._inventories() | {
            ("sent", FLOW.name, ""): sent,
            ("received", FLOW.name, ""): taken,
            ("carry", FLOW.name, ""): self.transit + self.owed,
        }

    def _inventories(self) -> Shares:
        inventories: Shares = {("inventory", name, ""): held for name, held in self.held.items()}
        return inventories | {("row", "a", "pump"): self.pumped}


def open_books(run: Run, chart: Chart = CHART, tolerance: float = 1e-12) -> Ledger:
    ledger = Ledger(chart, MPI.COMM_SELF, tolerance, 10.0, Clock())
    ledger.open(run.opening())
    return ledger


def close(ledger: Ledger, index: int, shares: Shares) -> Closing:
    ledger.enter(index, 1.0 + index, shares)
    closing = ledger.settle()
    assert closing is not None
    return closing


def close_with(change: Shares, run: Run | None = None, at: int = 3, gross: Shares | None = None) -> Closing:
    """Close honest windows, and one in which ``change`` is added to the entries, beside a ``gross``."""
    run = run or Run()
    ledger = open_books(run)
    for index in range(at):
        close(ledger, index, run.window(index)).require_balance()
    shares = run.window(at) | (gross or {})
    for entry, difference in change.items():
        shares[entry] = shares[entry] + difference
    return close(ledger, at, shares)


def test_honest_books_balance_for_a_thousand_windows():
    run = Run()
    ledger = open_books(run)
    for index in range(1000):
        closing = close(ledger, index, run.window(index))
        closing.require_balance()
    assert ledger.worst < 1e-12
    assert ledger.throughput[FLOW.name][0] == pytest.approx(300, rel=0.01)
    assert closing.rows["a", "pump"][0, 0] == pytest.approx(0.2)


def test_windows_settled_together_are_the_same_as_one_by_one():
    one, some = open_books(Run()), open_books(Run())
    single, together = Run(), Run()
    alone = [close(one, index, single.window(index)) for index in range(40)]
    closings = []
    for index in range(40):
        shares = together.window(index)
        if index in (13, 17, 33):
            shares["received", FLOW.name, ""] = shares["received", FLOW.name, ""] + 1e-9 * (index - 12)
        some._block = 20
        assert some.enter(index, 1.0 + index, shares) == (index in (19, 39))
        if index in (19, 39):
            closings.append(some.settle())
    assert some.settle() is None
    for name in ("a", "b"):
        for kind in ("inventory", "gross"):
            of_all = np.concatenate([getattr(c, kind)[name] for c in alone])
            np.testing.assert_array_equal(np.concatenate([getattr(c, kind)[name] for c in closings]), of_all)
    for kind in ("sent", "carry"):
        of_all = np.concatenate([getattr(c, kind)[FLOW.name] for c in alone])
        np.testing.assert_array_equal(np.concatenate([getattr(c, kind)[FLOW.name] for c in closings]), of_all)
    closing, later = closings
    assert {window for window, _ in closing.faults} == {13, 17} and {window for window, _ in later.faults} == {33}
    assert (later.index, later.times[0], later.iterations.tolist()) == (20, 21.0, [1.0] * 20)
    with pytest.raises(ConservationError, match="window 13: the books do not balance") as told:
        closing.require_balance()
    assert "a defect of -1e-09" in str(told.value) and "-5e-09" not in str(told.value)
    assert np.array_equal(one.throughput["a"], some.throughput["a"])


def test_what_is_there_before_the_first_window():
    run = Run()
    ledger = Ledger(CHART, MPI.COMM_SELF, 1e-12, 10.0, Clock())
    opening = ledger.open(run.opening())
    assert (opening.index, opening.times.tolist(), len(opening.iterations)) == (-1, [0.0], 1)
    np.testing.assert_array_equal(opening.inventory["b"], [run.held["b"]])
    np.testing.assert_array_equal(opening.carry[FLOW.name], [run.transit])
    assert (ledger.worst, ledger.asked) == (0.0, (0.0, 0.0))
    assert not any(flowed.any() for flowed in ledger.throughput.values())


def test_flows_in_all_directions_are_booked_where_they_begin_and_end():
    """Of four flows between three participants every one changes two inventories."""
    ends = [("b", "a"), ("a", "b"), ("c", "b"), ("a", "c")]
    flows = tuple(Flow("seam", sender, receiver, ("mass",), lag=0) for sender, receiver in ends)
    chart = Chart(("mass",), dict.fromkeys("abc", ()), dict.fromkeys("abc", ("mass",)), flows)
    ledger = Ledger(chart, MPI.COMM_SELF, 1e-12, 10.0, Clock())
    held = dict.fromkeys("abc", 100.0)
    ledger.open({("inventory", name, ""): np.array([amount]) for name, amount in held.items()})
    shares: Shares = {}
    for flow, amount in zip(flows, (1.0, 2.0, 4.0, 8.0), strict=True):
        held[flow.sender] -= amount
        held[flow.receiver] += amount
        shares |= {(kind, flow.name, ""): np.array([amount]) for kind in ("sent", "received")}
    close(ledger, 0, shares | {("inventory", name, ""): np.array([held[name]]) for name in held}).require_balance()
    assert {name: flowed[0] for name, flowed in ledger.throughput.items() if name in held} == {"a": 11, "b": 7, "c": 12}


@pytest.mark.parametrize(
    ("entry", "signs"),
    [
        (("sent", FLOW.name, ""), {"interface seam: a -> b": 1, "participant 'a'": 1}),
        (("received", FLOW.name, ""), {"interface seam: a -> b": -1, "participant 'b'": -1}),
        (("carry", FLOW.name, ""), {"interface seam: a -> b": -1}),
        (("inventory", "a", ""), {"participant 'a'": 1}),
        (("inventory", "b", ""), {"participant 'b'": 1}),
        (("row", "a", "pump"), {"participant 'a'": -1}),
    ],
)
@pytest.mark.parametrize("column", [0, 2])
def test_every_term_counts(entry, signs, column):
    """In the balances that it belongs to, by all of what is wrong with it."""
    wrong = np.zeros(4)
    wrong[column] = 1e-9
    closing = close_with({entry: wrong})
    name = CHART.columns[column]
    assert [fault.split(f": {name} ")[0] for _, fault in closing.faults] == list(signs)
    left = {"interface seam: a -> b": closing.defect[FLOW.name]}
    left |= {f"participant {key!r}": residual for key, residual in closing.residual.items()}
    for whose, unexplained in left.items():
        np.testing.assert_allclose(unexplained, [signs.get(whose, 0) * wrong], atol=1e-14)
    with pytest.raises(ConservationError, match=rf"window 3: the books do not balance\n.*{name} has a defect of"):
        closing.require_balance()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_a_number_is_a_fault(bad):
    closing = close_with({("inventory", "b", ""): np.array([0, 0, bad, 0])})
    assert closing.faults == [(3, "participant 'b': momentum_y is not a number")]


def test_round_off_of_a_quantity_that_does_not_flow_is_no_fault():
    """Momentum 1e6 is held and never flows: its sum may come out differently in the last bit."""
    run = Run(momentum=1e6)
    assert not close_with({("inventory", "a", ""): np.array([0, 1e6 * 2.3e-16, 0, 0])}, run).faults
    run = Run(momentum=1e6)
    assert close_with({("inventory", "a", ""): np.array([0, 1e-7, 0, 0])}, run).faults


def test_round_off_is_relative_to_the_parts_that_cancel():
    """Two halves of a body that move apart hold no momentum together; 1e-15 of theirs is round-off, and no leak."""
    slip, gross = np.array([0, 0, 1e-15, 0]), {("gross", "a", ""): np.ones(4)}
    assert any("momentum_y" in text for _, text in close_with({("inventory", "a", ""): slip}).faults)
    assert not close_with({("inventory", "a", ""): slip}, gross=gross).faults
    assert close_with({("inventory", "a", ""): 1e3 * slip}, gross=gross).faults


def test_round_off_of_what_was_received_is_relative_to_the_receivers_parts():
    """As that of forces in all directions: the sender's parts, which are others, do not excuse it."""
    slip = np.array([0, 0, 1e-15, 0])
    received: Shares = {("received", FLOW.name, ""): slip, ("inventory", "b", ""): slip}
    for gross, at_fault in (("b", False), ("a", True)):
        found = close_with(received, gross={("gross", gross, ""): np.ones(4)})
        assert any("interface seam" in text for _, text in found.faults) == at_fault
    assert close_with(
        {key: 1e3 * each for key, each in received.items()}, gross={("gross", "b", ""): np.ones(4)}
    ).faults


def test_a_leak_is_relative_to_what_flows_and_not_to_what_is_held():
    # At the interface a leak of 1e-9 of the throughput is seen whatever is held ...
    run = Run(held=1e9)
    assert close_with({("received", FLOW.name, ""): np.array([3e-10, 0, 0, 0])}, run).faults
    # ... and in an inventory as far as double precision holds it.
    run = Run(held=1e4)
    assert close_with({("inventory", "b", ""): np.array([-3e-10, 0, 0, 0])}, run).faults


def test_what_nobody_keeps_cannot_be_checked():
    chart = Chart(CHART.quantities, CHART.rows, {"a": ("mass",), "b": ("mass", "momentum")}, CHART.flows)
    run = Run()
    ledger = open_books(run, chart)
    shares = run.window(0)
    shares["inventory", "a", ""] = np.zeros(4)
    shares["inventory", "a", ""][0] = run.held["a"][0]
    closing = close(ledger, 0, shares)
    closing.require_balance()
    assert np.isnan(closing.residual["a"][0, 1:]).all() and not np.isnan(closing.residual["a"][0, 0])


def test_a_row_that_was_not_opened_is_refused():
    run = Run()
    ledger = open_books(run)
    late: Shares = {("row", "a", "heater"): np.zeros(4)}
    with pytest.raises(LedgerError, match=r"a: row 'heater' was not there when the books were opened \(known: pump\)"):
        ledger.enter(0, 1.0, run.window(0) | late)


def test_an_audit_stands_beside_what_was_sent():
    run = Run()
    ledger = open_books(run)
    assert np.isnan(close(ledger, 0, run.window(0)).audit[FLOW.name]).all()
    measured: Shares = {("audit", FLOW.name, ""): np.arange(4.0), ("audited", FLOW.name, ""): np.ones(4)}
    np.testing.assert_array_equal(close(ledger, 1, run.window(1) | measured).audit[FLOW.name][0], np.arange(4.0))


def test_relative_defects():
    tolerance = 1e-12
    flows = np.array([10.0, 0, 0, 0, 1])
    given = relative_defect(np.array([-1e-3, 0.0, 1.0, -1.0, np.nan]), flows, flows, tolerance)
    np.testing.assert_array_equal(given, [1e-4, 0.0, np.inf, np.inf, np.nan])
    held = relative_defect(np.array([1e-3, 1e-3]), np.array([10.0, 1e3]), np.array([1e6, 1e4]), tolerance)
    np.testing.assert_allclose(held, [1e-3 / (64 * 2.0**-52 / tolerance * 1e6), 1e-6], rtol=1e-15)


def test_amounts_are_laid_out_in_columns():
    np.testing.assert_array_equal(CHART.spread({"momentum": np.array([[1.0, 2, 4]])}), [0, 1, 2, 4])
    np.testing.assert_array_equal(CHART.spread({"mass": np.array([3.0])}), [3, 0, 0, 0])
    nothing = Chart((), {"a": ()}, {"a": ()}, ())
    assert len(nothing.spread({})) == len(nothing.keeps("a")) == 0


def test_a_buffer_closes_by_its_integration_error():
    """What was sent goes into the sender's buffer; a thermostat takes heat from it; the rest is the integrator's."""
    run = Run()
    chart = Chart(CHART.quantities, CHART.rows, CHART.kept, CHART.flows, buffers={FLOW.name: ("bath",)})
    ledger = Ledger(chart, MPI.COMM_SELF, 1e-12, 10.0, Clock())
    held, baths, errors = np.full(4, 5.0), np.full(4, 7.0), np.array([1e-3, -2e-3, 4e-3])
    start: Shares = {("buffer", FLOW.name, ""): held, ("buffer row", FLOW.name, "bath"): baths}
    np.testing.assert_array_equal(ledger.open(run.opening() | start).buffer[FLOW.name], [held])
    for index, error in enumerate(errors):
        shares = run.window(index)
        baths = baths - 0.25
        held = held + shares["sent", FLOW.name, ""] - 0.25 + error
        ledger.enter(index, 1.0, shares | {("buffer", FLOW.name, ""): held, ("buffer row", FLOW.name, "bath"): baths})
    closing = ledger.settle()
    np.testing.assert_array_equal(closing.buffer[FLOW.name][-1], held)
    np.testing.assert_array_equal(closing.buffer_rows[FLOW.name, "bath"], np.full((3, 4), -0.25))
    rest = closing.buffer_rows[FLOW.name, INTEGRATION]
    np.testing.assert_allclose(rest, errors[:, None] * np.ones(4), atol=1e-14)
    closing.require_balance()


class Twins:
    """A communicator of two ranks that bring the same."""

    size = 2

    def __init__(self) -> None:
        self.longest = 0

    def Iallreduce(self, share: Array, everything: Array, op: MPI.Op) -> MPI.Request:  # noqa: N802 - as in mpi4py
        self.longest = max(self.longest, share.nbytes)
        np.multiply(share, 2.0, out=everything)
        return MPI.COMM_SELF.Ibarrier()


def halved(shares: Shares) -> Shares:
    """A twin's part."""
    return {entry: 0.5 * values for entry, values in shares.items()}


def test_ranks_bring_their_shares_and_what_they_ask():
    run, alone = Run(), open_books(Run())
    ledger = Ledger(CHART, Twins(), 1e-12, 10.0, Clock())
    ledger.open(halved(run.opening()))
    for index, asks in enumerate([(0.5, 2.0), None, (0.0, 1.0)]):
        shares = run.window(index)
        ledger.enter(index, 1.0 + index, halved(shares))
        closing = ledger.settle() if asks is None else ledger.settle(asks)
        assert ledger.asked == ((0.0, 0.0) if asks is None else (2 * asks[0], 2 * asks[1]))
        np.testing.assert_array_equal(closing.inventory["b"], close(alone, index, shares).inventory["b"])


@pytest.mark.parametrize(("a_window", "together"), [(2.0, 1), (1.0, 1), (0.48, 2), (0.198, 5), (0.06, 16), (0.0, 64)])
def test_no_defect_stays_unseen_for_more_than_a_second(monkeypatch, a_window, together):
    """All settle as many windows together as fit into a second by the mean of their watches, and 64 at most."""
    now = 100.0
    monkeypatch.setattr("suture.couplers.ledger.time", SimpleNamespace(monotonic=lambda: now))
    run = Run()
    ledger = Ledger(CHART, Twins(), 1e-12, 10.0, Clock())
    ledger.open(halved(run.opening()))
    settled, waiting = [], 0
    for index in range(1 + 2 * together):
        now += a_window
        waiting += 1
        if ledger.enter(index, 1.0 + index, halved(run.window(index))):
            ledger.settle()
            settled.append(waiting)
            waiting = 0
    assert settled == [1, together, together]


@pytest.mark.parametrize(("flows", "together"), [(50, 7), (500, 1)])
def test_no_message_is_longer_than_what_mpi_adds_in_one_order(monkeypatch, flows, together):
    """64 KiB hold 7 windows of 254 entries in 4 columns; one window goes as it is, however long."""
    monkeypatch.setattr("suture.couplers.ledger.time", SimpleNamespace(monotonic=lambda: 0.0))
    several = tuple(Flow(str(k), "a", "b", ("mass",), lag=0) for k in range(flows))
    chart = Chart(("mass", "momentum"), {"a": (), "b": ()}, {"a": (), "b": ()}, several)
    comm = Twins()
    ledger = Ledger(chart, comm, 1e-12, 10.0, Clock())
    ledger.open({})
    for index in range(together + 1):  # the first window is settled alone
        assert ledger.enter(index, 0.0, {}) == (index in (0, together))
        if index in (0, together):
            ledger.settle()
    assert comm.longest == 8 * (together * len(chart.entries()) * 4 + 3)


def test_books_without_a_column_are_kept_too():
    ledger = Ledger(Chart((), {"a": ()}, {"a": ()}, ()), MPI.COMM_SELF, 1e-12, 10.0, Clock())
    ledger.open({})
    close(ledger, 0, {}).require_balance()
    assert ledger.worst == 0.0


def test_restored_books_go_on_to_the_last_bit():
    run = Run()
    ledger = open_books(run)
    for index in range(5):
        close(ledger, index, run.window(index))
    state, again = ledger.save(), Ledger(CHART, MPI.COMM_SELF, 1e-12, 10.0, Clock())
    again.restore(state)
    shares = run.window(5)
    assert again.enter(5, 6.0, shares), "how long a window takes is not known yet"
    one, other = close(ledger, 5, shares), again.settle()
    for name in ("residual", "defect", "inventory", "carry"):
        for key, values in getattr(one, name).items():
            np.testing.assert_array_equal(getattr(other, name)[key], values)
    np.testing.assert_array_equal(other.rows["a", "pump"], one.rows["a", "pump"])
    assert all(np.array_equal(again.throughput[key], values) for key, values in ledger.throughput.items())
    assert again.worst == ledger.worst > 0.0
