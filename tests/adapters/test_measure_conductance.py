"""The stage that measures an interface: what its inputs are, what is refused, and what is stored for a case."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from mpi4py import MPI
from pydantic import ValidationError

from suture.adapters.measure_conductance import FOLDER, STAGE, MeasureConductanceSettings, input_files
from suture.couplers.errors import SutureError
from suture.couplers.kinds import load_stage
from suture.couplers.stage import StageCheckRequest, run_stage, stale
from suture.solvers.md import steady_conduction

from ..mpi import mpirun

CASE = Path(__file__).parents[2] / "cases" / "silicon-germanium"
SHIPPED = Path("/usr/share/lammps/potentials/SiCGe.tersoff")
TINY = {
    "script": "pair.lmp",
    "structure": "diamond",
    "lattice_constants": (5.43, 5.66),
    "width": 2,
    "lengths": [10, 11],
    "hot": 380.0,
    "cold": 220.0,
    "damping": 0.1,
    "timestep": 0.002,
    "equilibration": 0.2,
    "duration": 2.56,
    "record": 0.02,
}
"""Too short for a result, long enough for everything to be done."""


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(FOLDER, raising=False)
    for name in ("pair.lmp", "SiGe.tersoff"):
        shutil.copy(CASE / name, tmp_path)
    return tmp_path


def tiny(**changed: object) -> MeasureConductanceSettings:
    return MeasureConductanceSettings(**(TINY | changed))


def check(case: Path, **changed: object) -> None:
    def report(*parts: str) -> Exception:
        return ValueError(" | ".join(parts))

    STAGE.check(StageCheckRequest("interface", case, tiny(**changed), report))


def test_the_kind_is_installed():
    assert load_stage("measure-conductance") is STAGE


MEASURE = """
import json, sys
from pathlib import Path
from mpi4py import MPI
from suture.adapters.measure_conductance import STAGE, MeasureConductanceSettings
from suture.couplers.stage import run_stage
run_stage(STAGE, MeasureConductanceSettings(**json.loads(sys.argv[2])), Path(sys.argv[1]), MPI.COMM_WORLD)
"""


def test_measured_and_kept(case: Path):
    printed = mpirun(1, "-c", MEASURE, case, json.dumps(TINY)).stdout
    assert printed.count("10 cells, 640 atoms: resistance ") == printed.count("11 cells, 704 atoms: resistance ") == 1
    content = json.loads((case / "measured" / "conductance.json").read_text())
    assert {"lammps", "seed", "settings", "seconds", "inputs", "files"} <= content["provenance"].keys()
    assert content["units"] == "si"
    assert [one["atoms"] for one in content["lengths"]] == [640, 704]
    assert content["extrapolation"]["degrees_of_freedom"] == 0
    assert stale(STAGE, tiny(), case) is None
    potential = case / "SiGe.tersoff"
    potential.write_text(potential.read_text().replace("1830.8", "1830.9"))
    assert stale(STAGE, tiny(), case) == "measured/conductance.json was made from other input: SiGe.tersoff"


def test_on_two_ranks(case: Path):
    printed = mpirun(2, "-c", MEASURE, case, json.dumps(TINY | {"lengths": [10]})).stdout
    assert printed.count("10 cells, 640 atoms: resistance ") == 1
    assert json.loads((case / "measured" / "conductance.json").read_text())["extrapolation"] is None


def test_a_potential_of_lammps_own_is_an_input(case: Path, monkeypatch: pytest.MonkeyPatch):
    folder = case / "potentials"
    folder.mkdir()
    (case / "SiGe.tersoff").rename(folder / "SiGe.tersoff")
    with pytest.raises(
        ValueError,
        match=r"stages\.interface \| script \| pair_coeff with the file 'SiGe\.tersoff' \| a file of potentials beside "
        r"the script, or in the folder that LAMMPS_POTENTIALS names \| copy SiGe\.tersoff to .*, or set LAMMPS_",
    ):
        check(case)
    assert [path.name for path in input_files(tiny(), case)] == ["pair.lmp"]
    monkeypatch.setenv(FOLDER, str(folder))
    check(case)
    assert [path.name for path in input_files(tiny(), case)] == ["pair.lmp", "SiGe.tersoff"]


def test_missing_script(case: Path):
    check(case)
    with pytest.raises(
        ValueError, match=r"stages\.interface \| script \| 'pairs\.lmp' \| a LAMMPS file with .* not exist"
    ):
        check(case, script="pairs.lmp")


def test_numbers_are_no_files(case: Path):
    (case / "pair.lmp").write_text("pair_style lj/cut 2.5\npair_coeff * * 1.0 1e-2 -2.5E+1\npair_coeff 1 2 ${a.b} 1.\n")
    check(case)


def test_a_wrong_number_of_elements_ends_the_stage_and_stands_in_the_log(case: Path):
    script = case / "pair.lmp"
    script.write_text(script.read_text().replace("Si Ge", "Si Ge Ge"))
    done = mpirun(1, "-c", MEASURE, case, json.dumps(TINY), check=False, timeout=60)
    assert done.returncode != 0
    log = (case / "measured" / "conductance.log").read_text()
    assert re.search(r"ERROR: .*\nLast (command|input line): pair_coeff", log), "LAMMPS' versions word it differently"
    assert not (case / "measured" / "conductance.json").exists()


def test_no_steady_state_is_said_in_the_users_words(case: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steady_conduction, "steady_from", lambda series: None)
    with pytest.raises(
        SutureError, match=r"the interface of pair\.lmp cannot be measured: no steady state within 2\.5"
    ):
        run_stage(STAGE, tiny(lengths=[10]), case, MPI.COMM_SELF, lambda line: None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"output": "interface.txt"}, "output\n.*should match pattern"),
        ({"ranks": 0}, "ranks\n.*greater than or equal to 1"),
        ({"cold": 400.0}, "hot is 380 and cold 400: heat must flow from type 1 to type 2"),
    ],
)
def test_bad_settings(changed: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        tiny(**changed)


@pytest.mark.skipif(not SHIPPED.exists(), reason="LAMMPS' own potentials are not installed")
def test_the_potential_is_that_of_lammps_own_file():
    def entries(path: Path, silicon: str) -> dict[tuple[str, ...], list[float]]:
        rows = [line.replace(silicon, "Si").split() for line in path.read_text().splitlines() if line[:1] != "#"]
        known = [row for row in rows if len(row) == 17 and set(row[:3]) <= {"Si", "Ge"}]
        return {tuple(row[:3]): [float(value) for value in row[3:]] for row in known}

    ours = entries(CASE / "SiGe.tersoff", "Si")
    assert len(ours) == 8
    assert ours == entries(SHIPPED, "Si(D)")
