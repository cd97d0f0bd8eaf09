"""Files of potentials: where they are looked for, and what is said of those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from suture.solvers.crystal import SolverError
from suture.solvers.crystal.potential_files import FOLDER, embedded_atom, find, stillinger_weber

SETFL = "\n".join(["", "", "", "1 Cu", "6 0.1 6 0.5 2.4", "29 63.5 3.6 fcc", *["1 2 3"] * 6, ""])
FUNCFL = "\n".join(["", "29 63.5 3.6 fcc", "6 0.1 6 0.5 2.4", *["1 2 3"] * 6, ""])


def test_a_file_beside_the_case_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, named = tmp_path / "case", tmp_path / "named"
    for folder in (mine, named):
        folder.mkdir()
    name = Path("Si.sw")
    monkeypatch.delenv("LAMMPS_POTENTIALS", raising=False)
    assert find(name, mine) == FOLDER / name
    (named / name).touch()
    monkeypatch.setenv("LAMMPS_POTENTIALS", f"{tmp_path}:{named}")
    assert find(name, mine) == named / name
    (mine / name).touch()
    assert find(name, mine) == mine / name


def test_a_file_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match=rf"no potential file Xx\.sw; looked in {tmp_path}, .*{FOLDER}"):
        find(Path("Xx.sw"), tmp_path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match="cannot be read: Is a directory"):
        embedded_atom(tmp_path, None)


def test_several_elements_have_their_own_tables() -> None:
    """Nickel of an alloy and of copper and nickel are not the same."""
    alloy = {name: embedded_atom(FOLDER / "CuNi.eam.alloy", name) for name in ("Cu", "Ni")}
    assert (alloy["Cu"].pair != alloy["Ni"].pair).any() and (alloy["Cu"].density != alloy["Ni"].density).any()


def garbled(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


EMBEDDED = {
    "has no element Ni; it has Cu": (SETFL, "Ni"),
    "has elements, of which 'element' must name one; it has Cu": (SETFL, None),
    "no setfl file with named elements; for a funcfl file leave 'element' out": (FUNCFL, "Cu"),
    "is garbled: it ends too early": (garbled(SETFL, "1 2 3\n", ""), "Cu"),
    "garbled in line 5: could not convert string": (garbled(SETFL, "0.1", "0,1"), "Cu"),
    "garbled in line 3: .*steps and the cut-off are positive": (garbled(FUNCFL, "2.4", "0"), None),
    "garbled in line 3: list index out of range": (garbled(FUNCFL, "0.5 2.4", ""), None),
    "garbled between lines 4 and 5: could not convert": (garbled(FUNCFL, "1 2 3", "1 two 3"), None),
    "garbled between lines 7 and 8: 7 numbers in place of 6": (garbled(SETFL, "1 2 3", "1 2 3 4"), "Cu"),
    "garbled between lines 4 and 5: not all are finite": (garbled(FUNCFL, "1 2 3", "1 nan 3"), None),
}


@pytest.mark.parametrize("message", EMBEDDED)
def test_tables_that_cannot_be_used(message: str, tmp_path: Path) -> None:
    text, element = EMBEDDED[message]
    file = tmp_path / "table.eam"
    file.write_text(text)
    with pytest.raises(SolverError, match=rf"table\.eam .*{message}|table\.eam is {message}"):
        embedded_atom(file, element)


def test_the_unharmed_tables_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(SETFL)
    (tmp_path / "b").write_text(FUNCFL)
    assert embedded_atom(tmp_path / "a", "Cu").density.tolist() == [1, 2, 3, 1, 2, 3]
    assert len(embedded_atom(tmp_path / "b", None).density) == 5


ENTRY = "Si Si Si 2.1 2.0 1.8 21.0 1.2 -0.33\n  7.0 0.6 4.0 0.0 0.0  # the last ones\n"
ANGULAR = {
    r"has no entry Ge Ge Ge; it has Si": ENTRY,
    r"is garbled: it has 13 words; entries have 14 each": ENTRY.replace("0.6 ", ""),
    r"is garbled in the entry of Ge: could not convert string to float: 'x'": ENTRY.replace("Si", "Ge").replace(
        "0.6", "x"
    ),
}


@pytest.mark.parametrize("message", ANGULAR)
def test_angular_entries_that_cannot_be_used(message: str, tmp_path: Path) -> None:
    file = tmp_path / "some.sw"
    file.write_text(ANGULAR[message])
    with pytest.raises(SolverError, match=rf"some\.sw {message}"):
        stillinger_weber(file, "Ge")
