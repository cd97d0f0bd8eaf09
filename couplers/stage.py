"""A stage: work done before the coupled run, whose result is a JSON file that is kept while its inputs are the same."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

if TYPE_CHECKING:
    # Reading a case must not start MPI, which importing mpi4py.MPI does.
    from mpi4py import MPI

FORMAT = 1
"""Version of what is hashed; part of the hash."""


class StageSettings(Protocol):
    """What the settings of every kind of stage have."""

    @property
    def output(self) -> str:
        """The JSON file that the stage makes, relative to the case directory."""
        ...

    @property
    def ranks(self) -> int:
        """Number of MPI ranks to do it on."""
        ...


@dataclass(frozen=True)
class StageContext:
    """What a stage may know of the run."""

    comm: MPI.Comm
    """Communicator of the stage."""
    case: Path
    """The case directory, against which the case's file names are resolved."""
    log: Path
    """Where an engine may write its log; kept only if the stage fails."""
    report: Callable[[str], None]
    """Takes lines of progress; called on rank 0."""


@dataclass(frozen=True)
class StageCheckRequest:
    """One stage of a case, as ``StageKind.check`` gets it."""

    stage: str
    case: Path
    """The case directory."""
    settings: Any
    """The validated settings."""
    report: Callable[..., Exception]
    """``report(table, key, found, allowed, remedy="")`` makes the ``CaseError`` to raise."""
    made: frozenset[Path] = frozenset()
    """Files that the stages before it make; they need not exist yet."""

    def require_file(self, key: str, allowed: str) -> None:
        """Refuse a setting ``key`` that names no file, unless a stage before makes it, with the error to raise."""
        path = self.case / getattr(self.settings, key)
        if path not in self.made and not path.is_file():
            found = repr(str(getattr(self.settings, key)))
            allowed = f"{allowed}, relative to the case directory, or a file that a stage before makes"
            raise self.report(f"stages.{self.stage}", key, found, allowed, f"{path} does not exist")


def nothing_beside(settings: Any, case: Path) -> tuple[Path, ...]:
    """Of stages whose output is all that they make."""
    return ()


@dataclass(frozen=True)
class StageKind:
    """A kind of stage, found by name through the entry-point group ``suture.stages``."""

    name: str
    settings: type[BaseModel]
    """Validates the stage's table in the case; its models fulfil ``StageSettings``."""
    run: Callable[[Any, StageContext], dict[str, Any]]
    """``run(settings, context)``, collective over ``context.comm``: the content of the output file, with what the kind
    itself knows of the provenance under the key ``provenance``."""
    inputs: Callable[[Any, Path], tuple[Path, ...]]
    """``inputs(settings, case)``: all files whose bytes decide the result. A file that is missing is listed too."""
    check: Callable[[StageCheckRequest], None]
    """Raises ``CaseError`` for what the settings' types cannot see; without MPI."""
    beside: Callable[[Any, Path], tuple[Path, ...]] = nothing_beside
    """``beside(settings, case)``: files that it makes besides its output, whose hashes stand in it."""
    not_hashed: frozenset[str] = frozenset({"output", "ranks"})
    """Settings that do not change what is measured."""


def input_hash(kind: StageKind, settings: StageSettings, case: Path) -> str:
    """SHA-256 over the kind, the settings and the bytes of the input files.

    Versions of libraries are provenance, not part of it: an update must not silently cost a new measurement.
    Raises ``FileNotFoundError`` where an input file is missing.
    """
    assert isinstance(settings, BaseModel)
    content = {
        "format": FORMAT,
        "kind": kind.name,
        "settings": settings.model_dump(mode="json", exclude=set(kind.not_hashed)),
        "files": _file_hashes(kind.inputs(settings, case), case),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def stale(kind: StageKind, settings: StageSettings, case: Path) -> str | None:
    """Why the stage must be done (again), in one line, or None if its output belongs to the present inputs."""
    path = case / settings.output
    if not path.exists():
        return f"{settings.output} does not exist"
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
        found, files, beside = provenance["inputs"], dict(provenance["files"]), dict(provenance.get("beside", {}))
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError, OSError):
        return f"{settings.output} is incomplete or was not made by a stage"
    if found == input_hash(kind, settings, case):
        return _lost(beside, case)
    now = _file_hashes(kind.inputs(settings, case), case)
    changed = sorted(name for name in now.keys() | files.keys() if now.get(name) != files.get(name))
    return f"{settings.output} was made from other " + (f"input: {', '.join(changed)}" if changed else "settings")


def _lost(beside: dict[str, str], case: Path) -> str | None:
    """What has become of the files that a stage has made besides its output, if they are not what they were."""
    for name, written in beside.items():
        path = case / name
        if not path.is_file():
            return f"{name} does not exist"
        if hashlib.sha256(path.read_bytes()).hexdigest() != written:
            return f"{name} is not what the stage has made"
    return None


def log_file(settings: StageSettings, case: Path) -> Path:
    """Where the log of a failed stage stands."""
    return (case / settings.output).with_suffix(".log")


def run_stage(
    kind: StageKind, settings: StageSettings, case: Path, comm: MPI.Comm, report: Callable[[str], None] = print
) -> None:
    """Do the stage on all ranks of ``comm`` and write its output, whether or not there is one already.

    The output appears complete or not at all, after the files beside it. Its ``provenance`` names the inputs and their
    hash, the hashes of the files beside it, the settings, the versions, the ranks and the seconds it took.
    """
    case = case.resolve()
    path, log = case / settings.output, log_file(settings, case)
    own = comm.Dup()
    if own.rank == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
    own.Barrier()
    inputs, files = input_hash(kind, settings, case), _file_hashes(kind.inputs(settings, case), case)
    begin = time.perf_counter()
    content = kind.run(settings, StageContext(own, case, log, report))
    own.Barrier()
    assert isinstance(settings, BaseModel)
    content["provenance"] = {
        "kind": kind.name,
        "inputs": inputs,
        "files": files,
        "beside": _file_hashes(kind.beside(settings, case), case),
        "settings": settings.model_dump(mode="json"),
        "suture": version("suture"),
        "ranks": own.size,
        "seconds": round(time.perf_counter() - begin, 1),
        **content.get("provenance", {}),
    }
    if own.rank == 0:
        write_atomically(path, json.dumps(content, indent=2) + "\n")
        log.unlink(missing_ok=True)
    own.Barrier()
    own.Free()


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` so that ``path`` holds either what it held or all of it, whatever happens in between."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _file_hashes(paths: Iterable[Path], case: Path) -> dict[str, str]:
    case = case.resolve()
    return {
        Path(os.path.relpath(path, case)).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }
