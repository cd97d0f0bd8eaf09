"""Adds up a proof that `suture ledger RUN --proof FILE` wrote, with nothing but Python's standard library.

python3 check_proof.py PROOF [case.resolved.toml [ledger.h5]]
"""

import gzip
import hashlib
import itertools
import json
import math
import struct
import sys


def number(value):
    return math.nan if value is None else value


def check(proof, files):
    if (proof["format"], proof["version"]) != ("suture proof", 1):
        return "this is another format"
    for what, path in zip(("case_sha256", "ledger_sha256"), files, strict=False):
        with open(path, "rb") as file:
            if hashlib.sha256(file.read()).hexdigest() != proof[what]:
                return f"{path} is not the file that the proof is of"
    states = [[[number(v) for v in entry] for entry in state] for state in (proof["opening"], *proof["windows"])]
    numbers = hashlib.sha256(struct.pack("<d", proof["tolerance"]))
    for state in states:
        numbers.update(b"".join(struct.pack("<d", v) for entry in state for v in entry))
    if numbers.hexdigest() != proof["sha256"]:
        return "a number was altered"
    for k, name in enumerate(proof["entries"]):
        for c, total in enumerate(proof["totals"][name]):
            if total is not None and math.fsum(state[k][c] for state in states[1:]) != total:
                return f"the total of {name} is another"
    for balance in proof["balances"]:
        for c, column in enumerate(proof["columns"]):
            window = first_defect(balance, c, states, proof["tolerance"]) if balance["kept"][c] else None
            if window is not None:
                return f"{balance['name']}: {column} does not balance in window {window}"
    return None


def first_defect(balance, c, states, tolerance):
    """The first window in which |defect| > tolerance * max(throughput, 64 eps / tolerance * size), or None."""
    throughput, summed = 0.0, [0.0] * len(balance["terms"])
    for window, (before, after) in enumerate(itertools.pairwise(states)):
        begin, end = ([f * state[k][c] for k, f in balance["held"]] for state in (before, after))
        terms = [f * after[k][c] for k, f in balance["terms"].values()]
        defect = math.fsum([*end, *(-v for v in begin), *(-v for v in terms)])
        throughput += sum(abs(f * after[k][c]) for k, f in balance["through"])
        summed = [s + v for s, v in zip(summed, terms, strict=True)]
        size = abs(sum(begin)) + abs(sum(end)) + sum(map(abs, terms)) + sum(map(abs, summed))
        size += sum(f * after[k][c] for k, f in balance["gross"])
        if not abs(defect) <= max(tolerance * throughput, 64 * sys.float_info.epsilon * size):
            return window
    return None


with (gzip.open if sys.argv[1].endswith(".gz") else open)(sys.argv[1], "rt") as source:
    given = json.load(source)
wrong = check(given, sys.argv[2:])
if wrong:
    sys.exit(f"NOT PROVED: {wrong}")
print(f"proved: {len(given['windows'])} windows, {len(given['balances'])} balances, tolerance {given['tolerance']:g}")
