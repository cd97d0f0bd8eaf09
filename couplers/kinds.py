"""Finds kinds of participants and of stages by name, through the entry points of what is installed."""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .kind import Kind
    from .stage import StageKind

PARTICIPANTS = "suture.kinds"
STAGES = "suture.stages"


class MissingEngineError(ImportError):
    """A kind is installed, but something that it drives is not; the message names it."""


def kind_names() -> tuple[str, ...]:
    """Names of the installed kinds of participants."""
    return tuple(sorted(_entry_points(PARTICIPANTS)))


def stage_names() -> tuple[str, ...]:
    """Names of the installed kinds of stages."""
    return tuple(sorted(_entry_points(STAGES)))


def load_kind(name: str) -> Kind:
    """The kind of participant of that name; ``KeyError`` without one, ``MissingEngineError`` where it cannot work."""
    return _load(PARTICIPANTS, name)


def load_stage(name: str) -> StageKind:
    """The kind of stage of that name; errors as in ``load_kind``."""
    return _load(STAGES, name)


def _load(group: str, name: str) -> Any:
    entry = _entry_points(group)[name]
    try:
        return entry.load()
    except ImportError as error:
        raise MissingEngineError(f"{entry.value} cannot be imported: {error}", name=error.name) from error


@functools.cache
def _entry_points(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}
