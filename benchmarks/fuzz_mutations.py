"""How inputs are spoiled: bytes, words of texts, and values of tables, JSON and arrays."""

from __future__ import annotations

import copy
import re
from random import Random
from typing import Any

import numpy as np

NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 10**6, 2**31 - 1, 2**31, 2**63, 10**20, -(10**20)),
    *(float("nan"), float("inf"), float("-inf"), 0.0, -0.0, -1.5, 1e-300, 1e300, -1e300, 1e-30, 1e30, 0.5, 5e-324),
)
TEXTS: tuple[str, ...] = (
    *(
        "",
        " ",
        "lj",
        "si",
        "metal",
        "x",
        "-1",
        "nan",
        "1e999",
        "50 fs",
        "5 kg",
        "1e400 s",
        "0 s",
        "-3 ps",
        "\x00",
        "\n",
    ),
    *("../../etc/passwd", "/dev/zero", "/dev/stdin", ".", "case.toml", "a" * 5000, "é\u202e🙂", "foreign", "all"),
    *("9**9**9", "1/0", "exp(exp(exp(99)))", "x" + "+x" * 4000, "(" * 300 + "x" + ")" * 300, "__import__('os')", "x.y"),
    *("log(-1)", "x if x else y", "[x for x in y]", "lambda: x", "1e999", "2**-1e9", "sqrt(-x)", "--" * 500 + "x"),
)
WORDS = (
    *(str(number).encode() for number in NUMBERS),
    *(
        b"nan",
        b"-nan",
        b"1e999",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"=",
        b"#",
        b"\n",
        b"\x00",
        b"\xff",
        b"e",
        b"0x1p99",
        b"--",
    ),
)
_WORD = re.compile(rb"[^\s,=\[\]{}:\"]+")


def spoil_bytes(rng: Random, content: bytes) -> bytes:
    """One to four changes of bits, bytes, words, lines or length."""
    result = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice((_flip, _cut, _end, _repeat, _insert, _word, _word, _line))(rng, result)
    return bytes(result)


def spoil_words(rng: Random, content: bytes) -> bytes:
    """One to three words of a text replaced: what readers of numbers must bear."""
    result = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        rng.choice((_word, _word, _word, _line))(rng, result)
    return bytes(result)


def _place(rng: Random, content: bytearray) -> int:
    return rng.randrange(len(content) + 1)


def _flip(rng: Random, content: bytearray) -> None:
    if content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _cut(rng: Random, content: bytearray) -> None:
    begin = _place(rng, content)
    del content[begin : begin + rng.choice((1, 2, 8, 64, 1024))]


def _end(rng: Random, content: bytearray) -> None:
    del content[_place(rng, content) :]


def _repeat(rng: Random, content: bytearray) -> None:
    begin = _place(rng, content)
    content[begin:begin] = content[begin : begin + rng.choice((1, 8, 64, 512))] * rng.choice((1, 2, 50))


def _insert(rng: Random, content: bytearray) -> None:
    begin = _place(rng, content)
    content[begin:begin] = rng.choice((rng.choice(WORDS), rng.randbytes(rng.choice((1, 4, 32)))))


def _word(rng: Random, content: bytearray) -> None:
    words = [match.span() for match in _WORD.finditer(bytes(content[:200_000]))]
    if words:
        begin, end = rng.choice(words)
        content[begin:end] = rng.choice((rng.choice(WORDS), b"", bytes(content[slice(*rng.choice(words))])))


def _line(rng: Random, content: bytearray) -> None:
    lines = bytes(content).split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    change = rng.choice(("swap", "drop", "double"))
    if change == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    elif change == "drop":
        del lines[one]
    else:
        lines.insert(other, lines[one])
    content[:] = b"\n".join(lines)


def spoil_tree(rng: Random, tree: Any) -> Any:
    """One to three changes of the values, keys and types in nested tables and lists."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        found = places(tree)
        if not found:
            return tree
        *path, key = rng.choice(found)
        table = tree
        for part in path:
            table = table[part]
        _change(rng, table, key, tree, found)
    return tree


def places(table: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All keys and indices inside of nested tables and lists."""
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    return [found for key, value in items for found in [(*place, key), *places(value, (*place, key))]]


def _change(rng: Random, table: Any, key: Any, tree: Any, found: list[tuple[Any, ...]]) -> None:
    match rng.choice(("value", "value", "like", "like", "like", "remove", "add", "twin", "other")):
        case "value":
            table[key] = value(rng)
        case "like":
            table[key] = _like(rng, table[key])
        case "remove":
            del table[key]
        case "add" if isinstance(table, dict):
            table[rng.choice((str(value(rng))[:20], "kind", "file", "ranks", "order"))] = value(rng)
        case "twin" if isinstance(table, dict):
            table[f"{key}2"] = copy.deepcopy(table[key])
        case "twin" | "add" if isinstance(table, list):
            table.insert(rng.randrange(len(table) + 1), copy.deepcopy(rng.choice(table)))
        case _:
            other: Any = tree
            for part in rng.choice(found):
                other = other[part]
            table[key] = copy.deepcopy(other)


def _like(rng: Random, old: Any) -> Any:
    """A value of the type that was there."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float):
        return rng.choice((*NUMBERS, -old, old * 1000, old / 3, old + 1))
    if isinstance(old, str):
        return rng.choice((*TEXTS, old.upper(), old[:-1], old + old, old.replace(".", "")))
    if isinstance(old, list):
        return rng.choice((old + old, old[:-1], [], old[::-1], [old]))
    return {}


def value(rng: Random, depth: int = 0) -> Any:
    """Any value that TOML and JSON can hold."""
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind < 3:
        return rng.choice(NUMBERS)
    if kind < 5:
        return rng.choice(TEXTS)
    if kind == 5:
        return rng.choice((True, False))
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {
        rng.choice(("kind", "system", "from", "x", "lower")): value(rng, depth + 1) for _ in range(rng.randrange(3))
    }


def spoil_array(rng: Random, array: Any) -> Any:
    """An array of another shape, type or content."""
    array = np.array(array)
    match rng.choice(("number", "number", "shape", "type", "empty", "flat", "more")):
        case "number" if array.size and array.dtype.kind in "fiu":
            array = array.astype(float) if array.dtype.kind == "f" else array
            flat = array.reshape(-1)
            with np.errstate(all="ignore"):
                flat[rng.randrange(flat.size)] = np.array(rng.choice(NUMBERS[11:])).astype(array.dtype)
            return array
        case "shape":
            return array.reshape(-1)[: max(0, array.size - 1)]
        case "type":
            return (
                array.astype(rng.choice(("S8", "i1", "c16", "U4", "?"))) if array.dtype.kind in "fiu" else np.zeros(3)
            )
        case "empty":
            return array[:0] if array.ndim else np.zeros(0)
        case "flat":
            return array[None]
    return np.concatenate([np.atleast_1d(array)] * 2)
