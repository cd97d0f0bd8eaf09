"""``suture plot``: the figures of a run and ``report.html``, which holds them with the books and the timings."""

from __future__ import annotations

import base64
import html
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .books import as_tree, on_clocks
from .couplers.audit import Books, find, read_books, read_sent
from .couplers.errors import LedgerError, ProfileError
from .couplers.ledger_form import DAMAGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
table { border-collapse: collapse; margin: .6rem 0 1.6rem; font-variant-numeric: tabular-nums }
th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #dde2e8 }
th:first-child, td:first-child { text-align: left }
img { max-width: 100% } .good { color: #0a7a35 } .bad { color: #b3261e }
pre { background: #f4f6f8; padding: .8rem; overflow-x: auto }
"""


def plot(run: Path) -> Path:
    """Write the figures and ``report.html`` into the run's folder; returns the report's path."""
    books = read_books(run)
    folder = find(run).parent
    figures = {"ledger": ledger_figure(books)}
    profiles = sorted(folder.glob("*/profiles.h5"))
    if profiles:
        try:
            figures["profiles"] = profiles_figure(profiles)
        except (OSError, ValueError, *DAMAGE) as error:
            raise LedgerError(f"{profiles[0].parent.name}/profiles.h5 or another beside it: {error}") from error
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=130)
    report = folder / "report.html"
    report.write_text(_page(folder, books, list(figures)), encoding="utf-8")
    return report


def _figure(rows: int, height: float) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, height))
    FigureCanvasAgg(figure)
    # In inches, over the height: matplotlib's own layouts draw everything twice, at the end of every run.
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.5 / height, top=1.0 - 0.6 / height, hspace=0.35)
    return figure, figure.subplots(rows, 1, squeeze=False)[:, 0]


def ledger_figure(books: Books) -> Figure:
    """Amounts that crossed each interface so far; every balance's relative defect; the drift of the whole."""
    figure, (above, below, last) = _figure(3, 10.0)
    time, sent = read_sent(books.file)
    for name, amounts in sent.items():
        for column, values in zip(books.columns, np.cumsum(amounts, axis=0).T, strict=True):
            scale = np.abs(values).max() or 1.0
            above.plot(time, values / scale, lw=1, label=f"{column} (×{scale:.3g}), {name}")
    for balance in [*books.participants, *books.flows, books.whole]:
        below.semilogy(time, np.maximum(balance.history, 1e-20), ".", ms=2, label=balance.name)
    below.axhline(books.tolerance, c="k", lw=0.8, ls="--", label="allowed")
    above.set(title="Amounts that crossed since the start, each over its largest value", xlabel="time")
    below.set(
        title="Largest defect of a balance in each window, relative to throughput", xlabel="time", ylim=(1e-20, None)
    )
    _draw_drift(last, books)
    if books.caution:
        figure.suptitle(books.caution, fontsize=8)
    for axes in (above, below, last):
        if axes.get_legend_handles_labels()[0]:  # nothing crosses where a solver runs alone
            axes.legend(fontsize=7, loc="upper left", ncols=2)
    return figure


def _draw_drift(axes: Any, books: Books) -> None:
    """A leak grows like n, round-off at most like a random walk."""
    windows, whole = np.arange(1, books.windows + 1), books.whole
    for k, column in enumerate(books.columns):
        if whole.walks.size and np.nan_to_num(whole.walks[-1, k], posinf=0.0) > 0.0:
            axes.loglog(windows, np.abs(whole.drifts[:, k]), ".", ms=2, c=f"C{k}", label=column)
            axes.loglog(windows, whole.walks[:, k], "--", lw=0.8, c=f"C{k}")
    axes.set(title="Drift of the whole; dashed: a random walk of its windows' defects", xlabel="windows")


def profiles_figure(paths: list[Path]) -> Figure:
    """What the solvers kept along the interface's normal, averaged over each quarter of the run."""
    import h5py

    known = (("velocity", 0, "velocity x"), ("temperature", None, "temperature"), ("density", None, "density"))
    files = [h5py.File(path, "r") for path in paths]  # pyright: ignore[reportAttributeAccessIssue]
    quantities = [quantity for quantity in known if all(quantity[0] in file for file in files)]
    figure, rows = _figure(len(quantities), 3.0 * len(quantities))
    for opened in files:
        with opened as file:
            centre = 0.5 * (file["edges"][1:] + file["edges"][:-1])
            for axes, (name, component, label) in zip(rows, quantities, strict=True):
                values = file[name][:] if component is None else file[name][..., component]
                for quarter, part in enumerate(np.array_split(values, 4)):
                    empty = np.isnan(part).all(axis=0)
                    mean = np.full(len(centre), np.nan)
                    mean[~empty] = np.nanmean(part[:, ~empty], axis=0)
                    axes.plot(centre, mean, "-" if len(centre) < 3 else ".-", ms=3, lw=1, c=f"C{quarter}")
                axes.set(ylabel=label)
    rows[0].set_title("Profiles, averaged over each quarter of the run (blue, orange, green, red)")
    rows[-1].set_xlabel("along the interface's normal: " + ", ".join(path.parent.name for path in paths))
    return figure


def _page(folder: Path, books: Books, figures: list[str]) -> str:
    tree = as_tree(books)
    verdict = "good" if books.balanced else "bad"
    words = "The books balance" if books.balanced else "The books do NOT balance"
    parts = [
        f"<h1>{html.escape(folder.parent.name)}</h1>",
        f"<p class={verdict}><b>{words}</b>: worst defect {books.worst:.2g} of throughput, "
        f"allowed {books.tolerance:g}; "
        f"{books.windows} windows to t = {books.time:g}, {'complete' if books.complete else 'not finished'}.</p>",
        *(f"<p class=bad>{html.escape(line)}.</p>" for line in on_clocks(books)),
        *(_image(folder / f"{name}.png", name) for name in figures),
        "<h2>The ledger</h2>",
        *(_balance_table(name, balance, tree["columns"]) for name, balance in _balances(tree)),
        *(_audit_table(name, audit, tree["columns"]) for name, audit in tree["audits"].items()),
        _timings(folder / "timings.json"),
        "<h2>The case, with every default</h2>",
        f"<pre>{html.escape(_resolved(folder / 'case.resolved.toml'))}</pre>",
    ]
    title = html.escape(folder.parent.name)
    head = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    return head + "\n".join(parts)


def _resolved(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else "no file case.resolved.toml"


def _balances(tree: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        *tree["participants"].items(),
        *tree["buffers"].items(),
        *tree["flows"].items(),
        ("the whole", tree["whole"]),
    ]


def _image(path: Path, name: str) -> str:
    encoded = base64.b64encode(path.read_bytes()).decode()
    return f'<p><img alt="{name}" src="data:image/png;base64,{encoded}">'


def _table(title: str, columns: list[str], rows: list[tuple[str, list[str]]]) -> str:
    text = io.StringIO()
    text.write(f"<h3>{html.escape(title)}</h3><table><tr><th></th>")
    text.write("".join(f"<th>{html.escape(column)}</th>" for column in columns) + "</tr>")
    for name, cells in rows:
        text.write(f"<tr><td>{html.escape(name)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return text.getvalue() + "</table>"


def _balance_table(name: str, balance: dict[str, Any], columns: list[str]) -> str:
    rows = [(term, [f"{v:.8g}" for v in values]) for term, values in balance["terms"].items()]
    for key, label in (("throughput", "throughput"), ("worst_defect", "worst defect"), ("drift", "drift")):
        rows.append((label, ["not kept" if v is None else f"{v:.2g}" for v in balance[key]]))
    return _table(name, columns, rows)


def _audit_table(name: str, audit: dict[str, Any], columns: list[str]) -> str:
    rows = [(f"sent − audit, {key}", [f"{v:.2g}" for v in audit[key]]) for key in ("mean", "rms", "relative")]
    return _table(f"audit of {name}, {audit['windows']} windows", columns, rows)


def _timings(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        ranks = json.loads(path.read_text())
        kinds = sorted({kind for rank in ranks for kind in rank["seconds"]})
        rows = [
            (f"{rank['participant']}, rank {rank['rank']}", [f"{rank['seconds'].get(kind, 0.0):.2f}" for kind in kinds])
            for rank in ranks
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ProfileError(f"{path} is not what a run has written: {error}; remove it, or run again") from error
    return "<h2>Seconds spent</h2>" + _table("by rank", kinds, rows)
