"""The ledger: the double-entry account of all amounts, inventories, sources and defects, closed in every window.

For each participant p and quantity q

    inventory(end) - inventory(begin) = sum received - sum sent + sum rows + residual

and for each flow of amounts over an interface

    sent * ratio = received + (carry(end) - carry(begin))

Sender's books are in the sender's time, receiver's books and the carry in the receiver's; the ratio is that of their
clocks, which is 1 but on the way to a steady state.

Every rank brings its share of every window; an all-reduce makes the books known to all, so that all judge them alike.
Windows that take next to no time are settled some at a time, so that the books cost little, but each by itself. A
defect is relative to the throughput, the sum of |amounts| so far, and never to the total, which hides leaks. A quantity
that does not flow is judged by the round-off of the terms of its balance instead: 64 eps sum |terms| counts as much as
the tolerance does of the throughput. Terms that are sums of parts which cancel count with the parts' magnitudes, where
the participant gives them: its gross.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mpi4py import MPI

from .cells import Array
from .clock import EVERYONE, Clock
from .clocks import ratio
from .errors import ConservationError, LedgerError
from .exchange import Flow
from .quantities import QUANTITIES
from .waiting import wait

ROUND_OFF = 64 * np.finfo(float).eps

_SETTLE_EVERY = 1.0
"""Seconds that a defect may stay undetected: windows that are shorter are settled together."""
_MOST = 64
"""Windows that are settled together at most."""
_MESSAGE = 60_000
"""Bytes of the largest message: up to 64 KiB, Open MPI adds in one order, and a sum does not depend on the timing."""

INTEGRATION = "integration error"
"""Row of a buffer: what its devices and the amounts do not explain."""

Entry = tuple[str, str, str]
"""(kind, owner, row): ("inventory", participant, ""), ("row", participant, name), ("sent", flow name, ""), …"""
Shares = Mapping[Entry, Sequence[float] | Array]
"""One rank's part of entries, a number for each of the ledger's columns."""


@dataclass(frozen=True)
class Chart:
    """The chart of accounts, the same on every rank: what is kept of whom, in which columns."""

    quantities: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    """Named boundaries and sources of each participant."""
    kept: Mapping[str, tuple[str, ...]]
    """Quantities of which each participant gives an inventory; the others' balances cannot be checked."""
    flows: tuple[Flow, ...]
    """The flows that carry amounts."""
    buffers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Rows of the buffers of those senders that keep one, by flow."""
    clocks: Mapping[str, float] = field(default_factory=dict)
    """The clock of each participant, 1 where nothing is said."""
    _nothing: dict[str, list[float]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_nothing", {q: [0.0] * QUANTITIES[q].components for q in self.quantities})

    @property
    def columns(self) -> tuple[str, ...]:
        """One column for each component of each quantity."""
        return tuple(name for q in self.quantities for name in QUANTITIES[q].component_names)

    def ratio(self, flow: Flow) -> float:
        """What a sent amount is multiplied by where its sender's and its receiver's clocks differ."""
        return ratio(self.clocks, flow.sender, flow.receiver) if self.clocks else 1.0

    def entries(self) -> list[Entry]:
        """Everything that is summed over ranks in a window."""
        of_participants = [(kind, p, "") for p in self.rows for kind in ("inventory", "gross")] + [
            ("row", p, r) for p in self.rows for r in self.rows[p]
        ]
        of_flows = [
            (kind, f.name, "") for f in self.flows for kind in ("sent", "received", "carry", "audit", "audited")
        ]
        of_buffers = [("buffer", f, "") for f in self.buffers]
        of_buffers += [("buffer row", f, r) for f in self.buffers for r in self.buffers[f]]
        return of_participants + of_flows + of_buffers

    def spread(self, amounts: Mapping[str, Array]) -> list[float]:
        """Lay ``amounts`` out in the ledger's columns; what is not given is zero."""
        # In plain floats: arrays of so few would take several times as long, and there are many in each window.
        parts = (amounts[q].ravel().tolist() if q in amounts else nothing for q, nothing in self._nothing.items())
        return [amount for part in parts for amount in part]

    def keeps(self, participant: str) -> Array:
        """1 for the columns whose inventory the participant gives, else nan."""
        flags = [
            np.full(QUANTITIES[q].components, 1.0 if q in self.kept[participant] else np.nan) for q in self.quantities
        ]
        return np.concatenate(flags) if flags else np.zeros(0)


@dataclass
class Closing:
    """What the ledger holds after each of some windows; arrays have shape (windows, columns), in the ledger's units."""

    index: int
    """The first of the windows."""
    times: Array
    """At the windows' ends, (windows,), in the case's unit."""
    iterations: Array
    """Of each window, (windows,); negative where it has not converged."""
    inventory: dict[str, Array] = field(default_factory=dict)
    gross: dict[str, Array] = field(default_factory=dict)
    """Magnitudes of the parts whose sums a participant's inventory and rows are; 0 where it gives none."""
    rows: dict[tuple[str, str], Array] = field(default_factory=dict)
    """What each named boundary or source added in a window."""
    sent: dict[str, Array] = field(default_factory=dict)
    received: dict[str, Array] = field(default_factory=dict)
    carry: dict[str, Array] = field(default_factory=dict)
    audit: dict[str, Array] = field(default_factory=dict)
    """The independently measured amounts; nan in a window without audit."""
    residual: dict[str, Array] = field(default_factory=dict)
    """What a participant's books cannot explain in a window; nan where it gives no inventory."""
    defect: dict[str, Array] = field(default_factory=dict)
    """Sent, in the receiver's time, less received less the change of the carry, by flow, in a window."""
    buffer: dict[str, Array] = field(default_factory=dict)
    """What the sender's buffer holds, by flow."""
    buffer_rows: dict[tuple[str, str], Array] = field(default_factory=dict)
    """What each device added to the buffer in a window, and what is left to the sender's integration error."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Balances that do not hold: in which window; whose, in which column, by how much."""

    def require_balance(self) -> None:
        """Raise ``ConservationError`` unless all balances hold; alike on every rank."""
        if self.faults:
            first = min(window for window, _ in self.faults)
            texts = [text for window, text in self.faults if window == first]
            raise ConservationError(f"window {first}: the books do not balance\n  " + "\n  ".join(texts))


class Ledger:
    """The books of one run, as every rank holds them."""

    def __init__(self, chart: Chart, comm: MPI.Comm, tolerance: float, deadline: float, clock: Clock) -> None:
        self.chart = chart
        self.tolerance = tolerance
        self._comm = comm
        self._deadline = deadline
        self._clock = clock
        self._entries = chart.entries()
        self._row_of = {entry: row for row, entry in enumerate(self._entries)}
        size = max(1, len(self._entries) * len(chart.columns))
        self._most = int(np.clip(_MESSAGE // (8 * size), 1, _MOST))
        self._share = np.zeros((self._most, len(self._entries), len(chart.columns)))
        self._before = np.zeros(self._share.shape[1:])
        """What every entry came to at the end of the last window that was settled, (entries, columns)."""
        self._entered: list[tuple[int, float, int]] = []
        self._block = 1
        self._settled = time.monotonic()
        self.throughput: dict[str, Array] = {}
        """Sum of |amounts| so far of each participant and each flow."""
        self.worst = 0.0
        """The largest relative defect of the run so far."""
        self.asked = (0.0, 0.0)
        """What all ranks asked for at the last settlement, summed."""

    def open(self, shares: Shares) -> Closing:
        """Take the opening inventories and carries. Collective."""
        self._enter(shares)
        opened = self._reduce(1)
        self._before, before = opened[0], self._by_entry(opened)
        self._block = 1
        zero = np.zeros(len(self.chart.columns))
        self.throughput = {name: zero.copy() for name in [*self.chart.rows, *(f.name for f in self.chart.flows)]}
        opening = Closing(-1, np.zeros(1), np.zeros(1))
        opening.inventory = {p: before["inventory", p, ""] for p in self.chart.rows}
        opening.carry = {f.name: before["carry", f.name, ""] for f in self.chart.flows}
        opening.buffer = {f: before["buffer", f, ""] for f in self.chart.buffers}
        return opening

    def enter(self, index: int, time: float, shares: Shares, iterations: int = 1) -> bool:
        """Enter one window. Returns whether it is time to settle.

        Rows are given cumulatively, everything else for this window. ``iterations`` is negative where the window has
        not converged. Every rank gets the same answer. Raises ``LedgerError`` for an entry that was not opened.
        """
        self._enter(shares)
        self._entered.append((index, time, iterations))
        return len(self._entered) >= self._block

    def _enter(self, shares: Shares) -> None:
        for entry in shares:
            if entry not in self._row_of:
                kind, owner, name = entry
                known = ", ".join(n for k, o, n in self._entries if (k, o) == (kind, owner)) or "none"
                raise LedgerError(
                    f"{owner}: {kind} {name!r} was not there when the books were opened (known: {known}); "
                    f"a solver must name the same rows on every rank and in every window"
                )
        share = self._share[len(self._entered)]
        share[:] = 0.0
        if shares:
            share[[self._row_of[entry] for entry in shares]] = list(shares.values())

    def settle(self, asks: tuple[float, float] = (0.0, 0.0)) -> Closing | None:
        """Balance every window that was entered and not settled, None without one. Collective.

        What this rank ``asks`` of all travels along: ``asked`` is the sum. Defects above the tolerance are among the
        closing's ``faults``, so that they can be put on record before the run ends.
        """
        if not self._entered:
            return None
        indices, times, iterations = zip(*self._entered, strict=True)
        ends = self._reduce(len(self._entered), asks)
        self._entered.clear()
        closing = self._balance(Closing(indices[0], np.array(times), np.array(iterations, dtype=float)), ends)
        self._before = ends[-1]
        return closing

    def save(self) -> dict[str, Any]:
        """What the next window's balance starts from."""
        return {"before": self._before, "throughput": dict(self.throughput), "worst": self.worst}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._before = np.array(state["before"])
        self.throughput, self.worst = dict(state["throughput"]), float(state["worst"])

    def _reduce(self, windows: int, asks: tuple[float, float] = (0.0, 0.0)) -> Array:
        """All shares summed over the ranks, (windows, entries, columns); agree on how many to settle next time."""
        since = time.monotonic() - self._settled
        share = np.append(self._share[:windows].ravel(), (*asks, since))
        everything = np.empty_like(share)
        request = self._comm.Iallreduce(share, everything, op=MPI.SUM)
        with self._clock.span("wait", EVERYONE):
            wait([request], self._deadline, "the other participants at the window's end")
        self._settled = time.monotonic()
        a_window = everything[-1] / self._comm.size / windows
        self._block = int(np.clip(_SETTLE_EVERY / max(a_window, 1e-9), 1, self._most))
        self.asked = float(everything[-3]), float(everything[-2])
        return everything[:-3].reshape(windows, *self._share.shape[1:])

    def _by_entry(self, values: Array) -> dict[Entry, Array]:
        return {entry: values[:, row] for row, entry in enumerate(self._entries)}

    def _balance(self, closing: Closing, ends: Array) -> Closing:
        now, begins = self._by_entry(ends), self._by_entry(np.concatenate((self._before[None], ends[:-1])))
        for flow in self.chart.flows:
            self._close_flow(closing, flow, now, begins)
        for participant in self.chart.rows:
            self._close_participant(closing, participant, now, begins)
        for flow in self.chart.buffers:
            self._close_buffer(closing, flow, now, begins)
        return closing

    def _close_flow(
        self, closing: Closing, flow: Flow, now: Mapping[Entry, Array], begins: Mapping[Entry, Array]
    ) -> None:
        name = flow.name
        sent, received, carry = (now[kind, name, ""] for kind in ("sent", "received", "carry"))
        arrives, before = self.chart.ratio(flow) * sent, begins["carry", name, ""]
        defect = arrives - received - (carry - before)
        closing.sent[name], closing.received[name], closing.carry[name], closing.defect[name] = (
            sent,
            received,
            carry,
            defect,
        )
        closing.audit[name] = np.where(now["audited", name, ""] > 0, now["audit", name, ""], np.nan)
        # The parts of what was received are among those of the receiver's own books.
        terms = np.sum(np.abs([arrives, received, carry, before, now["gross", flow.receiver, ""]]), axis=0)
        self._judge(closing, f"interface {name}", defect, self._through(name, np.abs(arrives)), terms)

    def _close_participant(
        self, closing: Closing, name: str, now: Mapping[Entry, Array], begins: Mapping[Entry, Array]
    ) -> None:
        end, begin = now["inventory", name, ""], begins["inventory", name, ""]
        crossed = [now["received", f.name, ""] for f in self.chart.flows if f.receiver == name]
        crossed += [-now["sent", f.name, ""] for f in self.chart.flows if f.sender == name]
        rows = [("row", name, row) for row in self.chart.rows[name]]
        total, added = [now[row] for row in rows], [now[row] - begins[row] for row in rows]
        residual = (end - begin - sum(crossed) - sum(added)) * self.chart.keeps(name)
        closing.inventory[name], closing.residual[name] = end, residual
        closing.gross[name] = now["gross", name, ""]
        closing.rows.update({(name, row): a for row, a in zip(self.chart.rows[name], added, strict=True)})
        through = self._through(name, sum((np.abs(a) for a in [*crossed, *added]), np.zeros_like(end)))
        terms = np.sum(np.abs([end, begin, *crossed, *total, closing.gross[name]]), axis=0)
        self._judge(closing, f"participant {name!r}", residual, through, terms)

    def _close_buffer(
        self, closing: Closing, flow: str, now: Mapping[Entry, Array], begins: Mapping[Entry, Array]
    ) -> None:
        """What was sent passed into the buffer; what its devices do not explain is the integrator's error: a row.

        It is not judged: for energy it is no round-off.
        """
        closing.buffer[flow] = now["buffer", flow, ""]
        rest = closing.buffer[flow] - begins["buffer", flow, ""] - now["sent", flow, ""]
        for row in self.chart.buffers[flow]:
            added = now["buffer row", flow, row] - begins["buffer row", flow, row]
            closing.buffer_rows[flow, row] = added
            rest = rest - added
        closing.buffer_rows[flow, INTEGRATION] = rest

    def _through(self, name: str, amounts: Array) -> Array:
        """The throughput after each window."""
        course = np.cumsum(np.concatenate((self.throughput[name][None], amounts)), axis=0)[1:]
        self.throughput[name] = course[-1]
        return course

    def _judge(self, closing: Closing, whose: str, defect: Array, throughput: Array, terms: Array) -> None:
        if not terms.size:
            return
        relative = relative_defect(defect, throughput, terms, self.tolerance)
        relative[np.isnan(relative)] = 0.0  # the participant gives no inventory of it
        relative[~np.isfinite(terms)] = np.inf
        self.worst = max(self.worst, float(relative.max()))
        for window in np.flatnonzero(relative.max(axis=1) > self.tolerance):
            column = int(np.argmax(relative[window]))
            what = self.chart.columns[column]
            if not np.isfinite(terms[window, column]):
                text = f"{whose}: {what} is not a number"
            else:
                text = (
                    f"{whose}: {what} has a defect of {defect[window, column]:.6g}, which is "
                    f"{relative[window, column]:.3g} of the throughput {throughput[window, column]:.6g}; "
                    f"the case allows {self.tolerance:g} (`tolerance` in [ledger])"
                )
            closing.faults.append((closing.index + int(window), text))


def relative_defect(defect: Array, throughput: Array, terms: Array, tolerance: float) -> Array:
    """|defect| relative to the throughput, or to the round-off of the balance where hardly anything flows.

    All arguments have the same shape; nan where a balance cannot be checked. Infinite where nothing flows, nothing is
    held, and still there is a defect.
    """
    scale = np.maximum(throughput, ROUND_OFF / tolerance * terms)
    nothing = np.where(np.isnan(defect), np.nan, np.where(defect == 0.0, 0.0, np.inf))
    with np.errstate(invalid="ignore"):  # infinite by infinite, which is found otherwise
        return np.divide(np.abs(defect), scale, out=nothing, where=scale > 0)
