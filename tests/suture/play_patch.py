"""The patch test with a term left out: play_patch CASE --output FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from suture.adapters.led_atoms import LedAtoms
from suture.inside import strain


def keep_the_elements_force() -> None:
    """Let the atoms' push be added to the elements' own, in place of part of it."""
    take = LedAtoms._take

    def taken(self: LedAtoms, values: Any, ahead: float) -> None:
        take(self, values, ahead)
        self._replaced = 0.0 * self._replaced

    LedAtoms._take = taken  # type: ignore[method-assign]


if __name__ == "__main__":
    keep_the_elements_force()
    sys.exit(strain(Path(sys.argv[1]), Path(sys.argv[3])))
