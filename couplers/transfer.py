"""How one quantity becomes messages between ranks, and messages become the quantity again.

One consistent operator W lies with the side that has the evaluation points. A state goes to that side: raw values are
sent and W is applied on arrival. An amount leaves from that side: the transpose of W is applied before it is sent, and
the contributions are added where they arrive. So the conservative map of one direction is the exact transpose of the
consistent map of the other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from .cells import Array
from .operators import Index32, Operator, Stencil

Buffers = Mapping[int, Array]
"""Part of the message to or from each rank, (rows, components)."""


class Packs(Protocol):
    """The sending end of one quantity."""

    @property
    def sizes(self) -> Mapping[int, int]:
        """Rows of the message to each coupled rank."""
        ...

    @property
    def as_it_is(self) -> bool:
        """Whether the message is the own values themselves, all of them to one rank."""
        ...

    def pack(self, values: Array, buffers: Buffers) -> None:
        """Fill the buffers from own values (own places, components)."""
        ...


class Unpacks(Protocol):
    """The receiving end of one quantity."""

    @property
    def sizes(self) -> Mapping[int, int]:
        """Rows of the message from each coupled rank."""
        ...

    @property
    def as_it_is(self) -> bool:
        """Whether the message is the own values themselves, all of them from one rank."""
        ...

    def unpack(self, buffers: Buffers, components: int) -> Array:
        """Own values (own places, components), a new array, from what has arrived."""
        ...


@dataclass(frozen=True)
class Pull:
    """Where the evaluation points are: an operator, and the ranks that its columns come from, one after the other."""

    operator: Operator
    sizes: Mapping[int, int]
    """Columns from each coupled rank, in their order."""

    @property
    def all_of_one(self) -> bool:
        """Whether the columns are the own places, and all from one rank."""
        return isinstance(self.operator, Stencil) and self.operator.identity and len(self.sizes) == 1


@dataclass(frozen=True)
class Give:
    """Where the values are: which of the own ones each coupled rank asks for, in ascending order."""

    asked: Mapping[int, Index32]
    rows: int
    """Number of own values."""
    places: Mapping[int, Index32 | slice] = field(init=False)
    """The same, as slices where they follow one another, which are much quicker."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {rank: _place(index) for rank, index in self.asked.items()})

    @property
    def sizes(self) -> Mapping[int, int]:
        """Number of values asked for, by coupled rank."""
        return {rank: len(index) for rank, index in self.asked.items()}

    @property
    def all_of_one(self) -> bool:
        """Whether one rank asks for all of them."""
        if len(self.places) != 1:
            return False
        (place,) = self.places.values()
        return isinstance(place, slice) and place == slice(0, self.rows)


def _place(index: Index32) -> Index32 | slice:
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first + 1 == len(index) else index


@dataclass(frozen=True)
class GiveState:
    """Sends raw values of a state."""

    give: Give

    @property
    def sizes(self) -> Mapping[int, int]:
        """See ``Packs``."""
        return self.give.sizes

    @property
    def as_it_is(self) -> bool:
        """See ``Packs``."""
        return self.give.all_of_one

    def pack(self, values: Array, buffers: Buffers) -> None:
        """See ``Packs``."""
        for rank, place in self.give.places.items():
            if isinstance(place, slice):
                buffers[rank][:] = values[place]
            else:
                np.take(values, place, axis=0, out=buffers[rank], mode="clip")


@dataclass(frozen=True)
class TakeState:
    """Maps the raw values of a state to the own places."""

    pull: Pull
    factor: float
    """From the sender's unit to the receiver's."""

    @property
    def sizes(self) -> Mapping[int, int]:
        """See ``Unpacks``."""
        return self.pull.sizes

    @property
    def as_it_is(self) -> bool:
        """See ``Unpacks``."""
        return self.pull.all_of_one and self.factor == 1.0

    def unpack(self, buffers: Buffers, components: int) -> Array:
        """See ``Unpacks``."""
        out = np.empty((self.pull.operator.rows, components))
        self.pull.operator.apply(_joined(self.pull.sizes, buffers, components), out)
        if self.factor != 1.0:
            out *= self.factor
        return out


@dataclass(frozen=True)
class GiveAmount:
    """Splits an amount among the other side's places before it is sent."""

    pull: Pull
    factor: float
    """From the sender's unit to the receiver's."""

    @property
    def sizes(self) -> Mapping[int, int]:
        """See ``Packs``."""
        return self.pull.sizes

    @property
    def as_it_is(self) -> bool:
        """See ``Packs``."""
        return self.pull.all_of_one and self.factor == 1.0

    def pack(self, values: Array, buffers: Buffers) -> None:
        """See ``Packs``."""
        values = np.ascontiguousarray(values * self.factor if self.factor != 1.0 else values, dtype=np.float64)
        ranks = list(self.pull.sizes)
        if len(ranks) == 1:
            self.pull.operator.apply_transposed(values, buffers[ranks[0]])
            return
        out = np.empty((self.pull.operator.columns, values.shape[1]))
        self.pull.operator.apply_transposed(values, out)
        start = 0
        for rank, size in self.pull.sizes.items():
            buffers[rank][:] = out[start : start + size]
            start += size


@dataclass(frozen=True)
class TakeAmount:
    """Adds up the contributions of all neighbours."""

    give: Give

    @property
    def sizes(self) -> Mapping[int, int]:
        """See ``Unpacks``."""
        return self.give.sizes

    @property
    def as_it_is(self) -> bool:
        """See ``Unpacks``."""
        return self.give.all_of_one

    def unpack(self, buffers: Buffers, components: int) -> Array:
        """See ``Unpacks``."""
        if self.give.all_of_one:
            return next(iter(buffers.values())).copy()
        out = np.zeros((self.give.rows, components))
        for rank, place in self.give.places.items():
            out[place] += buffers[rank]
        return out


def _joined(sizes: Mapping[int, int], buffers: Buffers, components: int) -> Array:
    parts = [buffers[rank] for rank in sizes]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty((0, components)), *parts])
