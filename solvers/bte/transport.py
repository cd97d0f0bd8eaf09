"""The phonon Boltzmann equation solved for the lattice temperature: GMRES around sweeps, preconditioned by diffusion.

Given the lattice temperature T and what enters at walls that return what arrives, a sweep gives all phonons exactly.
Unknowns are therefore only T and these returns: x = G x + b. The preconditioner is the identity plus the diffusion
equations of ``acceleration``, which know how the walls exchange heat.

What is left of the equation after the last iteration is no error in the books: it is heat that scattering or a wall has
taken and not returned. One diffusion equation distributes it, and its small temperature and its heat through the walls
belong to the solution. Energy is so conserved to round-off whatever the tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from .acceleration import Term, gathered, group_edges, partial_fractions
from .decomposition import Part
from .diffusion import Coefficients, Couplings, Diffusion
from .ordinates import Ordinates
from .petsc import PETSc
from .simplices import Topology, face_corners
from .sweeps import NOTHING, Result, Sweeps
from .walls import Walls

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Keeping:
    """Faces whose returns go direction by direction: mirrors, and boundaries that are periodic.

    What leaves ``source`` in direction ``image[i]`` enters ``slot`` in direction i, times ``factor``.
    """

    slot: Index
    """(n,) of the faces where it enters."""
    source: Index
    """(n,) slot of the face where it leaves."""
    vertex: Index
    """(n, d) its vertices."""
    image: Index
    """(directions,)."""
    factor: Array
    """(bands,)."""


@dataclass
class Solution:
    """Fields at the vertices of the slab's own cells, and what crosses the boundary."""

    lattice: Array
    """(own cells, d + 1) temperature that scattering relaxes to."""
    temperature: Array
    """(own cells, d + 1) that of the energy: energy over heat capacity."""
    energy: Array
    """(own cells, d + 1) per volume."""
    flux: Array
    """(3, own cells, d + 1) heat per area and time."""
    arriving: Array
    """(boundary faces, d, bins) heat per area and time."""
    upwind: Array
    """(2, own cells, 2) of intervals, what scatters and energy, of what leaves a cell at its vertices; else empty."""
    extra: Array
    """(boundary faces, d) heat that leaves besides what ``arriving`` says: the share of the last correction."""
    iterations: int = 0
    residual: float = 0.0
    """Relative, at the end."""


@dataclass
class Unknowns:
    """One vector of the problem: this rank's share of the temperatures, returns, and returns by direction."""

    temperature: Array
    returns: Array
    kept: Array

    def flat(self) -> Array:
        """As one."""
        return np.concatenate([self.temperature.ravel(), self.returns.ravel(), self.kept.ravel()])


class Transport:
    """Solves for one step or for the steady state. Collective throughout.

    Raises ``SolverError`` where the iteration does not converge.
    """

    def __init__(
        self,
        part: Part,
        topology: Topology,
        sweeps: Sweeps,
        walls: Walls,
        keepings: list[Keeping],
        joined: list[Couplings],
        tolerance: float,
    ) -> None:
        """``joined`` are pairs of boundary faces that are periodic."""
        self._part, self._topology, self._sweeps, self._walls = part, topology, sweeps, walls
        self.keepings, self._joined = keepings, joined
        self._corners = topology.area.shape[1]
        self._tolerance = tolerance
        self.driven = 0.0
        """Size of the uniform gradient: by symmetry it may change nothing, and round-off is all there is."""
        self.plain = False
        """Whether to iterate without GMRES and diffusion, for comparison."""
        self.scattering = _by_region(sweeps.ordinates, 1.0 / sweeps.ordinates.lifetime, part)
        self.capacity = _by_region(sweeps.ordinates, np.ones_like(sweeps.ordinates.lifetime), part)
        self._rate = -1.0
        self._equations: list[Diffusion] = []

    # -- the step's equations ------------------------------------------------------------------------------------------

    def set_rate(self, rate: float) -> None:
        """The step's removal rate, 1 / (gamma dt); 0 in a steady state."""
        if rate == self._rate:
            return
        self._rate = rate
        for equation in self._equations:
            equation.free()
        o = self._sweeps.ordinates
        returned = 1.0 / (1.0 + rate * o.lifetime)
        leaves = self._sweeps.half_ranges(returned)[1]
        self._sweeps.set_rate(rate)
        self._lets_out = self._walls.exchange(leaves)
        self._isotropic = leaves
        bands = self._all_bands()
        terms = _terms(bands, rate)
        region = self._part.mesh.region
        self._equations = []
        for number in range(len(terms[0])):
            of = [_coefficients(terms[r][number], bands, r, rate if number == 0 else None) for r in range(len(terms))]
            conductivity, absorption, quarter = (np.array(values)[region] for values in zip(*of, strict=True))
            if number == 0 and self._floats():
                absorption = absorption + _PINNED * conductivity / self._size() ** 2
            fields = Coefficients(conductivity, absorption, quarter)
            self._equations.append(self._equation(fields, leaves))
        self._stored = np.array([term[0].beta / term[0].alpha for term in terms])[region[: self._part.owned], None]
        self._stored = self._stored * self.scattering[:, None]

    def _floats(self) -> bool:
        """Whether nothing fixes the temperature, so that it is known up to a constant."""
        return self._rate == 0.0 and not self._part.comm.allreduce(bool(self._lets_out.any()), op=MPI.LOR)

    def _size(self) -> float:
        points = self._part.mesh.points
        return self._part.comm.allreduce(float(np.ptp(points, axis=0).max()), op=MPI.MAX)

    def _all_bands(self) -> tuple[Array, Array, Array]:
        """Scattering, lifetime and speed of the columns of all members, (regions, columns)."""
        o = self._sweeps.ordinates
        scattering = o.heat * o.solid_angle / o.lifetime
        parts = self._part.group.allgather((scattering, o.lifetime, o.velocity))
        return tuple(np.concatenate([p[k] for p in parts], axis=1) for k in range(3))  # type: ignore[return-value]

    def _equation(self, fields: Coefficients, leaves: Array) -> Diffusion:
        couplings = self._joined + self._walls.couplings(leaves)
        return Diffusion(
            self._topology,
            fields,
            self._lets_out,
            couplings,
            self._part.share,
            self._part.number,
            self._part.comm,
        )

    # -- solving -------------------------------------------------------------------------------------------------------

    def solve(
        self,
        source: Array,
        state: Array = NOTHING,
        update: float = 0.0,
        unknowns: Unknowns | None = None,
    ) -> tuple[Solution, Unknowns]:
        """Solve, from the ``unknowns`` of an earlier solution if there are any.

        ``source`` is heat per volume and time over heat capacity, (own cells, d + 1). ``state`` and ``update`` are
        those of ``Sweeps.run``; the state gets its share of the last correction too.
        """
        x = self.zero() if unknowns is None else unknowns
        image, _ = self._image(x, True, source, state)
        right = image.flat() - x.flat()
        found, iterations, left = self._iterate(right, self._norm(image.flat()))
        x = self._split(x.flat() + found)
        self._sweeps.set_rate(self._rate, detailed=True)
        image, result = self._image(x, True, source, state, update)
        self._sweeps.set_rate(self._rate)
        solution = self._finished(x, image, result, source, state, update)
        solution.iterations, solution.residual = iterations, left
        return solution, x

    def zero(self) -> Unknowns:
        """Nothing, in the shapes of this rank's unknowns."""
        share = self._part.share
        root = self._part.group.rank == 0
        d = self._corners - 1
        faces = len(self._walls.reacting) if root else 0
        return Unknowns(
            np.zeros((share.stop - share.start, self._corners)),
            np.zeros((faces, d, self._sweeps.ordinates.bin_count)),
            np.zeros_like(self._sweeps.kept),
        )

    def _split(self, flat: Array) -> Unknowns:
        like = self.zero()
        bounds = np.cumsum([like.temperature.size, like.returns.size])
        parts = np.split(flat, bounds)
        return Unknowns(
            *(p.reshape(s.shape) for p, s in zip(parts, (like.temperature, like.returns, like.kept), strict=True))
        )

    def _image(
        self, x: Unknowns, sources: bool, source: Array, state: Array = NOTHING, update: float = 0.0
    ) -> tuple[Unknowns, Result]:
        """G x, plus b with the sources."""
        temperature, returns = self._whole(x.temperature), self._returns(x)
        nothing = np.zeros_like(self._sweeps.entering)
        self._sweeps.entering[:] = self._walls.entering(nothing, sources) if sources else 0.0
        self._sweeps.entering[self._walls.reacting] = returns
        self._sweeps.kept[:] = x.kept
        result = self._sweeps.run(temperature, source, state, update)
        lattice = result.moments[0] / self.scattering[:, None]
        entering = self._walls.entering(result.arriving, sources)[self._walls.reacting]
        if self._part.group.rank:
            entering = entering[:0]
        return Unknowns(lattice[self._part.share], entering, self._mirrored(self._sweeps.left)), result

    def _mirrored(self, left: Array) -> Array:
        out = np.zeros_like(left)
        for one in self.keepings:
            images = left[one.image][:, one.source]
            moved = np.take_along_axis(images, one.vertex[None, :, :, None], axis=2)
            out[:, one.slot] += one.factor * moved
        return out * self._sweeps.entering_slots

    def _whole(self, share: Array) -> Array:
        """The slab's own cells from the members' shares."""
        if self._part.group.size == 1:
            return share
        return np.concatenate(self._part.group.allgather(share))

    def _returns(self, x: Unknowns) -> Array:
        return x.returns if self._part.group.size == 1 else self._part.group.bcast(x.returns, root=0)

    def _norm(self, flat: Array) -> float:
        return float(np.sqrt(self._part.comm.allreduce(float(flat @ flat))))

    def _iterate(self, right: Array, scale: float) -> tuple[Array, int, float]:
        """GMRES for (1 - G) x = right; the tolerance is relative to ``scale``."""
        size = self._norm(right)
        if not np.isfinite(size):
            raise SolverError("the temperatures are not finite")
        count = self._part.comm.allreduce(len(right))  # every rank must decide alike
        if size <= max(self._tolerance * scale, _NOTHING * self.driven * self._size() * np.sqrt(count)):
            return np.zeros_like(right), 0, 0.0
        if self.plain:
            return self._plainly(right, scale)
        comm = self._part.comm
        matrix = PETSc.Mat().createPython(((len(right), None), (len(right), None)), _Operator(self), comm=comm)
        matrix.setUp()
        solver = PETSc.KSP().create(comm)
        solver.setOperators(matrix)
        solver.setType("gmres")
        solver.setGMRESRestart(_RESTART)
        solver.setPCSide(PETSc.PC.Side.RIGHT)
        solver.setTolerances(rtol=self._tolerance * scale / size, atol=0.0, max_it=_PASSES)
        solver.getPC().setType("python")
        solver.getPC().setPythonContext(_Preconditioner(self))
        given, found = matrix.createVecs()
        given.array[:] = right
        solver.solve(given, found)
        reason, out = solver.getConvergedReason(), found.array.copy()
        iterations, left = solver.getIterationNumber(), solver.getResidualNorm() / scale
        for one in (solver, matrix, given, found):
            one.destroy()
        if reason < 0:
            raise SolverError(f"the transport has not converged in {iterations} sweeps: {left:.1e} is left")
        return out, iterations, left

    def _plainly(self, right: Array, scale: float) -> tuple[Array, int, float]:
        """Source iteration: what scattering returns of what it returned, until nothing is left."""
        total, change = right.copy(), right
        for count in range(1, _PLAIN_PASSES):
            change = change - self.apply(change)
            total += change
            left = self._norm(change)
            if left <= self._tolerance * scale:
                return total, count, left / scale
        raise SolverError(f"source iteration has not converged in {_PLAIN_PASSES} sweeps")

    def apply(self, flat: Array) -> Array:
        """(1 - G) x."""
        x = self._split(flat)
        nothing = np.zeros((self._part.owned, self._corners))
        return flat - self._image(x, False, nothing)[0].flat()

    def precondition(self, flat: Array) -> Array:
        """An approximate inverse of ``apply``."""
        r = self._split(flat)
        right = self._heat_of(r)
        change = sum((equation.solve(right) for equation in self._equations), np.zeros_like(r.temperature))
        arriving = self._isotropic[:, None, :] * self._traces(self._whole(change))[:, :, None]
        returns = self._walls.entering(arriving, False)[self._walls.reacting]
        if self._part.group.rank:
            returns = returns[:0]
        kept = self._kept_of(self._whole(change))
        return Unknowns(r.temperature + change, r.returns + returns, r.kept + kept).flat()

    def _heat_of(self, r: Unknowns) -> Array:
        """What residuals are in heat, integrated with the test functions of the share's cells."""
        share = self._part.share
        out = self._topology.over_cells(self.scattering[share, None] * r.temperature, share)
        return out + self._at_cells(self._heat_of_returns(r))[share]

    def _heat_of_returns(self, r: Unknowns) -> Array:
        """(boundary faces, d) per area."""
        reacting = self._walls.reacting
        heat = np.zeros((len(self._topology.owner), self._corners - 1))
        heat[reacting] = (self._walls.enters[reacting][:, None] * self._returns(r)).sum(axis=2)
        return heat + self._sweeps.kept_heat(r.kept)

    def _at_cells(self, heat: Array) -> Array:
        """Heat per area that enters at the vertices of boundary faces, as loads of the own cells."""
        owner, place = self._topology.owner, self._topology.place
        loads = self._topology.over_faces(heat)
        out = np.zeros((self._part.owned, self._corners))
        np.add.at(out, (owner[:, None], face_corners(place, self._corners - 1)), loads)
        return out

    def _traces(self, values: Array) -> Array:
        """(boundary faces, d) of values at the own cells."""
        owner, place = self._topology.owner, self._topology.place
        return values[owner[:, None], face_corners(place, self._corners - 1)]

    def _kept_of(self, values: Array) -> Array:
        """What slots return of an isotropic temperature."""
        if not self.keepings:
            return np.zeros_like(self._sweeps.kept)
        traces = self._sweeps.at_slots(self._traces(values))
        o = self._sweeps.ordinates
        like = np.broadcast_to(traces[None, :, :, None], self._sweeps.kept.shape)
        return self._mirrored(np.ascontiguousarray(like) * np.ones(o.bands))

    # -- the solution --------------------------------------------------------------------------------------------------

    def _finished(
        self, x: Unknowns, image: Unknowns, result: Result, source: Array, state: Array, update: float
    ) -> Solution:
        """The last pass with what it did not return, distributed by the leading diffusion equation."""
        left = self._split(image.flat() - x.flat())
        right = self._heat_of(left)
        if self._rate == 0.0:
            # Of the whole cell, what its faces say: sums of half-range fluxes are exact where scattering has to cancel.
            share = self._part.share
            made = self._topology.over_cells(self.capacity[share, None] * source[share], share).sum(axis=1)
            exact = made - result.net[share]
            entering = self._at_cells(self._heat_of_returns(left))[share].sum(axis=1)
            right += ((exact + entering - right.sum(axis=1)) / self._corners)[:, None]
        change = self._whole(self._equations[0].solve(right))
        held = self._stored / self._rate if self._rate > 0.0 else self.capacity[:, None]
        energy = result.moments[1] + held * change
        if state.size:  # what the memory term remembers gets as much heat
            state[:, : self._part.owned] += (update * held / self.capacity[:, None] * change)[None, :, :, None]
        return Solution(
            lattice=self._whole(image.temperature) + change,
            temperature=energy / self.capacity[:, None],
            energy=energy,
            flux=result.moments[2:],
            arriving=result.arriving,
            upwind=result.upwind,
            extra=self._lets_out[:, None] * self._traces(change),
        )


class _Operator:
    """For PETSc."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def mult(self, matrix: Any, given: Any, out: Any) -> None:
        """The product."""
        out.array[:] = self._transport.apply(given.array_r.copy())


class _Preconditioner:
    """For PETSc."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def apply(self, _: Any, given: Any, out: Any) -> None:
        """The product."""
        out.array[:] = self._transport.precondition(given.array_r.copy())


def _by_region(ordinates: Ordinates, factor: Array, part: Part) -> Array:
    """(own cells,) sum over all members' columns of heat times ``factor``."""
    sums = (ordinates.heat * factor * ordinates.solid_angle).sum(axis=1)
    total = np.empty_like(sums)
    part.group.Reduce(sums, total, op=MPI.SUM, root=0)
    part.group.Bcast(total, root=0)
    return total[part.mesh.region[: part.owned]]


def _terms(bands: tuple[Array, Array, Array], rate: float) -> list[list[Term]]:
    """Of the diffusion equations, by region; ``bands`` are scattering, lifetime and speed, (regions, columns)."""
    scattering, lifetime, velocity = bands
    edges = group_edges(list(velocity * lifetime))
    return [
        partial_fractions(gathered(scattering[r], lifetime[r], velocity[r], rate, edges[r]))
        for r in range(len(scattering))
    ]


def _coefficients(
    term: Term, bands: tuple[Array, Array, Array], region: int, rate: float | None
) -> tuple[float, float, float]:
    """Conductivity, absorption and quarter flow of an equation in a region; ``rate`` is given for the leading one.

    The leading one has the quarter flow of all bands, the others that of a gray band with their absorption.
    """
    scattering, lifetime, velocity = (of[region] for of in bands)
    conductivity = float(scattering.sum()) / term.alpha
    if rate is None:
        quarter = conductivity * 0.75 * np.sqrt(term.beta / 3.0)
    else:
        quarter = float((scattering * lifetime * velocity / (1.0 + rate * lifetime)).sum()) / 4.0
    return conductivity, conductivity * term.beta, quarter


_PINNED = 1e-6
"""Absorption, over conductivity and the square of the size, that lets a diffusion equation without walls be solved."""
_NOTHING = 1e-14
_RESTART = 60
_PASSES = 600
"""Most sweeps of one solve."""
_PLAIN_PASSES = 1_000_000
