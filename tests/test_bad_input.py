"""Mistakes in a case: each ends in seconds with a message that names file, table, key and remedy, and exit code 2."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from .complaints import SECONDS, edited, require, suture, write
from .mpi import mpirun

TANKS = """\
title = "Two tanks"
units = "lj"
run.deadline = 60

[time]
window = 0.25
end = 5.0

[scheme]
kind = "serial-explicit"
order = ["lower", "upper"]

[ledger]
tolerance = 1e-12

[participants.lower]
kind = "stub-source"
ranks = 2
solver = {lower = [0, 0, 0], upper = [1, 1, 0], cells = [2, 2]}

[participants.upper]
kind = "stub-sink"
solver = {cells = [3, 3]}

[interfaces.seam]
exchange = [
    {from = "lower", to = "upper", amounts = ["mass", "momentum", "energy"]},
    {from = "upper", to = "lower", states = ["temperature"]},
]

[interfaces.seam.sides]
lower = {}
upper = {}
"""


def test_the_unedited_case_is_in_order(capsys, tmp_path):
    complaint = suture(capsys, "check", write(tmp_path, TANKS))
    assert complaint.code == 0, complaint.text
    assert "participants: 3 ranks" in complaint.text


UNKNOWN = "an unknown key"

MISTAKES = {
    # Unknown keys, at every level.
    "unknown key at the top": ("title", "titel", "titel", UNKNOWN, 'did you mean "title"?'),
    "unknown table": ("[ledger]", "[legder]", "legder", UNKNOWN, 'did you mean "ledger"?'),
    "a key below the wrong header": (
        "order = ",
        'title = ""\norder = ',
        "[scheme] title",
        "it belongs to the top of the file",
    ),
    "a participant's key in its solver": (
        'kind = "stub-sink"\nsolver = {',
        'kind = "stub-sink"\nsolver = {ranks = 1, ',
        "[participants.upper.solver] ranks",
        "it belongs to [participants.upper]",
    ),
    "unknown key of time": ("end = 5.0", "end = 5.0\nstep = 1", "[time] step", UNKNOWN, "window, end"),
    "unknown key of scheme": ("order =", "ordre =", "[scheme] ordre", UNKNOWN, 'did you mean "order"?'),
    "unknown key of ledger": ("tolerance", "tolerence", "[ledger] tolerence", 'did you mean "tolerance"?'),
    "unknown key of run": ("run.deadline", "run.dead_line", "[run] dead_line", 'did you mean "deadline"?'),
    "unknown key of a participant": ("ranks", "rank", "[participants.lower] rank", 'did you mean "ranks"?'),
    "unknown key of a solver": ("cells", "cell", "[participants.lower.solver] cell", 'did you mean "cells"?'),
    "unknown key of an interface": ("exchange =", "echange =", "[interfaces.seam] echange", '"exchange"?'),
    "unknown key of a direction": ("amounts", "amount", "[interfaces.seam.exchange[0]] amount", '"amounts"?'),
    "unknown key of a side": ("lower = {}", "lower = {at = 1}", "[interfaces.seam.sides.lower] at", UNKNOWN),
    # Missing keys.
    "no time": ("[time]\nwindow = 0.25\nend = 5.0", "", "case.toml: time", "this key is needed", "add time"),
    "no window": ("window = 0.25", "", "[time] window", "this key is needed", "Length of the coupling window"),
    "no kind": ('kind = "stub-sink"', "", "[participants.upper] kind", "this key is needed"),
    "no sides": (
        "[interfaces.seam.sides]\nlower = {}\nupper = {}",
        "",
        "[interfaces.seam] sides",
        "this key is needed",
    ),
    # Wrong types and ranges.
    "text for a number": ("1e-12", '"small"', "[ledger] tolerance", '"small"', "a valid number"),
    "text for a table": ("run.deadline = 60", 'run = "fast"', "case.toml: run", '"fast"'),
    "a participant that is no table": (
        "[participants.upper]",
        "[participants]\nmiddle = 3\n[participants.upper]",
        "middle",
    ),
    "a fraction of a rank": ("ranks = 2", "ranks = 1.5", "[participants.lower] ranks", "1.5", "a valid integer"),
    "zero ranks": ("ranks = 2", "ranks = 0", "[participants.lower] ranks", "greater than or equal to 1"),
    "negative tolerance": ("1e-12", "-1e-12", "[ledger] tolerance", "greater than 0"),
    "infinite end": ("end = 5.0", "end = inf", "[time] end", "a finite number"),
    "too few numbers": ("cells = [3, 3]", "cells = [3]", "[participants.upper.solver] cells", "at least 2"),
    "no title but a number": ('"Two tanks"', "2", "title", "a valid string"),
    # Units.
    "unknown unit system": ('units = "lj"', 'units = "LJ"', "units", '"LJ"', 'did you mean "lj"?'),
    "wrong dimension": (
        'units = "lj"\nrun.deadline = 60\n\n[time]\nwindow = 0.25',
        'units = "metal"\n\n[time]\nwindow = "5 kg"',
        "[time] window",
        "'5 kg' is a mass, not a time",
        '"50 fs"',
    ),
    "unknown unit": ("deadline = 60", 'deadline = "1 mni"', "[run] deadline", "'mni' is not a unit"),
    "number as text": ("deadline = 60", 'deadline = "60"', "[run] deadline", "is a plain number, not a time"),
    "a time in units without a scale": ("window = 0.25", 'window = "50 fs"', "[time] window", "no scale", "sigma"),
    "units that do not convert": ("ranks = 2", 'ranks = 2\nunits = "si"', '"si" of participant', "sigma"),
    "half a unit system": (
        'units = "lj"',
        'units = {system = "lj", sigma = "1 nm"}',
        "units",
        "missing: epsilon, mass",
    ),
    # Times.
    "window not a divisor": ("end = 5.0", "end = 5.1", "[time] end", "20.4 windows", "set end to 5 or 5.25"),
    "window longer than the run": ("window = 0.25", "window = 7", "[time] end", "set end to 7"),
    "windows that shrink": ("end = 5.0", "end = 5.0\ngrowth = 0.5", "[time] growth", "greater than or equal to 1"),
    "windows that grow where they must not": (
        "end = 5.0",
        "end = 5.0\ngrowth = 1.2",
        "[time] growth",
        "1.2 with participant 'lower' of kind \"stub-source\", whose windows are all alike",
    ),
    "windows that grow beyond the end": (
        "window = 0.25\nend = 5.0",
        "window = 7.0\nend = 5.0\ngrowth = 1.2",
        "[time] end",
        "5, before the first window of 7 has ended",
    ),
    "window zero": ("window = 0.25", "window = 0", "[time] window", "greater than 0"),
    "negative end": ("end = 5.0", "end = -5.0", "[time] end", "greater than 0"),
    # Scheme.
    "unknown scheme": ("serial-explicit", "serial-implict", "[scheme] kind", "parallel-explicit", "did you mean"),
    "order with a stranger": ('["lower", "upper"]', '["lower", "uper"]', "[scheme] order", 'did you mean "upper"?'),
    "order without someone": ('["lower", "upper"]', '["lower"]', "[scheme] order", "each of lower, upper once"),
    "order in a parallel scheme": ("serial-explicit", "parallel-explicit", "[scheme] order", "remove it"),
    "an acceleration of nothing": (
        'kind = "serial-explicit"',
        'kind = "serial-explicit"\nconvergence = {relative = 1e-3}',
        "[scheme] convergence",
        "does not iterate",
        "use serial-implicit",
    ),
    "foreseen without iterations": (
        'kind = "serial-explicit"',
        'kind = "serial-explicit"\nextrapolation = "automatic"',
        "[scheme] extrapolation",
        "constant, linear, quadratic",
    ),
    "a tolerance for a stranger": (
        'kind = "serial-explicit"',
        'kind = "serial-implicit"\nconvergence.fields.temprature = {relative = 1e-3}',
        "[scheme.convergence.fields] temprature",
        'did you mean "temperature"?',
    ),
    "a tolerance of nothing": (
        'kind = "serial-explicit"',
        'kind = "serial-implicit"\nconvergence = {relative = 0}',
        "[scheme.convergence] relative",
        "greater than 0",
    ),
    "no sample": ('kind = "serial-explicit"', 'kind = "serial-explicit"\nsamples = 0', "[scheme] samples", "1"),
    # Kinds and names.
    "unknown kind": ("stub-sink", "stub-snik", "[participants.upper] kind", 'did you mean "stub-sink"?'),
    "a name that is no file name": (
        "[participants.upper]",
        '[participants."a/b"]\nkind = "stub-sink"\n[participants.upper]',
        "[participants] a/b",
        "it names files",
    ),
    "a name that is taken": (
        "[participants.upper]",
        '[participants.fields]\nkind = "stub-sink"\n[participants.upper]',
        "[participants] fields",
        "a run writes folders of these names",
    ),
    "a participant without an interface": (
        "[participants.upper]",
        '[participants.idle]\nkind = "stub-sink"\n[participants.upper]',
        "[participants] idle",
        "a part in at least one interface",
    ),
    "a solver table for a foreign participant": (
        'kind = "stub-sink"',
        'kind = "foreign"',
        "[participants.upper] solver",
        "a foreign program reads its own",
    ),
    # Sides.
    "one side": ("upper = {}", "", "[interfaces.seam] sides", "exactly two sides", "1: lower"),
    "three sides": ("upper = {}", "upper = {}\nmiddle = {}", "[interfaces.seam] sides", "exactly two sides"),
    "a side that is no table": ("upper = {}", "upper = true", "[interfaces.seam.sides] upper", "not a table"),
    "a solver that is no table": (
        'kind = "stub-sink"\nsolver = {cells = [3, 3]}',
        'kind = "stub-sink"\nsolver = 3',
        "[participants.upper] solver",
        "not a table",
    ),
    "a side that is no participant": ("upper = {}", "uper = {}", 'no participant "uper"', 'did you mean "upper"?'),
    "sides in different planes": (
        "lower = [0, 0, 0], upper = [1, 1, 0]",
        "lower = [0, 0, 2], upper = [1, 1, 2]",
        "[interfaces.seam] sides",
        "2 apart along z",
        "[interfaces.seam.sides.upper]",
    ),
    "sides that do not overlap": (
        "lower = [0, 0, 0], upper = [1, 1, 0]",
        "lower = [5, 0, 0], upper = [6, 1, 0]",
        "they do not overlap along x",
    ),
    "sides that cover different parts": ("[1, 1, 0]", "[1, 2, 0]", "different parts along y", "amounts would be lost"),
    # Exchange.
    "unknown quantity": ('"momentum"', '"momentun"', "exchange[0]] amounts", 'did you mean "momentum"?'),
    "a state among the amounts": ('"momentum"', '"velocity"', "list it under states"),
    "an amount among the states": ('states = ["temp', 'states = ["mass", "temp', "list it under amounts"),
    "a quantity that nobody gives": ('["temperature"]', '["pressure"]', "'upper' (stub-sink) gives: temperature"),
    "the wrong way round": (
        '{from = "lower", to = "upper", amounts',
        '{from = "upper", to = "lower", amounts',
        "'upper' (stub-sink) gives: temperature",
        "exchange it the other way",
    ),
    "an amount twice": ('"mass", "momentum"', '"mass", "mass"', "goes from lower to upper and from lower to upper"),
    "a direction to nowhere": ('to = "upper"', 'to = "roof"', "exchange[0]] to", '"roof"', "lower, upper"),
    "a direction to itself": ('to = "upper"', 'to = "lower"', "exchange[0]] to", "an exchange has two ends"),
    "a direction of nothing": ('["temperature"]', "[]", "no amounts and no states", "at least one quantity"),
    "a foreign side without an exchange": (
        edited(TANKS[TANKS.index('kind = "stub-sink"') : TANKS.index("[interfaces.seam.sides]")]),
        'kind = "foreign"\n[interfaces.seam]\n',
        "[interfaces.seam] exchange",
        "'upper' is foreign",
        'exchange = [{from = "lower", to = "upper"',
    ),
    # TOML.
    "the same table twice": ("[participants.upper]", "[participants.lower]", "twice", "at line 21", "rename one"),
    "the same key twice": ("end = 5.0", "end = 5.0\nend = 6.0", "at line 8"),
    "broken syntax": ("end = 5.0", "end = ", "at line 7", "https://toml.io"),
    "an open string": ('"Two tanks"', '"Two tanks', "at line 1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(capsys, tmp_path, mistake):
    old, new, *texts = MISTAKES[mistake]
    complaint = suture(capsys, "check", write(tmp_path, edited(TANKS, (old, new))))
    require(complaint, str(tmp_path / "case.toml"), "found:", "allowed:", *texts)


STAGE = """
[stages.fluid]
kind = "measure-fluid"
script = "fluid.lmp"
density = 0.8442
temperature = 1.107
output = "measured/fluid.json"
"""

STAGE_MISTAKES = {
    "unknown kind of stage": (
        "measure-fluid",
        "measure-fluids",
        "[stages.fluid] kind",
        'did you mean "measure-fluid"?',
    ),
    "unknown key of a stage": ("density", "densty", "[stages.fluid] densty", 'did you mean "density"?'),
    "a stage without its script": ('script = "fluid.lmp"', "", "[stages.fluid] script", "this key is needed"),
    "a stage's script that is missing": (
        '"fluid.lmp"',
        '"fluid.lm"',
        "[stages.fluid] script",
        "fluid.lm does not exist",
    ),
    "no density at all": ("0.8442", "0", "[stages.fluid] density", "greater than 0"),
    "no JSON": ("fluid.json", "fluid.txt", "[stages.fluid] output", "json"),
    "two stages that write one file": (
        STAGE,
        STAGE + STAGE.replace("[stages.fluid]", "[stages.other]"),
        "[stages.other] output",
        "stage 'fluid' writes it too",
    ),
}


@pytest.mark.parametrize("mistake", STAGE_MISTAKES)
def test_mistake_in_a_stage(capsys, tmp_path, mistake):
    old, new, *texts = STAGE_MISTAKES[mistake]
    (tmp_path / "fluid.lmp").write_text("")
    complaint = suture(capsys, "check", write(tmp_path, edited(TANKS + STAGE, (old, new))))
    require(complaint, str(tmp_path / "case.toml"), "found:", "allowed:", *texts)


def test_a_stage_in_order_is_shown(capsys, tmp_path):
    (tmp_path / "fluid.lmp").write_text("")
    complaint = suture(capsys, "check", write(tmp_path, TANKS + STAGE))
    assert complaint.code == 0, complaint.text
    assert "measured/fluid.json will be made: measured/fluid.json does not exist" in complaint.text


FLOW = """\
units = "lj"

[time]
window = 0.25
end = 5.0

[participants.source]
kind = "stub-source"
solver = {lower = [0, 0, 2], upper = [4, 4, 2], cells = [2, 2]}

[participants.channel]
kind = "finite-volume"

[participants.channel.solver]
lower = [0, 0, 2]
upper = [4, 4, 10]
cells = [1, 1, 8]
fluid = {kind = "ideal-gas", gamma = 1.4, gas_constant = 1.0, viscosity = 1.0, conductivity = 1.0}
initial = {density = 1.0, velocity = ["0.1*z", 0, 0], temperature = 1.0}
cfl = 0.5

[participants.channel.solver.boundaries]
z-lower = {kind = "seam"}
z-upper = {kind = "wall", temperature = 1.0}

[interfaces.seam.sides.source]
[interfaces.seam.sides.channel]
side = "z-lower"
"""

MEASURED = 'fluid = {kind = "measured", file = "fluid.json"}'
IDEAL = FLOW[FLOW.index("fluid = ") : FLOW.index("initial")].strip()
WALL = 'z-upper = {kind = "wall", temperature = 1.0}'
SIDE = "[interfaces.seam.sides.channel] side"
SOLVER = "[participants.channel.solver"

FLOW_MISTAKES = {
    "negative cfl": ("cfl = 0.5", "cfl = -0.5", f"{SOLVER}] cfl", "-0.5", "greater than 0"),
    "unknown name in a formula": ('"0.1*z"', '"0.1*q"', "initial] velocity[0]", "unknown name 'q'", "x, y, z"),
    "unknown function in a formula": ('"0.1*z"', '"sine(z)"', "unknown function 'sine'", "did you mean 'sin'?"),
    "no formula": ('"0.1*z"', '"0.1*"', "initial] velocity[0]", "is not a formula"),
    "python in a formula": ('"0.1*z"', "\"__import__('os')\"", "initial] velocity[0]", "__import__"),
    "unknown boundary kind": ('"wall"', '"wal"', "boundaries.z-upper] kind", 'did you mean "wall"?'),
    "unknown boundary": ("z-upper = {", "z-uper = {", "boundaries] z-uper", 'did you mean "z-upper"?'),
    "a boundary's unknown key": (WALL, WALL.replace("temperature", "temp"), "boundaries.z-upper] temp"),
    "a boundary missing": (WALL, "", "[participants.channel] solver", "z-upper"),
    "a boundary of an inactive axis": (WALL, f'{WALL}\nx-lower = {{kind = "wall"}}', "'x-lower'", "single cell"),
    "a side of another axis": ('side = "z-lower"', 'side = "x-lower"', "[interfaces.seam] sides", "flat along x"),
    "a side at the other end": ('side = "z-lower"', 'side = "z-upper"', "[interfaces.seam] sides", "8 apart along z"),
    "a side that is no seam": ('{kind = "seam"}', '{kind = "wall"}', SIDE, "whose boundary is of kind 'wall'"),
    "an unknown side": ('side = "z-lower"', 'side = "lower"', SIDE, 'did you mean "'),
    "an unknown condition": ('side = "z-lower"', 'side = "z-lower"\ncondition = "walls"', 'did you mean "wall"?'),
    "a wall without a temperature": (
        'side = "z-lower"',
        'side = "z-lower"\ncondition = "wall"',
        "sides.channel] condition",
        "'wall', where 'channel' gives temperature and takes nothing",
        "with it, that 'channel' gives energy and takes temperature",
    ),
    "a seam without an interface": (
        WALL,
        'z-upper = {kind = "seam"}',
        f"{SOLVER}.boundaries] z-upper",
        "a seam that no interface names",
    ),
    "upside down": ("upper = [4, 4, 10]", "upper = [4, 4, 1]", "[participants.channel] solver", "along z"),
    "no cells": ("[1, 1, 8]", "[1, 1, 0]", f"{SOLVER}] cells[2]", "greater than or equal to 1"),
    "a plane outside": (
        "lower = [0, 0, 2], upper = [4, 4, 2]",
        "lower = [0, 0, 1], upper = [4, 4, 1]",
        "1 apart along z",
    ),
    "more ranks than cells": ('"finite-volume"', '"finite-volume"\nranks = 9', "channel] ranks", "at most 4"),
    "unknown fluid": ('"ideal-gas"', '"ideal"', f"{SOLVER}.fluid] kind", 'did you mean "ideal-gas"?'),
    "a fluid's wrong number": ("gamma = 1.4", "gamma = 0.4", "solver.fluid] gamma", "greater than 1"),
    "a fluid file that is missing": (IDEAL, MEASURED, "solver.fluid] file", "fluid.json", "stage that measures it"),
    "negative density": ("density = 1.0", "density = -1.0", f"{SOLVER}.initial] density", "-1 in the cell"),
    "the wrong way across": (
        "[interfaces.seam.sides.source]",
        '[interfaces.seam]\nexchange = [{from = "channel", to = "source", amounts = ["mass"]}]\n'
        "[interfaces.seam.sides.source]",
        "'channel' (finite-volume) gives: density, velocity, temperature, pressure",
        "exchange it the other way",
    ),
}


@pytest.mark.parametrize("mistake", FLOW_MISTAKES)
def test_mistake_in_a_flow(capsys, tmp_path, mistake):
    old, new, *texts = FLOW_MISTAKES[mistake]
    complaint = suture(capsys, "check", write(tmp_path, edited(FLOW, (old, new))))
    require(complaint, str(tmp_path / "case.toml"), "found:", "allowed:", *texts)


def test_a_side_of_an_inactive_axis(capsys, tmp_path):
    plane = ("lower = [0, 0, 2], upper = [4, 4, 2]", "lower = [0, 0, 2], upper = [0, 4, 10]")
    case = edited(FLOW, ('side = "z-lower"', 'side = "x-lower"'), plane)
    require(suture(capsys, "check", write(tmp_path, case)), SIDE, "'x-lower'", "absent", 'kind = "seam"')


def test_the_unedited_flow_is_in_order(capsys, tmp_path):
    complaint = suture(capsys, "check", write(tmp_path, FLOW))
    assert complaint.code == 0, complaint.text
    assert "8 cells" in complaint.text


def test_at_least_forty_mistakes_differ():
    assert len({tuple(texts) for _, _, *texts in MISTAKES.values()}) >= 40


def test_a_file_that_is_not_utf8(capsys, tmp_path):
    (tmp_path / "case.toml").write_bytes(TANKS.replace("Two", "Zw\xf6lf").encode("latin-1"))
    require(suture(capsys, "check", tmp_path), "byte 0xf6 at position 11", "save the file with the encoding UTF-8")


def test_no_such_case(capsys, tmp_path):
    require(suture(capsys, "check", tmp_path / "nothing"), "no such file or directory", "a directory with a case.toml")
    require(suture(capsys, "check", tmp_path), str(tmp_path / "case.toml"), "a directory without it")


def test_a_kind_whose_engine_is_missing(tmp_path):
    """A package that brings a kind, installed without its engine."""
    package = tmp_path / "site" / "plumbing-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: plumbing\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[suture.kinds]\npump = plumbing:KIND\n")
    (tmp_path / "site" / "plumbing.py").write_text("import hydraulics\n")
    case = write(tmp_path, TANKS.replace("stub-sink", "pump"))
    done = run_suture("check", case, path=str(tmp_path / "site"))
    assert done.returncode == 2, done.stderr
    assert "[participants.upper] kind" in done.stderr
    assert "No module named 'hydraulics'" in done.stderr
    assert "install hydraulics" in done.stderr
    assert "Traceback" not in done.stderr


def run_suture(*arguments: str | Path, path: str = "") -> subprocess.CompletedProcess[str]:
    import os

    command = [sys.executable, "-m", "suture", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_mistake_in_a_process_of_its_own(tmp_path, command):
    done = run_suture(command, write(tmp_path, TANKS.replace("window = 0.25", "window = 0.3")))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "[time] end" in done.stderr
    assert "set end to 4.8 or 5.1" in done.stderr
    assert not (tmp_path / "RUN").exists()


def test_words_that_are_no_command(tmp_path):
    assert run_suture("chek", tmp_path).returncode == 2
    assert run_suture("check").returncode == 2
    done = run_suture("check", tmp_path, "--verbos")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_mistake_under_mpirun_is_told_once(tmp_path):
    start = time.monotonic()
    case = write(tmp_path, TANKS.replace("ranks = 2", "ranks = 0"))
    done = mpirun(2, "-m", "suture", "run", case, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("greater than or equal to 1") == 1
    assert "Traceback" not in done.stderr
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("ranks", [1, 4])
def test_ranks_that_do_not_fit_the_case(tmp_path, ranks):
    start = time.monotonic()
    done = mpirun(ranks, "-m", "suture", "run", write(tmp_path, TANKS), check=False)
    assert done.returncode == 2, done.stderr
    assert f"{ranks} ranks were started, but the case needs 3 (lower: 2, upper: 1)" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - start < SECONDS
