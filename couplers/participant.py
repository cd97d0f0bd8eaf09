"""One participant of a coupled run: it meets the others, and takes its turn in every window."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from mpi4py import MPI

from . import checkpoint
from .bookkeeping import Bookkeeper
from .case_model import Case
from .cell_noise import CellNoise, places_of, write_cell_noise
from .cells import Array, Cells
from .clock import FOLDER as TRACE
from .clock import Clock
from .clocks import caution
from .errors import StoppedError, SutureError, WriteError
from .exchange import Flow, Side, connect
from .fixed_point import FixedPoint
from .kind import Context
from .kinds import load_kind
from .ledger import Ledger
from .ledger_file import NAME, LedgerFile
from .mesh import Mesh
from .protocols import Adapter, Books, Deforms, KeepsCourse, Opens, Records, Rewinds, Solver, TakesElsewhere, Writes
from .quantities import QUANTITIES
from .rewinder import Rewinder
from .scheme import flows_of
from .series import flush_all, writing
from .smoothing import create_smoother
from .status import Status
from .stopping import Stopping
from .traffic import Inflow, Outflow
from .units import factor
from .waiting import ask_when_late, wait
from .watchdog import Watchdog
from .waveform import SLIVER
from .window import Window
from .world import World

log = logging.getLogger("suture")


class Participant:
    """This rank's participant. Its verbs are the loop's; all are collective over the participant's communicator."""

    def __init__(self, case: Case, world: World, output: Path, resume: Path | None = None) -> None:
        """``resume`` is the checkpoint to go on from."""
        self.case = case
        self.world = world
        self.name = world.name
        self.output = output
        self.status = Status(output, self.name, world.comm.rank)
        self.solver: Books | None = None
        self._stepper: Solver | None = None
        self.adapters: dict[str, Adapter] = {}
        self.clock = Clock()
        """Where this rank's time goes."""
        self._flows = flows_of(case)
        self._inflows: list[Inflow] = []
        self._outflows: list[Outflow] = []
        self._fixed_point: FixedPoint | None = None
        self._opened = False
        self._checkpoint = resume
        ask_when_late(Watchdog(output).somebody_works)
        self._stopping = Stopping(case.run, output, watches=world.coupled.rank == 0)
        self._done = checkpoint.windows_done(resume) if resume else 0
        self._received: dict[str, dict[str, Array]] = {}
        self._elapsed = 0.0
        self._file: LedgerFile | None = None
        self._units = case.participants[self.name].unit_system

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
            done=self._done,
        )
        self.solver = self._stepper = kind.create_solver(settings.solver, context)
        for name, interface in self.case.interfaces_of(self.name).items():
            own = replace(context, interface=name, exchange=interface.exchange_of(self.name))
            self.adapters[name] = kind.create_adapter(self._stepper, interface.sides[self.name], own)

    def open(self) -> None:
        """Meet the partners, and open the books or go on with those of a checkpoint. Collective over all participants.

        Raises ``ResumeError`` where the checkpoint cannot be read.
        """
        self.status.update(doing="meeting")
        self._opened = True
        self._gather_round("when it had made its solver")
        self._meet()
        saved = None if self._checkpoint is None else checkpoint.load(self._checkpoint, self._own_file)
        if saved is None:
            self._exchange_initial_states()
        else:
            self._restore(saved)
        self._gather_round("when it had its initial states")
        coupled, deadline = self.world.coupled, self.case.run.deadline
        if self.case.scheme.implicit:
            self._fixed_point = FixedPoint(self.case.scheme, self._flows, self._inflows, coupled, deadline, self.clock)
            if saved is not None:
                self._fixed_point.restore(saved["fixed point"])
        self._books = Bookkeeper(self.name, self._solves, self.adapters, self._inflows, self._outflows)
        chart = self._books.draw_chart(self.case, self._flows, coupled)
        self.ledger = Ledger(chart, coupled, self.case.ledger.tolerance, deadline, self.clock)
        self._open_books(saved)
        self._unsaved = next((reason for reason in coupled.allgather(self._cannot_save()) if reason), "")
        if self._unsaved and self.case.run.checkpoints:
            raise SutureError(f"the case writes checkpoints, and {self._unsaved}")
        self._rewinder = Rewinder(self._solves, self.adapters.values())
        self._recorders = [adapter for adapter in self.adapters.values() if isinstance(adapter, Records)]
        self.clock.restart()

    def _open_books(self, saved: Mapping[str, Any] | None) -> None:
        attributes = {
            "title": self.case.title,
            "units": str(self.case.units),
            "tolerance": self.case.ledger.tolerance,
            "windows": self.case.windows,
            "caution": caution(self.case.clocks),
        }
        if attributes["caution"] and self.world.coupled.rank == 0:
            log.warning("the ledger %s", attributes["caution"])
        path, writes = self.output / NAME, self.world.coupled.rank == 0
        if saved is not None:
            self.ledger.restore(saved["ledger"])
            self._file = LedgerFile.resume(path, self._done, attributes) if writes else None
        else:
            opening = self.ledger.open(self._books.opening())
            self._file = LedgerFile(path, self.ledger.chart, opening, attributes) if writes else None

    @property
    def _own_file(self) -> str:
        return f"{self.name}-{self.world.comm.rank}"

    def _cannot_save(self) -> str:
        """Why this participant can write no checkpoint; an empty text where it can."""
        kind = self.case.participants[self.name].kind
        return "" if load_kind(kind).resumes else f"participant {self.name!r} of kind {kind!r} cannot resume"

    def _save(self) -> dict[str, Any]:
        """All that the next window starts from."""
        rewinding = {name: adapter for name, adapter in self.adapters.items() if isinstance(adapter, Rewinds)}
        assert isinstance(self.solver, Rewinds), "the case is refused where it does not"
        return {
            "solver": self.solver.save(),
            "adapters": {name: adapter.save() for name, adapter in rewinding.items()},
            "inflows": {inflow.flow.name: inflow.save() for inflow in self._inflows},
            "outflows": {outflow.flow.name: outflow.save() for outflow in self._outflows},
            "fixed point": self._fixed_point.save() if self._fixed_point else {},
            "ledger": self.ledger.save(),
        }

    def _restore(self, saved: Mapping[str, Any]) -> None:
        assert isinstance(self.solver, Rewinds), "the case is refused where it does not"
        self.solver.restore(saved["solver"])
        for name, state in saved["adapters"].items():
            adapter = self.adapters[name]
            assert isinstance(adapter, Rewinds), "it was one when it was saved"
            adapter.restore(state)
        for flow in [*self._inflows, *self._outflows]:
            flow.restore(saved["inflows" if isinstance(flow, Inflow) else "outflows"][flow.flow.name])

    def _gather_round(self, when: str) -> None:
        """Wait for all ranks, but not for ever: the collective calls that follow know no deadline."""
        wait([self.world.coupled.Ibarrier()], self.case.run.deadline, f"another participant {when}")

    def _meet(self) -> None:
        own = [flow for flow in self._flows if self.name in (flow.sender, flow.receiver)]
        channels = connect(
            self.world.coupled,
            self.name,
            [self._side(flow) for flow in own],
            self._flows,
            self.world.members,
            self.case.run.deadline,
            self.case.scheme.samples or 1,
        )
        ahead = self.case.scheme.extrapolation
        assert ahead is not None, "filled in when the case is loaded"
        self._inflows = [
            Inflow(channel, ahead, self.clock, create_smoother(channel.flow, self._total))
            for channel in channels
            if channel.flow.receiver == self.name
        ]
        if self.case.ledger.cell_errors:
            for inflow in self._inflows:
                inflow.noise = CellNoise() if inflow.flow.noisy else None
        judged = self.case.scheme.implicit
        self._outflows = [Outflow(c, self.clock, judged) for c in channels if c.flow.sender == self.name]

    def _total(self, share: Array) -> Array:
        """Sum over this participant's ranks."""
        result = np.empty_like(share)
        request = self.world.comm.Iallreduce(np.ascontiguousarray(share), result, op=MPI.SUM)
        wait([request], self.case.run.deadline, f"the other ranks of {self.name!r}")
        return result

    def _side(self, flow: Flow) -> Side:
        length = factor("[length]", self._units, self.case.units)
        cells = {quantity: self._cells(flow, quantity).scaled(length) for quantity in flow.quantities}
        factors = {q: self.case.factor(q, flow.sender, flow.receiver) for q in flow.quantities}
        return Side(flow, cells, factors)

    def _cells(self, flow: Flow, quantity: str) -> Cells | Mesh:
        adapter = self.adapters[flow.interface]
        if flow.receiver == self.name and isinstance(adapter, TakesElsewhere):
            return adapter.taken_cells(quantity)
        return adapter.cells(quantity)

    def _window(self, index: int) -> Window:
        begin, end = (self.case.own_time(self.name, self.case.time.begin(i)) for i in (index, index + 1))
        if self.case.time.growth == 1.0:
            return Window(index, begin, self.case.window_of(self.name))  # to the last bit, as steps are counted
        return Window(index, begin, end - begin)

    def _exchange_initial_states(self) -> None:
        for outflow in self._outflows:
            adapter = self.adapters[outflow.flow.interface]
            has_states = len(outflow.flow.amounts) < len(outflow.flow.quantities)
            given = adapter.send(Window(-1, 0.0, 0.0)) if has_states else {}
            outflow.start(given, self._nothing(outflow.flow))
        states: dict[str, dict[str, Array]] = {name: {} for name in self.adapters}
        for inflow in self._inflows:
            values, _ = inflow.channel.collect()
            samples = self.case.scheme.samples or 1
            initial = {q: v[:, : v.shape[1] // samples] for q, v in values.items() if q not in inflow.flow.amounts}
            states[inflow.flow.interface] |= initial
            inflow.start(initial, self._opening_amounts(inflow.flow))
        for name, adapter in self.adapters.items():
            adapter.prepare(states[name])
        for outflow in self._outflows:
            outflow.channel.flush()

    def _nothing(self, flow: Flow) -> dict[str, Array]:
        adapter = self.adapters[flow.interface]
        return {q: np.zeros((len(adapter.cells(q)), QUANTITIES[q].components)) for q in flow.amounts}

    def _opening_amounts(self, flow: Flow) -> dict[str, Array]:
        """What enters before anybody has given it: the adapter's estimate for a window, or nothing.

        It is needed where the first window comes before what is given in it, and where a filter holds what came before.
        """
        adapter, nothing = self.adapters[flow.interface], self._nothing(flow)
        if (flow.lag or flow.iterated or flow.filter) and flow.amounts and isinstance(adapter, Opens):
            return nothing | dict(adapter.initial_amounts(self._window(0)))
        return nothing

    @property
    def _solves(self) -> Books:
        assert self.solver is not None, "create() or a foreign program sets the solver"
        return self.solver

    def windows(self) -> Iterator[Window]:
        """All windows of the case, opening the books before the first and closing the run after the last."""
        if not self._opened:
            self.open()
        for index in range(self._done, self.case.windows):
            self.status.update(doing="waiting", window=index, windows=self.case.windows)
            self.clock.window = index
            yield self._window(index)
            if self._stopping.stop and index + 1 < self.case.windows:
                self._stop(index + 1)
        self._finish()

    def iterations(self, window: Window) -> Iterator[int]:
        """The iterations of a window, each from where the window began: one where the scheme is explicit."""
        for iteration in itertools.count():
            self.begin(iteration)
            yield iteration
            if self.judge(window):
                return

    def begin(self, iteration: int) -> None:
        """Begin a window, or begin it anew: a repeated iteration starts where the window started."""
        self._elapsed = 0.0
        self._received = {name: {} for name in self.adapters}
        if self._fixed_point is None:
            return
        with self.clock.span("rewind"):
            if iteration:
                self._rewinder.restore()
            else:
                self._fixed_point.begin()
                self._rewinder.save()

    def receive(self, window: Window) -> None:
        """States and amounts in: what the scheme has for this window, or for this iteration of it."""
        for inflow in self._inflows:
            inflow.take()
        for outflow in self._outflows:
            outflow.open()
        if not self._stepwise:
            self._hand_over(window, 0.0, 1.0)
        self.status.update(doing="solving")

    @property
    def _stepwise(self) -> bool:
        """Whether values come and go with every step, and not with the window."""
        return self.case.scheme.samples is not None and self._stepper is not None

    def _hand_over(self, interval: Window, begin: float, end: float) -> None:
        """Give the adapters what falls into an interval of the window, whose ends are in fractions of the window."""
        with self.clock.span("adapter"):
            values: dict[str, dict[str, Array]] = {name: {} for name in self.adapters}
            for inflow in self._inflows:
                values[inflow.flow.interface] |= inflow.during(begin, end)
            for name, adapter in self.adapters.items():
                adapter.receive(interval, values[name])

    def _take_over(self, interval: Window, begin: float, end: float) -> None:
        """Take what the adapters give at the end of an interval, and what they took in it by their own count."""
        with self.clock.span("adapter"):
            given = {name: adapter.send(interval) for name, adapter in self.adapters.items()}
            for outflow in self._outflows:
                outflow.add(begin, end, given[outflow.flow.interface])
            for name, adapter in self.adapters.items():
                so_far = self._received[name]
                for quantity, amount in adapter.received().items():
                    so_far[quantity] = so_far[quantity] + amount if quantity in so_far else np.array(amount)

    @property
    def max_dt(self) -> float:
        """The longest step that the solver can take now."""
        assert self._stepper is not None, "a foreign program advances its solver by itself"
        return self._stepper.max_dt

    def advance(self, window: Window, dt: float) -> None:
        """One step of the solver inside the window; what crossed in it joins the window's amounts."""
        assert self._stepper is not None, "a foreign program advances its solver by itself"
        begin, self._elapsed = self._elapsed, self._elapsed + dt
        step = Window(window.index, window.begin + begin, dt)
        ends = begin / window.dt, 1.0 if self._elapsed >= window.dt * (1.0 - SLIVER) else self._elapsed / window.dt
        if self._stepwise:
            self._hand_over(step, *ends)
        with self.clock.span("solve"):
            self._stepper.advance(dt)
        with self.clock.span("adapter"):
            for adapter in self.adapters.values():
                adapter.account(dt)
        if self._stepwise:
            self._take_over(step, *ends)

    def send(self, window: Window) -> None:
        """States and amounts out."""
        self.status.update(doing="sending")
        if not self._stepwise:
            self._take_over(window, 0.0, 1.0)
        with self.clock.span("send"):
            for outflow in self._outflows:
                outflow.post()

    def judge(self, window: Window) -> bool:
        """Whether the window is done, or must be repeated from its beginning. Collective over all participants."""
        if self._fixed_point is not None:
            self.status.update(doing="converging", iteration=self._fixed_point.iteration + 1)
            with self.clock.span("accelerate"):
                done = self._fixed_point.judge(window.index)
            if not done:
                return False
        for inflow in self._inflows:
            inflow.accept()
        for outflow in self._outflows:
            outflow.accept()
        return True

    def close(self, window: Window) -> bool:
        """Enter the window in the books; it is done. Collective over all participants.

        They are balanced for every window; if one does not balance, ``ConservationError`` follows on every rank alike,
        once it is on record: at once, or where windows are very short, some of them later.
        """
        self.status.update(doing="closing")
        iterations = self._fixed_point.taken(window.index) if self._fixed_point else 1
        with self.clock.span("ledger"):
            time = self.case.time.begin(window.index + 1)
            if self.ledger.enter(window.index, time, self._books.closing(self._received), iterations):
                self._settle()
        self.status.update(done=window.index + 1)
        return True

    def _settle(self) -> None:
        closing = self.ledger.settle(self._stopping.asks())
        if closing is None:
            return
        self._stopping.agree(self.ledger.asked)
        if self._file:
            self._file.append(closing)
        closing.require_balance()
        self.status.update(defect=self.ledger.worst)

    def write(self, window: Window) -> None:
        """What the adapters keep of every window; fields for ParaView and checkpoints as often as the case says."""
        with self.clock.span("write"):
            for adapter in self._recorders:
                adapter.record(window)
            if not self.adapters and isinstance(self.solver, KeepsCourse):
                self.solver.record(window.end)
            every = self.case.run.fields_every
            if every and (window.index + 1) % every == 0 and isinstance(self.solver, Writes):
                self.solver.write(window.index, window.end)
        every, done = self.case.run.checkpoint_every, window.index + 1
        if (every and done % every == 0) or self._stopping.checkpoint or (self._stopping.stop and not self._unsaved):
            self._write_checkpoint(done)

    def _write_checkpoint(self, done: int) -> None:
        began = time.monotonic()
        with self.clock.span("checkpoint"):
            self._settle()
            flush_all()
            case, comm = self.case, self.world.coupled
            checkpoint.save(self.output, case, comm, case.run.deadline, done, self._own_file, self._save())
        self._stopping.written(time.monotonic() - began)

    def _stop(self, done: int) -> None:
        """End before the last window, as asked. Raises ``StoppedError`` on every rank alike."""
        why = self.world.coupled.bcast(self._stopping.reason() or "a signal")
        self._drain()
        self.status.update(doing="finished")
        kept = f"no checkpoint is written: {self._unsaved}" if self._unsaved else "a checkpoint is written"
        raise StoppedError(f"stopped after {done} of {self.case.windows} windows ({why}); {kept}")

    def _finish(self) -> None:
        """Settle and close the books; the run has come to its end."""
        self._settle()
        self._drain()
        flush_all()
        if self._file:
            self._file.close(complete=True)
            self._file = None
        self._write_noise()
        self.status.update(doing="finished")

    def _drain(self) -> None:
        """Take what is still in transit, so that nobody's message is left behind."""
        for inflow in self._inflows:
            if inflow.flow.lag:
                inflow.collect()
        for outflow in self._outflows:
            outflow.channel.flush()

    def deform(self, gradient: Array) -> None:
        """Strain all uniformly, and let everyone have once what the others give then. Collective over all participants.

        For the patch test, in place of windows; after ``create``.
        """
        if not self._inflows and not self._outflows:
            self._meet()
        window = Window(0, 0.0, self.case.window_of(self.name))
        before = [inflow for inflow in self._inflows if "displacement" in inflow.flow.quantities]
        self._receive_strained(before, window)
        for adapter in self.adapters.values():
            assert isinstance(adapter, Deforms), "asked of cases whose adapters are"
            adapter.deform(gradient)
            adapter.account(window.dt)
        for outflow in self._outflows:
            outflow.channel.post(self.adapters[outflow.flow.interface].send(window))
        self._receive_strained([inflow for inflow in self._inflows if inflow not in before], window)
        for outflow in self._outflows:
            outflow.channel.flush()

    def _receive_strained(self, inflows: list[Inflow], window: Window) -> None:
        for inflow in inflows:
            self.adapters[inflow.flow.interface].receive(window, inflow.channel.collect()[0])

    def _write_noise(self) -> None:
        """The standard errors in every cell, in own units, where the case asks for them."""
        noisy = {inflow.flow.interface: inflow for inflow in self._inflows if inflow.noise}
        if noisy:
            folder = self.output / self.name
            folder.mkdir(exist_ok=True)
            places = {n: {q: places_of(self._cells(i.flow, q)) for q in i.flow.quantities} for n, i in noisy.items()}
            kept = {name: inflow.noise for name, inflow in noisy.items() if inflow.noise}
            write_cell_noise(folder / f"noise-{self.world.comm.rank}.npz", kept, places)

    def __enter__(self) -> Participant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._file:
                self._file.close(complete=False)
            with writing(self.output / TRACE):
                self.clock.write(self.output, self.name, self.world.comm.rank)
        except WriteError as failed:
            if error is None:
                raise
            log.error("%s", failed)  # and what ended the run is not hidden by it
