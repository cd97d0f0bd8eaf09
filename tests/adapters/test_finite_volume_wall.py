"""The flow solver as a wall that conducts heat to a partner: what it gives and takes, and a flow over a slab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.finite_volume_face import KIND
from suture.adapters.finite_volume_wall import FiniteVolumeWall
from suture.check import verify_case
from suture.couplers.audit import read_books
from suture.couplers.case import load_case
from suture.couplers.errors import CaseError
from suture.couplers.kind import Context
from suture.couplers.protocols import Adapter, Records, Rewinds
from suture.couplers.series import flush_all, read_series
from suture.couplers.window import Window
from tests.cases.variants import played
from tests.mpi import suture

FLOW = {
    "lower": [0, 0, 0],
    "upper": [1, 2, 1],
    "cells": [3, 1, 8],
    "fluid": {"kind": "ideal-gas", "gamma": 1.4, "gas_constant": 1.0, "viscosity": 0.2, "conductivity": 0.7},
    "initial": {"density": 1.0, "velocity": ["sin(3*z)", 0, 0], "temperature": "1 + 0.1*z"},
    "boundaries": {"x-lower": {"kind": "periodic"}, "x-upper": {"kind": "periodic"}}
    | {"z-lower": {"kind": "seam"}, "z-upper": {"kind": "seam"}},
}


def joined(folder: Path) -> tuple[Any, list[FiniteVolumeWall]]:
    """A channel between two walls of partners."""
    context = Context(comm=MPI.COMM_SELF, name="flow", case=folder, output=folder, window=0.1)
    solver = KIND.create_solver(KIND.solver_settings.model_validate(FLOW), context)
    settings = [KIND.interface_settings(side=side, condition="wall") for side in ("z-lower", "z-upper")]
    faces: list[Any] = [KIND.create_adapter(solver, each, context) for each in settings]
    return solver, faces


def warm(*values: float) -> dict[str, np.ndarray]:
    return {"temperature": np.array(values)[:, None]}


def play(
    solver: Any, faces: list[FiniteVolumeWall], window: Window, *temperatures: dict[str, np.ndarray]
) -> np.ndarray:
    """A window; the heat that left through all faces of each side."""
    for face, temperature in zip(faces, temperatures, strict=True):
        face.receive(window, temperature)
    for part in (0.31, 0.07, 0.62):
        solver.advance(window.dt * part)
        for face in faces:
            face.account(window.dt * part)
    return np.array([face.send(window)["energy"].sum() for face in faces])


def test_it_gives_heat_and_the_wall_s_temperature_on_its_faces(tmp_path: Path) -> None:
    solver, faces = joined(tmp_path)
    part: Adapter = faces[0]
    assert isinstance(part, FiniteVolumeWall) and isinstance(part, Rewinds) and isinstance(part, Records)
    assert KIND.exchange_of(KIND.interface_settings(side="z-lower", condition="wall")) == (
        ("energy", "temperature"),
        ("temperature",),
    )
    for quantity in ("energy", "temperature"):
        cells = part.cells(quantity)
        assert len(cells) == 3 and (cells.lower[:, 2] == 0.0).all() and (cells.upper[:, 2] == 0.0).all()
    assert part.send(Window(-1, 0.0, 0.0))["temperature"] == pytest.approx(solver.temperature[0].reshape(-1, 1))
    part.prepare(warm(0.9, 1.0, 1.1))
    assert np.array_equal(part.send(Window(-1, 0.0, 0.0))["temperature"], warm(0.9, 1.0, 1.1)["temperature"])
    part.receive(Window(0, 0.0, 0.1), warm(1.1, 1.0, 1.1))
    solver.advance(0.05)
    halfway = part.send(Window(0, 0.0, 0.1))["temperature"]
    np.testing.assert_allclose(halfway, warm(1.0, 1.0, 1.1)["temperature"], rtol=1e-14)
    assert part.received() == {} and part.carry() == {}


def test_what_it_gives_is_what_the_flow_lost(tmp_path: Path) -> None:
    """No other heat comes in: walls at rest do no work. Without one of the sides the balance fails."""
    solver, faces = joined(tmp_path)
    opening = solver.inventory()["energy"][0]
    left, most = np.zeros(2), 0.0
    for index in range(10):
        heat = play(
            solver, faces, Window(index, 0.1 * index, 0.1), warm(0.8, 0.9, 0.8), warm(1.0, 1.1, 1.0 + 0.02 * index)
        )
        left, most = left + heat, most + np.abs(heat).sum()
    change = solver.inventory()["energy"][0] - opening
    assert abs(change + left.sum()) <= 1e-12 * most
    assert all(abs(change + one) > 1e-3 * most for one in left)
    assert all(row["energy"] == 0.0 and np.abs(row["momentum"]).max() > 0.01 for row in solver.rows().values())


def test_a_repeated_window_is_identical(tmp_path: Path) -> None:
    solver, faces = joined(tmp_path)
    play(solver, faces, Window(0, 0.0, 0.1), warm(0.8, 0.9, 0.8), warm(1.0, 1.1, 1.0))
    saved = solver.save(), [face.save() for face in faces]
    results = []
    for target in (1.2, 0.9, 0.9):
        solver.restore(saved[0])
        for face, state in zip(faces, saved[1], strict=True):
            face.restore(state)
        heat = play(solver, faces, Window(1, 0.1, 0.1), warm(target, target, target), warm(1.0, 1.0, 1.0))
        results.append((heat, solver.grid.state.copy()))
    assert all(np.array_equal(a, b) for a, b in zip(results[1], results[2], strict=True))
    assert not np.array_equal(results[0][0], results[1][0])


def test_both_sides_of_an_axis_keep_one_record(tmp_path: Path) -> None:
    solver, faces = joined(tmp_path)
    for index in (0, 1):
        play(solver, faces, Window(index, 0.1 * index, 0.1), warm(1, 1, 1), warm(1, 1, 1))
        for face in faces:
            face.record(Window(index, 0.1 * index, 0.1))
    flush_all()
    with read_series(tmp_path / "profiles.h5") as file:
        np.testing.assert_allclose(file["time"], [0.1, 0.2])


CASE = """
title = "Couette flow that heats itself over a slab that conducts"

[time]
window = 0.25
end = {end}

[scheme]
{scheme}

[participants.slab]
kind = "heat-slab"
[participants.slab.solver]
lower = [0, 0, -0.5]
upper = [1, 2, 0]
axis = "z"
cells = 5
conductivity = 2.0
capacity = 20.0
initial = 1.0
step = 0.05
boundaries = {{ lower = {{ kind = "temperature", temperature = 0.9 }}, upper = {{ kind = "seam" }} }}

[participants.flow]
kind = "finite-volume"
ranks = {ranks}
[participants.flow.solver]
lower = [0, 0, 0]
upper = [1, 2, 1]
cells = {cells}
fluid = {{ kind = "ideal-gas", gamma = 1.4, gas_constant = 1.0, viscosity = 1.0, conductivity = 3.5 }}
initial = {{ density = 1.0, velocity = [0, 0, 0], temperature = 1.0 }}
[participants.flow.solver.boundaries]
z-lower = {{ kind = "seam" }}
z-upper = {{ kind = "wall", velocity = [1, 0, 0], temperature = 1.1 }}
{more}

[interfaces.seam.sides.flow]
side = "z-lower"
condition = "wall"
[interfaces.seam.sides.slab]
side = "upper"
{slab}
"""
EXPLICIT = 'kind = "serial-explicit"\norder = ["slab", "flow"]'
IMPLICIT = 'kind = "serial-implicit"\norder = ["flow", "slab"]\nsamples = 3\nconvergence = { relative = 1e-9 }'
USUAL = {"end": 25.0, "scheme": EXPLICIT, "ranks": 1, "cells": [1, 1, 8], "more": "", "slab": 'condition = "flux"'}
ROBIN = 'condition = "robin"\ncoefficient = 6.0'
MESH = 'mesh = {{ kind = "box", lower = [0, 0, -0.5], upper = [1, 2, 0], cells = [7, 9, 4] }}\n'
SIDES = 'x-lower = { kind = "periodic" }\nx-upper = { kind = "periodic" }'
VARIANTS: dict[str, dict[str, Any]] = {
    "explicit": {},
    "two ranks": {"ranks": 2, "end": 2.5},
    "one rank": {"end": 2.5},
    "implicit": {"scheme": IMPLICIT},
    "robin": {"scheme": IMPLICIT, "slab": ROBIN},
    "four faces": {"cells": [4, 1, 8], "more": SIDES},
}


def case(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "case.toml").write_text(CASE.format(**(USUAL | changes)))
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("conjugate")
    folders = {name: case(folder / name, **changes) for name, changes in VARIANTS.items()}
    # PETSc starts once in a job, with the ranks that the flow then has.
    two = played([folders.pop("two ranks")], 3)
    return folder, two | played(list(folders.values()), 2)


def profile(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres, and all temperatures and velocities along x."""
    with h5py.File(folder / "RUN" / name / "profiles.h5") as file:
        z = 0.5 * (file["edges"][1:] + file["edges"][:-1])
        velocity = file["velocity"][:, :, 0] if "velocity" in file else np.zeros((1, len(z)))
        return z, file["temperature"][:], velocity


@pytest.mark.parametrize("name", ["explicit", "implicit", "robin", "four faces"])
def test_a_couette_flow_over_a_slab_reaches_its_steady_state(name: str, runs: Any) -> None:
    """k_s (T_w - T_0) / d = k (T_1 - T_w) / H + eta U^2 / (2 H): half of the heat of friction goes into the slab."""
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    wall = (3.5 * 1.1 + 0.5 + 2.0 * 0.9 / 0.5) / (3.5 + 2.0 / 0.5)
    z, temperature, velocity = profile(runs[0] / name, "flow")
    exact = wall + (1.1 - wall) * z + z * (1 - z) / 7.0
    assert np.abs(temperature[-1] - exact).max() < 1e-10
    assert np.abs(velocity[-1] - z).max() < 1e-10
    z, temperature, _ = profile(runs[0] / name, "slab")
    assert np.abs(temperature[-1] - (0.9 + (wall - 0.9) * (z + 0.5) / 0.5)).max() < 1e-10
    with h5py.File(runs[0] / name / "RUN" / "ledger.h5") as ledger:
        (flow,) = (flow for flow in ledger["flows"].values() if "sent" in flow)
        assert flow["sent"][-1].item() / 0.25 == pytest.approx(2.0 * 2.0 * (wall - 0.9) / 0.5, rel=1e-8)
        rows = ledger["participants/flow/rows"]
        assert set(rows) == {"z-lower", "z-upper"}


def test_the_number_of_ranks_does_not_matter(runs: Any) -> None:
    one, two = (profile(runs[0] / name, "flow")[1] for name in ("one rank", "two ranks"))
    np.testing.assert_allclose(two, one, rtol=1e-12)


def test_the_faces_of_a_flow_and_a_mesh_that_does_not_match_are_one_wall(tmp_path: Path) -> None:
    """4 x 5 faces on a body of 7 x 9 x 4 cells, on two ranks of the flow: the same steady state, without a ripple."""
    slab = CASE[CASE.index('kind = "heat-slab"') : CASE.index("[participants.flow]")]
    body = slab.replace("heat-slab", "heat-conduction").replace('axis = "z"\ncells = 5\n', "")
    body = body.replace("lower = [0, 0, -0.5]\nupper = [1, 2, 0]\n", MESH).replace("step = 0.05", "step = 0.25")
    body = body.replace("upper = {{", "z-upper = {{").replace("{{ lower", "{{ z-lower")
    text = CASE.replace(slab, body).replace('side = "upper"', 'boundary = "z-upper"')
    more = SIDES + "\n" + SIDES.replace("x-", "y-")
    settings = USUAL | {"end": 20.0, "ranks": 2, "cells": [4, 5, 8], "more": more}
    (tmp_path / "case.toml").write_text(text.format(**settings))
    suture("run", tmp_path)
    assert read_books(tmp_path / "RUN").worst <= 1e-12
    z, temperature, _ = profile(tmp_path, "flow")
    assert np.abs(temperature[-1] - (1.06 + 0.04 * z + z * (1 - z) / 7.0)).max() < 1e-8


def test_two_temperatures_at_one_wall_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        verify_case(load_case(case(tmp_path, slab='condition = "temperature"')))
    assert "'wall', where 'flow' gives temperature and takes temperature" in str(caught.value)
    assert "with it, that 'flow' gives energy and takes temperature" in str(caught.value)


@pytest.mark.parametrize("scheme", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
def test_a_resumed_run_is_the_run_itself(scheme: str, tmp_path: Path) -> None:
    written = {"scheme": scheme, "slab": 'condition = "flux"\n[run]\ncheckpoint_every = 3'}
    suture("run", case(tmp_path / "whole", **written, end=2.0))
    suture("run", case(tmp_path / "cut", **written, end=1.25))
    suture("run", case(tmp_path / "cut", **written, end=2.0), "--resume")
    books = read_books(tmp_path / "cut" / "RUN")
    assert books.complete and books.windows == 8 and books.worst <= 1e-12
    whole, resumed = (profile(tmp_path / name, "flow")[1] for name in ("whole", "cut"))
    assert np.array_equal(whole, resumed)
