"""The elements' side of a seam with atoms: what each node counts, what enters, and hand-shakes that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.adapters.hand_shake import HandShakeSettings
from suture.couplers.errors import CaseError
from suture.couplers.protocols import Adapter, Deforms, Records, Rewinds
from suture.couplers.window import Window
from suture.solvers.chain.blending import blend
from suture.solvers.errors import SolverError

from ..complaints import edited
from .seams_of_atoms import BALL, NEAR, elements, small
from .test_solid_boundary import check_text

WINDOW = Window(0, 0.0, 2.0)
ROW = np.array([[d, 0.0, 0.0] for d in (5.0, 6.5, 7.5, 8.5, 10.5, 12.0)])


def play(body: Any, side: Any, window: Window, momentum: np.ndarray) -> None:
    side.receive(window, {"momentum": momentum})
    for dt in window.steps(lambda: body.max_dt):
        body.advance(dt)
        side.account(dt)


@pytest.mark.parametrize("blending", ["linear", "cubic", "quintic", "cosine"])
def test_the_continuums_share(blending: Any) -> None:
    """None in the core and at its rim, all beyond the width; without a width it jumps."""
    of = HandShakeSettings.model_validate({"distance": NEAR, "width": 4.0, "blending": blending})
    share = of.share(of.distances(ROW), 1e-9)
    assert share == pytest.approx([0.0, 0.0, *blend(blending, np.array([0.25, 0.5])), 1.0, 1.0], abs=1e-15)
    assert share[3] == pytest.approx(0.5) and 0.0 < share[2] < 0.5
    sharp = HandShakeSettings.model_validate({"distance": NEAR})
    assert sharp.share(sharp.distances(ROW), 1e-9).tolist() == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]


def test_each_node_says_what_atoms_replace(tmp_path: Path) -> None:
    body, side = elements(tmp_path, {"distance": NEAR, "width": 4.0})
    parts: Adapter = side
    assert parts and isinstance(side, Rewinds) and isinstance(side, Records) and isinstance(side, Deforms)
    mesh = side.cells("momentum")
    body.displacement[:] = 0.1 * np.sin(mesh.points[:, [1, 2, 0]]).ravel()
    said = side.send(WINDOW)
    distance = np.linalg.norm(mesh.points, axis=1) - 6.5
    share = np.where(distance > 1e-6, blend("cubic", distance / 4.0), 0.0)
    assert said["blending"][:, 0] == pytest.approx(share, abs=1e-12) and ((share > 0) & (share < 1)).any()
    inner = -body.material.force(body.displacement).reshape(-1, 3)
    assert np.allclose(said["force"], (1.0 - share)[:, None] * inner, rtol=1e-12, atol=1e-12)
    assert np.array_equal(said["displacement"].ravel(), body.displacement) and not said["shift"].any()
    rim = np.linalg.norm(mesh.points, axis=1) < 5.0
    within = (np.linalg.norm(mesh.points, axis=1) > 8.0) & (np.abs(mesh.points).max(axis=1) < 10.0)
    covered = said["covered"][:, 0]
    assert covered[within] == pytest.approx(1.0, rel=1e-9) and (covered[rim] < 0.9).all() and rim.any()
    volume = body.domain.comm.allreduce(body.material._volumes.sum())
    assert covered.sum() * 3.615**3 / 4.0 == pytest.approx(volume, rel=1e-9)


def test_what_enters_is_booked_to_round_off(tmp_path: Path) -> None:
    """Momentum as it came; its work, which no partner says, is a row; a repeated window is the same to the last bit."""
    body, side = elements(tmp_path, {"distance": NEAR})
    points = side.cells("momentum").points
    push = 1e-3 * np.sin(points)
    kept = body.save(), side.save()
    found = []
    for _ in range(2):
        body.restore(kept[0])
        side.restore(kept[1])
        play(body, side, WINDOW, push)
        found.append((body.displacement.tolist(), side.received()["momentum"].tolist()))
    assert found[0] == found[1]
    assert np.abs(side.received()["momentum"] + side.carry()["momentum"] - push.sum(axis=0)).max() < 1e-15
    assert np.abs(side.carry()["momentum"]).max() < 1e-16 * len(points)
    rows = body.rows()
    work = 0.5 * push.ravel() @ body.displacement
    assert rows["seam"]["energy"][0] == pytest.approx(work, rel=1e-9) and work > 0.0
    assert "energy" not in side.received()


def test_a_uniform_strain_leaves_forces_at_rims_alone(tmp_path: Path) -> None:
    """Where elements are missing, until atoms push there; nodes whose displacement is given do not count."""
    body, side = elements(tmp_path, {"distance": NEAR})
    side.deform(np.eye(3) + 0.01 * np.array([[1.0, 0.5, 0.0], [0.0, -1.0, 0.2], [0.0, 0.0, 0.3]]))
    places, forces = side.spurious()
    size, radius = np.linalg.norm(forces, axis=1), np.linalg.norm(places, axis=1)
    assert size[radius > 8.0].max() < 1e-12 < 1e-2 < size[radius < 6.0].max()


# -- what cannot be ----------------------------------------------------------------------------------------------------

COARSE = BALL["mesh"] | {"grades": [2.0]}


def test_atoms_must_count_at_the_rim_of_the_core(tmp_path: Path) -> None:
    message = (
        "interface 'seam': the continuum has a share in nodes at the rim of the mesh's core.*up to a 'distance' of"
    )
    with pytest.raises(SolverError, match=message):
        elements(tmp_path, {"distance": "sqrt(x*x + y*y + z*z) - 3.7"})


def test_atoms_that_count_must_be_nodes(tmp_path: Path) -> None:
    """A mesh too coarse for the hand-shake has atoms between its nodes, whose forces would go astray."""
    message = (
        "where atoms count in 'hand_shake', elements are up to 8 times as large as the lattice's.*first of 'grades'"
    )
    with pytest.raises(SolverError, match=message):
        elements(tmp_path, {"distance": NEAR, "width": 4.0}, mesh=COARSE)


def test_nodes_must_be_places_of_the_lattice(tmp_path: Path) -> None:
    """A mesh from elsewhere, whose elements are as small."""
    mesh = {"kind": "box", "lower": [0.3] * 3, "upper": [7.53] * 3, "cells": [5] * 3}
    boundaries = {"x-lower": {"kind": "displacement", "x": 0, "y": 0, "z": 0}}
    with pytest.raises(SolverError, match="'hand_shake', nodes are up to 0.[0-9]+ of the lattice's vectors away from"):
        elements(tmp_path, {"distance": NEAR, "width": 4.0}, mesh=mesh, boundaries=boundaries)


def test_an_interface_with_the_whole_body_has_a_name_of_its_own(tmp_path: Path) -> None:
    seam = {"seam": {"kind": "displacement", "x": 0, "y": 0, "z": 0, "where": "x - 14.46"}}
    with pytest.raises(
        SolverError, match="'seam' is a boundary of the body; an interface with all of it needs another"
    ):
        elements(tmp_path, {"distance": NEAR}, boundaries=seam)


SHAKE = "hand_shake = {"
TABLE = """[participants.far.solver.crystal]
structure = "fcc"
constant = 3.615
potential = { kind = "eam", file = "Cu_mishin1.eam.alloy", element = "Cu" }
"""
ELASTIC = (('"cauchy-born"', '"linear"\nyoung = 1.0\npoisson = 0.3'), (TABLE, ""))
BOX = (('"crystal"\n', '"box"\ncells = [2, 2, 2]\n'), ('core = "sqrt(x*x + y*y + z*z) - 3"\ngrades = [8.0]\n', ""))
HELD = ("boundaries.outer", "boundaries.x-lower")
MISTAKES: dict[str, tuple[tuple[tuple[str, str], ...], tuple[str, ...]]] = {
    "no hand-shake":
        ((("\nhand_shake", "\n# hand_shake"),), ("a 'hand_shake' goes with the condition 'forces', and only with it",)),
    "no distance": ((("distance = ", "width = 1.0, distances = "),), ("hand_shake",)),
    "width": (((SHAKE, SHAKE + " width = -1.0,"),), ("hand_shake] width", "-1.0")),
    "blending": (((SHAKE, SHAKE + ' blending = "cubi",'),), ("hand_shake] blending", "cubi", "cubic")),
    "formula": ((("z*z) - 6.5", "z*z - 6.5"),), ("hand_shake] distance", "is not a formula")),
    "region": ((('region = "all"', 'boundary = "outer"'),), ("'temperature' and 'forces' go with region = \"all\"",)),
    "crystal": ((*ELASTIC, *BOX, HELD), ("far.solver] material", "'linear'", "'cauchy-born', where atoms push")),
    "mesh": (ELASTIC, ("a mesh of kind 'crystal' in a body without 'crystal'",)),
    "side": (((("outer =", "outr =")),), ("a crystal has no boundary 'outr'", "outer, core, void")),
    "grades": ((("grades = [8.0]", "grades = [8.0, 4.0]"),), ("'grades' are [8.0, 4.0]", "each must be more")),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path) -> None:
    changes, messages = MISTAKES[name]
    case = small(tmp_path / "case")
    text = (case / "case.toml").read_text()
    with pytest.raises(CaseError) as caught:
        check_text(case, edited(text, *changes))
    for message in ("case.toml", *messages):
        assert message in str(caught.value)
