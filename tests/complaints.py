"""What the command line says of a mistake, for the tests of bad input."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from suture.cli import main

SECONDS = 5.0 * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
"""A mistake must be told within 5 s; on a machine that is busy with other work, within as much more."""


@dataclass
class Complaint:
    """What a command said and returned."""

    code: int
    text: str
    seconds: float


def suture(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Complaint:
    """Run the command line in this process."""
    start = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Complaint(int(ended.value.code or 0), captured.err + captured.out, time.monotonic() - start)


def require(complaint: Complaint, *texts: str) -> None:
    assert complaint.code == 2, complaint.text
    assert "Traceback" not in complaint.text
    for text in texts:
        assert text in complaint.text, f"{text!r} is missing in\n{complaint.text}"
    assert complaint.seconds < SECONDS


def write(folder: Path, text: str) -> Path:
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return folder


def edited(text: str, *edits: tuple[str, str]) -> str:
    for old, new in edits:
        assert old in text, f"{old!r} is not in the case: the test would prove nothing"
        text = text.replace(old, new, 1)
    return text
