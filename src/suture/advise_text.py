"""What ``suture advise`` prints."""

from __future__ import annotations

import math
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_FILE_WIDTH = 160
"""Columns where the output is no terminal."""

Tree = dict[str, Any]


def show(tree: Tree, console: Console | None = None) -> None:
    """Print the advice."""
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
    console.print(f"[bold]{escape(tree['title'] or tree['case'])}[/]  ({escape(tree['units'])})")
    console.print(_times(tree["participants"]))
    for name, advice in tree["interfaces"].items():
        console.print(f"[bold]{name}[/]: {advice['advice']}; {advice['why']}")
        if "clock" in advice:
            console.print(escape(_clock(advice["clock"])))
    for line in _window(tree["window"]):
        console.print(line)
    for name, noise in tree["noise"].items():
        if "why" in noise:
            console.print(f"[bold]noise of {name}[/]: {noise['why']}")
            continue
        console.print(_samples(name, noise))
        for line in _proposals(name, noise):
            console.print(line)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value}" if isinstance(value, int) else f"{value:.4g}"


def _times(participants: Tree) -> Table:
    """One row a participant: its length, what happens across it and how long that takes, and what it follows."""
    names = list(dict.fromkeys(name for one in participants.values() for name in one["times"]))
    table = Table(title="times in which it relaxes", title_justify="left")
    for column in ("", "length", *names, "to follow"):
        table.add_column(column, justify="right" if column else "left")
    for name, one in participants.items():
        times = [_number(one["times"].get(what)) for what in names]
        told = one["times"] or one["resolves"]
        table.add_row(name, _number(one["length"]) if told else "cannot tell", *times, _number(one["resolves"]))
    return table


def _clock(proposed: Tree) -> str:
    text = f"or, where only the steady state is wanted: clock = {proposed['clock']:.12g}"
    text += f" in [participants.{proposed['participant']}]"
    return text if proposed["window"] is None else f"{text}, with a window of at most {proposed['window']:.3g}"


def _window(window: Tree) -> list[str]:
    if window["longest"] is None:
        return []
    now, longest = window["now"], window["longest"]
    text = f"[bold]window[/] {now:g}: at most {longest:.3g}, to follow {window['because']}"
    if now > longest and window["proposed"] is not None:
        return [f"{text}; set window to {window['proposed']:.12g}"]
    return [f"{text}; it is {'too long' if now > longest else 'short enough'}"]


def _samples(name: str, noise: Tree) -> Table:
    cell = " × ".join(f"{edge:.4g}" for edge in noise["edges"])
    title = f"noise of {name}: one cell of {cell}, to {100 * noise['error']:g} %"
    if "velocity" in noise["quantities"]:
        title += f" of U = {noise['velocity']:g} and of the other means"
    table = Table(title=title, title_justify="left")
    for column in (
        "",
        "σ of a sample",
        "wanted",
        "samples",
        "correlation time",
        "time of a run",
        "members",
        "or cell",
    ):
        table.add_column(column, justify="right" if column else "left")
    for quantity, q in noise["quantities"].items():
        numbers = [q["deviation"], q["wanted"], math.ceil(q["samples"]), q["correlation_time"], q["time"]]
        table.add_row(quantity, *map(_number, [*numbers, q["members"], q["volume"]]))
    return table


def _proposals(name: str, noise: Tree) -> list[str]:
    windows = noise["windows"]
    lines = [
        f"averaged over {noise['over']:.3g}, {windows} window{'s' if windows > 1 else ''}, that takes so many members "
        "of an ensemble, or one run with a cell of that volume"
    ]
    members = max(q["members"] for q in noise["quantities"].values())
    if members > 1:
        lines.append(f"for all of them: ensemble = {{ members = {members} }} in [participants.{name}.solver]")
    longest = min(noise["filter"], windows)
    if longest > 1:
        text = (
            f'filter = {{ kind = "moving-window", windows = {longest} }} is as much as can go back into a running case'
        )
    else:
        text = "no filter of what goes into a running case: even two windows come later than it must follow"
    lines.append(text)
    if "velocity" not in noise["quantities"]:
        lines.append("the case names no speed: give one with --velocity")
    return [escape(line) for line in lines]
