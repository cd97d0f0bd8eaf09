"""Formulas in a case: what they mean, and what is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest

from suture.solvers.expression import Expression, SpaceExpression


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (1.5, 1.5),
        ("2", 2.0),
        ("1 + 2*x**2 - y/4", 18.5),
        ("-x + +y", -1.0),
        ("sin(pi*x/6) + cos(0) + log(e)", 3.0),
        ("min(x, y) + max(x, y)", 5.0),
        ("sqrt(abs(-4)) * tanh(0) + exp(0)", 1.0),
        ("1e-3*t", 0.01),
        ("2**3**2", 512.0),
    ],
)
def test_values(source: float | str, value: float) -> None:
    assert Expression(source)(x=3.0, y=2.0, z=1.0, t=10.0) == pytest.approx(value)


def test_arrays_broadcast() -> None:
    x = np.linspace(0, 1, 5)
    assert np.allclose(Expression("2*x + y")(x=x, y=np.ones((3, 1))), 2 * x + np.ones((3, 1)))
    assert Expression(1.0)(x=x).shape == (5,)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 +", "is not a formula"),
        ("sine(x)", "unknown function 'sine'; allowed are .*did you mean 'sin'"),
        ("temprature", "unknown name 'temprature'; allowed are x, y, z, t, pi, e"),
        ("x.real", "'x.real' is not allowed; allowed are numbers"),
        ("__import__('os')", "unknown function '__import__'"),
        ("(lambda: 1)()", "is not allowed"),
        ("x if y else z", "is not allowed"),
        ("x < y", "is not allowed"),
        ("[x]", "is not allowed"),
        ("'text'", "is not allowed"),
        ("1j", "not a real number"),
        ("True", "not a real number"),
        ("min(x)", r"min takes 2 argument\(s\), found 1"),
        ("sin(x=1)", "is not allowed"),
        ("x // y", "is not allowed"),
        ("", "is not a formula"),
    ],
)
def test_refused(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Expression(source)


def test_time_is_no_position() -> None:
    assert Expression("x*t").names == {"x", "t"}
    with pytest.raises(ValueError, match="unknown name 't'; allowed are x, y, z, pi, e"):
        SpaceExpression("x*t")


def test_bad_values_give_nan_quietly() -> None:
    assert np.isnan(Expression("log(x)")(x=-1.0))
    assert np.isinf(Expression("1/x")(x=0.0))


EVIL = {
    "builtins": ("__builtins__", "unknown name '__builtins__'"),
    "an attribute of a number": ("(1).__class__.__mro__", "is not allowed"),
    "an attribute of a function": ("sin.__call__(x)", "is not allowed"),
    "a function that is no name": ("(sin)(x)(x)", "is not allowed"),
    "a subscript": ("x[0]", "is not allowed"),
    "a text": ("'a'*9**9", "is not allowed"),
    "a format": ("f'{x}'", "is not allowed"),
    "an assignment": ("(x := 9)", "is not allowed"),
    "a statement": ("import os", "is not a formula"),
    "two statements": ("x; y", "is not a formula"),
    "a comprehension": ("[x for x in 9**9*'a']", "is not allowed"),
    "a generator": ("max(x for x in (1, 2))", r"max takes 2 argument\(s\), found 1"),
    "unpacking": ("max(*x)", r"max takes 2 argument\(s\), found 1"),
    "keywords unpacked": ("max(**x)", "is not allowed"),
    "await": ("await x", "is not allowed|is not a formula"),
    "a byte that is none": ("x\0", "is not a formula"),
    "a power of powers": ("9**9**9", "comes to inf"),
    "a difference of these": ("9**9**9 - 9**9**9", "comes to nan"),
    "a number beyond all": ("1e999*x", "a number is too large"),
    "an integer beyond all": ("1" + 400 * "0" + "*x", "a number is too large"),
    "an integer of thousands of digits": (9000 * "9", "is not a formula"),
    "a shift": ("1 << 999999999999", "is not allowed"),
    "a thousand brackets": (1000 * "(" + "x" + 1000 * ")", "is not a formula"),
    "a thousand minuses": (3000 * "-" + "x", "nested too deeply|is not a formula"),
    "a thousand functions": (150 * "sin(" + "x" + 150 * ")", "nested too deeply"),
    "a long sum": ("+".join(500 * "x"), "nested too deeply"),
    "a text of a million letters": ("x+" * 500_000 + "x", "a formula of 1000001 letters; at most 10000"),
}


@pytest.mark.parametrize("name", EVIL)
def test_nothing_is_run_and_nothing_grows(name: str, recwarn: pytest.WarningsRecorder) -> None:
    source, message = EVIL[name]
    begin = time.monotonic()
    with pytest.raises(ValueError, match=message) as refused:
        Expression(source)
    assert time.monotonic() - begin < 2.0
    assert len(str(refused.value)) < 1000
    assert not recwarn.list


def test_numbers_of_a_formula_are_floats() -> None:
    """Integers of Python would grow without end."""
    assert np.isinf(Expression("x**9**9**9")(x=9.0))
    assert Expression("(x*0 + 10)**300*10**300")(x=1.0).dtype == float
