"""Mistakes at the sides of solids that exchange heat alone, and of bodies that overlap them: told before the run."""

from __future__ import annotations

import pytest

from .complaints import edited, require, suture
from .rod_case import CASE, lay_out

ABOVE, HOT = "[interfaces.above.sides.atoms]", "[interfaces.below.sides.hot]"
UPPER = 'at = 8.8\nslabs = 2\nthickness = 1.6\nimpose = { kind = "langevin", rate = 2.0 }'


def upper(*edits: tuple[str, str]) -> tuple[str, str]:
    """An edit of the upper side."""
    return UPPER, edited(UPPER, *edits)


FLUX = 'boundary = "z-upper"\noverlap = true'

MISTAKES = {
    "a piston": (
        upper(("at = 8.8", 'piston = "lid"\nat = 8.8')),
        f"{ABOVE} piston",
        "'lid', beside impose.kind 'langevin'",
        "held by atoms that the script does not move",
    ),
    "an open end": (
        upper(("at = 8.8", "open = {}\nat = 8.8")),
        f"{ABOVE} open",
        "an open end, beside impose.kind 'langevin'",
    ),
    "a fluid at the other plane": (
        upper(('{ kind = "langevin", rate = 2.0 }', '{ kind = "constraint" }')),
        "impose",
        "'langevin' at both planes, or at none",
    ),
    "all of a fluid": (
        upper(('{ kind = "langevin", rate = 2.0 }', '{ kind = "constraint" }\ncounts = "all"')),
        f"{ABOVE} counts",
        "'all', beside impose.kind 'constraint'",
        "it is a bath's heat that is given",
    ),
    "two planes that count unlike": (
        upper(("at = 8.8", 'counts = "all"\nat = 8.8')),
        "counts",
        "the same at both planes",
    ),
    "all of each member": (
        ("slabs = 2\nthickness = 1.6", 'counts = "all"\nslabs = 2\nthickness = 1.6'),
        ('fluid = "solid"', 'fluid = "solid"\nensemble = { members = 2 }'),
        "counts",
        "'all', where the participant is an ensemble",
    ),
    "no rate": (upper((", rate = 2.0", "")), f"{ABOVE[:-1]}.impose] rate"),
    "a negative rate": (upper(("rate = 2.0", "rate = -2.0")), f"{ABOVE[:-1]}.impose] rate", "greater than 0"),
    "a negative power": (
        upper(("rate = 2.0", "rate = 2.0, power = -1.0")),
        f"{ABOVE[:-1]}.impose] power",
        "greater than or equal to 0",
    ),
    "a way to impose that is not known": (
        upper(('"langevin"', '"langvin"')),
        f"{ABOVE[:-1]}.impose] kind",
        'did you mean "langevin"?',
    ),
    "a wall with the bath's name": (
        ('upper = { group = "upper" } }', 'bath = { group = "upper" } }'),
        "[participants.atoms.solver.walls] bath",
        "a wall named 'bath'",
    ),
    "an overlap of a body that takes a temperature": (
        (FLUX, f'{FLUX}\ncondition = "temperature"'),
        "[interfaces.below.sides] hot",
        "'overlap' without a boundary of the condition 'flux'",
    ),
    "an overlap of a whole body": (
        (FLUX, 'region = "all"\noverlap = true'),
        "[interfaces.below.sides] hot",
        "'overlap' without a boundary of the condition 'flux'",
    ),
}


def test_the_unedited_case_is_in_order(capsys, tmp_path):
    complaint = suture(capsys, "check", lay_out(tmp_path))
    assert complaint.code == 0, complaint.text
    assert "amounts: energy" in complaint.text
    assert "velocity" not in complaint.text


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_the_case(capsys, tmp_path, mistake):
    told = MISTAKES[mistake]
    edits, texts = [one for one in told if isinstance(one, tuple)], [one for one in told if isinstance(one, str)]
    complaint = suture(capsys, "check", lay_out(tmp_path, edited(CASE, *edits)))
    require(complaint, str(tmp_path / "case.toml"), "found:", *texts)


def test_an_exchange_of_more_than_heat(capsys, tmp_path):
    exchange = """[interfaces.below]
exchange = [
    {from = "atoms", to = "hot", amounts = ["energy"]},
]
[interfaces.below.sides.hot]"""
    case = edited(CASE, (HOT, exchange))
    texts = ("[interfaces.below.sides.atoms] impose", "gives energy and takes nothing", "takes temperature")
    require(suture(capsys, "check", lay_out(tmp_path, case)), *texts)
