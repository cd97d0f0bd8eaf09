"""No case leaves participants waiting for one another, in play and in real runs; stages that do so are told."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from suture.couplers.case import load_case
from suture.couplers.flow import Flow
from suture.couplers.scheme import flows_of
from suture.couplers.waits import programme, stuck

from ..complaints import require, suture, write
from ..mpi import mpirun
from ..test_bad_input import TANKS

SCHEMES = ("serial-explicit", "parallel-explicit", "serial-implicit", "parallel-implicit")
WAYS = ("forth", "back", "both")


def case_of(scheme: str, names: list[str], links: list[tuple[int, int, str]], ranks: list[int]) -> dict:
    """Foreign participants that exchange energy and temperature; a link that exists twice is two interfaces."""
    interfaces = {}
    for number, (one, other, ways) in enumerate(links):
        a, b = names[one], names[other]
        exchange = [{"from": a, "to": b, "amounts": ["energy"]}] if ways != "back" else []
        exchange += [{"from": b, "to": a, "states": ["temperature"]}] if ways != "forth" else []
        interfaces[f"i{number}"] = {"exchange": exchange, "sides": {a: {}, b: {}}}
    implicit = {"convergence": {"max_iterations": 2, "at_maximum": "continue"}, "acceleration": {"kind": "constant"}}
    return {
        "units": "lj",
        "run": {"deadline": 20},
        "time": {"window": 1.0, "end": 3.0},
        "scheme": {"kind": scheme} | (implicit if scheme.endswith("implicit") else {}),
        "participants": {name: {"kind": "foreign", "ranks": n} for name, n in zip(names, ranks, strict=True)},
        "interfaces": interfaces,
    }


def written(folder: Path, tables: dict) -> Path:
    (folder / "case.toml").write_text(tomli_w.dumps(tables))
    return folder


@st.composite
def plans(draw: st.DrawFn) -> dict:
    """Any participants, any interfaces between them, any scheme and order."""
    count = draw(st.integers(2, 6))
    names = draw(st.permutations([f"p{n}" for n in range(count)]))
    others = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1), st.sampled_from(WAYS))
    links = [(n, n + 1, draw(st.sampled_from(WAYS))) for n in range(count - 1)]
    links += draw(st.lists(others.filter(lambda link: link[0] != link[1]), max_size=8))
    return case_of(draw(st.sampled_from(SCHEMES)), names, links, [1] * count)


@settings(max_examples=150, deadline=None)
@given(plan=plans())
def test_every_plan_of_participants_comes_to_its_end(plan):
    with tempfile.TemporaryDirectory() as folder:
        case = load_case(written(Path(folder), plan))
    flows = flows_of(case)
    programmes = {name: programme(name, flows, case.scheme.implicit) for name in case.participants}
    assert sum(len(steps) for steps in programmes.values()) > len(flows)
    assert stuck(programmes, flows) == []


def test_what_would_wait_in_a_circle_is_found():
    """Without the lag of what goes back, both would want what the other has not given."""
    flows = [Flow("seam", "a", "b", ("energy",), lag=0), Flow("seam", "b", "a", ("temperature",), lag=0)]
    assert sorted(stuck({name: programme(name, flows, implicit=False) for name in "ab"}, flows)) == ["a", "b"]
    flows.append(Flow("top", "b", "c", ("temperature",), lag=0))
    assert sorted(stuck({name: programme(name, flows, implicit=False) for name in "cab"}, flows)) == ["a", "b"]


def test_who_takes_before_giving_the_initial_state_is_found():
    flows = [Flow("seam", "a", "b", ("temperature",), lag=1), Flow("seam", "b", "a", ("temperature",), lag=1)]
    programmes = {name: programme(name, flows, implicit=False) for name in "ab"}
    assert stuck(programmes, flows) == []
    for steps in programmes.values():
        steps[1], steps[2] = steps[2], steps[1]
    assert sorted(stuck(programmes, flows)) == ["a", "b"]


RUNS = {
    "a pair": ("serial-explicit", [1, 1], [(0, 1, "both")]),
    "a ring": ("serial-explicit", [2, 1, 2], [(0, 1, "both"), (1, 2, "both"), (2, 0, "both")]),
    "all with all at once": ("parallel-explicit", [1, 1, 1, 2], [(a, b, "both") for a in range(4) for b in range(a)]),
    "a ring, repeated": ("serial-implicit", [1, 2, 1], [(0, 1, "forth"), (1, 2, "both"), (2, 0, "forth")]),
    "a star, repeated at once": ("parallel-implicit", [3, 1, 1, 1], [(0, 1, "both"), (0, 2, "back"), (3, 0, "both")]),
}


@pytest.mark.parametrize("run", RUNS)
def test_participants_wait_in_the_order_that_is_played(tmp_path, run):
    scheme, ranks, links = RUNS[run]
    names = [f"p{n}" for n in range(len(ranks))]
    Random(run).shuffle(names)
    case = load_case(written(tmp_path, case_of(scheme, names, links, ranks)))
    mpirun(case.ranks, Path(__file__).with_name("play_waits.py"), tmp_path, timeout=60)
    flows = flows_of(case)
    for name in names:
        done = [tuple(step) for step in json.loads((tmp_path / f"{name}.json").read_text())]
        assert done == [step for step in programme(name, flows, case.scheme.implicit) if step[0] != "meet"], name


def stage(name: str, reads: str, output: str) -> str:
    return f'[stages.{name}]\nkind = "bulk-conductivity"\nphonons = "{reads}"\noutput = "{output}"\n'


WAITS = {
    "itself": (stage("a", "a.json", "a.json"), "[stages.a] phonons", "a circular wait: 'a' waits for 'a'"),
    "one another": (
        stage("a", "b.json", "a.json") + stage("b", "a.json", "b.json"),
        "[stages.a] phonons",
        "a circular wait: 'a' waits for 'b' waits for 'a'",
        "files that no stage makes",
    ),
    "three": (
        stage("a", "x.json", "a.json") + stage("b", "d.json", "b.json") + stage("c", "b.json", "c.json")
        + stage("d", "c.json", "d.json"),
        "[stages.b] phonons",
        "'b' waits for 'd' waits for 'c' waits for 'b'",
    ),
    "a later one": (
        stage("a", "b.json", "a.json") + stage("b", "x.json", "b.json"),
        "[stages.a] phonons",
        '"b.json", which the stage \'b\' makes later',
        "write [stages.b] before [stages.a]",
    ),
    "nobody, and write one file": (
        stage("a", "x.json", "a.json") + stage("b", "x.json", "d/../a.json"),
        "[stages.b] output",
        "\"a.json\", which the stage 'a' writes too",
    ),
    "the run": (stage("a", "RUN/x.json", "a.json"), "[stages.a] phonons", "the run waits for all stages"),
}  # fmt: skip


@pytest.mark.parametrize("wait", WAITS)
def test_stages_that_wait_for(capsys, tmp_path, wait):
    stages, *texts = WAITS[wait]
    (tmp_path / "RUN").mkdir()
    for name in ("a", "b", "c", "d", "x", "RUN/x"):  # from an earlier run: without them the stages are refused for that
        (tmp_path / f"{name}.json").write_text("{}")
    require(suture(capsys, "check", write(tmp_path, TANKS + stages)), str(tmp_path / "case.toml"), "found:", *texts)


def test_stages_in_order_do_not_wait_in_a_circle(capsys, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    stages = stage("a", "x.json", "a.json") + stage("b", "a.json", "b.json")
    complaint = suture(capsys, "check", write(tmp_path, TANKS + stages))
    assert complaint.code == 0 and "no circular wait" in complaint.text
