"""Every kind of input that a case or a command can name: how it is spoiled, and what then must read it."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import tomli_w
from fuzz_mutations import TEXTS, spoil_array, spoil_bytes, spoil_tree, spoil_words, value
from rich.console import Console

from suture.couplers.errors import SutureError

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "cases"
sys.path.insert(0, str(ROOT))

MOST_RANKS, MOST_WINDOWS = 10**5, 10**9
"""More of these no case that is accepted may have."""
Use = Callable[[], None]
"""Reads what was spoiled; raises ``SutureError`` where it is refused, and ``Nonsense`` where it should have been."""
Spoil = Callable[[Random, Path], Use]
"""Writes one spoiled input into a folder, and says how it is used."""


class Nonsense(Exception):  # noqa: N818 - it is the product's error, not ours
    """Something was accepted that is none."""


@dataclass(frozen=True)
class Input:
    """One kind of input. ``seconds`` is what one may take; ``own`` says that it starts processes of its own."""

    name: str
    prepare: Callable[[Path], Spoil]
    seconds: float = 20.0
    share: float = 1.0
    """Of the number that is asked for: slow ones have less."""


def check(folder: Path, advise: bool = False) -> None:
    """``suture check`` and, if that accepts it, what may not be accepted; then ``suture advise``."""
    from suture.advise import advise as give_advice
    from suture.advise_noise import Wish
    from suture.check import check as check_case
    from suture.couplers.case import load_case

    check_case(folder, Console(file=io.StringIO(), width=160))
    case = load_case(folder)
    require_sense(case)
    if advise:
        give_advice(folder, Wish(), as_json=True)


def require_sense(case: Any) -> None:
    """Raise ``Nonsense`` for numbers that are none, and for more ranks and windows than anything has."""
    for place in _not_finite(case.model_dump(), ()):
        raise Nonsense(f"accepted what is not finite at {'.'.join(map(str, place))}")
    if not 1 <= case.ranks <= MOST_RANKS:
        raise Nonsense(f"accepted {case.ranks} ranks")
    if not 1 <= case.windows <= MOST_WINDOWS:
        raise Nonsense(f"accepted {case.windows} windows")


def _not_finite(table: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list | tuple) else ()
    for key, inner in items:
        endless = "baths" in place and {"lower", "upper"} & set(place)  # infinite: it does not end there
        if isinstance(inner, float) and not math.isfinite(inner) and (math.isnan(inner) or not endless):
            yield (*place, key)
        yield from _not_finite(inner, (*place, key))


def linked(source: Path, folder: Path, *but: str) -> None:
    """All that is in ``source`` as links in ``folder``, but some names, whose folders are made."""
    made = {Path(name).parts[0] for name in but}
    for each in source.iterdir():
        if each.name not in made and each.name not in ("RUN", "RUN.previous"):
            (folder / each.name).symlink_to(each)
    for name in but:
        parent = (folder / name).parent
        if parent != folder and not parent.exists():
            parent.mkdir(parents=True)
            for each in (source / name).parent.iterdir():
                if each.name != Path(name).name:
                    (parent / each.name).symlink_to(each)


# Cases


def _sources() -> list[tuple[Path, str]]:
    """Folder and name of every case file."""
    return [(path.parent, path.name) for path in sorted(CASES.glob("*/*.toml"))]


def cases(scratch: Path) -> Spoil:
    """The tables of case files."""
    trees = [(folder, tomllib.loads((folder / name).read_text())) for folder, name in _sources()]
    trees += [(_beside(scratch), tomllib.loads(text)) for text in _texts()]
    _remember_trials()

    def spoil(rng: Random, folder: Path) -> Use:
        source, tree = rng.choice(trees)
        linked(source, folder, "case.toml")
        (folder / "case.toml").write_bytes(_toml(spoil_tree(rng, tree)))
        return lambda: check(folder, advise=True)

    return spoil


def _beside(scratch: Path) -> Path:
    """What the tests' small cases name."""
    folder = scratch / "beside"
    folder.mkdir(exist_ok=True)
    (folder / "fluid.lmp").write_text("pair_style lj/cut 2.5\npair_coeff * * 1 1\nmass 1 1\n")
    return folder


def _texts() -> list[str]:
    from tests.test_bad_input import FLOW, STAGE, TANKS

    return [TANKS, FLOW, TANKS + STAGE]


def _toml(tree: Any) -> bytes:
    try:
        return tomli_w.dumps(tree).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, AttributeError):
        return repr(tree).encode("utf-8", "surrogatepass")


def case_texts(scratch: Path) -> Spoil:
    """The bytes of case files."""
    contents = [(folder, (folder / name).read_bytes()) for folder, name in _sources()]
    contents += [(_beside(scratch), text.encode()) for text in _texts()]
    _remember_trials()

    def spoil(rng: Random, folder: Path) -> Use:
        source, content = rng.choice(contents)
        linked(source, folder, "case.toml")
        (folder / "case.toml").write_bytes(spoil_bytes(rng, content))
        return lambda: check(folder)

    return spoil


_TRIALS: dict[str, Any] = {}
"""What the cases' scripts set up, by name and size."""


def _remember_trials() -> None:
    """Let every script of the cases be tried once: what is spoiled is the case, and a trial takes a second."""
    import suture.adapters.atomistic_solid as solid
    import suture.adapters.particle_region as region
    import suture.adapters.particle_scales as scales
    from suture.check import verify_case
    from suture.couplers.case import load_case
    from suture.solvers.md import trial

    first = not _TRIALS

    def remembered(script: Path, variables: Any, then: Any = (), timeout: float = 60.0) -> Any:
        key = f"{script.name} {script.stat().st_size}"
        if first and key not in _TRIALS:
            _TRIALS[key] = trial.try_script(script, variables, then, timeout)
        if key not in _TRIALS:
            raise trial.ScriptError(f"{script.name} has not been tried")
        return _TRIALS[key]

    for module in (solid, region, scales):
        module.try_script = remembered  # type: ignore[attr-defined]
    if first:
        for folder, name in _sources():
            with contextlib.suppress(SutureError):  # what this machine lacks
                verify_case(load_case(folder / name))
    first = False


# Files that a case names


def named(*seeds: tuple[Path, str], how: Callable[[Random, bytes], bytes] | None = None) -> Callable[[Path], Spoil]:
    """The bytes and the words of a file that a case names: of folders of cases, the names in them."""

    def prepare(scratch: Path) -> Spoil:
        _remember_trials()
        contents = {seed: (seed[0] / seed[1]).read_bytes() for seed in seeds}

        def spoil(rng: Random, folder: Path) -> Use:
            source, name = seed = rng.choice(seeds)
            linked(source, folder, name)
            change = how or rng.choice(
                (spoil_bytes, spoil_words, _spoil_json if name.endswith("json") else spoil_words)
            )
            (folder / name).write_bytes(change(rng, contents[seed]))
            return lambda: check(folder, advise=True)

        return spoil

    return prepare


def _spoil_json(rng: Random, content: bytes) -> bytes:
    return json.dumps(spoil_tree(rng, json.loads(content))).encode("utf-8", "surrogatepass")


def made(write: Callable[[Path], list[tuple[Path, str]]], **options: Any) -> Callable[[Path], Spoil]:
    """As ``named``, of cases that ``write`` makes in a folder."""

    def prepare(scratch: Path) -> Spoil:
        folder = scratch / write.__name__
        folder.mkdir(exist_ok=True)
        return named(*write(folder), **options)(scratch)

    return prepare


BODY = """\
units = "si"
time = {{window = 1.0, end = 10.0}}
[participants.body]
kind = "heat-conduction"
[participants.body.solver]
mesh = {{kind = "file", file = "{file}"}}
conductivity = 1.0
capacity = 1.0
initial = 300.0
step = 1.0
boundaries = {{{boundaries}}}
"""


def meshes(folder: Path) -> list[tuple[Path, str]]:
    """Bodies of finite elements with a mesh in each of several formats."""
    import meshio

    seeds = [(CASES / "partitioned-heat-curved", "left.msh"), (CASES / "pores", "pores.msh")]
    mesh = meshio.read(ROOT / "tests/cases/meshes/arc-left-coarse.msh")
    plain = meshio.Mesh(mesh.points, [(b.type, b.data) for b in mesh.cells if b.type in ("triangle", "line")])
    curved = shutil.copy(ROOT / "tests/cases/meshes/arc-left-coarse.msh", folder)
    for name in (
        "plain.vtk",
        "plain.xdmf",
        "plain.mesh",
        "plain.msh",
        "plain.vtu",
        "plain.inp",
        "plain.off",
        "text.msh",
    ):
        place = folder / name.replace(".", "-")
        place.mkdir(exist_ok=True)
        if name == "text.msh":
            shutil.copy(curved, place / name)
        else:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(meshio.WriteError):
                meshio.write(place / name, plain)
        if (place / name).exists():
            (place / "case.toml").write_text(BODY.format(file=name, boundaries=""))
            seeds.append((place, name))
    return seeds


def conductivities(folder: Path) -> list[tuple[Path, str]]:
    """A body whose conductivity stands in a file."""
    mesh = 'mesh = {kind = "box", lower = [0.0, 0.0], upper = [1.0, 1.0], cells = [2, 2]}'
    case = BODY.format(file="", boundaries="").replace('mesh = {kind = "file", file = ""}', mesh)
    (folder / "case.toml").write_text(case.replace("conductivity = 1.0", 'conductivity_file = "conductivity.json"'))
    file = {"kind": "conductivity", "format": 1, "units": "si", "temperature": [200.0, 300.0, 400.0]}
    file |= {"conductivity": [3.0, 2.0, 1.0], "uncertainty": {"total": [0.1, 0.1, 0.1], "mesh": None}}
    (folder / "conductivity.json").write_text(json.dumps(file))
    return [(folder, "conductivity.json")]


CRYSTAL = """\
units = {{system = "lj", sigma = "1 angstrom", epsilon = "1 eV", mass = "1.66053906660e-27 kg"}}
time = {{window = 1.0, end = 1.0}}
[participants.body]
kind = "solid-mechanics"
[participants.body.solver]
mesh = {{kind = "box", lower = [0.0, 0.0, 0.0], upper = [10.0, 10.0, 10.0], cells = [1, 1, 1]}}
density = 1.0
material = "cauchy-born"
crystal = {{structure = "{structure}", constant = {constant}, potential = {{{potential}}}}}
step = 1.0
boundaries = {{x-lower = {{kind = "displacement", x = 0.0, y = 0.0, z = 0.0}}}}
"""
POTENTIALS = (
    ("Cu_u3.eam", "fcc", 3.615, 'kind = "eam", file = "Cu_u3.eam"'),
    ("Cu_mishin1.eam.alloy", "fcc", 3.615, 'kind = "eam", file = "Cu_mishin1.eam.alloy", element = "Cu"'),
    ("Si.sw", "diamond", 5.431, 'kind = "stillinger-weber", file = "Si.sw", element = "Si"'),
)


def potentials(folder: Path) -> list[tuple[Path, str]]:
    """Crystals, each with its file."""
    seeds = []
    for name, structure, constant, potential in POTENTIALS:
        place = folder / name
        place.mkdir(exist_ok=True)
        shutil.copy(Path("/usr/share/lammps/potentials") / name, place)
        text = CRYSTAL.format(structure=structure, constant=constant, potential=potential)
        (place / "case.toml").write_text(text)
        seeds.append((place, name))
    return seeds


FILM = """\
units = "si"
time = {{window = 1.0, end = 1.0}}
[participants.film]
kind = "phonon-transport"
[participants.film.solver]
mesh = {{kind = "film", lower = [0.0, 0.0, 0.0], upper = [1e-6, 1e-6, 1e-6]}}
material = {{{material}}}
initial = 300.0
time_integration = "steady"
boundaries.x-lower = {{kind = "temperature", temperature = 301.0}}
boundaries.x-upper = {{kind = "temperature", temperature = 300.0}}
"""
PHONO3PY = 'kind = "phono3py", file = "kappa.hdf5", temperature = 300.0, '
SHENGBTE = 'kind = "shengbte", folder = "bte", temperature = 300.0'


def _film(place: Path, material: str) -> Path:
    place.mkdir(exist_ok=True)
    (place / "case.toml").write_text(FILM.format(material=material))
    return place


def phonon_texts(folder: Path) -> list[tuple[Path, str]]:
    """Films of phonons from text files: ShengBTE's, a cell for phono3py's, and modes."""
    from tests.solvers.bte.crystals import write_phono3py, write_shengbte

    bands, modes = _film(folder / "bands", SHENGBTE + ", bands = 4"), _film(folder / "modes", SHENGBTE)
    seeds = []
    for place in (bands, modes):
        write_shengbte(place / "bte")
        seeds += [(place, str(path.relative_to(place))) for path in (place / "bte").rglob("BTE.*")]
    cell = _film(folder / "cell", PHONO3PY + 'structure = "cell.yaml"')
    write_phono3py(cell)
    listed = _film(folder / "listed", 'kind = "modes", file = "modes.txt"')
    (listed / "modes.txt").write_text("# C vx vy vz tau bin\n1e5 1e3 0 0 1e-11 0\n1e5 -1e3 0 0 1e-11 0\n")
    return [
        *seeds,
        (cell, "cell.yaml"),
        (listed, "modes.txt"),
        (CASES / "silicon-germanium", "measured/conductance.json"),
    ]


def phonon_hdf5(scratch: Path) -> Spoil:
    """phono3py's HDF5 file: its bytes, and its datasets."""
    from tests.solvers.bte.crystals import phono3py_datasets, write_phono3py

    source = _film(scratch / "hdf5", PHONO3PY + "bands = 5")
    write_phono3py(source)
    content = (source / "kappa.hdf5").read_bytes()

    def spoil(rng: Random, folder: Path) -> Use:
        linked(source, folder, "kappa.hdf5")
        if rng.random() < 0.5:
            (folder / "kappa.hdf5").write_bytes(spoil_bytes(rng, content))
        else:
            data = phono3py_datasets()
            name = rng.choice(sorted(data))
            with contextlib.suppress(TypeError, ValueError):
                _write_datasets(folder / "kappa.hdf5", {**data, name: spoil_array(rng, data[name])})
        return lambda: check(folder, advise=True)

    return spoil


def _write_datasets(path: Path, data: dict[str, Any]) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in data.items():
            file[name] = array


# Texts in cases


def expressions(scratch: Path) -> Spoil:
    """Formulas, and what is no formula."""
    from suture.solvers.expression import CONSTANTS, FUNCTIONS, Expression

    names = [*FUNCTIONS, *CONSTANTS, "x", "y", "z", "t", "q", "__class__", "os", "1", "9", "1e300", "0"]
    joints = [
        "+",
        "-",
        "*",
        "/",
        "**",
        "(",
        ")",
        ",",
        ".",
        "[",
        "]",
        "**-",
        "//",
        "%",
        "@",
        "if",
        "else",
        ":",
        "=",
        " ",
    ]
    seeds = ["0.1*sin(2*pi*z/12)", "1 + 3*y**2 + 1.2*t", "tanh((3*t)**2)", "sqrt(x*x + y*y) - 12", "min(max(x, 0), 1)"]

    def spoil(rng: Random, folder: Path) -> Use:
        if rng.random() < 0.5:
            text = "".join(rng.choice(rng.choice((names, joints))) for _ in range(rng.choice((1, 3, 9, 40, 3000))))
        elif rng.random() < 0.8:
            text = spoil_bytes(rng, rng.choice(seeds).encode()).decode("latin-1")
        else:
            text = rng.choice(TEXTS) + rng.choice(TEXTS)

        def use() -> None:
            try:
                result = Expression(text)(x=np.linspace(-1.0, 1.0, 5), y=0.5, z=2.0, t=0.0)
            except ValueError as error:
                raise SutureError(str(error)) from error
            if result.shape != (5,) or result.dtype != float:
                raise Nonsense(f"{text!r} came to {result!r}")

        return use

    return spoil


def quantities_with_units(scratch: Path) -> Spoil:
    """Texts such as ``"50 fs"``."""
    from suture.couplers.units import si_value

    parts = [
        "50",
        "fs",
        " ",
        "ps",
        "/",
        "*",
        "**",
        "^",
        "-1",
        "1e5",
        "kcal",
        "mol",
        "nm",
        "e999",
        "degC",
        "dB",
        "count",
    ]
    parts += ["99999", "(", ")", "µs", "avogadro_number", "delta_degC", "pi", "nan", "inf", "percent", "%", "9" * 400]

    def spoil(rng: Random, folder: Path) -> Use:
        text = "".join(rng.choice(parts) for _ in range(rng.choice((1, 2, 3, 5, 12))))

        def use() -> None:
            try:
                number = si_value(text, rng.choice(("[time]", "[length]", "[mass]")))
            except ValueError as error:
                raise SutureError(str(error)) from error
            if not math.isfinite(number):
                raise Nonsense(f"{text!r} came to {number}")

        return use

    return spoil


# What a run leaves behind


RUNNING = """\
title = "Two tanks"
units = "lj"
run = {deadline = 60, checkpoint_every = 4}
time = {window = 0.25, end = 5.0}
[participants.lower]
kind = "stub-source"
ranks = 2
solver = {lower = [0, 0, 0], upper = [1, 1, 0], cells = [2, 2]}
[participants.upper]
kind = "stub-sink"
solver = {cells = [3, 3]}
[interfaces.seam.sides]
lower = {}
upper = {}
"""
CHECKS = """\
requirement = "Mass is kept."
[[check]]
value = "ledger.worst_defect"
max = 1e-12
source = "the contract"
"""


def a_run(scratch: Path) -> Path:
    """A case that has run, with its reference."""
    case = scratch / "ran"
    if not (case / "RUN" / "report.html").exists():
        (case / "reference").mkdir(parents=True)
        (case / "case.toml").write_text(RUNNING)
        (case / "reference" / "checks.toml").write_text(CHECKS)
        # Not as a rank of the MPI job that this may be started from.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_", "PMIX_", "PMI_"))}
        subprocess.run([sys.executable, "-m", "suture", "run", case], check=True, capture_output=True, env=environment)
    return case


def _copied(run: Path, folder: Path, *but: str) -> None:
    """A case that has run, of which everything but some files of the run is linked."""
    linked(run, folder)
    (folder / "RUN").mkdir()
    linked(run / "RUN", folder / "RUN", *but)


def ledgers(scratch: Path) -> Spoil:
    """The ledger's bytes, datasets and attributes, read by four commands."""
    from suture.books import show
    from suture.couplers.audit import read_books
    from suture.verify import verify_case

    run = a_run(scratch)
    content = (run / "RUN" / "ledger.h5").read_bytes()

    def plot(folder: Path) -> None:
        from suture.plot import plot

        plot(folder)

    def spoil(rng: Random, folder: Path) -> Use:
        _copied(run, folder, "ledger.h5", "ledger.png", "report.html")
        path = folder / "RUN" / "ledger.h5"
        path.write_bytes(content)
        if rng.random() < 0.5:
            path.write_bytes(spoil_bytes(rng, content))
        else:
            _spoil_hdf5(rng, path)
        command = rng.choices(
            (
                lambda: show(folder),
                lambda: show(folder, as_json=True),
                lambda: read_books(folder / "RUN"),
                lambda: verify_case(folder, rerun=False),
                lambda: plot(folder),
            ),
            weights=(4, 3, 4, 3, 1),
        )[0]
        return _silent(command)

    return spoil


def _silent(command: Callable[[], Any]) -> Use:
    def use() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            command()

    return use


def _spoil_hdf5(rng: Random, path: Path) -> None:
    """One dataset or attribute of another content, or none."""
    import h5py

    with h5py.File(path, "r+") as file:
        items: list[Any] = [file]
        file.visititems(lambda name, item: items.append(item))
        for _ in range(rng.choice((1, 1, 2))):
            item = rng.choice(items)
            with contextlib.suppress(TypeError, ValueError, KeyError, OSError, RuntimeError):
                if item.attrs and rng.random() < 0.5:
                    key = rng.choice(sorted(item.attrs))
                    change = rng.choice((None, value(rng), value(rng)))
                    del item.attrs[key]
                    if change is not None:
                        item.attrs[key] = change
                elif hasattr(item, "shape") and rng.random() < 0.8:
                    name, array = item.name, spoil_array(rng, item[:])
                    del file[name]
                    file[name] = array
                else:
                    del file[item.name]


def profiles(scratch: Path) -> Spoil:
    """The trace that ``suture profile`` reads."""
    from suture.profile import events, read, show

    run = a_run(scratch)
    name = "trace/lower-0.npz"

    def spoil(rng: Random, folder: Path) -> Use:
        _copied(run, folder, name)
        _spoil_npz(rng, run / "RUN" / name, folder / "RUN" / name)

        def use() -> None:
            show(folder / "RUN")
            events(read(folder / "RUN"))

        return _silent(use)

    return spoil


def _spoil_npz(rng: Random, source: Path, target: Path) -> None:
    if rng.random() < 0.4:
        target.write_bytes(spoil_bytes(rng, source.read_bytes()))
        return
    with np.load(source) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    name = rng.choice(sorted(found))
    match rng.choice(("array", "array", "remove", "object", "bomb")):
        case "array":
            with contextlib.suppress(TypeError, ValueError):
                found[name] = spoil_array(rng, found[name])
        case "remove":
            del found[name]
        case "object":
            found[name] = np.array([{"a": 1}], dtype=object)
        case "bomb":
            # A header that promises more than there is.
            with zipfile.ZipFile(target, "w") as file:
                for each in found:
                    header = (
                        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"
                    )
                    file.writestr(f"{each}.npy", header.ljust(127) + b"\n")
            return
    np.savez(target, **found)


def checkpoints(scratch: Path) -> Spoil:
    """Checkpoints as ``suture run --resume`` looks for them, before MPI starts."""
    from suture.couplers import checkpoint
    from suture.couplers.case import load_case

    run = a_run(scratch)
    case = load_case(run)
    folders = sorted((run / "RUN" / "checkpoints").iterdir())
    names = [str(path.relative_to(run / "RUN")) for path in folders[-1].iterdir()]
    whole = {rank: repr(checkpoint.load(folders[-1], rank)) for rank in ("lower-0", "lower-1", "upper-0")}

    def spoil(rng: Random, folder: Path) -> Use:
        name = rng.choice(names)
        _copied(run, folder, *names)
        for each in names:
            if each != name:
                target = folder / "RUN" / each
                if not target.exists():
                    target.symlink_to(run / "RUN" / each)
        target = folder / "RUN" / name
        target.unlink(missing_ok=True)
        if name.endswith("npz"):
            _spoil_npz(rng, run / "RUN" / name, target)
        else:
            content = (run / "RUN" / name).read_bytes()
            target.write_bytes(rng.choice((spoil_bytes, _spoil_json))(rng, content))

        def use() -> None:
            found = checkpoint.candidates(folder / "RUN", case)
            for rank, content in whole.items():
                kept = checkpoint.newest_whole(found, _OneRank(), rank)  # type: ignore[arg-type]
                state = checkpoint.load(kept, rank)
                if checkpoint.windows_done(kept) != 20 or repr(state) != content:
                    raise Nonsense("a checkpoint was accepted that is not what was written")

        return use

    return spoil


class _OneRank:
    """What a rank that is alone would be told by MPI."""

    rank = 0

    def allgather(self, value: Any) -> list[Any]:
        return [value]


def slates(scratch: Path) -> Spoil:
    """What the ranks say of themselves, and other files that a run writes as JSON."""
    from suture.couplers import status
    from suture.couplers.case import load_case
    from suture.plot import _timings
    from suture.progress import _first_ranks, line

    run = a_run(scratch)
    case = load_case(run)
    content = (run / "RUN" / "status" / "lower-0.json").read_bytes()
    timings = (run / "RUN" / "timings.json").read_bytes()

    def spoil(rng: Random, folder: Path) -> Use:
        change = rng.choice((spoil_bytes, spoil_words, _spoil_json))
        (folder / "status").mkdir()
        (folder / "status" / "lower-0.json").write_bytes(change(rng, content))
        (folder / "status" / "upper-0.json").write_bytes((run / "RUN" / "status" / "upper-0.json").read_bytes())
        (folder / "timings.json").write_bytes(change(rng, timings))

        def use() -> None:
            for slate in status.read(folder):
                status.here(slate)
                status.gone(slate)
                _ = slate["since"] >= 0.0, slate["pid"] + 0
            status.stragglers(folder)
            for slate in _first_ranks(folder):
                line(slate, case, 1.0)
            _timings(folder / "timings.json")

        return use

    return spoil


def references(scratch: Path) -> Spoil:
    """``reference/checks.toml``, by ``suture verify --no-run``."""
    from suture.verify import verify_case

    run = a_run(scratch)
    name = "reference/checks.toml"

    def spoil(rng: Random, folder: Path) -> Use:
        linked(run, folder, name)
        (folder / "RUN").symlink_to(run / "RUN")
        content = CHECKS.encode()
        if rng.random() < 0.5:
            content = _toml(spoil_tree(rng, tomllib.loads(CHECKS)))
        else:
            content = spoil_bytes(rng, content)
        (folder / name).write_bytes(content)
        return _silent(lambda: verify_case(folder, rerun=False))

    return spoil


def outputs_of_stages(scratch: Path) -> Spoil:
    """JSON files that stages have made, from which it is told whether they must be made again."""
    source = CASES / "couette"
    name = "measured/fluid.json"
    content = (source / name).read_bytes()
    _remember_trials()

    def spoil(rng: Random, folder: Path) -> Use:
        linked(source, folder, name)
        tree = json.loads(content)
        tree["provenance"] = spoil_tree(rng, tree["provenance"])
        (folder / name).write_text(json.dumps(rng.choice((tree, tree, spoil_tree(rng, tree)))))
        return lambda: check(folder)

    return spoil


# LAMMPS scripts


EVIL = (
    *("label again\njump SELF again", "shell sleep 600", "shell yes > /dev/null", "run 100000000", "quit", "quit 1"),
    *("variable a loop 1000000000\nlabel l\nnext a\njump SELF l", "include in.core", "jump in.wall", "clear"),
    *("region big block 0 1e5 0 1e5 0 1e5\ncreate_atoms 1 region big", "create_atoms 1 random 2000000000 1 NULL"),
    *("timestep nan", "timestep inf", "timestep 0", "timestep -1", "mass * nan", "print '${x'", "variable x equal v_x"),
    *("variable p python f\npython f input 1 SELF format fp here 'def f(x):\\n  while 1: pass'\nvariable q equal v_p",),
    *("log none", "log /dev/full", "change_box all x final 0 0", "units real", "boundary p p p", "group fluid clear"),
    *(
        "if '1 == 1' then 'jump SELF'",
        "reset_timestep 9223372036854775807",
        "velocity all set 1e300 0 0",
        "processors 7 7 7",
    ),
    *(
        "newton off",
        "dimension 2",
        "delete_atoms group all",
        "neighbor 1e9 bin",
        "neigh_modify one 2000000000 page 2100000000",
    ),
)


def scripts(scratch: Path) -> Spoil:
    """LAMMPS scripts, each tried in a process of its own; endless ones are ended after a few seconds."""
    import suture.adapters.atomistic_solid as solid
    import suture.adapters.particle_region as region
    from suture.solvers.md import trial
    from tests.test_bad_script import CASE, SCRIPT

    def hasty(script: Path, variables: Any, then: Any = (), timeout: float = 60.0) -> Any:
        return trial.try_script(script, variables, then, timeout=8.0)

    source = scratch / "script"
    source.mkdir(exist_ok=True)
    (source / "case.toml").write_text(CASE)
    content = SCRIPT.encode()
    number = itertools.count()

    def spoil(rng: Random, folder: Path) -> Use:
        solid.try_script = region.try_script = hasty  # type: ignore[attr-defined]
        linked(source, folder)
        if rng.random() < 0.4:
            lines = SCRIPT.split("\n")
            lines.insert(rng.randrange(len(lines)), EVIL[next(number) % len(EVIL)])
            text = "\n".join(lines).encode()
        else:
            text = rng.choice((spoil_bytes, spoil_words, spoil_words))(rng, content)
        (folder / "in.wall").write_bytes(text)
        return lambda: check(folder)

    return spoil


INPUTS = {
    each.name: each
    for each in (
        Input("case: tables", cases, share=4.0),
        Input("case: bytes", case_texts, share=2.0),
        Input("formulas", expressions, share=3.0),
        Input("units", quantities_with_units, share=2.0),
        Input("meshes", made(meshes), seconds=60.0),
        Input("potentials", made(potentials), share=0.5),
        Input("phonons: text files", made(phonon_texts)),
        Input("phonons: phono3py", phonon_hdf5),
        Input("fluids", named((CASES / "couette", "measured/fluid.json"), (CASES / "sound", "measured/fluid.json"))),
        Input("conductivities", made(conductivities)),
        Input("outputs of stages", outputs_of_stages, share=0.5),
        Input("ledgers", ledgers),
        Input("profiles", profiles),
        Input("checkpoints", checkpoints),
        Input("status", slates),
        Input("references", references, share=0.5),
        Input("LAMMPS scripts", scripts, seconds=40.0, share=0.02),
    )
}
