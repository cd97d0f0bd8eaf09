// The fix that damps and heats atoms by their distance from a box, for `_bath.cpp`.
#pragma once

#pragma GCC visibility push(default)
#include "atom.h"
#include "fix.h"
#include "force.h"
#include "lammps.h"
#include "update.h"
#pragma GCC visibility pop

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "_atoms.hpp"

// Where a bath acts and how strongly: at the distance d from a box, 0 < d < edges.back(), the rate is
// rate (d / length)^power, and no more than `rate`. Along an axis on which the box is infinite nothing counts.
struct Band {
  std::array<double, 3> lower, upper;
  std::vector<double> edges;  // of its slabs, ascending distances, the first one 0
  double rate, length, power;

  double distance(const double *x) const {
    double square = 0.0;
    for (int axis = 0; axis < 3; ++axis) {
      const double off = std::max({lower[axis] - x[axis], x[axis] - upper[axis], 0.0});
      square += off * off;
    }
    return std::sqrt(square);
  }

  // -1 where there is none.
  int slab(double distance) const {
    if (!(distance > 0.0) || !(distance < edges.back())) return -1;
    return int(std::upper_bound(edges.begin(), edges.end(), distance) - edges.begin()) - 1;
  }

  double rate_at(double distance) const { return rate * std::pow(std::min(1.0, distance / length), power); }
};

// Friction and noise on the atoms of a band: fix ID group suture/bath
//
// Ornstein and Uhlenbeck's process, exact over any time t: v <- c v + sqrt((1 - c^2) kT/m) n, c = exp(-rate t). A step is
// half of that, LAMMPS' own step, and half of it again; between two steps both halves are one. Normal numbers are a
// function of the key, the step and the atom's id. What velocities gain is summed slab by slab, this rank's share.
class BathFix : public LAMMPS_NS::Fix {
 public:
  using Sum = std::array<double, 4>;  // m v, m v^2

  BathFix(LAMMPS_NS::LAMMPS *lammps, int count, char **words) : LAMMPS_NS::Fix(lammps, count, words) {}

  int setmask() override { return LAMMPS_NS::FixConst::END_OF_STEP; }

  void set(Band band, std::uint64_t key) {
    band_ = std::move(band);
    key_ = key;
    temperatures_.assign(band_.edges.size() - 1, 0.0);
    gained_.assign(temperatures_.size(), Sum{});
  }

  void heat(std::vector<double> temperatures) { temperatures_ = std::move(temperatures); }

  std::size_t slabs() const { return temperatures_.size(); }

  // The half before the next step; the bath rests after the step `last`. With `waits` it does not act in steps by itself.
  void begin(std::int64_t last, bool waits) {
    begun_ = update->ntimestep;
    last_ = last;
    waits_ = waits;
    act(0.5 * update->dt, 1);
  }

  void end_of_step() override {
    if (!waits_) between_steps();
  }

  // What is due between the latest step and the next.
  void between_steps() {
    if (update->ntimestep <= begun_ || update->ntimestep > last_) return;
    act(update->ntimestep < last_ ? update->dt : 0.5 * update->dt, 0);
  }

  // What was summed since the last call.
  std::vector<Sum> take() { return std::exchange(gained_, std::vector<Sum>(gained_.size())); }

 private:
  // What is left of a velocity after a time, and the variance that noise has brought, over kT/m.
  struct Decay {
    Decay(double rate, double time) : kept(std::exp(-rate * time)), variance(-std::expm1(-2.0 * rate * time)) {}
    double kept, variance;
  };

  void act(double time, std::uint64_t turn) {
    const std::uint64_t now = mixed(mixed(key_) ^ (2 * std::uint64_t(update->ntimestep) + turn));
    const double per_mass = force->boltz / force->mvv2e;
    const Decay uniform(band_.rate, time);
    for (int i = 0; i < atom->nlocal; ++i) {
      if (!(atom->mask[i] & groupbit)) continue;
      const double distance = band_.distance(atom->x[i]);
      const int slab = band_.slab(distance);
      if (slab < 0) continue;
      const Decay decay = band_.power == 0.0 ? uniform : Decay(band_.rate_at(distance), time);
      const double m = mass_of(*atom, i);
      const double width = std::sqrt(decay.variance * per_mass * temperatures_[slab] / m);
      change(i, m, decay.kept, width, now, gained_[slab]);
    }
  }

  void change(int i, double m, double kept, double width, std::uint64_t now, Sum &gained) const {
    const auto drawn = width > 0.0 ? normal(now, std::uint64_t(atom->tag[i])) : std::array<double, 3>{};
    for (int k = 0; k < domain->dimension; ++k) {  // in a plane nothing moves along z
      double &v = atom->v[i][k];
      const double before = v;
      v = kept * before + width * drawn[k];
      gained[k] += m * (v - before);
      gained[3] += m * (v - before) * (v + before);
    }
  }

  // By Box and Muller, Ann. Math. Stat. 29, 610 (1958); 1 - lot is never 0.
  static std::array<double, 3> normal(std::uint64_t now, std::uint64_t id) {
    constexpr double turn = 6.283185307179586;
    const double one = std::sqrt(-2.0 * std::log1p(-lot(now, id))), angle = turn * lot(now ^ 1, id);
    const double other = std::sqrt(-2.0 * std::log1p(-lot(now ^ 2, id)));
    return {one * std::cos(angle), one * std::sin(angle), other * std::cos(turn * lot(now ^ 3, id))};
  }

  Band band_{};
  std::uint64_t key_ = 0;
  std::int64_t begun_ = 0, last_ = -1;
  bool waits_ = false;
  std::vector<double> temperatures_;
  std::vector<Sum> gained_;
};
