"""Coordinated checkpoints: everything that a run needs to go on from a window's end.

    RUN/checkpoints/window-00000120/manifest.json       what it is of: windows done, ranks, the case, the files' digests
    RUN/checkpoints/window-00000120/NAME-RANK.npz       one file a rank

A checkpoint is written beside the ones before under another name, and renamed when every rank's file is on disk; the
last two are kept. Who resumes checks every file's digest, and passes over a checkpoint of which one is torn.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from .case_model import Case
from .errors import ResumeError, WriteError
from .ledger_form import DAMAGE
from .waiting import wait

log = logging.getLogger("suture")

FOLDER = "checkpoints"
_MANIFEST = "manifest.json"
_KEPT = 2
_TORN = ".torn"
_MAY_DIFFER = ("title", "run", "ledger")
"""Tables of the case that a resumed run may change, beside the time of its end."""


def save(
    output: Path, case: Case, comm: MPI.Comm, deadline: float, windows: int, file: str, state: Mapping[str, Any]
) -> None:
    """Write a checkpoint after ``windows`` windows; ``state`` is this rank's, for its ``file``. Collective.

    Raises ``WriteError`` where the disk does not take it; the checkpoints before are still there then.
    """
    final = output / FOLDER / f"window-{windows:08d}"
    part = final.with_name(final.name + ".part")
    try:
        if comm.rank == 0:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
        _gather_round(comm, deadline, "before a checkpoint")
        digest = _write(part / f"{file}.npz", _packed(state))
        _gather_round(comm, deadline, "at a checkpoint")
        digests = comm.gather((file, digest))
        if digests is not None:
            manifest = {"windows": windows, "ranks": _ranks(case), "case": identity(case), "files": dict(digests)}
            _write(part / _MANIFEST, json.dumps(manifest, indent=1).encode())
            _put_in_place(part, final)
            for old in list(_complete(output))[:-_KEPT]:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise WriteError(
            f"cannot write the checkpoint {part}: {error.strerror or error}; those before are untouched"
        ) from error


def _packed(state: Mapping[str, Any]) -> bytes:
    # In memory first: a file that cannot be written to its end leaves zipfile in a state of its own.
    target = io.BytesIO()
    np.savez(target, **flatten(state))
    return target.getvalue()


def _write(path: Path, content: bytes) -> str:
    """Write a file through to the disk; returns its digest."""
    with open(path, "wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    return hashlib.sha256(content).hexdigest()


def _put_in_place(part: Path, final: Path) -> None:
    """Rename, such that after a power failure there is the one or the other."""
    shutil.rmtree(final, ignore_errors=True)
    _sync(part)
    part.rename(final)
    _sync(final.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _gather_round(comm: MPI.Comm, deadline: float, when: str) -> None:
    wait([comm.Ibarrier()], deadline, f"another participant {when}")


def _complete(output: Path) -> dict[Path, dict[str, Any]]:
    """Folders of the checkpoints whose manifest can be read, with what stands in it, the oldest first."""
    found = (p.parent for p in (output / FOLDER).glob(f"window-*/{_MANIFEST}") if p.parent.name[7:].isdigit())
    read = ((folder, _manifest(folder)) for folder in sorted(found))
    return {folder: manifest for folder, manifest in read if manifest}


def _manifest(folder: Path) -> dict[str, Any] | None:
    """What stands in it, or None where it cannot be read."""
    try:
        found = json.loads((folder / _MANIFEST).read_text())
        whole = found["windows"] == int(folder.name[7:]) and all(
            isinstance(found[key], dict) for key in ("ranks", "case", "files")
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # cut off while it was written, or none of ours
        return None
    return found if whole else None


def candidates(output: Path, case: Case) -> list[Path]:
    """Folders of the checkpoints of a run of this case, the newest first.

    Raises ``ResumeError`` where there is none, or where they belong to another case or to other numbers of ranks.
    """
    found = _complete(output)
    if not found:
        raise ResumeError(
            f"{output} has no complete checkpoint to resume from; set checkpoint_every in [run], "
            "and run the case from its start"
        )
    for folder, manifest in found.items():
        _require_same_case(folder, manifest, case)
    return list(found)[::-1]


def _require_same_case(folder: Path, manifest: Mapping[str, Any], case: Case) -> None:
    if manifest["ranks"] != _ranks(case):
        raise ResumeError(
            f"{folder} was written by {_listed(manifest['ranks'])} ranks, and the case has {_listed(_ranks(case))}; "
            "resume on the same numbers of ranks"
        )
    theirs, ours = manifest["case"], identity(case)
    changed = sorted(key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key))
    if changed:
        tables = ", ".join(f"[{key}]" for key in changed)
        raise ResumeError(
            f"{folder} was written by another case: {tables} differ; a resumed run may change the end of its "
            f"[time], and {', '.join(f'[{key}]' for key in _MAY_DIFFER if key != 'title')}"
        )


def newest_whole(found: Sequence[Path], comm: MPI.Comm, file: str) -> Path:
    """The first of the ``found`` checkpoints of which every rank's file is as it was written. Collective.

    ``file`` is this rank's. Torn ones are set aside under another name, with a warning. Raises ``ResumeError``, on
    every rank alike, where none is whole.
    """
    for folder in found:
        wrong = [text for text in comm.allgather(_fault(folder, file)) if text]
        if not wrong:
            return folder
        if comm.rank == 0:
            log.warning("checkpoint passed over: %s", wrong[0])
            print(f"suture: checkpoint passed over: {wrong[0]}", file=sys.stderr, flush=True)
            folder.rename(_free_name(folder))
    raise ResumeError(f"every checkpoint in {found[0].parent} is torn; run the case from its start")


def _free_name(folder: Path) -> Path:
    aside = folder.with_name(folder.name + _TORN)
    shutil.rmtree(aside, ignore_errors=True)
    return aside


def _fault(folder: Path, file: str) -> str:
    """What is wrong with one rank's file; an empty text where nothing is."""
    path, manifest = folder / f"{file}.npz", _manifest(folder)
    try:
        with open(path, "rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    known = manifest["files"].get(file) if manifest else None
    return "" if digest == known else f"{path} is not what was written: its digest differs from the manifest's"


def hint(case: Case, output: Path) -> str:
    """A line on how to resume a run that has ended before its time; an empty text where it cannot be resumed."""
    found = _complete(output)
    if not found:
        return ""
    where = "" if output == case.directory / "RUN" else f" --output {output}"
    windows = list(found.values())[-1]["windows"]
    return f"\n  resume after window {windows - 1} by: suture run {case.file}{where} --resume"


def windows_done(folder: Path) -> int:
    """How many windows were done when the checkpoint was written."""
    return int(json.loads((folder / _MANIFEST).read_text())["windows"])


def load(folder: Path, file: str) -> dict[str, Any]:
    """One rank's state; ``ResumeError`` where its file cannot be read."""
    path = folder / f"{file}.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return unflatten(arrays)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, *DAMAGE) as error:
        raise ResumeError(f"{path} cannot be read: {error}; remove the folder to resume from the one before") from error


def identity(case: Case) -> dict[str, Any]:
    """What of a case must not change for a run to be resumed, as plain tables."""
    tables = tomllib.loads(case.resolved())
    tables["time"] = {"window": tables["time"]["window"]}
    return {key: value for key, value in tables.items() if key not in _MAY_DIFFER}


def _ranks(case: Case) -> dict[str, int]:
    return {name: participant.ranks for name, participant in case.participants.items()}


def _listed(ranks: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in ranks.items())


def flatten(state: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings of arrays, numbers and texts as one mapping by path; an empty mapping has a path that ends so."""
    flat: dict[str, Any] = {}
    for key, value in state.items():
        path = prefix + str(key).replace("%", "%25").replace("/", "%2F")
        if isinstance(value, Mapping):
            flat |= flatten(value, path + "/") or {path + "/": np.zeros(0)}
        else:
            array = np.asarray(value)
            assert array.dtype != object, f"{path} of a saved state is {type(value).__name__}, which no file can hold"
            flat[path] = array
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of ``flatten``; arrays without a dimension become numbers and texts."""
    state: dict[str, Any] = {}
    for path in flat:
        *parents, key = (part.replace("%2F", "/").replace("%25", "%") for part in path.split("/"))
        place = state
        for parent in parents:
            place = place.setdefault(parent, {})
        if key:
            value = flat[path]
            place[key] = value if value.ndim else value.item()
    return state
