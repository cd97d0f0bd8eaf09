"""What a solver raises when the physics or its engine fails."""

from __future__ import annotations


class SolverError(RuntimeError):
    """A solver cannot go on: a state it cannot represent, a diverged step, an error inside its engine."""

    exit_code = 3
    """What the command line returns for it."""
