"""What can be said of an ensemble before the run."""

from __future__ import annotations

from ..couplers.kind import CheckRequest
from ..solvers.md.settings import EnsembleSettings
from ..solvers.md.trial import ScriptFacts

ROW = "ensemble"
"""Row of what members that came or went have changed the mean inventory by."""


def check_ensemble(request: CheckRequest, facts: ScriptFacts) -> None:
    """Refuse members that cannot be shared out, would be alike, or whose number has nothing to follow."""
    ensemble: EnsembleSettings | None = request.solver.ensemble
    if ensemble is None:
        return
    _check_groups(request, ensemble)
    _check_seed(request, facts)
    if ensemble.most is None:
        _check_fixed(request, ensemble)
    else:
        _check_range(request, ensemble, ensemble.most)


def _table(request: CheckRequest) -> str:
    return f"participants.{request.participant}.solver.ensemble"


def _check_groups(request: CheckRequest, ensemble: EnsembleSettings) -> None:
    groups, ranks = ensemble.groups, request.ranks
    if ranks % groups:
        divisors = ", ".join(str(n) for n in range(1, ranks + 1) if ranks % n == 0)
        found = f"{groups} groups of {ranks} {'rank' if ranks == 1 else 'ranks'}"
        remedy = f"give {request.participant} a multiple of {groups} ranks, or other groups"
        raise request.report(_table(request), "groups", found, f"groups of equal size: {divisors}", remedy)
    for key, number in (("members", ensemble.members), ("most", ensemble.most)):
        if number is not None and number % groups:
            allowed = f"as many in each group, or ranks would wait: {groups}, {2 * groups}, …"
            raise request.report(_table(request), key, f"{number} members in {groups} groups", allowed)


def _check_seed(request: CheckRequest, facts: ScriptFacts) -> None:
    if "seed" not in facts.variables:
        script = request.solver.script
        raise request.report(
            _table(request),
            "members",
            f"{request.solver.ensemble.members}, where {script} has no variable 'seed'",
            "members with random numbers of their own",
            f"add 'variable seed index 1' to {script}, and use it wherever it draws random numbers",
        )


def _check_fixed(request: CheckRequest, ensemble: EnsembleSettings) -> None:
    if ensemble.error:
        found = f"{dict(ensemble.error)}, where 'members' is a fixed number"
        allowed = "an error that the number of members can follow"
        raise request.report(_table(request), "error", found, allowed, "give the 'most' members that there may be")


def _check_range(request: CheckRequest, ensemble: EnsembleSettings, most: int) -> None:
    table = _table(request)
    if most <= ensemble.members:
        allowed = f"more than 'members', {ensemble.members}, which are the fewest"
        raise request.report(table, "most", str(most), allowed, "leave it out for a fixed number")
    if ensemble.members < 2:
        allowed = "at least 2 where the number follows 'error', which is told from their differences"
        raise request.report(table, "members", str(ensemble.members), allowed)
    if not ensemble.error:
        found = f"{most}, without 'error'"
        allowed = "with the error that the number of members is to follow"
        raise request.report(table, "most", found, allowed, "add 'error = { momentum = 0.1 }', or leave 'most' out")
    if ROW in request.solver.walls:
        raise request.report(
            f"participants.{request.participant}.solver.walls",
            ROW,
            f"a wall named '{ROW}'",
            "another name: it is the row of what members that come or go change",
        )
