"""Mistakes at open ends, and where particles have two planes: told before the run."""

from __future__ import annotations

import pytest

from .complaints import edited, require, suture
from .open_case import CASE, SCRIPT, lay_out

ABOVE, BELOW = "[interfaces.above.sides.channel]", "[interfaces.below.sides.channel]"
UPPER = 'beyond = "above"\nat = 10.0\nslabs = 2\nthickness = 2.45\nopen = { relaxation = 1.0 }'


def upper(*edits: tuple[str, str]) -> tuple[str, str]:
    """An edit of the upper side."""
    return UPPER, edited(UPPER, *edits)


MISTAKES = {
    "a thin buffer": (
        upper(("thickness = 2.45", "thickness = 1.2")),
        f"{ABOVE} thickness",
        "a buffer of 2.4",
        "longer than 2.84",
    ),
    "an end where the box ends": (
        upper(("thickness = 2.45", "thickness = 3.0")),
        f"{ABOVE} thickness",
        "an open end at 16",
        "since the end moves with the fluid",
    ),
    "a buffer that leaves the box": (
        upper(("thickness = 2.45", "thickness = 3.5")),
        f"{ABOVE} thickness",
        "the buffer ends at 17",
        "-1 to 16",
    ),
    "a buffer that leaves the box below": (
        ("at = 5.0\nslabs = 2\nthickness = 2.45", "at = 5.0\nslabs = 2\nthickness = 3.5"),
        f"{BELOW} thickness",
        "the buffer ends at -2",
    ),
    "a piston beside it": (
        upper(("open = { relaxation = 1.0 }", 'open = {}\npiston = "lid"')),
        f"{ABOVE} piston",
    ),
    "an unknown key": (
        upper(("relaxation = 1.0", "relaxtion = 3.0")),
        f"{ABOVE[:-1]}.open] relaxtion",
        'did you mean "relaxation"?',
    ),
    "a relaxation without strength": (
        upper(("open = {", 'impose = { kind = "relaxation" }\nopen = {')),
        f"{ABOVE[:-1]}.impose] strength",
    ),
    "a relaxation of all": (
        upper(("open = {", 'impose = { kind = "relaxation", strength = 1.0 }\nopen = {')),
        f"{ABOVE[:-1]}.impose] strength",
        "less than 1",
    ),
    "a way to impose that is not known": (
        upper(("open = {", 'impose = { kind = "maxwell" }\nopen = {')),
        f"{ABOVE[:-1]}.impose] kind",
        'did you mean "maxwellian"?',
    ),
    "fluctuations of what fluctuates": (
        upper(("open = { relaxation = 1.0 }", 'impose = { kind = "maxwellian" }\nopen = { fluctuations = true }')),
        f"{ABOVE[:-1]}.open] fluctuations",
        "true, beside impose.kind 'maxwellian'",
        "have the right fluctuation in the mean of a slab already",
    ),
    "a relaxation within a window": (
        upper(("relaxation = 1.0", "relaxation = 0.5")),
        f"{ABOVE[:-1]}.open] relaxation",
        "greater than or equal to 1",
    ),
    "two planes above": (
        ('beyond = "below"\n', 'beyond = "above"\n'),
        "[interfaces.",
        "beyond",
        "the interior lies between two planes",
    ),
    "a closed end of two": (
        upper(("\nopen = { relaxation = 1.0 }", "")),
        f"{ABOVE} open",
        "no open end, where the participant has two planes",
        "add 'open = {}'",
    ),
    "an unknown side": (upper(('"above"', '"over"')), f"{ABOVE} beyond", "above, below"),
}


def test_the_unedited_case_is_in_order(capsys, tmp_path):
    complaint = suture(capsys, "check", lay_out(tmp_path))
    assert complaint.code == 0, complaint.text
    assert "pressure" in complaint.text


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_the_case(capsys, tmp_path, mistake):
    edit, *texts = MISTAKES[mistake]
    complaint = suture(capsys, "check", lay_out(tmp_path, edited(CASE, edit)))
    require(complaint, str(tmp_path / "case.toml"), "found:", *texts)


def test_planes_that_reach_each_other(capsys, tmp_path):
    near = edited(CASE, ("at = 10.0", "at = 6.0"), ("[0.0, 0.0, 10.0]", "[0.0, 0.0, 6.0]"))
    require(suture(capsys, "check", lay_out(tmp_path, near)), "] at", "an interior from 5 to 6", "1.42")


def test_a_partner_that_gives_no_density(capsys, tmp_path):
    exchange = """[interfaces.above]
exchange = [
    {from = "channel", to = "outlet", amounts = ["mass", "momentum", "energy"]},
    {from = "outlet", to = "channel", states = ["velocity", "temperature"]},
]
[interfaces.above.sides.outlet]"""
    case = edited(CASE, ("[interfaces.above.sides.outlet]", exchange))
    texts = (f"{ABOVE} open", "takes velocity, temperature", "'density'")
    require(suture(capsys, "check", lay_out(tmp_path, case)), *texts)


def test_a_piston_below(capsys, tmp_path):
    case = edited(CASE, ("thickness = 2.45\nopen = {}", 'thickness = 2.45\npiston = "lid"'))
    lid = "variable lid equal -0.5\nfix lid fluid wall/lj126 zlo v_lid 1.0 0.1 0.1 units box\n"
    script = edited(SCRIPT, ("run             ${equilibration}", f"{lid}run ${{equilibration}}"))
    require(suture(capsys, "check", lay_out(tmp_path, case, script)), f"{BELOW} beyond", "with the piston 'lid'")


def test_a_wall_that_reaches_into_the_buffer(capsys, tmp_path):
    case = edited(CASE, ('fluid = "fluid"\n', 'fluid = "fluid"\nwalls = { side = { group = "side" } }\n'))
    script = edited(SCRIPT, ("group           fluid type 1", "group fluid type 1\ngroup side id 1"))
    require(suture(capsys, "check", lay_out(tmp_path, case, script)), "at", "from the wall 'side'", "at least as far")
