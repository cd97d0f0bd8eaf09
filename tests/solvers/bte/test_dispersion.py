"""Silicon and germanium in closed form: conductivities as measured, and what depends on the number of bins."""

from __future__ import annotations

import numpy as np
import pytest

from suture.solvers.bte.dispersion import GERMANIUM, SILICON, Crystal, crystal_bands
from suture.solvers.bte.transmissivity import diffuse_mismatch

from .bodies import film, fixed, rows, solved

# Ho, Powell and Liley, J. Phys. Chem. Ref. Data 1 (1972) 279: recommended values, W/(m K), by temperature.
MEASURED = [
    (SILICON, {200.0: 264.0, 300.0: 148.0, 400.0: 98.9, 600.0: 61.9}),
    (GERMANIUM, {200.0: 96.8, 300.0: 59.9, 400.0: 43.2, 600.0: 27.3}),
]


@pytest.mark.parametrize(("crystal", "measured"), MEASURED)
def test_conductivities_are_those_that_are_measured(crystal: Crystal, measured: dict[float, float]) -> None:
    for temperature, conductivity in measured.items():
        assert crystal_bands(crystal, temperature, 20).conductivity == pytest.approx(conductivity, rel=0.05)


# Flubacher, Leadbetter and Morrison, Phil. Mag. 4 (1959) 273, and Desai, J. Phys. Chem. Ref. Data 15 (1986) 967:
# 20.0 and 22.3 J/(mol K) of silicon at 300 and 400 K, 23.3 of germanium at 300 K, by 12.06 and 13.63 cm3/mol.
HEAT = [(SILICON, 300.0, 20.0 / 12.06e-6), (SILICON, 400.0, 22.3 / 12.06e-6), (GERMANIUM, 300.0, 23.3 / 13.63e-6)]


@pytest.mark.parametrize(("crystal", "temperature", "measured"), HEAT)
def test_heat_capacities_are_those_that_are_measured(crystal: Crystal, temperature: float, measured: float) -> None:
    assert crystal_bands(crystal, temperature, 20).capacity == pytest.approx(measured, rel=0.05)


def test_heat_capacity_becomes_six_boltzmann_constants_a_cell() -> None:
    assert crystal_bands(SILICON, 3000.0, 20).capacity == pytest.approx(6.0 * 2.5e28 * 1.380649e-23, rel=0.01)


@pytest.mark.parametrize("crystal", [SILICON, GERMANIUM])
def test_bins_change_neither_conductivity_nor_heat_capacity(crystal: Crystal) -> None:
    few, many = crystal_bands(crystal, 300.0, 5), crystal_bands(crystal, 300.0, 80)
    assert few.conductivity == pytest.approx(many.conductivity, rel=1e-9)
    assert few.capacity == pytest.approx(many.capacity, rel=1e-9)


def test_impurities_make_an_alloy() -> None:
    pure, alloy = (crystal_bands(SILICON, 300.0, 20, impurity=d) for d in (0.0, 3e-42))
    assert pure.conductivity > 148.0
    assert alloy.conductivity < 25.0


def test_silicon_meets_germanium_bin_by_bin() -> None:
    """No heat flows at equal temperatures; acoustic bins above germanium's highest frequency pass nothing."""
    first, second = crystal_bands(SILICON, 300.0, 10), crystal_bands(GERMANIUM, 300.0, 10)
    flows = [np.bincount(m.bins, m.heat_capacity * m.velocity) for m in (first, second)]
    t12, t21 = diffuse_mismatch(flows[0], flows[1]), diffuse_mismatch(flows[1], flows[0])
    assert flows[0] * t12 == pytest.approx(flows[1] * t21, rel=1e-14)
    assert t12[-2] < 1e-6 < 0.1 < t12[0] < 1.0
    mesh = {
        "kind": "film",
        "lower": [0.0] * 3,
        "upper": [2e-7, 1e-6, 1e-6],
        "layers": {"a": [0, 1e-7], "b": [1e-7, 2e-7]},
    }
    material = {
        name: {"kind": kind, "temperature": 300.0, "bins": 10} for name, kind in (("a", "silicon"), ("b", "germanium"))
    }
    walls = {"x-lower": fixed(301.0), "x-upper": fixed(300.0)}
    made = solved(film(mesh=mesh, material=material, initial=300.5, boundaries=walls))
    found = rows(made)
    assert abs(sum(found.values())) <= 1e-12 * found["x-lower"]
    assert made.iterations <= 40
    # Less than without the interface and its slips, more than what an interface of 20 MW/(m2 K) alone would let pass.
    assert 20e6 * 1e-12 < found["x-lower"] < 1e-12 / (1e-7 / 148.0 + 1e-7 / 60.0)


def test_a_thin_silicon_film_conducts_less_than_bulk() -> None:
    ratios = []
    for thickness in (1e-8, 1e-7, 1e-6, 1e-5):
        mesh = {"kind": "film", "lower": [0.0] * 3, "upper": [thickness, 1e-6, 1e-6]}
        material = {"kind": "silicon", "temperature": 300.0}
        made = solved(
            film(
                mesh=mesh,
                material=material,
                initial=300.0,
                boundaries={"x-lower": fixed(300.5), "x-upper": fixed(299.5)},
            )
        )
        assert made.iterations <= 40
        ratios.append(rows(made)["x-lower"] / 1e-12 * thickness / 148.0)
    assert (np.diff(ratios) > 0.0).all()
    assert ratios[0] < 0.1 and 0.8 < ratios[-1] < 1.0
