"""The fixed point of an implicit window: what was used before it was given must be what was given.

All iterated flows of the case make one vector x, of which every rank holds what it receives. One iteration turns x into
x~, what the senders give; the acceleration makes the next x of both. However many participants there are, they are
coupled jointly.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mpi4py import MPI

from .acceleration import create_acceleration
from .cells import Array
from .clock import EVERYONE, Clock
from .errors import ConvergenceError
from .exchange import Flow
from .extrapolation import Extrapolation
from .scheme_model import Scheme
from .traffic import Inflow, changes
from .waiting import wait

log = logging.getLogger("suture")


class FixedPoint:
    """Judges and accelerates the iterations of a window; the same decisions on every rank."""

    def __init__(
        self,
        scheme: Scheme,
        flows: Sequence[Flow],
        inflows: Sequence[Inflow],
        comm: MPI.Comm,
        deadline: float,
        clock: Clock,
    ) -> None:
        assert scheme.convergence and scheme.acceleration, "filled in when an implicit case is loaded"
        self._settings = scheme.convergence
        self._flows = flows
        self._inflows = inflows
        self._comm = comm
        self._deadline = deadline
        self._clock = clock
        self.iteration = 0
        """Iterations of the present window so far."""
        self.unconverged: list[int] = []
        """Windows that went on without having converged."""
        self._iterated = [(flow.name, q) for flow in flows if flow.iterated for q in flow.quantities]
        ends = np.cumsum([0] + [len(self._piece(*field)) for field in self._iterated])
        self._slices = {f: slice(int(a), int(b)) for f, a, b in zip(self._iterated, ends, ends[1:], strict=False)}
        fields = {f"{flow}: {quantity}": part for (flow, quantity), part in self._slices.items()}
        self._acceleration = create_acceleration(scheme.acceleration, fields, self._total)
        self._extrapolation = Extrapolation(fields, self._total) if scheme.extrapolation == "automatic" else None

    def _piece(self, flow: str, quantity: str) -> Array:
        return next((i.course[quantity].ravel() for i in self._inflows if i.flow.name == flow), np.zeros(0))

    def _total(self, share: Array) -> Array:
        share = np.ascontiguousarray(share, dtype=float)
        result = np.empty_like(share)
        request = self._comm.Iallreduce(share, result, op=MPI.SUM)
        with self._clock.span("wait", EVERYONE):
            wait([request], self._deadline, "the other participants at an iteration's end")
        return result

    def begin(self) -> None:
        """A window begins: the inflows hold what is foreseen of it."""
        self.iteration = 0
        if self._extrapolation:
            self._set(self._extrapolation.guess(self._vectors()[0]))
        self._acceleration.begin()

    def taken(self, window: int) -> int:
        """Iterations of the window that was just done; negative where it has not converged."""
        return -self.iteration if window in self.unconverged[-1:] else self.iteration

    def save(self) -> dict[str, Any]:
        """What the acceleration has learnt, and the windows that went on without having converged."""
        return {
            "acceleration": self._acceleration.save(),
            "extrapolation": self._extrapolation.save() if self._extrapolation else {},
            "unconverged": np.array(self.unconverged, dtype=np.int64),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._acceleration.restore(state["acceleration"])
        if self._extrapolation:
            self._extrapolation.restore(state["extrapolation"])
        self.unconverged = state["unconverged"].tolist()

    def judge(self, window: int) -> bool:
        """Whether the window is done; if not, the inflows hold the next iterate. Collective over all participants.

        Raises ``ConvergenceError``, on every rank alike, when a field is no number, and when the window has not
        converged in as many iterations as the case allows and the case does not say to continue.
        """
        self.iteration += 1
        for inflow in self._inflows:
            if inflow.flow.iterated:
                inflow.collect()
        open_fields = self._open_fields(window)
        x, given = self._vectors()
        if not open_fields or self._give_up(window, open_fields):
            self._acceleration.accept(x, given)
            if self._extrapolation:
                self._extrapolation.accept(given)
            return True
        self._set(self._acceleration.update(x, given))
        return False

    def _open_fields(self, window: int) -> list[str]:
        """The fields that still change by more than the case allows, in words."""
        fields = [(flow.name, q) for flow in self._flows for q in flow.quantities]
        pairs = [changes(self._inflows, *field) for field in fields]
        squares = self._total(np.array([[change @ change, value @ value] for change, value in pairs]).reshape(-1, 2))
        still_open = []
        for (flow, quantity), (change, norm) in zip(fields, np.sqrt(squares), strict=True):
            if not np.isfinite(change + norm):
                raise ConvergenceError(
                    f"window {window}, iteration {self.iteration}: {quantity} of {flow} is not a number any more; the "
                    "iteration diverges; try another acceleration ([scheme.acceleration]) or a shorter window"
                )
            relative, absolute = self._settings.limits(quantity)
            if change > max(relative * norm, absolute):
                still_open.append(
                    f"{quantity} of {flow} still changes by {change:.3g}, its norm is {norm:.3g}; "
                    f"allowed {relative:g} of it" + (f", or {absolute:g}" if absolute else "")
                )
        return still_open

    def _give_up(self, window: int, open_fields: Sequence[str]) -> bool:
        if self.iteration < self._settings.max_iterations:
            return False
        message = f"window {window} has not converged in {self.iteration} iterations: " + "; ".join(open_fields)
        if self._settings.at_maximum == "stop":
            raise ConvergenceError(
                message
                + '; raise max_iterations or a tolerance in [scheme.convergence], or say at_maximum = "continue"'
            )
        log.warning(message)
        self.unconverged.append(window)
        return True

    def _vectors(self) -> tuple[Array, Array]:
        mine = {inflow.flow.name: inflow for inflow in self._inflows}
        held = [(mine[flow], quantity) for flow, quantity in self._iterated if flow in mine]
        if not held:
            return np.zeros(0), np.zeros(0)
        return (
            np.concatenate([inflow.course[quantity].ravel() for inflow, quantity in held]),
            np.concatenate([inflow.arrived[quantity].ravel() for inflow, quantity in held]),
        )

    def _set(self, x: Array) -> None:
        for inflow in self._inflows:
            if inflow.flow.iterated:
                name = inflow.flow.name
                inflow.course = {
                    q: x[self._slices[name, q]].reshape(course.shape) for q, course in inflow.course.items()
                }
