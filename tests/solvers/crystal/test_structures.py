"""Neighbours of atoms in crystals, and orientations that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suture.solvers.crystal import CrystalSettings, SolverError, structure

from .crystals import ARGON

SHELLS = {
    "fcc": [(0.5**0.5, 12), (1.0, 6), (1.5**0.5, 24), (2.0**0.5, 12)],
    "bcc": [(0.75**0.5, 8), (1.0, 6), (2.0**0.5, 12), (2.75**0.5, 24)],
    "diamond": [(0.1875**0.5, 4), (0.5**0.5, 12), (0.6875**0.5, 12), (1.0, 6)],
    "triangular": [(1.0, 6), (3.0**0.5, 6), (2.0, 6), (7.0**0.5, 12)],
}
"""Distances in lattice constants, and how many neighbours are there."""


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("orientation", [((1, 0, 0), (0, 1, 0), (0, 0, 1)), ((1, -1, 0), (1, 1, -2), (1, 1, 1))])
def test_shells(name: Any, orientation: Any) -> None:
    if name == "triangular":
        orientation = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    bonds = structure(name, 2.5, orientation).bonds(2.5 * (SHELLS[name][-1][0] + 1e-6))
    lengths = np.linalg.norm(bonds[:, :3], axis=1) / 2.5
    expected = [length for length, count in SHELLS[name] for _ in range(count)]
    np.testing.assert_allclose(lengths, expected, atol=1e-12)


def test_volumes() -> None:
    volumes = {"fcc": 2.0, "bcc": 4.0, "diamond": 1.0, "triangular": 4.0 * 0.75**0.5}
    assert {name: structure(name, 2.0).volume for name in volumes} == pytest.approx(volumes)  # type: ignore[arg-type]


def test_directions_lie_along_the_axes() -> None:
    """Close-packed rows along x, close-packed planes across z."""
    bonds = structure("fcc", 1.0, ((1, -1, 0), (1, 1, -2), (1, 1, 1))).bonds(0.8)
    assert np.isclose(bonds, [0.5**0.5, 0.0, 0.0]).all(axis=1).any()
    assert np.isclose(bonds[:, 2], 0.0).sum() == 6


WRONG = {
    "crystal directions along x and z are not orthogonal": {"orientation": [[1, 0, 0], [0, 1, 0], [1, 0, 1]]},
    "not right-handed.*turn one of them round": {"orientation": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]},
    "a triangular lattice has its rows along x; it takes no orientation": {
        "structure": "triangular", "orientation": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
    },
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_orientations_that_are_none(message: str) -> None:
    settings = {"structure": "fcc", "constant": 5.3, "potential": ARGON} | WRONG[message]
    with pytest.raises(ValueError, match=message):
        CrystalSettings.model_validate(settings)
    with pytest.raises(SolverError, match=message):
        structure(settings["structure"], 5.3, settings["orientation"])


def test_structures_that_are_none() -> None:
    hcp: Any = "hcp"
    with pytest.raises(SolverError, match="the structure is 'hcp'; it must be fcc, bcc, diamond or triangular"):
        structure(hcp, 3.0)
    with pytest.raises(SolverError, match="the lattice constant is -3; it must be positive"):
        structure("fcc", -3.0)
    with pytest.raises(SolverError, match="must be three crystal directions of three whole numbers each"):
        structure("fcc", 3.0, ((0.5, 0, 0), (0, 1, 0), (0, 0, 1)))
    with pytest.raises(SolverError, match="must be three crystal directions of three whole numbers each"):
        structure("fcc", 3.0, ((1, 0), (0, 1)))
