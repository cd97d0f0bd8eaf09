"""Transient heat conduction in a body, by finite elements and an implicit method whose books balance to round-off.

In a step, with M the mass matrix weighted by the capacity, K the stiffness matrix and F the loads,

    M (u_i - known) / (gamma dt) + K u_i = F_i + R_i

at every stage i. R is zero but at dofs with a given temperature: there it is the reaction, the rate at which heat
enters at each dof, from the discrete balance and not from a derivative of the solution. Test functions sum to one, so
what the reactions, loads and sources bring adds up to what 1^T M u gains, whatever the mesh.

A dof that belongs to several boundaries of given temperature has one reaction. Between them it is divided by what their
own facets conduct, the integral of k grad(u).n times the test function over each; the first of them takes the rest, so
that the sum stays the reaction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conductivity_file import read_conductivity
from ..errors import SolverError
from ..expression import Expression
from ..stages import STAGES
from . import engine
from .algebra import Matrix, System, combined
from .boundaries import Fixed, facets_by_name
from .engine import MPI, ufl
from .heat_settings import Convection, Flux, HeatSettings, Radiation, Seam, Temperature
from .materials import property_function
from .meshes import ON, create
from .radiation import RadiatingSurface
from .seams import Condition, HeatSeam
from .space import Space
from .variable_conductivity import ConductedInwards, VariableConduction

Array = NDArray[np.float64]
Book = dict[str, Array]

VOLUME = "the whole body"
"""Name of the seam that is no boundary."""
_SYSTEMS = 4
"""Factorisations that are kept: a window has seldom more different steps."""
_NEARLY = 1e-8
"""Residual, relative to its terms, that one more solve brings down to round-off."""
_PASSES = 25


@dataclass(frozen=True)
class Stage:
    """One stage of a step."""

    begin: float
    """Time at which the step begins."""
    dt: float
    """Length of the step."""
    part: float
    """Part of the step after which the stage lies."""
    gamma: float
    """Weight of the stage's own rates in its equation, a time."""
    last: bool
    """Whether it is the end of the step."""

    @property
    def time(self) -> float:
        """When it is."""
        return self.begin + self.part * self.dt


class HeatConduction:
    """Solves ``HeatSettings`` on ``comm``. Temperatures, loads and reactions are arrays of this rank's owned dofs.

    Raises ``SolverError`` where mesh, boundaries or materials do not fit together.
    """

    def __init__(self, settings: HeatSettings, comm: MPI.Comm, directory: Path) -> None:
        """File names in ``settings`` are relative to ``directory``."""
        self.settings = settings
        self.domain = create(settings.mesh, comm.Dup(), directory)
        self.space = Space(self.domain, settings.order)
        self.time = 0.0
        self._stages = STAGES[settings.time_integration]
        self._facets = facets_by_name(self.domain, settings.boundaries)
        self._variable = self._variable_conduction(directory)
        self._assemble()
        self.temperature = self.space.at_dofs(settings.initial)[: self.space.owned]
        """At the owned dofs."""
        if self._variable is not None:
            self._variable.check(self.temperature)
        self._shift = self._mean()
        self._seams = {name: self._seam(name) for name, b in settings.boundaries.items() if isinstance(b, Seam)}
        self._radiating = [
            RadiatingSurface(name, b, self.space, self._around, self._measure(name))
            for name, b in settings.boundaries.items()
            if isinstance(b, Radiation)
        ]
        self._systems: dict[tuple[float, bool], System] = {}
        self._rows = dict.fromkeys(self._row_names(), 0.0)
        self._crossed: dict[str, Any] = {}
        self._conducted_so_far = 0.0
        self._fix()

    # -- what the loop and the ledger ask ------------------------------------------------------------------------------

    @property
    def max_dt(self) -> float:
        """The step of the settings."""
        return self.settings.step

    def advance(self, dt: float) -> None:
        """Advance by ``dt``: one step where ``step`` allows it, else as many equal steps as it takes. Collective."""
        for seam in self._seams.values():
            seam.begin()
        steps = math.ceil(dt / self.settings.step - 1e-9) or 1
        for _ in range(steps):
            self._step(dt / steps)

    def inventory(self) -> Book:
        """The heat in this rank's share of the body."""
        return _book(float((self._capacities * self.temperature).sum()))

    def gross(self) -> Book:
        """The magnitudes of what cancels in the books: heat held here and there, and conducted from dof to dof."""
        return _book(float((self._capacities * np.abs(self.temperature - self._shift)).sum()) + self._conducted_so_far)

    def rows(self) -> dict[str, Book]:
        """What this rank's shares of the outer boundaries and the source have added so far."""
        return {name: _book(value) for name, value in self._rows.items()}

    def save(self) -> dict[str, Any]:
        """Temperatures, rows and what the seams remember."""
        return {
            "time": self.time,
            "temperature": self.temperature,  # every step makes a new array
            "rows": dict(self._rows),
            "conducted": self._conducted_so_far,
            "seams": {name: seam.save() for name, seam in self._seams.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = float(state["time"])
        self.temperature = np.asarray(state["temperature"])
        self._rows = {name: float(value) for name, value in state["rows"].items()}
        self._conducted_so_far = float(state["conducted"])
        for name, seam in self._seams.items():
            seam.restore(state["seams"][name])

    # -- seams ---------------------------------------------------------------------------------------------------------

    def seam(self, name: str) -> HeatSeam:
        """The seam on a boundary. Raises ``SolverError`` where there is none."""
        if name not in self._seams:
            raise SolverError(f"the body has no seam {name!r}; it has {', '.join(self._seams) or 'none'}")
        return self._seams[name]

    def condition(self, name: str, condition: Condition, coefficient: float = 0.0) -> None:
        """Say what a seam takes: ``flux`` unless another one is named; ``robin`` needs its coefficient. Collective."""
        seam = self.seam(name)
        seam.condition, seam.coefficient = condition, coefficient
        if condition == "robin":
            self._surfaces.setdefault(name, self._surface(name))
        self._fix()

    def largest_error(self) -> float:
        """Largest difference from the reference at the nodes; collective."""
        assert self.settings.reference is not None, "asked only where there is one"
        exact = self._at_own_dofs(self.settings.reference, self.time)
        error = np.abs(self.temperature - exact).max(initial=0.0)
        return float(self.domain.comm.allreduce(error, op=MPI.MAX))

    def average(self, name: str) -> float:
        """Mean temperature of a boundary, by the weight of ``averages``; collective."""
        one = self.settings.averages[name]
        weights = self._surfaces[one.boundary] @ self._at_own_dofs(one.weight, self.time)
        sums = np.array([weights @ self.temperature, weights.sum()])
        total = self.domain.comm.allreduce(sums)
        return float(total[0] / total[1])

    def open_volume(self) -> HeatSeam:
        """Let a partner give heat to the whole body, as loads at all dofs; returns where."""
        seam = HeatSeam(
            VOLUME, np.zeros(0, dtype=np.int32), self._everywhere(), len(self._stages) > 1, self.temperature
        )
        self._seams[VOLUME] = seam
        return seam

    def _everywhere(self) -> NDArray[np.int32]:
        return np.arange(self.space.owned, dtype=np.int32)

    # -- set-up --------------------------------------------------------------------------------------------------------

    def _variable_conduction(self, directory: Path) -> VariableConduction | None:
        if self.settings.conductivity_file is None:
            return None
        curve = read_conductivity(directory / self.settings.conductivity_file)
        return VariableConduction(curve, self.space, self._around)

    def _assemble(self) -> None:
        """The matrices, each assembled once."""
        trial, test = ufl.TrialFunction(self.space.functions), ufl.TestFunction(self.space.functions)
        settings, degree = self.settings, self.settings.order
        capacity = property_function(self.domain, settings.capacity, degree, "capacity")
        around = self._around
        self._mass = self._matrix(around * capacity * trial * test * ufl.dx)
        if settings.conductivity is not None:
            self._conductivity = property_function(self.domain, settings.conductivity, degree, "conductivity")
            conducted = self._conductivity * ufl.inner(ufl.grad(trial), ufl.grad(test))
            self._stiffness = self._matrix(around * conducted * ufl.dx)
            self._diagonal = self._stiffness.diagonal()
        self._volume = self._matrix(around * trial * test * ufl.dx) if settings.source else None
        self._capacities = self._mass @ np.ones(self.space.owned)
        self._surfaces = {
            name: self._surface(name)
            for name, boundary in settings.boundaries.items()
            if isinstance(boundary, Flux | Convection)
        }
        for average in settings.averages.values():
            self._surfaces.setdefault(average.boundary, self._surface(average.boundary))

    @cached_property
    def _around(self) -> Any:
        """What integrals over the plane are multiplied by: the way around the axis, or one."""
        if not self.settings.axisymmetric:
            return 1
        x = self.domain.mesh.geometry.x[:, 0]
        nearest = self.domain.comm.allreduce(float(x.min(initial=np.inf)), op=MPI.MIN)
        if self.domain.dimension != 2 or nearest < -ON * self.domain.size:
            found = f"a mesh of {self.domain.dimension} dimensions from x = {nearest:g}"
            raise SolverError(f"'axisymmetric' with {found}; it must have two, and no negative x")
        return 2.0 * np.pi * ufl.SpatialCoordinate(self.domain.mesh)[0]

    def _matrix(self, form: Any) -> Matrix:
        return Matrix(engine.assemble_matrix(engine.compiled(form)))

    def _measure(self, name: str) -> Any:
        return engine.surface_measure(self.domain.mesh, self._facets[name])

    def _surface(self, name: str) -> Matrix:
        """The mass matrix of a boundary."""
        trial, test = ufl.TrialFunction(self.space.functions), ufl.TestFunction(self.space.functions)
        return self._matrix(self._around * trial * test * self._measure(name))

    def _conducted(self, facets: Any) -> Matrix | ConductedInwards:
        """What facets conduct inwards, times the test functions."""
        if self._variable is not None:
            return self._variable.through(facets)
        trial, test = ufl.TrialFunction(self.space.functions), ufl.TestFunction(self.space.functions)
        normal = ufl.FacetNormal(self.domain.mesh)
        measure = engine.surface_measure(self.domain.mesh, facets)
        return self._matrix(self._around * self._conductivity * ufl.dot(ufl.grad(trial), normal) * test * measure)

    def _seam(self, name: str) -> HeatSeam:
        facets = self._facets[name]
        dofs = self.space.on_facets(facets)
        return HeatSeam(name, facets, dofs, len(self._stages) > 1, self.temperature[dofs])

    def _row_names(self) -> list[str]:
        names = [name for name, boundary in self.settings.boundaries.items() if not isinstance(boundary, Seam)]
        return names + (["source"] if self.settings.source else [])

    def _fix(self) -> None:
        """Which dofs have a given temperature, and to which boundary their reactions belong; collective."""
        outer = [name for name, b in self.settings.boundaries.items() if isinstance(b, Temperature)]
        partners = [name for name, seam in self._seams.items() if seam.condition == "temperature"]
        self._fixed = Fixed(self.space, {name: self._facets[name] for name in outer + partners}, self._conducted)
        for system in self._systems.values():
            system.free()
        self._systems = {}

    def _mean(self) -> float:
        heat, capacity = (
            self.domain.comm.allreduce(float(values.sum()))
            for values in (self._capacities * self.temperature, self._capacities)
        )
        return heat / capacity

    # -- stepping ------------------------------------------------------------------------------------------------------

    def _step(self, dt: float) -> None:
        begin, rates = self.temperature, []
        reaction, conducted = np.zeros_like(begin), self._fixed.nothing()
        for number, weights in enumerate(self._stages):
            last = number == len(self._stages) - 1
            stage = Stage(self.time, dt, 1.0 if last else sum(weights), weights[-1] * dt, last)
            known = begin + dt * sum((w * rate for w, rate in zip(weights, rates, strict=False)), np.zeros_like(begin))
            now = self._solved(stage, known)
            rates.append((now - known) / stage.gamma)
            loads = self._loads(stage, now)
            share = self._stages[-1][number] * dt
            reaction += share * self._residual(now, rates[-1], loads)
            conducted = self._fixed.add(conducted, share, now - self._shift)
            self._book(loads, share)
            diagonal = self._diagonal if self._variable is None else self._variable.diagonal()
            self._conducted_so_far += share * float((diagonal * np.abs(now - self._shift)).sum())
            self.temperature = now
        self._book_reactions(reaction, conducted)
        for seam in self._seams.values():
            seam.finish(self.time, dt, self._crossed.pop(seam.name))
        self.time += dt

    def _solved(self, stage: Stage, known: Array) -> Array:
        """Temperatures at a stage; ``known`` is what the step's begin and the stages before it bring."""
        now = self.temperature.copy()
        for name, dofs in self._fixed.first.items():
            now[dofs] = self._given(name, stage)[self._fixed.keeps[name]]
        for _ in range(_PASSES):
            residual = self._residual(now, (now - known) / stage.gamma, self._loads(stage, now))
            residual[self._fixed.dofs] = 0.0
            final = self._one_more_is_enough(residual, now, known, stage.gamma)
            now = now - self._system(stage, now).solve(residual)
            if final:
                if self._variable is not None:
                    self._variable.check(now)
                return now
        raise SolverError(f"the temperatures at time {stage.time:g} have not converged in {_PASSES} steps")

    def _one_more_is_enough(self, residual: Array, now: Array, known: Array, gamma: float) -> bool:
        """Whether one more solve leaves round-off: always where it is direct, and the problem linear.

        Raises ``SolverError`` where a problem that is not linear has no finite residual.
        """
        if self._linear and self.settings.linear_solver == "direct":
            return True
        terms = [residual, self._mass @ ((now - known) / gamma), self._outflow(now)]
        squares = self.domain.comm.allreduce(np.array([term @ term for term in terms]))
        if not self._linear and not np.isfinite(squares[0]):
            raise SolverError(f"the temperatures after time {self.time:g} are not finite")
        return not squares[0] > _NEARLY**2 * squares.sum()

    def _residual(self, now: Array, rate: Array, loads: Mapping[str, Array]) -> Array:
        """M du/dt + K u - F: where no temperature is given it is zero, elsewhere the rate at which heat enters."""
        out = self._mass @ rate + self._outflow(now)
        for load in loads.values():
            out -= load
        return out

    @property
    def _linear(self) -> bool:
        return not self._radiating and self._variable is None

    def _outflow(self, now: Array) -> Array:
        """Rate at which heat is conducted out of each dof."""
        if self._variable is not None:
            return self._variable.heat(now, self._shift)
        return self._stiffness @ (now - self._shift)

    def _loads(self, stage: Stage, now: Array) -> dict[str, Array]:
        """Rate at which heat enters at each dof, by what brings it; (owned,)."""
        loads: dict[str, Array] = {}
        if self._volume is not None and self.settings.source is not None:
            loads["source"] = self._volume @ self._at_own_dofs(self.settings.source, stage.time)
        for name, boundary in self.settings.boundaries.items():
            if isinstance(boundary, Flux):
                loads[name] = self._surfaces[name] @ self._at_own_dofs(boundary.flux, stage.time)
            elif isinstance(boundary, Convection):
                hotter = self._at_own_dofs(boundary.temperature, stage.time) - now
                loads[name] = boundary.coefficient * (self._surfaces[name] @ hotter)
        for surface in self._radiating:
            loads[surface.name] = surface.load(now, stage.time)
        for name, seam in self._seams.items():
            if seam.condition != "temperature":
                loads[name] = self._entering(seam, stage, now)
        return loads

    def _at_own_dofs(self, formula: Expression, time: float) -> Array:
        return self.space.at_dofs(formula, time)[: self.space.owned]

    def _entering(self, seam: HeatSeam, stage: Stage, now: Array) -> Array:
        """What a seam that takes heat lets in."""
        load = np.zeros_like(now)
        load[seam.dofs] = seam.rate_at(stage.dt, stage.part)
        if seam.condition == "robin" and stage.last:
            hotter = np.zeros_like(now)
            hotter[seam.dofs] = seam.partner_at(stage.begin, stage.dt) - now[seam.dofs]
            load += seam.coefficient * (self._surfaces[seam.name] @ hotter)
        return load

    def _given(self, name: str, stage: Stage) -> Array:
        """The temperatures that a boundary gives to its dofs."""
        boundary = self.settings.boundaries[name]
        if isinstance(boundary, Temperature):
            return self.space.at_dofs(boundary.temperature, stage.time, self._fixed.on[name])
        return self._seams[name].partner_at(stage.begin, stage.part * stage.dt)

    def _system(self, stage: Stage, now: Array) -> System:
        """The system of a stage, without the rows of given temperatures."""
        robin = [name for name, seam in self._seams.items() if seam.condition == "robin"] if stage.last else []
        key = stage.gamma, bool(robin)
        if key in self._systems and self._linear:
            return self._systems[key]
        conduction = [self._stiffness] if self._variable is None else self._variable.tangent(now, self._shift)
        terms = [(1.0 / stage.gamma, self._mass), *((1.0, matrix) for matrix in conduction)]
        for name, boundary in self.settings.boundaries.items():
            if isinstance(boundary, Convection):
                terms.append((boundary.coefficient, self._surfaces[name]))
        terms += [(self._seams[name].coefficient, self._surfaces[name]) for name in robin]
        terms += [(1.0, surface.tangent(now)) for surface in self._radiating]
        while len(self._systems) >= (_SYSTEMS if self._linear else 1):
            self._systems.pop(next(iter(self._systems))).free()
        iterative = self.settings.linear_solver == "iterative"
        self._systems[key] = System(combined(terms, self._fixed.dofs), iterative, spd=self._variable is None)
        return self._systems[key]

    # -- books ---------------------------------------------------------------------------------------------------------

    def _book(self, loads: Mapping[str, Array], share: float) -> None:
        """Add what a stage brings, ``share`` in time, to the rows and to what crosses the seams."""
        for name, load in loads.items():
            if name in self._rows:
                self._rows[name] += share * float(load.sum())
            else:
                entered = share * load[self._seams[name].dofs]
                self._crossed[name] = self._crossed.get(name, 0.0) + entered

    def _book_reactions(self, reaction: Array, conducted: Mapping[str, Array]) -> None:
        for name, entered in self._fixed.divide(reaction, conducted).items():
            if name in self._rows:
                self._rows[name] += float(entered.sum())
            else:
                self._crossed[name] = entered


def _book(energy: float) -> Book:
    return {"energy": np.array([energy])}
