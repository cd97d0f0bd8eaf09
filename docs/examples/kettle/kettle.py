"""A kettle that radiates, C dT/dt = Q - s (T^4 - 1): SciPy solves it, with the heat Q that a plate gives."""

import sys

from scipy.integrate import solve_ivp

import suture

C, S = 0.5, 0.2
state = {"T": 1.0, "radiated": 0.0}


def rates(t, y, heat):
    loss = S * (y[0] ** 4 - 1)
    return [(heat - loss) / C, loss]


with suture.join(sys.argv[1], "kettle") as me:
    bottom = ([1, 0, 0], [1, 1, 1])
    face = me.side("bottom", amounts=bottom, states=bottom)
    me.books(lambda: {"energy": C * state["T"]}, lambda: {"radiation": {"energy": -state["radiated"]}})
    me.rewind(lambda: dict(state), lambda saved: state.update(saved))
    face.give(temperature=state["T"])
    for window in me.windows():
        me.receive(window)
        start, heat = [state["T"], state["radiated"]], face.arrived["energy"].sum() / window.dt
        end = solve_ivp(rates, (0, window.dt), start, args=(heat,), rtol=1e-13, atol=1e-13).y[:, -1]
        face.book(energy=C * (end[0] - state["T"]) + end[1] - state["radiated"])
        state.update(T=float(end[0]), radiated=float(end[1]))
        face.give(temperature=state["T"])
        me.send(window)
        me.close(window)
    print(f"the kettle is at {state['T']:.6f}")
