"""What coupling costs two bodies of finite elements, beside their own solves; prints one JSON line.

    .venv/bin/python benchmarks/finite_elements.py [--divisions N] [--windows N]

`cases/partitioned-heat` with N divisions a side (158: 100,000 dofs each), one rank a participant. ``own`` is everything
that a rank does but solve and wait: adapters, mapping, sending, acceleration, books, saving and restoring, records.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CASE = Path(__file__).parents[1] / "cases" / "partitioned-heat"


def prepared(folder: Path, divisions: int, windows: int) -> Path:
    """A copy of the case with other numbers."""
    shutil.copytree(CASE, folder, ignore=shutil.ignore_patterns("RUN*"))
    text = (folder / "case.toml").read_text()
    text = re.sub(r"cells = \[\d+, \d+\]", f"cells = [{divisions}, {divisions}]", text)
    text = text.replace("ranks = 2\n", "").replace("end = 1.0", f"end = {0.1 * windows:g}")
    (folder / "case.toml").write_text(text.replace("relative = 1e-11", "relative = 1e-8"))
    return folder


def measured(folder: Path) -> list[dict]:
    """Run the case; seconds by what they went into, for each rank."""
    subprocess.run([sys.executable, "-m", "suture", "run", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "RUN" / "timings.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--divisions", type=int, default=158)
    parser.add_argument("--windows", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        ranks = measured(prepared(Path(place) / "case", arguments.divisions, arguments.windows))
    result = {"dofs": (2 * arguments.divisions + 1) ** 2, "windows": arguments.windows}
    for rank in ranks:
        seconds = rank["seconds"]
        own = sum(value for what, value in seconds.items() if what not in ("solve", "wait"))
        result[rank["participant"]] = {
            "solve_s": round(seconds["solve"], 3),
            "own_to_solve": round(own / seconds["solve"], 4),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
