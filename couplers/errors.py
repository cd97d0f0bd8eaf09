"""What can go wrong, and the exit code that each has on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class SutureError(Exception):
    """Base of every error that Suture raises for its user; ``exit_code`` is what the command line returns."""

    exit_code = 1


@dataclass(frozen=True)
class Mistake:
    """One mistake in a case: where it is, what stands there, what may stand there, and what to do."""

    file: Path
    table: str
    """Dotted, without brackets, e.g. ``participants.wall.solver``; empty for the top of the file."""
    key: str
    found: str
    allowed: str
    remedy: str = ""

    def __str__(self) -> str:
        place = " ".join(part for part in (f"[{self.table}]" if self.table else "", self.key) if part)
        lines = [f"{self.file}: {place}" if place else f"{self.file}:"]
        for label, text in (("found", self.found), ("allowed", self.allowed), ("remedy", self.remedy)):
            if text:
                lines.append(f"  {label + ':':<9}" + text.replace("\n", "\n" + " " * 11))
        return "\n".join(lines)


class CaseError(SutureError, ValueError):
    """The case cannot be run as it is written; holds every ``Mistake`` that was found."""

    exit_code = 2

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__(*mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class ConservationError(SutureError):
    """A balance of the ledger has a defect above the case's tolerance."""

    exit_code = 4


class FieldError(SutureError):
    """A participant gives what is no number."""

    exit_code = 3


class ConvergenceError(SutureError):
    """An implicit window does not converge, or diverges."""

    exit_code = 7


class CommunicationError(SutureError, RuntimeError):
    """A partner is silent, left, or sent what was not agreed."""

    exit_code = 5


class LaunchError(SutureError):
    """The ranks that were started do not fit the case."""

    exit_code = 2


class ResumeError(SutureError):
    """There is nothing to resume, or it does not belong to the case."""

    exit_code = 2


class StoppedError(SutureError):
    """The run was told to end, or its time was over, before its last window: it can be resumed."""

    exit_code = 8


class MappingError(SutureError):
    """The two sides of an interface do not describe the same region."""

    exit_code = 2


class FilterError(SutureError):
    """A filter cannot work on what it is given."""

    exit_code = 2


class LedgerError(SutureError):
    """A ledger file is missing or cannot be read."""

    exit_code = 2


class WriteError(SutureError, OSError):
    """What a run has to write cannot be written: the disk is full, a quota is used up, it is not allowed."""

    exit_code = 9


class ProfileError(SutureError):
    """A run has left no profile."""

    exit_code = 2


class VerificationError(SutureError):
    """A case does not agree with its reference."""

    exit_code = 6
