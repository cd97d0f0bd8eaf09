"""Who plays what: the ranks of one world among the participants of a case."""

from __future__ import annotations

import pytest

from suture.couplers.errors import LaunchError
from suture.couplers.world import assign

RANKS = {"wall": 2, "flow": 1}
NOBODY: tuple[str, ...] = ()


def test_one_program_plays_all_in_the_order_of_the_case():
    assert assign([NOBODY] * 3, RANKS) == ["wall", "wall", "flow"]


def test_programs_play_what_they_name():
    assert assign([("flow",), ("wall",), ("wall",)], RANKS) == ["flow", "wall", "wall"]
    assert sorted(assign([("flow", "wall")] * 3, RANKS)) == ["flow", "wall", "wall"]


def test_who_names_nobody_plays_what_is_left():
    assert assign([NOBODY, NOBODY, ("flow",)], RANKS) == ["wall", "wall", "flow"]
    assert assign([NOBODY, ("wall",), ("wall",)], RANKS) == ["flow", "wall", "wall"]


@pytest.mark.parametrize(
    ("claims", "foreign", "message"),
    [
        ([("wal",), NOBODY, NOBODY], (), r"no participant 'wal' in the case; it has wall, flow"),
        ([NOBODY] * 4, (), r"4 ranks were started, but the case needs 3 \(wall: 2, flow: 1\); start mpirun with"),
        ([NOBODY] * 2, (), r"2 ranks were started, but the case needs 3"),
        ([("flow",), ("flow",), ("wall",)], (), r"started for flow than the case gives \(flow: 1\); too few for wall"),
        ([("wall",), ("flow",), NOBODY], (), r"that no other program plays .*\(no participant is left\)"),
        ([NOBODY] * 3, ("flow",), r"that no other program plays .*\(wall: 2\); too few for flow"),
    ],
)
def test_ranks_that_do_not_fit_are_refused(claims, foreign, message):
    with pytest.raises(LaunchError, match=message):
        assign(claims, RANKS, foreign)
