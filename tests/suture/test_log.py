"""``suture.log`` has an end, whatever goes on to be said."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from suture import inside


@pytest.fixture
def log():
    log = logging.getLogger("suture")
    before = log.handlers[:], log.level, log.propagate
    yield log
    for handler in set(log.handlers) - set(before[0]):
        log.removeHandler(handler)
        handler.close()
    log.level, log.propagate = before[1:]


def test_a_message_that_comes_in_every_window_is_written_so_often_and_no_more(log, tmp_path, monkeypatch):
    monkeypatch.setattr(inside, "_REPEATS", 5)
    inside._log_to(tmp_path / "suture.log", SimpleNamespace(name="atoms", comm=SimpleNamespace(rank=0)))
    for window in range(100):
        log.warning("window %d has not converged", window)
    log.warning("something else")
    lines = (tmp_path / "suture.log").read_text().splitlines()
    assert len(lines) == 6
    assert lines[3].endswith("atoms[0] WARNING window 3 has not converged")
    assert lines[4].endswith("window 4 has not converged (said 5 times: more of the kind are left out)")
    assert lines[5].endswith("something else")
