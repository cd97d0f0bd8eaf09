"""The coupled loop."""

from __future__ import annotations

from .ledger import Ledger
from .participant import Participant


def run(me: Participant) -> Ledger:
    """Advance one participant, window by window, to the end of the case; all participants run this loop."""
    with me:
        me.create()  # the solver, and an adapter for each of its interfaces
        for window in me.windows():  # meets the others and opens the books first
            for _ in me.iterations(window):  # exactly one where the scheme is explicit
                me.receive(window)  # states and amounts in
                for dt in window.steps(lambda: me.max_dt):
                    me.advance(window, dt)  # what crosses in a step joins the window's amounts
                me.send(window)  # states and amounts out
            me.close(window)  # collective: the books balance, or ConservationError
            me.write(window)  # fields
        return me.ledger
