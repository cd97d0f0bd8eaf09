"""The stages from forces to a conductivity: what they hand on, when it is made again, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mpi4py import MPI
from pydantic import ValidationError

from suture.adapters import phonon_stages
from suture.adapters.phonon_stages import (
    BULK_CONDUCTIVITY,
    FORCE_CONSTANTS,
    PHONON_PROPERTIES,
    BulkConductivity,
    ForceConstants,
    PhononProperties,
)
from suture.couplers.errors import SutureError
from suture.couplers.kinds import load_stage
from suture.couplers.stage import StageCheckRequest, StageKind, run_stage, stale
from suture.solvers.bte.materials import Phono3py, spectrum

FORCES = Path(__file__).parents[2] / "cases" / "silicon-kappa" / "forces"
CELL = "forces/phono3py_disp.yaml"
CONSTANTS = ForceConstants(displacements=CELL, forces="forces/FORCES_FC3")
PHONONS = PhononProperties(
    displacements=CELL,
    force_constants=CONSTANTS.output,
    mesh=(4, 4, 4),
    temperatures=(200.0, 300.0, 400.0),
    isotopes=True,
    finer_mesh=(5, 5, 5),
    full_solution=True,
)
CONDUCTIVITY = BulkConductivity(phonons=PHONONS.output)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all three have been done."""
    case = tmp_path_factory.mktemp("chain")
    shutil.copytree(FORCES, case / "forces")
    for kind, settings in (
        (FORCE_CONSTANTS, CONSTANTS),
        (PHONON_PROPERTIES, PHONONS),
        (BULK_CONDUCTIVITY, CONDUCTIVITY),
    ):
        run_stage(kind, settings, case, MPI.COMM_SELF, lambda line: None)
    return case


def content(case: Path, name: str) -> dict[str, Any]:
    return json.loads((case / "measured" / name).read_text())


def test_the_kinds_are_installed() -> None:
    assert load_stage("force-constants") is FORCE_CONSTANTS
    assert load_stage("phonon-properties") is PHONON_PROPERTIES
    assert load_stage("bulk-conductivity") is BULK_CONDUCTIVITY


def test_force_constants_let_the_crystal_move_as_a_whole(chain: Path) -> None:
    with h5py.File(chain / "measured" / "force-constants.fc2.hdf5") as file:
        second = file["force_constants"][:]
    assert second.shape == (2, 64, 3, 3)
    assert np.abs(second.sum(axis=1)).max() < 1e-12 * np.abs(second).max()
    found = content(chain, "force-constants.json")
    assert (found["supercells"], found["atoms"]) == (111, 64)
    assert found["drift"]["third_order"] < 1e-3


def test_a_hand_over_has_units_hashes_and_provenance(chain: Path) -> None:
    for name, units in (("force-constants.json", {"second_order": "eV/angstrom^2", "third_order": "eV/angstrom^3"}),):
        assert content(chain, name)["units"] == units
    assert content(chain, "phonons.json")["units"] == content(chain, "conductivity.json")["units"] == "si"
    before = content(chain, "force-constants.json")["provenance"]
    after = content(chain, "phonons.json")["provenance"]
    assert before["beside"].items() <= after["files"].items(), "what one makes is what the next has taken"
    assert before["phono3py"] == after["phono3py"]
    assert len(before["beside"]) == 2 and set(before["files"]) == {CELL, "forces/FORCES_FC3"}


def test_the_phonons_file_is_a_material_of_that_conductivity(chain: Path) -> None:
    found = content(chain, "phonons.json")
    for temperature, conductivity in zip(found["temperature"], found["conductivity"], strict=True):
        material = {"kind": "phono3py", "file": found["file"], "temperature": temperature, "bands": 10}
        assert spectrum(Phono3py.model_validate(material), chain).conductivity == pytest.approx(conductivity, rel=1e-6)
    resolved = {"kind": "phono3py", "file": found["file"], "temperature": 300.0, "structure": CELL}
    tensor = spectrum(Phono3py.model_validate(resolved), chain).conductivity
    k = found["conductivity"][1]
    assert tensor == pytest.approx(k * np.eye(3), rel=1e-6, abs=1e-6 * k)
    assert found["anisotropy"] < 1e-9


def test_each_uncertainty_is_a_difference_that_was_computed(chain: Path) -> None:
    phonons, found = content(chain, "phonons.json"), content(chain, "conductivity.json")
    own, finer, full = (np.array(phonons[f"conductivity{which}"]) for which in ("", "_finer", "_full"))
    assert found["uncertainty"]["mesh"] == pytest.approx(np.abs(finer - own) / (1 - 4 / 5), rel=1e-12)
    assert found["uncertainty"]["relaxation_times"] == pytest.approx(np.abs(full - own), rel=1e-12)
    assert np.all(finer > own), "a finer mesh has longer waves"


def test_stages_are_kept_and_made_again_from_where_something_changed(chain: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(chain, case)
    assert stale(FORCE_CONSTANTS, CONSTANTS, case) is None
    assert stale(PHONON_PROPERTIES, PHONONS, case) is None
    other = PHONONS.model_copy(update={"isotopes": False})
    assert stale(PHONON_PROPERTIES, other, case) == "measured/phonons.json was made from other settings"
    (case / "measured" / "phonons.hdf5").write_bytes(b"cut off")
    assert stale(PHONON_PROPERTIES, PHONONS, case) == "measured/phonons.hdf5 is not what the stage has made"
    (case / "measured" / "force-constants.fc3.hdf5").unlink()
    assert stale(FORCE_CONSTANTS, CONSTANTS, case) == "measured/force-constants.fc3.hdf5 does not exist"


# -- what is refused ---------------------------------------------------------------------------------------------------


def check(kind: StageKind, settings: Any, case: Path, made: frozenset[Path] = frozenset()) -> None:
    def report(*parts: str) -> Exception:
        return ValueError(" | ".join(parts))

    kind.check(StageCheckRequest("one", case, settings, report, made))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            FORCE_CONSTANTS,
            CONSTANTS,
            r"stages\.one \| displacements \| 'forces/.*yaml' \| phono3py's YAML with cells and",
        ),
        (
            PHONON_PROPERTIES,
            PHONONS,
            r"stages\.one \| displacements \| 'forces/.*yaml' \| phono3py's YAML with the cells",
        ),
        (
            BULK_CONDUCTIVITY,
            CONDUCTIVITY,
            r"stages\.one \| phonons \| 'measured/phonons\.json' \| the output of a stage of",
        ),
    ],
)
def test_missing_files(kind: StageKind, settings: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        check(kind, settings, tmp_path)


def test_forces_and_constants_that_are_missing(tmp_path: Path) -> None:
    (tmp_path / "forces").mkdir()
    shutil.copy(FORCES / "phono3py_disp.yaml", tmp_path / "forces")
    with pytest.raises(
        ValueError, match=r"forces \| 'forces/FORCES_FC3' \| phono3py's FORCES_FC3, relative to the case"
    ):
        check(FORCE_CONSTANTS, CONSTANTS, tmp_path)
    with pytest.raises(
        ValueError, match=r"force_constants \| 'measured/.*' \| the output of a stage of kind 'force-con"
    ):
        check(PHONON_PROPERTIES, PHONONS, tmp_path)
    check(PHONON_PROPERTIES, PHONONS, tmp_path, frozenset({tmp_path / CONSTANTS.output}))


def test_without_phono3py_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonon_stages, "find_spec", lambda name: None)
    for kind, settings in ((FORCE_CONSTANTS, CONSTANTS), (PHONON_PROPERTIES, PHONONS)):
        with pytest.raises(
            ValueError, match=r"stages\.one \| kind \| .*phono3py.* install it: pip install 'suture\[phonons\]'"
        ):
            check(kind, settings, tmp_path)


@pytest.mark.parametrize("spoil", ["forces", "cell"])
def test_files_of_something_else_are_named(spoil: str, tmp_path: Path) -> None:
    shutil.copytree(FORCES, tmp_path / "forces")
    if spoil == "forces":
        lines = (tmp_path / "forces" / "FORCES_FC3").read_text().splitlines()
        (tmp_path / "forces" / "FORCES_FC3").write_text("\n".join(lines[:300]))
    else:
        (tmp_path / CELL).write_text("unit_cell: []\n")
    with pytest.raises(
        SutureError, match=r"the force constants cannot be computed: .*phono3py_disp\.yaml: phono3py says"
    ):
        run_stage(FORCE_CONSTANTS, CONSTANTS, tmp_path, MPI.COMM_SELF, lambda line: None)
    assert not (tmp_path / CONSTANTS.output).exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"temperatures": (300.0, 200.0)}, r"'temperatures' are \[300.0, 200.0\]; they must ascend"),
        ({"finer_mesh": (5, 4, 5)}, r"'finer_mesh' is \[5, 4, 5\]; it must be finer than \[4, 4, 4\] each way"),
        ({"mesh": (4, 4)}, "mesh\n.*at least 3"),
        ({"ranks": 2}, "ranks\n.*less than or equal to 1"),
        ({"output": "phonons.hdf5"}, "output\n.*should match pattern"),
    ],
)
def test_bad_settings(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PhononProperties(**(PHONONS.model_dump() | changed))
