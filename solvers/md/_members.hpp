// What fixes have in common that look at the atoms of their group after each step, for `_inside.cpp`.
#pragma once

#pragma GCC visibility push(default)
#include "atom.h"
#include "fix.h"
#pragma GCC visibility pop

#include <vector>

// Knows which of this rank's atoms are of the group.
class MemberFix : public LAMMPS_NS::Fix {
 public:
  using Fix::Fix;

  int setmask() override { return LAMMPS_NS::FixConst::PRE_NEIGHBOR | LAMMPS_NS::FixConst::END_OF_STEP; }

  // Atoms change their places only just before neighbours are looked for.
  void setup_pre_neighbor() override { pre_neighbor(); }
  void pre_neighbor() override {
    members_.clear();
    for (int i = 0; i < atom->nlocal; ++i)
      if (atom->mask[i] & groupbit) members_.push_back(i);
  }

 protected:
  std::vector<int> members_;
};
