"""Packets of waves on a chain, and how much of them comes back.

Reflection is measured at one wave number at a time: whatever its envelope, a packet is a sum of waves, which do not
know of each other where displacements are small. ω' = ω √(1 - (ω dt/2)²) is the frequency by which velocity Verlet's
velocities follow from its displacements; with it, waves of either direction are told apart to round-off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .layout import lattice_spacing
from .motion import Motion
from .settings import MotionSettings

Array = NDArray[np.float64]


def frequency(settings: MotionSettings, wave_number: Array) -> Array:
    """Of the chain of atoms: ω² = 4/m (φ₁'' sin²(q/2) + φ₂'' sin² q); ``wave_number`` q in radians per spacing."""
    potential, spacing = settings.potential, np.array([lattice_spacing(settings)])
    first, second = potential.curvature(1, spacing)[0], potential.curvature(2, 2.0 * spacing)[0]
    squared = first * np.sin(0.5 * wave_number) ** 2 + second * np.sin(wave_number) ** 2
    return np.sqrt(4.0 / settings.mass * squared)


def _verlet_frequency(settings: MotionSettings, wave_number: Array) -> Array:
    omega = frequency(settings, wave_number)
    return omega * np.sqrt(1.0 - (0.5 * omega * settings.step) ** 2)


def start_packet(
    motion: Motion, last: int, centre: float, width: float, wave_number: float, amplitude: float = 1e-6
) -> None:
    """Send exp(-(x - c)²/2w²) cos(q (x - c)) towards the upper end, on the atoms 0 … ``last``; lengths in sites.

    Each of its waves has the velocity of one that travels upward: none travels downward.
    """
    sites = np.arange(last + 1)
    shape = amplitude * np.exp(-0.5 * ((sites - centre) / width) ** 2) * np.cos(wave_number * (sites - centre))
    wave_numbers = 2.0 * np.pi * np.fft.fftfreq(len(sites), 1.0)
    omega = np.sign(wave_numbers) * _verlet_frequency(motion.settings, wave_numbers)
    motion.displacement[: last + 1] = shape
    motion.velocity[: last + 1] = np.fft.ifft(-1j * omega * np.fft.fft(shape)).real


def amplitudes(motion: Motion, last: int, wave_number: float) -> tuple[float, float]:
    """Of the waves that travel upward, and downward, on the atoms 0 … ``last``: magnitudes of Σ u exp(-iqx)."""
    phases = np.exp(-1j * wave_number * np.arange(last + 1))
    position = phases @ motion.displacement[: last + 1]
    speed = phases @ motion.velocity[: last + 1] / _verlet_frequency(motion.settings, np.array(wave_number))
    return 0.5 * float(abs(position + 1j * speed)), 0.5 * float(abs(position - 1j * speed))


def measure_reflection(
    motion: Motion, last: int, centre: float, width: float, wave_number: float, duration: float
) -> float:
    """Amplitude that comes back to the atoms 0 … ``last`` of a chain at rest, relative to what was sent.

    ``duration`` must let the packet come back from where it is reflected, and no farther than the lower end; what went
    on must not have come back from the upper end.
    """
    start_packet(motion, last, centre, width, wave_number)
    sent, _ = amplitudes(motion, last, wave_number)
    motion.advance(duration)
    return amplitudes(motion, last, wave_number)[1] / sent


def lumped_reflection(wave_number: float, element: int) -> float:
    """Amplitude that lumped linear elements of ``element`` spacings reflect; first neighbours only.

    With u = e^{iqx} + R e^{-iqx} among the atoms and T e^{iQx/n} in the elements, sin(Q/2) = n sin(q/2), the node
    between them with the mass (1 + n)/2 gives R = (c - C)/(c + C), c = cos(q/2), C = cos(Q/2): ratio of the impedances.
    Above sin(q/2) = 1/n nothing goes on, and |R| = 1.
    """
    c, s = np.cos(0.5 * wave_number), element * np.sin(0.5 * wave_number)
    beyond = np.emath.sqrt(1.0 - s * s)
    return float(abs((c - beyond) / (c + beyond)))
