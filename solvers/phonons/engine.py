"""Drives phono3py, in a folder of its own: it reads and writes where it is."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError

try:
    import phono3py
    from phono3py import file_IO
except ImportError:  # said by missing()
    phono3py: Any = None
    file_IO: Any = None  # noqa: N816

Array = NDArray[np.float64]


def missing() -> str | None:
    """What is not installed, or None."""
    return None if phono3py is not None else "phonons from first principles need phono3py"


def version() -> str:
    """phono3py's."""
    return str(phono3py.__version__)


def force_constants(displacements: Path, forces: Path, second: Path, third: Path) -> dict[str, float]:
    """Make both files of force constants, in eV/Å² and eV/Å³, by finite differences.

    Returns the numbers of supercells and of atoms in one, and by how much the sums over all atoms, which are zero in a
    crystal, were off before they were made zero, over the largest constant: ``drift_2`` and ``drift_3``. Raises
    ``SolverError`` for files that do not fit.
    """
    with _elsewhere(displacements):
        crystal = phono3py.load(
            displacements, forces_fc3_filename=forces, produce_fc=False, fc_calculator="traditional", log_level=0
        )
        crystal.produce_fc3(fc_calculator="traditional")
        crystal.produce_fc2(fc_calculator="traditional")
        drifts = {"drift_2": _drift(crystal.fc2), "drift_3": _drift(crystal.fc3)}
        crystal.symmetrize_fc3()
        crystal.symmetrize_fc2()
        first = crystal.primitive.p2s_map
        file_IO.write_fc2_to_hdf5(crystal.fc2, filename=second, p2s_map=first, physical_unit="eV/angstrom^2")
        file_IO.write_fc3_to_hdf5(crystal.fc3, filename=third, p2s_map=first)
        return {"supercells": len(crystal.forces), "atoms": len(crystal.supercell), **drifts}


def _drift(constants: Array) -> float:
    return float(np.abs(constants.sum(axis=constants.ndim // 2 - 1)).max() / np.abs(constants).max())


class Crystal:
    """A crystal with its force constants.

    Raises ``SolverError`` for files that do not fit.
    """

    def __init__(self, displacements: Path, second: Path, third: Path) -> None:
        self._cell = displacements
        with _elsewhere(displacements):
            self._crystal = phono3py.load(
                displacements, fc2_filename=second, fc3_filename=third, produce_fc=False, log_level=0
            )

    def conductivity(
        self, mesh: Sequence[int], temperatures: Sequence[float], isotopes: bool, full: bool, keep: Path | None = None
    ) -> Array:
        """The conductivity, (temperatures, 3, 3) W/(m K), in the relaxation time approximation or in ``full``.

        phono3py's own file of it is kept as ``keep``.
        """
        with _elsewhere(self._cell) as folder:
            self._crystal.mesh_numbers = list(mesh)
            self._crystal.init_phph_interaction()
            self._crystal.run_thermal_conductivity(
                is_LBTE=full, temperatures=list(temperatures), is_isotope=isotopes, write_kappa=keep is not None
            )
            if keep is not None:
                (written,) = folder.glob("kappa-*.hdf5")
                keep.write_bytes(written.read_bytes())
            xx, yy, zz, yz, xz, xy = np.moveaxis(self._crystal.thermal_conductivity.kappa[0], 1, 0)
        return np.moveaxis(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), 2, 0)


@contextlib.contextmanager
def _elsewhere(cell: Path) -> Iterator[Path]:
    """Work in a folder of its own; whatever phono3py finds wrong with its input names the file."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        try:
            yield Path(name)
        except (OSError, RuntimeError, LookupError, ValueError, TypeError, AssertionError) as error:
            raise SolverError(f"{cell}: phono3py says {type(error).__name__}: {error}") from error
