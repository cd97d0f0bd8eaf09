"""The data plane: states and amounts go from neighbour to neighbour, without blocking, in buffers that are reused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from mpi4py import MPI

from .cells import Array, Cells
from .errors import CommunicationError, MappingError
from .quantities import QUANTITIES
from .rendezvous import Box, Incoming, Meeting, Outgoing, bounding_box, meet_as_receiver, meet_as_sender
from .waiting import wait


@dataclass(frozen=True)
class Flow:
    """What goes one way over one interface: the quantities, and how late they are used.

    ``lag`` is 0 when the receiver uses in window w what the sender gives in window w, and 1 when it uses what was
    given in window w - 1. What is ``iterated`` is used before it is given: the window is repeated until both agree.
    """

    interface: str
    sender: str
    receiver: str
    quantities: tuple[str, ...]
    lag: int
    iterated: bool = False

    @property
    def amounts(self) -> tuple[str, ...]:
        """The conserved quantities among them."""
        return tuple(q for q in self.quantities if QUANTITIES[q].kind == "amount")

    @property
    def name(self) -> str:
        """``interface: sender -> receiver``."""
        return f"{self.interface}: {self.sender} -> {self.receiver}"


@dataclass(frozen=True)
class Side:
    """What this rank brings to the rendezvous of one flow: its cells by quantity, in a length unit common to all."""

    flow: Flow
    cells: Mapping[str, Cells]
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
    _outgoing: dict[str, list[Outgoing]] = field(default_factory=dict)
    _incoming: dict[str, list[Incoming]] = field(default_factory=dict)
    _divisor: dict[str, Array] = field(default_factory=dict)
    _buffers: dict[int, dict[str, Array]] = field(default_factory=dict)
    _requests: list[MPI.Request] = field(default_factory=list)
    _flat: dict[int, Array] = field(default_factory=dict)

    def meet(
        self,
        meeting: Meeting,
        side: Side,
        name: str,
        boxes: Sequence[Box],
        members: Mapping[str, tuple[int, ...]],
    ) -> None:
        """Find the neighbours of one quantity; ``boxes`` are its bounding boxes, by coupled rank. Raises as below."""
        cells = side.cells[meeting.quantity]
        if name == meeting.sender:
            others = members[meeting.receiver]
            self._outgoing[meeting.quantity] = meet_as_sender(
                self.comm, meeting, cells, [boxes[r] for r in others], others, side.factors[meeting.quantity]
            )
        else:
            others = members[meeting.sender]
            self._incoming[meeting.quantity], self._divisor[meeting.quantity] = meet_as_receiver(
                self.comm, meeting, cells, [boxes[r] for r in others], others
            )

    def allocate(self) -> None:
        """Make one flat buffer for every neighbour, with a view of it for each quantity."""
        sizes: dict[int, dict[str, tuple[int, int]]] = {}
        for quantity in self.flow.quantities:
            width = self._width(quantity)
            for out in self._outgoing.get(quantity, []):
                sizes.setdefault(out.rank, {})[quantity] = (out.weights.shape[0], width)
            for into in self._incoming.get(quantity, []):
                sizes.setdefault(into.rank, {})[quantity] = (len(into.cells), width)
        for rank, shapes in sizes.items():
            flat = self._flat[rank] = np.zeros(sum(n * c for n, c in shapes.values()))
            ends = np.cumsum([n * c for n, c in shapes.values()])
            views = np.split(flat, ends[:-1])
            self._buffers[rank] = {q: view.reshape(shapes[q]) for q, view in zip(shapes, views, strict=True)}

    def _width(self, quantity: str) -> int:
        return QUANTITIES[quantity].components * self.samples

    def post(self, values: Mapping[str, Array]) -> None:
        """Start sending ``values``, each (own cells, samples * components), after the previous message has left."""
        self.flush()
        for quantity, routes in self._outgoing.items():
            if quantity not in values:
                raise CommunicationError(f"{self.flow.name}: {self.flow.sender!r} gave no {quantity} in this window")
            for out in routes:
                self._buffers[out.rank][quantity][:] = out.weights @ values[quantity]
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
        requests = [self.comm.Irecv(buffer, source=rank, tag=self._tag) for rank, buffer in self._flat.items()]
        waited = wait(requests, self.deadline, f"participant {self.flow.sender!r} on {self.flow.name}")
        values: dict[str, Array] = {}
        for quantity, routes in self._incoming.items():
            total = np.zeros((len(self._divisor[quantity]), self._width(quantity)))
            for into in routes:
                total[into.place] += self._buffers[into.rank][quantity]
            if QUANTITIES[quantity].kind == "state":
                total /= self._divisor[quantity][:, None]
            values[quantity] = total
        return values, waited


def connect(
    comm: MPI.Comm,
    name: str,
    sides: Sequence[Side],
    flows: Sequence[Flow],
    members: Mapping[str, tuple[int, ...]],
    deadline: float,
    samples: int = 1,
) -> list[Channel]:
    """Let all participants meet; returns the channels of this rank, one for each of its ``sides``.

    ``flows`` lists every flow of the case in one order on all ranks; ``sides`` those that this participant takes part
    in. Collective over ``comm``. Raises ``MappingError`` on every rank alike when two sides do not cover each other.
    """
    mine = {side.flow: side for side in sides}
    boxes = comm.allgather(
        {(flows.index(f), q): bounding_box(side.cells[q]) for f, side in mine.items() for q in f.quantities}
    )
    channels: list[Channel] = []
    problem = ""
    tag = 0
    for number, flow in enumerate(flows):
        channel = Channel(flow, comm, deadline, samples, _tag=tag)
        for quantity in flow.quantities:
            tag += 1
            if flow not in mine:
                continue
            meeting = Meeting(
                flow.interface, quantity, QUANTITIES[quantity].kind == "amount", flow.sender, flow.receiver, tag
            )
            try:
                channel.meet(meeting, mine[flow], name, [b.get((number, quantity)) for b in boxes], members)
            except MappingError as error:
                problem = problem or str(error)
        tag += 1
        if flow in mine:
            channel.allocate()
            channels.append(channel)
    problems = [each for each in comm.allgather(problem) if each]
    if problems:
        raise MappingError(problems[0])
    return channels
