"""Exchange between neighbours: the same on any number of ranks, conservative through units, gaps refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from suture.couplers.cells import Cells
from suture.couplers.errors import CommunicationError, MappingError
from suture.couplers.exchange import Channel, Flow, Side, connect
from suture.couplers.transfer import Give, GiveState
from suture.couplers.waiting import wait

from ..mpi import mpirun
from .play_exchange import FACTORS, RANKS, WIDTHS, own_cells, values


@pytest.fixture(scope="module")
def arrived() -> dict[str, Any]:
    done = mpirun(6, "-m", "tests.couplers.play_exchange", cwd=Path(__file__).parents[2], timeout=60)
    return json.loads(done.stdout)


@pytest.mark.parametrize("ranks", RANKS[1:], ids=lambda r: f"{r[0]}+{r[1]}")
def test_the_number_of_ranks_does_not_matter(arrived, ranks):
    for quantity in WIDTHS:
        one = np.array(arrived["1 + 1"][quantity])
        many = np.array(arrived["{} + {}".format(*ranks)][quantity])
        np.testing.assert_allclose(many, one, rtol=1e-14, atol=1e-14 * np.abs(one).max())


@pytest.mark.parametrize("ranks", RANKS, ids=lambda r: f"{r[0]}+{r[1]}")
@pytest.mark.parametrize(("quantity", "sender"), [("mass", "a"), ("momentum", "a"), ("energy", "b")])
def test_sums_of_amounts_are_kept_through_units(arrived, ranks, quantity, sender):
    given = values(quantity, own_cells(sender, 0, 1)[1], turn=2)
    got = np.array(arrived["{} + {}".format(*ranks)][quantity])
    scale = FACTORS[quantity] * np.abs(given).sum()
    np.testing.assert_allclose(got.sum(axis=0), FACTORS[quantity] * given.sum(axis=0), rtol=0, atol=1e-14 * scale)


@pytest.mark.parametrize("ranks", RANKS, ids=lambda r: f"{r[0]}+{r[1]}")
def test_sides_that_do_not_cover_each_other_are_refused_on_every_rank(arrived, ranks):
    message = arrived["{} + {}, half covered".format(*ranks)]
    assert message.startswith("interface 'seam': ")
    assert "is not covered by the cells of" in message
    assert message.endswith("Both sides must describe the same region")


def test_a_side_without_a_partner_is_not_covered():
    cells = Cells(np.zeros((1, 3)), np.array([[1.0, 1.0, 0.0]]))
    flow = Flow("seam", "a", "b", ("mass",), lag=0)
    side = Side(flow, {"mass": cells}, {"mass": 1.0})
    with pytest.raises(MappingError, match=r"1 of the cell of 'a' .* is not covered"):
        connect(MPI.COMM_SELF, "a", [side], [flow], {"a": (0,), "b": ()}, deadline=1.0)


def test_what_was_not_given_is_named():
    channel = Channel(Flow("seam", "a", "b", ("mass",), lag=0), MPI.COMM_SELF, 1.0, samples=1, _tag=0)
    channel._packs["mass"] = GiveState(Give({0: np.zeros(1, dtype=np.int32)}, 1))
    channel.allocate()
    with pytest.raises(CommunicationError, match=r"seam: a -> b: 'a' gave no mass in this window"):
        channel.post({"energy": np.zeros((1, 1))})


def test_a_message_is_the_values_themselves_only_if_one_rank_asks_for_all_of_them():
    for asked, whole in [({0: [0, 1, 2]}, True), ({0: [0, 2]}, False), ({0: [1, 2]}, False), ({}, False)]:
        give = Give({rank: np.array(index, dtype=np.int32) for rank, index in asked.items()}, 3)
        assert GiveState(give).as_it_is is whole
    assert not GiveState(Give({0: np.arange(3, dtype=np.int32), 1: np.arange(3, dtype=np.int32)}, 3)).as_it_is


def test_a_silent_partner_is_found_by_the_deadline():
    buffer = np.zeros(1)
    request = MPI.COMM_SELF.Irecv(buffer, source=0, tag=77)
    message = r"no word from participant 'b' for 0\.05\d* s; if it is only slow, raise `deadline` in the case's \[run\]"
    with pytest.raises(CommunicationError, match=message):
        wait([request], 0.05, "participant 'b'")
    MPI.COMM_SELF.Send(np.ones(1), dest=0, tag=77)
    assert wait([request], 1.0, "participant 'b'") < 1.0 and buffer[0] == 1.0
