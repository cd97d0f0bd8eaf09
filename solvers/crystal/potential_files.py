"""Reads the files of potentials that LAMMPS reads: funcfl and setfl of the embedded-atom method, Stillinger-Weber."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .embedded_atom import Tables
from .stillinger_weber import Parameters

Array = NDArray[np.float64]

FOLDER = Path("/usr/share/lammps/potentials")
"""Where Debian keeps LAMMPS' files."""
_HARTREE_BOHR = 27.2 * 0.529
"""eV Å, as LAMMPS takes it."""


def find(name: Path, directory: Path) -> Path:
    """A file relative to ``directory``, or of that name in LAMMPS' folders: $LAMMPS_POTENTIALS, then Debian's.

    Raises ``SolverError`` where it is nowhere.
    """
    named = [Path(each) for each in os.environ.get("LAMMPS_POTENTIALS", "").split(os.pathsep) if each]
    folders = [directory, *named, FOLDER]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise SolverError(f"there is no potential file {name}; looked in {', '.join(map(str, folders))}")


def embedded_atom(path: Path, element: str | None) -> Tables:
    """The tables of an element in a setfl file (``eam/alloy`` or ``eam/fs``), or of a funcfl file (``eam``).

    Which one it is shows in the file. A funcfl file is of one element that it does not name: ``element`` is None.
    Raises ``SolverError`` naming the file where it is garbled or has no such element.
    """
    lines = _Lines(path)
    if len(lines.rows) > 4 and _is_setfl(lines.rows):
        return _setfl(lines, element)
    if element is not None:
        raise SolverError(f"{path} is no setfl file with named elements; for a funcfl file leave 'element' out")
    return _funcfl(lines)


def stillinger_weber(path: Path, element: str) -> Parameters:
    """The entry of an element with itself. Raises ``SolverError`` naming the file where it is garbled or missing."""
    text = _read(path)
    words = [word for line in text.splitlines() for word in line.split("#")[0].split()]
    if not words or len(words) % 14:
        raise SolverError(f"{path} is garbled: it has {len(words)} words; entries have 14 each")
    entries = [words[k : k + 14] for k in range(0, len(words), 14)]
    for entry in entries:
        if entry[:3] == [element] * 3:
            try:
                return Parameters(*(float(word) for word in entry[3:]))
            except ValueError as error:
                raise SolverError(f"{path} is garbled in the entry of {element}: {error}") from error
    alone = sorted({entry[0] for entry in entries if len(set(entry[:3])) == 1})
    raise SolverError(f"{path} has no entry {element} {element} {element}; it has {', '.join(alone) or 'no element'}")


class _Lines:
    """The lines of a file, of which numbers are taken one block after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = [line.split() for line in _read(path).splitlines()]
        self.next = 0

    def words(self) -> list[str]:
        """Of the next line."""
        if self.next >= len(self.rows):
            raise SolverError(f"{self.path} is garbled: it ends too early")
        self.next += 1
        return self.rows[self.next - 1]

    def header(self) -> tuple[int, float, int, float, float]:
        """Number and step of densities, number and step of distances, and the cut-off."""
        words = self.words()
        try:
            header = int(words[0]), float(words[1]), int(words[2]), float(words[3]), float(words[4])
        except (ValueError, IndexError) as error:
            raise SolverError(f"{self.path} is garbled in line {self.next}: {error}") from error
        if min(header[0], header[2]) < 6 or min(header[1], header[3], header[4]) <= 0.0:
            raise SolverError(
                f"{self.path} is garbled in line {self.next}: {' '.join(words)}; tables have 6 values or more, "
                "steps and the cut-off are positive"
            )
        return header

    def numbers(self, count: int) -> Array:
        """The next block, which fills whole lines."""
        begin, found = self.next, []
        while len(found) < count:
            found += self.words()
        try:
            values = np.array(found, dtype=np.float64)
        except ValueError as error:
            raise SolverError(f"{self.path} is garbled between lines {begin + 1} and {self.next}: {error}") from error
        if len(values) > count or not np.isfinite(values).all():
            problem = f"{len(values)} numbers in place of {count}" if len(values) > count else "not all are finite"
            raise SolverError(f"{self.path} is garbled between lines {begin + 1} and {self.next}: {problem}")
        return values


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise SolverError(f"the potential file {path} cannot be read: {error.strerror}") from error


def _is_setfl(rows: list[list[str]]) -> bool:
    """Whether the fourth line is a number of elements and their names."""
    names = rows[3]
    return len(names) > 1 and names[0].isdigit() and len(names) == 1 + int(names[0]) and not _is_number(names[1])


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _setfl(lines: _Lines, element: str | None) -> Tables:
    lines.next = 3
    names = lines.words()[1:]
    if element not in names:
        found = f"no element {element}" if element else "elements, of which 'element' must name one"
        raise SolverError(f"{lines.path} has {found}; it has {', '.join(names)}")
    nrho, drho, nr, dr, cutoff = lines.header()
    place = names.index(element)
    embedding, density = list(_of_elements(lines, len(names), nrho, nr))[place]
    pairs = [lines.numbers(nr) for i in range(len(names)) for j in range(i + 1)]
    pair = pairs[place * (place + 3) // 2]
    return Tables(drho, embedding, (nrho - 1) * drho, dr, density[place % len(density)], pair, cutoff)


def _of_elements(lines: _Lines, count: int, nrho: int, nr: int) -> Iterator[tuple[Array, list[Array]]]:
    """Embedding energy and densities of each element: one density, or (Finnis-Sinclair) one at each other element."""
    several = None
    for _ in range(count):
        lines.words()
        embedding, densities = lines.numbers(nrho), [lines.numbers(nr)]
        if several is None:
            after = lines.rows[lines.next] if lines.next < len(lines.rows) else []
            several = count > 1 and all(map(_is_number, after))  # no line that names the next element
        densities += [lines.numbers(nr) for _ in range(count - 1 if several else 0)]
        yield embedding, densities


def _funcfl(lines: _Lines) -> Tables:
    lines.next = 2
    nrho, drho, nr, dr, cutoff = lines.header()
    embedding, charge, density = lines.numbers(nrho), lines.numbers(nr), lines.numbers(nr)
    # LAMMPS leaves out the last value of each table, but goes by the full length.
    pair = _HARTREE_BOHR * charge[:-1] ** 2
    return Tables(drho, embedding[:-1], (nrho - 1) * drho, dr, density[:-1], pair, cutoff)
