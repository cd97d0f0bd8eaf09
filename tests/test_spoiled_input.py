"""What fuzzing has found (docs/trust.md, "Bad input"), each as the shortest input that shows it."""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import signal
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from meshio import CellBlock
from pydantic import BaseModel

from suture.advise import _sensible, fitting_window, fluid_times, sides_of
from suture.couplers import audit, checkpoint, ledger_form, status
from suture.couplers.audit import read_books
from suture.couplers.case import load_case
from suture.couplers.errors import LedgerError, ProfileError, ResumeError
from suture.couplers.kinds import kind_names, load_kind, load_stage, stage_names
from suture.couplers.scales import FluidScales, Scales
from suture.couplers.units import si_value
from suture.plot import plot
from suture.profile import show
from suture.solvers.bte.phono3py_file import point_group, read_phono3py
from suture.solvers.crystal.structures import structure
from suture.solvers.errors import SolverError
from suture.solvers.fem import mesh_files
from suture.solvers.limits import check_count
from suture.solvers.md.trial import ScriptError, try_script, whole_steps

from .cases.variants import variant
from .complaints import edited, require, suture, write
from .mpi import suture as command
from .solvers.bte.crystals import phono3py_datasets, write_phono3py
from .test_bad_input import FLOW, TANKS

# Case files

LOWER = "lower = [0, 0, 0], upper = [1, 1, 0], cells = [2, 2]"
MANY = {
    "tables inside of tables": ("ranks = 2", "ranks = " + 3000 * "[" + 3000 * "]", "without end"),
    "an integer of thousands of digits": ("ranks = 2", "ranks = " + 5000 * "9", "TOML"),
    "more ranks than anybody has": ("ranks = 2", "ranks = 1000000", "[participants.lower] ranks", "100000"),
    "more windows than can be counted": ("window = 0.25", "window = 1e-300", "[time] end", "at most 1000000000"),
    "windows of no length": ("window = 0.25", "window = 5e-324", "[time] end", "at most 1000000000 windows"),
    "a corner that is no number": (LOWER, LOWER.replace("[0, 0, 0]", "[nan, 0, 0]"), "solver] lower[0]", "finite"),
    "no cells": ("cells = [3, 3]", "cells = [0, 3]", "[participants.upper.solver] cells[0]", "equal to 1"),
    "more cells than memory": ("cells = [3, 3]", "cells = [3, 100000000]", "upper.solver] cells[1]", "10000"),
    "two tables for one way": (
        '"momentum", "energy"]},',
        '"momentum"]},\n{from = "lower", to = "upper", amounts = ["energy"]},',
        "[interfaces.seam] exchange[1]",
        "a second table from 'lower' to 'upper'",
        "list all that goes this way in one table",
    ),
}


def test_a_name_that_no_file_can_have(capsys, tmp_path):
    case = write(tmp_path, edited(BODY, ('kind = "box"', 'kind = "file", file = "' + 300 * "(" + '"')))
    require(suture(capsys, "check", case), "solver.mesh] file", 'found:   "(((', "at most 255 bytes between slashes")


@pytest.mark.parametrize("name", MANY)
def test_a_case(capsys, tmp_path, name):
    old, new, *texts = MANY[name]
    require(suture(capsys, "check", write(tmp_path, edited(TANKS, (old, new)))), "case.toml", "found:", *texts)


FLOWS = {
    "more cells than memory": (
        "cells = [1, 1, 8]",
        "cells = [1000, 1000, 1000]",
        "'cells' makes 1e+09",
        "at most 1e+08",
    ),
    "a state without a time step": (
        "gas_constant = 1.0",
        "gas_constant = 1.7e308",
        "initial]",
        "a longest time step of 0",
    ),
    "a gas without a number": ("gas_constant = 1.0", "gas_constant = inf", "fluid] gas_constant", "a finite number"),
    "a constant that comes to none": ("temperature = 1.0}\ncfl", 'temperature = "log(-1)"}\ncfl', "comes to nan"),
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow(capsys, tmp_path, name):
    old, new, *texts = FLOWS[name]
    require(suture(capsys, "check", write(tmp_path, edited(FLOW, (old, new)))), "case.toml", *texts)


BODY = """\
units = "si"
time = {window = 1.0, end = 10.0}
[participants.body]
kind = "heat-conduction"
[participants.body.solver]
mesh = {kind = "box", lower = [0.0, 0.0], upper = [1.0, 1.0], cells = [4, 4]}
conductivity = 1.0
capacity = 1.0
initial = 300.0
step = 1.0
"""
BODIES = {
    "no conductivity": ("conductivity = 1.0", 'conductivity = "x - 0.5"', "conductivity", "0 in the middle of the box"),
    "more steps than can be done": (
        "step = 1.0",
        "step = 1e-12",
        "[participants.body] solver",
        "1e+12 steps in a window",
    ),
    "a probe nowhere": ("step = 1.0", "step = 1.0\nprobes = {p = [nan, 0.0]}", "probes] p[0]", "a finite number"),
    "a pipe for a file": ("conductivity = 1.0", 'conductivity_file = "pipe"', "conductivity_file", "it is no file"),
    "a nest for a file": ("conductivity = 1.0", 'conductivity_file = "nest"', "conductivity_file", "it must be JSON"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body(capsys, tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nest").write_text(100_000 * "[")
    old, new, *texts = BODIES[name]
    require(suture(capsys, "check", write(tmp_path, edited(BODY, (old, new)))), "case.toml", "found:", *texts)


def test_a_script_without_a_name_is_shown(capsys, tmp_path):
    from .test_bad_script import CASE

    require(suture(capsys, "check", write(tmp_path, edited(CASE, ('"in.wall"', '""')))), "script", "found:   ''")


def models() -> list[type[BaseModel]]:
    """All tables that kinds and stages have in a case."""
    for name in kind_names():
        load_kind(name)
    for name in stage_names():
        load_stage(name)
    found, unread = [], [BaseModel]
    while unread:
        unread += (more := unread.pop().__subclasses__())
        found += [model for model in more if model.__module__.startswith("suture.")]
    return found


def test_no_table_of_a_case_takes_what_is_no_number():
    bad = [m.__name__ for m in models() if m.model_config.get("allow_inf_nan") is not False and m.model_fields]
    assert bad == ["BathSettings"]  # which may not end along an axis


def test_a_count_is_of_all_directions():
    check_count("cells", (10_000, 10_000))
    with pytest.raises(ValueError, match=r"'cells' makes 1e\+09; it must be at most 1e\+08"):
        check_count("cells", (10_000, 100_000))


def test_bonds_that_reach_too_far():
    with pytest.raises(SolverError, match=r"bonds reach over 1e\+06, 1e\+06 lattice constants of 1"):
        structure("fcc", 1.0).bonds(1e6)


@pytest.mark.parametrize("end", [float("nan"), 1e300])
def test_no_window_is_looked_for_among_too_many(end):
    assert fitting_window(end, 1.0, 0.0) is None


def test_a_window_that_fits_no_step_is_not_looked_for_without_end():
    start = time.monotonic()
    assert fitting_window(1e8, 1.0, 5.0) is None
    assert time.monotonic() - start < 10.0


def test_a_fluid_that_is_none_gives_no_advice():
    numbers = dict.fromkeys(("density", "temperature", "pressure", "stiffness", "sound_speed", "viscosity"), 1.0)
    fluid = FluidScales(**numbers, conductivity=0.0, heat_capacity=1.0)
    assert _sensible(Scales(fluid=fluid)).fluid is fluid
    assert fluid_times(replace(fluid, conductivity=5e-324, density=10.0), 1.0)["heat"] == math.inf
    assert _sensible(Scales(fluid=replace(fluid, heat_capacity=0.0))).fluid is None
    assert _sensible(Scales(times={"heat": math.inf, "sound": 1.0})).times == {"sound": 1.0}


def test_a_body_whose_square_no_float_can_hold_has_no_scales(tmp_path):
    longest = ("lower = [0.0, 0.0, 0.0]", "lower = [-1e200, 0.0, 0.0]")
    sides = sides_of(load_case(variant("two-slabs", tmp_path / "long", longest)))
    assert sides["plate"].scales == Scales() and sides["coat"].scales != Scales()


# Files

ANSYS = '(0 "mesh")\n(2 2)\n(10 (0 1 3 0))\n(3010 (1 1 3 1 2)('


def test_a_mesh_whose_reader_finds_no_end(monkeypatch, tmp_path):
    (tmp_path / "body.msh").write_text(ANSYS)
    monkeypatch.setattr(mesh_files, "_PATIENCE", 0.5)
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(SolverError, match=r"body.msh: meshio cannot read it: "):
        mesh_files.read(tmp_path / "body.msh")
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_file_that_only_gmsh_writes_is_not_read_as_another(tmp_path):
    (tmp_path / "body.msh").write_text("$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\n1 ")
    with pytest.raises(SolverError, match=r"body.msh: "):
        mesh_files.read(tmp_path / "body.msh")


def test_cells_that_are_not_alike(monkeypatch, tmp_path):
    blocks = [CellBlock("triangle", np.zeros((2, 3), dtype=int)), CellBlock("triangle", np.zeros((2, 2), dtype=int))]
    mesh = SimpleNamespace(points=np.zeros((3, 2)), cells=blocks, cell_data={}, field_data={})
    monkeypatch.setattr(mesh_files, "_meshio", lambda path: mesh)
    with pytest.raises(SolverError, match="its points, cells and groups do not fit together"):
        mesh_files.read(tmp_path)


@pytest.mark.parametrize(("text", "wrong"), [("1e999 s", "is not finite"), ("5 s dB", "'s dB' is not a unit")])
def test_a_time(text, wrong):
    with pytest.raises(ValueError, match=wrong):
        si_value(text, "[time]")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case that has run."""
    case = tmp_path_factory.mktemp("ran")
    command("run", write(case, edited(TANKS, ("run.deadline = 60", "run = {deadline = 60, checkpoint_every = 10}"))))
    return case


@pytest.fixture
def run(ran: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ran, tmp_path / "case"))


def test_the_unspoiled_run_is_read(run):
    assert read_books(run).balanced
    assert plot(run).is_file()
    show(run)
    assert len(status.read(run / "RUN")) == 3


LEDGERS = {
    "columns": (lambda file: file.attrs.__setitem__("columns", 3), "'columns' must be texts"),
    "tolerance": (lambda file: file.attrs.__setitem__("tolerance", float("nan")), "'tolerance' is nan"),
    "clock": (lambda file: file["participants/lower"].attrs.__setitem__("clock", "late"), "'clock' of .* is 'late'"),
    "kept": (lambda file: file["participants/lower"].attrs.__setitem__("kept", [1.0]), "'kept' of .* 5 columns"),
    "time": (lambda file: file["time"].__setitem__(3, np.nan), "'time' must have a finite number"),
    "text": (lambda file: swap(file, "participants/lower/inventory", np.full((21, 5), b"a")), "must hold numbers"),
    "shape": (lambda file: swap(file, "participants/lower/inventory", np.zeros((21, 4))), "must have 5 columns"),
    "size": (
        lambda file: swap(file, "participants/lower/inventory", shape=(10**12, 5), dtype="f8", chunks=(256, 5)),
        "as many as the file has room for",
    ),
    "partner": (lambda file: file["flows/seam: lower -> upper"].attrs.__setitem__("sender", "who"), "not in the books"),
}


def swap(file: h5py.File, name: str, values: np.ndarray | None = None, **options: object) -> None:
    del file[name]
    file.create_dataset(name, data=values, **options)


@pytest.mark.parametrize("name", LEDGERS)
def test_a_ledger(run, name):
    change, text = LEDGERS[name]
    with h5py.File(run / "RUN" / "ledger.h5", "r+") as file:
        change(file)
    with pytest.raises(LedgerError, match=rf"ledger\.h5 is not a readable ledger: .*{text}"):
        read_books(run)


def test_a_ledger_on_which_the_library_crashes(monkeypatch, run):
    def crash(path: Path) -> Iterator[Any]:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # without a word of pytest's
        os.kill(os.getpid(), signal.SIGSEGV)

    monkeypatch.setattr(audit, "read_series", crash)
    with pytest.raises(LedgerError, match="HDF5's library, reading it, was ended by SIGSEGV"):
        read_books(run)


def test_a_ledger_on_which_the_library_does_not_end(monkeypatch, run):
    monkeypatch.setattr(audit, "read_series", lambda path: time.sleep(60))
    monkeypatch.setattr(ledger_form, "_PATIENCE", 0.2)
    with pytest.raises(LedgerError, match="was ended by SIGKILL"):
        read_books(run)


TRACES = {
    "lengths": ({"begin": np.zeros(1)}, "must be rows of one length"),
    "words": ({"sum_seconds": np.array(["a", "b"])}, "must be rows of one length|must be numbers"),
    "objects": ({"what": np.array([{}], dtype=object)}, "is not a readable profile"),
    "nobody": ({"rank": np.zeros(3, dtype=int)}, "must be one each"),
}


@pytest.mark.parametrize("name", TRACES)
def test_a_profile(run, name):
    changed, text = TRACES[name]
    path = run / "RUN" / "trace" / "lower-0.npz"
    with np.load(path) as arrays:
        whole = dict(arrays)
    np.savez(path, **{**whole, **changed})
    with pytest.raises(ProfileError, match=rf"lower-0\.npz is not a readable profile: .*({text})|{text}"):
        show(run)


@pytest.mark.parametrize(
    "change", [{"pid": 0}, {"pid": "7"}, {"doing": None}, {"rank": 1e3}, {"since": "now"}, {"done": []}]
)
def test_a_slate_that_is_none_of_ours_is_left_out(run, change):
    path = run / "RUN" / "status" / "lower-0.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert [slate["rank"] for slate in status.read(run / "RUN")] == [1, 0]


@pytest.mark.parametrize("change", [{"windows": 19}, {"windows": None}, {"files": []}, {"ranks": 3}])
def test_a_manifest_that_does_not_fit_its_folder(run, change):
    folders = sorted((run / "RUN" / "checkpoints").iterdir())
    path = folders[-1] / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert checkpoint.candidates(run / "RUN", load_case(run)) == folders[-2::-1]


def test_a_checkpoint_that_claims_more_than_it_has(tmp_path):
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }"
    with zipfile.ZipFile(tmp_path / "a-0.npz", "w") as file:
        file.writestr("x.npy", header.ljust(127) + b"\n")
    with pytest.raises(ResumeError, match=r"a-0\.npz cannot be read"):
        checkpoint.load(tmp_path, "a-0")


@pytest.mark.parametrize("text", ["", "[1, 2]", '[{"participant": "a", "rank": 0, "seconds": {"solve": "long"}}]'])
def test_timings(run, text):
    (run / "RUN" / "timings.json").write_text(text)
    with pytest.raises(ProfileError, match=r"timings\.json is not what a run has written"):
        plot(run)


def test_a_reference_of_a_value_without_a_name(capsys, run):
    (run / "reference").mkdir()
    (run / "reference" / "checks.toml").write_text('requirement = ""\n[[check]]\nvalue = ""\nsource = ""\nmin = 0\n')
    require(suture(capsys, "verify", "--no-run", run), "checks.toml", "[check] value", "found:   ''")


CELLS = {
    "a plane": ("[[3.0, 0, 0], [0, 3.0, 0], [0, 0, 0]]", "[0, 0, 0]", "that are not in one plane"),
    "no number": ("[[3.0, 0, 0], [0, 3.0, 0], [0, 0, .nan]]", "[0, 0, 0]", "must be three vectors"),
    "two vectors": ("[[3.0, 0, 0], [0, 3.0, 0]]", "[0, 0, 0]", "must be three vectors"),
    "an atom nowhere": ("[[3.0, 0, 0], [0, 3.0, 0], [0, 0, 3.0]]", "[.inf, 0, 0]", "three 'coordinates' each"),
    "an atom in a plane": ("[[3.0, 0, 0], [0, 3.0, 0], [0, 0, 3.0]]", "[0, 0]", "three 'coordinates' each"),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_on_which_spglib_would_crash(tmp_path, name):
    lattice, place, text = CELLS[name]
    points = f"[{{symbol: Si, coordinates: {place}}}]"
    (tmp_path / "cell.yaml").write_text(f"primitive_cell:\n  lattice: {lattice}\n  points: {points}\n")
    with pytest.raises(SolverError, match=rf"cell\.yaml: no cell in it .*{text}"):
        point_group(tmp_path / "cell.yaml")


PHONO3PY = {
    "gamma": (np.inf, "dataset 'gamma' has values that are not finite"),
    "kappa_unit_conversion": (0.0, "dataset 'kappa_unit_conversion' is 0; it must be positive"),
}


@pytest.mark.parametrize("name", PHONO3PY)
def test_a_file_of_phonons(tmp_path, name):
    value, text = PHONO3PY[name]
    write_phono3py(tmp_path, **{name: phono3py_datasets()[name] * value})
    with pytest.raises(SolverError, match=text):
        read_phono3py(tmp_path / "kappa.hdf5", 300.0, isotropic=True)


def test_a_file_of_phonons_that_promises_more_than_it_holds(tmp_path):
    write_phono3py(tmp_path)
    with h5py.File(tmp_path / "kappa.hdf5", "r+") as file:
        swap(file, "gamma", shape=(10**12,), dtype="f8", chunks=(256,))
    with pytest.raises(SolverError, match="dataset 'gamma' would be larger than the file can hold"):
        read_phono3py(tmp_path / "kappa.hdf5", 300.0, isotropic=True)


# LAMMPS scripts


def test_a_script_that_does_not_end(tmp_path):
    """Nor does what it has started."""
    script = tmp_path / "in.endless"
    (tmp_path / "start.sh").write_text("sleep 300 &\necho $! > pid\n")
    script.write_text("shell sh start.sh\nlabel again\njump SELF again\n")
    begin = time.monotonic()
    with pytest.raises(ScriptError, match=r"in\.endless ran for 5 s and was stopped"):
        try_script(script, {}, timeout=5.0)
    assert time.monotonic() - begin < 30.0
    assert not status.gone({"pid": os.getpid()})
    assert status.gone({"pid": int((tmp_path / "pid").read_text())})


def test_a_trial_may_not_take_more_memory_than_there_is():
    from suture.solvers.md.trial import limit_process

    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        limit_process()
        os.write(writer, str(resource.getrlimit(resource.RLIMIT_AS)[0]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 100)) <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize("timestep", [0.0, float("nan"), float("inf"), -1.0, 1e-300])
def test_time_steps_that_are_none(timestep):
    with pytest.raises(ValueError, match="the LAMMPS script's time step is"):
        whole_steps(0.25, timestep)
