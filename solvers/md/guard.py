"""Ends a rank whose LAMMPS stopped inside a command and will not come back."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

PERIOD = 0.5
"""Seconds between two looks at the log."""
PATIENCE = 1.0
"""Seconds that LAMMPS gets to come back with a proper exception after it wrote an error."""


def end_process(message: str) -> NoReturn:
    """Print the message and end this process at once: mpirun then ends the job."""
    sys.stderr.write(message.rstrip() + "\n")
    sys.stderr.flush()
    os._exit(1)


def error_in(text: str) -> str | None:
    """LAMMPS' error message and the command that it names, if ``text`` (of a log) holds one."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("ERROR"):
            known = ("ERROR", "For more information", "Last command", "Last input line")
            return "\n".join(line.rstrip() for line in lines[number : number + 3] if line.startswith(known))
    return None


class LogGuard:
    """Watches LAMMPS' log for ``ERROR`` while a command runs.

    A LAMMPS library without exceptions (Debian 12's) answers an error that all ranks see by ``MPI_Finalize`` and
    ``exit``: it never returns to Python, and hangs for as long as another participant has not finalised. LAMMPS
    flushes its log first, so a thread that reads the log (ctypes releases the interpreter's lock during the call) can
    say what happened and end the process. Errors of one rank end in ``MPI_Abort``, which needs no guard.
    """

    def __init__(self, log: Path, who: str) -> None:
        self._log = log
        self._who = who
        self._busy = threading.Event()
        self._closed = False
        self._command = ""
        self._offset = 0
        threading.Thread(target=self._watch, name="lammps-log-guard", daemon=True).start()

    @contextmanager
    def during(self, command: str) -> Iterator[None]:
        """Watch while ``command`` runs."""
        self._command = command
        self._busy.set()
        try:
            yield
        finally:
            self._busy.clear()

    def follow(self, log: Path) -> None:
        """Watch another log from its beginning; between two commands."""
        self._log, self._offset = log, 0

    def close(self) -> None:
        """Watch no longer: members of an ensemble that go would each leave a thread."""
        self._closed = True
        self._busy.set()

    def _watch(self) -> None:
        pause = threading.Event()
        while self._busy.wait() and not self._closed:
            pause.wait(PERIOD)
            found = self._look()
            if found and self._stuck():
                pause.wait(PATIENCE)
                if self._stuck():
                    end_process(f"{self._who}: LAMMPS stopped in '{self._command}':\n{found}")
                    return

    def _stuck(self) -> bool:
        return self._busy.is_set() and not self._closed

    def _look(self) -> str | None:
        """What the log says since the last look; an error line is left to be read again until it is complete."""
        try:
            if self._log.stat().st_size <= self._offset:
                return None
            with open(self._log, encoding="utf-8", errors="replace") as file:
                file.seek(self._offset)
                text = file.read()
                found = error_in(text)
                if found is None:
                    # Keep the last line: it may be half an error message.
                    self._offset += len(text[: text.rfind("\n") + 1].encode("utf-8", "replace"))
                return found
        except OSError:
            return None
