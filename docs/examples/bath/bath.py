"""A well-mixed bath that cools: a solver with a loop of its own, joined to a coupled run."""

import sys

import numpy as np

import suture

CAPACITY, COOLING, STEP = 4.0, 0.5, 0.07
held = {"mass": np.zeros(1), "momentum": np.zeros(3), "energy": np.zeros(1)}
cooled = np.zeros(1)

with suture.join(sys.argv[1], "bath") as me:
    face = ([0, 0, 0], [1, 1, 0])
    seam = me.side("seam", amounts=face, states=face)
    me.books(inventory=lambda: held, rows=lambda: {"cooling": {"energy": cooled}})
    seam.give(temperature=held["energy"] / CAPACITY)
    for window in me.windows():
        me.receive(window)
        for dt in window.steps(lambda: STEP):
            loss = COOLING * held["energy"] / CAPACITY * dt
            taken = {q: seam.arrived[q].sum(axis=0) * dt / window.dt for q in held}
            held = {q: held[q] + taken[q] for q in held}
            held["energy"] = held["energy"] - loss
            cooled = cooled - loss
            seam.book(**taken)
        seam.give(temperature=held["energy"] / CAPACITY)
        me.send(window)
        me.close(window)
