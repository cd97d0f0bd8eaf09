// Atoms that come and go while neighbours are listed anew, for `_open.cpp`.
#pragma once

#pragma GCC visibility push(default)
#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "fix.h"
#include "lammps.h"
#include "library.h"
#include "update.h"
#pragma GCC visibility pop

#include <cstdint>
#include <exception>
#include <functional>
#include <unordered_set>
#include <utility>
#include <vector>

// Calls once where neighbours are listed anew, before atoms change ranks: fix ID all suture/exchange
//
// There atoms have their places at the step's end and the velocities of its middle, copies know their places too, and
// forces are those of the step's beginning. What comes or goes there costs no setup and no list of its own.
class ExchangeFix : public LAMMPS_NS::Fix {
 public:
  ExchangeFix(LAMMPS_NS::LAMMPS *lammps, int count, char **words) : LAMMPS_NS::Fix(lammps, count, words) {
    force_reneighbor = 1;
    next_reneighbor = -1;
  }

  int setmask() override { return LAMMPS_NS::FixConst::PRE_EXCHANGE; }

  // Neighbours are listed in so many steps if they were not before.
  void await(std::function<void()> call, int steps) {
    call_ = std::move(call);
    next_reneighbor = update->ntimestep + steps;
  }

  // LAMMPS' own code lies between here and whoever began the run, and no exception passes through it.
  void pre_exchange() override {
    if (!call_) return;
    next_reneighbor = -1;
    comm->forward_comm();
    try {
      std::exchange(call_, nullptr)();
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  // After the run: throws what the call has thrown.
  void rethrow() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  std::function<void()> call_;
  std::exception_ptr error_;
};

// The axis along which atoms can leave the box: neither periodic nor wrapped around them; -1 without one.
inline int way_out(const LAMMPS_NS::Domain &domain) {
  for (int axis = 0; axis < 3; ++axis)
    if (domain.boundary[axis][1] == 1) return axis;
  return -1;
}

// Makes atoms at these places with these velocities, (n, 3) both and the same on all ranks, members of the groups of
// `bits`: each on the rank in whose part of the box it is. Returns how many there are in all.
inline std::int64_t create(LAMMPS_NS::LAMMPS &lmp, const std::vector<LAMMPS_NS::tagint> &ids,
                           const std::vector<int> &types, const double *places, const double *velocities, int bits) {
  LAMMPS_NS::Atom &atom = *lmp.atom;
  const int before = atom.nlocal;
  const auto all = atom.natoms;
  lammps_create_atoms(&lmp, static_cast<int>(ids.size()), ids.data(), types.data(), places, velocities, nullptr, 0);
  for (int i = before; i < atom.nlocal; ++i) atom.mask[i] |= bits;
  return atom.natoms - all;
}

// Puts the atoms with these ids, the same on all ranks, out of the box, where they are lost as atoms change ranks.
inline void expel(const LAMMPS_NS::LAMMPS &lmp, const std::vector<std::int64_t> &ids) {
  LAMMPS_NS::Atom &atom = *lmp.atom;
  const int axis = way_out(*lmp.domain);
  const std::unordered_set<std::int64_t> leaving(ids.begin(), ids.end());
  for (int i = 0; i < atom.nlocal; ++i)
    if (leaving.count(atom.tag[i])) atom.x[i][axis] = lmp.domain->boxhi[axis] + lmp.domain->prd[axis];
  atom.natoms -= static_cast<LAMMPS_NS::bigint>(ids.size());
}
