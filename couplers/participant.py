"""One participant of a coupled run: it meets the others, and takes its turn in every window."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

from .case_model import Case
from .cells import Array, Cells, total
from .exchange import Channel, Flow, Side, connect
from .kind import Context
from .kinds import load_kind
from .ledger import Chart, Closing, Entry, Ledger
from .ledger_file import NAME, LedgerFile
from .protocols import Adapter, Audited, Books, KeepsBuffer, Opens, Solver, Writes
from .quantities import QUANTITIES
from .scheme import flows_of
from .status import Status
from .units import factor
from .waiting import wait
from .window import Window
from .world import World

log = logging.getLogger("suture")


class Participant:
    """This rank's participant. Its verbs are the loop's; all are collective over the participant's communicator."""

    def __init__(self, case: Case, world: World, output: Path) -> None:
        self.case = case
        self.world = world
        self.name = world.name
        self.output = output
        self.status = Status(output, self.name, world.comm.rank)
        self.solver: Books | None = None
        self._stepper: Solver | None = None
        self.adapters: dict[str, Adapter] = {}
        self.seconds: dict[str, float] = {}
        """Time spent by this rank, by what it did."""
        self._flows = flows_of(case)
        self._channels: list[Channel] = []
        self._pending: dict[str, dict[str, Array]] = {}
        self._sent: dict[str, Mapping[str, Array]] = {}
        self._file: LedgerFile | None = None
        self._units = case.participants[self.name].unit_system
        self._to_ledger = {
            q: factor(quantity.dimension, self._units, case.units) for q, quantity in self._amounts_of_case().items()
        }

    def _amounts_of_case(self) -> dict:
        exchanged = {q for flow in self._flows for q in flow.amounts}
        return {name: quantity for name, quantity in QUANTITIES.items() if name in exchanged}

    def create(self) -> None:
        """Make the solver and an adapter for each interface, as the case says."""
        settings = self.case.participants[self.name]
        kind = load_kind(settings.kind)
        folder = self.output / self.name
        folder.mkdir(exist_ok=True)
        context = Context(
            comm=self.world.comm,
            name=self.name,
            case=self.case.directory,
            output=folder,
            window=self.case.window_of(self.name),
        )
        self.solver = self._stepper = kind.create_solver(settings.solver, context)
        for name, interface in self.case.interfaces_of(self.name).items():
            self.adapters[name] = kind.create_adapter(self._stepper, interface.sides[self.name], context)

    def open(self) -> None:
        """Meet the partners, give and take the initial states, and open the books. Collective over all participants."""
        self.status.update(doing="meeting")
        self._gather_round("when it had made its solver")
        own = [flow for flow in self._flows if self.name in (flow.sender, flow.receiver)]
        self._channels = connect(
            self.world.coupled,
            self.name,
            [self._side(flow) for flow in own],
            self._flows,
            self.world.members,
            self.case.run.deadline,
        )
        first = self._window(0)
        self._exchange_initial_states(first)
        self._gather_round("when it had its initial states")
        self.ledger = Ledger(self._chart(), self.world.coupled, self.case.ledger.tolerance, self.case.run.deadline)
        opening = self.ledger.open(self._shares(opening=True))
        if self.world.coupled.rank == 0:
            attributes = {
                "title": self.case.title,
                "units": str(self.case.units),
                "tolerance": self.case.ledger.tolerance,
                "windows": self.case.windows,
            }
            self._file = LedgerFile(self.output / NAME, self.ledger.chart, opening, attributes)
        self.seconds.clear()

    def _gather_round(self, when: str) -> None:
        """Wait for all ranks, but not for ever: the collective calls that follow know no deadline."""
        wait([self.world.coupled.Ibarrier()], self.case.run.deadline, f"another participant {when}")

    def _side(self, flow: Flow) -> Side:
        length = factor("[length]", self._units, self.case.units)
        adapter = self.adapters[flow.interface]
        given = {quantity: adapter.cells(quantity) for quantity in flow.quantities}
        cells = {quantity: Cells(own.lower * length, own.upper * length) for quantity, own in given.items()}
        factors = {q: self.case.factor(q, flow.sender, flow.receiver) for q in flow.quantities}
        return Side(flow, cells, factors)

    def _window(self, index: int) -> Window:
        length = self.case.window_of(self.name)
        return Window(index, index * length, length)

    def _exchange_initial_states(self, first: Window) -> None:
        outgoing = [channel for channel in self._channels if channel.flow.sender == self.name]
        for channel in outgoing:
            channel.post(self._initial(channel))
        states: dict[str, dict[str, Array]] = {name: {} for name in self.adapters}
        for channel in self._incoming():
            values, _ = channel.collect()
            amounts = {q: values.pop(q) for q in channel.flow.amounts}
            states[channel.flow.interface] |= values
            if channel.flow.lag:
                self._pending[channel.flow.name] = values | self._opening_amounts(channel.flow, first, amounts)
        for name, adapter in self.adapters.items():
            adapter.prepare(states[name])
        for channel in outgoing:
            channel.flush()

    def _initial(self, channel: Channel) -> dict[str, Array]:
        """States as they are; amounts are zero, since nothing has crossed yet."""
        adapter = self.adapters[channel.flow.interface]
        given = adapter.send(Window(-1, 0.0, 0.0)) if len(channel.flow.amounts) < len(channel.flow.quantities) else {}
        zeros = {q: np.zeros((len(adapter.cells(q)), QUANTITIES[q].components)) for q in channel.flow.amounts}
        return dict(given) | zeros

    def _opening_amounts(self, flow: Flow, first: Window, zeros: dict[str, Array]) -> dict[str, Array]:
        adapter = self.adapters[flow.interface]
        return dict(adapter.initial_amounts(first)) if flow.amounts and isinstance(adapter, Opens) else zeros

    def _incoming(self) -> list[Channel]:
        return [channel for channel in self._channels if channel.flow.receiver == self.name]

    def _chart(self) -> Chart:
        solver = self._books()
        buffers = {
            flow.name: tuple(adapter.buffer_rows())
            for flow in self._flows
            if flow.amounts
            and flow.sender == self.name
            and isinstance(adapter := self.adapters[flow.interface], KeepsBuffer)
        }
        mine = (self.name, tuple(solver.rows()), tuple(solver.inventory()), buffers)
        everyone = self.world.coupled.allgather(mine)
        known = {name: (rows, kept) for name, rows, kept, _ in everyone}
        return Chart(
            quantities=tuple(self._to_ledger),
            rows={name: known[name][0] for name in self.case.participants},
            kept={name: known[name][1] for name in self.case.participants},
            flows=tuple(flow for flow in self._flows if flow.amounts),
            buffers={flow: rows for *_, kept_by_rank in everyone for flow, rows in kept_by_rank.items()},
        )

    def _books(self) -> Books:
        assert self.solver is not None, "create() or a foreign program sets the solver"
        return self.solver

    def windows(self) -> Iterator[Window]:
        """All windows of the case, opening the books before the first and closing the run after the last."""
        if not self._channels:
            self.open()
        for index in range(self.case.windows):
            self.status.update(doing="waiting", window=index, windows=self.case.windows)
            yield self._window(index)
        self._finish()

    def receive(self, window: Window) -> None:
        """States and amounts in: what the scheme has for this window."""
        values: dict[str, dict[str, Array]] = {name: {} for name in self.adapters}
        for channel in self._incoming():
            if channel.flow.name in self._pending:
                values[channel.flow.interface] |= self._pending.pop(channel.flow.name)
                continue
            arrived, waited = channel.collect()
            self._spend("wait", waited)
            values[channel.flow.interface] |= arrived
        with self._time("exchange"):
            for name, adapter in self.adapters.items():
                adapter.receive(window, values[name])
        self.status.update(doing="solving")

    @property
    def max_dt(self) -> float:
        """The longest step that the solver can take now."""
        assert self._stepper is not None, "a foreign program advances its solver by itself"
        return self._stepper.max_dt

    def advance(self, dt: float) -> None:
        """One step of the solver; what crossed in it joins the window's amounts."""
        assert self._stepper is not None, "a foreign program advances its solver by itself"
        with self._time("solve"):
            self._stepper.advance(dt)
        with self._time("exchange"):
            for adapter in self.adapters.values():
                adapter.account(dt)

    def send(self, window: Window) -> None:
        """States and amounts out."""
        self.status.update(doing="sending")
        with self._time("exchange"):
            self._sent = {name: adapter.send(window) for name, adapter in self.adapters.items()}
            for channel in self._channels:
                if channel.flow.sender == self.name:
                    waited = channel.flush()
                    self._spend("wait", waited)
                    self._spend("exchange", -waited)
                    channel.post(self._sent[channel.flow.interface])

    def close(self, window: Window) -> Closing:
        """The books of this window balance, or ``ConservationError``, on every rank alike, once it is on record.

        Collective over all participants.
        """
        self.status.update(doing="closing")
        with self._time("ledger"):
            shares = self._shares()
            before = self.ledger.waited
            closing = self.ledger.close(window.index, (window.index + 1) * self.case.time.window, shares)
        waited = self.ledger.waited - before
        self._spend("wait", waited)
        self._spend("ledger", -waited)
        if self._file:
            self._file.append(closing)
        closing.require_balance()
        self.status.update(defect=self.ledger.worst, done=window.index + 1)
        return closing

    def _shares(self, opening: bool = False) -> dict[Entry, Array]:
        """This rank's part of the books; rows cumulatively, in the ledger's units."""
        chart, solver = self.ledger.chart, self._books()
        shares: dict[Entry, Array] = {("inventory", self.name, ""): self._spread(solver.inventory())}
        shares |= {("row", self.name, row): self._spread(amounts) for row, amounts in solver.rows().items()}
        for flow in chart.flows:
            if flow.receiver == self.name:
                shares |= self._shares_of_receiver(flow, opening)
            elif flow.sender == self.name and not opening:
                shares |= self._shares_of_sender(flow)
            if flow.sender == self.name and flow.name in chart.buffers:
                shares |= self._shares_of_buffer(flow)
        return shares

    def _shares_of_buffer(self, flow: Flow) -> dict[Entry, Array]:
        adapter = self.adapters[flow.interface]
        assert isinstance(adapter, KeepsBuffer), "the chart lists the flows whose sender keeps one"
        held: dict[Entry, Array] = {("buffer", flow.name, ""): self._spread(adapter.buffer_inventory())}
        rows = adapter.buffer_rows().items()
        return held | {("buffer row", flow.name, row): self._spread(amounts) for row, amounts in rows}

    def _shares_of_receiver(self, flow: Flow, opening: bool) -> dict[Entry, Array]:
        adapter = self.adapters[flow.interface]
        if opening:
            pending = self._pending.get(flow.name, {})
            in_transit = {q: total(pending[q]) for q in flow.amounts if q in pending}
            return {("carry", flow.name, ""): self._spread(in_transit)}
        return {
            ("received", flow.name, ""): self._spread(adapter.received()),
            ("carry", flow.name, ""): self._spread(adapter.carry()),
        }

    def _shares_of_sender(self, flow: Flow) -> dict[Entry, Array]:
        adapter = self.adapters[flow.interface]
        sent = self._spread({q: total(self._sent[flow.interface][q]) for q in flow.amounts})
        shares: dict[Entry, Array] = {("sent", flow.name, ""): sent}
        if flow.lag:
            shares["carry", flow.name, ""] = sent  # in transit until the next window
        audit = adapter.audit() if isinstance(adapter, Audited) else None
        if audit is not None:
            shares["audit", flow.name, ""] = self._spread(audit)
            shares["audited", flow.name, ""] = np.ones(len(sent))
        return shares

    def _spread(self, amounts: Mapping[str, Array]) -> Array:
        return self.ledger.chart.spread(amounts, self._to_ledger)

    def write(self, window: Window) -> None:
        """Fields for ParaView, as often as the case says."""
        every = self.case.run.fields_every
        if every and (window.index + 1) % every == 0 and isinstance(self.solver, Writes):
            with self._time("write"):
                self.solver.write(window.index, window.end)

    def _finish(self) -> None:
        """Take what is still in transit, so that nobody's message is left behind."""
        for channel in self._channels:
            if channel.flow.receiver == self.name and channel.flow.lag:
                channel.collect()
            channel.flush()
        if self._file:
            self._file.close(complete=True)
            self._file = None
        self.status.update(doing="finished")

    def __enter__(self) -> Participant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close(complete=False)

    def _spend(self, what: str, seconds: float) -> None:
        self.seconds[what] = self.seconds.get(what, 0.0) + seconds

    @contextmanager
    def _time(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._spend(what, time.perf_counter() - start)
