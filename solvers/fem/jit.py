"""Compiles forms so that no one waits for another's compiler, and none is stopped by what another left unfinished.

FFCx keeps compiled code in a folder that all programs share. Who begins to compile a form marks it as begun, and others
wait for it, some seconds and then with an error: also where its compiler was killed, and the code will never come. Here
whoever finds a form begun and not finished compiles it in a folder of its own, and then puts it into the shared one.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mpi4py import MPI

Options = dict[str, Any]
_READY = ".cached"
"""How the name of the file ends that says that the others of its name are complete."""


def compile_on(comm: MPI.Comm, make: Callable[[Options], Any], cache: Path) -> Any:
    """What ``make`` gives when it is called with options of the compiler; collective over ``comm``.

    ``cache`` is the shared folder; the folder of one's own is made inside it, where all ranks can read it.
    """
    with _quiet():
        try:
            return make({"timeout": 1})
        except (TimeoutError, RuntimeError):
            # The ranks that do not compile learn only that it failed. If the code itself is wrong it fails again.
            own = Path(comm.bcast(tempfile.mkdtemp(dir=cache) if comm.rank == 0 else ""))
        try:
            made = make({"timeout": 1, "cache_dir": own})
        finally:
            comm.Barrier()
            if comm.rank == 0:
                _publish(own, cache)
        return made


def _publish(own: Path, cache: Path) -> None:
    """Put what was compiled into the shared folder, what says that it is ready last."""
    for file in sorted(own.iterdir(), key=lambda file: file.name.endswith(_READY)):
        os.replace(file, cache / file.name)
    shutil.rmtree(own, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the compilers' reports on what they do."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
