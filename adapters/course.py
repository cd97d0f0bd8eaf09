"""The course of a participant's own figures, window by window, in ``course.h5``."""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence

from numpy.typing import ArrayLike

from ..couplers.kind import Context
from ..couplers.series import SeriesFile


class Course:
    """Appends one row a window to a dataset for each figure, and to ``time``; the participant's first rank writes."""

    def __init__(self, context: Context, names: Sequence[str]) -> None:
        self._recorded = -1.0
        self._file: SeriesFile | None = None
        if context.comm.rank == 0:
            self._file = SeriesFile(context.output / "course.h5", keep=context.done or None)
            for name in ("time", *names) if context.done else ():
                self._file.cut(name, context.done)
            # A run that ends early leaves what it has seen.
            atexit.register(self._file.close)

    def lacks(self, time: float) -> bool:
        """Whether ``time`` is not recorded yet: it is once, at however many interfaces the participant has a part."""
        return time > self._recorded

    def record(self, time: float, figures: Mapping[str, ArrayLike]) -> None:
        """Keep the figures at ``time``."""
        self._recorded = time
        if self._file:
            for name, value in {**figures, "time": time}.items():
                self._file.append(name, value)
            self._file.write_soon()
