// The search for places where atoms can be put in, and what those that go take along, for `_open.cpp`.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#pragma GCC visibility push(default)
#include "atom.h"
#include "domain.h"
#include "force.h"
#include "lammps.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"
#pragma GCC visibility pop

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "_atoms.hpp"
#include "_end.hpp"

using Array = pybind11::array_t<double, pybind11::array::c_style | pybind11::array::forcecast>;
using Point = std::array<double, 3>;

// What is looked for.
struct Search {
  double target, tolerance;  // energy of the new atom, and how far it may be from that
  double overlap;            // energy above which atoms overlap, and steps are by distances
  double core;               // distance of two atoms with that energy
  double step;               // longest step elsewhere
  int iterations;            // most steps from one start
  int attempts;              // most starts for one atom
};

struct Evaluation {
  double energy = 0.0, nearest = std::numeric_limits<double>::max();
  Point force{};
};

// The atoms, the neighbours' copies included, between two heights along an axis, in cells as wide as pairs reach; and
// those that are to come or to go.
class Surroundings {
 public:
  Surroundings(std::uintptr_t address, int axis, double lower, double upper, int type)
      : lmp_(*reinterpret_cast<LAMMPS_NS::LAMMPS *>(address)), axis_(axis), lower_(lower), upper_(upper), type_(type) {
    auto *const pair = lmp_.force->pair;
    if (pair == nullptr || !pair->single_enable) throw std::invalid_argument("the pair style knows no single pairs");
    for (int other = 1; other <= lmp_.atom->ntypes; ++other) cut_ = std::max(cut_, std::sqrt(pair->cutsq[type][other]));
    collect();
    sort();
  }

  double cutoff() const { return cut_; }

  // Takes the atoms with these ids away at the end of the step, one after another: they are kicked for it, and kick those
  // that are left, which LAMMPS would not do any more. Returns what those of this rank take along in all, (6,): mass,
  // momentum, sum of m v^2, energy of each one's pairs with those that are left.
  std::array<double, 6> remove(const std::vector<std::int64_t> &ids) {
    std::array<double, 6> taken{};
    for (const auto id : ids)
      for (auto &one : atoms_) {
        if (one.id != id) continue;
        one.gone = true;
        if (one.index < lmp_.atom->nlocal) take_along(one, taken);
        kick_around(one.place, one.id, kick());
      }
    return taken;
  }

  // Lets those that are to come have these velocities at the end of the step, (n, 3): takes off their neighbours what they
  // will be kicked by them. Returns the velocities off which that is taken too, (n, 3), right where they are owned.
  Array enter(const Array &velocities) {
    if (velocities.size() != 3 * static_cast<pybind11::ssize_t>(coming_.size()))
      throw std::invalid_argument("a velocity for each atom that is to come");
    Array table({static_cast<pybind11::ssize_t>(coming_.size()), pybind11::ssize_t{3}});
    const double mass = lmp_.atom->mass[type_];
    for (std::size_t n = 0; n < coming_.size(); ++n) {
      const auto force = evaluate(coming_[n], 0).force;
      for (int k = 0; k < 3; ++k)
        *table.mutable_data(n, k) = *velocities.data(n, k) - kick() * force[k] / mass;
      for (const auto &image : images(coming_[n])) kick_around(image, 0, -kick());
    }
    return table;
  }

  // Energy of an atom at a place, the force on it and its nearest neighbour's distance, (5,).
  Array look(const Point &place) const {
    const auto seen = evaluate(place, 0);
    const std::array<double, 5> row{seen.energy, seen.force[0], seen.force[1], seen.force[2], seen.nearest};
    return Array(5, row.data());
  }

  // Whether a place is in this rank's part of the box.
  bool owns(const Point &place) const { return within(place, 0.0); }

  // Looks for places of `number` atoms, each by itself, from as many as `batch` starts, which are a function of `key`,
  // between two corners of a region, (2, 3). Returns (number, 6): which start came there, or -1; the place; its energy;
  // iterations in all. Starts in other ranks' parts of the box are left out.
  Array search(std::uint64_t key, int number, int batch, const Array &corners, const Search &wanted) const {
    const double *const lower = corners.data(0), *const upper = corners.data(1);
    Array table({py_size(number), pybind11::ssize_t{6}});
    for (int atom = 0; atom < number; ++atom) {
      double *const row = table.mutable_data(atom);
      std::fill_n(row, 6, 0.0);
      row[0] = -1.0;
      for (int n = 0; n < batch && row[0] < 0.0; ++n) {
        Point place;
        for (std::uint64_t k = 0; k < 3; ++k)
          place[k] = lower[k] + (upper[k] - lower[k]) * lot(key, 3 * (std::uint64_t(atom) * batch + n) + k);
        if (!owns(place)) continue;
        if (!usher(place, row[4], row[5], wanted, lower[axis_], upper[axis_])) continue;
        row[0] = n;
        std::copy_n(place.data(), 3, row + 1);
      }
    }
    return table;
  }

  // Takes in what `search` found, (n, 6), but places that one before them reaches; wrapped into the box, so that later
  // searches see them. Returns their places and energies, (n, 4).
  Array accept(const Array &found) {
    std::vector<double> rows;
    const std::size_t before = coming_.size();
    for (pybind11::ssize_t n = 0; n < found.shape(0); ++n) {
      if (*found.data(n, 0) < 0.0) continue;
      Point place{*found.data(n, 1), *found.data(n, 2), *found.data(n, 3)};
      if (std::any_of(coming_.begin() + before, coming_.end(), [&](const Point &other) { return reach(place, other); }))
        continue;
      lmp_.domain->remap(place.data());
      coming_.push_back(place);
      rows.insert(rows.end(), place.begin(), place.end());
      rows.push_back(*found.data(n, 4));
    }
    Array table({py_size(rows.size() / 4), pybind11::ssize_t{4}});
    std::copy(rows.begin(), rows.end(), table.mutable_data());
    return table;
  }

  // Of the own atoms of a group between two heights: their number, and by distance what their pairs with the group's
  // atoms sum to: force (positive where it repels), in `bins` from 0 to the cut-off. Newton's pairs count at both ends.
  std::pair<double, Array> structure(int group, double lower, double upper, int bins) const {
    Array sums(static_cast<pybind11::ssize_t>(bins));
    std::fill_n(sums.mutable_data(), bins, 0.0);
    double number = 0.0;
    const LAMMPS_NS::Atom &atom = *lmp_.atom;
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

  static pybind11::ssize_t py_size(std::size_t size) { return static_cast<pybind11::ssize_t>(size); }

  bool reach(const Point &one, const Point &other) const {
    Point apart{one[0] - other[0], one[1] - other[1], one[2] - other[2]};
    lmp_.domain->minimum_image(apart[0], apart[1], apart[2]);
    return apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2] <= cut_ * cut_;
  }

  // USHER (Delgado-Buscalioni and Coveney 2003) from a place until it comes to the energy that is wanted.
  //
  // Steps go along the force, up or down, as far as the energy lacks by its slope, but at most `step`; from an overlap
  // until the nearest neighbour is at `core`. A search that does not come nearer, leaves the bounds or takes too long
  // fails. Counts iterations.
  bool usher(Point &place, double &energy, double &iterations, const Search &wanted, double lower, double upper) const {
    auto seen = evaluate(place, 0);
    for (int k = 0; k < wanted.iterations; ++k) {
      iterations += 1.0;
      const double gap = seen.energy - wanted.target;
      energy = seen.energy;
      if (std::abs(gap) <= wanted.tolerance) return true;
      const double slope =
          std::sqrt(seen.force[0] * seen.force[0] + seen.force[1] * seen.force[1] + seen.force[2] * seen.force[2]);
      if (!(slope > 0.0)) return false;
      const bool overlaps = seen.energy > wanted.overlap;
      double length = std::min(std::abs(gap) / slope, wanted.step);
      if (overlaps)
        length = seen.nearest < wanted.core ? std::max(wanted.core - seen.nearest, 1e-3 * wanted.step) : wanted.step;
      for (int i = 0; i < 3; ++i) place[i] += (gap > 0.0 ? length : -length) * seen.force[i] / slope;
      if (!(place[axis_] >= lower && place[axis_] < upper) || !within(place, 0.5 * lmp_.neighbor->skin)) return false;
      const auto next = evaluate(place, 0);
      if (overlaps ? !(next.energy < seen.energy) : !(std::abs(next.energy - wanted.target) < std::abs(gap))) return false;
      seen = next;
    }
    return false;
  }

  // What turns a force into the momentum of half a step.
  double kick() const { return 0.5 * lmp_.update->dt * lmp_.force->ftm2v; }

  void take_along(const Neighbour &one, std::array<double, 6> &taken) const {
    const LAMMPS_NS::Atom &atom = *lmp_.atom;
    const auto seen = evaluate(one.place, one.id);
    const double m = mass_of(atom, one.index);
    taken[0] += m;
    for (int k = 0; k < 3; ++k) {
      const double v = atom.v[one.index][k] + kick() * seen.force[k] / m;
      taken[1 + k] += m * v;
      taken[4] += m * v * v;
    }
    taken[5] += seen.energy;
  }

  // Kicks the own atoms around an atom at `place`, as its force does in a `time`.
  void kick_around(const Point &place, std::int64_t self, double time) const {
    const LAMMPS_NS::Atom &atom = *lmp_.atom;
    visit(place, self, [&](const Neighbour &other, const Point &apart, double square) {
      if (!(other.index >= 0 && other.index < atom.nlocal)) return;
      double per_length = 0.0;
      lmp_.force->pair->single(other.index, other.index, type_, other.type, square, 1.0, 1.0, per_length);
      for (int k = 0; k < 3; ++k)
        atom.v[other.index][k] -= time * per_length * apart[k] / mass_of(atom, other.index);
    });
  }

  // A place and where it is again, as far as that can be within reach.
  std::vector<Point> images(const Point &place) const {
    std::vector<Point> found{place};
    for (int k = 0; k < 3; ++k) {
      if (!lmp_.domain->periodicity[k]) continue;
      for (std::size_t n = 0, all = found.size(); n < all; ++n)
        for (const double shift : {-lmp_.domain->prd[k], lmp_.domain->prd[k]}) {
          Point image = found[n];
          image[k] += shift;
          found.push_back(image);
        }
    }
    return found;
  }

  void collect() {
    const LAMMPS_NS::Atom &atom = *lmp_.atom;
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
    close_.resize(atoms_.size() + 1);
  }

  int index(const Point &place, int k) const { return static_cast<int>((place[k] - origin_[k]) / cut_); }

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
    // Most in these cells are too far away. They are sorted out without a branch, which no processor could foresee.
    int *const close = close_.data();
    int number = 0;
    for (int z = low[2]; z <= high[2]; ++z)
      for (int y = low[1]; y <= high[1] && low[0] <= high[0]; ++y) {
        const int row = (z * cells_[1] + y) * cells_[0];
        for (int n = begin_[row + low[0]], end = begin_[row + high[0] + 1]; n < end; ++n) {
          const Point &other = atoms_[n].place;
          const double x = place[0] - other[0], y = place[1] - other[1], z = place[2] - other[2];
          close[number] = n;
          number += x * x + y * y + z * z < cut_ * cut_;
        }
      }
    for (int n = 0; n < number; ++n) reached(atoms_[close[n]]);
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

  LAMMPS_NS::LAMMPS &lmp_;
  int axis_;
  double lower_, upper_, cut_ = 0.0;
  int type_;
  std::vector<Neighbour> atoms_;  // by cells
  std::vector<int> begin_;        // of each cell in them
  mutable std::vector<int> close_;
  std::array<int, 3> cells_{};
  Point origin_{};
  std::vector<Point> coming_;
};
