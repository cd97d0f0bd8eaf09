"""Phonon Boltzmann transport under the relaxation time approximation, on meshes of simplices; usable alone."""
