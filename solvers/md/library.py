"""LAMMPS as a library on a communicator: commands that fail loudly, and views of its memory without copies."""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import lammps
import numpy as np
from lammps.constants import (
    LMP_STYLE_ATOM,
    LMP_STYLE_GLOBAL,
    LMP_TYPE_SCALAR,
    LMP_TYPE_VECTOR,
    LMP_VAR_ATOM,
    LMP_VAR_EQUAL,
)
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from . import _inside, _open
from .guard import LogGuard

Array = NDArray[np.float64]
_PAGE = 20_000
"""Commands whose output one log takes; a window takes at least one, so that the log of a long run has no end."""


@contextmanager
def working_directory(path: Path) -> Iterator[None]:
    """Run in ``path``, so that a script finds the files that it names."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


class Lammps:
    """One LAMMPS on a duplicate of ``comm``. Every method that sends a command is collective.

    Views (``atoms``, ``integers``, …) have one row for each of this rank's atoms, share LAMMPS' memory, and are
    valid until the next command.
    """

    def __init__(
        self,
        comm: MPI.Comm,
        log: Path,
        variables: Mapping[str, str | int | float],
        who: str = "molecular dynamics",
    ) -> None:
        self.comm = comm.Dup()
        self.log = log
        self._constants: dict[str, float] = {}
        self.commands = 0
        """Number of commands so far: while it stays, so do the atoms."""
        self._logged, self._pages = 0, 0
        self._views: dict[str, Any] = {}
        """What was looked up since the last command: LAMMPS moves nothing in between."""
        arguments = ["-screen", "none", "-log", str(log)]
        for name, value in variables.items():
            arguments += ["-var", name, str(value)]
        # Any: what LAMMPS' wrapper returns depends on its arguments, which it does not annotate.
        self._lmp: Any = lammps.lammps(cmdargs=arguments, comm=self.comm)
        self._require_version()
        self._guard = LogGuard(log, who) if self.comm.rank == 0 else None
        # Before MPI is finalised: LAMMPS frees communicators as it closes.
        atexit.register(self.close)

    def close(self) -> None:
        """Free what LAMMPS holds."""
        self._lmp.close()
        if self._guard:
            self._guard.close()
        atexit.unregister(self.close)

    def forget(self) -> None:
        """Let no view be used again: the atoms are others, or elsewhere."""
        self._views.clear()
        self.commands += 1

    def _guarded(self, call: Callable[[str], None], argument: str, label: str) -> None:
        self.forget()
        try:
            if self._guard is None:
                call(argument)
            else:
                with self._guard.during(label):
                    call(argument)
        except SolverError:
            raise
        except Exception as error:  # LAMMPS' own wrapper raises plain Exception
            raise SolverError(f"LAMMPS stopped in '{label}':\n{error}") from error

    def command(self, command: str) -> None:
        """Run one LAMMPS command.

        Raises
        ------
        SolverError
            With LAMMPS' text, where its library was built with exceptions; else see ``LogGuard``.
        """
        self._logged += 1
        if self._logged > _PAGE:
            self._turn_page()
        self._guarded(self._lmp.command, command, command)

    def script(self, path: Path) -> None:
        """Run a script in its own directory."""
        with working_directory(path.parent):
            self._guarded(self._lmp.file, path.name, path.name)

    def run(self, steps: int) -> None:
        """Continue for ``steps`` steps as if the run before had been that much longer."""
        _inside.resume(self.address)
        self.command(f"run {steps} pre no post no")

    def _turn_page(self) -> None:
        """Let LAMMPS write another log: the first, and the last one or two, are kept."""
        self._logged, self._pages = 0, self._pages + 1
        page = self.log.with_name(f"{self.log.name}.{2 - self._pages % 2}")
        self._guarded(self._lmp.command, f"log {page}", "log")
        if self._guard:
            self._guard.follow(page)

    def _require_version(self) -> None:
        """Raise ``SolverError`` unless this LAMMPS is the one with whose headers ``_inside`` was compiled."""
        if self.version != _inside.VERSION:
            raise SolverError(
                f"suture was built with the headers of LAMMPS {_inside.VERSION}, but LAMMPS {self.version} is loaded; "
                "install headers and library of one version (Debian: liblammps-dev), and suture again"
            )

    @property
    def version(self) -> int:
        """LAMMPS' version, a date such as 20220106."""
        return int(self._lmp.version())

    @cached_property
    def address(self) -> int:
        """Of LAMMPS itself, for what is compiled."""
        return self._lmp.lmp.value

    @property
    def step(self) -> int:
        """The present time step."""
        return _inside.step(self.address)

    @property
    def box(self) -> tuple[Array, Array]:
        """Lower and upper corner of the simulation box."""
        lower, upper = self._lmp.extract_box()[:2]
        return np.array(lower), np.array(upper)

    @property
    def periodic(self) -> tuple[bool, bool, bool]:
        """Which axes are periodic."""
        x, y, z = self._lmp.extract_box()[5]
        return bool(x), bool(y), bool(z)

    def pair_styles(self) -> list[str]:
        """Pair styles that have a list of neighbours, from the log of rank 0."""
        lines = self.log.read_text(errors="replace").splitlines()
        return sorted({line.split()[2].rstrip(",") for line in lines if re.match(r"\s*\(\d+\) pair ", line)})

    def styles(self, category: str) -> dict[str, str]:
        """Styles of all ``fix``es or ``variable``s by name, on rank 0 (which has the file). Collective."""
        # A file of its own, since LAMMPS closes it: what goes to the log may still be in a buffer.
        plural = {"fix": "fixes", "variable": "variables"}[category]
        listing = self.log.with_name(f"{plural}.txt")
        self.command(f"info {plural} out overwrite {listing}")
        pattern = re.compile(rf"{category}\[\s*\d+\]:\s*(\S+?)\s*,\s*style =\s*(\S+?)\s*,", re.IGNORECASE)
        found = map(pattern.match, listing.read_text(errors="replace").splitlines())
        return {match[1]: match[2] for match in found if match}

    def constant(self, name: str) -> float:
        """One of LAMMPS' global numbers that a script sets once: ``dt``, ``boltz``, ``mvv2e``, ``ftm2v``."""
        if name not in self._constants:
            self._constants[name] = float(self._lmp.extract_global(name))
        return self._constants[name]

    def defines(self, category: str, name: str) -> bool:
        """Whether ``name`` is a known ``group``, ``fix``, ``compute`` or ``variable``."""
        return bool(self._lmp.has_id(category, name))

    def names(self, category: str) -> list[str]:
        """All names of a category."""
        # Newer versions of LAMMPS leave None where a group may yet be.
        return [name for name in self._lmp.available_ids(category) if name]

    def _view(self, key: str, look_up: Callable[[], Any]) -> Any:
        """What ``look_up`` gives, asked of LAMMPS once between two commands."""
        if key not in self._views:
            self._views[key] = look_up()
        return self._views[key]

    @property
    def count(self) -> int:
        """Number of this rank's atoms."""
        return self._view("nlocal", lambda: int(self._lmp.extract_global("nlocal")))

    def atoms(self, name: str) -> Array:
        """``x``, ``v`` or ``f``, (atoms, 3)."""
        if not self.count:
            return np.zeros((0, 3))
        return self._view(name, lambda: self._lmp.numpy.extract_atom(name)[: self.count])

    def integers(self, name: str) -> NDArray[np.integer]:
        """``id``, ``type``, ``mask`` or ``image`` (packed), (atoms,)."""
        if not self.count:
            return np.zeros(0, dtype=np.int32)
        return self._view(name, lambda: self._lmp.numpy.extract_atom(name)[: self.count])

    def masses(self) -> Array:
        """Mass of each atom, (atoms,)."""
        return self._view("masses", self._masses) if self.count else np.zeros(0)

    def _masses(self) -> Array:
        if self._lmp.extract_atom("rmass"):
            return self._lmp.numpy.extract_atom("rmass")[: self.count]
        return np.asarray(self._lmp.numpy.extract_atom("mass")).ravel()[self.integers("type")]

    def mass_of_type(self, kind: int) -> float:
        """Mass of the atoms of a type, where the script gives it by type."""
        if self._lmp.extract_atom("rmass"):
            raise SolverError("atoms with masses of their own cannot come and go; give the masses by type")
        return float(np.asarray(self._lmp.numpy.extract_atom("mass")).ravel()[kind])

    def create_atoms(self, ids: list[int], types: list[int], places: Array, velocities: Array, bits: int = 0) -> None:
        """Add atoms, (n, 3) and the same on all ranks: each on the rank in whose part of the box it is. Collective.

        They become members of the groups of ``bits``. Raises ``SolverError`` where not all of them are inside the box.
        """
        took = _open.create(self.address, ids, types, places, velocities, bits)
        self.forget()
        if took != len(ids):
            raise SolverError(f"LAMMPS took {took} of {len(ids)} atoms into its box")

    def compute_atoms(self, name: str) -> Array:
        """A compute's value for each of this rank's atoms, (atoms,), of the last step that asked for it."""
        if not self.count:
            return np.zeros(0)
        return np.array(self._lmp.numpy.extract_compute(name, LMP_STYLE_ATOM, LMP_TYPE_VECTOR)[: self.count])

    def fix_scalar(self, name: str) -> float:
        """A fix's global scalar. Collective."""
        return float(self._lmp.extract_fix(name, LMP_STYLE_GLOBAL, LMP_TYPE_SCALAR))

    def fix_component(self, name: str, index: int) -> float:
        """One component of a fix's global vector. Collective."""
        return float(self._lmp.extract_fix(name, LMP_STYLE_GLOBAL, LMP_TYPE_VECTOR, index))

    def variable(self, name: str) -> float:
        """Value of an equal-style variable. Collective."""
        return float(self._lmp.extract_variable(name, None, LMP_VAR_EQUAL))

    def group_bit(self, group: str) -> int:
        """The bit of ``mask`` that marks a group's atoms. Collective.

        LAMMPS tells no group's bit, so that bit is taken on which all atoms agree with ``gmask``.
        """
        self.command(f"variable suture_member atom gmask({group})")
        member = np.zeros(0)
        if self.count:
            member = np.asarray(self._lmp.numpy.extract_variable("suture_member", "all", LMP_VAR_ATOM)) > 0.5
        bits = (self.integers("mask")[:, None] >> np.arange(32)) & 1
        agree = np.all(bits == member[:, None], axis=0).astype(np.int32)
        self.comm.Allreduce(MPI.IN_PLACE, agree, op=MPI.MIN)
        self.command("variable suture_member delete")
        return 1 << int(np.flatnonzero(agree)[0])

    def cutoff(self) -> float:
        """Longest distance at which pairs are listed (pair cut-off and skin), from the log. Collective."""
        found: float | None = None
        if self.comm.rank == 0:
            for line in self.log.read_text(errors="replace").splitlines():
                if "master list distance cutoff" in line:
                    found = float(line.split("=")[1])
        found = self.comm.bcast(found)
        if found is None:
            raise SolverError(f"LAMMPS lists no pairs of atoms (no 'master list distance cutoff' in {self.log})")
        return found
