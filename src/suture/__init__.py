"""Suture couples separately running solvers into one simulation and keeps the books."""

__version__ = "0.1.0"
