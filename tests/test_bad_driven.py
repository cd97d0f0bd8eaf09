"""Mistakes where particles take amounts: told before the run."""

from __future__ import annotations

import pytest

from .complaints import edited, require, suture
from .driven_case import DRIVEN
from .open_case import lay_out

ABOVE = "[interfaces.above.sides.channel]"
UPPER = 'takes = "amounts"\nopen = { attempts = 900 }'

MISTAKES = {
    "no open end": (
        (UPPER, 'takes = "amounts"'),
        f"{ABOVE} takes",
        "'amounts', without an open end",
        "add 'open = {}'",
    ),
    "a way to impose states": (
        (UPPER, f'impose = {{ kind = "maxwellian" }}\n{UPPER}'),
        f"{ABOVE} impose",
        "kind 'maxwellian', beside takes = 'amounts'",
    ),
    "a relaxation of the density": (
        (UPPER, 'takes = "amounts"\nopen = { relaxation = 2.0 }'),
        f"{ABOVE[:-1]}.open] relaxation",
        "no 'relaxation', which is for states that are taken",
    ),
    "fluctuations of states": (
        (UPPER, 'takes = "amounts"\nopen = { fluctuations = true }'),
        f"{ABOVE[:-1]}.open] fluctuations",
    ),
    "an ensemble": (
        ('fluid = "fluid"\n', 'fluid = "fluid"\nensemble = { members = 2 }\n'),
        "takes",
        "where the participant is an ensemble",
    ),
    "states that reach out of the box": (
        (
            'beyond = "above"\nat = 10.0\nslabs = 2\nthickness = 2.5',
            'beyond = "above"\nat = 6.9\nslabs = 3\nthickness = 2.7',
        ),
        f"{ABOVE} thickness",
        "3 slabs of 2.7: cells whose states are given reach from the plane to -1.2",
    ),
    "two planes that take unlike": (
        (f"{UPPER}\n", "open = {}\n"),
        f"{ABOVE} takes",
        "'states', where [interfaces.below] has 'amounts'",
        "the same at both planes",
    ),
    "a word that is not known": ((UPPER, UPPER.replace("amounts", "fluxes")), f"{ABOVE} takes", "states, amounts"),
}


def test_the_unedited_case_is_in_order(capsys, tmp_path):
    complaint = suture(capsys, "check", lay_out(tmp_path, DRIVEN))
    assert complaint.code == 0, complaint.text
    assert "inlet → channel: amounts: mass, momentum, energy" in complaint.text


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_the_case(capsys, tmp_path, mistake):
    edit, *texts = MISTAKES[mistake]
    case = edited(DRIVEN, edit)
    if mistake == "states that reach out of the box":
        case = case.replace("[0.0, 0.0, 10.0]", "[0.0, 0.0, 6.9]")
    if mistake == "two planes that take unlike":
        case = edited(case, ('side = "z-lower"\ncondition = "states"', 'side = "z-lower"'))
    require(suture(capsys, "check", lay_out(tmp_path, case)), str(tmp_path / "case.toml"), "found:", *texts)


def test_a_partner_that_takes_amounts_too(capsys, tmp_path):
    case = edited(DRIVEN, ('side = "z-lower"\ncondition = "states"', 'side = "z-lower"'))
    complaint = suture(capsys, "check", lay_out(tmp_path, case))
    assert complaint.code == 2, complaint.text
    assert "interfaces.above" in complaint.text
