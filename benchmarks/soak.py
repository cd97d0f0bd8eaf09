"""A small coupled case for very many windows: memory, throughput, the books' drift, and what is on the disk.

    python benchmarks/soak.py [windows]

Two stubs on three ranks exchange mass, momentum and energy. From the second tenth of the run to its end: how much the
resident memory of the rank that grows most has grown, and how the windows a second of the last quarter compare with
those of the second. The drift of the books is the sum of all windows' defects of a balance: for the participants over
what a random walk of the same steps would reach on average, √Σd², and for all balances over the throughput; the worst
counts. (What crosses is alike in every window here, and so is the round-off of its sums over cells: it does not walk at
random.) Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from suture.couplers.audit import read_books
from suture.couplers.status import read

CASE = """
title = "Soak"
units = "lj"
[time]
window = 0.2371
end = {end}
[run]
checkpoint_every = 5000
[scheme]
kind = "parallel-explicit"
[participants.upper]
kind = "stub-sink"
solver = {{ cells = [5, 2], step = 0.2371 }}
[participants.lower]
kind = "stub-source"
ranks = 2
solver = {{ cells = [3, 4], step = 0.2371 }}
[interfaces.seam.sides]
upper = {{}}
lower = {{}}
"""
EVERY = 0.5
"""Seconds between two looks."""


def resident(pid: int) -> float:
    """Memory of a process, in MB; 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def watch(job: subprocess.Popen[bytes], output: Path) -> np.ndarray:
    """A row a look: seconds, windows done, memory of each rank."""
    rows = []
    while job.poll() is None:
        slates = read(output)
        if len(slates) == 3 and all("done" in slate for slate in slates):
            memory = [resident(slate["pid"]) for slate in slates]
            if all(memory):
                rows.append([time.monotonic(), min(slate["done"] for slate in slates), *memory])
        time.sleep(EVERY)
    return np.array(rows)


def drifts(output: Path) -> tuple[float, float]:
    """Of the participants over a random walk, and of all balances over the throughput; the worst column of each."""
    with h5py.File(output / "ledger.h5") as file:
        (flow,) = file["flows"].values()
        through = np.abs(flow["sent"][:]).sum(axis=0)
        crossed = flow["sent"][:] - flow["received"][:] - np.diff(flow["carry"][:], axis=0)
        held = [file[f"participants/{name}/residual"][:] for name in file["participants"]]
    walks = [np.abs(d.sum(axis=0)) / np.sqrt((d**2).sum(axis=0)) for d in held]
    relative = [np.abs(d.sum(axis=0)) / through for d in [*held, crossed]]
    return float(np.max(walks)), float(np.max(relative))


def speed(rows: np.ndarray, windows: int, begin: float, end: float) -> float:
    """Windows a second between two fractions of the run."""
    inside = rows[(rows[:, 1] >= begin * windows) & (rows[:, 1] <= end * windows)]
    return float((inside[-1, 1] - inside[0, 1]) / (inside[-1, 0] - inside[0, 0]))


def main(windows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder, "case.toml")
        case.write_text(CASE.format(end=0.2371 * windows))
        output = Path(folder, "RUN")
        # Without the marks of an MPI job, which this process is, since it has imported MPI.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_"))}
        command = [sys.executable, "-m", "suture", "run", str(case)]
        job = subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL)
        rows = watch(job, output)
        assert job.returncode == 0
        books, (walk, relative) = read_books(output), drifts(output)
        warm = rows[rows[:, 1] >= 0.1 * windows]
        result = {
            "windows": books.windows,
            "seconds": round(rows[-1, 0] - rows[0, 0], 1),
            "memory growth": round(float((warm[-1, 2:] / warm[0, 2:]).max() - 1.0), 5),
            "memory, MB": round(float(rows[-1, 2:].max()), 1),
            "speed, last quarter over second": round(
                speed(rows, windows, 0.75, 1.0) / speed(rows, windows, 0.25, 0.5), 3
            ),
            "worst defect": books.worst,
            "participants' drift over a random walk": round(walk, 2),
            "drift over throughput": relative,
            "ledger, bytes per window": round((output / "ledger.h5").stat().st_size / windows, 1),
            "everything, MB": round(sum(p.stat().st_size for p in output.rglob("*") if p.is_file()) / 1e6, 1),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
