"""``suture ledger``: totals, drift, what each window brought, and a proof that others can add up."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from suture.couplers.audit import read_books

from ..mpi import suture
from .test_killed import CASE

SENT = "flows/seam: film -> block/sent"
CHECKER = Path(__file__).parents[2] / "docs" / "examples" / "check_proof.py"


@pytest.fixture(scope="module", params=[1.0, 4.0], ids=["one clock", "two clocks"])
def run(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("slabs")
    text = CASE.format(end=1.2).replace("[participants.block]\n", f"[participants.block]\nclock = {request.param}\n")
    (folder / "case.toml").write_text(text)
    suture("run", folder)
    return folder / "RUN"


def check(proof: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    """By an interpreter that sees neither this environment nor its packages."""
    command = [sys.executable, "-I", "-S", str(CHECKER), str(proof), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def proof_of(run: Path, folder: Path) -> dict[str, Any]:
    said = suture("ledger", run, "--proof", folder / "proof.json").stdout
    digest = hashlib.sha256((folder / "proof.json").read_bytes()).hexdigest()
    assert digest in said.replace("\n", "")
    return json.loads((folder / "proof.json").read_text())


def altered(proof: dict[str, Any], folder: Path) -> str:
    """What the checker says of it; it must not be proved."""
    (folder / "altered.json").write_text(json.dumps(proof))
    done = check(folder / "altered.json")
    assert done.returncode == 1, done.stdout
    return done.stderr


def sealed(proof: dict[str, Any]) -> dict[str, Any]:
    """As someone leaves it who knows of the digest and the totals."""
    windows = np.array(proof["windows"], dtype=float)
    numbers = [proof["tolerance"], *np.ravel(np.array(proof["opening"], dtype=float)), *windows.ravel()]
    proof["sha256"] = hashlib.sha256(b"".join(struct.pack("<d", number) for number in numbers)).hexdigest()
    for k, name in enumerate(proof["entries"]):
        proof["totals"][name] = [math.fsum(column) for column in windows[:, k].T]
    return proof


def test_a_proof_is_checked_without_suture(run, tmp_path):
    proof = proof_of(run, tmp_path)
    files = run / "case.resolved.toml", run / "ledger.h5"
    done = check(tmp_path / "proof.json", *files)
    assert done.stdout == "proved: 120 windows, 4 balances, tolerance 1e-12\n", done.stderr
    assert "is not the file that the proof is of" in check(tmp_path / "proof.json", *reversed(files)).stderr
    suture("ledger", run, "--proof", tmp_path / "proof.json.gz", "--rows", "film")
    assert json.loads(gzip.decompress((tmp_path / "proof.json.gz").read_bytes())) == proof
    assert check(tmp_path / "proof.json.gz").returncode == 0
    with h5py.File(run / "ledger.h5") as file:
        k = proof["entries"].index(SENT)
        assert np.array_equal(np.array(proof["windows"])[:, k], file[SENT][:])  # to the last bit


@pytest.mark.parametrize("place", ["windows", "opening", "tolerance", "totals"])
def test_an_altered_number_is_found(run, tmp_path, place):
    """The smallest change that a number can have."""
    proof = proof_of(run, tmp_path)
    if place == "tolerance":
        proof[place] = math.nextafter(proof[place], 1.0)
    else:
        rows = {"windows": proof["windows"][60][3], "opening": proof["opening"][0], "totals": proof["totals"][SENT]}
        row = rows[place]
        row[0] = math.nextafter(row[0], math.inf)
    assert ("the total of" if place == "totals" else "a number was altered") in altered(proof, tmp_path)


def test_books_that_are_altered_with_their_digest_do_not_balance(run, tmp_path):
    """Each entry but the magnitudes of parts is in a balance, so that changing it by 1e-7 breaks one."""
    names = [name for name in proof_of(run, tmp_path)["entries"] if not name.endswith("gross")]
    assert len(names) == 7
    for name in names:
        proof = proof_of_file(tmp_path)
        proof["windows"][60][proof["entries"].index(name)][0] += 1e-7
        assert "energy does not balance in window 60" in altered(sealed(proof), tmp_path), name
    proof = proof_of_file(tmp_path)
    proof["windows"][60][0][0] = None  # no number is none that balances
    assert "NOT PROVED" in altered(sealed(proof), tmp_path)


def proof_of_file(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "proof.json").read_text())


def test_what_each_window_brought(run):
    tree = json.loads(suture("ledger", run, "--rows", "block", "--json").stdout)
    received = tree["received, seam: film -> block"]
    with h5py.File(run / "ledger.h5") as file:
        values = file["flows/seam: film -> block/received"][:, 0]
    assert np.array_equal(np.ravel(received["windows"]), values) and received["last"] == [values[-1]]
    assert received["mean"] == pytest.approx([values.mean()], rel=1e-14)
    assert received["least"] == [values.min()] and received["most_window"] == [int(values.argmax())]
    rows = json.loads(suture("ledger", run, "--rows", "lower", "--json").stdout)
    assert list(rows) == ["film: lower"]
    printed = suture("ledger", run, "--rows", "seam: film -> block").stdout
    assert "mean" in printed and "(window " in printed and "last" in printed
    unknown = suture("ledger", run, "--rows", "lowest", check=False)
    assert unknown.returncode == 2
    known = "block, film, seam: film -> block, the whole, lower, received, seam: film -> block, sent"
    assert f"no account or row is named 'lowest'; known: {known}" in unknown.stderr


def test_the_drift_of_the_whole_is_told_beside_a_random_walk(run, tmp_path):
    printed = suture("ledger", run).stdout
    assert "drift of the whole" in printed and "they have a sign" not in printed
    assert "in window" in printed.splitlines()[-1] + printed.splitlines()[-2]
    leaking = tmp_path / "ledger.h5"
    leaking.write_bytes((run / "ledger.h5").read_bytes())
    with h5py.File(leaking, "r+") as file:
        file["participants/block/inventory"][:, 0] += 1e-13 * np.arange(121)
    said = suture("ledger", tmp_path, check=False)
    assert "energy of the whole has drifted by" in said.stdout and "times as far as a random walk" in said.stdout
    whole = read_books(tmp_path).whole
    assert whole.drifts[-1, 0] / whole.walks[-1, 0] == pytest.approx(math.sqrt(120), rel=0.01)
