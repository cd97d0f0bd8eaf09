"""Collects the mistakes of a case file, so that all are told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .case_words import Place, explain, keys_at, listed, shown, suggestion
from .errors import CaseError, Mistake

__all__ = ["Place", "Review", "listed", "shown", "split", "suggestion"]

Model = TypeVar("Model", bound=BaseModel)


class Review:
    """The mistakes found so far in one case file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.whole: tuple[type[BaseModel], Any] | None = None
        """Model and tables of the whole file, in which a key that stands in the wrong table is looked for."""

    def error(self, table: str, key: str, found: object, allowed: object, remedy: str = "") -> CaseError:
        """The error for one mistake, to be raised at once."""
        return CaseError(Mistake(self.file, table, key, str(found), str(allowed), remedy))

    def add(self, place: Place, found: object, allowed: object, remedy: str = "") -> None:
        """Note a mistake at the value to which ``place`` leads."""
        table, key = split(place)
        self.mistakes.append(Mistake(self.file, table, key, str(found), str(allowed), remedy))

    def absorb(self, error: CaseError) -> None:
        """Note the mistakes of an error raised elsewhere."""
        self.mistakes.extend(error.mistakes)

    def close(self) -> None:
        """Raise ``CaseError`` for everything that was noted, if anything was."""
        if self.mistakes:
            raise CaseError(*dict.fromkeys(self.mistakes))

    def validate(self, model: type[Model], data: Any, place: Place = ()) -> Model | None:
        """``data`` as ``model``; its mistakes are noted as standing at ``place``, and None returned, if it has any."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for told in explain(model, data, error):
                home = self._home(str(told.path[-1]), (*place, *told.path[:-1])) if told.unknown_key else ""
                self.add((*place, *told.path), told.found, told.allowed, home or told.remedy)
            return None

    def _home(self, key: str, table: Place) -> str:
        """Where a key belongs that stands in an inner table: in TOML it must come before that table's header."""
        if self.whole is None:
            return ""
        for depth in reversed(range(len(table))):
            if key in keys_at(*self.whole, table[:depth]):
                home = f"[{'.'.join(map(str, table[:depth]))}]" if depth else "the top of the file"
                return f"it belongs to {home}: write it there, before the next [table]"
        return ""


def split(place: Place) -> tuple[str, str]:
    """``("time", "window")`` as table and key; an index joins its key, as in ``velocity[2]``."""
    names: list[str] = []
    for part in place:
        if isinstance(part, int) and names:
            names[-1] += f"[{part}]"
        else:
            names.append(str(part))
    return ".".join(names[:-1]), names[-1] if names else ""
