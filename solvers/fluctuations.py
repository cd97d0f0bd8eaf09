"""Thermal fluctuations of a small volume of fluid: what one sample of its state is worth, and how many are needed.

Landau and Lifshitz, Statistical Physics, § 112; Hadjiconstantinou, Garcia, Bazant and He, J. Comput. Phys. 187, 274
(2003), who write them with the compressibility, sound speed and pressure of an ideal gas under the same conditions:
κ = 1 / (n kT), c² = γ kT / m and p = n kT, with the number density n of the fluid at hand. Units are coherent: mass ×
velocity² is the unit of energy.
"""

from __future__ import annotations

import math

import numpy as np


def velocity(thermal_energy: float, density: float, volume: float) -> float:
    """Standard deviation of one component of the mean velocity: σ² = kT / (ρ V) = kT / (m N)."""
    return math.sqrt(thermal_energy / (density * volume))


def density(thermal_energy: float, density: float, stiffness: float, volume: float) -> float:
    """Of the density: (σ/ρ)² = κ kT / V with the isothermal compressibility κ = 1 / (ρ ∂p/∂ρ)."""
    return math.sqrt(density * thermal_energy / (stiffness * volume))


def temperature(
    thermal_energy: float, temperature: float, density: float, heat_capacity: float, volume: float
) -> float:
    """Of the temperature: σ² = k T² / (ρ c V) with the heat capacity c at constant volume, per mass."""
    return math.sqrt(thermal_energy * temperature / (density * heat_capacity * volume))


def pressure(thermal_energy: float, density: float, sound_speed: float, volume: float) -> float:
    """Of the pressure: σ² = kT / (κ_s V) = ρ c² kT / V, adiabatic.

    This is the hydrodynamic pressure; the virial of the particles at one instant fluctuates more.
    """
    return math.sqrt(density * sound_speed**2 * thermal_energy / volume)


def samples(deviation: float, wanted: float) -> float:
    """Independent samples whose mean has the standard error ``wanted``: (σ / wanted)²."""
    return (deviation / wanted) ** 2


def diffusion_time(diffusivity: float, thickness: float, length: float) -> float:
    """Integral correlation time ∫ C(t) dt, from 0 on, of the mean of a layer, of a field that diffuses.

    The layer lies in the middle of a region of ``length`` between walls that take what comes, and has all of its
    cross-section. With the modes sin(n π x / L), C = Σ a² exp(-D k² t) / Σ a² and a = ∫ sin(k x) dx over the layer. As
    far as the error of a mean goes, samples are independent that are twice this time apart.
    """
    modes = np.pi * np.arange(1, 20001) / length
    shares = np.square(np.sin(0.5 * modes * length) * np.sin(0.5 * modes * thickness) / modes)
    return float(np.sum(shares / (diffusivity * modes**2)) / np.sum(shares))
