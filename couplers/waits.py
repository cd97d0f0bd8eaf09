"""Who waits for whom: told from the case alone, so that a circular wait is found before anything starts.

Participants wait for messages, and all for all in collective calls; stages wait for files. Only the latter can be put
into a circle by a case. Whatever the interfaces and the scheme are, participants come to the end: everybody gives
initial states before taking any, and what is taken before a window is computed comes from participants that are
earlier in the order, or from the window before. ``programme`` is what ``Participant`` does, and ``stuck`` plays it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from .case_mistakes import Review, shown
from .case_model import Case, Stage
from .flow import Flow
from .kinds import load_stage

Step = tuple[Literal["give", "clear", "take", "meet"], str]
"""What a participant does, and with which flow: it gives a message when the one before has been taken, as of messages
that are too large for a buffer; ``clear`` waits until it has been; ``meet`` is a collective call of all."""
_MEET: Step = ("meet", "")
_PLAYED = 3
"""Windows that are played: in later ones the same happens as in the third."""
_ITERATIONS = 2


def programme(name: str, flows: Sequence[Flow], implicit: bool) -> list[Step]:
    """The steps at which a participant may have to wait, in the order of ``Participant``."""
    gives = [flow.name for flow in flows if flow.sender == name]
    takes = [flow for flow in flows if flow.receiver == name]
    late, iterated = ([flow.name for flow in takes if getattr(flow, key)] for key in ("lag", "iterated"))
    steps = [_MEET, *_all("give", gives), *_all("take", [flow.name for flow in takes]), *_all("clear", gives), _MEET]
    for window in range(_PLAYED):
        before = [flow.name for flow in takes if not flow.iterated and (window or not flow.lag)]
        for _ in range(_ITERATIONS if implicit else 1):
            steps += [*_all("take", before), *_all("give", gives), *_all("take", iterated), *[_MEET] * implicit]
        steps.append(_MEET)
    return [*steps, *_all("take", late), *_all("clear", gives)]


def _all(verb: Literal["give", "clear", "take"], flows: Sequence[str]) -> Iterator[Step]:
    return ((verb, flow) for flow in flows)


def stuck(programmes: Mapping[str, Sequence[Step]], flows: Sequence[Flow]) -> list[str]:
    """The participants that wait for one another in a circle, each for the next; none where all come to their end."""
    at = dict.fromkeys(programmes, 0)
    on_the_way = {flow.name: 0 for flow in flows}

    def may(name: str) -> bool:
        verb, flow = programmes[name][at[name]]
        if verb == "meet":
            return all(_MEET in steps[at[each] : at[each] + 1] for each, steps in programmes.items())
        return (on_the_way[flow] > 0) == (verb == "take")

    def left() -> list[str]:
        return [name for name, steps in programmes.items() if at[name] < len(steps)]

    while able := [name for name in left() if may(name)]:
        for name in programmes if programmes[able[0]][at[able[0]]] == _MEET else able[:1]:
            verb, flow = programmes[name][at[name]]
            at[name] += 1
            if flow:
                on_the_way[flow] += {"give": 1, "take": -1, "clear": 0}[verb]
    return _circle({name: _awaited(name, programmes, at, flows) for name in left()})


def _awaited(
    name: str, programmes: Mapping[str, Sequence[Step]], at: Mapping[str, int], flows: Sequence[Flow]
) -> str | None:
    verb, flow = programmes[name][at[name]]
    if verb == "meet":
        return next((each for each, steps in programmes.items() if _MEET not in steps[at[each] : at[each] + 1]), None)
    ends = next((each.sender, each.receiver) for each in flows if each.name == flow)
    return ends[verb != "take"]


def _circle(awaited: Mapping[str, str | None]) -> list[str]:
    """Names that lead to one another, from any of them; empty without any."""
    seen: list[str] = []
    name = next(iter(awaited), None)
    while name is not None and name not in seen:
        seen.append(name)
        name = awaited.get(name)
    return seen[seen.index(name) :] if name is not None else seen


def check_waits(case: Case, flows: Sequence[Flow], review: Review) -> None:
    """Note where stages wait for one another or for the run, where one comes too early, and where participants do.

    A stage waits for the files that it reads.
    """
    circle = stuck({name: programme(name, flows, case.scheme.implicit) for name in case.participants}, flows)
    if circle:
        found = f"a circular wait: {_chain(circle)}"
        review.add(("scheme", "kind"), found, "an order in which everybody comes to the end")
    makers: dict[Path, str] = {}
    for name, stage in case.stages.items():
        for path in _made(case, stage):
            if makers.setdefault(path, name) != name:
                allowed = "an output whose files no other stage writes"
                found = f"{_file(case, path)}, which the stage {makers[path]!r} writes too"
                review.add(("stages", name, "output"), found, allowed, "name another file")
    needs = {name: dict(_needs(case, stage, makers)) for name, stage in case.stages.items()}
    told: set[str] = set()
    for name, stage in case.stages.items():
        for path in load_stage(stage.kind).inputs(stage.settings, case.directory):
            if _absolute(path).is_relative_to(_absolute(case.directory / "RUN")):
                found = (
                    f"{_file(case, path)}, which the run writes: a circular wait, since the run waits for all stages"
                )
                place = ("stages", name, *_key(case, stage, path))
                review.add(place, found, "files that are there before the run", "copy it to another folder")
        if name not in told:
            told |= _check_stage(case, name, needs, review)


def _check_stage(case: Case, name: str, needs: Mapping[str, Mapping[str, Path]], review: Review) -> set[str]:
    """Note that a stage waits for itself, or comes before one whose file it reads; returns the stages of the circle."""
    circle = _way(name, name, needs)
    early = [other for other in needs[name] if list(needs).index(other) > list(needs).index(name)]
    if not circle and not early:
        return set()
    other = circle[1] if circle else early[0]
    place = ("stages", name, *_key(case, case.stages[name], needs[name][other]))
    file = _file(case, needs[name][other])
    if circle:
        found = f"{file}, a circular wait: {_chain(circle[:-1])}"
        review.add(place, found, "files that no stage makes, or one that does not wait for it", "name another file")
    else:
        remedy = f"write [stages.{other}] before [stages.{name}]: stages are done in the order of their tables"
        review.add(place, f"{file}, which the stage {other!r} makes later", "files of the stages before", remedy)
    return set(circle)


def _absolute(path: Path) -> Path:
    """Without a look at the disk, on which there may be no such name."""
    return Path(os.path.abspath(path))


def _file(case: Case, path: Path) -> str:
    return shown(os.path.relpath(_absolute(path), case.directory))


def _chain(names: Sequence[str]) -> str:
    return " waits for ".join(map(repr, [*names, names[0]]))


def _made(case: Case, stage: Stage) -> list[Path]:
    beside = load_stage(stage.kind).beside(stage.settings, case.directory)
    return [_absolute(path) for path in (case.directory / stage.settings.output, *beside)]


def _needs(case: Case, stage: Stage, makers: Mapping[Path, str]) -> Iterator[tuple[str, Path]]:
    """The stages whose files a stage reads, with one of the files."""
    for path in map(_absolute, load_stage(stage.kind).inputs(stage.settings, case.directory)):
        if path in makers:
            yield makers[path], path


def _way(begin: str, end: str, needs: Mapping[str, Mapping[str, Path]]) -> list[str]:
    """Stages that lead from one to another, each needing the next, both ends included; empty without any."""
    reached = {other: [begin, other] for other in needs[begin]}
    unread = list(reached)
    while unread and end not in reached:
        one = unread.pop(0)
        for other in needs[one]:
            if other not in reached:
                reached[other] = [*reached[one], other]
                unread.append(other)
    return reached.get(end, [])


def _key(case: Case, stage: Stage, path: Path) -> tuple[str, ...]:
    """The setting that names a file, or whose file it stands beside; none where a script names it."""
    for key in type(stage.settings).model_fields:
        value = getattr(stage.settings, key)
        if (
            key != "output"
            and isinstance(value, str)
            and _absolute(case.directory / value).parent == _absolute(path).parent
        ):
            if path.name.startswith(Path(value).stem):
                return (key,)
    return ()
