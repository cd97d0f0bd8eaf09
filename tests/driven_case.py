"""A case of particles between two flows that take each other's states, for the tests: the particles take amounts."""

from __future__ import annotations

from .complaints import edited
from .open_case import CASE

DRIVEN = edited(
    CASE,
    ('side = "z-upper"', 'side = "z-upper"\ncondition = "states"'),
    ('side = "z-lower"', 'side = "z-lower"\ncondition = "states"'),
    ("open = {}\nsettle = 10\naudit_every = 4", 'takes = "amounts"\nopen = {}\nsettle = 10'),
    (
        "open = { relaxation = 1.0 }\nsettle = 10\naudit_every = 4",
        'takes = "amounts"\nopen = { attempts = 900 }\nsettle = 10',
    ),
    # Two layers of the flows' cells lie inside, of which the particles give the states.
    *[("thickness = 2.45", "thickness = 2.5")] * 2,
)
