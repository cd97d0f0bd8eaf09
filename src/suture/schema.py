"""The JSON schema of case files, put together from the case model and the settings of every installed kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel

from .couplers.case_model import FOREIGN, Case
from .couplers.kinds import MissingEngineError, kind_names, load_kind, load_stage, stage_names

Schema = dict[str, Any]


def case_schema_text() -> str:
    """The schema as JSON text, the same at every call."""
    return json.dumps(case_schema(), indent=2, ensure_ascii=False) + "\n"


def case_schema() -> Schema:
    """The schema of a case file; kinds whose engine is not installed are left out.

    A participant's ``kind`` selects the schema of its solver table. A side's table may follow the settings of any kind:
    which one holds is said by another table, which JSON schema cannot express.
    """
    schema = Case.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Suture case", **schema}
    definitions: Schema = schema["$defs"]
    kinds = {name: kind for name, kind in _loaded(kind_names(), load_kind) if not name.startswith(_INTERNAL)}
    definitions["Participant"] = _participant(
        definitions["Participant"],
        {name: _adopt(definitions, name, kind.solver_settings) for name, kind in kinds.items()},
    )
    sides = [_adopt(definitions, name, kind.interface_settings) for name, kind in kinds.items()]
    empty = {"type": "object", "maxProperties": 0, "description": "Side of a foreign participant."}
    definitions["Interface"]["properties"]["sides"] |= {
        "additionalProperties": {"anyOf": [*sides, empty]},
        "minProperties": 2,
        "maxProperties": 2,
    }
    stages = [_stage(definitions, name, stage.settings) for name, stage in _loaded(stage_names(), load_stage)]
    definitions["Stage"] = {"type": "object", "required": ["kind"], "anyOf": stages or [True]}
    return _without_null(schema)


_INTERNAL = "stub-"
"""Kinds that only Suture's own tests use."""


def _loaded(names: Iterable[str], load: Callable[[str], Any]) -> list[tuple[str, Any]]:
    loaded = []
    for name in names:
        try:
            loaded.append((name, load(name)))
        except MissingEngineError:
            continue
    return loaded


def _without_null(schema: Any) -> Any:
    """The schema without the null that stands for an absent key in Python: TOML has none."""
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(value) for key, value in schema.items() if not (key == "default" and value is None)}
    if {"type": "null"} in kept.get("anyOf", []):
        members = [member for member in kept.pop("anyOf") if member != {"type": "null"}]
        kept |= {"anyOf": members} if len(members) > 1 else {**members[0], **kept}
    return kept


def _adopt(definitions: Schema, kind: str, model: type[BaseModel]) -> Schema:
    """Move a model's schema into ``definitions``, its names prefixed by the kind's, and return the reference to it."""
    own = model.model_json_schema(by_alias=True, ref_template=f"#/$defs/{kind}.{{model}}")
    for name, schema in own.pop("$defs", {}).items():
        definitions[f"{kind}.{name}"] = schema
    definitions[f"{kind}.{model.__name__}"] = own
    return {"$ref": f"#/$defs/{kind}.{model.__name__}"}


def _participant(base: Schema, solvers: dict[str, Schema]) -> Schema:
    """One member a kind, told apart by ``kind``; a foreign participant has no solver table."""
    members = []
    for name, solver in solvers.items():
        properties = {**base["properties"], "kind": {"const": name}, "solver": solver}
        members.append({**base, "title": name, "properties": properties})
    foreign = {key: value for key, value in base["properties"].items() if key != "solver"}
    members.append({**base, "title": FOREIGN, "properties": {**foreign, "kind": {"const": FOREIGN}}})
    return {"type": "object", "required": ["kind"], "oneOf": members, "description": base["description"]}


def _stage(definitions: Schema, kind: str, model: type[BaseModel]) -> Schema:
    """The settings' own schema, with the kind as one more key: a stage has no table inside its table."""
    reference = _adopt(definitions, kind, model)
    settings = definitions[f"{kind}.{model.__name__}"]
    settings["properties"] = {"kind": {"const": kind}, **settings.get("properties", {})}
    settings["required"] = ["kind", *settings.get("required", [])]
    return reference
