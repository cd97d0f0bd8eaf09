"""Two masses at an interface: the impulse that one spring gives is what the other mass gets; mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.adapters.oscillator_link import KIND, OscillatorLink
from suture.check import verify_case
from suture.couplers.case import load_case
from suture.couplers.errors import CaseError
from suture.couplers.kind import Context
from suture.couplers.protocols import Adapter, Records, Rewinds, Solver
from suture.couplers.window import Window

CASE = Path(__file__).parents[2] / "cases" / "oscillator" / "case.toml"


def joined(folder: Path, **side: Any) -> tuple[Any, OscillatorLink]:
    context = Context(comm=MPI.COMM_SELF, name="mass", case=folder, output=folder, window=0.25)
    settings = {"mass": 2.0, "stiffness": 1.0, "displacement": [1, 0, 0], "step": 0.1}
    solver: Any = KIND.create_solver(KIND.solver_settings.model_validate(settings), context)
    link: Any = KIND.create_adapter(solver, KIND.interface_settings.model_validate(side), context)
    return solver, link


def play(solver: Any, link: OscillatorLink, window: Window, values: dict[str, Any]) -> None:
    link.receive(window, {name: np.array([value]) for name, value in values.items()})
    for dt in window.steps(lambda: solver.max_dt):
        solver.advance(dt)
        link.account(dt)


def test_protocols(tmp_path: Path) -> None:
    solver, link = joined(tmp_path, condition="impulse")
    parts: tuple[Solver, Adapter] = solver, link
    assert parts and isinstance(link, Rewinds) and isinstance(link, Records)


def test_an_impulse_acts_to_round_off(tmp_path: Path) -> None:
    solver, link = joined(tmp_path, condition="impulse")
    for index in range(5):
        impulse = np.array([0.3, -index, 7.0])
        play(solver, link, Window(index, 0.25 * index, 0.25), {"momentum": impulse})
        assert np.allclose(link.received()["momentum"], impulse, rtol=1e-14)
        assert np.abs(link.carry()["momentum"]).max() < 1e-14
    own = solver.inventory()["momentum"] - solver.rows()["ground"]["momentum"]
    assert np.allclose(own, [1.5, -10, 35], rtol=1e-13)


def test_the_impulse_given_is_what_the_mass_lost(tmp_path: Path) -> None:
    solver, link = joined(tmp_path, condition="displacement", stiffness=4.0)
    link.prepare({"displacement": np.array([[0.0, 0.5, 0.0]])})
    play(solver, link, Window(0, 0.0, 0.25), {"displacement": [0.1, 0.6, 0.0]})
    given = link.send(Window(0, 0.0, 0.25))
    own = solver.inventory()["momentum"] - solver.rows()["ground"]["momentum"]
    assert np.allclose(given["momentum"], -own, rtol=1e-14)
    assert np.abs(own[:2]).min() > 0.1
    assert np.array_equal(given["displacement"], solver.displacement[None])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('condition = "impulse"', 'condition = "displacement"', "a 'stiffness' goes with the condition 'displacement'"),
        (
            'condition = "impulse"',
            'condition = "displacement"\nstiffness = 1.0',
            "no side's kind gives what the other's takes",
        ),
        ('kind = "oscillator"\n[participants.heavy', 'kind = "oscillator"\nranks = 2\n[participants.heavy', "one mass"),
    ],
)
def test_mistakes_are_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    text = CASE.read_text()
    assert old in text
    (tmp_path / "case.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(CaseError) as caught:
        verify_case(load_case(tmp_path))
    assert message in str(caught.value)
