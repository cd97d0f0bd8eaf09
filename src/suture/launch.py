"""Starts a coupled run: its stages, mpirun with what it needs, and a watch over the ranks from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .couplers.audit import read_books
from .couplers.case import load_case
from .couplers.checkpoint import hint
from .couplers.errors import LaunchError
from .couplers.failure import where
from .couplers.status import gone, here, read, stragglers
from .couplers.stopping import FILE, LAUNCHED, SIGNALS
from .environment import under_mpi

if TYPE_CHECKING:
    from .couplers.case_model import Case

_KILLED = re.compile(r"process rank (\d+) with PID \d+ on node \S+\s+exited\s+on\s+signal (\d+)(?: \((.*)\))?")
_BEGAN = time.time()
_LINGER = 5.0
"""Seconds for a job to end by itself after its first rank has."""
_SAID = re.compile(r"^suture: ", re.MULTILINE)


def run(path: Path, only: Sequence[str] = (), output: Path | None = None, resume: bool = False) -> int:
    """Run the case and return the exit code: as one rank where an MPI launcher started us, else by starting mpirun."""
    if under_mpi():
        from .inside import play

        return play(path, only, output, resume)
    if only:
        raise LaunchError(
            "--only is for several programs under one mpirun: "
            f"mpirun -n N suture run {path} --only {' '.join(only)} : -n M ./other_solver"
        )
    return start(path, output, resume)


def start(path: Path, output: Path | None, resume: bool = False) -> int:
    """Check the case, run stale stages, and run the case under an mpirun of our own."""
    from .check import verify_case

    case = load_case(path)
    foreign = [name for name, participant in case.participants.items() if participant.foreign]
    if foreign:
        raise LaunchError(
            f"participant {foreign[0]!r} is a program of your own; start all programs under one mpirun: "
            f"mpirun -n N suture run {path} --only ... : -n {case.participants[foreign[0]].ranks} ./your_solver"
        )
    verify_case(case)  # before a stage takes minutes
    if case.stages:
        from .stages import refresh

        if refresh(case):
            verify_case(case)  # with what it made
    folder = (output or case.directory / "RUN").resolve()
    arguments = ["run", str(case.file), "--output", str(folder), *(["--resume"] if resume else [])]
    print(
        f"{case.title or case.directory.name}: {case.ranks} ranks, {case.windows} windows, output in {folder}",
        flush=True,
    )
    code = _watch(mpirun(case.ranks, *arguments), case, folder)
    if code == 0:
        _conclude(folder)
    return code


def _conclude(output: Path) -> None:
    """Say what the books came to, and where the report is."""
    from .books import on_clocks, on_held, on_iterations
    from .plot import plot

    books = read_books(output)
    for line in [*on_clocks(books), *on_iterations(books), *on_held(books)]:
        print(line)
    words = "the books balance" if books.balanced else "the books do NOT balance"
    print(f"{words}: worst defect {books.worst:.2g} of throughput over {books.windows} windows")
    print(f"report: {plot(output)}", flush=True)


def mpirun(ranks: int, *arguments: str) -> list[str]:
    """Command line that runs ``suture ARGUMENTS`` on ``ranks`` ranks."""
    # Two runs on one machine, each bound to its first cores, would share these and leave the others idle.
    return [
        "mpirun",
        "--oversubscribe",
        "--bind-to",
        "none",
        "-n",
        str(ranks),
        sys.executable,
        "-m",
        "suture",
        *arguments,
    ]


def environment(ranks: int) -> dict[str, str]:
    """The environment with what Open MPI needs: as root too, and with more ranks than cores."""
    settings = {
        LAUNCHED: repr(_BEGAN),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        # Scotch 7, by which DOLFINx divides meshes, has threads of its own, and then divides otherwise every time: a
        # run could not be resumed.
        "SCOTCH_DETERMINISTIC": "1",
        "SCOTCH_PTHREAD_NUMBER": "1",
    }
    if ranks > len(os.sched_getaffinity(0)):
        settings["OMPI_MCA_mpi_yield_when_idle"] = "1"
    return {**os.environ, **settings}


def _watch(command: Sequence[str], case: Case, output: Path) -> int:
    """Run the job, show its progress, and say what ended it when no rank could."""
    try:
        job = subprocess.Popen(
            command, env=environment(case.ranks), stderr=subprocess.PIPE, text=True, errors="replace"
        )
    except FileNotFoundError as error:
        raise LaunchError("mpirun is not installed; on Debian: apt-get install openmpi-bin") from error
    before = _pass_on_signals(job, output)
    stop = threading.Event()
    from .progress import follow

    show = threading.Thread(target=follow, args=(output, case, stop))
    show.start()
    threading.Thread(target=_reap, args=(job, output, stop, case.ranks), daemon=True).start()
    spoken: list[str] = []
    try:
        assert job.stderr is not None
        for text in job.stderr:
            spoken.append(text)
            sys.stderr.write(text)
        code = job.wait()
    except KeyboardInterrupt:
        job.terminate()
        code = job.wait() or 130
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)
        stop.set()
        show.join()
    if code and not _SAID.search("".join(spoken)):
        _explain("".join(spoken), case, output)
    return code


def _pass_on_signals(job: subprocess.Popen, output: Path) -> dict[signal.Signals, Any]:
    """Ask the ranks to end when a batch system asks us; returns the answers to its signals before.

    Through a file: mpirun would end them at once. A second signal does, and one before the first window.
    """
    started = time.time()

    def ask(*_: object) -> None:
        begun = any(slate["since"] >= started for slate in read(output))
        if begun and not (output / FILE).exists():
            (output / FILE).touch()
        else:
            job.terminate()

    return {number: signal.signal(number, ask) for number in SIGNALS}


def _reap(job: subprocess.Popen, output: Path, stop: threading.Event, size: int) -> None:
    """End what is left of a job of ``size`` ranks some seconds after its first rank ended.

    Open MPI's mpirun now and then stays when a rank dies inside MPI_Init, MPI_Finalize or MPI_Abort, as LAMMPS' errors
    do.
    """
    started = time.time()
    since = None
    ranks: set[int] = set()
    while not stop.wait(1.0):
        slates = [slate for slate in read(output) if here(slate) and slate["since"] >= started]
        now, others = _children(job.pid)
        ranks |= now
        # One that died before it was ever seen is missed, unless those that are missing may be on other hosts.
        complete = not now or others or len(ranks) >= size
        if ranks == now and complete and not any(gone(slate) for slate in slates):
            since = None
            continue
        since = since or time.monotonic()
        if time.monotonic() - since > _LINGER:
            for pid in now | {slate["pid"] for slate in slates if not gone(slate)}:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            job.kill()


def _children(launcher: int) -> tuple[set[int], bool]:
    """The ranks that an mpirun has on this host now, and whether it has other processes, by which it reaches others.

    None where the system does not tell.
    """
    found: set[int] = set()
    for path in Path(f"/proc/{launcher}/task").glob("*/children"):
        with suppress(OSError):
            found |= {int(pid) for pid in path.read_text().split()}
    ranks = {pid for pid in found if _is_rank(pid)}
    return ranks, any(_runs(pid) for pid in found - ranks)


def _is_rank(pid: int) -> bool:
    # What mpirun starts beside them, to reach other hosts, is another program.
    return _command_line(pid).startswith(os.fsencode(sys.executable) + b"\0")


def _runs(pid: int) -> bool:
    # A zombie has no command line.
    return bool(_command_line(pid))


def _command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _explain(spoken: str, case: Case, output: Path) -> None:
    """Name participant, rank and window of what died without a word: killed, or ended inside an engine's library."""
    slates = read(output)
    killed = _KILLED.search(spoken)
    if killed:
        names = [(name, rank) for name, participant in case.participants.items() for rank in range(participant.ranks)]
        name, rank = names[int(killed[1])]
        windows = [slate["window"] for slate in slates if (slate["participant"], slate["rank"]) == (name, rank)]
        cause = f"killed by signal {killed[2]} ({killed[3] or 'no name'})"
        print(f"suture: {where(name, rank, windows[0] if windows else -1)}: {cause}", file=sys.stderr)
    elif slates:
        print("suture: the job ended, and no rank of it could say why; at work were", file=sys.stderr)
        print(*stragglers(output), sep="\n", file=sys.stderr)
        print("".join(_last_words(case, output)), end="", file=sys.stderr)
    if resume := hint(case, output):
        print(resume.lstrip("\n"), file=sys.stderr)


def _last_words(case: Case, output: Path) -> list[str]:
    """The last line that begins with ERROR of every log in the participants' folders; engines write such lines."""
    words = []
    for path in sorted(path for name in case.participants for path in (output / name).glob("*log*")):
        errors = [line for line in path.read_text(errors="replace").splitlines() if line.startswith("ERROR")]
        words += [f"{path}: {errors[-1]}\n"] if errors else []
    return words
