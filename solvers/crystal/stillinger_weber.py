"""The potential of Stillinger and Weber, of pairs and of angles, for one element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .expansion import Expansion, by_square, products, radial

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """One entry of LAMMPS' file, by its names; ``a`` is the cut-off in units of ``sigma``."""

    epsilon: float
    sigma: float
    a: float
    lambda_: float
    gamma: float
    costheta0: float
    A: float
    B: float
    p: float
    q: float
    tol: float

    @property
    def cutoff(self) -> float:
        """Beyond which nothing is left; with ``tol`` nothing of more than that."""
        end = self.sigma * self.a
        if self.tol <= 0.0:
            return end
        reach = self.gamma if self.gamma < 1.0 else 1.0
        return end + reach * self.sigma / float(np.log(min(self.tol, 0.01)))


class StillingerWeber:
    """Pairs A epsilon (B s^p - s^q) exp(sigma / (r - a sigma)), s = sigma / r, and for every angle at an atom

    lambda epsilon (cos theta - cos theta0)^2 exp(gamma sigma / (r - a sigma)) exp(gamma sigma / (r' - a sigma)).

    (Stillinger & Weber, Phys. Rev. B 31, 5262, 1985.)
    """

    def __init__(self, parameters: Parameters) -> None:
        self._of = parameters
        self.cutoff = parameters.cutoff

    def expansion(self, bonds: Array, metric: Array) -> Expansion:
        """Energy of an atom with these bonds, (m, d), in crystals of the metric (n, D)."""
        rows = products(bonds, bonds)
        r = np.sqrt(metric @ rows.T)
        inside = r < self.cutoff
        r = np.where(inside, r, 0.5 * self.cutoff)  # what is beyond has no weight, and must not divide by zero
        half, pairs = 0.5 * inside, self._pairs(r)
        two = radial(rows, half * pairs[0], half * pairs[1], half * pairs[2])
        return two + self._angles(bonds, rows, metric, r, inside)

    def _fade(self, r: Array, strength: float) -> tuple[Array, Array, Array]:
        """exp(strength / (r - a sigma)) and its first two derivatives by r."""
        gap = r - self._of.sigma * self._of.a
        first = -strength / gap**2
        value = np.exp(strength / gap)
        return value, value * first, value * (first**2 - 2.0 * first / gap)

    def _pairs(self, r: Array) -> tuple[Array, Array, Array]:
        """Energy of a pair and its derivatives by the square of the distance."""
        of = self._of
        repels, attracts = of.B * (of.sigma / r) ** of.p, (of.sigma / r) ** of.q
        core = repels - attracts
        slope = (of.q * attracts - of.p * repels) / r
        curvature = (of.p * (of.p + 1.0) * repels - of.q * (of.q + 1.0) * attracts) / r**2
        fade, dfade, ddfade = self._fade(r, of.sigma)
        scale = of.A * of.epsilon
        first = scale * (slope * fade + core * dfade)
        second = scale * (curvature * fade + 2.0 * slope * dfade + core * ddfade)
        return scale * core * fade, *by_square(r, first, second)

    def _angles(self, bonds: Array, rows: Array, metric: Array, r: Array, inside: NDArray[np.bool_]) -> Expansion:
        """The sum over pairs of bonds b < c of h(s_b, s_c, p): squares of the two, and their product."""
        b, c = np.nonzero(np.triu(inside.T.astype(np.float64) @ inside, 1))  # both within the cut-off somewhere
        crossed = products(bonds[b], bonds[c])
        value, first, second = self._angle(r[:, b], r[:, c], metric @ crossed.T)
        both = (inside[:, b] & inside[:, c]).astype(np.float64)
        factors = (rows[b], rows[c], crossed)
        slope = sum((both * each) @ factor for each, factor in zip(first, factors, strict=True))
        curvature = np.zeros((len(metric), rows.shape[1], rows.shape[1]))
        for (i, j), each in second.items():
            outer = factors[i][:, :, None] * factors[j][:, None, :]
            outer = outer if i == j else outer + outer.swapaxes(1, 2)
            curvature += ((both * each) @ outer.reshape(len(b), rows.shape[1] ** 2)).reshape(curvature.shape)
        return Expansion((both * value).sum(axis=1), np.asarray(slope), curvature)

    def _angle(self, rb: Array, rc: Array, p: Array) -> tuple[Array, list[Array], dict[tuple[int, int], Array]]:
        """h = k u(s_b) u(s_c) w(q), q = p / (r_b r_c), and its derivatives by s_b, s_c and p, by their numbers."""
        of, strength = self._of, self._of.gamma * self._of.sigma
        u, v = self._fade(rb, strength), self._fade(rc, strength)
        (du, ddu), (dv, ddv) = by_square(rb, u[1], u[2]), by_square(rc, v[1], v[2])
        sb, sc, dq = rb * rb, rc * rc, 1.0 / (rb * rc)
        q = p * dq
        k = of.lambda_ * of.epsilon
        w, dw, ddw = k * (q - of.costheta0) ** 2, 2.0 * k * (q - of.costheta0), 2.0 * k
        qb, qc = -0.5 * q / sb, -0.5 * q / sc
        wb, wc, wp = dw * qb, dw * qc, dw * dq
        wbb, wcc = ddw * qb * qb + dw * 0.75 * q / sb**2, ddw * qc * qc + dw * 0.75 * q / sc**2
        wbc = ddw * qb * qc + dw * 0.25 * q / (sb * sc)
        wbp, wcp = ddw * qb * dq - dw * 0.5 * dq / sb, ddw * qc * dq - dw * 0.5 * dq / sc
        uv = u[0] * v[0]
        first = [(du * w + u[0] * wb) * v[0], (dv * w + v[0] * wc) * u[0], uv * wp]
        second = {
            (0, 0): (ddu * w + 2.0 * du * wb + u[0] * wbb) * v[0],
            (1, 1): (ddv * w + 2.0 * dv * wc + v[0] * wcc) * u[0],
            (0, 1): du * dv * w + du * v[0] * wc + dv * u[0] * wb + uv * wbc,
            (0, 2): (du * wp + u[0] * wbp) * v[0],
            (1, 2): (dv * wp + v[0] * wcp) * u[0],
            (2, 2): uv * ddw * dq * dq,
        }
        return uv * w, first, second
