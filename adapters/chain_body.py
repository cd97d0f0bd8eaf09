"""The kind ``atomic-chain``: a chain of atoms next to elements, in one dimension, all in one participant.

It has no partner: what couples its two descriptions is its scheme. The books show what each scheme conserves.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from ..couplers.kind import CheckRequest, Context, Estimate, Kind
from ..solvers.chain.settings import BridgingSettings, ChainSettings, MotionSettings, Positive
from .course import Course

_STEP_SECONDS = 1e-4
"""Per step and a thousand sites, measured; for the estimate only."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


def _create_solver(settings: ChainCaseSettings, context: Context) -> Any:
    from ..solvers.chain import bridging_domain, chain, start_packet

    made = chain(settings.chain) if settings.chain else bridging_domain(_of(settings))
    if settings.packet:
        start_packet(made, **settings.packet.model_dump())
    course = Course(context, ("kinetic", "potential"))
    made.record = lambda time: course.record(time, made.energies()) if course.lacks(time) else None
    return made


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
    create_solver=_create_solver,
    create_adapter=_create_adapter,
    gives=(),
    takes=(),
    check=_check,
    extent=lambda solver, interface: None,
    rewinds=True,
    resumes=True,
)
