"""Copies of the cases with some of their lines changed, played together, and judged by the cases' own programs."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ..mpi import mpirun

ROOT = Path(__file__).parents[2]


def variant(case: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of ``cases/CASE`` as ``folder`` whose case file has every ``old`` replaced by ``new``."""
    shutil.copytree(ROOT / "cases" / case, folder, ignore=shutil.ignore_patterns("RUN*"))
    text = (folder / "case.toml").read_text()
    for old, new in changes:
        assert old in text, f"{case}: no {old!r}"
        text = text.replace(old, new)
    (folder / "case.toml").write_text(text)
    return folder


def scaled(folder: Path, key: str, change: Callable[[float], Any]) -> None:
    """Change every number that stands alone behind ``key``."""
    file = folder / "case.toml"
    text, found = re.subn(rf"(?m)^{key} = ([\d.e-]+)$", lambda m: f"{key} = {change(float(m[1]))}", file.read_text())
    assert found, key
    file.write_text(text)


def played(folders: Sequence[Path], ranks: int = 3, timeout: float = 240.0) -> dict[str, dict[str, Any]]:
    """Run them all, in one MPI job."""
    return json.loads(mpirun(ranks, "-m", "tests.cases.play", *folders, cwd=ROOT, timeout=timeout).stdout)


def evaluation(case: str) -> ModuleType:
    """The case's program that judges its runs."""
    name = f"{case.replace('-', '_')}_evaluate"
    spec = importlib.util.spec_from_file_location(name, ROOT / "cases" / case / "evaluate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
