"""Thermoreflectance of layers that obey Fourier's law, in the frequency domain.

Cahill, Rev. Sci. Instrum. 75 (2004) 5119.

A plane wave of heat, exp(i omega t) J0(k r), that enters the top of a layer meets the impedance

    Z = (Z' + T / (K g)) / (1 + Z' K g T),   T = tanh(g d),   g^2 = (K_r k^2 + i omega C) / K ,

where Z' is that of what lies below and of the interface to it; K conducts through the layer and K_r along it. Weighted
with both beams, exp(-k^2 (w0^2 + w1^2) / 8) for radii where the intensity is exp(-2) of the axis', it is the response
H(omega) of the temperature that the probe sees. Pulses at rate f_s whose energy is modulated with omega_0 give

    Z(tau) = sum over n of H(omega_0 + n omega_s) exp(i n omega_s tau)              without the pump's phase,

times exp(i omega_0 tau) with it, as where the pump is delayed before it is modulated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from ..errors import SolverError

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_WAVES = 160
"""Gauss points in the wave number."""
_SHORTEST = 1.0 / 500.0
"""Duration of a pulse over the shortest delay: its square, times 3/8, is the relative error of an ideal pulse."""
_TABLE = 800
"""Frequencies at which the response is worked out."""
_CHUNK = 16384
"""Harmonics that are worked out at once."""


@dataclass(frozen=True)
class Layer:
    """A layer, and the interface below it. SI units; ``SolverError`` for values that are not positive."""

    conductivity: float
    """Through the layer, W/(m K)."""
    capacity: float
    """J/(m³ K)."""
    thickness: float = np.inf
    """m; the last layer's may be infinite."""
    conductance: float = np.inf
    """Of the interface below, W/(m² K)."""
    in_plane: float | None = None
    """Conductivity along the layer; default: as through it."""

    def __post_init__(self) -> None:
        for name in ("conductivity", "capacity", "thickness", "conductance", "in_plane"):
            value = getattr(self, name)
            if value is not None and not value > 0.0:
                raise SolverError(f"a layer with {name} = {value}; it must be positive")


@dataclass(frozen=True)
class Sample:
    """Layers from the top, where the light is absorbed, down."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise SolverError("a sample without layers")
        for number, layer in enumerate(self.layers[:-1]):
            if not np.isfinite(layer.thickness):
                raise SolverError(f"layer {number + 1} of {len(self.layers)} is infinitely thick; only the last may be")


@dataclass(frozen=True)
class Measurement:
    """The lasers. Hz and m."""

    repetition: float
    modulation: float
    pump_radius: float
    """Where the intensity is exp(-2) of that on the axis."""
    probe_radius: float

    def __post_init__(self) -> None:
        for name in ("repetition", "modulation", "pump_radius", "probe_radius"):
            if not getattr(self, name) > 0.0:
                raise SolverError(f"a measurement with {name} = {getattr(self, name)}; it must be positive")


def response(sample: Sample, measurement: Measurement, frequency: ArrayLike) -> Complex:
    """Temperature that the probe sees per absorbed power, K/W, at angular frequencies (n,), any sign but not 0."""
    omega = np.atleast_1d(np.asarray(frequency, dtype=np.float64))
    width = measurement.pump_radius**2 + measurement.probe_radius**2
    nodes, weights = np.polynomial.legendre.leggauss(_WAVES)
    # k = top u^2 crowds points where diffusion lengths exceed the beams.
    u, top = 0.5 * (nodes + 1.0), np.sqrt(8.0 * 40.0 / width)
    k, dk = top * u**2, top * u * weights
    beam = dk * k * np.exp(-(k**2) * width / 8.0) / (2.0 * np.pi)
    return _impedance(sample, k, omega[:, None]) @ beam


def _impedance(sample: Sample, k: Array, omega: Array) -> Complex:
    below: Any = None
    for layer in reversed(sample.layers):
        along = layer.conductivity if layer.in_plane is None else layer.in_plane
        g = np.sqrt((along * k**2 + 1j * omega * layer.capacity) / layer.conductivity)
        admittance = layer.conductivity * g
        if np.isinf(layer.thickness):
            below = 1.0 / admittance
            continue
        # tanh without overflow: the real part of g d is not negative.
        e = np.exp(-2.0 * g * layer.thickness)
        t = (1.0 - e) / (1.0 + e)
        if below is None:  # the last layer is finite: nothing leaves below it
            below = 1.0 / (admittance * t)
            continue
        below = below + 1.0 / layer.conductance
        below = (below + t / admittance) / (1.0 + below * admittance * t)
    return below


def signal(sample: Sample, measurement: Measurement, delays: ArrayLike, pump_phase: bool = False) -> Complex:
    """The lock-in signal at ``delays`` (n,) in s, in K per W of absorbed power: real part in phase, imaginary part out.

    Pulses are Gaussian in time, of a standard deviation of 1/500 of the shortest delay: 1.5e-6 from ideal ones.
    Raises ``SolverError`` for delays that are not positive and shorter than a period of the pulses.
    """
    tau = np.atleast_1d(np.asarray(delays, dtype=np.float64))
    period = 1.0 / measurement.repetition
    if not ((tau > 0.0) & (tau < period)).all():
        wrong = tau[~((tau > 0.0) & (tau < period))][0]
        raise SolverError(f"a delay of {wrong:g} s; it must lie between 0 and the pulses' period, {period:g} s")
    pulse = _SHORTEST * float(tau.min())
    spacing, modulation = 2.0 * np.pi * measurement.repetition, 2.0 * np.pi * measurement.modulation
    last = int(np.ceil(np.sqrt(2.0 * 36.0) / pulse / spacing))
    out = np.zeros(len(tau), dtype=np.complex128)
    known = _tabulated(sample, measurement, modulation, spacing, last)
    for begin in range(-last, last + 1, _CHUNK):
        n = np.arange(begin, min(begin + _CHUNK, last + 1))
        omega = modulation + n * spacing
        damped = known(omega) * np.exp(-0.5 * (omega * pulse) ** 2)
        out += np.exp(1j * np.outer(tau, n * spacing)) @ damped
    return out * np.exp(1j * modulation * tau) if pump_phase else out


def _tabulated(
    sample: Sample, measurement: Measurement, modulation: float, spacing: float, last: int
) -> Callable[[Array], Complex]:
    """The response at any harmonic: times the root of the frequency it is a smooth function of its logarithm."""
    offset = modulation % spacing
    least = min(offset, spacing - offset) or modulation
    table = np.geomspace(0.999 * least, modulation + (last + 1) * spacing, _TABLE)
    smooth = CubicSpline(np.log(table), response(sample, measurement, table) * np.sqrt(table))

    def known(omega: Array) -> Complex:
        size = np.abs(omega)
        value = smooth(np.log(size)) / np.sqrt(size)
        return np.where(omega < 0.0, np.conj(value), value)

    return known


def ratio(sample: Sample, measurement: Measurement, delays: Sequence[float] | Array, pump_phase: bool = False) -> Array:
    """-V_in / V_out at ``delays`` (n,)."""
    z = signal(sample, measurement, delays, pump_phase)
    return -z.real / z.imag
