"""A mesh refuses what does not fit together, in words that say what was found and what is needed."""

from __future__ import annotations

import numpy as np
import pytest

from suture.couplers.mesh import CORNERS, DIMENSION, NODES, Mesh

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])


def test_values_belong_to_owned_points():
    mesh = Mesh(SQUARE, {"triangle": [[0, 1, 2], [0, 2, 3]]}, owned=3, ids=[7, 5, 9, 2])
    assert len(mesh) == 3 and mesh.dimension == 2
    np.testing.assert_array_equal(mesh.owned_points, SQUARE[:3])
    assert not mesh.outer.any() and mesh.outer.shape == (3,)


def test_a_cloud_has_no_elements():
    assert Mesh(SQUARE).dimension == 0 and Mesh(SQUARE, {"line": np.zeros((0, 2))}).elements == {}
    assert len(Mesh(np.zeros(0))) == 0


def test_lengths_scale():
    mesh = Mesh(SQUARE, {"quad": [[0, 1, 2, 3]]}, outer=np.array([True, False, False, True]))
    scaled = mesh.scaled(2.0)
    np.testing.assert_array_equal(scaled.points, 2 * SQUARE)
    np.testing.assert_array_equal(scaled.outer, mesh.outer)
    assert mesh.scaled(1.0) is mesh


def test_every_type_of_element_is_described():
    assert set(NODES) == set(CORNERS) == set(DIMENSION)


MISTAKES = {
    r"points have shape \(4, 2\); it must be \(n, 3\)": {"points": SQUARE[:, :2]},
    "point 1 is not finite": {"points": [[0.0, 0, 0], [np.nan, 0, 0]]},
    "owned is 5; it must be between 0 and the number of points, 4": {"owned": 5},
    "1 points are ghosts: give ids": {"owned": 3},
    "elements of type 'wedge' are not known; known: line, line3": {"elements": {"wedge": [[0, 1, 2, 3, 0, 1]]}},
    r"'triangle' have shape \(1, 4\) of int64; they must be \(k, 3\)": {"elements": {"triangle": [[0, 1, 2, 3]]}},
    "names point 4; there are 4 points": {"elements": {"line": [[0, 4]]}},
    "names point -1": {"elements": {"line": [[0, -1]]}},
    "of float64; they must be": {"elements": {"line": [[0.0, 1.0]]}},
    r"ids have shape \(3,\)": {"ids": [1, 2, 3]},
    "two points of this rank have the same id": {"ids": [1, 2, 3, 1]},
    r"outer has shape \(3,\) of bool; it must be \(4,\)": {"outer": np.ones(3, bool)},
}


@pytest.mark.parametrize(("message", "given"), MISTAKES.items(), ids=MISTAKES)
def test_mistakes_are_named(message, given):
    with pytest.raises(ValueError, match=message):
        Mesh(**({"points": SQUARE} | given))
