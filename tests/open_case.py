"""A case of particles between two flows, for the tests: open ends at both planes, no walls across."""

from __future__ import annotations

from pathlib import Path

CASE = """\
title = "Particles between two flows"
units = "lj"

[time]
window = 0.1
end = 1.2

[run]
checkpoint_every = 4

[participants.channel]
kind = "particle-region"
ranks = 1
[participants.channel.solver]
script = "in.open"
variables = { seed = 1 }
fluid = "fluid"

[participants.inlet]
kind = "finite-volume"
[participants.inlet.solver]
lower = [0.0, 0.0, -5.0]
upper = [6.857142857142857, 6.857142857142857, 5.0]
cells = [1, 1, 4]
fluid = { kind = "measured", file = "fluid.json" }
initial = { density = 0.8442, velocity = [0.0, 0.0, 0.0], temperature = 1.107 }
[participants.inlet.solver.boundaries]
z-lower = { kind = "wall", velocity = [0.0, 0.0, 0.0], temperature = 1.107 }
z-upper = { kind = "seam" }

[participants.outlet]
kind = "finite-volume"
[participants.outlet.solver]
lower = [0.0, 0.0, 10.0]
upper = [6.857142857142857, 6.857142857142857, 20.0]
cells = [1, 1, 4]
fluid = { kind = "measured", file = "fluid.json" }
initial = { density = 0.8442, velocity = [0.0, 0.0, 0.0], temperature = 1.107 }
[participants.outlet.solver.boundaries]
z-lower = { kind = "seam" }
z-upper = { kind = "wall", velocity = [0.0, 0.0, 0.0], temperature = 1.107 }

[interfaces.below.sides.inlet]
side = "z-upper"
[interfaces.below.sides.channel]
beyond = "below"
at = 5.0
slabs = 2
thickness = 2.45
open = {}
settle = 10
audit_every = 4

[interfaces.above.sides.outlet]
side = "z-lower"
[interfaces.above.sides.channel]
beyond = "above"
at = 10.0
slabs = 2
thickness = 2.45
open = { relaxation = 1.0 }
settle = 10
audit_every = 4
"""

ROOT = Path(__file__).parents[1]
SCRIPT = (ROOT / "tests" / "adapters" / "particles" / "in.open").read_text()
FLUID = (ROOT / "cases" / "couette" / "measured" / "fluid.json").read_text()


def lay_out(folder: Path, case: str = CASE, script: str = SCRIPT) -> Path:
    """Write the case with its inputs."""
    for name, text in (("case.toml", case), ("in.open", script), ("fluid.json", FLUID)):
        (folder / name).write_text(text)
    return folder
