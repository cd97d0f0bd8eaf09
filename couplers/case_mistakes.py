"""Collects the mistakes of a case file, and puts pydantic's errors into words that name file, table, key and remedy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .errors import CaseError, Mistake

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
"""Keys and indices that lead from the top of the file to a value."""


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
            for details in _merged(error.errors(include_url=False), data):
                self._add_details(model, data, place, details)
            return None

    def _add_details(self, model: type[BaseModel], data: Any, place: Place, details: ErrorDetails) -> None:
        path, kind, context = details["loc"], details["type"], details.get("ctx", {})
        found = shown(details["input"])
        allowed = _sentence(details["msg"])
        remedy = ""
        if kind == "extra_forbidden":
            keys = _keys(model, data, path[:-1])
            found, allowed, remedy = "an unknown key", listed(keys), suggestion(str(path[-1]), keys)
            remedy = self._home(str(path[-1]), (*place, *path[:-1])) or remedy or "remove it"
        elif kind == "missing" and isinstance(path[-1], int):
            path, found, allowed = path[:-1], "too few values", f"at least {path[-1] + 1} values"
        elif kind == "missing":
            found, allowed, remedy = "nothing", "this key is needed", _how_to_add(model, data, path)
        elif kind in ("literal_error", "enum", "union_tag_invalid"):
            text = context.get("expected") or context.get("expected_tags", "")
            names = [name.strip(" '") for name in text.replace(" or ", ",").split(",")]
            allowed = listed(names)
            if kind == "union_tag_invalid":
                path, found = (*path, context["discriminator"].strip("'")), shown(context["tag"])
            remedy = suggestion(found.strip('"'), names)
        elif kind == "union_tag_not_found":
            path, found = (*path, context["discriminator"].strip("'")), "nothing"
            allowed, remedy = "this key is needed", "add it; it says which other keys the table has"
        elif kind in ("unit", "value_error"):
            if kind == "unit":
                path, found = (*path, context["key"]), shown(details["input"][context["key"]])
            reason, *rest = allowed.split("; ")
            table = isinstance(details["input"], Mapping) or found.strip('"') in reason
            found = reason if table else f"{found}: {reason}"
            allowed, remedy = _allowed_and_remedy(rest, _description(model, data, path))
        self.add((*place, *path), found, allowed, remedy)

    def _home(self, key: str, table: Place) -> str:
        """Where a key belongs that stands in an inner table: in TOML it must come before that table's header."""
        if self.whole is None:
            return ""
        for depth in reversed(range(len(table))):
            if key in _keys(*self.whole, table[:depth]):
                home = f"[{'.'.join(map(str, table[:depth]))}]" if depth else "the top of the file"
                return f"it belongs to {home}: write it there, before the next [table]"
        return ""


def suggestion(word: str, names: Iterable[str]) -> str:
    """``did you mean "…"?`` for the most similar name, or an empty text."""
    names = list(names)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6) or [n for n in names if n.lower() == word.lower()]
    return f'did you mean "{near[0]}"?' if near else ""


def listed(names: Iterable[str]) -> str:
    """Names in one line, or what to say where there are none."""
    return ", ".join(names) or "no key at all"


def shown(value: Any) -> str:
    """A value as the case file would write it, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def split(place: Place) -> tuple[str, str]:
    """``("time", "window")`` as table and key; an index joins its key, as in ``velocity[2]``."""
    names: list[str] = []
    for part in place:
        if isinstance(part, int) and names:
            names[-1] += f"[{part}]"
        else:
            names.append(str(part))
    return ".".join(names[:-1]), names[-1] if names else ""


def _sentence(message: str) -> str:
    for start in ("Value error, ", "Assertion failed, ", "Input should be "):
        message = message.removeprefix(start)
    return message


def _allowed_and_remedy(rest: list[str], description: str) -> tuple[str, str]:
    """What a validator's message says after its reason: the rule, the remedy, or both."""
    rule = next((part for part in rest if part.startswith(("allowed", "it must", "must"))), "")
    if not rule and rest and (len(rest) > 1 or not description):
        rule = rest[0]
    remedy = "; ".join(part for part in rest if part != rule)
    return rule.removeprefix("allowed is ").removeprefix("allowed are ") or description, remedy


def _merged(errors: list[ErrorDetails], data: Any) -> list[ErrorDetails]:
    """The errors with the names of union members taken out of their places, and one error a place and type."""
    merged: dict[tuple[Any, ...], ErrorDetails] = {}
    for details in errors:
        place = _in_data(details["loc"], data, missing=details["type"] == "missing")
        key = (place, details["type"] if details["type"] in ("extra_forbidden", "missing") else "")
        if key in merged:
            message = f"{merged[key]['msg']}, or {_sentence(details['msg'])}"
            if _sentence(details["msg"]) not in merged[key]["msg"]:
                merged[key] = {**merged[key], "msg": message}
        else:
            merged[key] = {**details, "loc": place}
    return list(merged.values())


def _in_data(path: Place, data: Any, missing: bool) -> Place:
    """``path`` without the parts that pydantic adds for members of unions: those that lead nowhere in ``data``."""
    place: list[str | int] = []
    for number, part in enumerate(path):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (missing and number == len(path) - 1):
            continue
        place.append(part)
    return tuple(place)


def _keys(model: type[BaseModel], data: Any, path: Place) -> list[str]:
    """The keys that ``model`` allows in the table at ``path`` of ``data``."""
    keys: dict[str, None] = {}
    for schema in _schemas_at(model, data, path):
        keys.update(dict.fromkeys(schema.get("properties", {})))
    return list(keys)


def _how_to_add(model: type[BaseModel], data: Any, path: Place) -> str:
    described = _description(model, data, path)
    return f"add {path[-1]}" + (f": {described}" if described else "")


def _description(model: type[BaseModel], data: Any, path: Place) -> str:
    """What the model says of the key that ``path`` leads to, or an empty text."""
    if not path:
        return ""
    children = (_child(schema, path[-1]) for schema in _schemas_at(model, data, path[:-1]))
    return next((child["description"] for child in children if child and "description" in child), "")


def _schemas_at(model: type[BaseModel], data: Any, path: Place) -> list[dict[str, Any]]:
    """The JSON schemas of the table at ``path``; several where a union leaves the choice open."""
    root = model.model_json_schema()
    schemas = _members(root, root, data)
    for part in path:
        data = data[part]
        inner = [_child(schema, part) for schema in schemas]
        schemas = [member for schema in inner if schema is not None for member in _members(root, schema, data)]
    return schemas


def _child(schema: dict[str, Any], part: str | int) -> dict[str, Any] | None:
    if isinstance(part, int):
        return dict(enumerate(schema.get("prefixItems", []))).get(part) or schema.get("items")
    other = schema.get("additionalProperties")
    return schema.get("properties", {}).get(part) or (other if isinstance(other, dict) else None)


def _members(root: dict[str, Any], schema: dict[str, Any], data: Any) -> list[dict[str, Any]]:
    """``schema`` with references followed and unions opened; of tagged members only the one that ``data`` names."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return _members(root, schema, data)
    union = schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf")
    if not union:
        return [schema]
    members = [member for option in union for member in _members(root, option, data)]
    tagged = [member for member in members if _tag(member) is not None]
    chosen = [member for member in tagged if isinstance(data, Mapping) and data.get("kind") == _tag(member)]
    return chosen or members


def _tag(schema: dict[str, Any]) -> Any:
    return schema.get("properties", {}).get("kind", {}).get("const")
