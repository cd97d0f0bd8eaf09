"""The course of a participant's own figures, window by window, in ``course.h5``."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from ..couplers.kind import Context
from ..couplers.series import SeriesFile


class Course:
    """Appends one row a window to a dataset for each figure, and to ``time``; the participant's first rank writes."""

    def __init__(self, context: Context) -> None:
        self._recorded = -1.0
        self._file: SeriesFile | None = None
        if context.comm.rank == 0:
            self._file = SeriesFile(context.output / "course.h5", keep=context.done or None)

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
