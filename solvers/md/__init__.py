"""Molecular dynamics: LAMMPS, driven by the user's own script, window by window."""
