"""The stage that measures a fluid: what its inputs are, and that it is done once."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from mpi4py import MPI
from pydantic import ValidationError

from suture.adapters.measure_fluid import STAGE, MeasureFluidSettings, input_files
from suture.couplers.case import load_case
from suture.couplers.kinds import load_stage
from suture.couplers.stage import StageCheckRequest, run_stage, stale

from ..mpi import mpirun

COUETTE = Path(__file__).parents[2] / "cases" / "couette"
SETTINGS = MeasureFluidSettings(
    script="fluid.lmp", density=0.8442, temperature=1.107, atoms=108, length=160.0, state_length=8.0
)


def test_the_kind_is_installed():
    assert load_stage("measure-fluid") is STAGE


def test_stored_fluid_of_the_case_belongs_to_its_inputs():
    case = load_case(COUETTE)
    assert stale(STAGE, case.stages["fluid"].settings, COUETTE) is None


def test_measured_once_and_again_when_the_script_changes(tmp_path: Path):
    shutil.copy(COUETTE / "fluid.lmp", tmp_path)
    lines: list[str] = []
    run_stage(STAGE, SETTINGS, tmp_path, MPI.COMM_SELF, lines.append)
    content = json.loads((tmp_path / "measured" / "fluid.json").read_text())
    assert {"lammps", "atoms", "settings", "seconds", "ranks", "inputs", "files"} <= content["provenance"].keys()
    assert lines[-1].startswith("block 32 of 32: viscosity ")
    assert stale(STAGE, SETTINGS, tmp_path) is None
    script = tmp_path / "fluid.lmp"
    script.write_text(script.read_text().replace("1.122462048309373", "2.5"))
    assert stale(STAGE, SETTINGS, tmp_path) == "measured/fluid.json was made from other input: fluid.lmp"
    assert stale(STAGE, SETTINGS.model_copy(update={"seed": 2}), tmp_path) is not None


def test_included_files_and_potentials_are_inputs(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "fluid.lmp").write_text("include pairs.lmp # not other.lmp\n")
    (tmp_path / "in" / "pairs.lmp").write_text('pair_coeff * * "table.txt" WCA\ninclude fluid.lmp\n')
    for name in ("table.txt", "other.lmp"):
        (tmp_path / "in" / name).write_text("0\n")
    found = input_files(SETTINGS.model_copy(update={"script": "in/fluid.lmp"}), tmp_path)
    assert [path.name for path in found] == ["fluid.lmp", "pairs.lmp", "table.txt"]


MEASURE = """
import sys
from pathlib import Path
from mpi4py import MPI
from suture.adapters.measure_fluid import STAGE, MeasureFluidSettings
from suture.couplers.stage import run_stage
settings = MeasureFluidSettings(script="fluid.lmp", density=float(sys.argv[2]), temperature=0.5, atoms=108, length=160)
run_stage(STAGE, settings, Path(sys.argv[1]), MPI.COMM_WORLD)
"""


def test_mistake_in_the_script_ends_the_stage_and_stands_in_the_log(tmp_path: Path):
    (tmp_path / "fluid.lmp").write_text("pair_style lj/cutt 2.5\n")
    done = mpirun(2, "-c", MEASURE, tmp_path, 0.8, check=False, timeout=30)
    assert done.returncode != 0
    assert re.search("ERROR: Unrecognized pair style 'lj/cutt'", (tmp_path / "measured" / "fluid.log").read_text())
    assert not (tmp_path / "measured" / "fluid.json").exists()


def test_a_solid_cannot_be_measured(tmp_path: Path):
    shutil.copy(COUETTE / "fluid.lmp", tmp_path)
    done = mpirun(1, "-c", MEASURE, tmp_path, 1.25, check=False, timeout=60)
    assert done.returncode != 0
    assert "SutureError: the fluid of fluid.lmp cannot be measured: the atoms moved by" in done.stderr


def test_missing_script(tmp_path: Path):
    def report(*parts: str) -> Exception:
        return ValueError(" | ".join(parts))

    request = StageCheckRequest("fluid", tmp_path, SETTINGS, report)
    with pytest.raises(ValueError, match=r"stages\.fluid \| script \| 'fluid\.lmp' \| a LAMMPS file .*does not exist"):
        STAGE.check(request)
    shutil.copy(COUETTE / "fluid.lmp", tmp_path)
    STAGE.check(request)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"output": "fluid.txt"}, "output\n.*should match pattern"),
        ({"ranks": 0}, "ranks\n.*greater than or equal to 1"),
        ({"temprature": 1.0}, "temprature\n.*Extra inputs"),
    ],
)
def test_bad_settings(changed: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        MeasureFluidSettings(**({"script": "fluid.lmp", "density": 0.8, "temperature": 1.1} | changed))
