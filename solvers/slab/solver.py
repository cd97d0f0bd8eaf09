"""The time stepper: implicit finite volumes with a book of what crosses each end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from ..errors import SolverError
from ..stages import STAGES
from .faces import Condition, Face, GivenFlux, GivenTemperature, SeamFace
from .settings import ENDS, Convection, End, Flux, Seam, SlabSettings, Temperature

Array = NDArray[np.float64]
Book = dict[str, Array]


class Slab:
    """Heat conduction c dT/dt = d/dx (k dT/dx) + s on a uniform grid, with k and c constant in each cell.

    The conductance between two centres is that of two half cells in a row, so that a jump of the conductivity between
    cells costs no accuracy. Second order in the spacing; in the step as ``time_integration`` says. The whole slab is
    held by whoever makes it. Energies are c T summed over the volume: temperature 0 holds none.
    """

    def __init__(self, settings: SlabSettings) -> None:
        self.settings = settings
        self.time = 0.0
        self._stages = STAGES[settings.time_integration]
        self._spacing = settings.length / settings.cells
        self._points = settings.positions(settings.centres())
        conductivity = self._field("conductivity", positive=True)
        self._capacity = self._field("capacity", positive=True)
        self.temperature = self._field("initial")
        """Of each cell, (cells,)."""
        resistance = 0.5 * self._spacing / conductivity
        self._conductance = 1.0 / (resistance[1:] + resistance[:-1])
        self._faces: dict[End, Face] = {end: self._create_face(end, 1.0 / resistance[i]) for end, i in _CELLS.items()}
        self._crossed = dict.fromkeys(ENDS, 0.0)
        named = [end for end in ENDS if end not in self.seams] + (["source"] if settings.source is not None else [])
        self._rows = dict.fromkeys(named, 0.0)

    def _field(self, name: str, positive: bool = False) -> Array:
        values = np.array(getattr(self.settings, name)(**self._points))
        bad = ~(np.isfinite(values) & (values > 0.0)) if positive else ~np.isfinite(values)
        if bad.any():
            where = self.settings.centres()[np.argmax(bad)]
            allowed = "a positive number" if positive else "a number"
            raise SolverError(
                f"{name} is {values[np.argmax(bad)]:g} at {self.settings.axis} = {where:g}; it must be {allowed}"
            )
        return values

    def _create_face(self, end: End, conductance: float) -> Face:
        boundary = self.settings.boundaries[end]
        match boundary:
            case Temperature():
                return GivenTemperature(boundary.temperature, conductance)
            case Convection():
                both = 1.0 / (1.0 / conductance + 1.0 / boundary.coefficient)
                return GivenTemperature(boundary.temperature, both)
            case Flux():
                return GivenFlux(boundary.flux)
            case Seam():
                corner = (self.settings.lower, self.settings.upper)[ENDS.index(end)]
                place = self.settings.positions(np.array([corner[self.settings.direction]]))
                initial = float(self.settings.initial(**place)[0])
                return SeamFace(conductance, len(self._stages) > 1, initial, float(self.temperature[_CELLS[end]]))

    # -- the protocol of a solver --------------------------------------------------------------------------------------

    @property
    def max_dt(self) -> float:
        """The step of the settings."""
        return self.settings.step

    def advance(self, dt: float) -> None:
        """Advance by ``dt``: one step where ``step`` allows it, else as many equal steps as it takes."""
        self._crossed = dict.fromkeys(ENDS, 0.0)
        steps = math.ceil(dt / self.settings.step - 1e-9) or 1
        for _ in range(steps):
            self._step(dt / steps)
        for end in ENDS:
            if end in self._rows:
                self._rows[end] += self._crossed[end]

    def inventory(self) -> Book:
        """The heat in the slab."""
        return _book(float((self._capacity * self.temperature).sum()) * self._spacing * self.settings.area)

    def rows(self) -> dict[str, Book]:
        """What the outer ends and the source have added so far."""
        return {name: _book(value) for name, value in self._rows.items()}

    def save(self) -> dict[str, Any]:
        """Temperatures, rows and what the seams remember."""
        return {
            "time": self.time,
            "temperature": self.temperature.copy(),
            "rows": dict(self._rows),
            "seams": {end: face.save() for end, face in self.seams.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.time = state["time"]
        self.temperature = state["temperature"].copy()
        self._rows = dict(state["rows"])
        for end, face in self.seams.items():
            face.restore(state["seams"][end])

    # -- seams ---------------------------------------------------------------------------------------------------------

    @property
    def seams(self) -> dict[End, SeamFace]:
        """The ends that a partner shares."""
        return {end: face for end, face in self._faces.items() if isinstance(face, SeamFace)}

    def seam(self, end: End) -> SeamFace:
        """The seam at an end. Raises ``SolverError`` where there is none."""
        if end not in self.seams:
            raise SolverError(f"the slab has no seam at its {end} end")
        return self.seams[end]

    def condition(self, end: End, condition: Condition, coefficient: float = 0.0) -> None:
        """Say what a seam takes: ``flux`` unless another one is named; ``robin`` needs its coefficient."""
        face = self.seam(end)
        face.condition, face.coefficient = condition, coefficient

    def crossed(self, end: End) -> float:
        """The heat that entered at an end in the last ``advance``: the sum of what the cells' balances used."""
        return self._crossed[end]

    # -- stepping ------------------------------------------------------------------------------------------------------

    def _step(self, dt: float) -> None:
        """One step of a diagonally implicit Runge-Kutta method whose last stage is the step's end."""
        flux = np.zeros((len(self._stages), len(self.temperature) + 1))
        made = np.zeros((len(self._stages), len(self.temperature)))
        for number, weights in enumerate(self._stages):
            known = np.tensordot(weights[:-1], flux[:number, :-1] - flux[:number, 1:] + made[:number], axes=1)
            part = 1.0 if number == len(self._stages) - 1 else sum(weights)
            flux[number], made[number] = self._stage(dt, part, weights[-1], known)
        mean, made_mean = np.asarray(self._stages[-1]) @ flux, np.asarray(self._stages[-1]) @ made
        # The cells take what these fluxes bring, so that the books owe nothing to the accuracy of the linear solves.
        gain = mean[:-1] - mean[1:] + made_mean
        self.temperature = self.temperature + dt / (self._spacing * self._capacity) * gain
        self._book(dt, mean, made_mean)
        ends = {"lower": flux[-1, 0], "upper": -flux[-1, -1]}
        for end, face in self.seams.items():
            face.finish(self.time, dt, float(self.temperature[_CELLS[end]]), float(ends[end]))
        self.time += dt

    def _stage(self, dt: float, part: float, weight: float, known: Array) -> tuple[Array, Array]:
        """Rates per area at a stage: through every face along the axis, (cells + 1,), and made in every cell.

        The stage lies ``part`` of the step after its begin; ``known`` is what the stages before it have brought, and
        its own rates count with ``weight``.
        """
        lines: dict[End, tuple[float, float]] = {
            end: face.line(self.time, dt, part) for end, face in self._faces.items()
        }
        made = self._made(self.time + part * dt) * self._spacing
        now = self.temperature + self._solve(dt, weight, lines, known, made)
        inner = -self._conductance * np.diff(now)
        rates = {end: a - b * now[_CELLS[end]] for end, (a, b) in lines.items()}
        return np.concatenate([[rates["lower"]], inner, [-rates["upper"]]]), made

    def _made(self, time: float) -> Array:
        """What the source makes per volume and time."""
        if self.settings.source is None:
            return np.zeros_like(self.temperature)
        return self.settings.source(**self._points, t=time)

    def _solve(
        self, dt: float, weight: float, lines: dict[End, tuple[float, float]], known: Array, made: Array
    ) -> Array:
        """The change of the cells' temperatures to a stage: its implicit equations, linear in it."""
        begin, g, n = self.temperature, self._conductance, len(self.temperature)
        flux = -g * np.diff(begin)
        excess = np.array(made)
        excess[:-1] -= flux
        excess[1:] += flux
        bands = np.zeros((3, n))
        bands[0, 1:] = bands[2, :-1] = -weight * g
        bands[1] = self._spacing * self._capacity / dt
        bands[1, :-1] += weight * g
        bands[1, 1:] += weight * g
        for end, i in _CELLS.items():
            a, b = lines[end]
            excess[i] += a - b * begin[i]
            bands[1, i] += weight * b
        right = known + weight * excess
        # A diverging iteration of a coupled run passes through here: who repeats the window says so, not the algebra.
        with np.errstate(all="ignore"):
            return solve_banded((1, 1), bands, right, check_finite=False) if n > 1 else right / bands[1]

    def _book(self, dt: float, flux: Array, made: Array) -> None:
        area = self.settings.area
        self._crossed["lower"] += float(flux[0]) * dt * area
        self._crossed["upper"] -= float(flux[-1]) * dt * area
        if self.settings.source is not None:
            self._rows["source"] += float(made.sum()) * dt * area


_CELLS: dict[End, int] = {"lower": 0, "upper": -1}


def _book(energy: float) -> Book:
    return {"energy": np.array([energy])}
