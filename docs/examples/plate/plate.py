"""Half a plate in scikit-fem: du/dt = laplace u + f by backward Euler, joined to the other half at x = 1.

    python plate.py CASE left|right

The left half takes the temperature of the cut and gives the heat that left through it, as the residual at its points;
the right half takes the heat as loads at its points and gives their temperature. u = 1 + x² + 3 y² + 1.2 t solves it.
"""

import sys

import numpy as np
from skfem import Basis, BilinearForm, ElementTriP2, LinearForm, MeshTri, enforce, solve
from skfem.helpers import dot, grad

import suture

name = sys.argv[2]
x0, cells = (0.0, 8) if name == "left" else (1.0, 5)
mesh = MeshTri.init_tensor(np.linspace(x0, x0 + 1, cells + 1), np.linspace(0, 1, cells + 1))
basis = Basis(mesh, ElementTriP2())
mass = BilinearForm(lambda u, v, w: u * v).assemble(basis)
stiffness = BilinearForm(lambda u, v, w: dot(grad(u), grad(v))).assemble(basis)
source = LinearForm(lambda v, w: (1.2 - 2 - 6) * v).assemble(basis)


def exact(t):
    x, y = basis.doflocs
    return 1 + x**2 + 3 * y**2 + 1.2 * t


# The points of the cut from below, corners and midpoints of its edges in turn, and the lines between them.
on_cut = basis.get_dofs(lambda x: np.isclose(x[0], 1.0)).flatten()
on_cut = on_cut[np.argsort(basis.doflocs[1, on_cut])]
first = np.arange(0, len(on_cut) - 2, 2)
outside = np.setdiff1d(basis.get_dofs().flatten(), on_cut[1:-1])
ends = np.isin(on_cut, outside)
cut = suture.Mesh(
    np.column_stack((*basis.doflocs[:, on_cut], np.zeros(len(on_cut)))),
    {"line3": np.column_stack((first, first + 2, first + 1))},
    outer=ends,
)

u, time, supplied = exact(0.0), 0.0, np.zeros(1)
with suture.join(sys.argv[1], name) as me:
    seam = me.side("cut", amounts=cut, states=cut)
    me.books(lambda: {"energy": (mass @ u).sum()}, lambda: {"source and edges": {"energy": supplied}})

    def save():
        return {"u": u, "time": time, "supplied": supplied}

    def restore(state):
        global u, time, supplied
        u, time, supplied = state["u"], state["time"], state["supplied"]

    me.rewind(save, restore)
    if name == "right":
        seam.give(temperature=u[on_cut])
    for window in me.windows():
        me.receive(window)
        old, dt, time = u, window.dt, window.end
        system, load = mass / dt + stiffness, mass @ old / dt + source
        u, fixed = exact(time), outside
        if name == "left":
            u[on_cut[~ends]] = seam.arrived["temperature"][~ends, 0]
            fixed = np.union1d(outside, on_cut)
        else:
            load[on_cut] += seam.arrived["energy"][:, 0] / dt
        u = solve(*enforce(system, load, x=u, D=fixed))
        # What every point was given from outside: nothing but at the plate's edges and at the cut.
        given = mass @ (u - old) - dt * (source - stiffness @ u)
        supplied = supplied + dt * source.sum() + given[outside].sum()
        if name == "left":
            seam.give(energy=np.where(ends, 0.0, -given[on_cut]))
        else:
            seam.book(energy=given[on_cut[~ends]].sum())
            seam.give(temperature=u[on_cut])
        me.send(window)
        me.close(window)
    print(f"{name}: largest error {np.abs(u - exact(time)).max():.1e}")
