"""Where the time of a run went: sums without what is inside, who waits for whom, and a trace that viewers read."""

from __future__ import annotations

import json
import time

import pytest

from suture.couplers.clock import Clock
from suture.couplers.errors import ProfileError
from suture.profile import events, read, spent, waits

from ..couplers.play_tanks import CASE, SERIAL
from ..mpi import suture


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A source that takes a second in window 2, for which the sink waits."""
    folder = tmp_path_factory.mktemp("profile")
    slow = 'fault = {kind = "slow", window = 2}'
    settings = SERIAL | {"ranks": (2, 1), "end": 0.75, "steps": (0.25, 0.1), "faults": (slow, "")}
    (folder / "case.toml").write_text(CASE.format(**settings))
    suture("run", folder)
    return folder


def test_the_sink_waits_for_the_slow_source(run):
    traces = read(run)
    assert [(str(t["participant"]), int(t["rank"])) for t in traces] == [("a", 0), ("a", 1), ("b", 0)]
    assert waits(traces)["b"]["a"] > 0.8
    assert spent(traces)["a"]["solve"] > 0.4  # one of its two ranks is slow
    assert {"solve", "wait", "map", "send", "adapter", "ledger"} <= set(spent(traces)["a"])
    printed = suture("profile", run).stdout
    assert "b waited" in printed and "s for a" in printed and "solve" in printed


def test_the_trace_holds_every_span_in_its_place(run, tmp_path):
    suture("profile", run, "--trace", tmp_path / "trace.json")
    listed = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert listed == events(read(run))
    names = {e["args"]["name"]: e["pid"] for e in listed if e["ph"] == "M"}
    spans = [e for e in listed if e["ph"] == "X"]
    assert all(e["ts"] >= 0 and e["dur"] >= 0 for e in spans)
    waiting = max((e for e in spans if e["name"] == "wait for a"), key=lambda e: e["dur"])
    assert waiting["pid"] == names["b"] and waiting["args"]["window"] == 2
    solving = max((e for e in spans if e["cat"] == "solve"), key=lambda e: e["dur"])
    assert solving["pid"] == names["a"] and abs(solving["ts"] - waiting["ts"]) < 5e5


def test_a_span_does_not_count_what_is_inside_it():
    clock = Clock()
    with clock.span("outer"):
        time.sleep(0.02)
        with clock.span("inner", "whom"):
            time.sleep(0.05)
    assert 0.02 <= clock.seconds["outer", ""] < 0.045
    assert clock.seconds["inner", "whom"] >= 0.05


def test_a_folder_without_a_profile_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"no profile in .*: expected trace/\*\.npz"):
        read(tmp_path)
    assert suture("profile", tmp_path, check=False).returncode == 2


def test_a_torn_profile_is_named(tmp_path):
    (tmp_path / "trace").mkdir()
    (tmp_path / "trace" / "a-0.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ProfileError, match=r"a-0\.npz is not a readable profile"):
        read(tmp_path)
