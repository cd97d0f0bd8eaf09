"""Phonons from phono3py's and ShengBTE's files: the bulk is that of the closed form, and bad files are named."""

from __future__ import annotations

import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from suture.solvers.bte.lattice_dynamics import Phonons, einstein
from suture.solvers.bte.materials import MaterialSettings, spectrum
from suture.solvers.bte.phono3py_file import point_group
from suture.solvers.bte.spectrum import Bands, Modes
from suture.solvers.errors import SolverError

from .bodies import FILMS, film, fixed, rows, solver
from .crystals import (
    CAPACITY,
    CONDUCTIVITY,
    FREQUENCY,
    HEAT,
    LIFETIME,
    SPEED,
    phono3py_datasets,
    turns,
    write_phono3py,
    write_shengbte,
)

BANDED = {"kind": "phono3py", "file": "kappa.hdf5", "temperature": 300.0, "bands": 10}
RESOLVED = {"kind": "phono3py", "file": "kappa.hdf5", "temperature": 300.0, "structure": "cell.yaml"}
SHENGBTE = {"kind": "shengbte", "folder": "bte", "temperature": 300.0}


def read(settings: dict[str, Any], folder: Path) -> Bands | Modes:
    return spectrum(TypeAdapter(MaterialSettings).validate_python(settings), folder)


# -- what is read ------------------------------------------------------------------------------------------------------


def test_phono3pys_bands_are_the_closed_form(tmp_path: Path) -> None:
    found = read(BANDED, write_phono3py(tmp_path))
    assert isinstance(found, Bands)
    assert found.conductivity == pytest.approx(CONDUCTIVITY, rel=1e-9)
    assert found.capacity == pytest.approx(HEAT, rel=1e-9)
    assert found.velocity == pytest.approx([SPEED]) and found.lifetime == pytest.approx([LIFETIME])


def test_phono3pys_modes_are_the_closed_form(tmp_path: Path) -> None:
    found = read(RESOLVED, write_phono3py(tmp_path))
    assert isinstance(found, Modes)
    assert len(found.lifetime) == 3 * 26, "every point of every star once, in three branches"
    assert found.conductivity == pytest.approx(CONDUCTIVITY * np.eye(3), rel=1e-9, abs=1e-9 * CONDUCTIVITY)
    assert found.frequency == pytest.approx(FREQUENCY)


def test_another_temperature_of_the_file(tmp_path: Path) -> None:
    found = read(BANDED | {"temperature": 200.0}, write_phono3py(tmp_path))
    assert found.conductivity == pytest.approx(0.9 * CONDUCTIVITY, rel=1e-9)


def test_isotopes_scatter_too(tmp_path: Path) -> None:
    gamma, kappa = phono3py_datasets()["gamma"][0], phono3py_datasets()["kappa"]
    folder = write_phono3py(tmp_path, gamma_isotope=0.25 * gamma, kappa=kappa / 1.25)
    assert read(BANDED, folder).conductivity == pytest.approx(CONDUCTIVITY / 1.25, rel=1e-9)


def test_a_full_solution_is_compared_with_its_relaxation_times(tmp_path: Path) -> None:
    kappa = phono3py_datasets()["kappa"]
    folder = write_phono3py(tmp_path, kappa=1.1 * kappa, kappa_RTA=kappa)
    assert read(BANDED, folder).conductivity == pytest.approx(CONDUCTIVITY, rel=1e-9)


def test_the_symmetries_are_those_of_a_cube(tmp_path: Path) -> None:
    def sorted_turns(matrices: Any) -> list[tuple[float, ...]]:
        return sorted(tuple(np.round(each, 9).ravel() + 0.0) for each in matrices)

    assert sorted_turns(point_group(write_phono3py(tmp_path) / "cell.yaml")) == sorted_turns(turns())


@pytest.mark.parametrize(("rates", "factor"), [("final", 1.25), ("relaxation-time", 1.0)])
@pytest.mark.parametrize("bands", [None, 5])
def test_shengbte_is_the_closed_form(bands: int | None, rates: str, factor: float, tmp_path: Path) -> None:
    write_shengbte(tmp_path / "bte")
    found = read(SHENGBTE | {"rates": rates, "bands": bands}, tmp_path)
    exact = factor * CONDUCTIVITY * (1.0 if bands else np.eye(3))
    assert found.conductivity == pytest.approx(exact, rel=1e-9, abs=1e-9 * CONDUCTIVITY)
    assert found.capacity == pytest.approx(HEAT, rel=1e-9)
    assert found.speed_capacity == pytest.approx(HEAT * SPEED, rel=1e-9)


def test_shengbtes_older_numbers_of_points(tmp_path: Path) -> None:
    """They name an irreducible point by its place among all, and not among the irreducible ones."""
    path = write_shengbte(tmp_path / "bte") / "BTE.qpoints_full"
    table = np.loadtxt(path)
    table[:, 1] = np.array([1, 2, 5, 14])[table[:, 1].astype(int) - 1]
    np.savetxt(path, table)
    found = read(SHENGBTE | {"rates": "relaxation-time"}, tmp_path)
    assert found.conductivity == pytest.approx(CONDUCTIVITY * np.eye(3), rel=1e-9, abs=1e-9 * CONDUCTIVITY)


# -- what transport makes of it ----------------------------------------------------------------------------------------


def spread(count: int = 4000) -> Phonons:
    """Random modes whose mean free paths span five decades."""
    random = np.random.default_rng(1)
    direction = random.normal(size=(count, 1, 3))
    direction /= np.linalg.norm(direction, axis=2)[:, :, None]
    speed = random.uniform(500.0, 8000.0, (count, 1))
    rate = 10.0 ** random.uniform(9.0, 13.0, (count, 1))
    return Phonons(
        Path("random"), np.ones_like(rate), random.uniform(1.0, 2.0, (count, 1)), speed[:, :, None] * direction, rate
    )


@pytest.mark.parametrize("count", [1, 7, 40, 1000])
def test_bands_keep_heat_emission_and_conductivity(count: int) -> None:
    phonons = spread()
    c, v = phonons.heat_capacity, np.linalg.norm(phonons.velocity, axis=2)
    bands = phonons.bands(count)
    assert len(bands.velocity) <= count
    assert bands.capacity == pytest.approx(c.sum(), rel=1e-12)
    assert bands.speed_capacity == pytest.approx((c * v).sum(), rel=1e-12)
    assert bands.conductivity == pytest.approx((c * v**2 / phonons.rate).sum() / 3.0, rel=1e-12)
    assert np.all(np.diff(bands.velocity * bands.lifetime) > 0.0), "in order of the mean free path"


def test_modes_at_rest_keep_their_heat_in_bands() -> None:
    phonons = spread(10)
    phonons.velocity[3] = 0.0
    assert phonons.bands(4).capacity == pytest.approx(phonons.heat_capacity.sum(), rel=1e-12)


def suppressed(paths: np.ndarray, weights: np.ndarray) -> float:
    """Conductivity along a film of thickness one between diffuse walls, by Fuchs' and Sondheimer's integral."""
    mu, weight = np.polynomial.legendre.leggauss(200)
    mu, weight = 0.5 * (mu + 1.0), 0.5 * weight
    lost = (mu * (1.0 - mu**2) * -np.expm1(-1.0 / (paths[:, None] * mu))) @ weight
    return float(weights @ (1.0 - 1.5 * paths * lost))


def test_bands_converge_to_the_modes_that_they_are_made_of() -> None:
    """A film's conductivity is a smooth average over mean free paths: the bands' width counts squared."""
    phonons = spread()
    c, v, rate = phonons.heat_capacity.ravel(), np.linalg.norm(phonons.velocity, axis=2).ravel(), phonons.rate.ravel()
    size = 1e-6
    exact = suppressed(v / rate / size, c * v**2 / rate / 3.0)
    errors = []
    for count in (5, 10, 20, 40):
        bands = phonons.bands(count)
        weights = bands.heat_capacity * bands.velocity**2 * bands.lifetime / 3.0
        errors.append(abs(suppressed(bands.velocity * bands.lifetime / size, weights) / exact - 1.0))
    assert errors[3] < 1e-3
    assert all(3.0 < wide / narrow < 5.0 for wide, narrow in pairwise(errors)), errors


def thin(material: dict[str, Any], thickness: float, folder: Path) -> float:
    """What a film between black walls conducts, over C v / 4 per kelvin."""
    mesh = {"kind": "film", "lower": [0.0, 0.0, 0.0], "upper": [thickness, 1.0, 1.0]}
    walls = {"x-lower": fixed(300.5), "x-upper": fixed(299.5)}
    made = solver(film(material=material, mesh=mesh, initial=300.0, boundaries=walls), folder)
    made.advance(1.0)
    assert abs(sum(rows(made).values())) <= 1e-12 * rows(made)["x-lower"]
    return 4.0 * rows(made)["x-lower"] / (HEAT * SPEED)


def test_a_film_of_the_bands_is_that_of_the_integral_equation(tmp_path: Path) -> None:
    knudsen, flux, _ = FILMS[2]
    found = thin(BANDED, SPEED * LIFETIME / knudsen, write_phono3py(tmp_path))
    assert found == pytest.approx(flux, rel=1e-6)


def test_a_thick_film_of_modes_conducts_as_the_bulk(tmp_path: Path) -> None:
    """k_eff / k tends to one as 1 - s Kn, with a slip s of order one."""
    folder, path = write_phono3py(tmp_path), SPEED * LIFETIME
    parts = [thin(RESOLVED, path / kn, folder) * HEAT * SPEED / 4.0 * path / kn / CONDUCTIVITY for kn in (1e-2, 1e-3)]
    assert 1.0 - parts[1] < 2e-3
    assert (1.0 - parts[0]) / (1.0 - parts[1]) == pytest.approx(10.0, rel=0.02)


# -- what is refused ---------------------------------------------------------------------------------------------------


def spoiled(name: str, at: tuple[int, ...], value: float) -> dict[str, Any]:
    values = np.array(phono3py_datasets()[name], dtype=float)
    values[at] = value
    return {name: values}


PHONO3PY: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "dataset": ({"gamma": None}, {}, r"kappa\.hdf5: no dataset 'gamma'; a file of `--br` or `--lbte` has mesh, weight"),
    "shape": (
        {"gamma": np.ones((2, 4, 2))},
        {},
        r"dataset 'gamma' has the shape \(2, 4, 2\); it must be \(2, 4, 3\)",
    ),
    "weights": ({"weight": np.array([1, 6, 12, 7])}, {}, "the weights add up to 26; they must to the 27 points"),
    "temperature": ({}, {"temperature": 310.0}, "no temperature 310; it has 200, 300"),
    "negative": (
        spoiled("gamma", (1, 2, 1), -0.5),
        {},
        "dataset 'gamma' has -0.5; half a linewidth must be 0 or above",
    ),
    "no scattering": (
        spoiled("gamma", (1, 2, 1), 0.0),
        {},
        "scattering rate of branch 2 at point 3 is 0; it must be positive and finite where a phonon carries heat",
    ),
    "nan": (spoiled("group_velocity", (1, 0, 2), np.nan), {}, "the velocity of branch 1 at point 2 is nan; it"),
    "nan rate": (spoiled("gamma", (1, 1, 0), np.nan), {}, "the scattering rate of branch 1 at point 2 is nan"),
    "heat": (spoiled("heat_capacity", (1, 3, 0), np.nan), {}, "the heat capacity of branch 1 at point 4 is nan"),
    "imaginary": (
        spoiled("frequency", (3, 0), -1.5),
        {},
        r"the frequency of branch 1 at point 4 is -9.425e\+12; it must be 0 or above: the crystal is unstable",
    ),
    "sum": (
        spoiled("kappa", (1, slice(0, 3)), 1.0),
        {},
        r"the modes conduct \d.*, and 'kappa' says 1; they must agree to 0.1 %: is there scattering that is not in",
    ),
    "anisotropic": (
        {"kappa": phono3py_datasets()["kappa"] * np.array([1.2, 0.9, 0.9, 1.0, 1.0, 1.0])},
        {},
        r"differs from its mean by 2.0e-01 with direction; 'bands' are for isotropic crystals",
    ),
    "at rest": (
        {"group_velocity": np.zeros((4, 3, 3))},
        {},
        "no mode carries heat; some must",
    ),
}


@pytest.mark.parametrize("name", PHONO3PY)
def test_phono3pys_files_that_do_not_do_are_named(name: str, tmp_path: Path) -> None:
    changed, settings, message = PHONO3PY[name]
    write_phono3py(tmp_path, **changed)
    with pytest.raises(SolverError, match=r"'material' .*kappa\.hdf5: .*" + message.removeprefix(r"kappa\.hdf5: ")):
        read(BANDED | settings, tmp_path)


def test_no_file_and_no_hdf5(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match=r"'material' names .*kappa\.hdf5: no such file"):
        read(BANDED, tmp_path)
    (tmp_path / "kappa.hdf5").write_text("kappa")
    with pytest.raises(SolverError, match=r"it must be phono3py's kappa-m\*\.hdf5"):
        read(BANDED, tmp_path)


def test_cells_that_do_not_do(tmp_path: Path) -> None:
    folder = write_phono3py(tmp_path)
    with pytest.raises(SolverError, match=r"'material' names .*other\.yaml: no such file"):
        read(RESOLVED | {"structure": "other.yaml"}, folder)
    (folder / "cell.yaml").write_text("unit_cell: {}")
    with pytest.raises(
        SolverError, match=r"cell\.yaml: no cell in it \(KeyError: 'primitive_cell'\); allowed is phono3py"
    ):
        read(RESOLVED, folder)
    (folder / "cell.yaml").write_text(
        "primitive_cell:\n  lattice: [[3, 0, 0], [0.1, 4, 0], [0.2, 0.3, 5]]\n"
        "  points: [{symbol: Po, coordinates: [0, 0, 0]}]\n"
    )
    with pytest.raises(SolverError, match="a point stands for 12, and the cell in 'structure' has 2 symmetries"):
        read(RESOLVED, folder)


def test_without_spglib_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spglib", None)
    with pytest.raises(SolverError, match=r"reading it needs spglib and PyYAML .* pip install 'suture\[phonons\]'"):
        read(RESOLVED, write_phono3py(tmp_path))


@pytest.mark.parametrize("both", [{"structure": "cell.yaml"}, {"bands": None}])
def test_bands_or_a_structure(both: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="give either 'bands', for an isotropic crystal, or 'structure'"):
        read(BANDED | both, tmp_path)


def _without(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def _table(name: str, change: Any) -> Any:
    return lambda folder: np.savetxt(folder / name, change(np.loadtxt(folder / name, ndmin=2)))


def _imaginary(name: str, at: tuple[int, int]) -> Any:
    """The frequency of the first branch at the second point, negated."""

    def negated(table: np.ndarray) -> np.ndarray:
        table[at] *= -1.0
        return table

    return _table(name, negated)


SHENGBTES: dict[str, tuple[Any, str]] = {
    "no file": (_without("BTE.v"), r"names .*BTE\.v: no such file; ShengBTE writes it"),
    "no rates": (_without("T300K/BTE.w_final"), r"names .*T300K/BTE\.w_final: no such file"),
    "no folder": (lambda folder: shutil.move(folder / "T300K", folder / "T310K"), "no folder T300K .* it has T310K"),
    "words": (lambda folder: (folder / "BTE.omega").write_text("a b\n"), r"BTE\.omega: .*must be a table of numbers"),
    "columns": (_table("BTE.v", lambda table: table[:, :2]), r"BTE\.v: 12 lines of 2 numbers; it must have lines of 3"),
    "lines": (_table("BTE.v", lambda table: table[1:]), r"BTE\.v: 11 lines; they must be 12, for 4 points and 3"),
    "vectors": (
        _table("BTE.ReciprocalLatticeVectors", lambda table: table[:2]),
        "ReciprocalLatticeVectors: 2 lines; it must have three independent vectors",
    ),
    "points": (
        _table("BTE.qpoints_full", lambda table: table[table[:, 1] < 4]),
        r"qpoints_full: 3 irreducible points; BTE\.omega has 4, and they must be as many",
    ),
    "another run": (
        _table("T300K/BTE.w_final", lambda table: table * [1.01, 1.0]),
        r"BTE\.w_final: its frequencies are not those of BTE\.omega; they must be of one run",
    ),
    "negative": (
        _table("T300K/BTE.w_final", lambda table: table * [1.0, -1.0]),
        "the scattering rate of branch 1 at point 2 is -3.2e\\+10; it must be positive",
    ),
    "imaginary": (
        lambda folder: [_imaginary("BTE.omega", (1, 0))(folder), _imaginary("T300K/BTE.w_final", (1, 0))(folder)],
        r"the frequency of branch 1 at point 2 is -3.142e\+13; it must be 0 or above: the crystal is unstable",
    ),
    "heat": (_table("T300K/BTE.cv", lambda table: 2.0 * table), "the modes hold .* they must agree to 0.1 %"),
    "sum": (
        _table("T300K/BTE.kappa_tensor", lambda table: 2.0 * table),
        r"the modes conduct .*, and T300K/BTE\.kappa_tensor says .*; they must agree to 0.1 %",
    ),
    "tensor": (
        _table("T300K/BTE.kappa_tensor", lambda table: table[:, :4]),
        r"BTE\.kappa_tensor: lines of 4 numbers; it must be 10",
    ),
    "velocities": (_without("BTE.v_full"), r"names .*BTE\.v_full: no such file"),
}


@pytest.mark.parametrize("name", SHENGBTES)
def test_shengbtes_files_that_do_not_do_are_named(name: str, tmp_path: Path) -> None:
    change, message = SHENGBTES[name]
    change(write_shengbte(tmp_path / "bte"))
    with pytest.raises(SolverError, match="'material' .*" + message):
        read(SHENGBTE, tmp_path)


def test_the_capacity_of_a_mode_is_einsteins() -> None:
    assert einstein(np.array([0.0, FREQUENCY]), 300.0) == pytest.approx([0.0, CAPACITY], rel=1e-12)
