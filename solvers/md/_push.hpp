// The fix that sums forces atom by atom, for `_inside.cpp`.
#pragma once

#pragma GCC visibility push(default)
#include "atom.h"
#include "fix.h"
#pragma GCC visibility pop

#include <algorithm>
#include <array>
#include <vector>

#include "_members.hpp"

// Sums the force on each atom of a group over the steps: fix ID group suture/push
//
// LAMMPS' own means of atoms (`ave/atom`) look at every atom in every step, which is 3 % of the steps of 10,500 atoms of
// which an eighth is asked for. The sums go with the atoms from rank to rank.
class PushFix : public MemberFix {
 public:
  using Force = std::array<double, 3>;

  PushFix(LAMMPS_NS::LAMMPS *lammps, int count, char **words) : MemberFix(lammps, count, words) {
    maxexchange = 3;
    grow_arrays(atom->nmax);
    atom->add_callback(LAMMPS_NS::Atom::GROW);
  }

  ~PushFix() override { atom->delete_callback(id, LAMMPS_NS::Atom::GROW); }

  void end_of_step() override {
    for (const int i : members_)
      for (int k = 0; k < 3; ++k) sums_[i][k] += atom->f[i][k];
  }

  void grow_arrays(int size) override { sums_.resize(std::max<std::size_t>(size, sums_.size()), Force{}); }
  void copy_arrays(int from, int to, int) override { sums_[to] = sums_[from]; }

  int pack_exchange(int i, double *to) override {
    std::copy(sums_[i].begin(), sums_[i].end(), to);
    return 3;
  }

  int unpack_exchange(int i, double *from) override {
    std::copy_n(from, 3, sums_[i].begin());
    return 3;
  }

  // Since the last call, of each of this rank's atoms, (atoms, 3).
  std::vector<Force> take() {
    std::vector<Force> taken(sums_.begin(), sums_.begin() + atom->nlocal);
    std::fill(sums_.begin(), sums_.end(), Force{});
    return taken;
  }

 private:
  std::vector<Force> sums_;
};
