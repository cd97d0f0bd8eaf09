"""Phonons from first principles: force constants, lifetimes and the bulk's conductivity, by phono3py."""
