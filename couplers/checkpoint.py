"""Coordinated checkpoints: everything that a run needs to go on from a window's end.

    RUN/checkpoints/window-00000120/manifest.json       what it is of: windows done, ranks, the case
    RUN/checkpoints/window-00000120/NAME-RANK.npz       one file a rank

A checkpoint is written beside the ones before under another name, and renamed when every rank's file is on disk; the
last two are kept.
"""

from __future__ import annotations

import json
import os
import shutil
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from .case_model import Case
from .errors import ResumeError
from .waiting import wait

FOLDER = "checkpoints"
_MANIFEST = "manifest.json"
_KEPT = 2
_MAY_DIFFER = ("title", "run", "ledger")
"""Tables of the case that a resumed run may change, beside the time of its end."""


def save(
    output: Path, case: Case, comm: MPI.Comm, deadline: float, windows: int, file: str, state: Mapping[str, Any]
) -> None:
    """Write a checkpoint after ``windows`` windows; ``state`` is this rank's, for its ``file``. Collective."""
    final = output / FOLDER / f"window-{windows:08d}"
    part = final.with_name(final.name + ".part")
    if comm.rank == 0:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    _gather_round(comm, deadline, "before a checkpoint")
    with open(part / f"{file}.npz", "wb") as target:
        np.savez(target, **flatten(state))
        target.flush()
        os.fsync(target.fileno())
    _gather_round(comm, deadline, "at a checkpoint")
    if comm.rank == 0:
        manifest = {"windows": windows, "ranks": _ranks(case), "case": identity(case)}
        (part / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
        for old in _complete(output)[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def _gather_round(comm: MPI.Comm, deadline: float, when: str) -> None:
    wait([comm.Ibarrier()], deadline, f"another participant {when}")


def _complete(output: Path) -> list[Path]:
    """Folders of the checkpoints whose manifest can be read, the oldest first."""
    found = (p for p in (output / FOLDER).glob(f"window-*/{_MANIFEST}") if p.parent.suffix != ".part")
    return sorted(path.parent for path in found if _readable(path))


def _readable(manifest: Path) -> bool:
    try:
        return {"windows", "ranks", "case"} <= json.loads(manifest.read_text()).keys()
    except (OSError, ValueError, AttributeError):  # cut off while it was written, or none of ours
        return False


def newest(output: Path, case: Case) -> Path:
    """The folder of the last complete checkpoint of a run of this case.

    Raises ``ResumeError`` where there is none, or where it belongs to another case or to other numbers of ranks.
    """
    found = _complete(output)
    if not found:
        raise ResumeError(
            f"{output} has no complete checkpoint to resume from; set checkpoint_every in [run], "
            "and run the case from its start"
        )
    manifest = json.loads((found[-1] / _MANIFEST).read_text())
    if manifest["ranks"] != _ranks(case):
        raise ResumeError(
            f"{found[-1]} was written by {_listed(manifest['ranks'])} ranks, and the case has {_listed(_ranks(case))}; "
            "resume on the same numbers of ranks"
        )
    theirs, ours = manifest["case"], identity(case)
    changed = sorted(key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key))
    if changed:
        tables = ", ".join(f"[{key}]" for key in changed)
        raise ResumeError(
            f"{found[-1]} was written by another case: {tables} differ; a resumed run may change the end of its "
            f"[time], and {', '.join(f'[{key}]' for key in _MAY_DIFFER if key != 'title')}"
        )
    return found[-1]


def windows_done(folder: Path) -> int:
    """How many windows were done when the checkpoint was written."""
    return int(json.loads((folder / _MANIFEST).read_text())["windows"])


def load(folder: Path, file: str) -> dict[str, Any]:
    """One rank's state; ``ResumeError`` where its file is missing or torn."""
    path = folder / f"{file}.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return unflatten(arrays)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
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
