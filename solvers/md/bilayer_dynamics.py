"""Two crystals in contact in LAMMPS: relaxed, between a hot and a cold bath, and left to themselves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .bilayer import Bilayer
from .conductance_settings import SAMPLED
from .library import Lammps

Array = NDArray[np.float64]

THERMOSTAT, BAROSTAT = 100, 1000
"""Relaxation times of the box's relaxation, in time steps."""


@dataclass(frozen=True)
class Records:
    """What a run between baths shows, one row a record of equal duration; in LAMMPS' units."""

    duration: float
    temperature: Array
    """Kinetic temperature of each layer, (records, layers), the mean over the record."""
    height: Array
    """Height of each layer, (layers,), the mean over the run; the lowest is 0."""
    period: float
    """Height of the box."""
    area: float
    """Of the cross section."""
    given: Array
    """Energy that the hot bath gave from the start to the end of each record, (records,)."""
    taken: Array
    """Energy that the cold bath took, likewise."""
    energy: Array
    """Total energy at the end of each record, (records,)."""


class BilayerDynamics:
    """The atoms of a ``Bilayer``.

    ``script`` is a LAMMPS file with the commands for pairs and masses of two atom types; it runs in its own directory
    after the atoms exist. Every method is collective over ``comm``. LAMMPS' log stands in ``log``.
    """

    def __init__(
        self, comm: MPI.Comm, script: Path, units: str, bilayer: Bilayer, timestep: float, seed: int, log: Path
    ) -> None:
        self.lammps = Lammps(comm, log, {}, who="interface conductance")
        self.comm = self.lammps.comm
        self.bilayer = bilayer
        self.timestep = timestep
        self._random = np.random.default_rng(seed)
        # The files of samples pass through a directory that rank 0 makes: only its LAMMPS writes.
        self._folder = tempfile.TemporaryDirectory(prefix="suture-") if self.comm.rank == 0 else None
        self._path = Path(self.comm.bcast(self._folder.name if self._folder else None))
        self._build(script, units)

    def __enter__(self) -> BilayerDynamics:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lammps.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _commands(self, text: str) -> None:
        for line in text.replace("&\n", "").strip().splitlines():
            self.lammps.command(" ".join(line.split()))

    def _build(self, script: Path, units: str) -> None:
        places, types = self.bilayer.atoms()
        self.atoms = len(types)
        edge, heights = self.bilayer.edge, self.bilayer.heights
        self._commands(f"""
            units {units}
            atom_style atomic
            region box block 0 {edge!r} 0 {edge!r} 0 {float(heights[-1])!r} units box
            create_box 2 box""")
        ids = list(range(1, self.atoms + 1))
        self.lammps.create_atoms(ids, types.tolist(), places, np.zeros_like(places))
        self.lammps.script(script)
        self._commands(f"""
            timestep {self.timestep!r}
            neigh_modify delay 0 every 5 check yes
            thermo_modify norm no
            thermo 1000000
            group hotside type 1
            group coldside type 2""")
        self._name_layers(heights)

    def _name_layers(self, heights: Array) -> None:
        """Every atom keeps the number of its layer, as LAMMPS' molecule, wherever the crystal drifts."""
        self.lammps.command("fix layers all property/atom mol ghost no")
        for layer, (lower, upper) in enumerate(pairwise(heights)):
            self._commands(f"""
                region layer block INF INF INF INF {float(lower)!r} {float(upper)!r} units box
                set region layer mol {layer + 1}
                region layer delete""")
        for name, kind in (("hotbath", 0), ("coldbath", 1)):
            bath = self.bilayer.bath(kind)
            self._commands(f"""
                region bath block INF INF INF INF {float(heights[bath[0]])!r} {float(heights[bath[-1] + 1])!r} units box
                group {name} region bath
                region bath delete""")

    def relax(self, temperature: float, time: float) -> None:
        """Run at ``temperature`` and zero pressure, then give the box its mean edges of the second half."""
        half = self.steps(0.5 * time)
        damping, slow = THERMOSTAT * self.timestep, BAROSTAT * self.timestep
        # Half of the kinetic energy goes into the springs of the perfect crystal.
        self._commands(f"""
            velocity all create {2.0 * temperature!r} {self._seed()} loop geom
            fix relax all npt temp {temperature!r} {temperature!r} {damping!r} &
                x 0 0 {slow!r} y 0 0 {slow!r} z 0 0 {slow!r} couple xy
            run {half} post no
            variable suture_x equal lx
            variable suture_z equal lz
            reset_timestep 0
            fix edges all ave/time 1 {half} {half} v_suture_x v_suture_z
            run {half} post no""")
        edge, height = (self.lammps.fix_component("edges", index) for index in range(2))
        self._commands(f"""
            unfix edges
            unfix relax
            change_box all x final 0 {edge!r} y final 0 {edge!r} z final 0 {height!r} remap units box
            velocity all zero linear""")

    def conduct(self, hot: float, cold: float, damping: float, time: float, record: float) -> Records:
        """Run between a bath at ``hot`` and one at ``cold`` and record temperatures, energy, and what the baths did.

        The baths are Langevin thermostats without a mean force. The energy that each exchanged is the work of its own
        forces, which LAMMPS sums up: it is measured, not derived from the energy of the atoms.
        """
        every = SAMPLED * max(1, round(record / self.timestep / SAMPLED))
        count = max(1, round(time / self.timestep / every))
        self._commands(f"""
            reset_timestep 0
            compute layers all chunk/atom molecule nchunk once
            compute places all property/atom zu
            variable suture_energy equal etotal
            fix integrate all nve
            fix heat hotbath langevin {hot!r} {hot!r} {damping!r} {self._seed()} tally yes zero yes
            fix cool coldbath langevin {cold!r} {cold!r} {damping!r} {self._seed()} tally yes zero yes
            fix profile all ave/chunk {SAMPLED} {every // SAMPLED} {every} layers temp c_places &
                format " %.10g" file {self._path / "profile"}
            fix books all ave/time {every} 1 {every} f_heat f_cool v_suture_energy format " %.16g" &
                file {self._path / "books"}
            run {count * every} post no
            unfix books
            unfix profile
            unfix cool
            unfix heat
            unfix integrate
            uncompute places
            uncompute layers""")
        profiles, books = self.comm.bcast(self._read() if self.comm.rank == 0 else (np.empty(0), np.empty(0)))
        return self._records(profiles, books, every * self.timestep)

    def _read(self) -> tuple[Array, Array]:
        """Profiles (records, layers, 2: temperature and height) and books (records + 1, 3)."""
        lines = (self._path / "profile").read_text().splitlines()
        # The lines between, which begin each record, have three words.
        rows = [words[2:4] for words in map(str.split, lines) if len(words) == 4 and words[0] != "#"]
        profiles = np.array(rows, dtype=float).reshape(-1, 2 * self.bilayer.side, 2)
        return profiles, np.loadtxt(self._path / "books", ndmin=2)[:, 1:]

    def _records(self, profiles: Array, books: Array, duration: float) -> Records:
        lower, upper = self.lammps.box
        height = profiles[:, :, 1].mean(axis=0)
        books = books[-len(profiles) :]
        return Records(
            duration=duration,
            temperature=profiles[:, :, 0],
            height=height - height[0],
            period=float(upper[2] - lower[2]),
            area=float(np.prod((upper - lower)[:2])),
            # LAMMPS' sums are of what went into a bath.
            given=-books[:, 0],
            taken=books[:, 1],
            energy=books[:, 2],
        )

    def fluctuate(
        self, temperature: float, damping: float, settling: float, time: float, spacing: float
    ) -> tuple[Array, float]:
        """Energies of both sides, (samples, 2), each a mean over ``spacing``, and the temperature, without baths.

        Before, all atoms are in one bath for a time ``settling``.

        The energy of a side is the sum over its atoms; LAMMPS shares the energy of a bond among its atoms.
        """
        count = max(1, round(spacing / self.timestep / SAMPLED))
        self._commands(f"""
            fix integrate all nve
            fix settle all langevin {temperature!r} {temperature!r} {damping!r} {self._seed()} zero yes
            run {self.steps(settling)} post no
            unfix settle
            velocity all zero linear
            reset_timestep 0
            compute kinetic all ke/atom
            compute potential all pe/atom
            variable suture_atom atom c_kinetic+c_potential
            compute hotenergy hotside reduce sum v_suture_atom
            compute coldenergy coldside reduce sum v_suture_atom
            fix energies all ave/time {SAMPLED} {count} {SAMPLED * count} c_hotenergy c_coldenergy c_thermo_temp &
                format " %.16g" file {self._path / "energies"}
            run {self.steps(time)} post no
            unfix energies
            uncompute hotenergy
            uncompute coldenergy
            uncompute kinetic
            uncompute potential
            unfix integrate""")
        rows = np.loadtxt(self._path / "energies", ndmin=2)[:, 1:] if self.comm.rank == 0 else None
        samples = self.comm.bcast(rows)
        return samples[:, :2], float(samples[:, 2].mean())

    def steps(self, time: float) -> int:
        """The nearest number of time steps, at least one."""
        return max(1, round(time / self.timestep))

    def _seed(self) -> int:
        return int(self._random.integers(1, 900_000_000))  # The range that LAMMPS' generator takes.
