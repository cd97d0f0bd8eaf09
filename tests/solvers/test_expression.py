"""Formulas in a case: what they mean, and what is refused."""

from __future__ import annotations

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
