"""One rank's part of the books: what its solver, its adapters and its flows have to enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import add, mul

import numpy as np
from mpi4py import MPI

from .case_model import Case
from .cells import Array
from .exchange import Flow
from .ledger import Chart, Entry
from .protocols import Adapter, Audited, Books, GivesGross, KeepsBuffer
from .quantities import QUANTITIES
from .traffic import Inflow, Outflow
from .units import factor


class Bookkeeper:
    """Enters this participant's shares, converted to the ledger's units, under the names of the chart."""

    def __init__(
        self,
        name: str,
        solver: Books,
        adapters: Mapping[str, Adapter],
        inflows: Sequence[Inflow],
        outflows: Sequence[Outflow],
    ) -> None:
        self._name = name
        self._solver = solver
        self._adapters = adapters
        # Asking for a protocol is slow, and this is done in every window.
        self._gross = solver if isinstance(solver, GivesGross) else None
        self._audited = {name: adapter for name, adapter in adapters.items() if isinstance(adapter, Audited)}
        self._buffered = {name: adapter for name, adapter in adapters.items() if isinstance(adapter, KeepsBuffer)}
        self._inflows = [inflow for inflow in inflows if inflow.flow.amounts]
        self._outflows = [outflow for outflow in outflows if outflow.flow.amounts]
        self._factors: list[float] = []
        """From the participant's units to the ledger's, by column."""
        self.chart: Chart

    def draw_chart(self, case: Case, flows: Sequence[Flow], comm: MPI.Comm) -> Chart:
        """Agree on the chart of accounts. Collective over all participants."""
        buffers = {
            outflow.flow.name: tuple(self._buffered[outflow.flow.interface].buffer_rows())
            for outflow in self._outflows
            if outflow.flow.interface in self._buffered
        }
        mine = (self._name, tuple(self._solver.rows()), tuple(self._solver.inventory()), buffers)
        everyone = comm.allgather(mine)
        known = {name: (rows, kept) for name, rows, kept, _ in everyone}
        quantities = _amounts_of(case, {quantity for _, _, kept, _ in everyone for quantity in kept})
        units = case.participants[self._name].unit_system
        self.chart = Chart(
            quantities=quantities,
            rows={name: known[name][0] for name in case.participants},
            kept={name: known[name][1] for name in case.participants},
            flows=tuple(flow for flow in flows if flow.amounts),
            buffers={flow: rows for *_, kept_by_rank in everyone for flow, rows in kept_by_rank.items()},
            clocks=case.clocks,
        )
        factors = {q: factor(QUANTITIES[q].dimension, units, case.units) for q in quantities}
        self._factors = self.chart.spread({q: np.full(QUANTITIES[q].components, factors[q]) for q in quantities})
        return self.chart

    def opening(self) -> dict[Entry, list[float]]:
        """What is there before the first window."""
        shares = self._solver_shares()
        for inflow in self._inflows:
            shares["carry", inflow.flow.name, ""] = self._added(inflow.held_back(), inflow.in_transit())
        return shares | self._buffer_shares()

    def closing(self, received: Mapping[str, Mapping[str, Array]]) -> dict[Entry, list[float]]:
        """What this window comes to; ``received`` is what each interface's adapter took, by its own count.

        Rows are given cumulatively, everything else for this window.
        """
        shares = self._solver_shares()
        for inflow in self._inflows:
            shares |= self._receiver_shares(inflow, received[inflow.flow.interface])
        for outflow in self._outflows:
            shares |= self._sender_shares(outflow)
        return shares | self._buffer_shares()

    def _solver_shares(self) -> dict[Entry, list[float]]:
        shares: dict[Entry, list[float]] = {("inventory", self._name, ""): self._spread(self._solver.inventory())}
        if self._gross is not None:
            shares["gross", self._name, ""] = self._spread(self._gross.gross())
        rows = self._solver.rows().items()
        return shares | {("row", self._name, row): self._spread(amounts) for row, amounts in rows}

    def _receiver_shares(self, inflow: Inflow, received: Mapping[str, Array]) -> dict[Entry, list[float]]:
        name, own = inflow.flow.name, self._adapters[inflow.flow.interface].carry()
        return {
            ("received", name, ""): self._spread(received),
            ("carry", name, ""): self._added(own, inflow.held_back()),
        }

    def _sender_shares(self, outflow: Outflow) -> dict[Entry, list[float]]:
        name = outflow.flow.name
        sent = self._spread(outflow.sent())
        shares: dict[Entry, list[float]] = {("sent", name, ""): sent}
        if outflow.flow.lag:
            ratio = self.chart.ratio(outflow.flow)
            shares["carry", name, ""] = [ratio * amount for amount in sent]  # in transit until the next window
        adapter = self._audited.get(outflow.flow.interface)
        audit = adapter.audit() if adapter else None
        if audit is not None:
            shares["audit", name, ""] = self._spread(audit)
            shares["audited", name, ""] = [1.0] * len(sent)
        return shares

    def _buffer_shares(self) -> dict[Entry, list[float]]:
        shares: dict[Entry, list[float]] = {}
        for outflow in self._outflows:
            name, adapter = outflow.flow.name, self._buffered.get(outflow.flow.interface)
            if adapter:
                shares["buffer", name, ""] = self._spread(adapter.buffer_inventory())
                rows = adapter.buffer_rows().items()
                shares |= {("buffer row", name, row): self._spread(amounts) for row, amounts in rows}
        return shares

    def _spread(self, amounts: Mapping[str, Array]) -> list[float]:
        return list(map(mul, self.chart.spread(amounts), self._factors))

    def _added(self, one: Mapping[str, Array], other: Mapping[str, Array]) -> list[float]:
        return list(map(add, self._spread(one), self._spread(other)))


def _amounts_of(case: Case, kept: set[str]) -> tuple[str, ...]:
    """The conserved quantities that cross any interface, in the ledger's order; without interfaces what is kept."""
    exchanged = {q for interface in case.interfaces.values() for d in interface.directions for q in d.amounts}
    exchanged = exchanged if case.interfaces else kept
    return tuple(q for q in QUANTITIES if q in exchanged)
