"""What comes back from the boundary of a mesh and from the interfaces inside it, given what arrives there.

Everything is per vertex of a boundary face and per frequency bin, in temperatures: phonons that enter a cell with
temperature E carry half-range heat H E, where H is the bin's sum of heat capacity times speed over the directions that
enter, and what arrives with heat J per area is worth J / H. So a uniform temperature is returned unchanged by every
kind of wall, to round-off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .diffusion import Couplings

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass
class Wall:
    """One named boundary. ``temperature`` and ``heat`` are set by who owns it."""

    name: str
    faces: Index
    """Rows among the boundary faces."""
    transmissivity: Array
    """(bins,) part of what arrives that is absorbed, and the emissivity; 0 returns all, elastically."""
    given: Literal["temperature", "heat"] = "temperature"
    """Whether the temperature beyond is given, or the heat that leaves, which then decides the temperature."""
    specularity: float = 0.0
    """Part of what is not absorbed that is mirrored; the rest is scattered evenly into the half-space."""
    temperature: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(faces, d) beyond, at the vertices."""
    heat: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(faces, d) leaving through the wall, per area and time."""

    @property
    def reacts(self) -> bool:
        """Whether what it returns depends on what arrives."""
        return self.given == "heat" or bool((self.transmissivity < 1.0).any())


@dataclass(frozen=True)
class Interface:
    """Pairs of faces of two regions; the vertex k of ``one`` is the vertex ``vertex[:, k]`` of ``other``."""

    one: Index
    other: Index
    vertex: Index
    """(n, d)."""
    forth: Array
    """(bins,) part of what arrives at ``one`` that passes."""
    back: Array
    """(bins,) part of what arrives at ``other`` that passes."""


class Walls:
    """All of them. Arrays of faces are (boundary faces, d, bins)."""

    def __init__(self, walls: Sequence[Wall], interfaces: Sequence[Interface], enters: Array, leaves: Array) -> None:
        """``enters`` and ``leaves`` (boundary faces, bins) are H of the directions that enter and that leave."""
        self.walls, self.interfaces = list(walls), list(interfaces)
        self.enters, self.leaves = enters, leaves

    @property
    def reacting(self) -> Index:
        """Faces where what enters depends on what arrives: unknowns of the problem."""
        reacting = [wall.faces for wall in self.walls if wall.reacts]
        reacting += [faces for one in self.interfaces for faces in (one.one, one.other)]
        return np.sort(np.concatenate(reacting)) if reacting else np.zeros(0, dtype=np.int64)

    def entering(self, arriving: Array, sources: bool) -> Array:
        """What enters, in temperatures, where ``arriving`` is heat per area; linear in it without the ``sources``."""
        out = np.zeros_like(arriving)
        for wall in self.walls:
            out[wall.faces] = self._returned(wall, arriving[wall.faces], sources)
        for one in self.interfaces:
            there, here = arriving[one.other], arriving[one.one]
            across = np.take_along_axis(here, np.argsort(one.vertex, axis=1)[:, :, None], axis=1)
            through = np.take_along_axis(there, one.vertex[:, :, None], axis=1)
            out[one.one] = (one.back * through + (1.0 - one.forth) * here) / self.enters[one.one][:, None]
            out[one.other] = (one.forth * across + (1.0 - one.back) * there) / self.enters[one.other][:, None]
        return out

    def _returned(self, wall: Wall, arriving: Array, sources: bool) -> Array:
        t, half = wall.transmissivity, self.enters[wall.faces][:, None]
        beyond = self.beyond(wall, arriving, sources)
        return t * beyond[:, :, None] + (1.0 - t) * (1.0 - wall.specularity) * arriving / half

    def beyond(self, wall: Wall, arriving: Array, sources: bool = True) -> Array:
        """Temperature beyond a wall, (faces, d)."""
        if wall.given == "temperature":
            return wall.temperature if sources else np.zeros(arriving.shape[:2])
        passes = (wall.transmissivity * arriving).sum(axis=2)
        if sources:
            passes = passes - wall.heat
        return passes / (wall.transmissivity * self.enters[wall.faces][:, None]).sum(axis=2)

    def crossing(self, wall: Wall, arriving: Array) -> Array:
        """Heat that leaves through a wall per area and time, (faces, d)."""
        here = arriving[wall.faces]
        emitted = self.enters[wall.faces][:, None] * self.beyond(wall, here)[:, :, None]
        return (wall.transmissivity * (here - emitted)).sum(axis=2)

    def exchange(self, leaves: Array) -> Array:
        """(boundary faces,) heat that the walls let out in the diffusion equation per area and temperature (Marshak).

        ``leaves`` (boundary faces, bins) is H of what returns to the lattice.
        """
        out = np.zeros(len(leaves))
        for wall in self.walls:
            if wall.given == "temperature":
                t = wall.transmissivity
                out[wall.faces] = (leaves[wall.faces] * 2.0 * t / (2.0 - t)).sum(axis=1)
        return out

    def couplings(self, leaves: Array) -> list[Couplings]:
        """The interfaces in the diffusion equation."""
        out = []
        for one in self.interfaces:
            slip = np.maximum(1.0 - 0.5 * (one.forth + one.back), 0.05)  # both near 1: as good as joined
            h = (leaves[one.one] * one.forth / slip).sum(axis=1)
            out.append(Couplings(one.one, one.other, one.vertex, h))
        return out


def matched(places: Array, others: Array, shift: Array) -> tuple[Index, Index]:
    """Faces that coincide after a shift: (n,) row of ``others`` for each of ``places``, and (n, d) vertex for vertex.

    Both are (n, d vertices, d coordinates). Raises ``ValueError`` where a face has no counterpart.
    """
    size = np.ptp(places.reshape(-1, places.shape[2]), axis=0).max(initial=0.0) or 1.0
    distance, row = cKDTree(others.mean(axis=1)).query((places + shift).mean(axis=1))
    apart = np.linalg.norm((places + shift)[:, :, None] - others[row][:, None], axis=3)
    vertex = apart.argmin(axis=2)
    if (np.take_along_axis(apart, vertex[:, :, None], axis=2) > 1e-6 * size).any() or (distance > 1e-6 * size).any():
        raise ValueError("the faces do not match vertex for vertex")
    return row, vertex
