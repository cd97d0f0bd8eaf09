"""Whatever stands in a case file, it loads or ends in a CaseError: nothing else comes through."""

from __future__ import annotations

import copy
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from suture.couplers.case import load_case
from suture.couplers.errors import CaseError

from ..test_bad_input import FLOW, STAGE, TANKS

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(),
    st.sampled_from(["", "lj", "si", "50 fs", "5 kg", "wall", "seam", "stub-sink", "foreign", "lower", "1e999 s"]),
    st.text(max_size=5),
    st.datetimes(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["kind", "system", "from", "to", "lower", "x"]), inner, max_size=3),
    ),
    max_leaves=4,
)


def places(table: Any, place: tuple = ()) -> list[tuple]:
    """All keys of the tables inside ``table``."""
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    return [found for key, value in items for found in [(*place, key), *places(value, (*place, key))]]


CASES = [tomllib.loads(text) for text in (TANKS, FLOW, TANKS + STAGE)]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_at_any_key(data):
    case = copy.deepcopy(data.draw(st.sampled_from(CASES)))
    *path, key = data.draw(st.sampled_from(places(case)))
    table = case
    for part in path:
        table = table[part]
    change = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "replace":
        table[key] = data.draw(VALUES)
    elif change == "remove":
        del table[key]
    elif isinstance(table, dict):
        table[data.draw(st.text(max_size=4))] = data.draw(VALUES)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "case.toml")
        file.write_text(tomli_w.dumps(case), encoding="utf-8")
        try:
            loaded = load_case(file)
        except CaseError as error:
            assert str(error)
        else:
            file.write_text(loaded.resolved(), encoding="utf-8")
            assert load_case(file).model_dump() == loaded.model_dump()


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=200) | st.binary(max_size=200))
def test_any_text(text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "case.toml")
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        try:
            load_case(file)
        except CaseError as error:
            assert str(error)
