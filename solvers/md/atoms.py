"""Atoms of the fluid that come and go within a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from . import _open
from .library import Array, Lammps

LEAVING, EXCHANGE = "suture_leaving", "suture_exchange"


class FluidAtoms:
    """Takes atoms of the fluid out of a LAMMPS and puts others in; all methods are collective.

    Within a run that is done while neighbours are listed anew, so that it costs neither a setup nor a list of its own.
    New atoms have the one type of the fluid, belong to every group to which all of the fluid belongs, and get numbers
    that no atom had before.
    """

    def __init__(self, lammps: Lammps, fluid: int) -> None:
        """``fluid`` is the group's bit. Raises ``SolverError`` where that is not possible, with the reason."""
        if found := _open.obstacle(lammps.address):
            raise SolverError(f"atoms cannot come and go in a LAMMPS with {found}")
        self._lammps = lammps
        self._fluid = fluid
        comm, own = lammps.comm, (lammps.integers("mask") & fluid) != 0
        types = sorted({kind for part in comm.allgather(set(lammps.integers("type")[own].tolist())) for kind in part})
        if len(types) != 1:
            raise SolverError(f"where atoms come and go the fluid's atoms are of one type; they are of {types}")
        self.type = types[0]
        common = np.bitwise_and.reduce(lammps.integers("mask")[own], initial=-1)
        self._bits = int(comm.allreduce(int(common), op=MPI.BAND))
        self.next_id = comm.allreduce(int(lammps.integers("id").max(initial=0)), op=MPI.MAX) + 1
        """The number of the next atom that comes."""
        lammps.command(f"group {LEAVING} empty")
        self._leaving = _open.bit(lammps.address, LEAVING)
        _open.define(lammps.address)
        lammps.command(f"fix {EXCHANGE} all suture/exchange")

    @cached_property
    def mass(self) -> float:
        """Mass of a new atom."""
        return self._lammps.mass_of_type(self.type)

    def await_exchange(self, call: Callable[[], None], steps: int) -> None:
        """Call once within the next run, of so many steps: where neighbours are listed first, or at the last step."""
        _open.await_exchange(self._lammps.address, EXCHANGE, call, steps)

    def after_run(self) -> None:
        """Raise what that call has raised."""
        _open.after_run(self._lammps.address, EXCHANGE)

    def change(self, leaving: Sequence[int], places: Array, velocities: Array) -> None:
        """Within such a call, the same on all ranks: ids that go; places, (n, 3), and velocities of those that come."""
        ids = list(range(self.next_id, self.next_id + len(places)))
        self.next_id += len(places)
        self._create(ids, [self.type] * len(ids), places, velocities)
        # LAMMPS counts anew as atoms are created, and would count those that go.
        _open.expel(self._lammps.address, leaving)

    def _create(self, ids: list[int], types: list[int], places: Array, velocities: Array) -> None:
        if ids:
            self._lammps.create_atoms(ids, types, places, velocities, self._bits)

    def _take_out(self, ids: Sequence[int]) -> None:
        """Remove atoms between two runs."""
        if len(ids):
            _open.mark(self._lammps.address, list(ids), self._leaving)
            self._lammps.command(f"delete_atoms group {LEAVING} compress no")

    def match(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Take out what is not among ``saved`` (all ranks' ``id``, ``type``, ``x``, ``v``), and put in what is missing.

        Raises
        ------
        SolverError
            Atoms that are not fluid differ: the script makes others than those that were saved.
        """
        lammps = self._lammps
        own = lammps.integers("id")
        extra = ~np.isin(own, saved["id"])
        fluid = (lammps.integers("mask") & self._fluid) != 0
        everyone = lammps.comm.allgather((own[extra].tolist(), own.tolist(), int(np.count_nonzero(extra & ~fluid))))
        present = [atom for _, ids, _ in everyone for atom in ids]
        missing = ~np.isin(saved["id"], present)
        if any(others for *_, others in everyone) or np.any(saved["type"][missing] != self.type):
            raise SolverError("the script does not make the atoms that the checkpoint has; it has changed since")
        self._take_out([atom for ids, *_ in everyone for atom in ids])
        self._create(
            saved["id"][missing].tolist(), saved["type"][missing].tolist(), saved["x"][missing], saved["v"][missing]
        )
