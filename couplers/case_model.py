"""The case as a typed model: what a case file may say, and what it comes to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from .clocks import ratio
from .filter_model import FilterSettings
from .mapping_settings import AUTOMATIC, MappingSettings
from .quantities import AMOUNTS, QUANTITIES, STATES
from .scheme_model import Count, Scheme
from .table import Table
from .timetable import begin, fitted
from .units import UnitSystem, convert, factor, si_value

FOREIGN = "foreign"
"""Kind of a participant whose program is not Suture's; it joins the run by itself."""


def _seconds(value: Any) -> Any:
    return si_value(value, "[time]") if isinstance(value, str) else value


def _table(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("not a table; write a table, if only an empty one: {}")
    return value


def _number_or_text(example: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "examples": [example]}]}


Duration = Annotated[float, Field(gt=0.0, strict=True, allow_inf_nan=False), WithJsonSchema(_number_or_text("50 fs"))]
"""A time: a number in the case's time unit, or a text with its unit."""
WallTime = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0.0, strict=True, allow_inf_nan=False),
    WithJsonSchema(_number_or_text("10 min")),
]
"""A time on the clock: a number of seconds, or a text with its unit."""
TableOfKind = Annotated[Any, BeforeValidator(_table)]
"""A table that the kind validates; in a loaded case the settings that came out."""
Amount = Annotated[str, Field(json_schema_extra={"enum": list(AMOUNTS)})]
State = Annotated[str, Field(json_schema_extra={"enum": list(STATES)})]


class Time(Table):
    """``[time]``: the coupling windows."""

    window: Duration = Field(description="Length of the coupling window: a number in the case's units, or a text.")
    end: Duration = Field(description="Where the run ends; a whole number of windows, unless they grow.")
    growth: Annotated[float, Field(ge=1.0, le=10.0, strict=True)] = Field(
        default=1.0,
        description="How many times as long as the one before each window is, at most: the last one ends at `end`.",
    )

    def begin(self, index: int) -> float:
        """When window ``index`` begins, and the one before it ends."""
        return begin(index, self.window, self.end, self.growth)


class LedgerSettings(Table):
    """``[ledger]``: how exactly the books must balance."""

    tolerance: Annotated[float, Field(gt=0.0, strict=True, allow_inf_nan=False)] = Field(
        default=1e-12, description="Largest defect of a balance, relative to throughput; one above it ends the run."
    )
    cell_errors: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Keep mean and standard error of all that noisy sides give for every cell, states too, beside the "
        "sums over the cells of amounts; in RUN/NAME/noise-RANK.npz of those who take it.",
    )


class RunSettings(Table):
    """``[run]``: what concerns the run and not the problem."""

    deadline: WallTime = Field(default=600.0, description="Seconds after which a silent partner counts as dead.")
    fields_every: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0, description="Windows between two writings of fields; 0 writes none."
    )
    checkpoint_every: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0, description="Windows between two checkpoints, from which --resume goes on; 0 writes none."
    )
    checkpoint_interval: WallTime | None = Field(
        default=None, description="Seconds on the clock between two checkpoints, beside those of `checkpoint_every`."
    )
    time_limit: WallTime | None = Field(
        default=None,
        description="Seconds on the clock that the run may take: before they are over it writes a checkpoint and ends. "
        "Where Slurm tells the end of its job, that holds too.",
    )

    @property
    def checkpoints(self) -> bool:
        """Whether the run writes checkpoints without being asked to end."""
        return bool(self.checkpoint_every) or self.checkpoint_interval is not None


class Participant(Table):
    """``[participants.NAME]``: one solver process group."""

    kind: str = Field(description='Name of an installed kind, or "foreign": a program that joins by suture.join.')
    ranks: Annotated[Count, Field(le=100_000)] = Field(default=1, description="Number of MPI ranks.")
    units: UnitSystem | None = Field(default=None, description="Unit system of this participant; default: the case's.")
    noisy: Annotated[bool, Field(strict=True)] | None = Field(
        default=None,
        description="Whether what it gives is noise about a mean, whose standard error is then told. Default: as its "
        "kind says; false for a foreign participant.",
    )
    clock: Annotated[float, Field(gt=0.0, strict=True, allow_inf_nan=False)] = Field(
        default=1.0,
        description="Time of its own that passes in a unit of the case's. Where clocks differ, a steady state is "
        "reached sooner, and the way to it is no trajectory.",
    )
    solver: TableOfKind = Field(default_factory=dict, description="Settings of the solver, as its kind defines them.")

    @property
    def foreign(self) -> bool:
        """Whether a program of the user's own plays this part."""
        return self.kind == FOREIGN

    @property
    def unit_system(self) -> UnitSystem:
        """The participant's units; set in every loaded case."""
        assert self.units is not None, "units are filled in when the case is loaded"
        return self.units


class Direction(Table):
    """One direction of an interface's exchange: what goes from one side to the other."""

    sender: str = Field(alias="from", description="Participant that gives.")
    receiver: str = Field(alias="to", description="Participant that takes.")
    amounts: tuple[Amount, ...] = Field(default=(), description="Conserved amounts: mass, momentum, energy.")
    states: tuple[State, ...] = Field(default=(), description=f"States: {', '.join(STATES)}.")
    mapping: MappingSettings | None = Field(
        default=None, description="How values get from one side's places to the other's; default: the interface's."
    )
    filter: FilterSettings | None = Field(
        default=None,
        description="How noise is taken out of what goes this way; amounts are delayed, and held in the books. "
        "Default: the interface's where the sender is noisy, else none.",
    )

    @property
    def quantities(self) -> tuple[str, ...]:
        """Everything that goes this way."""
        return self.amounts + self.states


class Interface(Table):
    """``[interfaces.NAME]``: where two participants meet."""

    exchange: tuple[Direction, ...] | None = Field(
        default=None, description="What goes which way; default: all that one side's kind gives and the other's takes."
    )
    mapping: MappingSettings = Field(
        default=AUTOMATIC, description="How values get from one side's places to the other's; default: what suits them."
    )
    filter: FilterSettings | None = Field(
        default=None, description="How noise is taken out of what a noisy side gives. Default: not at all."
    )
    sides: dict[str, TableOfKind] = Field(
        description="One table per participant, two in all, as its kind defines them."
    )

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The exchange; set in every loaded case."""
        assert self.exchange is not None, "the exchange is filled in when the case is loaded"
        return self.exchange

    def exchange_of(self, participant: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What a side gives, and what it takes."""
        gives = tuple(q for d in self.directions if d.sender == participant for q in d.quantities)
        return gives, tuple(q for d in self.directions if d.receiver == participant for q in d.quantities)

    def partner(self, participant: str) -> str:
        """The other side's participant."""
        (other,) = (name for name in self.sides if name != participant)
        return other


class Stage(Table):
    """``[stages.NAME]``: work to be done before the coupled run, whose result the participants read."""

    kind: str = Field(description="Name of an installed kind of stage.")
    settings: Any = Field(default_factory=dict)


class Case(Table):
    """A coupled problem: everything that its case file says, with the defaults filled in."""

    title: str = Field(default="", description="One line on what is simulated.")
    units: UnitSystem = Field(
        default=UnitSystem(system="si"),
        description="Units of the times in this file, and of every participant that names no other.",
        validate_default=True,
    )
    time: Time
    scheme: Scheme = Field(default_factory=Scheme)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)
    run: RunSettings = Field(default_factory=RunSettings)
    participants: dict[str, Participant] = Field(min_length=1, description="The solvers, by name.")
    interfaces: dict[str, Interface] = Field(default_factory=dict, description="Where they meet, by name.")
    stages: dict[str, Stage] = Field(default_factory=dict, description="What is done before, by name and in order.")

    _file: Path = PrivateAttr(default=Path("case.toml"))

    @field_validator("time", mode="before")
    @classmethod
    def _times_to_case_units(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            return value
        units = info.data.get("units", UnitSystem(system="si"))
        converted = dict(value)
        for key in ("window", "end"):
            if isinstance(value.get(key), str):
                try:
                    converted[key] = convert(value[key], "[time]", units)
                except ValueError as error:
                    raise PydanticCustomError("unit", "{reason}", {"reason": str(error), "key": key}) from error
        return converted

    @property
    def file(self) -> Path:
        """The file that the case was read from."""
        return self._file

    @property
    def directory(self) -> Path:
        """The case directory, against which file names are resolved; absolute, since engines change the current one."""
        return self._file.parent.resolve()

    @property
    def ranks(self) -> int:
        """MPI ranks of all participants together."""
        return sum(participant.ranks for participant in self.participants.values())

    @property
    def windows(self) -> int:
        """Number of coupling windows."""
        return fitted(self.time.end / self.time.window, self.time.growth)[0]

    @property
    def order(self) -> tuple[str, ...]:
        """The participants in the order of a serial scheme, or of their tables."""
        return self.scheme.order or tuple(self.participants)

    def early(self, direction: Direction) -> bool:
        """Whether the receiver needs what it takes before the sender has given it in this window."""
        if self.scheme.parallel:
            return True
        return self.order.index(direction.sender) > self.order.index(direction.receiver)

    @property
    def clocks(self) -> dict[str, float]:
        """The clock of every participant."""
        return {name: participant.clock for name, participant in self.participants.items()}

    def window_of(self, participant: str) -> float:
        """By how much the participant advances in the first window, by its own clock and in its own time unit."""
        return self.own_time(participant, self.time.window)

    def own_time(self, participant: str, time: float) -> float:
        """A time of the case by the participant's own clock and in its own time unit."""
        one = self.participants[participant]
        return one.clock * time * factor("[time]", self.units, one.unit_system)

    def interfaces_of(self, participant: str) -> dict[str, Interface]:
        """The interfaces that the participant is a side of, by name."""
        return {name: interface for name, interface in self.interfaces.items() if participant in interface.sides}

    def factor(self, quantity: str, sender: str, receiver: str) -> float:
        """Number that turns the sender's value of a quantity into the receiver's: its units and, of amounts, clock."""
        source, target = self.participants[sender].unit_system, self.participants[receiver].unit_system
        units = factor(QUANTITIES[quantity].dimension, source, target)
        amount = QUANTITIES[quantity].kind == "amount"
        return units * ratio(self.clocks, sender, receiver) if amount else units

    def resolved(self) -> str:
        """The case as TOML with every default filled in; loaded from the same directory it gives this case again."""
        import tomli_w

        tables = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        for stage in tables["stages"].values():
            stage.update(stage.pop("settings"))
        return tomli_w.dumps(tables)
