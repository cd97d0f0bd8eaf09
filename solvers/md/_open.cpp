// What an open end needs inside LAMMPS: a fix that closes the box where the fluid goes on, one that calls where atoms can
// come and go, and the search for places where they can be put in. Compiled by measurement: a search visits hundreds of
// places, each with some fifty neighbours.
//
// As in `_inside.cpp`, all of it is laid out by LAMMPS' headers and serves the one version that `_inside.VERSION` names.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#pragma GCC visibility push(default)
#include "atom.h"
#include "compute.h"
#include "domain.h"
#include "fix.h"
#include "force.h"
#include "group.h"
#include "lammps.h"
#include "modify.h"
#include "pair.h"
#include "update.h"
#pragma GCC visibility pop

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "_end.hpp"
#include "_exchange.hpp"
#include "_styles.hpp"
#include "_surroundings.hpp"

namespace py = pybind11;
using LAMMPS_NS::Atom;
using LAMMPS_NS::LAMMPS;

namespace {

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
  if (way_out(*lmp.domain) < 0) return "a box without an end that is fixed ('f' in `boundary`)";
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

// A number from 0 to 1 for each id, (n,).
Array lots(std::uint64_t key, const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> &ids) {
  Array drawn(ids.size());
  std::transform(ids.data(), ids.data() + ids.size(), drawn.mutable_data(),
                 [key](std::int64_t id) { return lot(key, static_cast<std::uint64_t>(id)); });
  return drawn;
}

// Calls with each of this rank's atoms of a group that is as far out along an axis as `inner`, and with how far.
template <typename Call>
void outside(const Atom &atom, int group, int axis, double sign, double inner, Call call) {
  const Component x(atom.x, atom.nlocal, axis);
  for (int i = 0; i < atom.nlocal; ++i) {
    const double height = sign * x[i];
    if (height >= inner && (atom.mask[i] & group)) call(i, height);
  }
}

// Of a group's atoms further out than `inner`, those between there and `outer` add up to a number and the energies of a
// compute; and how many are beyond `outer`: energy, number, number, (3,).
Array count(std::uintptr_t address, int group, int axis, double sign, double inner, double outer,
            const std::string &energies) {
  auto &modify = *lammps_at(address)->modify;
  const int place = modify.find_compute(energies);
  if (place < 0) throw py::key_error("no compute '" + energies + "'");
  const double *const energy = modify.compute[place]->vector_atom;
  std::array<double, 3> sum{};
  outside(*lammps_at(address)->atom, group, axis, sign, sign * inner, [&](int i, double height) {
    const bool near = height < sign * outer;
    sum[near ? 1 : 2] += 1.0;
    if (near) sum[0] += energy[i];
  });
  return Array(3, sum.data());
}

// Lots and ids of atoms of a group further out than `inner`, those first that are to go first: all that are beyond
// `end`, whose lots are -1; then, as long as there are not `most`, those no further than `layer` from it, whose lots are less
// than 1, and the others, less than 2.
using Lots = std::vector<std::pair<double, std::int64_t>>;
Lots leaving(std::uintptr_t address, int group, int axis, double sign, double inner, double end, double layer,
             std::uint64_t key, std::size_t most) {
  const Atom &atom = *lammps_at(address)->atom;
  Lots drawn;
  std::size_t beyond = 0;
  outside(atom, group, axis, sign, sign * inner, [&](int i, double height) {
    const double distance = sign * end - height;
    const std::int64_t id = atom.tag[i];
    if (distance < 0.0) ++beyond;
    if (distance < 0.0)
      drawn.emplace_back(-1.0, id);
    else if (most > 0)
      drawn.emplace_back(lot(key, static_cast<std::uint64_t>(id)) + (distance >= layer ? 1.0 : 0.0), id);
  });
  const std::size_t kept = std::min(drawn.size(), std::max(most, beyond));
  std::partial_sort(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(kept), drawn.end());
  drawn.resize(kept);
  return drawn;
}

}  // namespace

PYBIND11_MODULE(_open, module) {
  using namespace py::literals;
  module.def(
      "define",
      [](std::uintptr_t address) {
        define<EndFix>(address, "suture/end");
        define<ExchangeFix>(address, "suture/exchange");
      },
      "lammps"_a, "Make the styles `suture/end` and `suture/exchange` known.");
  module.def(
      "await_exchange",
      [](std::uintptr_t address, const std::string &id, std::function<void()> call, int steps) {
        found<ExchangeFix>(address, id).await(std::move(call), steps);
      },
      "lammps"_a, "id"_a, "call"_a, "steps"_a, "Call once where neighbours are listed next, in so many steps if not before.");
  module.def(
      "after_run", [](std::uintptr_t address, const std::string &id) { found<ExchangeFix>(address, id).rethrow(); },
      "lammps"_a, "id"_a, "Raise what that call has raised.");
  module.def(
      "create",
      [](std::uintptr_t address, const std::vector<LAMMPS_NS::tagint> &ids, const std::vector<int> &types,
         const Array &places, const Array &velocities, int bits) {
        if (types.size() != ids.size() || places.size() != py::ssize_t(3 * ids.size()) || velocities.size() != places.size())
          throw std::invalid_argument("a type, a place and a velocity for each atom");
        return create(*lammps_at(address), ids, types, places.data(), velocities.data(), bits);
      },
      "lammps"_a, "ids"_a, "types"_a, "places"_a, "velocities"_a, "bits"_a,
      "Make atoms, members of the groups of `bits`; returns how many LAMMPS took into its box.");
  module.def(
      "expel", [](std::uintptr_t address, const std::vector<std::int64_t> &ids) { expel(*lammps_at(address), ids); },
      "lammps"_a, "ids"_a, "Let these atoms go, within such a call.");
  module.def(
      "put_end",
      [](std::uintptr_t address, const std::string &id, double place) { found<EndFix>(address, id).put(place); },
      "lammps"_a, "id"_a, "place"_a, "Where the end is now.");
  module.def(
      "end_place", [](std::uintptr_t address, const std::string &id) { return found<EndFix>(address, id).place(); },
      "lammps"_a, "id"_a);
  module.def(
      "move_end",
      [](std::uintptr_t address, const std::string &id, double velocity, const Array &force, double lacking, double reach) {
        found<EndFix>(address, id).move(velocity, {force.data(), force.data() + force.size()}, lacking, reach);
      },
      "lammps"_a, "id"_a, "velocity"_a, "force"_a, "lacking"_a, "reach"_a,
      "How the end moves on; the inward force at equal distances from 0 to `reach`, and what is added to it at the end, which "
      "falls linearly.");
  module.def(
      "open_end", [](std::uintptr_t address, const std::string &id) { found<EndFix>(address, id).open(); }, "lammps"_a,
      "id"_a, "Note force and power as a window begins.");
  module.def(
      "take_end",
      [](std::uintptr_t address, const std::string &id) { return found<EndFix>(address, id).take(); },
      "lammps"_a, "id"_a, "Since then: force and power by Verlet's weights; m v, m v^2 and energy by mirroring, (5,).");
  module.def("obstacle", &obstacle, "lammps"_a, "What keeps atoms from coming and going; empty where nothing does.");
  module.def("bit", &bit, "lammps"_a, "group"_a, "A group's bit in the masks.");
  module.def("mark", &mark, "lammps"_a, "ids"_a, "bits"_a, "Add bits to these atoms' masks.");
  module.def("core", &core, "lammps"_a, "type"_a, "overlap"_a, "Distance of two atoms with the energy `overlap`.");
  module.def("lots", &lots, "key"_a, "ids"_a, "A number from 0 to 1 for each id, (n,).");
  module.def("count", &count, "lammps"_a, "group"_a, "axis"_a, "sign"_a, "inner"_a, "outer"_a, "energies"_a,
             "Energies and number of a group's atoms between two heights, and number further out, (3,), this rank's share.");
  module.def("leaving", &leaving, "lammps"_a, "group"_a, "axis"_a, "sign"_a, "inner"_a, "end"_a, "layer"_a, "key"_a,
             "most"_a, "Lots and ids of this rank's atoms that are beyond the end, and of `most` others.");
  py::class_<Search>(module, "Search")
      .def(py::init([](double target, double tolerance, double overlap, double core, double step, int iterations,
                       int attempts) {
             return Search{target, tolerance, overlap, core, step, iterations, attempts};
           }),
           "target"_a, "tolerance"_a, "overlap"_a, "core"_a, "step"_a, "iterations"_a, "attempts"_a)
      .def_readonly("target", &Search::target)
      .def_readonly("attempts", &Search::attempts);
  py::class_<Surroundings>(module, "Surroundings")
      .def(py::init<std::uintptr_t, int, double, double, int>(), "lammps"_a, "axis"_a, "lower"_a, "upper"_a, "type"_a)
      .def_property_readonly("cutoff", &Surroundings::cutoff)
      .def("remove", &Surroundings::remove, "ids"_a)
      .def("search", &Surroundings::search, "key"_a, "number"_a, "batch"_a, "corners"_a, "wanted"_a)
      .def("accept", &Surroundings::accept, "found"_a)
      .def("enter", &Surroundings::enter, "velocities"_a)
      .def("look", &Surroundings::look, "place"_a)
      .def("owns", &Surroundings::owns, "place"_a)
      .def("structure", &Surroundings::structure, "group"_a, "lower"_a, "upper"_a, "bins"_a);
}
