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
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <vector>

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using LAMMPS_NS::Atom;
using LAMMPS_NS::Fix;
using LAMMPS_NS::LAMMPS;
using Point = std::array<double, 3>;

namespace {

const char *const kStyle = "suture/end";

LAMMPS *lammps_at(std::uintptr_t address) { return reinterpret_cast<LAMMPS *>(address); }

double mass_of(const Atom &atom, int i) { return atom.rmass ? atom.rmass[i] : atom.mass[atom.type[i]]; }

// The end of the box where the fluid goes on: fix ID group suture/end AXIS SIGN
//
// SIGN is 1 for the upper end of the axis and -1 for the lower one. Atoms feel the mean force of the fluid that is not
// there, a table over the distance from the end, and are mirrored by the end, which moves. Force, power, and what
// mirroring gave are summed over the steps, each rank over its own atoms.
class EndFix : public Fix {
 public:
  using Sum = std::array<double, 2>;  // force along the axis, power

  EndFix(LAMMPS *lammps, int count, char **words) : Fix(lammps, count, words) {
    if (count != 5) throw std::invalid_argument("fix suture/end: an axis and a sign");
    axis_ = std::atoi(words[3]);
    sign_ = std::atof(words[4]);
    place_ = sign_ * std::numeric_limits<double>::max();
  }

  int setmask() override {
    using namespace LAMMPS_NS::FixConst;
    return POST_INTEGRATE | POST_FORCE | END_OF_STEP;
  }

  // From the next evaluation of forces on. `force`: at equal distances from 0 to `reach`.
  void set(double place, double velocity, std::vector<double> force, double reach) {
    place_ = place;
    velocity_ = velocity;
    since_ = update->ntimestep;
    force_ = std::move(force);
    spacing_ = force_.size() > 1 ? reach / double(force_.size() - 1) : 0.0;
  }

  // Force and power at the beginning of a window, after velocities were changed, by the force that atoms feel now.
  void open() { first_ = now_ = instant(); }

  void setup(int flag) override {
    post_force(flag);
    open();
  }

  void post_force(int) override {
    for (int i = 0; i < atom->nlocal; ++i)
      if (atom->mask[i] & groupbit) atom->f[i][axis_] += on(i);
  }

  // Within a step an atom goes to the end and back, while both kicks are by the forces at the step's ends: their work is
  // f (v + v') dt / 2, but the potential energy falls by f (x' - x). The difference, of first order in dt for one atom
  // though 0 in the mean, is the end's doing, and goes into what it gave.
  void post_integrate() override {
    const double end = place(), dt = update->dt;
    for (int i = 0; i < atom->nlocal; ++i) {
      if (!(atom->mask[i] & groupbit) || !(sign_ * (atom->x[i][axis_] - end) > 0.0)) continue;
      double &x = atom->x[i][axis_], &v = atom->v[i][axis_];
      const double m = mass_of(*atom, i), before = v, from = x - v * dt;
      const double by_atoms = atom->f[i][axis_] - inward(sign_ * (end - velocity_ * dt - from));
      x = 2.0 * end - x;
      v = 2.0 * velocity_ - v;
      mirrored_[0] += m * (v - before);
      mirrored_[1] += m * (v - before) * (v + before);
      folded_ += by_atoms * (0.5 * dt * (before + v) - (x - from));
    }
  }

  void end_of_step() override {
    now_ = instant();
    for (std::size_t k = 0; k < now_.size(); ++k) total_[k] += now_[k];
  }

  // Over the steps since `open`: the sums of force and power with Verlet's weights, and by mirroring of m v, m v^2, and
  // the energy of paths that were folded within a step.
  std::array<double, 5> take() {
    std::array<double, 5> taken{};
    for (std::size_t k = 0; k < 2; ++k) {
      taken[k] = total_[k] + 0.5 * first_[k] - 0.5 * now_[k];
      taken[2 + k] = mirrored_[k];
    }
    taken[4] = folded_;
    total_.fill(0.0);
    mirrored_.fill(0.0);
    folded_ = 0.0;
    return taken;
  }

 private:
  double place() const { return place_ + velocity_ * update->dt * double(update->ntimestep - since_); }

  double on(int i) const { return inward(sign_ * (place() - atom->x[i][axis_])); }

  // Force along the axis at a distance from the end.
  double inward(double distance) const {
    if (spacing_ == 0.0 || !(distance >= 0.0)) return 0.0;
    const double at = distance / spacing_;
    const auto bin = static_cast<std::size_t>(at);
    if (bin + 1 >= force_.size()) return 0.0;
    return -sign_ * (force_[bin] + (at - double(bin)) * (force_[bin + 1] - force_[bin]));
  }

  Sum instant() const {
    Sum sum{};
    for (int i = 0; i < atom->nlocal; ++i) {
      if (!(atom->mask[i] & groupbit)) continue;
      const double force = on(i);
      sum[0] += force;
      sum[1] += force * atom->v[i][axis_];
    }
    return sum;
  }

  int axis_ = 2;
  double sign_ = 1.0, place_ = 0.0, velocity_ = 0.0, spacing_ = 0.0;
  LAMMPS_NS::bigint since_ = 0;
  std::vector<double> force_;
  Sum first_{}, now_{}, total_{}, mirrored_{};
  double folded_ = 0.0;
};

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

// What `Verlet::setup` does, without asking every class to initialise itself and without its page of log: atoms go to
// their ranks, neighbours and forces are found anew, and fixes are set up.
void renew(std::uintptr_t address) {
  LAMMPS &lmp = *lammps_at(address);
  const int dynamics = lmp.update->whichflag;
  lmp.update->whichflag = 1;
  lmp.update->setupflag = 1;
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

struct Evaluation {
  double energy = 0.0, nearest = std::numeric_limits<double>::max();
  Point force{};
};

// The atoms, the neighbours' copies included, between two heights along an axis, in cells as wide as pairs reach; and
// those that are to come or to go.
class Surroundings {
 public:
  Surroundings(std::uintptr_t address, int axis, double lower, double upper, int type)
      : lmp_(*lammps_at(address)), axis_(axis), lower_(lower), upper_(upper), type_(type) {
    auto *const pair = lmp_.force->pair;
    if (pair == nullptr || !pair->single_enable) throw std::invalid_argument("the pair style knows no single pairs");
    for (int other = 1; other <= lmp_.atom->ntypes; ++other) cut_ = std::max(cut_, std::sqrt(pair->cutsq[type][other]));
    collect();
    sort();
  }

  double cutoff() const { return cut_; }

  // Takes the atoms with these ids away, one after another. Returns a row for each, (n, 6): mass, momentum, sum of
  // m v^2, energy of its pairs with those that are left; zeros but on the rank that has it.
  Array remove(const std::vector<std::int64_t> &ids) {
    Array table({static_cast<py::ssize_t>(ids.size()), py::ssize_t{6}});
    std::fill_n(table.mutable_data(), table.size(), 0.0);
    const Atom &atom = *lmp_.atom;
    for (std::size_t k = 0; k < ids.size(); ++k) {
      double *const row = table.mutable_data(k);
      for (auto &one : atoms_) {
        if (one.id != ids[k]) continue;
        one.gone = true;
        if (one.index >= atom.nlocal) continue;
        const double m = mass_of(atom, one.index);
        row[0] = m;
        for (int i = 0; i < 3; ++i) {
          row[1 + i] = m * atom.v[one.index][i];
          row[4] += m * atom.v[one.index][i] * atom.v[one.index][i];
        }
        row[5] = evaluate(one.place, one.id).energy;
      }
    }
    return table;
  }

  // Lets later searches see an atom that is to come.
  void add(const Point &place) { coming_.push_back(place); }

  // Energy of an atom at a place, the force on it and its nearest neighbour's distance, (5,).
  Array look(const Point &place) const {
    const auto seen = evaluate(place, 0);
    const std::array<double, 5> row{seen.energy, seen.force[0], seen.force[1], seen.force[2], seen.nearest};
    return Array(5, row.data());
  }

  // Whether a place is in this rank's part of the box.
  bool owns(const Point &place) const { return within(place, 0.0); }

  // USHER (Delgado-Buscalioni and Coveney 2003) from each start in turn, (n, 3), until one comes to the energy `target`.
  //
  // Steps go along the force, up or down, as far as the energy lacks by its slope, but at most `step`; from an overlap,
  // energies above `overlap`, until the nearest neighbour is at `core`. A search that does not come nearer, leaves the
  // bounds or takes too long fails. Returns which start came there, or -1; the place; its energy; iterations in all.
  std::array<double, 6> search(const Array &starts, double target, double tolerance, double overlap, double core,
                               double step, int most, double lower, double upper) const {
    double iterations = 0.0;
    for (py::ssize_t n = 0; n < starts.shape(0); ++n) {
      Point place{*starts.data(n, 0), *starts.data(n, 1), *starts.data(n, 2)};
      if (!owns(place)) continue;
      auto seen = evaluate(place, 0);
      for (int k = 0; k < most; ++k) {
        iterations += 1.0;
        const double gap = seen.energy - target;
        if (std::abs(gap) <= tolerance) return {double(n), place[0], place[1], place[2], seen.energy, iterations};
        const double slope = std::sqrt(seen.force[0] * seen.force[0] + seen.force[1] * seen.force[1] +
                                       seen.force[2] * seen.force[2]);
        if (!(slope > 0.0)) break;
        const bool overlaps = seen.energy > overlap;
        double length = std::min(std::abs(gap) / slope, step);
        if (overlaps) length = seen.nearest < core ? std::max(core - seen.nearest, 1e-3 * step) : step;
        for (int i = 0; i < 3; ++i) place[i] += (gap > 0.0 ? length : -length) * seen.force[i] / slope;
        if (!(place[axis_] >= lower && place[axis_] < upper) || !within(place, 0.5 * lmp_.neighbor->skin)) break;
        const auto next = evaluate(place, 0);
        if (overlaps ? !(next.energy < seen.energy) : !(std::abs(next.energy - target) < std::abs(gap))) break;
        seen = next;
      }
    }
    return {-1.0, 0.0, 0.0, 0.0, 0.0, iterations};
  }

  // Of the own atoms of a group between two heights: their number, and by distance what their pairs with the group's
  // atoms sum to: force (positive where it repels), in `bins` from 0 to the cut-off. Newton's pairs count at both ends.
  std::pair<double, Array> structure(int group, double lower, double upper, int bins) const {
    Array sums(static_cast<py::ssize_t>(bins));
    std::fill_n(sums.mutable_data(), bins, 0.0);
    double number = 0.0;
    const Atom &atom = *lmp_.atom;
    for (const auto &one : atoms_) {
      if (one.index >= atom.nlocal || !(atom.mask[one.index] & group)) continue;
      if (!(one.place[axis_] >= lower && one.place[axis_] < upper)) continue;
      number += 1.0;
      visit(one.place, one.id, [&](const Neighbour &other, const Point &, double square) {
        if (!(other.index >= 0 && (atom.mask[other.index] & group))) return;
        double per_length = 0.0;
        lmp_.force->pair->single(other.index, other.index, type_, other.type, square, 1.0, 1.0, per_length);
        const double distance = std::sqrt(square);
        const int bin = std::min(bins - 1, static_cast<int>(distance / cut_ * bins));
        sums.mutable_data()[bin] += per_length * distance;
      });
    }
    return {number, sums};
  }

 private:
  struct Neighbour {
    Point place;
    std::int64_t id;
    int index, type;
    bool gone;
  };

  void collect() {
    const Atom &atom = *lmp_.atom;
    for (int i = 0; i < atom.nlocal + atom.nghost; ++i) {
      const double height = atom.x[i][axis_];
      if (height >= lower_ - cut_ && height < upper_ + cut_)
        atoms_.push_back({{atom.x[i][0], atom.x[i][1], atom.x[i][2]}, atom.tag[i], i, atom.type[i], false});
    }
  }

  void sort() {
    for (int k = 0; k < 3; ++k) {
      double most = origin_[k] = atoms_.empty() ? 0.0 : atoms_[0].place[k];
      for (const auto &one : atoms_) {
        origin_[k] = std::min(origin_[k], one.place[k]);
        most = std::max(most, one.place[k]);
      }
      cells_[k] = static_cast<int>((most - origin_[k]) / cut_) + 1;
    }
    std::vector<int> cell(atoms_.size());
    begin_.assign(static_cast<std::size_t>(cells_[0]) * cells_[1] * cells_[2] + 1, 0);
    for (std::size_t n = 0; n < atoms_.size(); ++n) {
      cell[n] = (index(atoms_[n].place, 2) * cells_[1] + index(atoms_[n].place, 1)) * cells_[0] + index(atoms_[n].place, 0);
      ++begin_[cell[n] + 1];
    }
    for (std::size_t c = 1; c < begin_.size(); ++c) begin_[c] += begin_[c - 1];
    std::vector<Neighbour> sorted(atoms_.size());
    std::vector<int> next(begin_.begin(), begin_.end() - 1);
    for (std::size_t n = 0; n < atoms_.size(); ++n) sorted[next[cell[n]]++] = atoms_[n];
    atoms_ = std::move(sorted);
  }

  int index(const Point &place, int k) const { return static_cast<int>(std::floor((place[k] - origin_[k]) / cut_)); }

  bool within(const Point &place, double slack) const {
    for (int k = 0; k < 3; ++k)
      if (!(place[k] >= lmp_.domain->sublo[k] - slack && place[k] < lmp_.domain->subhi[k] + slack)) return false;
    return true;
  }

  // Calls with each atom that is there within the cut-off of a place, but not with the images of `self`.
  template <typename Call>
  void visit(const Point &place, std::int64_t self, Call call) const {
    const double *const cutsq = lmp_.force->pair->cutsq[type_];
    auto reached = [&](const Neighbour &other) {
      const Point apart{place[0] - other.place[0], place[1] - other.place[1], place[2] - other.place[2]};
      const double square = apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2];
      if (square < cutsq[other.type] && square > 0.0 && !other.gone && other.id != self) call(other, apart, square);
    };
    std::array<int, 3> low, high;
    for (int k = 0; k < 3; ++k) {
      low[k] = std::max(0, index(place, k) - 1);
      high[k] = std::min(cells_[k] - 1, index(place, k) + 1);
    }
    for (int z = low[2]; z <= high[2]; ++z)
      for (int y = low[1]; y <= high[1]; ++y) {
        const int row = (z * cells_[1] + y) * cells_[0];
        for (int n = low[0] <= high[0] ? begin_[row + low[0]] : 0; low[0] <= high[0] && n < begin_[row + high[0] + 1]; ++n)
          reached(atoms_[n]);
      }
    for (const auto &coming : coming_) {
      Point apart{place[0] - coming[0], place[1] - coming[1], place[2] - coming[2]};
      lmp_.domain->minimum_image(apart[0], apart[1], apart[2]);
      reached({{place[0] - apart[0], place[1] - apart[1], place[2] - apart[2]}, -1, -1, type_, false});
    }
  }

  Evaluation evaluate(const Point &place, std::int64_t self) const {
    Evaluation seen;
    double nearest = std::numeric_limits<double>::max();
    visit(place, self, [&](const Neighbour &other, const Point &apart, double square) {
      // Types are all that a pair style may ask of an atom that is not there yet.
      const int stand_in = std::max(0, other.index);
      double per_length = 0.0;
      seen.energy += lmp_.force->pair->single(stand_in, stand_in, type_, other.type, square, 1.0, 1.0, per_length);
      for (int k = 0; k < 3; ++k) seen.force[k] += per_length * apart[k];
      nearest = std::min(nearest, square);
    });
    seen.nearest = std::sqrt(nearest);
    return seen;
  }

  LAMMPS &lmp_;
  int axis_;
  double lower_, upper_, cut_ = 0.0;
  int type_;
  std::vector<Neighbour> atoms_;  // by cells
  std::vector<int> begin_;        // of each cell in them
  std::array<int, 3> cells_{};
  Point origin_{};
  std::vector<Point> coming_;
};

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
  module.def("renew", &renew, "lammps"_a, "Set up neighbours, forces and fixes after atoms came or went.");
  module.def("obstacle", &obstacle, "lammps"_a, "What keeps atoms from coming and going; empty where nothing does.");
  module.def("bit", &bit, "lammps"_a, "group"_a, "A group's bit in the masks.");
  module.def("mark", &mark, "lammps"_a, "ids"_a, "bits"_a, "Add bits to these atoms' masks.");
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
