"""Formulas in the case file, such as ``0.1*sin(2*pi*z/12)``: parsed, checked against a list, evaluated with NumPy.

The text is never run as Python. Only numbers, the named variables, ``pi`` and ``e``, the operators ``+ - * / **``
and the functions of ``FUNCTIONS`` exist.
"""

from __future__ import annotations

import ast
import difflib
import operator
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "sin": (np.sin, 1),
    "cos": (np.cos, 1),
    "tan": (np.tan, 1),
    "tanh": (np.tanh, 1),
    "exp": (np.exp, 1),
    "log": (np.log, 1),
    "sqrt": (np.sqrt, 1),
    "abs": (np.abs, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
}
"""Each function with its number of arguments."""

CONSTANTS: dict[str, float] = {"pi": np.pi, "e": np.e}

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


_LONGEST = 10_000
"""Letters of a formula: more would take long to parse."""
_DEEPEST = 100
"""Brackets, operators and functions inside of one another: evaluating them takes as many calls."""


class Expression:
    """A number, or a formula in ``x``, ``y``, ``z`` (the position) and ``t`` (the time).

    ``Expression("1 + 0.1*sin(2*pi*x)")(x=..., y=..., z=..., t=...)`` broadcasts over arrays. A pydantic model takes it
    as a field type. Raises ``ValueError`` with what was found and what is allowed.
    """

    variables: ClassVar[tuple[str, ...]] = ("x", "y", "z", "t")

    def __init__(self, source: float | str) -> None:
        self.source = source
        self._tree = _parse(str(source), self.variables)
        self.names = frozenset(node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)) & set(
            self.variables
        )
        if not self.names and not np.isfinite(self()):
            raise ValueError(f"{shortened(str(source))!r} comes to {self():g}; allowed is what comes to a number")

    def __call__(self, **values: ArrayLike) -> NDArray[np.float64]:
        """Evaluate; variables that the formula does not use may be left out."""
        # Every value is an array, so that 1/0 and log(-1) give inf and nan, which the solver reports with a position.
        arrays = {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
        with np.errstate(all="ignore"):
            value = _evaluate(self._tree, arrays)
        return np.broadcast_to(value, np.broadcast_shapes(*(a.shape for a in arrays.values()), np.shape(value)))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.source == self.source

    def __hash__(self) -> int:
        return hash((type(self), self.source))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda expression: expression.source),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "number"}, {"type": "string"}],
            "description": f"a number, or a formula in {', '.join(cls.variables)}",
        }

    @classmethod
    def _validate(cls, value: Any) -> Expression:
        if isinstance(value, cls):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"found {value!r}; allowed is a number or a formula in {', '.join(cls.variables)}")
        return cls(value)


class SpaceExpression(Expression):
    """A number, or a formula in the position ``x``, ``y``, ``z`` alone."""

    variables: ClassVar[tuple[str, ...]] = ("x", "y", "z")


class TimeExpression(Expression):
    """A number, or a formula in the time ``t`` alone."""

    variables: ClassVar[tuple[str, ...]] = ("t",)


def shortened(text: str) -> str:
    """A text that may be quoted in a message."""
    return text if len(text) <= 200 else f"{text[:100]} … {text[-90:]}"


def _parse(source: str, variables: tuple[str, ...]) -> ast.expr:
    """The checked syntax tree of a formula."""
    shown = shortened(source)
    if len(source) > _LONGEST:
        raise ValueError(f"{shown!r} is a formula of {len(source)} letters; at most {_LONGEST} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python would say of such Python is of no use here
            tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{shown!r} is not a formula; write for example '0.1*sin(2*pi*{variables[0]})'") from None
    _check(tree, shown, variables, 0)
    return tree


def _check(node: ast.expr, source: str, variables: tuple[str, ...], depth: int) -> None:
    """Refuse whatever is not on the list, naming it."""
    if depth > _DEEPEST:
        raise ValueError(f"{source!r} is nested too deeply; at most {_DEEPEST} levels are allowed")
    inner = depth + 1
    match node:
        case ast.Constant(value=bool() | complex()):
            raise ValueError(f"in {source!r}: {node.value!r} is not a real number")
        case ast.Constant(value=int() | float() as number):
            if abs(number) > np.finfo(float).max:
                raise ValueError(f"in {source!r}: a number is too large; allowed is up to {np.finfo(float).max:.3g}")
        case ast.Name(id=name):
            if name not in variables and name not in CONSTANTS:
                raise ValueError(f"in {source!r}: " + _unknown("name", name, [*variables, *CONSTANTS]))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left, source, variables, inner)
            _check(right, source, variables, inner)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            _check(operand, source, variables, inner)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            if name not in FUNCTIONS:
                raise ValueError(f"in {source!r}: " + _unknown("function", name, list(FUNCTIONS)))
            if len(args) != FUNCTIONS[name][1]:
                raise ValueError(f"in {source!r}: {name} takes {FUNCTIONS[name][1]} argument(s), found {len(args)}")
            for argument in args:
                _check(argument, source, variables, inner)
        case _:
            raise ValueError(
                f"in {source!r}: {shortened(ast.unparse(node))!r} is not allowed; allowed are numbers, + - * / **, "
                f"the names {', '.join([*variables, *CONSTANTS])} and the functions {', '.join(FUNCTIONS)}"
            )


def _unknown(what: str, name: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(name, allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown {what} {name!r}; allowed are {', '.join(allowed)}{hint}"


def _evaluate(node: ast.expr, values: dict[str, NDArray[np.float64]]) -> Any:
    match node:
        case ast.Constant(value=value):
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return CONSTANTS[name] if name in CONSTANTS else values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_evaluate(operand, values))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name][0](*(_evaluate(argument, values) for argument in args))
    raise AssertionError(f"unchecked node {ast.dump(node)}")
