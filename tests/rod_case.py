"""A case of a short rod of crystal between two heat-conducting bodies, for the tests."""

from __future__ import annotations

from pathlib import Path

CASE = """\
title = "A rod between two bodies"
units = "lj"

[time]
window = 0.1
end = 1.2

[run]
checkpoint_every = 4

[participants.atoms]
kind = "particle-region"
[participants.atoms.solver]
script = "in.rod"
variables = { seed = 1 }
fluid = "solid"
walls = { lower = { group = "lower" }, upper = { group = "upper" } }

[participants.hot]
kind = "heat-conduction"
[participants.hot.solver]
mesh = { kind = "box", lower = [0.0, 0.0, 0.0], upper = [4.8, 4.8, 5.6], cells = [1, 1, 4] }
conductivity = 10.0
capacity = 3.0
initial = "0.5 - 0.02*z"
step = 0.1
[participants.hot.solver.boundaries]
z-lower = { kind = "temperature", temperature = 0.5 }
z-upper = { kind = "seam" }

[participants.cold]
kind = "heat-conduction"
[participants.cold.solver]
mesh = { kind = "box", lower = [0.0, 0.0, 8.8], upper = [4.8, 4.8, 14.4], cells = [2, 1, 4] }
conductivity = 10.0
capacity = 3.0
initial = "0.5 - 0.02*z"
step = 0.1
[participants.cold.solver.boundaries]
z-lower = { kind = "seam" }
z-upper = { kind = "temperature", temperature = 0.212 }

[interfaces.below.sides.hot]
boundary = "z-upper"
overlap = true
[interfaces.below.sides.atoms]
beyond = "below"
at = 5.6
slabs = 2
thickness = 1.6
impose = { kind = "langevin", rate = 2.0 }
settle = 10
audit_every = 4

[interfaces.above.sides.cold]
boundary = "z-lower"
overlap = true
[interfaces.above.sides.atoms]
at = 8.8
slabs = 2
thickness = 1.6
impose = { kind = "langevin", rate = 2.0 }
settle = 10
audit_every = 4
"""

SCRIPT = (Path(__file__).parent / "adapters" / "particles" / "in.rod").read_text()


def lay_out(folder: Path, case: str = CASE, script: str = SCRIPT) -> Path:
    """Write the case with its script."""
    (folder / "case.toml").write_text(case)
    (folder / "in.rod").write_text(script)
    return folder
