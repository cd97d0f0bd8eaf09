"""Reads a case: TOML, checked against the model, the kinds that it names, and its own sense."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from . import kinds
from .acceleration_settings import AccelerationSettings
from .case_checks import check_case
from .case_mistakes import Place, Review, listed, shown, suggestion
from .case_model import FOREIGN, Case, Direction, Interface, Participant, Stage
from .kind import Kind
from .quantities import AMOUNTS, STATES
from .scheme_model import Convergence

__all__ = [
    "FOREIGN",
    "Case",
    "Direction",
    "Interface",
    "Participant",
    "Stage",
    "load_case",
    "load_kinds",
]

CASE_FILE = "case.toml"
_NAME = 255
"""Bytes that a file's name may have."""


def load_case(path: Path) -> Case:
    """The case in a directory, or in a TOML file, with every default filled in.

    Raises ``CaseError`` with all mistakes found: what the model and the settings of the kinds can see. What needs the
    named files, scripts and engines is left to ``Kind.check``.
    """
    review = Review(_case_file(path))
    tables = _read(review)
    review.whole = (Case, tables)
    case = review.validate(Case, _with_stage_settings(tables))
    settings = _validate_settings(review, tables)
    _check_file_names(review, tables)
    review.close()
    assert case is not None, "a case without a mistake has a model"
    case._file = review.file
    case = _filled_in(case, settings)
    check_case(case, load_kinds(case), review)
    review.close()
    return case


def load_kinds(case: Case) -> dict[str, Kind]:
    """The kind of every participant of a loaded case, but of the foreign ones."""
    return {name: kinds.load_kind(one.kind) for name, one in case.participants.items() if not one.foreign}


def _case_file(path: Path) -> Path:
    file = path / CASE_FILE if path.is_dir() else path
    if not file.is_file():
        place = "a directory without it" if path.is_dir() else "no such file or directory"
        raise Review(file).error("", "", place, f"a case: a directory with a {CASE_FILE}, or a TOML file")
    return file


def _read(review: Review) -> dict[str, Any]:
    try:
        return tomllib.loads(review.file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at position {error.start}, which is not UTF-8"
        raise review.error("", "", found, "text in UTF-8", "save the file with the encoding UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        remedy = "two tables with one name cannot be told apart; rename one" if "twice" in str(error) else ""
        raise review.error("", "", error, "TOML, see https://toml.io", remedy) from error
    except (RecursionError, ValueError) as error:  # of integers of too many digits tomllib says no more than that
        found = "tables inside of one another without end" if isinstance(error, RecursionError) else error
        raise review.error("", "", found, "TOML, see https://toml.io") from error
    except OSError as error:
        raise review.error("", "", error.strerror, "a file that can be read") from error


def _check_file_names(review: Review, table: Any, place: Place = ()) -> None:
    """No longer than file systems take: to ask for such a file is an error in itself."""
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in items:
        names_a_file = isinstance(key, str) and (key in ("file", "script") or key.endswith("_file"))
        if names_a_file and isinstance(value, str) and any(len(part.encode()) > _NAME for part in value.split("/")):
            review.add((*place, key), shown(value), f"names of at most {_NAME} bytes between slashes")
        _check_file_names(review, value, (*place, key))


def _with_stage_settings(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables as the model has them: a stage's own keys apart from its kind."""
    stages = tables.get("stages")
    if not isinstance(stages, dict):
        return tables
    return {**tables, "stages": {name: _stage_split(stage) for name, stage in stages.items()}}


def _stage_split(stage: Any) -> Any:
    if not isinstance(stage, dict):
        return stage
    settings = {key: value for key, value in stage.items() if key != "kind"}
    return {**({"kind": stage["kind"]} if "kind" in stage else {}), "settings": settings}


Settings = dict[Place, BaseModel]
"""Validated settings of the kinds, by their place in the file."""


def _validate_settings(review: Review, tables: dict[str, Any]) -> Settings:
    """Validate what belongs to kinds: the tables of solvers, of sides and of stages."""
    settings: Settings = {}

    def validate(model: type[BaseModel], data: Any, place: Place) -> None:
        valid = review.validate(model, data, place)
        if valid is not None:
            settings[place] = valid

    loaded: dict[str, Kind | None] = {}
    for name, table in _tables(tables, "participants"):
        place = ("participants", name)
        loaded[name] = kind = _find(review, table, place, kinds.kind_names, kinds.load_kind, (FOREIGN,))
        solver = table.get("solver", {})
        if kind is not None and isinstance(solver, dict):
            validate(kind.solver_settings, solver, (*place, "solver"))
        elif table.get("kind") == FOREIGN and solver:
            review.add((*place, "solver"), shown(solver), "no solver table", "a foreign program reads its own")
    for name, interface in _tables(tables, "interfaces"):
        for side, table in _tables(interface, "sides"):
            place = ("interfaces", name, "sides", side)
            kind = loaded.get(side)
            if kind is not None:
                validate(kind.interface_settings, table, place)
            elif side in loaded and table and tables["participants"][side].get("kind") == FOREIGN:
                review.add(place, shown(table), "an empty table {}", "a foreign program gives its own cells")
    for name, table in _tables(tables, "stages"):
        stage = _find(review, table, ("stages", name), kinds.stage_names, kinds.load_stage)
        if stage is not None:
            validate(stage.settings, _stage_split(table)["settings"], ("stages", name))
    return settings


def _tables(parent: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """The tables inside the table ``key``; what is no table is left to the model to refuse."""
    inner = parent.get(key)
    if not isinstance(inner, dict):
        return []
    return [(name, table) for name, table in inner.items() if isinstance(table, dict)]


def _find(
    review: Review,
    table: dict[str, Any],
    place: Place,
    names: Callable[[], tuple[str, ...]],
    load: Callable[[str], Any],
    builtin: tuple[str, ...] = (),
) -> Any:
    """The kind that a table names, or None: foreign, or its mistake is noted."""
    name = table.get("kind")
    if not isinstance(name, str) or name in builtin:
        return None
    known = names() + builtin
    if name not in known:
        remedy = suggestion(name, known) or "install the package that brings this kind"
        review.add((*place, "kind"), shown(name), listed(known), remedy)
        return None
    try:
        return load(name)
    except kinds.MissingEngineError as error:
        module = error.name or "the module named above"
        remedy = f"install {module}, e.g. with apt-get install python3-{module}"
        review.add((*place, "kind"), f"{name!r}, but {error}", "a kind whose engine is installed", remedy)
        return None


def _filled_in(case: Case, settings: Settings) -> Case:
    """The case with the kinds' settings in place, and units, order and exchanges where the file leaves them out."""
    participants = {
        name: one.model_copy(
            update={
                "units": one.units or case.units,
                "noisy": _is_noisy(one),
                "solver": settings.get(("participants", name, "solver"), {}),
            }
        )
        for name, one in case.participants.items()
    }
    interfaces = {name: _fill_interface(case, name, one, settings) for name, one in case.interfaces.items()}
    stages = {
        name: one.model_copy(update={"settings": settings[("stages", name)]}) for name, one in case.stages.items()
    }
    scheme = case.scheme
    if not case.scheme.parallel:
        scheme = scheme.model_copy(update={"order": case.order})
    if scheme.extrapolation is None:
        scheme = scheme.model_copy(update={"extrapolation": "automatic" if scheme.implicit else "constant"})
    if scheme.implicit:
        done, faster = scheme.convergence or Convergence(), scheme.acceleration or AccelerationSettings()
        scheme = scheme.model_copy(update={"convergence": done, "acceleration": faster})
    update = {"participants": participants, "interfaces": interfaces, "stages": stages, "scheme": scheme}
    return case.model_copy(update=update)


def _is_noisy(participant: Participant) -> bool:
    """What the case says, or else the kind."""
    if participant.noisy is not None:
        return participant.noisy
    return not participant.foreign and kinds.load_kind(participant.kind).noisy


def _fill_interface(case: Case, name: str, interface: Interface, settings: Settings) -> Interface:
    sides = {side: settings.get(("interfaces", name, "sides", side), {}) for side in interface.sides}
    exchange = interface.exchange if interface.exchange is not None else _default_exchange(case, sides)
    if interface.filter is not None:
        noisy = [side for side in sides if side in case.participants and _is_noisy(case.participants[side])]
        exchange = tuple(
            d.model_copy(update={"filter": interface.filter}) if d.filter is None and d.sender in noisy else d
            for d in exchange
        )
    return interface.model_copy(update={"sides": sides, "exchange": exchange})


def _default_exchange(case: Case, sides: dict[str, Any]) -> tuple[Direction, ...]:
    """What one side gives and the other takes; empty where a side is foreign, unknown or missing."""
    known = [side for side in sides if side in case.participants and not case.participants[side].foreign]
    if len(known) != 2 or len(sides) != 2:
        return ()
    both = {side: kinds.load_kind(case.participants[side].kind).exchange_of(sides[side]) for side in known}
    directions = []
    for sender, receiver in (tuple(known), tuple(reversed(known))):
        common = set(both[sender][0]) & set(both[receiver][1])
        direction = Direction.model_validate(
            {
                "from": sender,
                "to": receiver,
                "amounts": tuple(q for q in AMOUNTS if q in common),
                "states": tuple(q for q in STATES if q in common),
            }
        )
        if direction.quantities:
            directions.append(direction)
    return tuple(directions)
