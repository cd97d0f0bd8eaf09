"""A run that is resumed from a checkpoint goes on as if it had never stopped, to the last bit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from suture.couplers.case import load_case
from suture.couplers.checkpoint import candidates, flatten, unflatten
from suture.couplers.errors import ResumeError

from ..ledgers import numbers
from ..mpi import mpirun, suture
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


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_resumed_run_is_the_run_itself(tmp_path, scheme):
    settings = {"scheme": scheme, "more": SCHEMES[scheme]}
    assert suture("run", case(tmp_path / "whole", 5.0, **settings)).returncode == 0
    assert suture("run", case(tmp_path / "cut", 3.5, **settings)).returncode == 0
    kept = sorted(path.name for path in (tmp_path / "cut" / "RUN" / "checkpoints").iterdir())
    assert kept == ["window-00000008", "window-00000012"]
    assert suture("run", case(tmp_path / "cut", 5.0, **settings), "--resume").returncode == 0
    whole, resumed = numbers(tmp_path / "whole"), numbers(tmp_path / "cut")
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


def test_a_torn_checkpoint_is_passed_over(tmp_path):
    """One byte of one rank's file, in the newest; then the manifest of the one before."""
    folder = case(tmp_path / "case", 3.0)
    assert suture("run", folder).returncode == 0
    checkpoints = folder / "RUN" / "checkpoints"
    torn = checkpoints / "window-00000012"
    content = bytearray((torn / "b-0.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (torn / "b-0.npz").write_bytes(content)
    resumed = suture("run", folder, "--resume")
    said = r"checkpoint passed over: \S*window-00000012/b-0\.npz is not what was written"
    assert re.search(said, resumed.stderr) and resumed.stderr.count("passed over") == 1
    assert re.search(said, (folder / "RUN" / "suture.log").read_text())
    assert suture("ledger", folder).returncode == 0
    kept = sorted(path.name for path in checkpoints.iterdir())
    assert kept == ["window-00000008", "window-00000012", "window-00000012.torn"]
    (torn / "manifest.json").write_text((torn / "manifest.json").read_text()[:-30])
    assert [path.name for path in candidates(folder / "RUN", load_case(folder))] == ["window-00000008"]


def test_where_every_checkpoint_is_torn_all_ranks_say_so(tmp_path):
    folder = case(tmp_path / "case", 2.0)
    assert suture("run", folder).returncode == 0
    for path in (folder / "RUN" / "checkpoints").glob("*/a-1.npz"):
        path.unlink()
    refused = suture("run", folder, "--resume", check=False)
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert refused.stderr.count("a-1.npz cannot be read: No such file or directory") == 2
    assert "is torn; run the case from its start" in refused.stderr


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"windows": "1", "ranks": {}, "case": {}, "files": {}}', "\x00"])
def test_what_is_no_manifest_is_no_checkpoint(tmp_path, manifest):
    folder = tmp_path / "checkpoints" / "window-00000004"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(ResumeError, match="has no complete checkpoint to resume from"):
        candidates(tmp_path, load_case(case(tmp_path / "case", 1.0)))


def test_a_full_disk_leaves_the_checkpoints_before(tmp_path):
    """The second checkpoint finds no place: a limit on the size of files that only the larger state exceeds."""
    play = (
        "import resource, sys; from pathlib import Path; from mpi4py import MPI; import numpy as np;"
        "from suture.couplers.case import load_case; from suture.couplers import checkpoint;"
        "case, output = load_case(Path(sys.argv[1])), Path(sys.argv[2]);"
        "save = lambda n, size: checkpoint.save(output, case, MPI.COMM_WORLD, 5.0, n, 'a-0', {'x': np.zeros(size)});"
        "save(4, 10); resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); save(8, 10000)"
    )
    folder = case(tmp_path / "case", 1.0)
    done = mpirun(1, "-c", play, folder, tmp_path, check=False)
    assert re.search(r"WriteError: cannot write the checkpoint \S*window-00000008\.part: File too large", done.stderr)
    assert [path.name for path in candidates(tmp_path, load_case(folder))] == ["window-00000004"]


def test_states_survive_a_file(tmp_path):
    state = {"a/b": {"x%": np.arange(3.0), "none": {}}, "n": 3, "f": 0.1, "t": "text", "flag": True, "deep": {"e": {}}}
    np.savez(tmp_path / "state.npz", **flatten(state))
    with np.load(tmp_path / "state.npz") as arrays:
        back = unflatten(arrays)
    assert np.array_equal(back["a/b"].pop("x%"), state["a/b"].pop("x%"))
    assert back == state
