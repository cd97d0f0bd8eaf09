"""The accounts of a ledger file: what each holds, and the datasets that alone may change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .clocks import ratio

Part = tuple[str, float]
"""A dataset of the ledger file, and what it is multiplied by."""


@dataclass(frozen=True)
class Account:
    """In every window the change of what is held is the sum of the terms."""

    name: str
    held: list[Part]
    """Their sum is what the account holds; these datasets have a row from before the first window."""
    terms: dict[str, Part]
    """What was added in a window, by its name in print."""
    through: list[Part]
    """The sum of their magnitudes is the throughput."""
    gross: list[Part]
    """Magnitudes of the parts that what is held and the terms sum up, at the windows' ends."""
    kept: list[bool]
    """By column; where it is not kept, what is held is not known and nothing can be checked."""


class Accounts:
    """The accounts of one file. What is booked in a participant's own time is the whole's when divided by its clock."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.names: list[str] = list(file["participants"])
        self.flow_names: list[str] = list(file.get("flows", ()))
        self.clocks = {name: float(file[f"participants/{name}"].attrs.get("clock", 1.0)) for name in self.names}

    def judged(self) -> list[Account]:
        """All that must balance: participants, flows, and the whole."""
        return [*map(self.participant, self.names), *map(self.flow, self.flow_names), self.whole()]

    def participant(self, name: str) -> Account:
        """Received counts positive, sent negative."""
        terms: dict[str, Part] = {}
        for flow in self.flow_names:
            ends = self._file[f"flows/{flow}"].attrs
            if ends["receiver"] == name:
                terms[f"received, {flow}"] = (f"flows/{flow}/received", 1.0)
            elif ends["sender"] == name:
                terms[f"sent, {flow}"] = (f"flows/{flow}/sent", -1.0)
        terms |= self._rows(f"participants/{name}")
        held = [(f"participants/{name}/inventory", 1.0)]
        return Account(f"participant {name}", held, terms, list(terms.values()), self._gross(name), self._kept([name]))

    def flow(self, name: str) -> Account:
        """The carry, to which what was sent is added, in the receiver's time, and from which it is received."""
        attributes = self._file[f"flows/{name}"].attrs
        sender, receiver = attributes["sender"], attributes["receiver"]
        arrives = (f"flows/{name}/sent", ratio(self.clocks, sender, receiver))
        label = "sent" if self.clocks[sender] == self.clocks[receiver] else "sent, in the receiver's time"
        terms = {label: arrives, "received": (f"flows/{name}/received", -1.0)}
        return Account(name, [(f"flows/{name}/carry", 1.0)], terms, [arrives], self._gross(receiver), self._kept([]))

    def whole(self) -> Account:
        """All inventories and carries together: only named boundaries and sources change them."""
        ends = {flow: self._file[f"flows/{flow}"].attrs for flow in self.flow_names}
        pace = {name: 1.0 / clock for name, clock in self.clocks.items()}
        held = [(f"participants/{name}/inventory", pace[name]) for name in self.names]
        held += [(f"flows/{flow}/carry", pace[of["receiver"]]) for flow, of in ends.items()]
        terms = {
            f"{name}: {row}": (path, pace[name])
            for name in self.names
            for row, (path, _) in self._rows(f"participants/{name}").items()
        }
        through = [*terms.values(), *((f"flows/{flow}/sent", pace[of["sender"]]) for flow, of in ends.items())]
        gross = [(path, pace[name]) for name in self.names for path, _ in self._gross(name)]
        return Account("the whole", held, terms, through, gross, self._kept(self.names))

    def buffer(self, flow: str) -> Account:
        """What the sender of ``flow`` keeps beyond the interface; it is not judged."""
        terms = {f"sent, {flow}": (f"flows/{flow}/sent", 1.0)} | self._rows(f"buffers/{flow}")
        name = f"buffer of {self._file[f'flows/{flow}'].attrs['sender']}"
        held = [(f"buffers/{flow}/inventory", 1.0)]
        return Account(name, held, terms, list(terms.values()), [], self._kept([]))

    def _rows(self, owner: str) -> dict[str, Part]:
        return {row: (f"{owner}/rows/{row}", 1.0) for row in self._file[owner].get("rows", ())}

    def _gross(self, name: str) -> list[Part]:
        path = f"participants/{name}/gross"
        return [(path, 1.0)] if path in self._file else []

    def _kept(self, names: list[str]) -> list[bool]:
        """Whether all of the participants give an inventory."""
        kept = [self._file[f"participants/{name}"].attrs["kept"] for name in names]
        return [bool(flag) for flag in ~np.isnan(np.sum([np.zeros(len(self._file.attrs["columns"])), *kept], axis=0))]
