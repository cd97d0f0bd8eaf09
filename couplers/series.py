"""Files that grow by a row a window: arrays by name in HDF5, sound whenever they are read or their writer is killed.

HDF5 lays a file out with room for more rows than there are, and closes it. Rows are then written where it has put them,
and after them how many are whole, ``/written``: HDF5's own structure stays as it is, so that nothing that ends the
writer can spoil it, and who reads up to that number sees whole windows. When the room is used up, a file with twice the
room is made beside it and takes its place; so does one without spare room in the end, which has no ``/written``.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .cells import Array
from .errors import ResumeError, WriteError

_WRITTEN = "written"
_OPENING = "opening"
"""Attribute of a dataset whose first row is from before the first window."""
_ROOM = 256
"""Rows that a new file has room for."""
_BLOCK = 1 << 22
"""Bytes that are copied at once."""
_STRUCTURE = 1 << 12
"""Bytes of HDF5's own structure for a dataset or a group at most; it is about a quarter of it."""
_FLUSH_EVERY = 10.0
"""Seconds between two writings: what a reader of a running case may lag behind."""
_open: list[SeriesFile] = []


class SeriesFile:
    """Appends to datasets whose first axis grows; made on one rank only.

    All datasets get a row in every window, from the first on.
    """

    def __init__(self, path: Path, keep: int | None = None) -> None:
        """Start a new file, or go on with one, of which the first ``keep`` windows are kept.

        Nothing is changed on disk before the first writing. Raises ``ResumeError`` where the file to go on with is
        missing, unreadable or too short.
        """
        import h5py  # noqa: F401 - what it does at the interpreter's end must come after this file is closed

        self.path = path
        self.attributes: dict[str, dict[str, Any]] = {"/": {}}
        """Of groups, by path."""
        self.fixed: dict[str, Array] = {}
        """Datasets that do not grow; they are written anew each time."""
        self.before_flush: Callable[[], None] = lambda: None
        """Lets the owner give what is cheaper made once in a while than in every window."""
        self._openings: dict[str, Array] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._buffer: dict[str, list[Array]] = {}
        self._rows, self._room = 0, 0
        self._file = -1
        self._places: dict[str, int] = {}
        """Where in the file each dataset begins, in bytes."""
        self._flushed = time.monotonic()
        if keep is not None:
            self._take_up(keep)
        _open.append(self)
        atexit.register(self._close_at_exit)

    def _take_up(self, keep: int) -> None:
        try:
            with read_series(self.path) as old:
                old.file.visititems(lambda name, item: self._note(name, item, old, keep))
                self.attributes["/"] = dict(old.file.attrs)
            self._file = os.open(self.path, os.O_RDONLY)
        except (OSError, KeyError) as error:
            raise ResumeError(f"{self.path} cannot be continued: {error}") from error
        self._rows = keep

    def _note(self, name: str, item: Any, old: Series, keep: int) -> None:
        """Remember what of an old file is to be in the new one."""
        if not hasattr(item, "shape"):
            self.attributes[name] = dict(item.attrs)
        elif _OPENING not in item.attrs:
            if name != _WRITTEN:
                self.fixed[name] = item[:]
        else:
            found, opening = old.length(name), int(item.attrs[_OPENING])
            if found < keep + opening:
                raise ResumeError(
                    f"{self.path}: {name} has {found} rows, and {keep + opening} are needed to go on with it"
                )
            if opening:
                self._openings[name] = item[0]
            self._shapes[name] = item.shape[1:]
            self._places[name] = item.id.get_offset() or 0

    def begin(self, name: str, row: Array) -> None:
        """Give a dataset its row from before the first window."""
        self._openings[name] = row
        self._shapes[name] = row.shape

    def append(self, name: str, row: ArrayLike) -> None:
        """Add one row to a dataset."""
        self.extend(name, np.asarray(row, dtype=float)[None])

    def extend(self, name: str, rows: Array) -> None:
        """Add some rows to a dataset."""
        self._buffer.setdefault(name, []).append(rows)

    def due(self) -> bool:
        """Whether the last writing is some seconds ago."""
        return time.monotonic() - self._flushed > _FLUSH_EVERY

    def write_soon(self) -> None:
        """Write what is buffered if it is due."""
        if self.due():
            self.flush()

    def flush(self) -> None:
        """Write what is buffered, down to the disk; ``WriteError`` where that cannot be, and then nothing is lost."""
        self.before_flush()
        blocks = {name: np.ascontiguousarray(np.concatenate(rows), "<f8") for name, rows in self._buffer.items()}
        lengths = {len(block) for block in blocks.values()}
        assert len(lengths) <= 1, f"{self.path}: some datasets got no row in a window"
        if not lengths and self._room:
            return  # nothing new
        rows = self._rows + (lengths.pop() if lengths else 0)
        with writing(self.path):
            self._make_room(rows, blocks)
            for name, block in blocks.items():
                self._put(name, block, self._rows + (name in self._openings))
            for name, values in self.fixed.items():
                self._put(name, np.ascontiguousarray(values, "<f8"))
            os.fsync(self._file)
            self._put(_WRITTEN, np.array([rows], "<i8"))
            os.fsync(self._file)
        self._rows = rows
        self._buffer.clear()
        self._flushed = time.monotonic()

    def _make_room(self, rows: int, blocks: Mapping[str, Array]) -> None:
        new = {name: block.shape[1:] for name, block in blocks.items() if name not in self._shapes}
        assert not (new and self._rows), f"{self.path}: {', '.join(new)} came after the first windows"
        self._shapes |= new
        if rows > self._room or not self._places or any(name not in self._places for name in self._shapes):
            self._renew(max(_ROOM, 2 * rows), spare=True)

    def _renew(self, room: int, spare: bool) -> None:
        """Let a file with other room take the place of the present one; until it does, that is as it was."""
        part = self.path.with_name(self.path.name + ".part")
        try:
            places = self._lay_out(part, room, spare)
            file = os.open(part, os.O_RDWR)
            try:
                self._fill(file, places)
                os.fsync(file)
                part.rename(self.path)
            except OSError:
                os.close(file)
                raise
        except OSError:
            part.unlink(missing_ok=True)
            raise
        if self._file >= 0:
            os.close(self._file)
        self._file, self._places, self._room = file, places, room

    def _lay_out(self, path: Path, room: int, spare: bool) -> dict[str, int]:
        """Let HDF5 make the file; returns where in it each dataset begins."""
        import h5py

        sizes = {_WRITTEN: (1,)} if spare else {}
        sizes |= {name: values.shape for name, values in self.fixed.items()}
        sizes |= {name: (room + (name in self._openings), *shape) for name, shape in self._shapes.items()}
        numbers = sum(int(np.prod(size)) for size in sizes.values())
        _try_room(path, _STRUCTURE * (len(sizes) + len(self.attributes)), 8 * numbers)
        with h5py.File(path, "w", locking=False) as file:  # pyright: ignore[reportAttributeAccessIssue]
            for group, attributes in self.attributes.items():
                file.require_group(group).attrs.update(attributes)
            places = {name: _allocate(file, name, size) for name, size in sizes.items()}
            for name in self._shapes:
                file[name].attrs[_OPENING] = int(name in self._openings)
        return places

    def _fill(self, file: int, places: Mapping[str, int]) -> None:
        """Write what there is so far into a new file."""
        for name, shape in self._shapes.items():
            row = 8 * int(np.prod(shape))
            if name in self._openings:
                _write(file, np.ascontiguousarray(self._openings[name], "<f8").tobytes(), places[name])
            begin = row * (name in self._openings)
            if name in self._places:
                _copy(self._file, self._places[name] + begin, file, places[name] + begin, self._rows * row)
        for name, values in self.fixed.items():
            _write(file, np.ascontiguousarray(values, "<f8").tobytes(), places[name])
        if _WRITTEN in places:
            _write(file, np.array([self._rows], "<i8").tobytes(), places[_WRITTEN])

    def _put(self, name: str, values: Array, row: int = 0) -> None:
        _write(self._file, values.tobytes(), self._places[name] + row * 8 * int(np.prod(values.shape[1:])))

    def close(self) -> None:
        """Write the rest, and give back the spare room; ``WriteError`` where that cannot be."""
        if self not in _open:
            return
        self.flush()
        with writing(self.path):
            self._renew(self._rows, spare=False)
        os.close(self._file)
        _open.remove(self)

    def _close_at_exit(self) -> None:
        """A run that ends early leaves what it has seen."""
        try:
            self.close()
        except WriteError as error:
            print(error, file=sys.stderr)


def flush_all() -> None:
    """Write what every file of this rank has in its buffer: a checkpoint's windows must be there to go on with."""
    for file in _open:
        file.flush()


class Series:
    """What a file holds at one moment: arrays by name, cut to the windows that are whole."""

    def __init__(self, file: Any) -> None:
        self.file = file
        """The open HDF5 file: its groups and attributes."""
        self._rows = int(file[_WRITTEN][0]) if _WRITTEN in file else None

    @property
    def final(self) -> bool:
        """Whether nobody writes the file any more, if nobody was killed while writing it."""
        return self._rows is None

    def __contains__(self, name: str) -> bool:
        return name in self.file

    def __getitem__(self, name: str) -> Array:
        return self.file[name][: self.length(name)]

    def length(self, name: str) -> int:
        """How many rows of a dataset are whole."""
        data = self.file[name]
        if self._rows is None or _OPENING not in data.attrs:
            return len(data)
        return self._rows + int(data.attrs[_OPENING])


@contextmanager
def read_series(path: Path) -> Iterator[Series]:
    """Open a file for reading, while a run writes it or after; ``OSError`` where it is none."""
    import h5py

    with h5py.File(path, "r", locking=False) as file:  # pyright: ignore[reportAttributeAccessIssue]
        yield Series(file)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a ``WriteError`` with the path and its reason."""
    try:
        yield
    except OSError as error:
        # HDF5 gives no errno, but a long text that quotes the reason.
        quoted = re.search(r"error message = '([^']*)'", str(error))
        reason = error.strerror or (quoted[1] if quoted else str(error))
        raise WriteError(f"cannot write {path}: {reason}; what was written before is kept") from error


def _try_room(path: Path, structure: int, numbers: int) -> None:
    """Let the system refuse a file of so many bytes before HDF5 makes it, which crashes later on where it was refused.

    The structure must find its place on the disk now; the numbers are a hole.
    """
    with open(path, "wb") as file:
        file.write(bytes(structure))
        file.truncate(structure + numbers)


def _allocate(file: Any, name: str, shape: tuple[int, ...]) -> int:
    """Make a dataset that has its place in the file from the beginning, and is not filled: a hole takes no disk."""
    from h5py import h5d, h5p, h5s, h5t  # pyright: ignore[reportAttributeAccessIssue]

    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5d.FILL_TIME_NEVER)
    plan.set_obj_track_times(False)  # the same run writes the same file
    parent, _, leaf = name.rpartition("/")
    kind = h5t.py_create(np.dtype("<i8" if name == _WRITTEN else "<f8"))
    space = h5s.create_simple(shape)
    place = h5d.create(file.require_group(parent or "/").id, leaf.encode(), kind, space, plan).get_offset()
    assert place is None or place % 8 == 0, "a number must not lie across two pages: it is written at once"
    return place or 0


def _write(file: int, content: bytes, place: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(file, view, place)
        view, place = view[written:], place + written


def _copy(source: int, begin: int, target: int, place: int, size: int) -> None:
    while size:
        block = os.pread(source, min(_BLOCK, size), begin)
        if not block:
            raise OSError("it is shorter than it was")
        _write(target, block, place)
        begin, place, size = begin + len(block), place + len(block), size - len(block)
