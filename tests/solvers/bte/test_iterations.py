"""How many sweeps the iteration takes: few, whatever the mean free path, the spectrum, the mesh and the dimension."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .bodies import box, film, gray, solved

MESHES: dict[str, list[dict[str, Any]]] = {
    "1-D": [film(cells=n) for n in (16, 64, 256)],
    "2-D": [box([n, n]) for n in (8, 16, 32)],
    "3-D": [box([n, n, n], directions={"polar": 2, "azimuthal": 8}) for n in (2, 4, 6)],
}


def debye(power: int, kn: float) -> dict[str, Any]:
    """20 bands with heat capacity ~ omega^2 and lifetime ~ omega^-power: 2 as in silicon, 4 as in alloys."""
    frequency = (np.arange(20) + 0.5) / 20
    capacity = frequency**2 / (frequency**2).sum()
    return {
        "kind": "bands",
        "heat_capacity": capacity.tolist(),
        "velocity": [1.0] * 20,
        "mean_free_path": (kn * frequency**-power).tolist(),
    }


def sweeps(material: dict[str, Any], dimension: str) -> list[int]:
    return [solved(mesh | {"material": material, "tolerance": 1e-8}).iterations for mesh in MESHES[dimension]]


@pytest.mark.parametrize("dimension", MESHES)
@pytest.mark.parametrize("kn", [100.0, 1.0, 0.1, 0.01, 0.001])
def test_gray_phonons_take_at_most_15_sweeps(kn: float, dimension: str) -> None:
    found = sweeps(gray(kn), dimension)
    assert max(found) <= 15
    assert max(found) - min(found) <= 4, f"not independent of the mesh: {found}"


@pytest.mark.parametrize("dimension", MESHES)
@pytest.mark.parametrize("power", [2, 4])
@pytest.mark.parametrize("kn", [0.1, 0.001])
def test_spectra_over_decades_take_at_most_25_sweeps(kn: float, power: int, dimension: str) -> None:
    found = sweeps(debye(power, kn), dimension)
    assert max(found) <= 25
    assert max(found) - min(found) <= 5, f"not independent of the mesh: {found}"


def test_plain_source_iteration_needs_hundreds_of_times_as_many() -> None:
    ours = solved(film(0.01, tolerance=1e-6))
    plain = solved(film(0.01, tolerance=1e-6, iteration="source"))
    assert plain.iterations > 300 * ours.iterations
    assert plain.temperature == pytest.approx(ours.temperature, abs=1e-3)
