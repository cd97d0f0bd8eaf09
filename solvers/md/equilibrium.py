"""A homogeneous fluid at equilibrium in LAMMPS, and time series of its pressure, energy and heat flux."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from .library import Lammps

Array = NDArray[np.float64]

HOT = 4.0
"""The crystal that the atoms start from is melted at this multiple of the temperature asked for."""


@dataclass(frozen=True)
class Samples:
    """Time series at constant energy, one row a sample; the fluid's mean velocity is zero.

    ``pressure`` is that of the pairs as they are cut off, with the kinetic part ρkT/m of an infinite system.
    ``stress`` (n, 5) are the five independent components of the traceless pressure tensor, each of the variance of
    an off-diagonal one (Daivis & Evans, J. Chem. Phys. 100, 541, 1994). ``heat_flux`` (n, 3) is an intensive flux;
    empty where it was not asked for.
    """

    spacing: float
    temperature: Array
    pressure: Array
    energy: float
    """Mean internal energy per unit mass, kinetic part 3kT/2m of an infinite system included."""
    stress: Array
    heat_flux: Array


class EquilibriumFluid:
    """Atoms in a cubic periodic box, in LAMMPS' units ``lj``.

    ``script`` is a LAMMPS file with the commands for pairs and masses (``pair_style``, ``pair_coeff``, ``mass``); it
    runs in its own directory after a box of one atom type exists. The number of atoms is that of a face-centred cubic
    crystal near ``atoms``. Every method is collective over ``comm``. LAMMPS' log stands in ``log``.
    """

    def __init__(
        self, comm: MPI.Comm, script: Path, density: float, atoms: int, timestep: float, seed: int, log: Path
    ) -> None:
        self.lammps = Lammps(comm, log, {}, who="fluid properties")
        self.comm = self.lammps.comm
        self.timestep = timestep
        self._random = np.random.default_rng(seed)
        edge = max(2, round((atoms / 4) ** (1 / 3)))
        self.atoms = 4 * edge**3
        self._build(script, edge)
        # The files of samples pass through a directory that rank 0 makes: only its LAMMPS writes.
        self._folder = tempfile.TemporaryDirectory(prefix="suture-") if self.comm.rank == 0 else None
        self._file = Path(self.comm.bcast(self._folder.name if self._folder else None)) / "samples"
        self.compress(density)

    def __enter__(self) -> EquilibriumFluid:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lammps.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _commands(self, text: str) -> None:
        for line in text.strip().splitlines():
            self.lammps.command(line.strip())

    def _build(self, script: Path, edge: int) -> None:
        self._commands(f"""
            units lj
            atom_style atomic
            lattice fcc 1.0
            region box block 0 {edge} 0 {edge} 0 {edge}
            create_box 1 box
            create_atoms 1 box""")
        self.lammps.script(script)
        local = float(self.lammps.masses().sum())
        self.mass = self.comm.allreduce(local)
        self._commands(f"""
            timestep {self.timestep}
            neighbor 0.3 bin
            neigh_modify delay 0 every 2 check yes
            thermo_modify norm no
            thermo 1000000
            compute kinetic all ke/atom
            compute potential all pe/atom
            compute virial all stress/atom NULL virial
            compute flux all heat/flux kinetic potential virial""")

    @property
    def volume(self) -> float:
        """Of the box."""
        lower, upper = self.lammps.box
        return float(np.prod(upper - lower))

    def compress(self, density: float) -> None:
        """Scale the box and the atoms' positions to a mass density."""
        edge = (self.mass / density) ** (1 / 3)
        sides = " ".join(f"{axis} final 0 {edge!r}" for axis in "xyz")
        self.lammps.command(f"change_box all {sides} remap units box")

    def melt(self, temperature: float, time: float) -> None:
        """Turn the initial crystal into a liquid by heat."""
        self.lammps.command(f"velocity all create {HOT * temperature} {self._seed()} loop geom")
        self.thermalise(HOT * temperature, time)

    def thermalise(self, temperature: float, time: float) -> None:
        """Run with a Langevin thermostat for ``time``."""
        self._commands(f"""
            fix integrate all nve
            fix heat all langevin {temperature} {temperature} 0.5 {self._seed()}
            run {self._steps(time)} post no
            unfix heat
            unfix integrate
            velocity all zero linear""")

    def set_energy(self, energy: float, temperature: float) -> None:
        """Scale the velocities so that the internal energy per mass is ``energy``, whose temperature is known."""
        self.lammps.command("run 0 post no")
        potential = self._thermo("pe")
        # The box has no momentum, and so three degrees of freedom fewer than the infinite fluid of that energy.
        kinetic = energy * self.mass - potential - 1.5 * temperature
        if kinetic <= 0.0:
            raise SolverError(f"an energy of {energy} per mass is below the potential energy {potential / self.mass}")
        self.lammps.command(f"velocity all scale {kinetic / (1.5 * (self.atoms - 1))}")

    def sample(self, time: float, spacing: float, heat_flux: bool = False) -> Samples:
        """Run at constant energy for ``time`` and sample every ``spacing`` or nearly so.

        Raises ``SolverError`` if the atoms hardly moved: then this is a solid.
        """
        every = max(1, round(spacing / self.timestep))
        columns = "c_thermo_temp c_thermo_pe c_thermo_press[*] c_moved[4]" + " c_flux[*]" * heat_flux
        self._commands(f"""
            reset_timestep 0
            compute moved all msd com yes
            fix integrate all nve
            fix sample all ave/time {every} 1 {every} {columns} format " %.10g" file {self._file}
            run {self._steps(time)} post no
            unfix sample
            unfix integrate
            uncompute moved""")
        rows = np.loadtxt(self._file, ndmin=2)[1:, 1:] if self.comm.rank == 0 else None
        return self._samples(self.comm.bcast(rows), every * self.timestep)

    def _samples(self, rows: Array, spacing: float) -> Samples:
        temperature, potential = rows[:, 0], rows[:, 1]
        xx, yy, zz, xy, xz, yz = rows[:, 2:8].T
        neighbour = (self.volume / self.atoms) ** (1 / 3)
        if rows[-1, 8] < (0.5 * neighbour) ** 2:
            raise SolverError(
                f"the atoms moved by {rows[-1, 8] ** 0.5:.3g} only (root mean square) within {len(rows) * spacing:.4g} "
                f"at density {self.mass / self.volume:.4g}, temperature {temperature.mean():.4g}: this is no liquid"
            )
        return Samples(
            spacing=spacing,
            temperature=temperature,
            # LAMMPS' kinetic part has 3N - 3 degrees of freedom.
            pressure=(xx + yy + zz) / 3.0 + temperature / self.volume,
            energy=float(np.mean(potential + 1.5 * self.atoms * temperature)) / self.mass,
            stress=np.stack([xy, xz, yz, (xx - yy) / 2.0, (2.0 * zz - xx - yy) / 12.0**0.5], axis=1),
            heat_flux=rows[:, 9:12] / self.volume,
        )

    def _thermo(self, keyword: str) -> float:
        self.lammps.command(f"variable suture_thermo equal {keyword}")
        return self.lammps.variable("suture_thermo")

    def _steps(self, time: float) -> int:
        return max(1, round(time / self.timestep))

    def _seed(self) -> int:
        return int(self._random.integers(1, 900_000_000))  # The range that LAMMPS' generator takes.
