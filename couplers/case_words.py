"""Puts pydantic's errors into words: where, what was found, what is allowed, and what to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]
"""Keys and indices that lead from the top of a file, or of a table in it, to a value."""


@dataclass(frozen=True)
class Told:
    """One error in words."""

    path: Place
    found: str
    allowed: str
    remedy: str = ""
    unknown_key: bool = False


def explain(model: type[BaseModel], data: Any, error: ValidationError) -> list[Told]:
    """The errors that pydantic found in ``data``, in words."""
    return [_explain(model, data, details) for details in _merged(error.errors(include_url=False), data)]


def _explain(model: type[BaseModel], data: Any, details: ErrorDetails) -> Told:
    path, context = details["loc"], details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            keys = keys_at(model, data, path[:-1])
            remedy = suggestion(str(path[-1]), keys) or "remove it"
            return Told(path, "an unknown key", listed(keys), remedy, unknown_key=True)
        case "missing" if isinstance(path[-1], int):
            return Told(path[:-1], "too few values", f"at least {path[-1] + 1} values")
        case "missing":
            remedy = ": ".join(filter(None, (f"add {path[-1]}", _description(model, data, path))))
            return Told(path, "nothing", "this key is needed", remedy)
        case "literal_error" | "enum":
            return _one_of(path, details["input"], context["expected"])
        case "union_tag_invalid":
            return _one_of((*path, _tag_name(context)), context["tag"], context["expected_tags"])
        case "union_tag_not_found":
            remedy = "add it; it says which other keys the table has"
            return Told((*path, _tag_name(context)), "nothing", "this key is needed", remedy)
        case "unit":
            # A validator of the table found it, and says at which key.
            value, path = details["input"][context["key"]], (*path, context["key"])
            return _of_validator(path, value, details["msg"], _description(model, data, path))
        case "value_error":
            return _of_validator(path, details["input"], details["msg"], _description(model, data, path))
    return Told(path, shown(details["input"]), _sentence(details["msg"]))


def _tag_name(context: Mapping[str, Any]) -> str:
    return context["discriminator"].strip("'")


def _one_of(path: Place, found: Any, expected: str) -> Told:
    names = [name.strip(" '") for name in expected.replace(" or ", ",").split(",")]
    return Told(path, shown(found), listed(names), suggestion(str(found), names))


def _of_validator(path: Place, value: Any, message: str, description: str) -> Told:
    """A message of a validator's own: a reason, and after semicolons the rule, the remedy or both."""
    reason, *rest = _sentence(message).split("; ")
    speaks_of_it = isinstance(value, Mapping) or str(value) in reason
    found = reason if speaks_of_it else f"{shown(value)}: {reason}"
    rule = next((part for part in rest if part.startswith(("allowed", "it must", "must"))), "")
    if not rule and rest and (len(rest) > 1 or not description):
        rule = rest[0]
    remedy = "; ".join(part for part in rest if part != rule)
    return Told(path, found, rule.removeprefix("allowed is ").removeprefix("allowed are ") or description, remedy)


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


def _sentence(message: str) -> str:
    for start in ("Value error, ", "Assertion failed, ", "Input should be "):
        message = message.removeprefix(start)
    return message


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


def keys_at(model: type[BaseModel], data: Any, path: Place) -> list[str]:
    """The keys that ``model`` allows in the table at ``path`` of ``data``."""
    keys: dict[str, None] = {}
    for schema in _schemas_at(model, data, path):
        keys.update(dict.fromkeys(schema.get("properties", {})))
    return list(keys)


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
