"""Stub solvers: known answers and known faults, so that coupling is tested without an engine."""
