"""Properties from a measured ratio: least squares by SciPy in their logarithms, with standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from ..errors import SolverError
from .multilayer import Measurement, Sample, ratio

Array = NDArray[np.float64]

FITTED = ("conductivity", "in_plane", "capacity", "thickness", "conductance")


@dataclass(frozen=True)
class Fit:
    """What was found."""

    values: dict[str, float]
    """By name, ``LAYER.PROPERTY``."""
    errors: dict[str, float]
    """Standard errors, from the residuals' scatter, or from the data's own errors where they are given."""
    correlation: Array
    """(n, n) of the logarithms, in the order of ``values``."""
    sensitivities: dict[str, Array]
    """d ln(ratio) / d ln(property) at every delay."""
    residual: float
    """Root mean square of the relative residuals."""


def fit(
    sample: Sample,
    measurement: Measurement,
    delays: ArrayLike,
    measured: ArrayLike,
    unknown: Sequence[str],
    error: float | None = None,
    pump_phase: bool = False,
) -> Fit:
    """Fit properties of a sample to ratios ``measured`` (n,) at ``delays`` (n,), starting from the sample's values.

    ``unknown`` names them as ``LAYER.PROPERTY``, layers from 0 at the top: ``0.conductance``, ``1.conductivity``.
    ``error`` is the relative standard error of a ratio. Raises ``SolverError`` for names that are none, and for fewer
    data than unknowns.
    """
    tau, data = (np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in (delays, measured))
    if tau.shape != data.shape or len(tau) <= len(unknown):
        raise SolverError(f"{len(data)} ratios at {len(tau)} delays for {len(unknown)} unknowns; more are needed")
    if not (data > 0.0).all():
        raise SolverError(f"a measured ratio of {data.min():g}; ratios must be positive")
    start = np.log([_value(sample, name) for name in unknown])

    def residuals(logarithms: Array) -> Array:
        changed = _changed(sample, dict(zip(unknown, np.exp(logarithms), strict=True)))
        return np.log(ratio(changed, measurement, tau, pump_phase) / data)

    found = least_squares(residuals, start, x_scale=0.1, xtol=1e-12, ftol=1e-14, gtol=1e-14)
    jacobian = np.asarray(found.jac)
    scatter = error**2 if error is not None else 2.0 * found.cost / (len(tau) - len(unknown))
    covariance = scatter * np.linalg.pinv(jacobian.T @ jacobian)
    widths = np.sqrt(np.diag(covariance))
    values = {name: float(v) for name, v in zip(unknown, np.exp(found.x), strict=True)}
    return Fit(
        values,
        {name: values[name] * float(s) for name, s in zip(unknown, widths, strict=True)},
        covariance / np.maximum(np.outer(widths, widths), 1e-300),
        {name: jacobian[:, k] for k, name in enumerate(unknown)},
        float(np.sqrt(2.0 * found.cost / len(tau))),
    )


def _place(sample: Sample, name: str) -> tuple[int, str]:
    layer, _, key = name.partition(".")
    if not layer.isdigit() or int(layer) >= len(sample.layers) or key not in FITTED:
        allowed = f"a layer from 0 to {len(sample.layers) - 1}, a dot, and one of {', '.join(FITTED)}"
        raise SolverError(f"nothing to fit is called {name!r}; allowed is {allowed}")
    return int(layer), key


def _value(sample: Sample, name: str) -> float:
    number, key = _place(sample, name)
    layer = sample.layers[number]
    value = layer.conductivity if key == "in_plane" and layer.in_plane is None else getattr(layer, key)
    if not np.isfinite(value):
        raise SolverError(f"{name!r} is infinite; a fit must start from a finite value")
    return float(value)


def _changed(sample: Sample, values: Mapping[str, float]) -> Sample:
    layers = list(sample.layers)
    for name, value in values.items():
        number, key = _place(sample, name)
        layers[number] = replace(layers[number], **{key: value})
    return Sample(tuple(layers))
