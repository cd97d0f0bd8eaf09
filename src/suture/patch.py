"""``suture check --patch``: the largest force where a uniform strain should leave none, and its place."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from .couplers.case import load_case
from .couplers.errors import LaunchError
from .couplers.protocols import Deforms
from .couplers.units import ENERGY, factor, si_scale

if TYPE_CHECKING:
    from .couplers.participant import Participant

STRAINS = (0.0, 0.01, 0.02)
_SHAPE = np.array([[1.0, 0.5, 0.3], [0.5, -0.5, 0.4], [0.3, 0.4, 0.7]])
"""Of the strain, relative to its largest component: stretches and shears in all directions."""
_FOUND = "patch.json"
_ROUND_OFF = 1e-12
"""Of the largest coordinate: what is smaller is shown as 0."""


def test(path: Path) -> None:
    """Run the patch test under mpirun, and print what it found; raises as ``spurious_forces``."""
    _show(spurious_forces(path), str(load_case(path).units))


def spurious_forces(path: Path) -> list[dict[str, Any]]:
    """The largest force of each participant at each strain, by the patch test under mpirun.

    Each has ``strain``, ``participant``, ``force`` (energy by length of the case's units) and ``at``, its place at
    rest. Raises ``CaseError`` where the case is wrong, ``LaunchError`` where it has no solids that could be strained.
    """
    from .check import verify_case
    from .launch import environment, mpirun

    case = load_case(path)
    verify_case(case)
    with tempfile.TemporaryDirectory(prefix="suture-patch-") as folder:
        command = mpirun(case.ranks, "patch", str(case.file), "--output", folder)
        done = subprocess.run(command, env=environment(case.ranks), capture_output=True, text=True, check=False)
        found = Path(folder, _FOUND)
        if done.returncode or not found.is_file():
            raise LaunchError(_last_words(done.stderr) or f"the patch test of {case.file} ended without a word")
        return json.loads(found.read_text())


def _last_words(spoken: str) -> str:
    said = [line.removeprefix("suture: ") for line in spoken.splitlines() if line.startswith("suture: ")]
    return said[0] if said else spoken.strip()[-2000:]


def _show(found: list[dict[str, Any]], units: str) -> None:
    table = Table(title=f"largest spurious force under uniform strain (energy by length of {units})")
    for column in ("strain", "participant", "force", "at"):
        table.add_column(column, justify="left" if column in ("participant", "at") else "right")
    for each in found:
        place = ", ".join(f"{x:.4g}" for x in each["at"])
        table.add_row(f"{each['strain']:g}", each["participant"], f"{each['force']:.3g}", f"({place})")
    Console(highlight=False).print(table)


def play(me: Participant) -> None:
    """This rank's part of the test, under mpirun; the first rank of all writes what was found."""
    with me:
        me.create()
        strained = [adapter for adapter in me.adapters.values() if isinstance(adapter, Deforms)]
        if not all(me.world.coupled.allgather(bool(strained) and len(strained) == len(me.adapters))):
            raise LaunchError("no patch test: it is one of solids in which atoms and elements meet, and of no others")
        plane = min(me.world.coupled.allgather(min(each.dimension for each in strained))) == 2
        shape = np.pad(_SHAPE[:2, :2], (0, 1)) if plane else _SHAPE
        found = []
        for strain in STRAINS:
            me.deform(np.eye(3) + strain * shape)
            found += _largest(me, strain)
        if me.world.coupled.rank == 0:
            Path(me.output, _FOUND).write_text(json.dumps(found))


def _largest(me: Participant, strain: float) -> list[dict[str, Any]]:
    """Of each participant, in the case's units. Collective."""
    own, case = me.case.participants[me.name].unit_system, me.case.units
    length = factor("[length]", own, case)
    best: dict[str, Any] = {"strain": strain, "participant": me.name, "force": -1.0, "at": [0.0, 0.0, 0.0]}
    for adapter in me.adapters.values():
        assert isinstance(adapter, Deforms), "asked before"
        places, forces = adapter.spurious()
        size = np.linalg.norm(forces, axis=1) * _force_factor(me)
        if len(size) and size.max() > best["force"]:
            worst = int(np.argmax(size))
            place = np.where(np.abs(places[worst]) > _ROUND_OFF * np.abs(places).max(), places[worst] * length, 0.0)
            best |= {"force": float(size[worst]), "at": place.tolist()}
    everyone = me.world.coupled.allgather(best)
    names = list(dict.fromkeys(each["participant"] for each in everyone))
    return [max((e for e in everyone if e["participant"] == name), key=lambda e: e["force"]) for name in names]


def _force_factor(me: Participant) -> float:
    """From the participant's coherent unit of force to energy by length of the case."""
    own, case = me.case.participants[me.name].unit_system, me.case.units
    if case.dimensionless:
        return 1.0
    return si_scale("[mass] * [length] / [time]**2", own) * si_scale("[length]", case) / si_scale(ENERGY, case)
