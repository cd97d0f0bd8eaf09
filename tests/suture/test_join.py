"""The programs of docs/join.md, run as they are documented, and what happens when they go wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from suture.couplers.audit import read_books

from ..mpi import mpirun, suture, together

DOCS = Path(__file__).parents[2] / "docs"
RATES = np.array([1.0, 0.3, -0.2, 8.0, 2.5])


@pytest.fixture
def bath(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DOCS / "examples" / "bath", tmp_path / "bath"))


def run_together(case: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The command of the page."""
    tanks = [sys.executable, "-m", "suture", "run", str(case), "--only", "tanks"]
    return together((2, tanks), (1, [sys.executable, str(case / "bath.py"), str(case)]), check=check)


def check_books(run: Path) -> None:
    """The tanks' steady rates entered the bath, and it cooled by what the row says."""
    books = read_books(run)
    assert books.complete and books.balanced and books.windows == 20
    held = next(b for b in books.participants if b.name == "participant bath").terms
    np.testing.assert_allclose(held["closing"][:4], 5 * RATES[:4], rtol=1e-12)
    assert held["closing"][4] == pytest.approx(5 * 2.5 + held["cooling"][4], rel=1e-12)
    # dE/dt = 2.5 (1 + sin 2 pi t) - E / 8, to first order in the step of 0.07
    omega, k = 2 * np.pi, 0.5 / 4.0
    exact = 2.5 * (1 - np.exp(-5 * k)) / k + 2.5 * omega / (omega**2 + k**2) * (np.exp(-5 * k) - 1)
    assert held["closing"][4] == pytest.approx(exact, rel=0.02)


def test_the_foreign_program_of_the_page(bath):
    run_together(bath)
    check_books(bath / "RUN")


def test_the_page_shows_the_files_as_they_are():
    page = (DOCS / "join.md").read_text()
    for file in ("bath/bath.py", "bath/case.toml", "bath_kind/bath_kind.py", "bath_kind/pyproject.toml"):
        assert (DOCS / "examples" / file).read_text() in page, file
    body = (DOCS / "examples" / "bath" / "bath.py").read_text().split("\n\n", 2)[2]
    assert len([line for line in body.splitlines() if line.strip() and not line.startswith("import")]) <= 24


@pytest.fixture
def bath_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of the page, as good as installed."""
    folder = Path(shutil.copytree(DOCS / "examples" / "bath_kind", tmp_path / "bath_kind"))
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"bath_kind-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = project["entry-points"]["suture.kinds"]
    (info / "entry_points.txt").write_text("[suture.kinds]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def test_the_kind_of_the_page(bath_kind):
    shown = suture("check", bath_kind).stdout
    assert "tanks → bath: amounts: mass, momentum, energy" in shown
    suture("run", bath_kind)
    check_books(bath_kind / "RUN")


def spoil(case: Path, old: str, new: str) -> Path:
    program = case / "bath.py"
    assert old in program.read_text()
    program.write_text(program.read_text().replace(old, new))
    return case


@pytest.mark.parametrize(
    ("old", "new", "message", "code"),
    [
        (
            "        me.send(window)",
            "        assert window.index < 3, 'out of water'\n        me.send(window)",
            r"participant 'bath', rank 0, window 3: AssertionError: out of water\nTraceback",
            1,
        ),
        ("        me.send(window)", "        break", r"participant 'bath', .* left its loop before the last window", 5),
        ("        me.send(window)\n", "", r"participant 'bath', .* window 0: close\(\) came before send\(\)", 1),
        ("        me.close(window)\n", "", r"'bath', .* window 0: the next window came before close\(\)", 1),
        (
            "            seam.book(**taken)",
            "            seam.book(mass=taken['mass'] * (1 + 1e-9))",
            r"window 0: the",
            4,
        ),
        ('me.side("seam",', 'me.side("seem",', r"found: +no such interface of this participant\n +allowed: +seam", 2),
        (
            "    seam = me.side",
            "    seam = None and me.side",
            r"'bath', rank 0, before the first window: AttributeError",
            1,
        ),
        ("    seam.give(temperature=held", "    seam.give(temperatur=held", r"temperatur=…\): there is no such", 1),
        (
            "amounts=face, states=face",
            "amounts=face",
            r"exchanges temperature: name its cells or its mesh, side\(…, states=",
            1,
        ),
    ],
    ids=["error", "break", "no send", "no close", "wrong books", "wrong name", "None", "wrong quantity", "no cells"],
)
def test_a_program_that_goes_wrong_ends_all(bath, old, new, message, code):
    done = run_together(spoil(bath, old, new), check=False)
    assert re.search(message, done.stderr), done.stderr
    assert done.returncode == code


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(0)",
        "import time; time.sleep(1000)",
        "from mpi4py import MPI",
        "from mpi4py import MPI; MPI.COMM_WORLD.Barrier()",
    ],
    ids=["ends before MPI starts", "hangs before", "ends after", "calls something else"],
)
def test_a_program_that_never_joins_ends_all(bath, program):
    case = bath / "case.toml"
    case.write_text(case.read_text() + "\n[run]\ndeadline = 4\n")
    tanks = [sys.executable, "-m", "suture", "run", str(bath), "--only", "tanks"]
    began = time.monotonic()
    done = together((2, tanks), (1, [sys.executable, "-c", program]), check=False)
    assert done.returncode != 0 and time.monotonic() - began < 15.0
    assert "suture: not all programs of the run have joined it within 4 s: one of them has ended" in done.stderr


def test_a_foreign_participant_needs_its_program(bath):
    alone = suture("run", bath, check=False)
    assert alone.returncode == 2
    assert "participant 'bath' is a program of your own; start all programs under one mpirun" in alone.stderr
    done = mpirun(3, "-m", "suture", "run", bath, check=False, timeout=15)
    assert done.returncode == 2
    assert "(tanks: 2); too few for bath" in done.stderr
