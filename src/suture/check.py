"""``suture check``: is the case in order, and how is it coupled?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from .couplers.case import load_case, load_kinds
from .couplers.case_mistakes import Review
from .couplers.case_model import Case, Direction, Interface, Participant
from .couplers.clocks import caution
from .couplers.errors import CaseError
from .couplers.kind import CheckRequest, Estimate
from .couplers.kinds import load_stage
from .couplers.scheme import flows_of
from .couplers.stage import StageCheckRequest, StageKind, stale
from .couplers.waits import check_waits

_FILE_WIDTH = 160
"""Columns where the output is no terminal."""
_MOST_STEPS = 1e9
"""Native steps in a window: more are a slip of the pen."""

Estimates = Mapping[str, Estimate]


def check(path: Path, console: Console | None = None) -> None:
    """Check the case and its inputs without starting MPI, and print how it is coupled; ``CaseError`` if it is wrong."""
    case = load_case(path)
    estimates = verify_case(case)
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
    console.print(draw(case, estimates))


def verify_case(case: Case) -> dict[str, Estimate]:
    """Let every kind check its participant or stage: files, scripts, grids.

    Raises ``CaseError`` with the mistakes of all of them; returns what their work will be, where their kinds can tell.
    """
    review = Review(case.file)
    estimates: dict[str, Estimate] = {}
    for name, kind in load_kinds(case).items():
        try:
            estimate = kind.check(request_of(case, name, review))
        except CaseError as error:
            review.absorb(error)
        else:
            estimates.update({} if estimate is None else {name: estimate})
            if estimate is not None and not estimate.steps <= _MOST_STEPS:
                found = f"{estimate.steps:.3g} steps in a window of {case.window_of(name):g}"
                remedy = "a longer step or a shorter window, in this participant's unit of time"
                review.add(("participants", name, "solver"), found, f"at most {_MOST_STEPS:.0e} steps", remedy)
    made: frozenset[Path] = frozenset()
    for name, stage in case.stages.items():
        kind = load_stage(stage.kind)
        try:
            kind.check(StageCheckRequest(name, case.directory, stage.settings, review.error, made))
        except CaseError as error:
            review.absorb(error)
        made |= made_by(kind, stage.settings, case.directory)
    if not review.mistakes:  # what stages read is known of files that are there
        check_waits(case, flows_of(case), review)
    review.close()
    return estimates


def request_of(case: Case, name: str, review: Review) -> CheckRequest:
    """One participant of a case as its kind is asked about it."""
    participant = case.participants[name]
    return CheckRequest(
        participant=name,
        case=case.directory,
        solver=participant.solver,
        interfaces={key: interface.sides[name] for key, interface in case.interfaces_of(name).items()},
        window=case.window_of(name),
        ranks=participant.ranks,
        made=frozenset().union(
            *(made_by(load_stage(stage.kind), stage.settings, case.directory) for stage in case.stages.values())
        ),
        report=review.error,
        units=participant.unit_system,
        exchanged={key: interface.exchange_of(name) for key, interface in case.interfaces_of(name).items()},
        partners={
            key: (other, case.participants[other].solver)
            for key, interface in case.interfaces_of(name).items()
            for other in interface.sides
            if other != name
        },
    )


def made_by(kind: StageKind, settings: Any, case: Path) -> frozenset[Path]:
    """All files that a stage makes."""
    return frozenset({case / settings.output, *kind.beside(settings, case)})


def draw(case: Case, estimates: Estimates) -> Tree:
    """The coupling as a tree: windows, scheme, participants, interfaces, stages, cost."""
    tree = Tree(f"[bold]{escape(case.title or case.directory.name)}[/]  {escape(str(case.file))}")
    growing = f", each at most {case.time.growth:g} times as long as the one before" if case.time.growth > 1.0 else ""
    tree.add(
        f"{case.windows} windows of {case.time.window:g}{growing}, to {case.time.end:g} ({escape(str(case.units))})"
    )
    tree.add(f"{case.scheme.kind}: {_turns(case)}")
    for line in _iterating(case):
        tree.add(line)
    if said := caution(case.clocks):
        tree.add(f"the ledger {said}")
    tree.add(f"the books must balance to {case.ledger.tolerance:g} of throughput")
    participants = tree.add(f"participants: {_counted(case.ranks, 'rank')}")
    for name, participant in case.participants.items():
        participants.add(_participant(name, participant, estimates.get(name)))
    interfaces = tree.add("interfaces" if case.interfaces else "no interfaces")
    for name, interface in case.interfaces.items():
        _add_interface(interfaces.add(f"[bold]{name}[/]: {' | '.join(interface.sides)}"), case, interface)
    if case.stages:
        stages = tree.add("stages, before the run")
        for name, stage in case.stages.items():
            state = _state(load_stage(stage.kind), stage.settings, case.directory)
            stages.add(f"[bold]{name}[/]: {stage.kind}; {escape(stage.settings.output)} {escape(state)}")
    if case.stages or len(case.participants) > 1:
        tree.add("no circular wait")  # or the case would have been refused
    tree.add(f"cost: {_cost(case, estimates)}")
    return tree


def _state(kind: StageKind, settings: Any, case: Path) -> str:
    try:
        why = stale(kind, settings, case)
    except FileNotFoundError as error:
        # Stages before it make what it needs, or the check would have said so.
        why = f"{Path(error.filename).name} comes first"
    return "is kept" if why is None else f"will be made: {why}"


def _turns(case: Case) -> str:
    if len(case.participants) == 1:
        return f"{case.order[0]} alone"
    implicit = case.scheme.implicit
    if case.scheme.parallel:
        turns = f"{', '.join(case.order)} at once; "
        return turns + (
            "every window until it has converged" if implicit else "what is given is used in the next window"
        )
    turns = ", then ".join(case.order) + "; "
    return turns + ("every window until it has converged" if implicit else "what goes back is used in the next window")


def _iterating(case: Case) -> list[str]:
    """When an implicit window is done, and how it gets there."""
    done, faster = case.scheme.convergence, case.scheme.acceleration
    if done is None or faster is None:
        return []
    fields = "".join(f", {name} {done.limits(name)[0]:g}" for name in done.fields)
    after = "then the run stops" if done.at_maximum == "stop" else "then it goes on"
    return [
        f"a window is done when fields change by {done.relative:g} of their norm{fields}; "
        f"at most {_counted(done.max_iterations, 'iteration')}, {after}; acceleration: {faster.kind}"
    ]


def _participant(name: str, participant: Participant, estimate: Estimate | None) -> str:
    text = f"[bold]{name}[/]: {participant.kind}, {_counted(participant.ranks, 'rank')}, "
    text += f"units {escape(str(participant.unit_system))}"
    text += f", clock {participant.clock:g}" if participant.clock != 1.0 else ""
    if estimate is not None:
        text += f"; {escape(estimate.size)}, {_counted(f'{estimate.steps:.4g}', 'step')} a window"
        if estimate.seconds is not None:
            text += f", about {_duration(estimate.seconds)} a window"
    return text


def _add_interface(branch: Tree, case: Case, interface: Interface) -> None:
    for direction in interface.directions:
        mapping = (direction.mapping or interface.mapping).kind
        how = "" if mapping == "automatic" else f"; mapped by {mapping}"
        how += f"; smoothed by {direction.filter.kind}" if direction.filter else ""
        branch.add(f"{direction.sender} → {direction.receiver}: {_what(direction)} — {_when(case, direction)}{how}")


def _what(direction: Direction) -> str:
    parts = []
    if direction.amounts:
        parts.append(f"amounts: {', '.join(direction.amounts)}")
    if direction.states:
        parts.append(f"states: {', '.join(direction.states)}")
    return "; ".join(parts)


def _when(case: Case, direction: Direction) -> str:
    if case.early(direction):
        return "iterated until it has converged" if case.scheme.implicit else "used in the next window"
    return f"used in the same window: {direction.receiver} waits for {direction.sender}"


def _cost(case: Case, estimates: Estimates) -> str:
    """Computing time of the whole run, as far as the kinds can tell."""
    known = [estimate.seconds for estimate in estimates.values() if estimate.seconds is not None]
    silent = [name for name in case.participants if name not in estimates or estimates[name].seconds is None]
    if not known:
        return "not known"
    window = max(known) if case.scheme.parallel else sum(known)
    text = f"about {_duration(window * case.windows)} on {_counted(case.ranks, 'core')}"
    return text + (f", without {', '.join(silent)}" if silent else "")


def _counted(number: int | str, thing: str) -> str:
    return f"{number} {thing}" + ("" if str(number) == "1" else "s")


def _duration(seconds: float) -> str:
    for limit, unit, size in ((1.0, "ms", 1e-3), (120.0, "s", 1.0), (7200.0, "min", 60.0)):
        if seconds < limit:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds / 3600.0:.3g} h"
