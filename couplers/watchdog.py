"""Tells a slow participant from a dead one: by the processor time that its ranks use, and the beats that they leave."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

from .status import here, read, straggling

LOOK = 1.0
"""Seconds between the two looks that show whether somebody works."""
_BUSY = 0.1
"""Part of that time in which a rank uses the processor, if it works."""


class Watchdog:
    """Looks after those whom this rank waits for.

    The system tells the processor time of a rank of the same host; one of another host leaves it on its slate.
    """

    def __init__(self, output: Path) -> None:
        self._output = output

    def somebody_works(self) -> bool:
        """Whether one of the ranks that keep the others waiting uses the processor now; takes ``LOOK`` seconds."""
        before = {_process(slate): processor_time(slate) for slate in straggling(read(self._output))}
        before.pop((socket.gethostname(), os.getpid()), None)
        time.sleep(LOOK)
        after = {_process(slate): processor_time(slate) for slate in read(self._output)}
        return any(after.get(process, 0.0) - used > _BUSY * LOOK for process, used in before.items())


def _process(slate: dict[str, Any]) -> tuple[str, int]:
    return slate["host"], slate["pid"]


def processor_time(slate: dict[str, Any]) -> float:
    """Seconds that the process of a slate has used the processor; 0 where it has ended."""
    if not here(slate):
        return float(slate.get("used", 0.0))
    try:
        fields = Path(f"/proc/{slate['pid']}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
