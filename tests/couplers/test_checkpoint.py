"""A run that is resumed from a checkpoint goes on as if it had never stopped, to the last bit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from suture.couplers.case import load_case
from suture.couplers.checkpoint import flatten, load, newest, unflatten
from suture.couplers.errors import ResumeError

from ..mpi import suture
from .play_tanks import CASE, SERIAL

SCHEMES = {
    "serial-explicit": "",
    "parallel-explicit": "samples = 3\nextrapolation = 'linear'",
    "serial-implicit": "samples = 2\nacceleration.kind = 'iqn-imvj'",
    "parallel-implicit": "extrapolation = 'quadratic'\nacceleration.kind = 'aitken'",
}


def case(folder: Path, end: float, every: int = 4, **settings) -> Path:
    folder.mkdir(exist_ok=True)
    text = CASE.format(**(SERIAL | {"ranks": (2, 1), "end": end} | settings)) + f"\n[run]\ncheckpoint_every = {every}\n"
    (folder / "case.toml").write_text(text)
    return folder


def books(folder: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(folder / "RUN" / "ledger.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[:]}) if hasattr(item, "shape") else None)
        assert file.attrs["complete"]
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_resumed_run_is_the_run_itself(tmp_path, scheme):
    settings = {"scheme": scheme, "more": SCHEMES[scheme]}
    assert suture("run", case(tmp_path / "whole", 5.0, **settings)).returncode == 0
    assert suture("run", case(tmp_path / "cut", 3.5, **settings)).returncode == 0
    kept = sorted(path.name for path in (tmp_path / "cut" / "RUN" / "checkpoints").iterdir())
    assert kept == ["window-00000008", "window-00000012"]
    assert suture("run", case(tmp_path / "cut", 5.0, **settings), "--resume").returncode == 0
    whole, resumed = books(tmp_path / "whole"), books(tmp_path / "cut")
    assert len(whole["time"]) == 21 and whole.keys() == resumed.keys()
    assert all(np.array_equal(whole[name], resumed[name], equal_nan=True) for name in whole)


def test_what_cannot_be_resumed_is_refused(tmp_path):
    folder = case(tmp_path / "case", 2.0)
    nothing = suture("run", folder, "--resume", check=False)
    assert nothing.returncode == 2 and "has no complete checkpoint to resume from" in nothing.stderr
    assert suture("run", folder).returncode == 0
    for change, message in [
        ({"ranks": (1, 2)}, r"written by a: 2, b: 1 ranks, and the case has a: 1, b: 2; resume on the same numbers"),
        ({"steps": (0.03, 0.05)}, r"written by another case: \[participants\] differ"),
        ({"scheme": "parallel-explicit"}, r"written by another case: \[scheme\] differ"),
    ]:
        refused = suture("run", case(tmp_path / "case", 3.0, **change), "--resume", check=False)
        assert refused.returncode == 2 and re.search(message, refused.stderr), refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_checkpoint_with_a_torn_manifest_is_passed_over_and_a_torn_file_is_named(tmp_path):
    folder = case(tmp_path / "case", 3.0)
    assert suture("run", folder).returncode == 0
    run = folder / "RUN"
    last = newest(run, load_case(folder))
    assert json.loads((last / "manifest.json").read_text())["windows"] == 12
    (last / "manifest.json").write_text('{"windows": 1')
    before = newest(run, load_case(folder))
    assert before.name == "window-00000008"
    (before / "b-0.npz").write_bytes((before / "b-0.npz").read_bytes()[:-200])
    with pytest.raises(ResumeError, match=r"b-0\.npz cannot be read: .*; remove the folder to resume from the one"):
        load(before, "b-0")
    torn = suture("run", folder, "--resume", check=False)
    assert torn.returncode == 2 and "b-0.npz cannot be read" in torn.stderr and "Traceback" not in torn.stderr


def test_states_survive_a_file(tmp_path):
    state = {"a/b": {"x%": np.arange(3.0), "none": {}}, "n": 3, "f": 0.1, "t": "text", "flag": True, "deep": {"e": {}}}
    np.savez(tmp_path / "state.npz", **flatten(state))
    with np.load(tmp_path / "state.npz") as arrays:
        back = unflatten(arrays)
    assert np.array_equal(back["a/b"].pop("x%"), state["a/b"].pop("x%"))
    assert back == state
