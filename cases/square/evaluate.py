"""Mean heat fluxes of a square's walls, over C v dT / 4, and temperatures inside it.

python evaluate.py RUN      prints JSON with the figures that reference/checks.toml names
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import h5py


def evaluate(run):
    """The fluxes into the hot wall's body and out of the others, the temperatures, and the imbalance."""
    with h5py.File(run / "ledger.h5") as ledger:
        rows = {side: 4.0 * float(row[0, 0]) for side, row in ledger["participants/square/rows"].items()}
    with h5py.File(run / "square" / "course.h5") as course:
        places = {name: float(course[name][-1]) for name in ("centre", "upper")}
    return {
        "hot": rows["y-upper"],
        "opposite": -rows["y-lower"],
        "each_side": -0.5 * (rows["x-lower"] + rows["x-upper"]),
        "imbalance": abs(sum(rows.values())) / rows["y-upper"],
        **places,
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    print(json.dumps(evaluate(parser.parse_args().run)))


if __name__ == "__main__":
    main()
