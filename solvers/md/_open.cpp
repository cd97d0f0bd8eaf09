// What an open end needs inside LAMMPS: a fix that closes the box where the fluid goes on, the search for places where
// atoms can be put in, and what LAMMPS has to do anew once atoms came or went. Compiled by measurement: a search visits
// hundreds of places, each with some fifty neighbours.
//
// As in `_inside.cpp`, all of it is laid out by LAMMPS' headers and serves the one version that `_inside.VERSION` names.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#pragma GCC visibility push(default)
#include "angle.h"
#include "atom.h"
#include "bond.h"
#include "comm.h"
#include "compute.h"
#include "dihedral.h"
#include "domain.h"
#include "fix.h"
#include "force.h"
#include "group.h"
#include "improper.h"
#include "lammps.h"
#include "modify.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"
#pragma GCC visibility pop

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "_end.hpp"
#include "_surroundings.hpp"

namespace py = pybind11;
using LAMMPS_NS::Atom;
using LAMMPS_NS::Fix;
using LAMMPS_NS::LAMMPS;

namespace {

const char *const kStyle = "suture/end";

LAMMPS *lammps_at(std::uintptr_t address) { return reinterpret_cast<LAMMPS *>(address); }

void define(std::uintptr_t address) {
  (*lammps_at(address)->modify->fix_map)[kStyle] = [](LAMMPS *lammps, int count, char **words) -> Fix * {
    return new EndFix(lammps, count, words);
  };
}

EndFix &found(std::uintptr_t address, const std::string &id) {
  auto *const modify = lammps_at(address)->modify;
  const int place = modify->find_fix(id);
  auto *const fix = place < 0 ? nullptr : dynamic_cast<EndFix *>(modify->fix[place]);
  if (fix == nullptr) throw py::key_error("no fix '" + id + "' of style " + kStyle);
  return *fix;
}

// Where atoms come and go, and how far pairs reach.
struct Events {
  const LAMMPS_NS::Domain &domain;
  const std::vector<std::array<double, 3>> places;
  const double reach;

  bool reached(const double *x) const {
    return std::any_of(places.begin(), places.end(), [&](const std::array<double, 3> &place) {
      double square = 0.0;
      for (int k = 2; k >= 0; --k) {
        double apart = std::abs(x[k] - place[k]);
        if (domain.periodicity[k]) apart = std::min(apart, std::abs(domain.prd[k] - apart));
        if (apart > reach) return false;
        square += apart * apart;
      }
      return square <= reach * reach;
    });
  }
};

// The atoms' own vectors of these names, which a `fix property/atom` has made, and which go where the atoms go: forces,
// and the id of an atom that keeps them, since a new atom finds what the last one in its place has left. Null without.
std::array<double *, 4> kept(Atom &atom) {
  std::array<double *, 4> vectors{};
  const std::array<const char *, 4> names{"suture_fx", "suture_fy", "suture_fz", "suture_keeps"};
  for (std::size_t k = 0; k < names.size(); ++k) {
    int is_double = 0, columns = 0;
    const int place = atom.find_custom(names[k], is_double, columns);
    vectors[k] = place < 0 ? nullptr : atom.dvector[place];
  }
  return vectors;
}

// The open ends, which move, and whose force changes, as a window begins.
class Ends {
 public:
  explicit Ends(const LAMMPS_NS::Modify &modify) {
    for (int k = 0; k < modify.nfix; ++k)
      if (auto *const end = dynamic_cast<const EndFix *>(modify.fix[k])) ends_.push_back(end);
  }

  bool felt_by(int i) const {
    return std::any_of(ends_.begin(), ends_.end(), [i](const EndFix *end) { return end->felt_by(i); });
  }

 private:
  std::vector<const EndFix *> ends_;
};

// Notes the forces of atoms that nothing which comes or goes at `places`, (n, 3), will reach.
void keep(std::uintptr_t address, const std::vector<std::array<double, 3>> &places) {
  const LAMMPS &lmp = *lammps_at(address);
  Atom &atom = *lmp.atom;
  const auto vectors = kept(atom);
  const Events events{*lmp.domain, places, lmp.neighbor->cutneighmax};
  const Ends ends(*lmp.modify);
  for (int i = 0; i < atom.nlocal; ++i) {
    for (int k = 0; k < 3; ++k) vectors[k][i] = atom.f[i][k];
    vectors[3][i] = events.reached(atom.x[i]) || ends.felt_by(i) ? 0.0 : double(atom.tag[i]);
  }
}

// Gives them back. A thermostat has drawn new numbers: half of a kick by the old ones and half by the new ones have only
// half of the variance, and a wall's bath would be colder by that at one step of a window.
void give_back(const LAMMPS &lmp) {
  Atom &atom = *lmp.atom;
  const auto vectors = kept(atom);
  if (vectors[3] == nullptr) return;
  const Ends ends(*lmp.modify);
  for (int i = 0; i < atom.nlocal; ++i) {
    if (vectors[3][i] != double(atom.tag[i]) || ends.felt_by(i)) continue;
    for (int k = 0; k < 3; ++k) atom.f[i][k] = vectors[k][i];
    vectors[3][i] = 0.0;
  }
}

// What `Verlet::setup` does, without asking every class to initialise itself and without its page of log: atoms go to
// their ranks, neighbours and forces are found anew, and fixes are set up.
void renew(std::uintptr_t address) {
  LAMMPS &lmp = *lammps_at(address);
  const int dynamics = lmp.update->whichflag;
  lmp.update->whichflag = 1;
  lmp.update->setupflag = 1;
  // Between two runs there is no interval of which this would be a fraction: thermostats ask, and would divide by zero.
  lmp.update->beginstep = lmp.update->endstep = lmp.update->ntimestep;
  lmp.atom->setup();
  lmp.modify->setup_pre_exchange();
  lmp.domain->pbc();
  lmp.domain->reset_box();
  lmp.comm->setup();
  if (lmp.neighbor->style) lmp.neighbor->setup_bins();
  lmp.comm->exchange();
  if (lmp.atom->sortfreq > 0) lmp.atom->sort();
  lmp.comm->borders();
  lmp.modify->setup_pre_neighbor();
  lmp.neighbor->build(1);
  lmp.modify->setup_post_neighbor();
  lmp.force->setup();
  lmp.modify->setup_pre_force(0);
  const int all = lmp.atom->nlocal + (lmp.force->newton ? lmp.atom->nghost : 0);
  if (all) std::fill_n(lmp.atom->f[0], 3 * static_cast<std::size_t>(all), 0.0);
  lmp.force->pair->compute(0, 0);
  if (lmp.force->bond) lmp.force->bond->compute(0, 0);
  if (lmp.force->angle) lmp.force->angle->compute(0, 0);
  if (lmp.force->dihedral) lmp.force->dihedral->compute(0, 0);
  if (lmp.force->improper) lmp.force->improper->compute(0, 0);
  lmp.modify->setup_pre_reverse(0, 0);
  if (lmp.force->newton) lmp.comm->reverse_comm();
  lmp.modify->setup(0);
  give_back(lmp);
  lmp.update->setupflag = 0;
  lmp.update->whichflag = dynamics;
}

// A group's bit in the masks.
int bit(std::uintptr_t address, const std::string &name) {
  const auto *const groups = lammps_at(address)->group;
  for (int k = 0; k < 32; ++k)
    if (groups->names[k] && name == groups->names[k]) return groups->bitmask[k];
  throw py::key_error("no group '" + name + "'");
}

// What of this LAMMPS keeps atoms from coming and going as it is done here; empty where nothing does.
std::string obstacle(std::uintptr_t address) {
  const LAMMPS &lmp = *lammps_at(address);
  if (lmp.force->pair == nullptr || !lmp.force->pair->single_enable) return "a pair style that knows no single pairs";
  if (lmp.force->kspace) return "a solver of long-range forces";
  if (lmp.domain->triclinic) return "a triclinic box";
  if (std::string(lmp.update->integrate_style).rfind("verlet", 0) != 0) return "a run style that is not verlet";
  return "";
}

// Adds bits to the masks of the atoms with these ids.
void mark(std::uintptr_t address, const std::vector<std::int64_t> &ids, int bits) {
  const Atom &atom = *lammps_at(address)->atom;
  const std::unordered_set<std::int64_t> wanted(ids.begin(), ids.end());
  for (int i = 0; i < atom.nlocal; ++i)
    if (wanted.count(atom.tag[i])) atom.mask[i] |= bits;
}

// Ids of a group's atoms between two heights, and their heights, of this rank.
std::pair<py::array_t<std::int64_t>, Array> between(std::uintptr_t address, int group, int axis, double lower,
                                                    double upper) {
  const Atom &atom = *lammps_at(address)->atom;
  std::vector<std::int64_t> ids;
  std::vector<double> heights;
  for (int i = 0; i < atom.nlocal; ++i) {
    if (!(atom.mask[i] & group) || !(atom.x[i][axis] >= lower && atom.x[i][axis] < upper)) continue;
    ids.push_back(atom.tag[i]);
    heights.push_back(atom.x[i][axis]);
  }
  return {py::array_t<std::int64_t>(static_cast<py::ssize_t>(ids.size()), ids.data()),
          Array(static_cast<py::ssize_t>(heights.size()), heights.data())};
}

// Where this rank's atoms with these ids are, (n, 3).
std::vector<std::array<double, 3>> places(std::uintptr_t address, const std::vector<std::int64_t> &ids) {
  const Atom &atom = *lammps_at(address)->atom;
  const std::unordered_set<std::int64_t> wanted(ids.begin(), ids.end());
  std::vector<std::array<double, 3>> found;
  for (int i = 0; i < atom.nlocal; ++i)
    if (wanted.count(atom.tag[i])) found.push_back({atom.x[i][0], atom.x[i][1], atom.x[i][2]});
  return found;
}

// Distance at which two atoms of a type have the energy `overlap`, by bisection; 0 where no distance has.
double core(std::uintptr_t address, int type, double overlap) {
  auto *const pair = lammps_at(address)->force->pair;
  double low = 0.0, high = std::sqrt(pair->cutsq[type][type]), unused = 0.0;
  for (int k = 0; k < 60; ++k) {
    const double middle = 0.5 * (low + high);
    (pair->single(0, 0, type, type, middle * middle, 1.0, 1.0, unused) > overlap ? low : high) = middle;
  }
  return low;
}

// A number from 0 to 1 for each id, (n,), by two rounds of splitmix64 of a key and the id.
Array lots(std::uint64_t key, const std::vector<std::int64_t> &ids) {
  auto mixed = [](std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
  };
  Array drawn(static_cast<py::ssize_t>(ids.size()));
  for (std::size_t k = 0; k < ids.size(); ++k)
    drawn.mutable_data()[k] = double(mixed(mixed(key) ^ static_cast<std::uint64_t>(ids[k])) >> 11) * 0x1p-53;
  return drawn;
}

// Sum of a compute's energies per atom over a group's atoms between two heights, and their number, (2,).
Array held(std::uintptr_t address, int group, int axis, double lower, double upper, const std::string &energies) {
  auto &modify = *lammps_at(address)->modify;
  const int place = modify.find_compute(energies);
  if (place < 0) throw py::key_error("no compute '" + energies + "'");
  const double *const energy = modify.compute[place]->vector_atom;
  const Atom &atom = *lammps_at(address)->atom;
  std::array<double, 2> sum{};
  for (int i = 0; i < atom.nlocal; ++i) {
    if (!(atom.mask[i] & group) || !(atom.x[i][axis] >= lower && atom.x[i][axis] < upper)) continue;
    sum[0] += energy[i];
    sum[1] += 1.0;
  }
  return Array(2, sum.data());
}

}  // namespace

PYBIND11_MODULE(_open, module) {
  using namespace py::literals;
  module.def("define", &define, "lammps"_a, "Make the style `suture/end` known.");
  module.def(
      "set_end",
      [](std::uintptr_t address, const std::string &id, double place, double velocity, std::vector<double> force,
         double reach) { found(address, id).set(place, velocity, std::move(force), reach); },
      "lammps"_a, "id"_a, "place"_a, "velocity"_a, "force"_a, "reach"_a,
      "Where the end is now, how it moves, and the inward force at equal distances from 0 to `reach`.");
  module.def(
      "open_end", [](std::uintptr_t address, const std::string &id) { found(address, id).open(); }, "lammps"_a, "id"_a,
      "Note force and power as a window begins.");
  module.def(
      "take_end",
      [](std::uintptr_t address, const std::string &id) {
        const auto taken = found(address, id).take();
        return Array(5, taken.data());
      },
      "lammps"_a, "id"_a, "Since then: force and power by Verlet's weights; m v, m v^2 and energy by mirroring, (5,).");
  module.def("keep", &keep, "lammps"_a, "places"_a,
             "Note the forces of atoms that none that comes or goes at `places` will reach; `renew` gives them back.");
  module.def("renew", &renew, "lammps"_a, "Set up neighbours, forces and fixes after atoms came or went.");
  module.def("obstacle", &obstacle, "lammps"_a, "What keeps atoms from coming and going; empty where nothing does.");
  module.def("bit", &bit, "lammps"_a, "group"_a, "A group's bit in the masks.");
  module.def("mark", &mark, "lammps"_a, "ids"_a, "bits"_a, "Add bits to these atoms' masks.");
  module.def("between", &between, "lammps"_a, "group"_a, "axis"_a, "lower"_a, "upper"_a,
             "Ids and heights of a group's atoms between two heights, of this rank.");
  module.def("places", &places, "lammps"_a, "ids"_a, "Where this rank's atoms with these ids are, (n, 3).");
  module.def("core", &core, "lammps"_a, "type"_a, "overlap"_a, "Distance of two atoms with the energy `overlap`.");
  module.def("lots", &lots, "key"_a, "ids"_a, "A number from 0 to 1 for each id, (n,).");
  module.def("held", &held, "lammps"_a, "group"_a, "axis"_a, "lower"_a, "upper"_a, "energies"_a,
             "Energies and number of a group's atoms between two heights, (2,), this rank's share.");
  py::class_<Surroundings>(module, "Surroundings")
      .def(py::init<std::uintptr_t, int, double, double, int>(), "lammps"_a, "axis"_a, "lower"_a, "upper"_a, "type"_a)
      .def_property_readonly("cutoff", &Surroundings::cutoff)
      .def("remove", &Surroundings::remove, "ids"_a)
      .def("add", &Surroundings::add, "place"_a)
      .def("look", &Surroundings::look, "place"_a)
      .def("owns", &Surroundings::owns, "place"_a)
      .def("search", &Surroundings::search, "starts"_a, "target"_a, "tolerance"_a, "overlap"_a, "core"_a, "step"_a,
           "most"_a, "lower"_a, "upper"_a)
      .def("structure", &Surroundings::structure, "group"_a, "lower"_a, "upper"_a, "bins"_a);
}
