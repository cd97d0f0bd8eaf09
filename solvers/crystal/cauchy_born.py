"""A crystal as an elastic continuum: energy, stress and stiffness of a uniformly strained lattice (Cauchy and Born).

Under the deformation gradient F every bond Y of the lattice becomes F Y; where a cell has several atoms, these may also
shift against each other, and do so until no force is left on them. With W the energy of an atom over its volume at
rest, the stress is P = dW/dF, and with the second derivatives A by F, K by the shifts and the mixed ones B, the
stiffness is dP/dF = A - B K^-1 B^T (Born & Huang 1954; Tadmor, Smith, Bernstein & Kaxiras, Phys. Rev. B 59, 235, 1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .expansion import Expansion, as_tensors, metric, products
from .structures import Structure

Array = NDArray[np.float64]

SMALLEST_STRETCH = 1.0 / 3.0
"""Crystals that are squeezed more than this along some direction are given up."""
_TOGETHER = 512
"""Crystals that are worked out at once; more do not fit the processor's cache."""
_TRIED = 0.752, 1.352
"""Between which stretches, even numbers not among them, a lattice without stress is looked for."""
_PASSES = 20
_FARTHEST = 0.5
"""Shift in lattice constants beyond which the search has gone astray."""
_SETTLED = 1e-9
"""Last step of a shift, in lattice constants: the next would be its square."""


class Potential(Protocol):
    """The energy of an atom as a function of its bonds' products."""

    cutoff: float
    """Longest bond that counts."""

    def expansion(self, bonds: Array, metric: Array) -> Expansion:
        """Energy of one atom with the bonds (m, d) at rest, in n crystals of the metric (n, D)."""
        ...


@runtime_checkable
class Radial(Protocol):
    """A potential that knows of lengths alone, and of no angles."""

    def slopes(self, bonds: Array, metric: Array) -> Array:
        """Derivative of one atom's energy by the square of each bond, (n, m)."""
        ...


class ElasticConstants(NamedTuple):
    """Of a cubic crystal, along its own axes; of a plane lattice c44 is the one of shear in the plane."""

    c11: float
    c12: float
    c44: float


@dataclass(frozen=True)
class State:
    """n strained crystals; nan where one is turned inside out, squeezed too much, or finds no place for its atoms."""

    energy: Array
    """(n,), per volume at rest; in a plane per area."""
    stress: Array
    """(n, 3, 3), first Piola-Kirchhoff, positive in tension: force along the first index on a face along the second."""
    tangent: Array
    """(n, 3, 3, 3, 3), derivative of the stress by F."""
    shift: Array
    """(n, b, 3), where the atoms of a cell went beyond F; their mean is zero."""


class CauchyBorn:
    """The continuum of a structure with a potential. Units are the potential's: for LAMMPS' files eV and Å."""

    def __init__(self, structure: Structure, potential: Potential) -> None:
        """Raises ``SolverError`` where the potential does not reach the nearest atom."""
        self.structure = structure
        self.potential = potential
        self._others = len(structure.atoms) - 1
        if not len(structure.bonds(potential.cutoff)):
            raise SolverError(
                f"the potential reaches {potential.cutoff:g}; no two atoms of {structure.name} with the lattice "
                f"constant {structure.constant:g} are that near"
            )
        self._response = self._first_response()

    def at(self, gradients: Array) -> State:
        """The crystals of deformation gradients (n, 3, 3). A plane lattice takes only what is in its plane."""
        valid = self._valid(gradients)
        found = self._nothing(len(gradients))
        for some in np.array_split(valid, max(1, -(-len(valid) // _TOGETHER))):
            if len(some):
                part = self._relaxed(gradients[some])
                for name, values in vars(found).items():
                    values[some] = getattr(part, name)
        return found

    def pulls(self, gradient: Array) -> tuple[Array, Array]:
        """Bonds of an atom at rest, and the derivative of its energy by each of them in a crystal strained so.

        (m, 3) both, of the gradient (3, 3), for structures with one atom in a cell and a potential without angles.
        """
        assert not self._others and isinstance(self.potential, Radial), "asked of such crystals only"
        bonds, products_of = self._near(gradient[None])
        slopes = self.potential.slopes(bonds, products_of)[0]
        return bonds, 2.0 * slopes[:, None] * (bonds @ gradient.T)

    def elastic_constants(self) -> ElasticConstants:
        """The second derivative of the energy by the strain at rest, along the crystal's axes."""
        rest = self.at(np.eye(3)[None])
        stiffness = rest.tangent[0] - np.einsum("ik,jl->ijkl", np.eye(3), rest.stress[0])
        turn = self.structure.rotation
        own = np.einsum("ia,jb,kc,ld,ijkl->abcd", turn, turn, turn, turn, stiffness, optimize=True)
        return ElasticConstants(float(own[0, 0, 0, 0]), float(own[0, 0, 1, 1]), float(own[0, 1, 0, 1]))

    def equilibrium_constant(self) -> float:
        """The lattice constant without stress, that nearest the present one. Raises ``SolverError`` without any."""
        from scipy.optimize import brentq  # a quarter of a second that reading a case need not wait for

        d = self.structure.dimension

        def tension(stretch: Array) -> Array:
            gradients = np.tile(np.eye(3), (len(stretch), 1, 1))
            gradients[:, range(d), range(d)] = stretch[:, None]
            return np.einsum("nii->n", self.at(gradients).stress[:, :d, :d])

        tried = np.linspace(*_TRIED, 121)
        force = tension(tried)
        stable = np.flatnonzero((force[:-1] < 0.0) & (force[1:] > 0.0))
        if not len(stable):
            raise SolverError(
                f"{self.structure.name} has no lattice constant without stress between "
                f"{_TRIED[0] * self.structure.constant:g} and {_TRIED[1] * self.structure.constant:g}"
            )
        k = stable[np.argmin(np.abs(tried[stable] - 1.0))]
        stretch = brentq(lambda s: float(tension(np.array([s]))[0]), tried[k], tried[k + 1], xtol=1e-15, rtol=1e-15)  # type: ignore[arg-type]
        return self.structure.constant * float(stretch)  # type: ignore[arg-type]

    # -- one batch -----------------------------------------------------------------------------------------------------

    def _valid(self, gradients: Array) -> NDArray[np.intp]:
        """Which crystals may be looked at, the most squeezed first: those together have most bonds in common."""
        finite = np.isfinite(gradients).all(axis=(1, 2))
        tame = np.where(finite[:, None, None], gradients, 0.0)
        stretches = self._smallest_stretches(tame)
        order = np.argsort(stretches, kind="stable")
        return order[((np.linalg.det(tame) > 0.0) & (stretches > SMALLEST_STRETCH))[order]]

    def _smallest_stretches(self, gradients: Array) -> Array:
        plane = gradients[:, :, : self.structure.dimension]
        return np.sqrt(np.maximum(_smallest_eigenvalues(plane.swapaxes(1, 2) @ plane), 0.0))

    def _nothing(self, n: int) -> State:
        shapes = {"energy": (), "stress": (3, 3), "tangent": (3,) * 4, "shift": (self._others + 1, 3)}
        return State(**{name: np.full((n, *shape), np.nan) for name, shape in shapes.items()})

    def _relaxed(self, gradients: Array) -> State:
        """The crystals whose shifts are in balance, by Newton's method."""
        shifts = self._foreseen(gradients)
        lost = self._astray(shifts)
        shifts[lost] = 0.0
        left = _PASSES if self._others else 1
        while True:
            energy, stress, tangent = self._unrelaxed(gradients, shifts)
            step, astray = self._step(stress, tangent, shifts)
            shifts, lost = shifts + step, lost | astray
            wide = np.abs(step).max(axis=(1, 2), initial=0.0) > _SETTLED * self.structure.constant
            left -= 1
            if not (left and wide.any()):
                break
        state = self._condensed(energy, stress, tangent, shifts, step)
        for values in vars(state).values():
            values[lost | wide] = np.nan
        return state

    def _step(self, stress: Array, tangent: Array, shifts: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Newton's step of the shifts, and where it leads astray and none is made."""
        stiff, force = _of_shifts(stress, tangent)
        step = -_solve(stiff, force).reshape(shifts.shape)
        astray = self._astray(shifts + step)
        return np.where(astray[:, None, None], 0.0, step), astray

    def _astray(self, shifts: Array) -> NDArray[np.bool_]:
        return ~(np.abs(shifts).max(axis=(1, 2), initial=0.0) < _FARTHEST * self.structure.constant)

    def _foreseen(self, gradients: Array) -> Array:
        """Shifts (n, 3, b - 1) by their linear response to the strain, the same however a crystal is turned."""
        strain = 0.5 * (np.swapaxes(gradients, 1, 2) @ gradients - np.eye(3))
        return gradients @ np.einsum("iajk,njk->nia", self._response, strain)

    def _unrelaxed(self, gradients: Array, shifts: Array) -> tuple[Array, Array, Array]:
        """Energy density and its derivatives by F and the shifts, side by side."""
        deformation = np.concatenate([gradients, shifts], axis=2)
        expansion = self.potential.expansion(*self._near(deformation))
        first, second = as_tensors(deformation, expansion)
        volume = self.structure.volume
        return expansion.energy / volume, first / volume, second / volume

    def _near(self, deformation: Array) -> tuple[Array, Array]:
        """Bonds at rest that are within the cut-off in one of the crystals, and the crystals' metrics."""
        cutoff, shifted = self.potential.cutoff, np.abs(deformation[:, :, 3:]).sum(axis=(1, 2)).max(initial=0.0)
        bonds = self.structure.bonds((cutoff + shifted) / self._smallest_stretches(deformation[:, :, :3]).min())
        products_of = metric(deformation)
        near = (products_of @ products(bonds, bonds).T < cutoff**2).any(axis=0)
        return bonds[near], products_of

    def _condensed(self, energy: Array, stress: Array, tangent: Array, shifts: Array, step: Array) -> State:
        """What is left as a function of F alone, one small ``step`` of the shifts further."""
        n, others = len(energy), self._others
        stiff, force = _of_shifts(stress, tangent)
        mixed = tangent[:, :, :3, :, 3:].reshape(n, 9, 3 * others)
        moved = step.reshape(n, 3 * others, 1)
        energy = energy + 0.5 * (force * moved).sum(axis=(1, 2))
        first = (stress[:, :, :3].reshape(n, 9, 1) + mixed @ moved).reshape(n, 3, 3)
        condensed = tangent[:, :, :3, :, :3].reshape(n, 9, 9) - mixed @ _solve(stiff, mixed.swapaxes(1, 2))
        shift = np.concatenate([np.zeros((n, 1, 3)), shifts.swapaxes(1, 2)], axis=1)
        return State(energy, first, condensed.reshape(n, 3, 3, 3, 3), shift - shift.mean(axis=1, keepdims=True))

    def _first_response(self) -> Array:
        """Derivative of the shifts by the strain at rest, (3, b - 1, 3, 3)."""
        _, stress, tangent = self._unrelaxed(np.eye(3)[None], np.zeros((1, 3, self._others)))
        stiff, _ = _of_shifts(stress, tangent)
        mixed = tangent[:, :, :3, :, 3:].reshape(1, 9, -1)
        return -_solve(stiff, mixed.swapaxes(1, 2)).reshape(3, self._others, 3, 3)


def _smallest_eigenvalues(symmetric: Array) -> Array:
    """Of n matrices, 2 x 2 or 3 x 3, by the roots of their characteristic polynomials, to some 1e-8 of the largest.

    It takes a tenth of the time of a decomposition, which was a third of that of a strained crystal.
    """
    d = symmetric.shape[1]
    mean = np.trace(symmetric, axis1=1, axis2=2) / d
    rest = symmetric - mean[:, None, None] * np.eye(d)
    spread = np.sqrt((rest * rest).sum(axis=(1, 2)) / (d * (d - 1)))
    if d == 2:
        return mean - spread
    cubed = np.where(spread > 0.0, spread, 1.0) ** 3
    angle = np.arccos(np.clip(np.linalg.det(rest) / (2.0 * cubed), -1.0, 1.0)) / 3.0
    return mean + 2.0 * spread * np.cos(angle + 2.0 * np.pi / 3.0)


def _solve(stiff: Array, right: Array) -> Array:
    """Solutions of n small systems; nan where there is none, as where all bonds are torn."""
    singular = np.linalg.det(stiff) == 0.0
    found = np.linalg.solve(np.where(singular[:, None, None], np.eye(stiff.shape[1]), stiff), right)
    return np.where(singular[:, None, None], np.nan, found)


def _of_shifts(stress: Array, tangent: Array) -> tuple[Array, Array]:
    """Second and first derivative by the shifts alone, (n, k, k) and (n, k, 1)."""
    n, k = len(stress), 3 * (stress.shape[2] - 3)
    return tangent[:, :, 3:, :, 3:].reshape(n, k, k), stress[:, :, 3:].reshape(n, k, 1)
