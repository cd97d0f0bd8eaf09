"""The conductivity over temperature: what it may be off by is what the differences say, and bad files are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.conductivity_file import ConductivityFile
from suture.solvers.errors import SolverError
from suture.solvers.phonons.conductivity import bulk_conductivity
from suture.solvers.phonons.settings import BulkConductivitySettings

TEMPERATURES = np.array([200.0, 300.0, 400.0, 600.0])
BULK = 1.3e5 / TEMPERATURES**1.2
"""On an infinitely fine mesh; a power of the temperature, which the curve meets."""


def phonons(**changed: Any) -> dict[str, Any]:
    """Means that lack 2 / N of the bulk on N points along an edge."""
    return {
        "kind": "phonon-properties",
        "format": 1,
        "units": "si",
        "file": "measured/phonons.hdf5",
        "mesh": [10, 10, 10],
        "temperature": TEMPERATURES.tolist(),
        "conductivity": (BULK * (1.0 - 2.0 / 10.0)).tolist(),
        "anisotropy": 1e-12,
        "finer_mesh": [16, 16, 16],
        "conductivity_finer": (BULK * (1.0 - 2.0 / 16.0)).tolist(),
        "conductivity_full": (BULK * 0.84).tolist(),
        "provenance": {},
    } | changed


def computed(folder: Path, **changed: Any) -> ConductivityFile:
    (folder / "phonons.json").write_text(json.dumps(phonons(**changed)))
    return ConductivityFile.model_validate(bulk_conductivity(BulkConductivitySettings(phonons="phonons.json"), folder))


def test_what_a_mesh_lacks_is_found_where_it_is_as_one_over_its_points(tmp_path: Path) -> None:
    found = computed(tmp_path)
    assert found.conductivity == pytest.approx(0.8 * BULK)
    assert found.uncertainty["mesh"] == pytest.approx(0.2 * BULK, rel=1e-12)
    assert found.uncertainty["relaxation_times"] == pytest.approx(0.04 * BULK, rel=1e-12)
    assert found.uncertainty["interpolation"] == pytest.approx(np.zeros(4), abs=1e-10)
    assert found.uncertainty["total"] == pytest.approx(np.hypot(0.2, 0.04) * BULK, rel=1e-12)


def test_what_was_not_looked_for_is_not_known(tmp_path: Path) -> None:
    found = computed(
        tmp_path, finer_mesh=None, conductivity_finer=None, conductivity_full=None,
        temperature=[200.0, 300.0], conductivity=[2.0, 1.0],
    )  # fmt: skip
    assert found.uncertainty == {"mesh": None, "relaxation_times": None, "interpolation": None, "total": None}


def test_the_interpolation_is_as_wrong_as_the_curve_without_a_temperature(tmp_path: Path) -> None:
    """Three values: the middle one against the power law through both others."""
    k = [4.0, 2.5, 1.0]
    found = computed(
        tmp_path, temperature=[100.0, 200.0, 400.0], conductivity=k, conductivity_finer=k, conductivity_full=k
    )
    assert found.uncertainty["interpolation"] == pytest.approx([0.5] * 3, rel=1e-12)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "kind": ({"kind": "conductivity"}, r"'phonons' .*phonons\.json: kind: Input should be 'phonon-properties'"),
    "one": ({"temperature": [300.0]}, r"phonons\.json: one temperature; a curve needs two or more"),
    "anisotropic": ({"anisotropy": 0.2}, r"differs from its mean by 2.0e-01 with direction; .* must be below 0.1 %"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_files_that_do_not_do_are_named(name: str, tmp_path: Path) -> None:
    changed, message = MISTAKES[name]
    with pytest.raises(SolverError, match=message):
        computed(tmp_path, **changed)


def test_no_file_and_no_json(tmp_path: Path) -> None:
    settings = BulkConductivitySettings(phonons="phonons.json")
    with pytest.raises(SolverError, match=r"'phonons' .*phonons\.json: no such file"):
        bulk_conductivity(settings, tmp_path)
    (tmp_path / "phonons.json").write_text("k")
    with pytest.raises(SolverError, match=r"'phonons' .*phonons\.json: .*; it must be JSON"):
        bulk_conductivity(settings, tmp_path)
