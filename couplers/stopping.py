"""When a run writes a checkpoint by the clock, and when it ends before its last window: all ranks alike.

A batch system says by a signal that a job's time is over, to the launcher or to every rank, and some time later it
kills. Signals reach the ranks in different windows, and clocks differ; so every rank brings what it asks for to the
next settlement of the books, and all do what one of them has asked.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import FrameType

from .case_model import RunSettings

FILE = "stop"
"""In the run's folder: whoever makes it asks the run to end, as `suture run` does when it gets a signal."""
SIGNALS = signal.SIGTERM, signal.SIGUSR1
LAUNCHED = "SUTURE_LAUNCHED"
"""Set by `suture run` for the ranks that it starts, to when it began: it shows their progress and takes the signals."""
JOB_END = "SLURM_JOB_END_TIME"
"""Where Slurm says when it will end the job, in seconds since 1970."""
_RESERVE = 60.0
"""Seconds that are kept free before the job's end, but no more than the share of the limit."""
_SHARE = 0.02

_caught: list[str] = []


def listen() -> None:
    """Take the signals that ask for an end, unless the program around has its own answer to them."""

    def note(number: int, _: FrameType | None) -> None:
        _caught.append(signal.Signals(number).name)

    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, note)


class Stopping:
    """What this rank asks for; its first rank watches the clock and the file for all."""

    def __init__(self, settings: RunSettings, output: Path, watches: bool) -> None:
        self._interval = settings.checkpoint_interval
        self._watches = watches
        self._file = output / FILE
        self._end, self._reserve = _end_of(settings)
        self._asked_at = self._written_at = time.monotonic()
        self._longest = self._checkpoint = 0.0
        self.stop = self.checkpoint = False
        """What all have agreed upon last."""

    def asks(self) -> tuple[float, float]:
        """Whether to end, and whether to write a checkpoint: 1 or 0, this rank's."""
        now = time.monotonic()
        self._longest, self._asked_at = max(self._longest, now - self._asked_at), now
        if not self._watches:
            return float(bool(_caught)), 0.0
        stop = bool(self.reason())
        return float(stop), float(self._interval is not None and now - self._written_at >= self._interval)

    def reason(self) -> str:
        """Why this rank asks for an end; an empty text where it does not."""
        if _caught:
            return _caught[-1]
        if self._file.exists():
            return f"{self._file} asked for it"
        if self._end is not None and time.time() > self._end - self._reserve - 2.0 * (self._longest + self._checkpoint):
            return "the time limit"
        return ""

    def agree(self, asked: tuple[float, float]) -> None:
        """Take what all ranks together have asked for."""
        self.stop, self.checkpoint = asked[0] > 0.0, asked[1] > 0.0

    def written(self, seconds: float) -> None:
        """A checkpoint was written, in so many seconds."""
        self._checkpoint = max(self._checkpoint, seconds)
        self._written_at = self._asked_at = time.monotonic()
        self.checkpoint = False


def _end_of(settings: RunSettings) -> tuple[float | None, float]:
    """When the job ends, in seconds since 1970, and the seconds to keep free before."""
    now = time.time()
    began = float(os.environ.get(LAUNCHED, now))
    ends = [began + settings.time_limit] if settings.time_limit is not None else []
    try:
        ends.append(float(os.environ[JOB_END]))
    except (KeyError, ValueError):
        pass
    if not ends:
        return None, 0.0
    return min(ends), min(_RESERVE, _SHARE * max(min(ends) - now, 0.0))
