"""What a resumed run needs of a LAMMPS besides places and velocities, and how the present one is set alike.

LAMMPS goes on from a restart file otherwise than it would have gone on: the atoms are in another order, so sums come
out in another one, and thermostats draw other random numbers. Here a run that writes a checkpoint sets itself up as
one that resumes from it: the atoms in the order of their ids on the rank in whose part of the box they are, and random
numbers that follow from the script's seed and the window. Both then go on alike, to the last bit, on as many ranks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from . import _restart
from .library import Lammps

_SEED = 6
"""Place of the seed in ``fix ID group langevin Tstart Tstop damp seed …``."""
_LARGEST_SEED = 899_999_999
"""LAMMPS' generator takes no larger one."""


class Restart:
    """Everything about a LAMMPS' fixes that changes in a run. All methods are collective.

    Fixes that write their state to LAMMPS' restart files keep it (``nvt``, ``npt``, ``spring/self``, …); those of style
    ``langevin``, which keep no record of their random numbers, are seeded anew.
    """

    def __init__(self, lammps: Lammps) -> None:
        """Before the script: it is noted what fixes it makes."""
        self._lammps = lammps
        _restart.record(lammps.address)

    def arrange(self) -> None:
        """Send every atom to the rank in whose part of the box it is, and put it there in the order of the ids."""
        self._lammps.command("displace_atoms all move 0 0 0 units box")
        _restart.arrange(self._lammps.address)
        self._lammps.forget()

    def set_up(self) -> None:
        """Evaluate forces anew, with all that computes tell in a first setup."""
        _restart.ask_all(self._lammps.address)
        self._lammps.command("run 0 post no")

    def reseed(self, windows: int) -> None:
        """Seed the thermostats for what comes after so many ``windows``."""
        for words, modifications in self._drawing:
            seed = np.random.SeedSequence((int(words[_SEED]), windows)).generate_state(1)[0] % _LARGEST_SEED + 1
            self._lammps.command(" ".join(["fix", *words[:_SEED], str(seed), *words[_SEED + 1 :]]))
            for command in modifications:
                self._lammps.command(command)

    @cached_property
    def _drawing(self) -> list[tuple[list[str], list[str]]]:
        """The script's words for each thermostat, and the commands that modified it since."""
        return [(words, self._modifications(words[0])) for words in _restart.recorded(self._lammps.address)]

    def _modifications(self, fix: str) -> list[str]:
        """The ``fix_modify`` commands of a fix, from the log of rank 0: it is made anew without them."""
        found: list[str] = []
        if self._lammps.comm.rank == 0:
            lines = self._lammps.log.read_text(errors="replace").splitlines()
            found = [line for line in lines if re.match(rf"fix_modify\s+{re.escape(fix)}\s", line)]
        return self._lammps.comm.bcast(found)

    def save(self) -> dict[str, Any]:
        """The states of all fixes: this rank's atoms', and of the whole on the first rank."""
        address = self._lammps.address
        whole, each = _restart.with_state(address)
        states = {name: np.frombuffer(_restart.state(address, name), dtype=np.uint8) for name in whole}
        of_atoms = {name: _restart.atom_states(address, name) for name in each}
        return {"whole": states, "atoms": of_atoms, "ids": self._lammps.integers("id").copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Give them back, once the atoms are arranged.

        Raises ``SolverError`` where the script makes other fixes than the one that was saved.
        """
        address, comm = self._lammps.address, self._lammps.comm
        whole, each = _restart.with_state(address)
        if set(whole) != set(state["whole"]) or set(each) != set(state["atoms"]):
            kept, found = {*state["whole"], *state["atoms"]}, {*whole, *each}
            theirs, ours = (", ".join(sorted(names)) or "none" for names in (kept, found))
            raise SolverError(
                f"the script's fixes with a state are {ours}, and the checkpoint has {theirs}; it has changed since"
            )
        for name in whole:
            _restart.put_state(address, name, comm.bcast(state["whole"][name].tobytes()))
        for name in each:
            self._restore_atoms(name, state["ids"], state["atoms"][name])

    def _restore_atoms(self, name: str, ids: NDArray[np.integer], values: NDArray[np.float64]) -> None:
        parts = self._lammps.comm.allgather((ids, values))
        all_ids = np.concatenate([part for part, _ in parts])
        width = max(part.shape[1] for _, part in parts)
        rows = np.zeros((len(all_ids), width))
        begin = 0
        for _, part in parts:
            rows[begin : begin + len(part), : part.shape[1]] = part
            begin += len(part)
        order = np.argsort(all_ids)
        own = self._lammps.integers("id")
        _restart.put_atom_states(self._lammps.address, name, rows[order[np.searchsorted(all_ids[order], own)]])
