"""How the participants take turns: which flow is used at once, which a window late, and which is iterated."""

from __future__ import annotations

from .case_model import Case
from .flow import Flow


def flows_of(case: Case) -> list[Flow]:
    """Every flow of the case, in one order on all ranks.

    In a serial scheme the participants advance one after the other: what goes to a later one is used at once. What goes
    to an earlier one, and everything in a parallel scheme, is needed before it is given. An explicit scheme uses it in
    the next window, and amounts are in transit in between; an implicit one repeats the window until what was used is
    what was given.
    """
    return [
        Flow(
            interface=name,
            sender=direction.sender,
            receiver=direction.receiver,
            quantities=direction.quantities,
            lag=int(case.early(direction) and not case.scheme.implicit),
            iterated=case.early(direction) and case.scheme.implicit,
            mapping=direction.mapping or interface.mapping,
            filter=direction.filter,
            noisy=bool(case.participants[direction.sender].noisy),
        )
        for name, interface in case.interfaces.items()
        for direction in interface.directions
    ]
