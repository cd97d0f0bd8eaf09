"""Time-domain thermoreflectance by Fourier's law: the multilayer solution, sums over pulses, and fits; usable alone.

from suture.solvers.tdtr import Layer, Measurement, Sample, signal

aluminium = Layer(conductivity=180.0, capacity=2.43e6, thickness=80e-9, conductance=200e6)
silicon = Layer(conductivity=142.0, capacity=1.64e6)
lasers = Measurement(repetition=80e6, modulation=9.8e6, pump_radius=10e-6, probe_radius=10e-6)
z = signal(Sample((aluminium, silicon)), lasers, [0.1e-9, 1e-9])
ratio = -z.real / z.imag
"""

from .fit import Fit, fit
from .multilayer import Layer, Measurement, Sample, ratio, response, signal
from .pulses import LockIn, lock_in

__all__ = ["Fit", "Layer", "LockIn", "Measurement", "Sample", "fit", "lock_in", "ratio", "response", "signal"]
