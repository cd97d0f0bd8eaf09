from collections.abc import Sequence

from .cells import Array
from .operators import Index32

class Nearest:
    def __init__(self, points: Array, elements: Sequence[tuple[str, Index32]]) -> None: ...
    @property
    def width(self) -> int: ...
    def query(self, points: Array, with_middle: bool = False) -> tuple[Array, Index32, Array, Array]: ...
