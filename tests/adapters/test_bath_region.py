"""Two temperatures of one place: what a bath takes of a solid is heat of a body, which says how warm the bath is."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.bath_region import BathedParticles, BathRegion
from suture.adapters.particle_region import ParticleRegionSettings
from suture.couplers.audit import read_books
from suture.couplers.window import Window
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

from ..complaints import edited
from ..mpi import suture
from ..rod_case import lay_out
from .rod import SCRIPT

SIDE = {
    "at": 5.6,
    "slabs": 4,
    "thickness": 1.6,
    "impose": {"kind": "langevin", "rate": 4.0, "power": 1.0},
    "counts": "all",
    "settle": 0,
}

CASE = """\
title = "A hot rod gives its heat to a body in the same place"
units = "lj"

[time]
window = 0.1
end = 6.0

[run]
checkpoint_every = 30

[participants.atoms]
kind = "particle-region"
ranks = 2
[participants.atoms.solver]
script = "in.rod"
fluid = "solid"
variables = { heat = 0.5 }
walls = { lower = { group = "lower" }, upper = { group = "upper" } }

[participants.body]
kind = "heat-conduction"
[participants.body.solver]
mesh = { kind = "box", lower = [0.0, 0.0, 5.6], upper = [4.8, 4.8, 13.6], cells = [1, 1, 5], cell = "hexahedron" }
conductivity = 10.0
capacity = 3.0
initial = 0.1
step = 0.1

[interfaces.band.sides.body]
region = "all"
[interfaces.band.sides.atoms]
at = 5.6
slabs = 4
thickness = 1.6
impose = { kind = "langevin", rate = 4.0, power = 1.0 }
counts = "all"
settle = 0
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = lay_out(tmp_path_factory.mktemp("band"), CASE)
    suture("run", folder, timeout=240.0)
    return folder / "RUN"


def energies(run):
    """Window by window: sent, received, held by both, and the integrator's error."""
    with h5py.File(run / "ledger.h5") as file:
        (flow,) = file["flows"].values()
        held = [file[f"participants/{name}/inventory"][:, 0] for name in ("atoms", "body")]
        return flow["sent"][:, 0], flow["received"][:, 0], held, file["participants/atoms/rows/integration error"][:, 0]


def test_what_the_bath_took_is_what_the_body_got(run):
    assert json.loads(suture("ledger", run.parent, "--json").stdout)["balanced"]
    assert read_books(run).worst <= 1e-12
    sent, received, (atoms, body), error = energies(run)
    assert np.abs(sent - received).max() <= 1e-12 * np.abs(sent).sum()
    assert np.diff(body) == pytest.approx(sent, abs=1e-11 * sent.sum())
    # Nothing else gives or takes: the two together keep their energy but for the integrator's error.
    assert np.diff(atoms + body) == pytest.approx(error, abs=1e-11 * sent.sum())
    assert abs(error.sum()) < 0.02 * sent.sum()


@pytest.mark.parametrize("dropped", ["flows/{}/received", "participants/atoms/rows/integration error"])
def test_the_ledger_misses_what_is_dropped(run, tmp_path, dropped):
    shutil.copy(run / "ledger.h5", tmp_path)
    with h5py.File(tmp_path / "ledger.h5", "r+") as file:
        file[dropped.format(next(iter(file["flows"])))][:] = 0.0
    assert not read_books(tmp_path).balanced


def test_both_come_to_one_temperature(run):
    sent, *_ = energies(run)
    assert sent[:20].sum() > 10.0 * abs(sent[-20:].sum())
    with h5py.File(run / "atoms" / "profiles.h5") as file:
        number, body = file["number"][-20:], file["continuum_temperature"][-20:]
        atoms = np.nansum(number * np.nan_to_num(file["temperature"][-20:])) / number.sum()
    assert body.mean() > 0.3
    assert atoms == pytest.approx(body.mean(), rel=0.1)


def test_a_run_goes_on_as_if_it_had_not_ended(run, tmp_path):
    folder = lay_out(tmp_path, edited(CASE, ("end = 6.0", "end = 3.0")))
    suture("run", folder, timeout=240.0)
    lay_out(tmp_path, edited(CASE, ("end = 6.0", "end = 4.0")))
    suture("run", folder, "--resume", timeout=240.0)
    assert energies(folder / "RUN")[0] == pytest.approx(energies(run)[0][:40], abs=1e-5)


def band(folder, step):
    """The rod with its band, and its participant's shared books."""
    walls = {name: {"group": name} for name in ("lower", "upper")}
    settings = MolecularDynamicsSettings(script=str(SCRIPT), variables={"step": step}, fluid="solid", walls=walls)
    solver = MolecularDynamics(settings, MPI.COMM_SELF, SCRIPT, folder, 0.08)
    particles = BathedParticles(solver)
    region = BathRegion(solver, ParticleRegionSettings.model_validate(SIDE), 0.08, folder, 0, particles)
    region.prepare({"temperature": np.full((4, 1), 0.4)})
    return solver, particles, region


def test_the_integrators_error_is_second_order_in_the_time_step(tmp_path):
    """What the bath took is measured by itself: were a part of it missing, the order would be 0."""
    steps, means = np.array([0.008, 0.004, 0.002]), []
    for step in steps:
        (folder := tmp_path / f"{step}").mkdir()
        solver, particles, region = band(folder, step)
        errors, heat = [0.0], 0.0
        for index in range(40):
            window = Window(index, 0.08 * index, 0.08)
            region.receive(window, {"temperature": np.array([[0.1], [0.2], [0.3], [0.4]])})
            solver.advance(0.08)
            region.account(0.08)
            heat += np.abs(region.send(window)["energy"]).sum()
            errors.append(float(particles.error[0]))
        assert heat > 10.0
        means.append(np.abs(np.diff(errors)).mean())
        solver.close()
    order = np.polyfit(np.log(steps), np.log(means), 1)[0]
    assert 1.8 < order < 2.3, (order, means)
