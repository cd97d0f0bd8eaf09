"""The same answer, whatever the number of ranks; and files that ParaView can put together."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from suture.solvers.navier_stokes.partition import processors
from tests.mpi import mpirun

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folders = {}
    for ranks in (1, 2, 3):
        folders[ranks] = tmp_path_factory.mktemp(f"ranks{ranks}")
        mpirun(ranks, "-m", "tests.solvers.navier_stokes.parallel_flows", folders[ranks], cwd=ROOT)
    return folders


@pytest.mark.parametrize("ranks", [2, 3])
def test_same_answer_on_any_number_of_ranks(ranks: int, runs: dict[int, Path]) -> None:
    alone, together = np.load(runs[1] / "results.npz"), np.load(runs[ranks] / "results.npz")
    assert len(alone.files) == 12
    for name in alone.files:
        assert alone[name].shape == together[name].shape, name
        scale = np.abs(alone[name]).max()
        assert np.abs(alone[name] - together[name]).max() <= 1e-12 * scale, name


def cell_data(folder: Path, index: str, name: str) -> np.ndarray:
    """A field (z, y, x, components) put together from the pieces of a .pvti file."""
    image = ET.parse(folder / index).getroot().find("PImageData")
    assert image is not None
    size = list(map(int, image.attrib["WholeExtent"].split()))[1::2]
    field = None
    for piece in image.iter("Piece"):
        x0, x1, y0, y1, z0, z1 = map(int, piece.attrib["Extent"].split())
        tree = ET.parse(folder / piece.attrib["Source"]).getroot()
        (array,) = (a for a in tree.iter("DataArray") if a.attrib["Name"] == name)
        raw = base64.b64decode(array.text or "")
        assert np.frombuffer(raw[:8], "<u8")[0] == len(raw) - 8
        values = np.frombuffer(raw[8:], "<f8").reshape(z1 - z0, y1 - y0, x1 - x0, -1)
        field = np.full((*size[::-1], values.shape[-1]), np.nan) if field is None else field
        field[z0:z1, y0:y1, x0:x1] = values
    assert field is not None
    return field


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("cells", ["1x1x9", "6x1x9", "6x5x7"])
def test_files_hold_the_fields(ranks: int, cells: str, runs: dict[int, Path]) -> None:
    state = np.load(runs[1] / "results.npz")[f"{cells} state"]
    density = cell_data(runs[ranks], f"{cells}.pvti", "density").ravel()
    velocity = cell_data(runs[ranks], f"{cells}.pvti", "velocity").reshape(-1, 3)
    assert np.abs(density / state[:, 0] - 1).max() < 1e-12
    assert np.abs(velocity * density[:, None] - state[:, 1:4]).max() < 1e-12
    listed = [x.attrib["file"] for x in ET.parse(runs[ranks] / "fields.pvd").iter("DataSet")]
    assert listed and listed[-1].endswith(".pvti")


@pytest.mark.parametrize(
    ("cells", "ranks", "division"),
    [
        ((1, 1, 12), 3, (1, 1, 3)),
        ((100, 3, 1), 4, (4, 1, 1)),
        ((64, 64, 64), 8, (2, 2, 2)),
        ((1, 1, 12), 7, None),
        ((4, 4, 1), 3, None),
        ((3, 1, 1), 1, (1, 1, 1)),
    ],
)
def test_division_among_ranks(cells: tuple[int, int, int], ranks: int, division: tuple[int, int, int] | None) -> None:
    assert processors(cells, ranks) == division


def test_too_many_ranks_end_with_a_message() -> None:
    program = (
        "from mpi4py import MPI; from tests.solvers.navier_stokes.flows import flow; flow([1, 1, 3], MPI.COMM_WORLD)"
    )
    done = mpirun(2, "-c", program, cwd=ROOT, check=False, timeout=30)
    assert done.returncode != 0
    assert "[1, 1, 3] cells cannot be divided among 2 ranks" in done.stderr
