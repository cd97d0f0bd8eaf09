"""Half a plate in scikit-fem: du/dt = laplace u + f by backward Euler, joined to the other half at x = 1.

    python plate.py CASE left|right

The left half takes the temperature of the cut and gives the heat that left through it, as the residual at its points;
the right half takes the heat as loads at its points and gives their temperature. u = 1 + x² + 3 y² + 1.2 t solves it.
"""

import sys

import numpy as np
from skfem import Basis, BilinearForm, ElementTriP2, FacetBasis, LinearForm, MeshTri, enforce, solve
from skfem.helpers import dot, grad

import suture

name = sys.argv[2]
x0, cells = (0.0, 8) if name == "left" else (1.0, 5)
mesh = MeshTri.init_tensor(np.linspace(x0, x0 + 1, cells + 1), np.linspace(0, 1, cells + 1))
basis = Basis(mesh, ElementTriP2())
top = FacetBasis(mesh, ElementTriP2(), facets=mesh.facets_satisfying(lambda x: np.isclose(x[1], 1.0)))
mass = BilinearForm(lambda u, v, w: u * v).assemble(basis)
stiffness = BilinearForm(lambda u, v, w: dot(grad(u), grad(v))).assemble(basis)
source = LinearForm(lambda v, w: (1.2 - 2 - 6) * v).assemble(basis) + LinearForm(lambda v, w: 6 * v).assemble(top)


def exact(t):
    x, y = basis.doflocs
    return 1 + x**2 + 3 * y**2 + 1.2 * t


def points_at(x):
    """Corners and midpoints of the edges at x, from below."""
    points = np.flatnonzero(np.isclose(basis.doflocs[0], x))
    return points[np.argsort(basis.doflocs[1, points])]


end, on_cut = points_at(0.0 if name == "left" else 2.0), points_at(1.0)
first = np.arange(0, len(on_cut) - 2, 2)
places = np.column_stack((*basis.doflocs[:, on_cut], np.zeros(len(on_cut))))
cut = suture.Mesh(places, {"line3": np.column_stack((first, first + 2, first + 1))})

u, supplied = exact(0.0), 0.0
with suture.join(sys.argv[1], name) as me:
    seam = me.side("cut", amounts=cut, states=cut)
    me.books(lambda: {"energy": (mass @ u).sum()}, lambda: {"source and edges": {"energy": supplied}})

    def restore(state):
        global u, supplied
        u, supplied = state["u"], state["supplied"]

    me.rewind(lambda: {"u": u, "supplied": supplied}, restore)
    if name == "right":
        seam.give(temperature=u[on_cut])
    for window in me.windows():
        me.receive(window)
        old, dt = u, window.dt
        system, load = mass / dt + stiffness, mass @ old / dt + source
        u, fixed = exact(window.end), end
        if name == "left":
            u[on_cut] = seam.arrived["temperature"][:, 0]
            fixed = np.concatenate((end, on_cut))
        else:
            load[on_cut] += seam.arrived["energy"][:, 0] / dt
        u = solve(*enforce(system, load, x=u, D=fixed))
        # What every point was given from outside: nothing but at the plate's end and at the cut.
        given = mass @ (u - old) - dt * (source - stiffness @ u)
        supplied = supplied + dt * source.sum() + given[end].sum()
        if name == "left":
            seam.give(energy=-given[on_cut])
        else:
            seam.book(energy=given[on_cut].sum())
            seam.give(temperature=u[on_cut])
        me.send(window)
        me.close(window)
    print(f"{name}: largest error {np.abs(u - exact(window.end)).max():.1e}")
