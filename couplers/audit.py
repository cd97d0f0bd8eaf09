"""Checks a finished ledger from its file alone: every balance is worked out again from what was written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .cells import Array
from .clocks import caution, ratio
from .errors import LedgerError
from .ledger import relative_defect
from .ledger_file import NAME
from .series import Series, read_series


@dataclass(frozen=True)
class Balance:
    """One account over the whole run: terms by name, all of shape (columns,), and its defects."""

    name: str
    terms: dict[str, Array]
    """Over the run: opening and closing values, and the sums of what was added in between."""
    throughput: Array
    """Sum of |amounts|."""
    defect: Array
    """The largest relative defect of a window; nan where it cannot be checked."""
    drift: Array
    """The relative defect of the run as a whole: the sum of the windows' defects."""
    worst_window: int
    history: Array
    """The largest relative defect of each window, (windows,)."""

    @property
    def worst(self) -> float:
        """The largest relative defect, 0 where nothing can be checked."""
        both = np.nan_to_num(np.concatenate((self.defect, self.drift)), posinf=np.inf)
        return float(both.max()) if both.size else 0.0


@dataclass(frozen=True)
class Books:
    """Everything that a ledger file says, balanced anew."""

    file: Path
    columns: tuple[str, ...]
    tolerance: float
    windows: int
    time: float
    complete: bool
    iterations: Array
    """Of each window, (windows,); 1 in an explicit scheme."""
    unconverged: tuple[int, ...]
    """Windows that went on without having converged, as the case allows."""
    participants: list[Balance]
    flows: list[Balance]
    whole: Balance
    """All participants together, in the case's time: what is of one's own time is divided by its clock."""
    buffers: list[Balance]
    """What particle participants keep beyond their interfaces; their integration error is a row, so they close."""
    audits: dict[str, dict[str, Array | int]] = field(default_factory=dict)
    """By flow: number of audit windows, mean and root-mean-square difference sent - audit, largest relative one."""
    noise: dict[str, dict[str, Array]] = field(default_factory=dict)
    """By flow of a noisy sender: the mean amount a window, and its standard error; nan where that cannot be told."""
    filters: dict[str, str] = field(default_factory=dict)
    """Kind of the filter of each flow that has one; the flow's closing carry is what it holds, and is in transit."""
    clocks: dict[str, float] = field(default_factory=dict)
    """The clock of every participant, 1 where it is the case's."""

    @property
    def caution(self) -> str:
        """That these are rates of a steady state, where clocks differ; an empty text where they are a trajectory."""
        return caution(self.clocks)

    @property
    def worst(self) -> float:
        """The largest relative defect of all balances."""
        return max((b.worst for b in [*self.participants, *self.flows, self.whole]), default=0.0)

    @property
    def balanced(self) -> bool:
        """Whether every balance holds within the tolerance of the case."""
        return self.worst <= self.tolerance


def read_books(run: Path) -> Books:
    """Balance the ledger of a run's folder anew; raises ``LedgerError`` where there is none or it cannot be read."""
    path = find(run)
    try:
        with read_series(path) as series:
            return _Reader(series).books(path)
    except (OSError, KeyError, ValueError) as error:  # no HDF5 file, none of ours, or one cut off while it was written
        raise LedgerError(f"{path} is not a readable ledger: {error}") from error


def find(run: Path) -> Path:
    """The ledger of a run's folder, of a case directory with a RUN, or the file itself."""
    for path in (run, run / NAME, run / "RUN" / NAME):
        if path.is_file():
            return path
    raise LedgerError(f"no ledger in {run}: expected {NAME} there or in RUN/; name the folder that `suture run` wrote")


class _Reader:
    """One ledger file; rows are windows, columns are components of quantities."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._file = file = series.file
        self._tolerance = float(file.attrs["tolerance"])
        self._columns = tuple(file.attrs["columns"])
        self._time = series["time"]
        self._none = np.zeros((len(self._time) - 1, len(self._columns)))
        self._flow_names = list(file["flows"]) if "flows" in file else []
        self._names = list(file["participants"])
        self._clocks = {name: float(file[f"participants/{name}"].attrs.get("clock", 1.0)) for name in self._names}

    def books(self, path: Path) -> Books:
        flows = [self._flow(name) for name in self._flow_names]
        participants = [self._participant(name) for name in self._names]
        iterations = self._series["iterations"] if "iterations" in self._series else np.ones(len(self._time) - 1)
        return Books(
            file=path,
            columns=self._columns,
            tolerance=self._tolerance,
            windows=len(self._time) - 1,
            time=float(self._time[-1]),
            complete=bool(self._file.attrs["complete"]),
            iterations=np.abs(iterations),
            unconverged=tuple(int(window) for window in np.flatnonzero(iterations < 0)),
            participants=participants,
            flows=flows,
            whole=self._whole(),
            buffers=[self._buffer(name) for name in self._file.get("buffers", [])],
            audits={name: audit for name in self._flow_names if (audit := self._audit(name))},
            noise={name: self._noise(name) for name in self._flow_names if f"flows/{name}/error" in self._file},
            filters={name: kind for name in self._flow_names if (kind := self._filter(name))},
            clocks=self._clocks,
        )

    def _get(self, path: str) -> Array:
        return self._series[path] if path in self._series else self._none

    def _rows(self, name: str) -> dict[str, Array]:
        group = self._file.get(f"participants/{name}/rows")
        return {row: self._series[f"participants/{name}/rows/{row}"] for row in group or ()}

    def _crossed(self, name: str) -> dict[str, Array]:
        """Received counts positive, sent negative."""
        terms: dict[str, Array] = {}
        for flow in self._flow_names:
            attributes = self._file[f"flows/{flow}"].attrs
            if attributes["receiver"] == name:
                terms[f"received, {flow}"] = self._get(f"flows/{flow}/received")
            elif attributes["sender"] == name:
                terms[f"sent, {flow}"] = -self._get(f"flows/{flow}/sent")
        return terms

    def _participant(self, name: str) -> Balance:
        held = self._series[f"participants/{name}/inventory"]
        terms = self._crossed(name) | self._rows(name)
        defect = np.diff(held, axis=0) - sum(terms.values(), self._none)
        flowed, gross = list(terms.values()), self._gross(name)
        return self._balance(f"participant {name}", held, terms, defect, flowed, self._kept(name), gross)

    def _gross(self, name: str) -> Array:
        """Magnitudes of the parts that the participant's inventory and rows sum up, at the windows' ends."""
        return self._get(f"participants/{name}/gross")

    def _kept(self, name: str) -> Array:
        """1 where the participant gives an inventory, else nan, by column."""
        return self._file[f"participants/{name}"].attrs["kept"]

    def _flow(self, name: str) -> Balance:
        sent, received = self._get(f"flows/{name}/sent"), self._get(f"flows/{name}/received")
        carry = self._series[f"flows/{name}/carry"]
        sender, receiver = (self._file[f"flows/{name}"].attrs[end] for end in ("sender", "receiver"))
        arrives = ratio(self._clocks, sender, receiver) * sent
        defect = arrives - received - np.diff(carry, axis=0)
        terms, gross = {"sent": arrives, "received": received}, self._gross(receiver)
        balance = self._balance(name, carry, terms, defect, [arrives], gross=gross)
        if self._clocks[sender] == self._clocks[receiver]:
            return balance
        both = {"sent": sent.sum(axis=0), "sent, in the receiver's time": balance.terms["sent"]}
        return replace(balance, terms=balance.terms | both)

    def _whole(self) -> Balance:
        """All inventories and carries together: only named boundaries and sources change them.

        What is booked in the time of a participant is divided by its clock, which is what the interfaces' ratios do.
        """
        clock, flows = self._clocks, {name: self._file[f"flows/{name}"] for name in self._flow_names}
        holdings = [self._series[f"participants/{name}/inventory"] / clock[name] for name in self._names]
        holdings += [
            self._series[f"flows/{name}/carry"] / clock[flow.attrs["receiver"]] for name, flow in flows.items()
        ]
        held = np.sum(holdings, axis=0)
        rows = {f"{name}: {row}": v / clock[name] for name in self._names for row, v in self._rows(name).items()}
        defect = np.diff(held, axis=0) - sum(rows.values(), self._none)
        sent = (self._get(f"flows/{name}/sent") / clock[flow.attrs["sender"]] for name, flow in flows.items())
        flowed = [*rows.values(), *sent]
        kept = np.prod([self._kept(name) for name in self._names], axis=0)
        gross = sum((self._gross(name) / clock[name] for name in self._names), self._none)
        return self._balance("the whole", held, rows, defect, flowed, kept, gross)

    def _buffer(self, flow: str) -> Balance:
        held = self._series[f"buffers/{flow}/inventory"]
        rows = {row: self._get(f"buffers/{flow}/rows/{row}") for row in self._file[f"buffers/{flow}"].get("rows", ())}
        terms = {f"sent, {flow}": self._get(f"flows/{flow}/sent")} | rows
        defect = np.diff(held, axis=0) - sum(terms.values(), self._none)
        sender = self._file[f"flows/{flow}"].attrs["sender"]
        return self._balance(f"buffer of {sender}", held, terms, defect, list(terms.values()))

    def _balance(
        self,
        name: str,
        held: Array,
        terms: dict[str, Array],
        defect: Array,
        flowed: list[Array],
        kept: Array | float = 1.0,
        gross: Array | float = 0.0,
    ) -> Balance:
        """``kept`` is nan in the columns that cannot be checked; elsewhere what is not a number is a defect."""
        defect = np.where(np.isfinite(defect), defect, np.inf) * kept
        flow = sum((np.abs(f) for f in flowed), self._none)
        size = np.abs(held[1:]) + np.abs(held[:-1]) + sum((np.abs(t) for t in terms.values()), self._none) + gross
        size = size + sum((np.abs(np.cumsum(t, axis=0)) for t in terms.values()), self._none)
        flow, size = (np.where(np.isfinite(x), x, 0.0) for x in (flow, size))
        relative = relative_defect(defect, np.cumsum(flow, axis=0), size, self._tolerance)
        drift = relative_defect(defect.sum(axis=0), flow.sum(axis=0), size.sum(axis=0), self._tolerance)
        checked = np.nan_to_num(relative, posinf=np.inf)
        totals = {"opening": held[0], "closing": held[-1]} | {key: t.sum(axis=0) for key, t in terms.items()}
        return Balance(
            name,
            totals,
            flow.sum(axis=0),
            relative.max(axis=0) if len(relative) else np.zeros(len(self._columns)),
            drift,
            int(checked.max(axis=1).argmax()) if checked.size else 0,
            checked.max(axis=1) if checked.size else np.zeros(0),
        )

    def _noise(self, name: str) -> dict[str, Array]:
        return {moment: self._series[f"flows/{name}/{moment}"] for moment in ("mean", "error")}

    def _filter(self, name: str) -> str:
        return str(self._file[f"flows/{name}"].attrs.get("filter", ""))

    def _audit(self, name: str) -> dict[str, Array | int]:
        audit, sent = self._get(f"flows/{name}/audit"), self._get(f"flows/{name}/sent")
        done = ~np.isnan(audit).any(axis=1)
        if not done.any():
            return {}
        residual = sent[done] - audit[done]
        throughput = np.cumsum(np.abs(sent), axis=0)[done]
        scale = np.where(throughput > 0, throughput, 1.0)
        return {
            "windows": int(done.sum()),
            "mean": residual.mean(axis=0),
            "rms": np.sqrt((residual**2).mean(axis=0)),
            "relative": (np.abs(residual) / scale).max(axis=0),
        }
