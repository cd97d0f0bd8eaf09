"""What is said when something goes wrong on a rank: who, where and when."""

from __future__ import annotations

import traceback

from .errors import SutureError


def describe(error: BaseException, participant: str, rank: int, window: int) -> str:
    """One message with participant, rank, window and cause; a traceback only where the cause is not ours to explain."""
    when = f"window {window}" if window >= 0 else "before the first window"
    where = f"suture: participant '{participant}', rank {rank}, {when}"
    if isinstance(error, SutureError):
        return f"{where}: {error}"
    return f"{where}: {type(error).__name__}: {error}\n{''.join(traceback.format_exception(error)).rstrip()}"
