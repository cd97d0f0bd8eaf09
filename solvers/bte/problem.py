"""From settings to the discrete problem: materials by region, walls by boundary, mirrors and periodic faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..errors import SolverError
from .checks import check_axis, check_regions
from .decomposition import Part, divided
from .diffusion import Couplings
from .interfaces import passing
from .materials import MaterialSettings, spectrum
from .meshes import create
from .ordinates import Ordinates
from .quadrature import Quadrature, fitted, product
from .settings import Boundary, Contact, Flux, Periodic, PhononSettings, Surface
from .simplices import Simplices, Topology
from .spectrum import Bands, Modes
from .sweeps import Sweeps
from .transmissivity import contact, diffuse_mismatch
from .transport import Keeping, Transport
from .turning import about_axis, turned
from .walls import Interface, Wall, Walls, matched

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass
class Problem:
    """One rank's share of the discrete problem."""

    part: Part
    topology: Topology
    ordinates: Ordinates
    """Those of the rank."""
    sweeps: Sweeps
    walls: Walls
    transport: Transport

    @property
    def capacity(self) -> Array:
        """(own cells,) heat capacity per volume of what flies."""
        return self.transport.capacity

    def entering_moments(self) -> Array:
        """(2, boundary faces, d) of the phonons that entered in the last pass: what scatters, and energy per volume.

        Collective among the slab's members.
        """
        heat = self.ordinates.heat
        return self.part.group.allreduce(
            np.stack([self._entering(table) for table in (heat / self.ordinates.lifetime, heat)])
        )

    def _entering(self, table: Array) -> Array:
        o, d = self.ordinates, self.part.mesh.dimension
        normal, _ = self.topology.normals()
        enters = (o.directions[:, :d] @ normal.T < 0.0) * o.weights[:, None]
        heat = table[self.part.mesh.region[self.topology.owner]]
        out = np.zeros((len(normal), o.bin_count))
        for column in range(o.bands):
            at = o.first + column
            np.add.at(out.T, o.bins[at], enters * heat[:, at].T)
        return (out[:, None, :] * self.sweeps.entering).sum(axis=2) + self.sweeps.kept_moment(table)

    def wall(self, name: str) -> Wall:
        """Of a boundary."""
        return next(wall for wall in self.walls.walls if wall.name == name)


def discretised(settings: PhononSettings, comm: MPI.Comm, directory: Path) -> Problem:
    """Build it; collective. Raises ``SolverError``, on all ranks alike, where the settings do not fit together."""
    mesh, mistake = None, None
    if comm.rank == 0:
        try:
            mesh = create(settings.mesh, directory)
            check_regions(settings, mesh.regions)
            check_axis(settings, mesh)
        except SolverError as error:
            mistake = str(error)
    mistake = comm.bcast(mistake)
    if mistake is not None:
        raise SolverError(mistake)
    regions = comm.bcast(mesh.regions if mesh else None)
    materials = [spectrum(one, directory) for one in _by_region(settings, regions)]
    apart = _apart(settings, regions)
    together = _together(settings, mesh, apart) if mesh else None
    part = divided(mesh, comm, (settings.ranks.directions, settings.ranks.bands), together)
    topology = Topology.of(part.mesh, apart, part.owned, settings.axisymmetric)
    return _Builder(settings, part, topology, materials, directory).problem()


class _Builder:
    """Puts a problem together."""

    def __init__(
        self,
        settings: PhononSettings,
        part: Part,
        topology: Topology,
        materials: list[Bands | Modes],
        directory: Path,
    ) -> None:
        self._settings, self._part, self._topology, self._materials = settings, part, topology, materials
        self._directory = directory
        self._d = part.mesh.dimension
        self._normal, _ = topology.normals()
        self._faces = _faces_by_name(settings, part, topology)
        self._places = part.mesh.points[topology.face_vertices(part.mesh)]

    def problem(self) -> Problem:
        """The problem."""
        all_ordinates = self._ordinates()
        mine = _of_member(all_ordinates, self._part)
        slots = self._slots()
        sweeps = Sweeps(self._part, self._topology, mine, slots)
        sweeps.drive(np.array(self._settings.gradient))
        enters, leaves = sweeps.half_ranges()
        walls = Walls(
            [self._wall(name, all_ordinates.bin_count) for name in self._faces if not self._periodic(name)],
            self._interfaces(all_ordinates),
            enters,
            leaves,
        )
        pairs = self._periodic_pairs()
        keepings = [k for pair in pairs for k in _both(pair, slots, mine)] + self._mirrors(slots, mine, walls)
        transport = Transport(self._part, self._topology, sweeps, walls, keepings, pairs, self._settings.tolerance)
        transport.driven = float(np.linalg.norm(self._settings.gradient))
        transport.plain = self._settings.iteration == "source"
        return Problem(self._part, self._topology, mine, sweeps, walls, transport)

    # -- directions ----------------------------------------------------------------------------------------------------

    def _ordinates(self) -> Ordinates:
        modes = [material for material in self._materials if isinstance(material, Modes)]
        if modes and len(self._materials) > 1:
            raise SolverError("a material of resolved modes stands alone; with several regions use bands")
        if modes and self._settings.axisymmetric:
            raise SolverError("a material of resolved modes on an axisymmetric mesh; use bands")
        if modes:
            return Ordinates.resolved(modes[0])
        normals = self._part.comm.allgather(np.unique(np.round(self._normal, 12), axis=0))
        signs = np.array(np.meshgrid(*[[1.0, -1.0]] * self._d)).reshape(self._d, -1).T
        mirrored = np.concatenate([n * s for n in normals for s in signs])  # mirrored directions must weigh the same
        bands = [material for material in self._materials if isinstance(material, Bands)]
        if self._settings.axisymmetric:
            polar, around = self._settings.directions.polar or 8, self._settings.directions.azimuthal or 32
            quadrature, turning = turned(fitted(about_axis(polar, around), self._d, mirrored))
            return Ordinates.isotropic(quadrature, bands, turning)
        return Ordinates.isotropic(fitted(self._product(), self._d, mirrored), bands)

    def _product(self) -> Quadrature:
        film = self._d == 1
        across = film and any(self._settings.gradient[1:])
        polar = self._settings.directions.polar or (16 if film else 4)
        around = self._settings.directions.azimuthal or (4 if film else 32)
        out_of_plane = self._d == 2 and self._settings.gradient[2] != 0.0
        return product(3 if out_of_plane else self._d, polar, around if across or not film else 1)

    # -- walls ---------------------------------------------------------------------------------------------------------

    def _periodic(self, name: str) -> bool:
        return isinstance(self._settings.boundaries[name], Periodic)

    def _material(self, name: str, faces: Index) -> Bands | Modes:
        """That of the cells at a boundary, on whatever ranks they are; collective."""
        here = np.unique(self._part.mesh.region[self._topology.owner[faces]]).tolist()
        regions = sorted({region for there in self._part.comm.allgather(here) for region in there})
        materials = [self._materials[region] for region in regions]
        if any(one.speed_capacity != materials[0].speed_capacity for one in materials):
            raise SolverError(f"boundary {name!r} has a 'resistance' and several materials; it must have one")
        return materials[0]

    def _wall(self, name: str, bins: int) -> Wall:
        boundary, faces = self._settings.boundaries[name], self._faces[name]
        given = "heat" if isinstance(boundary, Flux) else "temperature"
        wall = Wall(name, faces, self._transmissivity(name, boundary, faces, bins), given)
        if isinstance(boundary, Surface):
            wall.specularity = boundary.specularity
        wall.temperature = np.zeros((len(faces), self._d))
        wall.heat = np.zeros_like(wall.temperature)
        return wall

    def _transmissivity(self, name: str, boundary: Boundary, faces: Index, bins: int) -> Array:
        if not isinstance(boundary, Contact):
            return np.zeros(bins)
        if boundary.resistance is not None:
            speed_capacity = self._material(name, faces).speed_capacity
            return np.full(bins, contact(f"boundary {name!r}", boundary.resistance, speed_capacity, boundary.slip))
        return np.full(bins, 1.0 if boundary.transmissivity is None else boundary.transmissivity)

    def _interfaces(self, ordinates: Ordinates) -> list[Interface]:
        topology, region = self._topology, self._part.mesh.region
        one = np.flatnonzero((topology.facing >= 0) & (topology.facing > np.arange(len(topology.facing))))
        other = topology.facing[one].astype(np.int64)
        pairs = region[topology.owner[one]], region[topology.owner[other]]
        out = []
        for a, b in sorted(set(zip(*(pair.tolist() for pair in pairs), strict=True))):
            chosen = (pairs[0] == a) & (pairs[1] == b)
            row, vertex = matched(self._places[one[chosen]], self._places[other[chosen]], np.zeros(self._d))
            forth, back = self._passing(a, b, ordinates)
            out.append(Interface(one[chosen], other[chosen][row], vertex, forth, back))
        return out

    def _passing(self, a: int, b: int, ordinates: Ordinates) -> tuple[Array, Array]:
        """Transmissivities by bin from region a to b and back."""
        first, second = self._materials[a], self._materials[b]
        assert isinstance(first, Bands) and isinstance(second, Bands), "resolved modes stand alone"
        flows = [material.emission(ordinates.bin_count) for material in (first, second)]
        names = self._part.mesh.regions
        given = [one for one in self._settings.interfaces if set(one.regions) == {names[a], names[b]}]
        if not given or given[0].kind == "diffuse-mismatch":
            return diffuse_mismatch(*flows), diffuse_mismatch(*flows[::-1])
        forward = given[0].regions == (names[a], names[b])
        out, back = flows if forward else flows[::-1]
        there, again = passing(given[0], out, back, self._directory)
        return (there, again) if forward else (again, there)

    # -- faces whose values go by direction ----------------------------------------------------------------------------

    def _slots(self) -> Index:
        slots = np.full(len(self._topology.owner), -1, dtype=np.int64)
        boundaries = self._settings.boundaries
        for name, faces in self._faces.items():
            boundary = boundaries[name]
            if isinstance(boundary, Periodic) or (isinstance(boundary, Surface) and boundary.specularity > 0.0):
                slots[faces] = 0
        chosen = slots == 0
        slots[chosen] = np.arange(chosen.sum())
        return slots

    def _periodic_pairs(self) -> list[Couplings]:
        out, done = [], set()
        for name, faces in self._faces.items():
            boundary = self._settings.boundaries[name]
            if not isinstance(boundary, Periodic) or name in done:
                continue
            other = boundary.to or _opposite(name)
            if other not in self._faces or not self._periodic(other):
                raise SolverError(f"boundary {name!r} is periodic with {other!r}, which is no periodic boundary")
            done |= {name, other}
            places, others = self._places[faces], self._places[self._faces[other]]
            if not len(faces):
                continue
            shift = others.reshape(-1, self._d).mean(axis=0) - places.reshape(-1, self._d).mean(axis=0)
            try:
                row, vertex = matched(places, others, shift)
            except ValueError as error:
                raise SolverError(f"boundaries {name!r} and {other!r} are periodic: {error}") from error
            out.append(Couplings(faces, self._faces[other][row], vertex))
        return out

    def _mirrors(self, slots: Index, ordinates: Ordinates, walls: Walls) -> list[Keeping]:
        out = []
        for wall in walls.walls:
            if wall.specularity == 0.0:
                continue
            for normal in np.unique(np.round(self._normal[wall.faces], 9), axis=0):
                faces = wall.faces[(np.abs(self._normal[wall.faces] - normal) < 1e-8).all(axis=1)]
                vertex = np.broadcast_to(np.arange(self._d), (len(faces), self._d))
                image = _image(ordinates.directions, normal, wall.name)
                factor = np.full(ordinates.bands, wall.specularity)
                out.append(Keeping(slots[faces], slots[faces], vertex, image, factor))
        return out


def _by_region(settings: PhononSettings, regions: tuple[str, ...]) -> list[MaterialSettings]:
    if isinstance(settings.material, dict):
        return [settings.material[name] for name in regions]
    return [settings.material] * len(regions)


def _apart(settings: PhononSettings, regions: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which regions have an interface between them: those of different materials, and those that the settings name."""
    of = _by_region(settings, regions)
    apart = np.array([[a != b for b in of] for a in of])
    for one in settings.interfaces:
        a, b = (regions.index(name) for name in one.regions)
        apart[a, b] = apart[b, a] = True
    return apart


def _together(settings: PhononSettings, mesh: Simplices, apart: NDArray[np.bool_]) -> Index:
    """Cells at both sides of interfaces and of periodic boundaries: one rank has both."""
    topology = Topology.of(mesh, apart)
    cut = np.flatnonzero(topology.facing >= 0)
    pairs = [np.stack([topology.owner[cut], topology.owner[topology.facing[cut]]], axis=1).astype(np.int64)]
    faces = {name: _find(mesh, topology, facets) for name, facets in mesh.groups.items()}
    places = mesh.points[topology.face_vertices(mesh)]
    for name, boundary in settings.boundaries.items():
        if not isinstance(boundary, Periodic) or name not in faces:
            continue
        other = faces.get(boundary.to or _opposite(name))
        if other is None or len(other) != len(faces[name]):
            continue  # the builder says what is wrong
        centres = [places[f].mean(axis=1) for f in (faces[name], other)]
        order = [np.lexsort(np.round((c - c.mean(axis=0)) / (np.ptp(mesh.points) + 1e-300), 9).T) for c in centres]
        owners = [topology.owner[f][o].astype(np.int64) for f, o in zip((faces[name], other), order, strict=True)]
        pairs.append(np.stack(owners, axis=1))
    return np.concatenate(pairs).astype(np.int64)


def _find(mesh: Simplices, topology: Topology, facets: NDArray[np.int32]) -> Index:
    """Boundary faces by their vertices; facets that are none are left out."""
    size = len(mesh.points)
    keys = [_keys(np.sort(each, axis=1), size) for each in (topology.face_vertices(mesh), facets)]
    return np.flatnonzero(np.isin(keys[0], keys[1]))


def _keys(vertices: NDArray[np.int32], size: int) -> Index:
    out = np.zeros(len(vertices), dtype=np.int64)
    for column in vertices.T:
        out = out * size + column
    return out


def _faces_by_name(settings: PhononSettings, part: Part, topology: Topology) -> dict[str, Index]:
    """Every boundary's faces on this rank; collective."""
    faces = {}
    for name in settings.boundaries:
        here = part.mesh.groups.get(name)
        known = part.comm.allreduce(int(here is not None and len(here) > 0))
        if not known:
            names = ", ".join(sorted({n for names in part.comm.allgather(list(part.mesh.groups)) for n in names}))
            raise SolverError(f"the mesh has no boundary {name!r}; it has {names or 'none'}")
        faces[name] = _find(part.mesh, topology, here) if here is not None else np.zeros(0, dtype=np.int64)
    count = np.zeros(len(topology.owner), dtype=np.int64)
    for name in faces:
        count[faces[name]] += 1
    count[(topology.facing >= 0) | topology.on_axis] += 1
    for wrong, what in ((count == 0, "to none; name them all"), (count > 1, "to several; each must belong to one")):
        total = part.comm.allreduce(int(wrong.sum()))
        if total:
            raise SolverError(f"{total} faces of the mesh's boundary belong {what} of 'boundaries'")
    return faces


def _opposite(name: str) -> str:
    return name.replace("lower", "*").replace("upper", "lower").replace("*", "upper")


def _of_member(ordinates: Ordinates, part: Part) -> Ordinates:
    """The directions and bands of this member of its slab's group: mirrored directions stay together."""
    absolute = np.round(np.abs(ordinates.directions), 9)
    if ordinates.turning is not None:
        absolute = absolute[:, 1:2]  # directions that turn into one another stay together
    _, orbit = np.unique(absolute, axis=0, return_inverse=True)
    orbit = orbit.ravel()
    mine = np.isin(orbit, part.mine(int(orbit.max()) + 1, 0))
    chosen = ordinates.selected(np.flatnonzero(mine))
    if part.members[1] == 1:
        return chosen
    if ordinates.bands < part.members[1]:
        raise SolverError(f"{ordinates.bands} bands for {part.members[1]} ranks; at most one rank each")
    return chosen.banded(part.mine(ordinates.bands, 1))


def _both(pair: Couplings, slots: Index, ordinates: Ordinates) -> list[Keeping]:
    same, ones = np.arange(len(ordinates.weights)), np.ones(ordinates.bands)
    back = np.argsort(pair.vertex, axis=1)
    return [
        Keeping(slots[pair.one], slots[pair.other], pair.vertex, same, ones),
        Keeping(slots[pair.other], slots[pair.one], back, same, ones),
    ]


def _image(directions: Array, normal: Array, name: str) -> Index:
    """For each direction the one whose mirror image it is."""
    full = np.zeros(3)
    full[: len(normal)] = normal
    mirrored = directions - 2.0 * np.outer(directions @ full, full)
    gap = np.abs(directions[None, :, :] - mirrored[:, None, :]).max(axis=2)
    image = gap.argmin(axis=1)
    if (gap[np.arange(len(image)), image] > 1e-8).any():
        raise SolverError(
            f"boundary {name!r} mirrors phonons but is not at right angles to an axis (of axisymmetric meshes, to that "
            "one), or the material has resolved modes that lack mirror images; set specularity = 0"
        )
    return image
