"""How the participants take turns: which flow is used in the window in which it was given, and which in the next."""

from __future__ import annotations

from .case_model import Case
from .exchange import Flow


def flows_of(case: Case) -> list[Flow]:
    """Every flow of the case, in one order on all ranks.

    In a serial scheme the participants advance one after the other: what goes to a later one is used in the same
    window, what goes to an earlier one in the next. In a parallel scheme all advance at once and everything is used in
    the next window; its amounts are in transit in between.
    """
    return [
        Flow(
            interface=name,
            sender=direction.sender,
            receiver=direction.receiver,
            quantities=direction.quantities,
            lag=case.lag(direction),
        )
        for name, interface in case.interfaces.items()
        for direction in interface.directions
    ]
