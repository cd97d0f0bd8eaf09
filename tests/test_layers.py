"""Imports run one way, engines stay in the modules that drive them, and no tree reaches past its layer."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TREES = ("solvers", "couplers", "adapters")
MAY_IMPORT = {"solvers": {"solvers"}, "couplers": {"couplers"}, "adapters": set(TREES)}
ENGINES = {
    "lammps": {"solvers/md/library.py"},
    "petsc4py": {
        "solvers/navier_stokes/grid.py",
        "solvers/fem/engine.py",
        "solvers/fem/start.py",
        "solvers/bte/petsc.py",
    },
    "dolfinx": {"solvers/fem/engine.py"},
    "phono3py": {"solvers/phonons/engine.py"},
}
"""The modules that drive each engine."""
MODULES = sorted(path for tree in TREES for path in (ROOT / tree).rglob("*.py")) + sorted(
    (ROOT / "src" / "suture").glob("*.py")
)


def imports(path: Path) -> Iterator[tuple[str, bool, int]]:
    """Absolute name of everything that a module imports, whether it was written relative, and the line."""
    inside = (
        path.relative_to(ROOT / "src") if path.is_relative_to(ROOT / "src") else Path("suture") / path.relative_to(ROOT)
    )
    package = inside.parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names] if node.module is None else [module]
            yield from ((name, node.level > 0, node.lineno) for name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    place = path.relative_to(ROOT)
    tree = place.parts[0]
    for name, relative, line in imports(path):
        top, *rest = name.split(".")
        if top == "suture":
            assert relative, f"{place}:{line} imports {name} by its absolute name"
            if tree in TREES:
                assert rest and rest[0] in MAY_IMPORT[tree], f"{place}:{line}: {tree} may not import {name}"
        if top in ENGINES:
            assert str(place) in ENGINES[top], f"{place}:{line} imports {top}, which only {ENGINES[top]} drive"


def test_each_engine_is_driven():
    driven = {(top, str(path.relative_to(ROOT))) for path in MODULES for top in _tops(path) if top in ENGINES}
    assert driven == {(engine, place) for engine, places in ENGINES.items() for place in places}


def _tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name, _, _ in imports(path)}


def test_the_rules_see_what_they_forbid(tmp_path, monkeypatch):
    """A module that breaks each rule is found, or the test above proves nothing."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    for text in ("from ..adapters import tank_face", "from suture.couplers import cells", "import lammps"):
        module = tmp_path / "couplers" / "bad.py"
        module.parent.mkdir(exist_ok=True)
        module.write_text(text)
        with pytest.raises(AssertionError, match="bad.py:1"):
            test_imports_run_one_way(module)


WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {engines}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import suture, suture.cli, suture.check, suture.launch, suture.inside, suture.foreign, suture.books
import suture.couplers.participant, suture.couplers.audit, suture.adapters.tank_face
from suture.couplers.kinds import kind_names
print(*kind_names())
"""


def test_suture_imports_without_its_engines():
    program = WITHOUT.format(engines=sorted(ENGINES))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "particle-region" in done.stdout.split()
