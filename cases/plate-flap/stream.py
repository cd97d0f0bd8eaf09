"""A stream along a flexible plate: it presses from below and sucks from above, from the start on, and joins its run.

    python stream.py CASE

It has points of its own around the plate. Its pressure is given; what it gives is the impulse of that pressure on the
plate as it has moved, on every edge along the normal that the edge has now.
"""

import sys

import numpy as np

import suture

LENGTH, THICKNESS, PRESSURE, EDGES = 10.0, 0.5, 2.0e-3, 33

along, across = np.linspace(0.0, LENGTH, EDGES + 1), np.linspace(0.0, THICKNESS, 3)
below, tip, above = (
    np.column_stack(np.broadcast_arrays(x, y, 0.0))
    for x, y in ((along, 0.0), (LENGTH, across[1:-1]), (along[::-1], THICKNESS))
)
rest = np.concatenate([below, tip, above])
edges = np.column_stack([np.arange(len(rest) - 1), np.arange(1, len(rest))])
middle = rest[edges].mean(axis=1)
pressure = np.select([middle[:, 1] == 0.0, middle[:, 1] == THICKNESS], [PRESSURE, -PRESSURE])


def push(displacement, dt):
    """Impulse of the pressure at every point: half of each edge's at its two ends."""
    x, y, _ = np.diff((rest + displacement)[edges], axis=1)[:, 0].T
    impulse = dt * pressure[:, None] * np.column_stack([-y, x, 0.0 * x])
    at_points = np.zeros_like(rest)
    for end in edges.T:
        np.add.at(at_points, end, 0.5 * impulse)
    return at_points


supplied = np.zeros(3)
"""What holds the stream: the momentum that it gave away."""


def restore(state):
    """Return to what was saved."""
    global supplied
    supplied = np.array(state["supplied"])


with suture.join(sys.argv[1], "stream") as me:
    surface = suture.Mesh(rest, {"line": edges})
    side = me.side("surface", amounts=surface, states=surface)
    me.books(inventory=lambda: {"momentum": np.zeros(3)}, rows=lambda: {"stream": {"momentum": supplied}})
    me.rewind(lambda: {"supplied": supplied}, restore)
    for window in me.windows():
        me.receive(window)
        given = push(side.arrived["displacement"], window.dt)
        supplied = supplied + given.sum(axis=0)
        side.give(momentum=given)
        me.send(window)
        me.close(window)
