"""Interfaces whose resistance was measured: what goes in between extrapolated temperatures comes out between them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suture.solvers.bte.dispersion import GERMANIUM, SILICON, crystal_bands
from suture.solvers.bte.interfaces import read_resistance
from suture.solvers.bte.solver import PhononTransport
from suture.solvers.bte.transmissivity import MILNE, between
from suture.solvers.errors import SolverError

from .bodies import film, gray, rows, solver

FILE = {"resistance": {"value": 20.0, "standard_error": 1.5}}


def layers(second: dict[str, Any], interface: dict[str, Any], folder: Path = Path()) -> PhononTransport:
    """Two layers, each twenty mean free paths thick, of which the first is gray with C v = 1."""
    mesh = film()["mesh"] | {"upper": [2.0, 1.0, 1.0], "layers": {"a": [0.0, 1.0], "b": [1.0, 2.0]}}
    there = {"regions": ["a", "b"]} | interface
    made = solver(film(mesh=mesh, material={"a": gray(0.05), "b": second}, interfaces=[there]), folder)
    made.advance(1.0)
    return made


def resistance(made: PhononTransport) -> float:
    """Jump over flux, between lines through the middle of both layers, as molecular dynamics measures it."""
    x, temperature = made.corners[:, :, 0].ravel(), made.temperature.ravel()
    ends = []
    for middle in (0.5, 1.5):
        near = np.abs(x - middle) < 0.1
        ends.append(np.polyfit(x[near] - 1.0, temperature[near], 1)[1])
    return (ends[0] - ends[1]) / rows(made)["x-lower"]


@pytest.mark.parametrize("value", [3.0, 20.0, 100.0])
@pytest.mark.parametrize("capacity", [1.0, 0.5])
def test_the_resistance_that_goes_in_comes_out(value: float, capacity: float) -> None:
    """Both sides' slip is taken out, and transport makes it anew: with that of one side left in R would be 1.9 off."""
    made = layers(gray(0.05, capacity), {"kind": "resistance", "resistance": value})
    # The quadrature's slip, with 16 angles, is 3e-5 from the exact one.
    assert resistance(made) == pytest.approx(value, abs=4e-5 * (1.0 + 1.0 / capacity))


def test_the_order_of_the_regions_does_not_matter() -> None:
    turned = layers(gray(0.05, 0.5), {"regions": ["b", "a"], "kind": "resistance", "resistance": 8.0})
    assert resistance(turned) == pytest.approx(8.0, abs=1.2e-4)


def test_silicon_and_germanium_may_have_a_resistance() -> None:
    """Acoustic bins that germanium lacks pass nothing; the others as much as it takes, in detailed balance."""
    first, second = (crystal_bands(crystal, 300.0, 20).emission(21) for crystal in (SILICON, GERMANIUM))
    there, back = between(1e-8, first, second)
    assert there * first == pytest.approx(back * second, rel=1e-14)
    assert (there <= 1.0).all() and (back <= 1.0).all()
    assert there[-2] < 1e-6 < 0.1 < there[0]  # the last bin is that of optical phonons
    slip = (4.0 - MILNE) * (1.0 / first.sum() + 1.0 / second.sum())
    assert 4.0 / (there * first).sum() - slip == pytest.approx(1e-8, rel=1e-12)


def test_where_a_side_has_no_phonons_nothing_passes() -> None:
    there, back = between(10.0, np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    assert there[1] == back[1] == 0.0 < back[0] < there[0]


def test_more_than_detailed_balance_allows_is_refused() -> None:
    least = 4.0 / 0.5 - (4.0 - MILNE) * 3.0
    message = rf"'interfaces' of 'a' and 'b': a resistance of 2 is less than .* it must be at least {least:.4g}"
    with pytest.raises(SolverError, match=message):
        layers(gray(0.05, 0.5), {"kind": "resistance", "resistance": 2.0})


def test_a_measured_resistance_is_that_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "measured.json").write_text(json.dumps(FILE))
    made = layers(gray(0.05, 0.5), {"kind": "measured", "file": "measured.json"}, tmp_path)
    assert resistance(made) == pytest.approx(20.0, abs=1.2e-4)


MISTAKES = {
    "none": (None, r"measured\.json: No such file or directory; run the stage that measures it"),
    "no JSON": ("{", r"measured\.json is not JSON"),
    "another file": ('{"viscosity": 1}', "has no resistance; it must be a file of the stage measure-conductance"),
    "zero": (
        '{"resistance": {"value": 2.0, "standard_error": 1.0}}',
        "has a resistance of 2 ± 1, which is not known to differ from zero; it must be more than three standard errors",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_files_that_do_not_do_are_named(name: str, tmp_path: Path) -> None:
    text, message = MISTAKES[name]
    if text is not None:
        (tmp_path / "measured.json").write_text(text)
    with pytest.raises(SolverError, match=message):
        read_resistance(tmp_path / "measured.json")
