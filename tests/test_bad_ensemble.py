"""Mistakes in an ensemble: told before the run."""

from __future__ import annotations

import pytest

from .complaints import edited, require, suture
from .open_case import CASE, SCRIPT, lay_out

PLACE = "[participants.channel.solver.ensemble]"


def case(ensemble: str, ranks: int = 1, *edits: tuple[str, str]) -> str:
    whole = ("ranks = 1", f"ranks = {ranks}"), ('fluid = "fluid"\n', f'fluid = "fluid"\nensemble = {{ {ensemble} }}\n')
    return edited(CASE, *whole, *edits)


RANGE = "members = 2, most = 8, error = { momentum = 0.1 }"

MISTAKES = {
    "groups that do not divide the ranks": (
        ("members = 6, groups = 3", 4),
        "groups",
        "3 groups of 4 ranks",
        "groups of equal size: 1, 2, 4",
        "a multiple of 3 ranks",
    ),
    "fewer members than groups": (
        ("members = 1, groups = 2", 2),
        "members",
        "1 members in 2 groups",
        "as many in each",
        "2, 4, …",
    ),
    "members that groups cannot share": (
        ("members = 5, groups = 2", 2),
        "members",
        "5 members in 2 groups",
        "or ranks would wait",
    ),
    "a most that groups cannot share": (
        ("members = 2, most = 7, groups = 2, error = { momentum = 0.1 }", 2),
        "most",
        "7 members in 2 groups",
        "as many in each group",
    ),
    "no more than at first": (
        ("members = 8, most = 8, error = { energy = 1.0 }",),
        "most",
        "more than 'members', 8",
        "leave it out for a fixed number",
    ),
    "one member to tell differences from": (
        ("members = 1, most = 8, error = { energy = 1.0 }",),
        "members",
        "at least 2 where the number follows 'error'",
    ),
    "a range without an error": (("members = 2, most = 8",), "most", "8, without 'error'", "leave 'most' out"),
    "an error without a range": (
        ("members = 2, error = { momentum = 0.1 }",),
        "error",
        "where 'members' is a fixed number",
        "give the 'most' members",
    ),
    "an unknown quantity": (
        ("members = 2, most = 8, error = { heat = 0.1 }",),
        "error",
        "heat",
        "momentum",
    ),
    "an error of nothing": (("members = 2, most = 8, error = { momentum = 0.0 }",), "error", "greater than 0"),
    "no members": (("members = 0",), "members", "greater than or equal to 1"),
    "an unknown key": (("members = 2, group = 2",), "group", 'did you mean "groups"?'),
}


@pytest.mark.parametrize("ensemble", ["members = 4, groups = 2", RANGE])
def test_an_ensemble_that_is_in_order(capsys, tmp_path, ensemble):
    complaint = suture(capsys, "check", lay_out(tmp_path, case(ensemble, 2)))
    assert complaint.code == 0, complaint.text
    assert "times 608 atoms" in complaint.text


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_the_ensemble(capsys, tmp_path, mistake):
    arguments, key, *texts = MISTAKES[mistake]
    complaint = suture(capsys, "check", lay_out(tmp_path, case(*arguments)))
    require(complaint, str(tmp_path / "case.toml"), PLACE[:-1], key, "found:", *texts)


def test_a_script_without_a_seed(capsys, tmp_path):
    script = SCRIPT.replace("variable        seed index 1\n", "").replace("${seed}", "7")
    text = case("members = 2", 1, ("variables = { seed = 1 }", "variables = {}"))
    texts = ("in.open has no variable 'seed'", "random numbers of their own", "add 'variable seed index 1' to in.open")
    require(suture(capsys, "check", lay_out(tmp_path, text, script)), f"{PLACE} members", *texts)


def test_a_wall_with_the_rows_name(capsys, tmp_path):
    walls = 'fluid = "fluid"\nwalls = { ensemble = { group = "all" } }\n'
    text = case(RANGE, 1, ('fluid = "fluid"\n', walls))
    complaint = suture(capsys, "check", lay_out(tmp_path, text))
    require(complaint, "[participants.channel.solver.walls] ensemble", "it is the row of what members that come or go")
