"""Spoils everything that a case and a command can name, and looks for what is neither accepted nor refused in words.

    python benchmarks/fuzz.py [--count N] [--seed S] [--only KIND ...] [--verbose]

Of every kind of input a number proportional to N is spoiled (see ``fuzz_inputs.INPUTS``), each from the seed, the kind
and its own number alone. It is read in forked processes: one that takes longer than its kind may is ended. Findings are
tracebacks, hangs, crashes, and nonsense that is accepted. Prints one JSON line: of each kind how many inputs were
refused and accepted, and every finding once, with the number of inputs that show it and the first of these.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_inputs import INPUTS, Input, Nonsense

from suture.couplers.errors import CaseError, SutureError

MEMORY = 3 << 30
"""Bytes that one process may have beyond what it starts with: more is a finding."""


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Do it; returns what is printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(INPUTS))
    parser.add_argument("--first", type=int, default=0, help="Number of the first input: to repeat one.")
    parser.add_argument("--verbose", action="store_true", help="Print every refusal.")
    given = parser.parse_args(arguments)
    begin = time.time()
    result: dict[str, Any] = {"seed": given.seed, "inputs": 0, "kinds": {}, "findings": []}
    with tempfile.TemporaryDirectory(prefix="suture-fuzz-") as scratch:
        for name in given.only:
            count = max(1, round(given.count * INPUTS[name].share))
            told = Fuzzing(INPUTS[name], given.seed, Path(scratch), given.verbose).run(given.first, count)
            findings = told.pop("findings")
            result["kinds"][name] = told
            result["inputs"] += count
            result["findings"] += [{"kind": name, **finding} for finding in findings]
            print(f"{name}: {told}, {len(findings)} findings", file=sys.stderr, flush=True)
    result["seconds"] = round(time.time() - begin, 1)
    print(json.dumps(result))
    return result


class Fuzzing:
    """One kind of input: forked readers, and a watch over them."""

    def __init__(self, kind: Input, seed: int, scratch: Path, verbose: bool) -> None:
        self._kind, self._seed, self._scratch, self._verbose = kind, seed, scratch, verbose
        self._spoil = kind.prepare(scratch)
        self._counts = {"refused": 0, "accepted": 0}
        self._findings: dict[str, dict[str, Any]] = {}

    def run(self, first: int, count: int) -> dict[str, Any]:
        """Read so many inputs; counts and findings."""
        next_one, end, begin = first, first + count, time.time()
        while next_one < end:
            next_one = self._watch(next_one, end)
        findings = sorted(self._findings.values(), key=lambda finding: -finding["inputs"])
        return {**self._counts, "seconds": round(time.time() - begin, 1), "findings": findings}

    def _watch(self, first: int, end: int) -> int:
        """Let one process read until it is done, or one input is its last; returns the number of the next."""
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(out)
            self._read(first, end, into)
        os.close(into)
        number, rest = first, b""
        while True:
            if not select.select([out], [], [], self._kind.seconds)[0]:
                self._find("hang", f"longer than {self._kind.seconds:g} s", number)
                os.killpg(pid, signal.SIGKILL)
                number += 1
                break
            told = os.read(out, 1 << 20)
            if not told:
                break
            *lines, rest = (rest + told).split(b"\n")
            for line in lines:
                self._note(number, json.loads(line))
                number += 1
        os.close(out)
        status = os.waitpid(pid, 0)[1]
        if number < end and os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
            self._find("crash", signal.Signals(os.WTERMSIG(status)).name, number)
            number += 1
        elif number < end and os.WIFEXITED(status) and os.WEXITSTATUS(status):
            self._find("crash", f"exit code {os.WEXITSTATUS(status)}", number)
            number += 1
        return number

    def _note(self, number: int, told: list[str]) -> None:
        outcome, text = told
        if outcome in self._counts:
            self._counts[outcome] += 1
            if self._verbose:
                print(f"{number} {outcome}: {text}", file=sys.stderr)
        else:
            self._find(outcome, text, number)

    def _find(self, outcome: str, text: str, number: int) -> None:
        finding = self._findings.setdefault(
            f"{outcome}: {text}", {"what": f"{outcome}: {text}", "inputs": 0, "first": number}
        )
        finding["inputs"] += 1

    def _read(self, first: int, end: int, into: int) -> None:
        """In the forked process: one line for every input; never returns."""
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            for number in range(first, end):
                os.write(into, json.dumps(self._one(number)).encode() + b"\n")
        finally:
            os._exit(0)

    def _one(self, number: int) -> tuple[str, str]:
        folder = self._scratch / f"{os.getpid()}-{number}"
        folder.mkdir()
        rng = Random(f"{self._seed} {self._kind.name} {number}")
        try:
            self._spoil(rng, folder)()
        except SutureError as error:
            return self._refused(error, folder)
        except Nonsense as error:
            return "nonsense", _shape(str(error))
        except Exception as error:  # noqa: BLE001 - every other error is a finding
            return "traceback", _place(error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return "accepted", ""

    @staticmethod
    def _refused(error: SutureError, folder: Path) -> tuple[str, str]:
        text = str(error)
        if not text.strip() or "Traceback" in text or len(text) > 20_000:
            return "no words", f"{len(text)} letters: {text[:60]!r}"
        if isinstance(error, CaseError) and not all(mistake.found for mistake in error.mistakes):
            return "no words", f"nothing found: {text[-100:]!r}"
        return "refused", text.replace(str(folder), "")


def _shape(text: str) -> str:
    return "".join("9" if letter.isdigit() else letter for letter in text)[:100]


def _place(error: BaseException) -> str:
    """Type of an error, and the innermost line of Suture's that it comes from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "benchmarks" not in f.filename]
    ours = [
        f for f in frames if any(each in f.filename for each in ("/couplers/", "/adapters/", "/solvers/", "/suture/"))
    ]
    place = ours[-1] if ours else frames[-1] if frames else None
    where = f"{Path(place.filename).name}:{place.lineno} in {place.name}" if place else "nowhere"
    return f"{type(error).__name__} at {where}: {_shape(str(error))[:80]}"


if __name__ == "__main__":
    main()
