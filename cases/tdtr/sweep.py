"""Runs a set of variants of the case, and fits the apparent conductivity of each at several modulations.

    python sweep.py FOLDER            films of silicon; thick silicon; spots of several sizes on a thick gray solid

Every variant is a case of its own in FOLDER, which `suture run` and ParaView open; one that is complete is not run
again. FOLDER/sweep.json has the table that README.md shows. The modulation costs no run: it is in the sum only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import h5py
import tomli_w
from evaluate import RADIUS, apparent, response

HERE = Path(__file__).parent
FILMS = (800e-9, 200e-9, 50e-9)
SPOTS = (10e-6, 2e-6, 0.5e-6)
GRAY = {"kind": "gray", "heat_capacity": 1.63e6, "velocity": 908.0, "mean_free_path": 300e-9}
"""A solid that conducts as silicon, all by phonons that fly 300 nm: bulk where spot and depth are far larger."""
MODULATIONS = (1e6, 3e6, 9.8e6, 20e6)


def film(thickness):
    """The case with a film of another thickness, a finer mesh and more directions."""
    case = tomllib.loads((HERE / "case.toml").read_text())
    parts = {name: one["solver"] for name, one in case["participants"].items()}
    for name, layers in (("metal", 12), ("film", 12), ("substrate", 30)):
        parts[name]["mesh"]["cells"] = [32, layers]
    parts["film"]["directions"] = {"polar": 4, "azimuthal": 16}
    depth = parts["substrate"]["mesh"]["upper"][1] - parts["substrate"]["mesh"]["lower"][1]
    width = parts["film"]["mesh"]["upper"][0]
    parts["film"]["mesh"]["lower"] = [0.0, -thickness]
    parts["substrate"]["mesh"] |= {"lower": [0.0, -thickness - depth], "upper": [width, -thickness]}
    case["time"]["end"] = 1e-6
    return case


def thick(radius, material=None):
    """A thick solid, silicon or another, under the metal, heated in a spot of another size."""
    case = film(30e-6)
    del case["participants"]["substrate"], case["interfaces"]["below"]
    case["scheme"]["order"] = ["film", "metal"]
    width = max(6 * radius, 30e-6)
    rings = {"cells": 36, "expansion": (width / radius) ** 1.1}
    for name, layers, finest in (("metal", 12, 0.2), ("film", 30, 0.001)):
        mesh = case["participants"][name]["solver"]["mesh"]
        mesh |= {"cells": [rings["cells"], layers], "expansion": [rings["expansion"], finest]}
        mesh["upper"] = [width, mesh["upper"][1]]
    body = case["participants"]["film"]["solver"]
    body["material"] = material or body["material"]
    body["boundaries"]["y-lower"] = {"kind": "temperature", "temperature": 0.0}
    metal = case["participants"]["metal"]["solver"]
    metal["initial"] = metal["initial"].replace("10e-6", repr(radius))
    metal["averages"]["probe"]["weight"] = metal["averages"]["probe"]["weight"].replace("10e-6", repr(radius))
    return case


def completed(folder, case):
    """The output of the variant, run unless it is complete already."""
    folder.mkdir(parents=True, exist_ok=True)
    text = tomli_w.dumps(case)
    if not (folder / "case.toml").exists() or (folder / "case.toml").read_text() != text or not _complete(folder):
        (folder / "case.toml").write_text(text)
        subprocess.run([sys.executable, "-m", "suture", "run", folder], check=True)
    return folder / "RUN"


def _complete(folder):
    if not (folder / "RUN" / "ledger.h5").exists():
        return False
    with h5py.File(folder / "RUN" / "ledger.h5") as ledger:
        return bool(ledger.attrs["complete"])


def row(name, run, radius):
    """What fits find over what went in, by modulation in MHz."""
    found = response(run)
    bulk, given = found.sample.layers[1].conductivity, found.sample.layers[0].conductance
    fits = {f"{f / 1e6:g}": apparent(found, f, radius) for f in MODULATIONS}
    return {
        "variant": name,
        "conductivity": {f: one.values["1.conductivity"] / bulk for f, one in fits.items()},
        "error": {f: one.errors["1.conductivity"] / bulk for f, one in fits.items()},
        "conductance": {f: one.values["0.conductance"] / given for f, one in fits.items()},
        "residual": {f: one.residual for f, one in fits.items()},
    }


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args().folder
    variants = [(f"film-{1e9 * thickness:g}nm", film(thickness), RADIUS) for thickness in FILMS]
    variants += [("thick-silicon", thick(2 * RADIUS), 2 * RADIUS)]
    variants += [(f"gray-{1e6 * radius:g}um", thick(radius, GRAY), radius) for radius in SPOTS]
    rows = [row(name, completed(folder / name, case), radius) for name, case, radius in variants]
    (folder / "sweep.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
