"""The data plane: states and amounts go from neighbour to neighbour, without blocking, in buffers that are reused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from mpi4py import MPI

from .cells import Array
from .choice import Acquaintance
from .errors import CommunicationError, MappingError
from .flow import Flow
from .quantities import QUANTITIES
from .rendezvous import Discretisation
from .transfer import GiveAmount, GiveState, Packs, Pull, TakeAmount, TakeState, Unpacks
from .waiting import wait


@dataclass(frozen=True)
class Side:
    """What this rank brings to the rendezvous of one flow, by quantity, in a length unit common to all."""

    flow: Flow
    cells: Mapping[str, Discretisation]
    factors: Mapping[str, float]
    """From the sender's unit to the receiver's, by quantity."""


@dataclass
class Channel:
    """One side's end of a flow: packs what this rank gives, or unpacks what it takes, one message per neighbour."""

    flow: Flow
    comm: MPI.Comm
    deadline: float
    samples: int
    """Values of each quantity at one place in one message: those of successive parts of the window, side by side."""
    _tag: int
    _packs: dict[str, Packs] = field(default_factory=dict)
    _unpacks: dict[str, Unpacks] = field(default_factory=dict)
    _buffers: dict[str, dict[int, Array]] = field(default_factory=dict)
    _requests: list[MPI.Request] = field(default_factory=list)
    _flat: dict[int, Array] = field(default_factory=dict)
    _direct: tuple[str, int, int] | None = None
    """Quantity, rank and rows, where a message is one array of values as they are: then nothing is copied."""

    def allocate(self) -> None:
        """Make one flat buffer for every neighbour, with a view of it for each quantity."""
        ends = {**self._packs, **self._unpacks}
        if len(ends) == 1:
            ((quantity, end),) = ends.items()
            if end.as_it_is:
                self._direct = quantity, *next(iter(end.sizes.items()))
                return
        shapes = {q: {r: (n, self._width(q)) for r, n in ends[q].sizes.items()} for q in self.flow.quantities}
        for rank in sorted({rank for each in shapes.values() for rank in each}):
            here = {q: each[rank] for q, each in shapes.items() if rank in each}
            flat = self._flat[rank] = np.zeros(sum(n * c for n, c in here.values()))
            start = 0
            for quantity, (n, c) in here.items():
                view = flat[start : start + n * c].reshape(n, c)
                self._buffers.setdefault(quantity, {})[rank] = view
                start += n * c

    def _width(self, quantity: str) -> int:
        return QUANTITIES[quantity].components * self.samples

    def post(self, values: Mapping[str, Array]) -> None:
        """Start sending ``values``, each (own cells, samples * components), after the previous message has left.

        They must not change until ``flush``.
        """
        self.flush()
        for quantity in self._packs:
            if quantity not in values:
                raise CommunicationError(f"{self.flow.name}: {self.flow.sender!r} gave no {quantity} in this window")
        if self._direct:
            quantity, rank, _ = self._direct
            message = np.ascontiguousarray(values[quantity], dtype=np.float64)
            self._requests = [self.comm.Isend(message, dest=rank, tag=self._tag)]
            return
        for quantity, end in self._packs.items():
            end.pack(values[quantity], self._buffers.get(quantity, {}))
        self._requests = [self.comm.Isend(buffer, dest=rank, tag=self._tag) for rank, buffer in self._flat.items()]

    def flush(self) -> float:
        """Wait until what was posted has left; returns the seconds spent."""
        if not self._requests:
            return 0.0
        waited = wait(self._requests, self.deadline, f"participant {self.flow.receiver!r} on {self.flow.name}")
        self._requests = []
        return waited

    def collect(self) -> tuple[dict[str, Array], float]:
        """Wait for the message; returns values, each (own cells, samples * components), and the seconds waited."""
        if self._direct:
            quantity, rank, rows = self._direct
            message = np.empty((rows, self._width(quantity)))
            request = self.comm.Irecv(message, source=rank, tag=self._tag)
            waited = wait([request], self.deadline, f"participant {self.flow.sender!r} on {self.flow.name}")
            return {quantity: message}, waited
        requests = [self.comm.Irecv(buffer, source=rank, tag=self._tag) for rank, buffer in self._flat.items()]
        waited = wait(requests, self.deadline, f"participant {self.flow.sender!r} on {self.flow.name}")
        values = {
            quantity: end.unpack(self._buffers.get(quantity, {}), self._width(quantity))
            for quantity, end in self._unpacks.items()
        }
        return values, waited


def connect(
    comm: MPI.Intracomm,
    name: str,
    sides: Sequence[Side],
    flows: Sequence[Flow],
    members: Mapping[str, tuple[int, ...]],
    deadline: float,
    samples: int = 1,
) -> list[Channel]:
    """Let all participants meet; returns the channels of this rank, one for each of its ``sides``.

    ``flows`` lists every flow of the case in one order on all ranks; ``sides`` those that this participant takes part
    in. Collective over ``comm``. Raises ``MappingError`` on every rank alike when a mapping does not fit its two sides.
    """
    mine = {side.flow: side for side in sides}
    acquaintance = Acquaintance(comm, name, members, deadline)
    acquaintance.introduce({(flows.index(f), q): side.cells[q] for f, side in mine.items() for q in f.quantities})
    channels: list[Channel] = []
    problem = ""
    for number, flow in enumerate(flows):
        if flow not in mine:
            continue
        channel = Channel(flow, comm, deadline, samples, _tag=number)
        for quantity in flow.quantities:
            try:
                _join(channel, quantity, mine[flow], acquaintance, (number, quantity))
            except MappingError as error:
                problem = problem or str(error)
        channels.append(channel)
    acquaintance.part()
    problems = [each for each in comm.allgather(problem) if each]
    if problems:
        raise MappingError(problems[0])
    for channel in channels:
        channel.allocate()
    return channels


def _join(channel: Channel, quantity: str, side: Side, acquaintance: Acquaintance, key: tuple[int, str]) -> None:
    """Build both ends of one quantity: a state is mapped where it arrives, an amount before it leaves."""
    flow, factor = side.flow, side.factors[quantity]
    amount = QUANTITIES[quantity].kind == "amount"
    evaluation, source = (flow.sender, flow.receiver) if amount else (flow.receiver, flow.sender)
    end = acquaintance.map(flow.interface, evaluation, source, flow.mapping, key, amount)
    if isinstance(end, Pull):
        if amount:
            channel._packs[quantity] = GiveAmount(end, factor)
        else:
            channel._unpacks[quantity] = TakeState(end, factor)
    elif amount:
        channel._unpacks[quantity] = TakeAmount(end)
    else:
        channel._packs[quantity] = GiveState(end)
