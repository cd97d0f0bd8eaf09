"""What is shipped: one wheel with one top-level name, and sources that the linter accepts."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_wheel_has_one_top_level_name(tmp_path):
    """Built where the installation was built, so that nothing is compiled that has not changed."""
    pytest.importorskip("scikit_build_core")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    options = ["--disable-pip-version-check", "-w", str(tmp_path / "wheel"), str(ROOT)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "wheel").glob("suture-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    info = {name.split("/")[0] for name in names if ".dist-info/" in name}
    assert {name.split("/")[0] for name in names} - info == {"suture"}
    for needed in ("couplers/loop.py", "adapters/tank_face.py", "solvers/stubs/tank.py", "cli.py", "py.typed"):
        assert f"suture/{needed}" in names
    assert any(name.startswith("suture/solvers/navier_stokes/_fluxes.") and name.endswith(".so") for name in names)
    assert not any("test" in name or "RUN" in name for name in names)


@pytest.mark.parametrize("check", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff_is_content(check):
    done = subprocess.run([sys.executable, "-m", "ruff", *check, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
