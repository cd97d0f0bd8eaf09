// The fix that closes an open end, for `_open.cpp`.
#pragma once

#pragma GCC visibility push(default)
#include "atom.h"
#include "fix.h"
#include "neighbor.h"
#include "update.h"
#pragma GCC visibility pop

#include <array>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "_atoms.hpp"

// The end of the box where the fluid goes on: fix ID group suture/end AXIS SIGN
//
// SIGN is 1 for the upper end of the axis and -1 for the lower one. Atoms feel the mean force of the fluid that is not
// there, a table over the distance from the end, and are mirrored by the end, which moves. Force, power, and what
// mirroring gave are summed over the steps, each rank over its own atoms.
class EndFix : public LAMMPS_NS::Fix {
 public:
  using Sum = std::array<double, 2>;  // force along the axis, power

  EndFix(LAMMPS_NS::LAMMPS *lammps, int count, char **words) : LAMMPS_NS::Fix(lammps, count, words) {
    if (count != 5) throw std::invalid_argument("fix suture/end: an axis and a sign");
    axis_ = std::atoi(words[3]);
    sign_ = std::atof(words[4]);
    place_ = sign_ * std::numeric_limits<double>::max();
  }

  int setmask() override {
    using namespace LAMMPS_NS::FixConst;
    return POST_INTEGRATE | POST_FORCE | END_OF_STEP;
  }

  double place() const { return place_ + velocity_ * update->dt * double(update->ntimestep - since_); }

  void put(double place) {
    place_ = place;
    since_ = update->ntimestep;
    stale_ = true;
  }

  // How it goes on, from the next evaluation of forces on. `force`: at equal distances from 0 to `reach`; what it is
  // `lacking` at the end is added, and falls linearly to 0 at `reach`.
  void move(double velocity, std::vector<double> force, double lacking, double reach) {
    place_ = place();
    since_ = update->ntimestep;
    velocity_ = velocity;
    const double spacing = force.size() > 1 ? reach / double(force.size() - 1) : 0.0;
    for (std::size_t k = 0; k < force.size(); ++k) force[k] += lacking * (1.0 - double(k) * spacing / reach);
    stale_ = stale_ || spacing * double(force.size()) > spacing_ * double(force_.size());
    force_ = std::move(force);
    spacing_ = spacing;
    per_spacing_ = spacing > 0.0 ? 1.0 / spacing : 0.0;
  }

  // Force and power at the beginning of a window, after velocities were changed, by the force that atoms feel now.
  void open() {
    if (stale_) refresh();
    first_ = now_ = instant();
  }

  void setup(int flag) override {
    post_force(flag);
    open();
  }

  void post_force(int) override {
    if (stale_ || neighbor->ago == 0) refresh();
    const double end = place();
    const Component x = along(atom->x), f = along(atom->f);
    for (auto &[i, felt] : near_) {
      felt = inward(sign_ * (end - x[i]));
      f[i] += felt;
    }
  }

  // Within a step an atom goes to the end and back, while both kicks are by the forces at the step's ends: their work is
  // f (v + v') dt / 2, but the potential energy falls by f (x' - x). The difference, of first order in dt for one atom
  // though 0 in the mean, is the end's doing, and goes into what it gave.
  void post_integrate() override {
    const double end = place(), dt = update->dt;
    const Component places = along(atom->x);
    for (const auto &[i, felt] : near_) {
      if (!(sign_ * (places[i] - end) > 0.0)) continue;
      double &x = places[i], &v = atom->v[i][axis_];
      const double m = mass_of(*atom, i), before = v, from = x - v * dt, by_atoms = atom->f[i][axis_] - felt;
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
  struct Near {
    int index;
    double felt;  // force at the latest evaluation
  };

  Component along(double *const *rows) const { return {rows, atom->nlocal, axis_}; }

  // Force along the axis at a distance from the end.
  double inward(double distance) const {
    if (!(distance >= 0.0)) return 0.0;
    const double at = distance * per_spacing_;
    const auto bin = static_cast<std::size_t>(at);
    if (bin + 1 >= force_.size()) return 0.0;
    return -sign_ * (force_[bin] + (at - double(bin)) * (force_[bin + 1] - force_[bin]));
  }

  // Which atoms may come near to the end before neighbours are listed anew, by when none has gone further than half of the
  // skin; to look at all of them in each step took a tenth of it.
  void refresh() {
    near_.clear();
    const double end = place(), reach = spacing_ * double(force_.size()) + 2.0 * neighbor->skin;
    const Component x = along(atom->x);
    for (int i = 0, own = atom->nlocal; i < own; ++i)
      if (sign_ * (end - x[i]) < reach && (atom->mask[i] & groupbit)) near_.push_back({i, 0.0});
    stale_ = false;
  }

  Sum instant() const {
    Sum sum{};
    const Component v = along(atom->v);
    for (const auto &[i, felt] : near_) {
      sum[0] += felt;
      sum[1] += felt * v[i];
    }
    return sum;
  }

  int axis_ = 2;
  double sign_ = 1.0, place_ = 0.0, velocity_ = 0.0, spacing_ = 0.0, per_spacing_ = 0.0;
  LAMMPS_NS::bigint since_ = 0;
  std::vector<double> force_;
  std::vector<Near> near_;
  bool stale_ = true;
  Sum first_{}, now_{}, total_{}, mirrored_{};
  double folded_ = 0.0;
};
