"""The inner forces of a solid body, its strain energy and the tractions on its facets.

With H = grad u, F = I + H, E = sym(H) + H^T H / 2, C = F^T F, J = det F and Lamé's parameters, strain energies per
volume at rest and second Piola-Kirchhoff stresses are

    linear               lambda / 2 tr(e)^2 + mu e:e,  e = sym(H)             S = lambda tr(e) I + 2 mu e
    st-venant-kirchhoff  lambda / 2 tr(E)^2 + mu E:E                          S = lambda tr(E) I + 2 mu E
    neo-hookean          mu / 2 (tr C - 3 - 2 ln J)                           S = mu (I - C^-1)
                         + lambda / 4 (J^2 - 1 - 2 ln J)                      + lambda / 2 (J^2 - 1) C^-1

(Wriggers, Nonlinear Finite Element Methods, 2008, ch. 3). In a plane the third direction does not strain. The inner
force is the integral of F S : grad(test) with the energy's quadrature, which makes it the derivative of the energy.

Everything is worked out from E, in which rigid motions cancel, and never from differences with the identity: near rest
the round-off of C - I or ln J would be that of the modulus and not of the stress.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from . import engine
from .algebra import Matrix
from .boundaries import Multiplies
from .engine import Index, ufl
from .materials import property_function
from .meshes import Domain
from .solid_settings import SolidSettings
from .space import Space

Array = NDArray[np.float64]

_SMALL = 1e-2
"""Where nine terms of the logarithm's series are exact to round-off."""


class InnerForces(Protocol):
    """A material in a body. Displacements and forces are values of owned dofs, flat; all methods are collective."""

    linear: bool
    """Whether the tangent is the same for all displacements."""
    round_off: float
    """Norm of a force that is nothing but round-off, beside that of the forces themselves."""

    def force(self, displacement: Array) -> Array:
        """The inner force at every dof: what holds the body in this shape."""
        ...

    def energy(self, displacement: Array) -> float:
        """This rank's share of the strain energy."""
        ...

    def turned(self, displacement: Array) -> float:
        """This rank's share of the volume that is turned inside out."""
        ...

    def tangent(self, displacement: Array) -> Matrix:
        """The derivative of the force; holds until the next is asked for."""
        ...

    def traction(self, facets: Index) -> Multiplies:
        """From displacements to what facets on the rim transmit inwards, times the test functions."""
        ...


def lame_parameters(domain: Domain, settings: SolidSettings) -> tuple[Any, Any]:
    """Lamé's parameter and the shear modulus as functions. Raises ``SolverError`` where the body would be unstable."""
    degree = settings.order
    if settings.lame is not None and settings.shear is not None:
        lame = property_function(domain, settings.lame, degree, "lame", positive=False)
        shear = property_function(domain, settings.shear, degree, "shear")
        _require(domain, 3.0 * lame.x.array + 2.0 * shear.x.array > 0.0, "lame is not above -2/3 of shear everywhere")
        return lame, shear
    assert settings.young is not None and settings.poisson is not None, "checked with the settings"
    shear = property_function(domain, settings.young, degree, "young")
    lame = property_function(domain, settings.poisson, degree, "poisson", positive=False)
    young, poisson = shear.x.array.copy(), lame.x.array.copy()
    _require(domain, (poisson > -1.0) & (poisson < 0.5), "poisson is not between -1 and 0.5 everywhere")
    shear.x.array[:] = 0.5 * young / (1.0 + poisson)
    lame.x.array[:] = young * poisson / ((1.0 + poisson) * (1.0 - 2.0 * poisson))
    return lame, shear


def _require(domain: Domain, holds: NDArray[np.bool_], problem: str) -> None:
    if domain.comm.allreduce(int((~holds).sum())):
        raise SolverError(f"{problem}; the body would not be stable")


class LinearElasticity:
    """Small strains: everything is a matrix that is assembled once."""

    linear = True
    round_off = 0.0

    def __init__(self, space: Space, lame: Any, shear: Any) -> None:
        self._space, self._lame, self._shear = space, lame, shear
        trial, test = ufl.TrialFunction(space.functions), ufl.TestFunction(space.functions)
        self._stiffness = Matrix(
            engine.assemble_matrix(engine.compiled(ufl.inner(self._stress(trial), ufl.grad(test)) * ufl.dx))
        )

    def _stress(self, displacement: Any) -> Any:
        strain = ufl.sym(ufl.grad(displacement))
        identity = ufl.Identity(self._space.domain.dimension)
        return self._lame * ufl.tr(strain) * identity + 2.0 * self._shear * strain

    def force(self, displacement: Array) -> Array:
        """K u."""
        return self._stiffness @ displacement

    def energy(self, displacement: Array) -> float:
        """u.K u / 2."""
        return 0.5 * float(displacement @ (self._stiffness @ displacement))

    def turned(self, displacement: Array) -> float:
        """None: small strains do not turn anything."""
        return 0.0

    def tangent(self, displacement: Array) -> Matrix:
        """K."""
        return self._stiffness

    def traction(self, facets: Index) -> Matrix:
        """The integral of sigma n times the test functions over the facets."""
        trial, test = ufl.TrialFunction(self._space.functions), ufl.TestFunction(self._space.functions)
        domain = self._space.domain.mesh
        measure = engine.surface_measure(domain, facets)
        form = ufl.inner(ufl.dot(self._stress(trial), ufl.FacetNormal(domain)), test) * measure
        return Matrix(engine.assemble_matrix(engine.compiled(form)))


class HyperElasticity:
    """Large displacements, on the body at rest (total Lagrangian)."""

    linear = False
    round_off = 0.0

    def __init__(self, space: Space, lame: Any, shear: Any, neo_hookean: bool) -> None:
        self._space = space
        self._here, self._work = space.function(), space.function()
        law = _neo_hookean if neo_hookean else _st_venant_kirchhoff
        slope = ufl.grad(self._here)
        gradient = ufl.Identity(space.domain.dimension) + slope
        energy, stress = law(ufl.sym(slope) + 0.5 * slope.T * slope, lame, shear)
        self._stress = gradient * stress
        measure = ufl.dx(metadata={"quadrature_degree": _quadrature_degree(space)})
        trial, test = ufl.TrialFunction(space.functions), ufl.TestFunction(space.functions)
        force = ufl.inner(self._stress, ufl.grad(test)) * measure
        self._turned = engine.compiled(ufl.conditional(ufl.gt(ufl.det(gradient), 0.0), 0.0, 1.0) * measure)
        self._energy = engine.compiled(energy * measure)
        self._force = engine.compiled(force)
        self._tangent = engine.compiled(ufl.derivative(force, self._here, trial))
        self._matrix = Matrix(engine.assemble_matrix(self._tangent))

    def force(self, displacement: Array) -> Array:
        """The integral of P : grad(test)."""
        self.at(displacement)
        return engine.assemble_vector(self._force, self._work)

    def energy(self, displacement: Array) -> float:
        """The integral over this rank's cells."""
        self.at(displacement)
        return engine.assemble_scalar(self._energy)

    def turned(self, displacement: Array) -> float:
        """The integral of one where det F is not positive."""
        self.at(displacement)
        return engine.assemble_scalar(self._turned)

    def tangent(self, displacement: Array) -> Matrix:
        """Assembled again, in place of the last one."""
        self.at(displacement)
        engine.assemble_again(self._matrix.petsc, self._tangent)
        return self._matrix

    def traction(self, facets: Index) -> Multiplies:
        """The integral of P N times the test functions over the facets."""
        return Traction(self, self._space, self._stress, facets)

    def at(self, displacement: Array) -> None:
        """Let the forms see a displacement; collective."""
        self._here.x.array[: len(displacement)] = displacement
        self._here.x.scatter_forward()


class _Body(Protocol):
    """What forms see the displacement of."""

    def at(self, displacement: Array) -> None:
        """Let the forms see a displacement; collective."""
        ...


class Traction:
    """What facets transmit by the first Piola-Kirchhoff stress, for the displacement that it is multiplied by."""

    def __init__(self, body: _Body, space: Space, stress: Any, facets: Index) -> None:
        self._body, self._work = body, space.function()
        domain, test = space.domain.mesh, ufl.TestFunction(space.functions)
        measure = engine.surface_measure(domain, facets)
        self._form = engine.compiled(ufl.inner(ufl.dot(stress, ufl.FacetNormal(domain)), test) * measure)

    def __matmul__(self, values: Array) -> Array:
        self._body.at(values)
        return engine.assemble_vector(self._form, self._work)


def _quadrature_degree(space: Space) -> int:
    """Exact for the Saint-Venant-Kirchhoff energy of constant materials on simplices."""
    simplex = space.domain.mesh.topology.cell_type.name in ("triangle", "tetrahedron")
    return 4 * (space.degree - 1) + 1 if simplex else 4 * space.degree


def _st_venant_kirchhoff(strain: Any, lame: Any, shear: Any) -> tuple[Any, Any]:
    """Energy and stress of a Green-Lagrange strain."""
    identity, trace = ufl.Identity(strain.ufl_shape[0]), ufl.tr(strain)
    energy = 0.5 * lame * trace**2 + shear * ufl.inner(strain, strain)
    return energy, lame * trace * identity + 2.0 * shear * strain


def _neo_hookean(strain: Any, lame: Any, shear: Any) -> tuple[Any, Any]:
    """Energy and stress of a Green-Lagrange strain; J^2 - 1 is a polynomial of its invariants, 2 tr E + ..."""
    identity, trace = ufl.Identity(strain.ufl_shape[0]), ufl.tr(strain)
    further = 4.0 * ufl.det(strain)
    if strain.ufl_shape[0] == 3:
        further = 2.0 * (trace**2 - ufl.tr(strain * strain)) + 8.0 * ufl.det(strain)
    growth = 2.0 * trace + further
    inverse, rest = ufl.inv(identity + 2.0 * strain), _less_logarithm(growth)
    energy = 0.5 * shear * (rest - further) + 0.25 * lame * rest
    return energy, 2.0 * shear * inverse * strain + 0.5 * lame * growth * inverse


def _less_logarithm(x: Any) -> Any:
    """x - ln(1 + x), where x is small by its series."""
    series = sum((-1) ** n * x**n / n for n in range(2, 10))
    return ufl.conditional(ufl.lt(abs(x), _SMALL), series, x - ufl.ln(1.0 + x))
