"""The course of a participant's own figures, window by window, in ``course.h5``."""

from __future__ import annotations

import atexit
from collections.abc import Sequence

from numpy.typing import ArrayLike

from ..couplers.kind import Context
from ..couplers.series import SeriesFile


class Course:
    """Appends one row a window to a dataset for each figure, and to ``time``; made on one rank only."""

    def __init__(self, context: Context, names: Sequence[str]) -> None:
        self._file = SeriesFile(context.output / "course.h5", keep=context.done or None)
        for name in ("time", *names) if context.done else ():
            self._file.cut(name, context.done)
        # A run that ends early leaves what it has seen.
        atexit.register(self._file.close)

    def record(self, time: float, **figures: ArrayLike) -> None:
        """Keep the figures at ``time``."""
        for name, value in figures.items():
            self._file.append(name, value)
        self._file.append("time", time)
        self._file.write_soon()
