"""The continuum of a crystal: derivatives, rotations, published constants, and where it ends."""

from __future__ import annotations

import numpy as np
import pytest

from suture.solvers.crystal import CauchyBorn, LennardJones, SolverError, structure
from suture.solvers.crystal.structures import Structure

from .crystals import CRYSTALS, GPA, crystal, gradients

NEAREST = CauchyBorn(
    structure("fcc", 2.0 ** (2 / 3), ((1, 1, 0), (-1, 1, 0), (0, 0, 1))), LennardJones(1.0, 1.0, 1.4, "cut")
)
"""Pairs of nearest neighbours, none of which comes near the cut-off."""


def direction(one: CauchyBorn) -> np.ndarray:
    d = np.zeros((3, 3))
    plane = slice(0, one.structure.dimension)
    d[plane, plane] = np.random.default_rng(5).uniform(-1, 1, (3, 3))[plane, plane]
    return d


@pytest.mark.parametrize("name", CRYSTALS)
def test_stress_and_tangent_are_derivatives(name: str) -> None:
    one = crystal(name)
    at, along, h = gradients(7, 0.08, one.structure.dimension), direction(one), 1e-6
    here, ahead, behind = one.at(at), one.at(at + h * along), one.at(at - h * along)
    stress, tangent = np.einsum("nij,ij->n", here.stress, along), np.einsum("nijkl,kl->nij", here.tangent, along)
    slope, curvature = (ahead.energy - behind.energy) / (2 * h), (ahead.stress - behind.stress) / (2 * h)
    np.testing.assert_allclose(stress, slope, atol=1e-8 * np.abs(here.tangent).max())
    # The median: between two of its cubics a spline has no second derivative, and some bond may be there.
    error = np.median(np.abs(tangent - curvature).max(axis=(1, 2)))
    assert error < 2e-8 * np.abs(here.tangent).max()
    np.testing.assert_allclose(here.tangent, here.tangent.transpose(0, 3, 4, 1, 2), atol=1e-12 * GPA)


@pytest.mark.parametrize("one", [crystal("silicon"), NEAREST], ids=["silicon", "nearest neighbours"])
def test_differences_converge_to_the_tangent_with_second_order(one: CauchyBorn) -> None:
    at, along, errors = gradients(3, 0.02), direction(one), []
    for h in (2e-3, 1e-3):
        difference = (one.at(at + h * along).stress - one.at(at - h * along).stress) / (2 * h)
        errors.append(np.abs(difference - np.einsum("nijkl,kl->nij", one.at(at).tangent, along)).max())
    assert errors[0] / errors[1] == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("name", ["copper", "silicon"])
def test_rotations_change_no_energy(name: str) -> None:
    """W(Q F) = W(F), P(Q F) = Q P(F), and the shift turns as well."""
    one, at = crystal(name), gradients(4, 0.1)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    here, turned = one.at(at), one.at(turn @ at)
    np.testing.assert_allclose(turned.energy, here.energy, rtol=1e-12)
    np.testing.assert_allclose(turned.stress, turn @ here.stress, atol=1e-12)
    np.testing.assert_allclose(turned.shift, here.shift @ turn.T, atol=1e-10)


def test_silicon_has_its_computed_constants() -> None:
    """C11, C12 and C44 of the potential of Stillinger and Weber, computed with its atoms relaxed."""
    one = crystal("silicon")
    assert one.equilibrium_constant() == pytest.approx(5.43095, rel=1e-6)
    np.testing.assert_allclose(np.array(one.elastic_constants()) * GPA, [151.42, 76.42, 56.45], rtol=5e-4)


def test_silicon_without_shift_is_twice_as_stiff_in_shear() -> None:
    """C44 is 117.2 GPa where atoms follow F alone, and energies are those of 2.315 eV (Balamane et al. 1992)."""
    one = crystal("silicon")
    _, _, tangent = one._unrelaxed(np.eye(3)[None], np.zeros((1, 3, 1)))
    cubic = one.structure.rotation
    stiff = np.einsum("ia,jb,kc,ld,ijkl->abcd", cubic, cubic, cubic, cubic, tangent[0][:, :3, :, :3])
    assert stiff[0, 1, 0, 1] * GPA * 2.315 / 2.1683 == pytest.approx(117.2, rel=1e-3)


def test_copper_has_its_published_constants() -> None:
    """Mishin, Mehl, Papaconstantopoulos, Voter & Kress, Phys. Rev. B 63, 224106 (2001), table III."""
    one = crystal("copper")
    assert one.equilibrium_constant() == pytest.approx(3.615, rel=1e-4)
    np.testing.assert_allclose(np.array(one.elastic_constants()) * GPA, [169.9, 122.6, 76.2], rtol=1e-3)
    assert one.at(np.eye(3)[None]).energy[0] * one.structure.volume == pytest.approx(-3.54, abs=1e-3)


def test_the_nearest_neighbours_of_lennard_jones_are_cauchys() -> None:
    """Pairs alone make C12 = C44; with nearest neighbours only, fcc has C11 = 2 C12 and the spacing of the minimum."""
    one, rest = NEAREST, 2.0 ** (2 / 3)
    assert one.equilibrium_constant() == pytest.approx(rest, rel=1e-12)
    c11, c12, c44 = one.elastic_constants()
    stiffness = 72.0 / 2.0 ** (1 / 3)
    assert c12 == pytest.approx(c44, rel=1e-12) and c11 == pytest.approx(2.0 * c12, rel=1e-12)
    assert c11 == pytest.approx(2.0 * stiffness / rest, rel=1e-12)


def test_the_triangular_lattice_is_isotropic() -> None:
    """Springs k between nearest neighbours have C11 = 3 sqrt(3)/4 k, C12 = C44 = sqrt(3)/4 k."""
    one = CauchyBorn(structure("triangular", 2.0 ** (1 / 6)), LennardJones(1.0, 1.0, 1.4, "cut"))
    stiffness = 72.0 / 2.0 ** (1 / 3)
    expected = np.array([3.0, 1.0, 1.0]) * 0.25 * np.sqrt(3.0) * stiffness
    np.testing.assert_allclose(one.elastic_constants(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["copper", "silicon"])
def test_many_at_once_are_what_each_is_alone(name: str) -> None:
    one, at = crystal(name), gradients(1100, 0.05)
    together = one.at(at)
    for k in (0, 511, 512, 1099):
        alone = one.at(at[k : k + 1])
        np.testing.assert_allclose(together.stress[k], alone.stress[0], atol=1e-12)
        np.testing.assert_allclose(together.tangent[k], alone.tangent[0], atol=1e-8)


@pytest.mark.parametrize("name", ["copper", "silicon"])
def test_what_is_no_crystal_any_more_is_given_up(name: str) -> None:
    """Turned inside out, squeezed flat, not finite; and beside it the others are not touched."""
    at = np.stack([np.eye(3), np.diag([1, 1, -1]), np.diag([1, 1, 0.2]), np.full((3, 3), np.inf), 1.01 * np.eye(3)])
    energy = crystal(name).at(at).energy
    assert np.isnan(energy).tolist() == [False, True, True, True, False]


def test_silicon_that_is_torn_is_given_up() -> None:
    """Atoms that no bond holds have no place of their own."""
    assert np.isnan(crystal("silicon").at(3.0 * np.eye(3)[None]).stress).all()


def test_silicon_that_is_drawn_out_asks_for_no_endless_bonds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What shifts respond to is the square of the stretch; taken at its word it would need bonds without end."""
    one, reaches, bonds = crystal("silicon"), [], Structure.bonds

    def watched(self: Structure, reach: float) -> np.ndarray:
        reaches.append(reach)
        return bonds(self, reach)

    monkeypatch.setattr(Structure, "bonds", watched)
    drawn = np.array([[6.0, 3.0, 0.0], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]])
    found = one.at(np.array([np.eye(3), drawn]))
    assert np.isnan(found.energy).tolist() == [False, True]
    smallest = np.linalg.svd(drawn, compute_uv=False)[-1]
    assert max(reaches) < (one.potential.cutoff + 3 * 0.5 * one.structure.constant) / smallest


def test_no_constant_without_stress_is_an_error() -> None:
    repelling = CauchyBorn(structure("fcc", 1.2), LennardJones(1.0, 1.0, 1.0, "shifted"))
    with pytest.raises(SolverError, match=r"fcc has no lattice constant without stress between 0\.9024 and 1\.6224"):
        repelling.equilibrium_constant()


def test_a_potential_that_reaches_no_atom_is_an_error() -> None:
    with pytest.raises(SolverError, match="the potential reaches 1; no two atoms of bcc with the lattice constant 3"):
        CauchyBorn(structure("bcc", 3.0), LennardJones(1.0, 0.5, 1.0))
