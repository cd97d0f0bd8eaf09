"""The kind ``atomic-chain``: a chain of atoms next to elements, in one dimension, all in one participant.

It has no partner: what couples its two descriptions is its scheme. The books show what each scheme conserves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..couplers.kind import CheckRequest, Context, Estimate, Kind
from ..solvers.chain import bridging_domain, chain, start_packet
from ..solvers.chain.settings import BridgingSettings, ChainSettings, MotionSettings, Positive
from .course import Course

INTEGRATION = "integration error"
"""Name of a row."""
_STEP_SECONDS = 1e-4
"""Per step and a thousand sites, measured; for the estimate only."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class PacketSettings(_Table):
    """exp(-(x - centre)²/2 width²) cos(wave_number (x - centre)), which travels upward; lengths in sites."""

    last: Annotated[int, Field(ge=1)]
    """It lies on the sites 0 to this one, which must be atoms."""
    centre: float
    width: Positive
    wave_number: Annotated[float, Field(ge=0.0, le=3.2)]
    """Radians per spacing."""
    amplitude: float = 1e-6


class ChainCaseSettings(_Table):
    """One of the two kinds of chain, and what starts it."""

    chain: ChainSettings | None = None
    """Atoms and elements with a node at each site of the hand-shake."""
    bridging: BridgingSettings | None = None
    """Atoms and elements that overlap."""
    packet: PacketSettings | None = None
    """Of waves; none: at rest."""

    @property
    def motion(self) -> MotionSettings:
        """Those of the chain that is there."""
        made = self.chain or self.bridging
        assert made is not None, "checked with the case"
        return made


class CoupledChain:
    """The chain as a participant, with ``course.h5``: time, kinetic and counted potential energy.

    The error of velocity Verlet in the balance of energy is a row, ``integration error``.
    """

    def __init__(self, settings: ChainCaseSettings, context: Context) -> None:
        self._motion = chain(settings.chain) if settings.chain else bridging_domain(_of(settings))
        if settings.packet:
            start_packet(self._motion, **settings.packet.model_dump())
        self._opening = self._energy()
        self._most = 0.0
        self._course = Course(context)
        self.advance, self.inventory = self._motion.advance, self._motion.inventory

    @property
    def max_dt(self) -> float:
        """As long as one likes: the chain divides it into its own steps."""
        return math.inf

    def rows(self) -> dict[str, Any]:
        """The chain's own, and what they do not explain of its energy."""
        rows = self._motion.rows()
        rest = self._energy() - self._opening - sum(float(row["energy"][0]) for row in rows.values())
        return rows | {INTEGRATION: {"energy": np.array([rest])}}

    def gross(self) -> dict[str, Any]:
        """Magnitudes of the nodes' momenta, which cancel in a wave: the most that they were so far."""
        self._most = max(self._most, float(self._motion.masses @ np.abs(self._motion.velocity)))
        return {"momentum": np.full(3, self._most)}

    def record(self, time: float) -> None:
        """Keep the course at ``time``, once."""
        if self._course.lacks(time):
            self._course.record(time, self._motion.energies())

    def save(self) -> dict[str, Any]:
        """The motion, and what its books began with."""
        return {"motion": self._motion.save(), "opening": self._opening, "most": self._most}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._motion.restore(state["motion"])
        self._opening, self._most = float(state["opening"]), float(state["most"])

    def _energy(self) -> float:
        return sum(self._motion.energies().values())


def _of(settings: ChainCaseSettings) -> BridgingSettings:
    assert settings.bridging is not None, "checked with the case"
    return settings.bridging


def _create_adapter(solver: Any, settings: Any, context: Context) -> NoReturn:
    raise AssertionError("a chain has no interfaces")


def _check(request: CheckRequest) -> Estimate:
    settings: ChainCaseSettings = request.solver
    table = f"participants.{request.participant}"
    if (settings.chain is None) == (settings.bridging is None):
        found = "both" if settings.chain else "neither"
        raise request.report(f"{table}.solver", "chain", f"{found} of 'chain' and 'bridging'", "one of the two")
    if request.interfaces:
        raise request.report(table, "interfaces", ", ".join(request.interfaces), "none: a chain has no partner")
    if request.ranks > 1:
        raise request.report(table, "ranks", request.ranks, "1: a chain is held by one rank", "remove it")
    motion = settings.motion
    sites = settings.chain.sites if settings.chain else _of(settings).atoms
    if settings.packet and settings.packet.last >= sites:
        raise request.report(f"{table}.solver.packet", "last", settings.packet.last, f"a site below {sites}")
    steps = max(1.0, request.window / motion.step)
    return Estimate(size=f"{sites} sites", steps=steps, seconds=steps * _STEP_SECONDS * sites / 1000.0)


KIND = Kind(
    name="atomic-chain",
    solver_settings=ChainCaseSettings,
    interface_settings=_Table,
    create_solver=CoupledChain,
    create_adapter=_create_adapter,
    gives=(),
    takes=(),
    check=_check,
    extent=lambda solver, interface: None,
    rewinds=True,
    resumes=True,
)
