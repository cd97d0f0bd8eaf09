"""The continuum of a crystal against LAMMPS' atoms with the same file, in periodic boxes that are strained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .crystals import CRYSTALS, Atoms, crystal, gradients

ROUND_OFF = 1e-11


@pytest.mark.parametrize("name", CRYSTALS)
def test_energy_stress_and_forces_are_those_of_atoms(name: str, tmp_path: Path) -> None:
    """Up to strains of 10 %; the atoms of a cell lie where the continuum says, and no force is left on them."""
    one = crystal(name)
    strained = gradients(3, 0.1, one.structure.dimension)
    found = one.at(strained)
    for k, gradient in enumerate(strained):
        atoms = Atoms(name, gradient, found.shift[k], tmp_path)
        scale = np.abs(atoms.stress).max()
        assert found.energy[k] == pytest.approx(atoms.energy, rel=ROUND_OFF)
        np.testing.assert_allclose(found.stress[k], atoms.stress, atol=ROUND_OFF * scale)
        assert atoms.force < 1e-9 * scale * one.structure.volume ** (2 / 3) + 1e-12


def test_unrelaxed_atoms_of_silicon_feel_forces(tmp_path: Path) -> None:
    """What the shift is good for: without it the test above would fail."""
    (gradient,) = gradients(1, 0.1)
    found = crystal("silicon").at(gradient[None])
    atoms = Atoms("silicon", gradient, np.zeros((2, 3)), tmp_path)
    assert atoms.force > 0.1 and atoms.energy > found.energy[0] * (1.0 - 1e-4)


@pytest.mark.parametrize("name", ["copper", "silicon"])
def test_elastic_constants_are_those_of_atoms(name: str, tmp_path: Path) -> None:
    """C11 and C12 by strains of 1e-5 both ways along a cubic axis, at the constant of no stress."""
    one = crystal(name)
    axis = one.structure.rotation[:, 0]
    other = one.structure.rotation[:, 1]
    stresses = []
    for strain in (1e-5, -1e-5):
        gradient = np.eye(3) + strain * np.outer(axis, axis)
        stresses.append(Atoms(name, gradient, one.at(gradient[None]).shift[0], tmp_path).stress)
    slope = (stresses[0] - stresses[1]) / 2e-5
    # Along the axis dP/dF is the constant; across it the stress at rest is in it as well.
    assert axis @ slope @ axis - axis @ one.at(np.eye(3)[None]).stress[0] @ axis == pytest.approx(
        one.elastic_constants().c11, rel=1e-5
    )
    assert other @ slope @ other == pytest.approx(one.elastic_constants().c12, rel=1e-5)


def coarse(path: Path, seed: int) -> None:
    """A setfl file of tables so short that bonds and densities fall on all their ends, and beyond one."""
    draw = np.random.default_rng(seed)
    embedding, density, pair = draw.normal(size=8), draw.uniform(0.1, 1.0, size=9), draw.normal(size=9)
    numbers = "\n".join(f"{value:.17g}" for value in (*embedding, *density, *pair))
    path.write_text(f"\n\n\n1 Xx\n8 12.0 9 0.8 6.3\n1 1.0 4.0 fcc\n{numbers}\n")


@pytest.mark.parametrize("seed", range(3))
def test_tables_are_interpolated_to_their_ends(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bonds from 0.95 to the cut-off in the last interval; densities from the first to beyond the last."""
    coarse(tmp_path / "coarse.eam.alloy", seed)
    potential = {"kind": "eam", "file": str(tmp_path / "coarse.eam.alloy"), "element": "Xx"}
    commands = ["pair_style eam/alloy", f"pair_coeff * * {tmp_path}/coarse.eam.alloy Xx"]
    monkeypatch.setitem(CRYSTALS, "coarse", ({"structure": "fcc", "constant": 4.0, "potential": potential}, commands))
    one, densities = crystal("coarse"), []
    for stretch in (0.34, 0.6, 0.7, 0.8, 0.9, 1.0, 1.3, 1.55, 2.2):
        gradient = stretch * np.eye(3) + 0.01 * gradients(1, 0.1)[0]
        found = one.at(gradient[None])
        atoms = Atoms("coarse", gradient, np.zeros((1, 3)), tmp_path)
        assert found.energy[0] == pytest.approx(atoms.energy, rel=ROUND_OFF)
        np.testing.assert_allclose(found.stress[0], atoms.stress, atol=ROUND_OFF * np.abs(atoms.stress).max())
        r = stretch * np.linalg.norm(one.structure.bonds(6.3 / stretch), axis=1)
        densities.append(one.potential._density(r)[0].sum() / 12.0)  # type: ignore[attr-defined]
    assert max(densities) > 7.0 and min(densities) < 1.0
