"""Checks a finished ledger from its file alone: every balance is worked out again from what was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .accounts import Account, Accounts, Part
from .cells import Array
from .clocks import caution
from .errors import LedgerError
from .ledger import relative_defect
from .ledger_file import NAME
from .ledger_form import Result, apart, check_form
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
    defects: Array
    """What each window leaves unexplained, (windows, columns), in the columns' units; nan where nothing is kept."""

    @property
    def drifts(self) -> Array:
        """The sum of the defects up to each window's end, (windows, columns): what the books have lost or made."""
        return np.cumsum(self.defects, axis=0)

    @property
    def walks(self) -> Array:
        """How far a random walk of the defects' sizes would be by then, (windows, columns).

        That is the root of the sum of their squares, √n of one where they are alike: round-off goes as far, or less far
        where what one window rounds off is found by the next; a leak, which has a sign, goes n times one.
        """
        return np.sqrt(np.cumsum(self.defects**2, axis=0))

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
        return max(b.worst for b in [*self.participants, *self.flows, self.whole])

    @property
    def balanced(self) -> bool:
        """Whether every balance holds within the tolerance of the case."""
        return self.worst <= self.tolerance


def read_books(run: Path) -> Books:
    """Balance the ledger of a run's folder anew; raises ``LedgerError`` where there is none or it cannot be read."""
    return apart(find(run), lambda path: _read(path, lambda reader: reader.books(path)))


def _read(path: Path, what: Callable[[_Reader], Result]) -> Result:
    with read_series(path) as series:
        check_form(series.file, path.stat().st_size, series["time"])
        return what(_Reader(series))


def read_sent(run: Path) -> tuple[Array, dict[str, Array]]:
    """The windows' ends (windows,), and what each flow sent in every window (windows, columns); as ``read_books``."""
    return apart(find(run), lambda path: _read(path, lambda reader: reader.sent()))


def read_history(run: Path, name: str) -> dict[str, Array]:
    """What happened in every window in an account, or in all rows of one name: (windows, columns) by term.

    An account is named like a participant or a flow, or "the whole"; what it holds at the windows' ends is "held".
    Raises ``LedgerError`` where nothing has the name.
    """
    return apart(find(run), lambda path: _read(path, lambda reader: reader.history(name)))


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
        self._chart = Accounts(file)

    def books(self, path: Path) -> Books:
        flows = [self._flow(name) for name in self._chart.flow_names]
        participants = [self._balance(self._chart.participant(name)) for name in self._chart.names]
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
            whole=self._balance(self._chart.whole()),
            buffers=[self._balance(self._chart.buffer(name)) for name in self._file.get("buffers", [])],
            audits={name: audit for name in self._chart.flow_names if (audit := self._audit(name))},
            noise={name: self._noise(name) for name in self._chart.flow_names if f"flows/{name}/error" in self._file},
            filters={name: kind for name in self._chart.flow_names if (kind := self._filter(name))},
            clocks=self._chart.clocks,
        )

    def sent(self) -> tuple[Array, dict[str, Array]]:
        return self._time[1:], {name: self._get(f"flows/{name}/sent") for name in self._chart.flow_names}

    def history(self, name: str) -> dict[str, Array]:
        chart = self._chart
        accounts = {participant: chart.participant(participant) for participant in chart.names}
        accounts |= {flow: chart.flow(flow) for flow in chart.flow_names} | {"the whole": chart.whole()}
        accounts |= {account.name: account for account in map(chart.buffer, self._file.get("buffers", ()))}
        if name in accounts:
            account = accounts[name]
            terms = {label: factor * self._get(path) for label, (path, factor) in account.terms.items()}
            return {"held": self._held(account)[1:], **terms}
        rows = [(owner, row) for owner, account in accounts.items() for row in account.terms]
        found = {f"{owner}: {row}": accounts[owner].terms[row] for owner, row in rows if row == name}
        if not found:
            known = ", ".join([*accounts, *sorted({row for owner, row in rows if owner in chart.names})])
            raise LedgerError(f"{self._file.filename}: no account or row is named {name!r}; known: {known}")
        return {label: factor * self._get(path) for label, (path, factor) in found.items()}

    def _get(self, path: str) -> Array:
        return self._series[path] if path in self._series else self._none

    def _held(self, account: Account) -> Array:
        """At the windows' ends, and before the first, (windows + 1, columns)."""
        return np.sum([factor * self._series[path] for path, factor in account.held], axis=0)

    def _summed(self, parts: list[Part]) -> Array:
        return sum((factor * self._get(path) for path, factor in parts), self._none)

    def _balance(self, account: Account) -> Balance:
        """In columns that are not kept nothing can be checked; elsewhere what is not a number is a defect."""
        held = self._held(account)
        terms = {label: factor * self._get(path) for label, (path, factor) in account.terms.items()}
        defect = np.subtract(np.diff(held, axis=0), sum(terms.values(), self._none))
        defect = np.asarray(np.where(np.isfinite(defect), defect, np.inf), dtype=float)
        defect[:, ~np.array(account.kept, dtype=bool)] = np.nan
        flow = sum((np.abs(factor * self._get(path)) for path, factor in account.through), self._none)
        size = np.abs(held[1:]) + np.abs(held[:-1]) + self._summed(account.gross)
        size = size + sum((np.abs(t) + np.abs(np.cumsum(t, axis=0)) for t in terms.values()), self._none)
        flow, size = (np.where(np.isfinite(x), x, 0.0) for x in (flow, size))
        relative = relative_defect(defect, np.cumsum(flow, axis=0), size, self._tolerance)
        drift = relative_defect(defect.sum(axis=0), flow.sum(axis=0), size.sum(axis=0), self._tolerance)
        checked = np.nan_to_num(relative, posinf=np.inf)
        totals = {"opening": held[0], "closing": held[-1]} | {key: t.sum(axis=0) for key, t in terms.items()}
        return Balance(
            account.name,
            totals,
            flow.sum(axis=0),
            relative.max(axis=0) if len(relative) else np.zeros(len(self._columns)),
            drift,
            int(checked.max(axis=1).argmax()) if checked.size else 0,
            checked.max(axis=1) if checked.size else np.zeros(0),
            defect,
        )

    def _flow(self, name: str) -> Balance:
        """What was received is shown as such, and not as what it takes from the carry."""
        balance = self._balance(self._chart.flow(name))
        shown = {key: -v if key == "received" else v for key, v in balance.terms.items()}
        if "sent" not in shown:
            shown["sent"] = self._get(f"flows/{name}/sent").sum(axis=0)
        return replace(balance, terms=shown)

    def _noise(self, name: str) -> dict[str, Array]:
        return {moment: self._series[f"flows/{name}/{moment}"] for moment in ("mean", "error")}

    def _filter(self, name: str) -> str:
        return str(self._file[f"flows/{name}"].attrs.get("filter", ""))

    def _audit(self, name: str) -> dict[str, Array | int]:
        if f"flows/{name}/audit" not in self._series:
            return {}
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
