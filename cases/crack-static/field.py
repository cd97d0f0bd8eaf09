"""The field around the tip of a crack in silicon, from its elastic constants: formulas for case.toml.

    python field.py      prints K of Griffith, and the displacements along x and y, at the start and in time

In a crystal that is the same on both sides of the plane z = 0, what happens in the plane is apart from the rest. With
the compliances a_ij of plane strain, the roots s1, s2 (of positive imaginary part) of

    a11 s^4 - 2 a16 s^3 + (2 a12 + a66) s^2 - 2 a26 s + a22 = 0,
    p_j = a11 s_j^2 + a12 - a16 s_j,   q_j = a12 s_j + a22 / s_j - a26,

the displacement of a crack along y = 0, x < 0 opened by K is (Sih, Paris & Irwin, Int. J. Fract. Mech. 1, 189, 1965)

    u_x = K sqrt(2/pi) Re[(s1 p2 w2 - s2 p1 w1) / (s1 - s2)],   w_j = sqrt(x + s_j y),

u_y the same with q, and the energy released per new area G = -K^2 a22/2 Im[(s1 + s2) / (s1 s2)].
"""

from __future__ import annotations

import itertools

import numpy as np

CONSTANT = 5.43095
"""Edge of the cubic cell of silicon with the potential of Stillinger and Weber, Å."""
C11, C12, C44 = 151.42, 76.42, 56.45
"""Its elastic constants, GPa."""
SURFACE = 1.3600
"""Its energy of (111) surfaces, J/m²."""
ORIENTATION = [[1, 1, -2], [1, 1, 1], [1, -1, 0]]
"""Crystal directions along x, in which the crack grows, y, across it, and z, along its front."""
TIP = CONSTANT * np.sqrt(6.0) / 8.0, CONSTANT * np.sqrt(3.0) / 8.0
"""Between the last open bond, at x = 0, and the first whole one; in the middle of the bonds across the crack. Å."""
START = 1.4
"""K at the start, in units of Griffith's: what it opens does not close, and no more opens."""
RISE = "min(0.1*t, 0.6 + 0.04*(t - 6))"
"""What the windows t = 1, 2, … add: to 2.0 by larger steps."""


def compliance():
    """Along x, y, z in Voigt's order, (6, 6), 1/GPa."""
    turn = np.array(ORIENTATION) / np.linalg.norm(ORIENTATION, axis=1)[:, None]
    d = np.eye(3)
    stiffness = np.zeros((3,) * 4)
    for i, j, k, m in itertools.product(range(3), repeat=4):
        stiffness[i, j, k, m] = C12 * d[i, j] * d[k, m] + C44 * (d[i, k] * d[j, m] + d[i, m] * d[j, k])
        stiffness[i, j, k, m] += (C11 - C12 - 2.0 * C44) * (i == j == k == m)
    turned = np.einsum("ai,bj,ck,dl,ijkl->abcd", turn, turn, turn, turn, stiffness)
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    return np.linalg.inv([[turned[a + b] for b in pairs] for a in pairs])


def field():
    """The two roots, and the factors of w1, w2 in u_x and u_y, (2, 2), in Å for 1 MPa sqrt(m) and lengths in Å; and
    G in J/m² at 1 MPa sqrt(m)."""
    full = compliance()
    a = full - np.outer(full[:, 2], full[2]) / full[2, 2]
    (a11, a12, a16), (a22, a26), a66 = a[0, [0, 1, 5]], a[1, [1, 5]], a[5, 5]
    roots = np.roots([a11, -2.0 * a16, 2.0 * a12 + a66, -2.0 * a26, a22])
    s = roots[roots.imag > 0.0]
    along = a11 * s**2 + a12 - a16 * s
    across = a12 * s + a22 / s - a26
    factors = np.array([[-s[1] * each[0], s[0] * each[1]] for each in (along, across)]) / (s[0] - s[1])
    release = -0.5 * a22 * (s.sum() / s.prod()).imag
    return s, 1e-3 * 1e5 * np.sqrt(2.0 / np.pi) * factors, 1e3 * release


def griffith():
    """K at which the energy released is that of two surfaces, MPa sqrt(m)."""
    return float(np.sqrt(2.0 * SURFACE / field()[2]))


def displacement(x, y):
    """(n, 2), at places (n,) relative to the tip in Å, of K = 1 MPa sqrt(m)."""
    s, factors, _ = field()
    return np.real(np.sqrt(x[:, None] + s * y[:, None]) @ factors.T)


def formulas(level):
    """The same along x and y at a ``level``, a text, of K of Griffith, in numbers and the x and y of the lattice.

    w = sqrt(a + i b) is sqrt((|w²| + a)/2) ± i sqrt((|w²| - a)/2).
    """
    s, factors, _ = field()
    (x, y), side = TIP, f"(y - {TIP[1]:.5f})"
    found = []
    for row in factors * np.sqrt(0.5):
        terms = []
        for factor, root in zip(row, s, strict=True):
            real = f"x {root.real:+.7f}*y {-x - root.real * y:+.7f}"
            size = f"sqrt(({real})**2 + ({root.imag:.7f}*{side})**2)"
            terms.append(f"{factor.real:+.7f}*sqrt({size} + {real})")
            terms.append(f"{-factor.imag:+.7f}*{side}/abs{side}*sqrt({size} - ({real}))")
        found.append(f"{griffith():.5f}*({level})*({' '.join(terms)})")
    return found


def level(window):
    """K at the end of a window, counted from 1, in units of Griffith's."""
    return START + min(0.1 * window, 0.6 + 0.04 * (window - 6))


def main():
    """The command line."""
    print("K of Griffith, MPa sqrt(m):", round(griffith(), 5))
    for when, text in (("at the start", f"{START}"), ("in time", f"{START} + {RISE}")):
        for axis, formula in zip("xy", formulas(text), strict=True):
            print(f"{when}, along {axis}: {formula}")


if __name__ == "__main__":
    main()
