"""A well-mixed bath that cools, as a kind of participant: ``kind = "bath"`` in a case."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from suture.couplers.cells import Cells
from suture.couplers.kind import Kind

WIDTHS = {"mass": 1, "momentum": 3, "energy": 1}


class BathSettings(BaseModel):
    """``[participants.NAME.solver]``."""

    model_config = ConfigDict(extra="forbid")
    capacity: float = Field(gt=0, description="Energy per temperature.")
    cooling: float = Field(0.0, ge=0, description="Energy lost per time and temperature.")
    step: float = Field(0.07, gt=0, description="Longest step.")


class FaceSettings(BaseModel):
    """``[interfaces.NAME.sides.PARTICIPANT]``."""

    model_config = ConfigDict(extra="forbid")
    size: float = Field(1.0, gt=0, description="Edge of the square through which things enter.")


class Bath:
    """The solver: it knows its rates and its inventory, and no partner."""

    def __init__(self, settings, comm):
        self.settings, self.comm = settings, comm
        self.held = {quantity: np.zeros(width) for quantity, width in WIDTHS.items()}
        self.inflow = {quantity: np.zeros(width) for quantity, width in WIDTHS.items()}
        self.cooled = np.zeros(1)

    @property
    def max_dt(self):
        return self.settings.step

    @property
    def temperature(self):
        return self.held["energy"] / self.settings.capacity

    def advance(self, dt):
        loss = self.settings.cooling * self.temperature * dt
        self.held = {q: self.held[q] + self.inflow[q] * dt for q in self.held}
        self.held["energy"] = self.held["energy"] - loss
        self.cooled = self.cooled - loss

    def inventory(self):
        return self.held

    def rows(self):
        return {"cooling": {"energy": self.cooled}}

    def save(self):
        return {"held": dict(self.held), "cooled": self.cooled}

    def restore(self, state):
        self.held, self.cooled = dict(state["held"]), state["cooled"]


class BathFace:
    """The adapter: amounts of a window become rates, and what entered is counted step by step."""

    def __init__(self, bath, settings):
        self.bath = bath
        mine = bath.comm.rank == 0  # further ranks hold no cell of this face, and nothing of the bath
        corner = [[settings.size, settings.size, 0.0]] if mine else np.zeros((0, 3))
        self._cells = Cells(np.zeros((len(corner), 3)), np.array(corner))

    def cells(self, quantity):
        return self._cells

    def prepare(self, states):
        self.arrived = self.taken = {quantity: np.zeros(width) for quantity, width in WIDTHS.items()}

    def receive(self, window, values):
        self.arrived = {quantity: values[quantity].sum(axis=0) for quantity in WIDTHS}
        self.taken = {quantity: np.zeros(width) for quantity, width in WIDTHS.items()}
        self.bath.inflow = {quantity: amount / window.dt for quantity, amount in self.arrived.items()}

    def account(self, dt):
        self.taken = {quantity: self.taken[quantity] + self.bath.inflow[quantity] * dt for quantity in WIDTHS}

    def send(self, window):
        return {"temperature": np.full((len(self._cells), 1), self.bath.temperature)}

    def received(self):
        return self.taken

    def carry(self):
        return {quantity: self.arrived[quantity] - self.taken[quantity] for quantity in WIDTHS}


KIND = Kind(
    name="bath",
    solver_settings=BathSettings,
    interface_settings=FaceSettings,
    create_solver=lambda settings, context: Bath(settings, context.comm),
    create_adapter=lambda bath, settings, context: BathFace(bath, settings),
    gives=("temperature",),
    takes=("mass", "momentum", "energy"),
    check=lambda request: None,
    extent=lambda solver, face: ((0.0, 0.0, 0.0), (face.size, face.size, 0.0)),
)
