"""Transient mechanics of a solid body, by finite elements whose books balance to round-off.

At the level t_f of a step, with M the mass matrix, N(u) the inner force, G theta the push of thermal strain and F the
loads,

    M a_m + N(u_f) - G theta_f = F(t_f) + R .

R is zero but at dofs with a given displacement: there it is the reaction, the force on each dof from the discrete
balance and not from a derivative of the solution. Test functions sum to one and N is free of force as a whole, so the
momentum 1^T M v gains dt times what loads and reactions sum to, and the row ``integration``, dt (alpha_f - 1/2) of the
change of 1^T M a, which the mean acceleration (spectral radius 1) does not have.

Work is force times the step's path du. The row ``numerical dissipation``,

    kinetic' - kinetic + strain' - strain - du.(M a_m + N(u_f)),

is what the time integrator makes of the energy, from M, N and the energies, not from the loads: round-off for the
spectral radius 1 and linear elasticity, what is damped for a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..crystal.meshing import cell_volume
from ..errors import SolverError
from . import engine
from .algebra import Matrix
from .boundaries import Fixed, Multiplies, facets_by_name
from .elasticity import InnerForces, lame_parameters
from .engine import MPI, Index, ufl
from .generalised_alpha import GeneralisedAlpha, Motion, QuasiStatic, TimeScheme
from .materials import property_function
from .meshes import create
from .solid_balance import Balance
from .solid_crystal import CrystalElasticity
from .solid_loads import BODY_FORCE, Loads, vector_at
from .solid_materials import inner_forces
from .solid_seams import Condition, SolidSeam
from .solid_settings import BLENDING, CONSTRAINT, CORRECTION, DISSIPATION, Displacement, Seam, SolidSettings
from .space import Space
from .thermal_strain import ThermalStrain
from .velocity_verlet import Explicit, Lumped, VelocityVerlet, lumped

Array = NDArray[np.float64]
Book = dict[str, Array]

INTEGRATION, HEAT = "integration", "heat"
"""Names of rows."""
_ROUND_OFF = 64.0 * float(np.finfo(float).eps)
"""Of sums of parts that cancel, relative to the parts' magnitudes: what the books allow."""
_NEXT_TO_NOTHING = 1e-9
"""Part of a node's mass that it keeps where none of its energy counts."""
_START = 1.0 / 64.0
"""Part of a step by which formulas of displacements are differentiated at the start."""


class SolidMechanics:
    """Solves ``SolidSettings`` on ``comm``. Displacements and forces are values of this rank's owned dofs, flat.

    In a plane, quantities are per depth: momentum in N s/m, energy in J/m. Raises ``SolverError`` where mesh,
    boundaries or materials do not fit together, and where a step cannot be solved.
    """

    def __init__(self, settings: SolidSettings, comm: MPI.Comm, directory: Path) -> None:
        """File names in ``settings`` are relative to ``directory``."""
        self.settings = settings
        lattice = settings.crystal.lattice if settings.crystal else None
        self.domain = create(settings.mesh, comm.Dup(), directory, lattice)
        problem = settings.misfit(self.domain.dimension)
        if problem:
            raise SolverError(problem)
        self.space = Space(self.domain, settings.order, self.domain.dimension)
        self.time = 0.0
        self._scheme = _scheme(settings)
        self._facets = facets_by_name(self.domain, settings.boundaries)
        self._assemble(directory)
        self._displacement = self._at_start(settings.displacement)
        self._velocity = self._at_start(settings.velocity)
        self._acceleration: Array | None = None
        self._seams = {name: self._seam(name) for name, b in settings.boundaries.items() if isinstance(b, Seam)}
        self.dead_load: Array = np.zeros_like(self._displacement)
        """At the owned dofs (``correct``)."""
        self._lender: str | None = None
        """The seam at which a partner takes a part of the inner force away."""
        self._rows: dict[str, Array] = {name: np.zeros(4) for name in self._row_names()}
        self._gross: Array = np.zeros(2)
        self._fix()

    # -- what the loop and the ledger ask ------------------------------------------------------------------------------

    @property
    def max_dt(self) -> float:
        """The step of the settings."""
        return self.settings.step

    def advance(self, dt: float) -> None:
        """Advance by ``dt``: one step where ``step`` allows it, else as many equal steps as it takes. Collective."""
        for seam in (*self._seams.values(), *([self._thermal] if self._thermal else [])):
            seam.begin()
        steps = math.ceil(dt / self.settings.step - 1e-9) or 1
        for _ in range(steps):
            self._step(dt / steps)

    def inventory(self) -> Book:
        """Momentum, and kinetic energy plus what is stored by strain, in this rank's share of the body."""
        kinetic, strain = self._energies(self.displacement, self.velocity)
        stored = self._thermal.stored(self.displacement) if self._thermal else 0.0
        return _book(np.append(self._momentum(self.velocity), kinetic + strain + stored))

    def gross(self) -> Book:
        """Magnitudes of the points' momenta and of all impulses and work so far, which cancel in the books."""
        inertial = self._scheme.inertial
        held = float(np.linalg.norm(self._blocks(self._masses * self.velocity), axis=1).sum()) if inertial else 0.0
        return {"momentum": np.full(3, self._gross[0] + held), "energy": self._gross[1:].copy()}

    def rows(self) -> dict[str, Book]:
        """What this rank's shares of boundaries, loads and the integrator have added so far."""
        return {name: _book(values) for name, values in self._rows.items()}

    def save(self) -> dict[str, Any]:
        """The motion, rows and what the seams remember."""
        state = {
            "time": self.time,
            "displacement": self.displacement.copy(),
            "velocity": self.velocity.copy(),
            "acceleration": self.acceleration.copy(),
            "rows": {name: values.copy() for name, values in self._rows.items()},
            "gross": self._gross.copy(),
            "seams": {name: seam.save() for name, seam in self._seams.items()},
        }
        return state | ({"thermal": self._thermal.save()} if self._thermal else {})

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = float(state["time"])
        self._displacement, self._velocity = np.array(state["displacement"]), np.array(state["velocity"])
        self._acceleration = np.array(state["acceleration"])
        self._rows = {name: np.array(values) for name, values in state["rows"].items()}
        self._gross = np.array(state["gross"])
        for name, seam in self._seams.items():
            seam.restore(state["seams"][name])
        if self._thermal:
            self._thermal.restore(state["thermal"])

    # -- the solution --------------------------------------------------------------------------------------------------

    @property
    def displacement(self) -> Array:
        """At the owned dofs, point by point."""
        return self._displacement

    @property
    def velocity(self) -> Array:
        """At the owned dofs; of quasi-static bodies the mean one of the last step."""
        return self._velocity

    @property
    def acceleration(self) -> Array:
        """At the owned dofs; at the start that which balances the forces. Collective when asked first."""
        if self._acceleration is None:
            self._acceleration = self._first_acceleration()
        return self._acceleration

    def shift(self) -> Array:
        """How far the second atom of a crystal's cell went from the first, at the owned points, (n, 3); collective."""
        if isinstance(self._inner, CrystalElasticity):
            return self._inner.shift(self.displacement)
        return np.zeros((self.space.owned, 3))

    def covered(self) -> Array:
        """What of a crystal's cell at each owned point the elements around it are, at most 1, (n,); collective."""
        assert self.settings.crystal, "asked of crystals only"
        scalars = Space(self.domain, 1)
        form = engine.compiled(ufl.TestFunction(scalars.functions) * ufl.dx)
        volumes = engine.assemble_vector(form, scalars.function())
        return np.minimum(volumes / cell_volume(self.settings.crystal.lattice, self.space.components), 1.0)

    def inner_force(self) -> Array:
        """What the stress exerts at the owned dofs; collective."""
        return -self._inner.force(self.displacement)

    def counted_force(self) -> Array:
        """What of it is of the energy that counts (``weigh``); collective."""
        return -self.crystal.counted_force(self.displacement)

    @property
    def fixed_dofs(self) -> Index:
        """Owned dofs whose displacement is given."""
        return self._fixed.dofs

    def energies(self) -> dict[str, float]:
        """Kinetic and strain energy of the whole body; collective."""
        own = self._energies(self.displacement, self.velocity)
        return dict(zip(("kinetic", "strain"), map(self.domain.comm.allreduce, own), strict=True))

    def largest_error(self) -> float:
        """Largest difference from the reference at the nodes; collective."""
        assert self.settings.reference is not None, "asked only where there is one"
        error = np.abs(self.displacement - vector_at(self.space, self.settings.reference, self.time)).max(initial=0.0)
        return float(self.domain.comm.allreduce(error, op=MPI.MAX))

    @property
    def material(self) -> InnerForces:
        """The inner forces, of a crystal with its shift."""
        return self._inner

    @property
    def crystal(self) -> CrystalElasticity:
        """The same, of a body whose material is one."""
        assert isinstance(self._inner, CrystalElasticity), "asked of crystals only"
        return self._inner

    # -- seams ---------------------------------------------------------------------------------------------------------

    def seam(self, name: str) -> SolidSeam:
        """The seam on a boundary. Raises ``SolverError`` where there is none."""
        if name not in self._seams:
            raise SolverError(f"the body has no seam {name!r}; it has {', '.join(self._seams) or 'none'}")
        return self._seams[name]

    def condition(self, name: str, condition: Condition) -> None:
        """Say what a seam takes: ``traction`` unless the other one is named. Collective."""
        self.seam(name).condition = condition
        self._fix()

    def book_work(self, name: str) -> None:
        """Enter the work at a seam in a row of its name: its partner knows of no energy."""
        self._rows.setdefault(self.seam(name).name, np.zeros(4))

    def open_region(self, name: str) -> SolidSeam:
        """Let a partner push at every point of the body, under this name; returns where.

        Raises ``SolverError`` where a boundary has the name.
        """
        if name in self.settings.boundaries:
            raise SolverError(f"{name!r} is a boundary of the body; an interface with all of it needs another name")
        nowhere = np.zeros(0, dtype=np.int32)
        dofs = np.arange(self.space.owned, dtype=np.int32)
        return self._seams.setdefault(name, SolidSeam(name, nowhere, dofs, self._blocks(self.displacement)))

    def bring_mass(self, missing: Array) -> None:
        """Let atoms bring a part of the mass, where motion is explicit.

        ``missing`` is the part of a crystal's cell that no element covers, at owned points, (n,): its mass is added, so
        that nodes at the rim are whole atoms. Raises ``SolverError`` where the motion is implicit.
        """
        if not isinstance(self._balance, Explicit):
            raise SolverError(
                f"time_integration is {self.settings.time_integration!r}; that of a moving body which atoms push "
                "must be 'velocity-verlet'"
            )
        assert isinstance(self._mass, Lumped)
        assert self.settings.crystal, "asked of crystals only"
        density = property_function(self.domain, self.settings.density, self.settings.order, "density")
        whole = density.x.array[: self.space.owned] * cell_volume(self.settings.crystal.lattice, self.space.components)
        self._mass.values += np.repeat(missing * whole, self.space.components)
        self._masses = self._mass.values

    def share(self, counts: Array) -> None:
        """Let atoms take over a part of the inner force, where motion is explicit.

        ``counts`` is the part of it that stays, at owned points, (n,). What the force lacks is the row ``force
        blending``.
        """
        assert isinstance(self._balance, Explicit), "atoms brought their mass before"
        self._balance.counts = np.repeat(counts, self.space.components)
        self._rows.setdefault(BLENDING, np.zeros(4))

    def weigh(self, name: str, weights: Array) -> None:
        """Let the energy of a crystal count by weights at this rank's points, ghosts included, (n,), linear in between.

        Where motion is explicit, the inner force is that of this energy. Without inertia the body keeps its whole inner
        force, so that there is something to solve, and the partner at the seam ``name`` pushes by what is too much of
        it, which works nothing.
        """
        self.crystal.weigh(weights)
        if isinstance(self._balance, Explicit):
            self._balance.inner_force = self.crystal.counted_force
        else:
            self._lender = name

    def leave_mass(self, kept: Array) -> Array:
        """Leave mass to atoms, where motion is explicit and energies are weighed; ``kept`` at owned points, (n,).

        Returns what they do keep: next to nothing where that is 0. What a partner's constraint takes of energy is the
        row ``constraint``.
        """
        assert isinstance(self._balance, Explicit), "atoms brought their mass before"
        kept = np.maximum(kept, _NEXT_TO_NOTHING)
        self._masses *= np.repeat(kept, self.space.components)
        self._balance.tangent = self.crystal.counted_tangent
        self._rows.setdefault(CONSTRAINT, np.zeros(4))
        return kept

    def correct(self, force: Array) -> None:
        """Let a dead load act at the owned dofs for ever, in the row ``ghost-force correction``."""
        self.dead_load = force
        self._rows.setdefault(CORRECTION, np.zeros(4))

    def book(self, name: str, impulses: Array, energy: float) -> None:
        """Enter in a row what a partner's forces brought besides loads: impulses at points, (n, 3), and energy."""
        self._add(name, np.ascontiguousarray(impulses.T).sum(axis=1), energy)
        self._gross = self._gross + np.array([np.linalg.norm(impulses, axis=1).sum(), abs(energy)])

    def open_volume(self) -> ThermalStrain:
        """Let a partner give the temperature of the whole body and take heat from it; returns where.

        Raises ``SolverError`` without thermal expansion.
        """
        if self._thermal is None:
            raise SolverError("a body without 'expansion' does not feel a temperature")
        self._thermal.coupled = True
        self._rows.pop(HEAT, None)
        return self._thermal

    # -- set-up --------------------------------------------------------------------------------------------------------

    def _assemble(self, directory: Path) -> None:
        """What does not change: matrices, forms and the linear systems' parts."""
        settings, space = self.settings, self.space
        trial, test = ufl.TrialFunction(space.functions), ufl.TestFunction(space.functions)
        density = property_function(self.domain, settings.density, settings.order, "density")
        mass = Matrix(engine.assemble_matrix(engine.compiled(density * ufl.inner(trial, test) * ufl.dx)))
        self._mass = lumped(mass, space.owned * space.components) if isinstance(self._scheme, VelocityVerlet) else mass
        self._masses = self._mass @ np.ones(space.owned * space.components)
        self._inner = inner_forces(space, settings, directory)
        self._loads = Loads(space, settings, self._facets)
        self._thermal = None
        if settings.expansion is not None:
            self._thermal = ThermalStrain(space, settings, *lame_parameters(self.domain, settings))
        if isinstance(self._scheme, VelocityVerlet):
            assert isinstance(self._mass, Lumped)
            self._balance = Explicit(self._mass, self._inner, space)
        else:
            assert isinstance(self._mass, Matrix)
            iterative = settings.linear_solver == "iterative"
            self._balance = Balance(self._mass, self._inner, self._scheme, space, iterative)

    def _at_start(self, formulas: Any) -> Array:
        if formulas is None:
            return np.zeros(self.space.owned * self.space.components)
        return vector_at(self.space, formulas)

    def _seam(self, name: str) -> SolidSeam:
        dofs = self.space.on_facets(self._facets[name])
        return SolidSeam(name, self._facets[name], dofs, self._blocks(self.displacement)[dofs])

    def _row_names(self) -> list[str]:
        names = [name for name, boundary in self.settings.boundaries.items() if not isinstance(boundary, Seam)]
        names += [BODY_FORCE] if self.settings.body_force is not None else []
        names += [HEAT] if self._thermal else []
        return names + ([INTEGRATION] if self._scheme.inertial else []) + [DISSIPATION]

    def _fix(self) -> None:
        """Which dofs have a given displacement, and to which boundary their reactions belong; collective."""
        components = {
            name: tuple(boundary.components)
            for name, boundary in self.settings.boundaries.items()
            if isinstance(boundary, Displacement)
        }
        partners = [name for name, seam in self._seams.items() if seam.condition == "displacement"]
        components |= {name: tuple(range(self.space.components)) for name in partners}
        facets = {name: self._facets[name] for name in components}
        self._fixed = Fixed(self.space, facets, self._transmitted, components)
        self._balance.fix(self._fixed.dofs)
        self._set_first_velocity()

    def _transmitted(self, facets: Index) -> Multiplies:
        """What facets transmit inwards by the stress."""
        elastic = self._inner.traction(facets)
        return self._thermal.traction(elastic, facets) if self._thermal else elastic

    def _given(self, name: str, later: float) -> Array:
        """The displacements that a boundary gives at its dofs, ``later`` than now; as ``Fixed.on``, (n,)."""
        boundary = self.settings.boundaries[name]
        if not isinstance(boundary, Displacement):
            return self._seams[name].partner_at(self.time, later).ravel()
        points = self.space.on_facets(self._facets[name])
        values = [self.space.at_dofs(each, self.time + later, points) for each in boundary.components.values()]
        return np.stack(values, axis=1).ravel()

    # -- the start -----------------------------------------------------------------------------------------------------

    def _set_first_velocity(self) -> None:
        """Where outer boundaries give the displacement, the velocity at the start is its rate."""
        if not self._scheme.inertial or self.time > 0.0:
            return
        h = _START * self.settings.step
        for name, dofs, keeps in self._outer_fixed():
            values = [self._given(name, n * h)[keeps] for n in range(3)]
            self._velocity[dofs] = (4.0 * values[1] - 3.0 * values[0] - values[2]) / (2.0 * h)

    def _outer_fixed(self) -> list[tuple[str, Any, Any]]:
        """Boundaries whose displacement is a formula, the dofs that have it, and which of the boundary's these are."""
        return [
            (name, dofs, self._fixed.keeps[name])
            for name, dofs in self._fixed.first.items()
            if isinstance(self.settings.boundaries[name], Displacement)
        ]

    def _first_acceleration(self) -> Array:
        """M a = F - N(u) where no displacement is given, the formulas' second rates where it is; 0 at partners'."""
        found = np.zeros_like(self.displacement)
        if not self._scheme.inertial:
            return found
        h = _START * self.settings.step
        for name, dofs, keeps in self._outer_fixed():
            values = [self._given(name, n * h)[keeps] for n in range(4)]
            found[dofs] = (2.0 * values[0] - 5.0 * values[1] + 4.0 * values[2] - values[3]) / (h * h)
        outer = sum(self._outer_forces(0.0).values(), np.zeros_like(found))
        residual = self._mass @ found + self._inner.force(self.displacement) - outer
        residual[self._fixed.dofs] = 0.0
        return found - self._balance.mass_solve(residual)

    # -- stepping ------------------------------------------------------------------------------------------------------

    def _outer_forces(self, later: float) -> dict[str, Array]:
        """Loads and the push of thermal strain, ``later`` than now."""
        forces = self._loads.at(self.time + later, self._seams)
        if self._thermal:
            forces[HEAT] = self._thermal.push(self._thermal.temperature(self.time, later))
        if CORRECTION in self._rows:
            forces[CORRECTION] = self.dead_load
        return forces

    def _step(self, dt: float) -> None:
        begin = Motion(self.displacement, self.velocity, self.acceleration)
        level = self._scheme.level * dt
        outer = self._outer_forces(level)
        given = np.zeros_like(begin.displacement)
        for name, dofs in self._fixed.first.items():
            given[dofs] = self._given(name, dt)[self._fixed.keeps[name]]
        end, forces, reaction = self._balance.step(begin, dt, self.time, outer, given)
        path = end.displacement - begin.displacement
        lent = self._lent(forces, end.displacement)
        self._gross = self._gross + np.array([dt * self._inner.round_off / _ROUND_OFF, 0.0])
        for force in (*outer.values(), reaction):
            impulse = dt * np.linalg.norm(self._blocks(force), axis=1).sum()
            self._gross = self._gross + np.array([impulse, np.abs(force * path).sum()])
        self._book_loads(outer, lent, path, dt)
        self._book_reactions(reaction, begin.displacement + self._scheme.level * path, path, dt)
        self._book_integrator(begin, end, forces - lent, dt)
        if self._thermal:
            self._book_heat(path, level, dt)
        if BLENDING in self._rows:
            assert isinstance(self._balance, Explicit)
            lacking = (1.0 - self._balance.counts) * self._balance.mean_inner
            self._add(BLENDING, dt * self._sum(lacking), float(lacking @ path))
        for seam in self._seams.values():
            self._finish(seam, dt)
        self._displacement, self._velocity, self._acceleration = end.displacement, end.velocity, end.acceleration
        self.time += dt

    # -- books ---------------------------------------------------------------------------------------------------------

    def _lent(self, forces: Array, displacement: Array) -> Array:
        """What of the inner forces belongs to no energy that counts, and is taken away by a partner."""
        if self._lender is None:
            return np.zeros_like(forces)
        return forces - self.crystal.counted_force(displacement)

    def _book_loads(self, outer: Mapping[str, Array], lent: Array, path: Array, dt: float) -> None:
        self._acting = {name: (dt * force, force * path) for name, force in outer.items() if name in self._seams}
        if self._lender is not None:
            impulse, work = self._acting[self._lender]
            self._acting[self._lender] = impulse, work - lent * path
        for name, force in outer.items():
            if name in self._rows and name not in self._seams and name != HEAT:
                self._add(name, dt * self._sum(force), float(force @ path))

    def _book_reactions(self, reaction: Array, level: Array, path: Array, dt: float) -> None:
        """What each boundary's dofs exert, on its own account."""
        transmitted = self._fixed.add(self._fixed.nothing(), 1.0, level)
        for name, entered in self._fixed.divide(reaction, transmitted).items():
            force = np.zeros_like(path)
            force[self._fixed.on[name]] = entered
            if name in self._seams:
                self._acting[name] = dt * force, force * path
            else:
                self._add(name, dt * self._sum(force), float(force @ path))

    def _finish(self, seam: SolidSeam, dt: float) -> None:
        impulse, work = self._acting[seam.name]
        seam.finish(self.time, dt, self._blocks(impulse)[seam.dofs], self._blocks(work)[seam.dofs].sum(axis=1))
        if seam.name in self._rows:
            self._add(seam.name, np.zeros(3), float(work.sum()))

    def _book_integrator(self, begin: Motion, end: Motion, forces: Array, dt: float) -> None:
        """What the time integrator makes of momentum and energy; ``forces`` are M a_m + N(u_f)."""
        path = end.displacement - begin.displacement
        before = self._energies(begin.displacement, begin.velocity)
        after = self._energies(end.displacement, end.velocity)
        self._add(DISSIPATION, np.zeros(3), sum(after) - sum(before) - float(path @ forces))
        if self._scheme.inertial:
            change = self._momentum(end.acceleration - begin.acceleration)
            self._add(INTEGRATION, dt * self._scheme.excess * change, 0.0)

    def _book_heat(self, path: Array, level: float, dt: float) -> None:
        """What straining took from the heat, at the temperature that acted."""
        assert self._thermal is not None
        heat = self._thermal.temperature(self.time, level) * self._thermal.swelling(path)
        self._thermal.finish(self.time, dt, heat)
        if HEAT in self._rows:
            self._add(HEAT, np.zeros(3), float(heat.sum()))

    def _add(self, name: str, impulse: Array, energy: float) -> None:
        self._rows[name] = self._rows[name] + np.append(impulse, energy)

    def _blocks(self, values: Array) -> Array:
        return values.reshape(-1, self.space.components)

    def _sum(self, values: Array) -> Array:
        """Sum over this rank's points, (3,); zero along z in a plane."""
        total = np.zeros(3)
        # Summed along rows in memory, and so pairwise: round-off grows as log n.
        total[: self.space.components] = np.ascontiguousarray(self._blocks(values).T).sum(axis=1)
        return total

    def _momentum(self, velocity: Array) -> Array:
        """This rank's share of 1^T M v, (3,)."""
        return self._sum(self._masses * velocity) if self._scheme.inertial else np.zeros(3)

    def _energies(self, displacement: Array, velocity: Array) -> tuple[float, float]:
        """This rank's shares of kinetic and strain energy; collective."""
        kinetic = 0.5 * float(velocity @ (self._mass @ velocity)) if self._scheme.inertial else 0.0
        return kinetic, self._inner.energy(displacement)


def _scheme(settings: SolidSettings) -> TimeScheme | VelocityVerlet:
    match settings.time_integration:
        case "quasi-static":
            return QuasiStatic()
        case "velocity-verlet":
            return VelocityVerlet()
        case "generalised-alpha":
            return GeneralisedAlpha.of(settings.spectral_radius)


def _book(values: Array) -> Book:
    return {"momentum": values[:3].copy(), "energy": values[3:].copy()}
