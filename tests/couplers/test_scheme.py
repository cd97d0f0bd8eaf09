"""Which flow is used in the window in which it was given, and which in the next."""

from __future__ import annotations

import pytest

from suture.couplers.case import load_case
from suture.couplers.scheme import flows_of

from .test_case import TANKS, write


@pytest.mark.parametrize(
    ("scheme", "amounts", "states"),
    [
        ('kind = "serial-explicit"', 1, 0),
        ('kind = "serial-explicit"\norder = ["lower", "upper"]', 0, 1),
        ('kind = "parallel-explicit"', 1, 1),
    ],
)
def test_what_goes_to_a_later_participant_is_used_at_once(tmp_path, scheme, amounts, states):
    flows = flows_of(load_case(write(tmp_path, TANKS + f"\n[scheme]\n{scheme}\n")))
    assert [(f.name, f.lag) for f in flows] == [("seam: lower -> upper", amounts), ("seam: upper -> lower", states)]
    assert flows[0].amounts == flows[0].quantities == ("mass", "momentum", "energy")
    assert flows[1].amounts == ()
