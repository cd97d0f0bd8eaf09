// The fix that weighs atoms' energies, for `_blend.cpp`.
#pragma once

#pragma GCC visibility push(default)
#include "atom.h"
#include "comm.h"
#include "fix.h"
#include "force.h"
#include "lammps.h"
#include "neigh_list.h"
#include "pair.h"
#pragma GCC visibility pop

#include <algorithm>
#include <cmath>
#include <vector>

// Makes forces those of the energy that is the sum over atoms of w E, each one's own energy by its weight: fix ID group
// suture/blend
//
// With pairs phi, electron densities rho and embedding energies F, the force between two atoms is the derivative of
//
//   (w_i + w_j) / 2 phi, and  w_i F'(i) rho_j' + w_j F'(j) rho_i'.
//
// What that is more than LAMMPS' own force is added, where a weight is not 1. The pair style tells the force of a pair by
// F' in an array that is exchanged for others here (`swap_eam`). Weights are those of a `fix property/atom` with ghosts.
//
// Where there is a `d_suture_share` too, atoms of the group have that part of their mass: the force on them is divided by
// it, as LAMMPS divides by all of it.
class BlendFix : public LAMMPS_NS::Fix {
 public:
  BlendFix(LAMMPS_NS::LAMMPS *lammps, int count, char **words) : LAMMPS_NS::Fix(lammps, count, words) {}

  int setmask() override { return LAMMPS_NS::FixConst::POST_FORCE; }

  void setup(int flag) override { post_force(flag); }

  // How many of this rank's pairs were weighed that hold an atom of another group, since setup.
  long strays() const { return strays_; }

  // Whether forces of single pairs tell all of the atoms' energy.
  bool possible() const {
    const LAMMPS_NS::Force &of = *force;
    const bool others = of.bond || of.angle || of.dihedral || of.improper || of.kspace;
    return of.pair && of.pair->single_enable && !others && (embeds() || !of.pair->manybody_flag);
  }

  void post_force(int) override {
    int kind, columns;
    const int place = atom->find_custom("suture_weight", kind, columns);
    weight_ = atom->dvector[place];
    strays_ = 0;
    const int all = atom->nlocal + atom->nghost;
    double **const f = atom->f;
    if (force->newton_pair) std::fill_n(f[atom->nlocal], 3 * atom->nghost, 0.0);
    if (embeds()) {
      double *own = exchange(nullptr);
      lacking_.resize(all);
      none_.assign(all, 0.0);
      for (int i = 0; i < all; ++i) lacking_[i] = (weight_[i] - 1.0) * own[i];
      exchange(lacking_.data());
      add(1.0, 0.0);
      exchange(none_.data());
      add(-2.0, 0.5);
      exchange(own);
    } else {
      add(-1.0, 0.5);
    }
    if (force->newton_pair) comm->reverse_comm();
    share_out();
  }

 private:
  void share_out() const {
    int kind, columns;
    const int place = atom->find_custom("suture_share", kind, columns);
    if (place < 0) return;
    const double *const share = atom->dvector[place];
    for (int i = 0; i < atom->nlocal; ++i)
      if (atom->mask[i] & groupbit)
        for (int k = 0; k < 3; ++k) atom->f[i][k] /= share[i];
  }

  // Gives the pair style another array of F', and returns the one that it had.
  double *exchange(double *other) const {
    double *held = nullptr;
    force->pair->swap_eam(other, &held);
    return held;
  }

  bool embeds() const {
    double none = 0.0, *held = &none;
    force->pair->swap_eam(nullptr, &held);
    if (held == &none) return false;  // a style without such an array leaves all as it is
    exchange(held);
    return true;
  }

  // Adds the pair style's force of each pair, times `alone` and `each` times the sum of both weights.
  void add(double alone, double each) {
    const LAMMPS_NS::NeighList &list = *force->pair->list;
    double **const x = atom->x;
    const int *const type = atom->type;
    for (int ii = 0; ii < list.inum; ++ii) {
      const int i = list.ilist[ii];
      const double excess = excess_of(i);
      for (int jj = 0; jj < list.numneigh[i]; ++jj) {
        const int j = list.firstneigh[i][jj] & NEIGHMASK;
        if (weight_[i] == 1.0 && weight_[j] == 1.0) continue;
        const double apart[3] = {x[i][0] - x[j][0], x[i][1] - x[j][1], x[i][2] - x[j][2]};
        const double square = apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2];
        if (!(square < force->pair->cutsq[type[i]][type[j]])) continue;
        double per_length = 0.0;
        force->pair->single(i, j, type[i], type[j], square, 1.0, 1.0, per_length);
        push(i, j, apart, (per_length - excess / square) * (alone + each * (weight_[i] + weight_[j])));
      }
    }
  }

  // What a pair's force by its distance, times its square, is too large by: `single` of embedded atoms takes the embedding
  // energy's share of the pair for one of pair energy. Far beyond the cut-off nothing else is left.
  double excess_of(int i) const {
    const int type = atom->type[i];
    const double square = 1e8 * force->pair->cutsq[type][type];
    double per_length = 0.0;
    const double energy = force->pair->single(i, i, type, type, square, 1.0, 1.0, per_length);
    return std::abs(per_length * square - energy) < 0.5 * std::abs(energy) ? energy : 0.0;
  }

  void push(int i, int j, const double *apart, double per_length) {
    if (!(atom->mask[i] & atom->mask[j] & groupbit)) ++strays_;
    double *const on = atom->f[i], *const back = atom->f[j];
    const bool felt = force->newton_pair || j < atom->nlocal;
    for (int k = 0; k < 3; ++k) {
      on[k] += per_length * apart[k];
      if (felt) back[k] -= per_length * apart[k];
    }
  }

  const double *weight_ = nullptr;
  long strays_ = 0;
  std::vector<double> lacking_, none_;
};
