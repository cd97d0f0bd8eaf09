"""Which mapping two sides get, and the building of each only once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from mpi4py import MPI

from .boxes import evaluate_binning, evaluate_cells, serve_binning, serve_cells
from .cell_elements import KINDS
from .errors import MappingError
from .intersection import evaluate_intersection, serve_intersection
from .mapping_settings import Automatic, MappingSettings, RadialBasis
from .mesh import DIMENSION
from .nearest import evaluate_nearest, serve_nearest
from .pair import Pair
from .radial import evaluate_radial, serve_radial
from .rendezvous import Discretisation, Meeting, Summary, same
from .transfer import Give, Pull

Key = tuple[int, str]
"""A flow's number and a quantity."""

_FEW = 50
"""Clouds of fewer points get their nearest neighbour: too few for a cluster of radial basis functions."""


_INTEGRABLE = 4
"""Corners of the elements that can be intersected: all but hexahedra."""
_FLAT_CELLS = max(KINDS)
"""Largest dimension of cells that are such elements."""


@dataclass(frozen=True)
class Method:
    """The two halves of building one mapping, one for each side."""

    evaluate: Callable[[Meeting, Any], Pull]
    serve: Callable[[Meeting, Any], Give]


@dataclass(frozen=True)
class Whole:
    """One side with all its ranks."""

    name: str
    cells: bool
    count: int
    dimension: int
    corners: int
    """Largest number of corners of an element."""
    extents: int
    """Dimension of what the values belong to: of the elements, or of the cells."""

    @classmethod
    def of(cls, name: str, summaries: Iterable[Summary]) -> Whole:
        """Add the ranks' summaries up."""
        filled = [s for s in summaries if s.count or s.dimension]
        cells = any(s.cells for s in filled)
        dimension = max((s.dimension for s in filled), default=0)
        return cls(
            name,
            cells,
            sum(s.count for s in filled),
            dimension,
            max((s.corners for s in filled), default=1),
            sum(not all(axis) for axis in zip(*(s.flat for s in filled), strict=True)) if cells else dimension,
        )

    @property
    def words(self) -> str:
        """What it is, as messages say it."""
        if not self.count:
            return "nothing"
        if self.cells:
            return "cells"
        return ("a cloud of points", "a mesh of lines", "a mesh of surfaces", "a mesh of volumes")[self.dimension]


def choose(meeting: Meeting, settings: MappingSettings) -> Method:
    """The method that ``settings`` name, or that fits best. Raises ``MappingError``, on all ranks alike."""
    here = Whole.of(meeting.evaluation, meeting.side(meeting.evaluation).values())
    there = Whole.of(meeting.source, meeting.side(meeting.source).values())
    if here.count and not there.count and not here.cells:
        raise MappingError(
            f"interface {meeting.interface!r}: {there.name!r} gives nothing here, {here.name!r} {here.words}: "
            f"there is nothing to map from"
        )
    fits = _fitting(here, there, settings if isinstance(settings, RadialBasis) else RadialBasis(kind="rbf"))
    if isinstance(settings, Automatic):
        return fits[next(iter(fits))]
    if settings.kind not in fits:
        raise MappingError(
            f"interface {meeting.interface!r}: the mapping {settings.kind!r} does not fit from {there.name!r}, which "
            f"gives {there.words}, to {here.name!r}, which gives {here.words}; possible: {', '.join(fits)}"
        )
    return fits[settings.kind]


def _fitting(here: Whole, there: Whole, radial: RadialBasis) -> dict[str, Method]:
    """Every method that can map from ``there`` to ``here``, the best first."""
    nearest = {"nearest-neighbour": _nearest(elements=False)}
    clouds = {"rbf": Method(partial(evaluate_radial, settings=radial), partial(serve_radial, settings=radial))}
    clouds = clouds | nearest if there.count >= _FEW else nearest | clouds
    if _alike(here, there):
        return {"intersection": Method(evaluate_cells, serve_cells)} | clouds
    fits = {"nearest-projection": _nearest(elements=True)} | clouds if there.dimension else clouds
    if _integrable(here, there):
        return {"intersection": Method(evaluate_intersection, serve_intersection)} | fits
    if there.dimension:
        return fits
    if here.cells != there.cells and not here.dimension:
        return {"binning": Method(evaluate_binning, serve_binning)} | clouds
    return clouds


def _alike(here: Whole, there: Whole) -> bool:
    """Whether both are cells; one that has nothing is what the other is."""
    return (here.cells or not here.count) and (there.cells or not there.count) and (here.cells or there.cells)


def _integrable(here: Whole, there: Whole) -> bool:
    """Whether the intersection knows both as elements of one dimension; boxes of cells would be hexahedra."""
    largest = _FLAT_CELLS if here.cells or there.cells else max(DIMENSION.values())
    few = max(here.corners, there.corners) <= _INTEGRABLE
    return few and here.extents == there.extents and 1 <= here.extents <= largest


def _nearest(elements: bool) -> Method:
    return Method(partial(evaluate_nearest, elements=elements), partial(serve_nearest, elements=elements))


class Acquaintance:
    """The participants of a case while they meet: what everyone brings, and the mappings built so far."""

    def __init__(self, comm: MPI.Intracomm, name: str, members: Mapping[str, tuple[int, ...]], deadline: float) -> None:
        self._comm = comm
        self._name = name
        self._members = members
        self._deadline = deadline
        self._own = cast(MPI.Intracomm, comm.Split(sorted(members).index(name), comm.rank))
        self._pairs: dict[str, Pair] = {}
        self._brought: Mapping[Key, Discretisation] = {}
        self._told: list[dict[Key, tuple[int, Summary]]] = []
        self._built: dict[Any, Pull | Give | MappingError] = {}

    def introduce(self, brought: Mapping[Key, Discretisation]) -> None:
        """Tell everyone in short what this rank brings for each key. Collective over all participants."""
        different: list[tuple[Discretisation, Summary]] = []
        told: dict[Key, tuple[int, Summary]] = {}
        for key, own in brought.items():
            number = next((k for k, (other, _) in enumerate(different) if same(own, other)), len(different))
            if number == len(different):
                different.append((own, Summary.of(own)))
            told[key] = number, different[number][1]
        self._brought = brought
        self._told = self._comm.allgather(told)

    def map(
        self, interface: str, evaluation: str, source: str, settings: MappingSettings, key: Key, amount: bool
    ) -> Pull | Give:
        """This rank's half of the mapping of one quantity, built or found. Collective over both participants."""
        partner = source if evaluation == self._name else evaluation
        ranks = (*self._members[evaluation], *self._members[source])
        alike = tuple((rank, self._told[rank][key][0]) for rank in ranks)
        known = (interface, evaluation, settings, alike, amount and self._some_cells(ranks, key))
        if known not in self._built:
            try:
                pair = self._pair(partner)
                summaries = {rank: self._told[rank][key][1] for rank in ranks}
                meeting = Meeting(interface, evaluation, source, pair, summaries, amount)
                self._built[known] = self._build(meeting, settings, self._brought[key])
            except MappingError as error:
                self._built[known] = error
        found = self._built[known]
        if isinstance(found, MappingError):
            raise found
        return found

    def _some_cells(self, ranks: tuple[int, ...], key: Key) -> bool:
        """Only the intersection of cells, with cells or a mesh, looks more closely where amounts go."""
        return any(self._told[rank][key][1].cells for rank in ranks)

    def _build(self, meeting: Meeting, settings: MappingSettings, own: Discretisation) -> Pull | Give:
        method = choose(meeting, settings)
        if meeting.evaluates:
            return method.evaluate(meeting, own)
        return method.serve(meeting, own)

    def _pair(self, partner: str) -> Pair:
        if partner not in self._pairs:
            self._pairs[partner] = Pair(self._comm, self._own, self._name, partner, self._members, self._deadline)
        return self._pairs[partner]

    def part(self) -> None:
        """Take leave: release what only the meeting needed. Collective over all participants."""
        for pair in self._pairs.values():
            pair.free()
