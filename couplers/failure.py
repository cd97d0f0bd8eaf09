"""What is said when something goes wrong on a rank: who, where and when."""

from __future__ import annotations

import errno
import traceback

from .errors import SutureError

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EACCES, errno.ENOENT)
"""What goes wrong on a disk, and is no bug: full, read-only, broken, or a file is lost."""


def where(participant: str, rank: int, window: int) -> str:
    """Participant, rank and window in words; ``window`` is -1 before the first."""
    return (
        f"participant '{participant}', rank {rank}, {f'window {window}' if window >= 0 else 'before the first window'}"
    )


def describe(error: BaseException, participant: str, rank: int, window: int) -> str:
    """One message with participant, rank, window and cause; a traceback only where the cause is not ours to explain."""
    place = f"suture: {where(participant, rank, window)}"
    # Solvers know no coupler; an error of theirs that has an exit code is one they explain, not a bug.
    if isinstance(error, SutureError) or hasattr(error, "exit_code"):
        return f"{place}: {error}"
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        return f"{place}: the disk does not take it: {error}"
    return f"{place}: {type(error).__name__}: {error}\n{''.join(traceback.format_exception(error)).rstrip()}"
