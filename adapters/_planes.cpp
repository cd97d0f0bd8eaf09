// The audit of a plane as a fix of Suture's own: it looks at the atoms and pairs near the plane after each step of a
// window, and sums what crossed.
//
// Compiled by measurement: in NumPy it took twice as long as the steps that it audits. As in `solvers/md/_inside.cpp`,
// all of it is laid out by LAMMPS' headers and serves the one version that `_inside.VERSION` names.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#pragma GCC visibility push(default)
#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "fix.h"
#include "force.h"
#include "lammps.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"
#pragma GCC visibility pop

#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "../solvers/md/_atoms.hpp"
#include "../solvers/md/_styles.hpp"
#include "_crossing.hpp"

namespace py = pybind11;
using LAMMPS_NS::Fix;
using LAMMPS_NS::LAMMPS;

namespace {

// fix ID group suture/plane AXIS AT COMPUTE
//
// COMPUTE is the ID of a `compute pair/local`, which is not evaluated: LAMMPS lists pairs for it when it is asked to.
class PlaneFix : public Fix {
 public:
  PlaneFix(LAMMPS *lammps, int count, char **words)
      : Fix(lammps, count, words), axis_(std::stoi(words[3])), at_(std::stod(words[4])), compute_(words[5]) {}

  int setmask() override { return LAMMPS_NS::FixConst::END_OF_STEP; }

  // Audit so many steps; the present instant is the beginning of the first.
  void start(int steps) {
    left_ = steps;
    crossing_ = Crossing(at_, update->dt, 0.5 * update->dt * force->ftm2v, force->mvv2e, comm->me == 0);
    list_ = find_list();
    look();
  }

  void end_of_step() override {
    if (left_ == 0) return;
    --left_;
    look();
    crossing_.add(last_, now_);
  }

  // Velocities were changed since the latest step: with those of now the next one begins.
  void renew() {
    now_.atoms = everyones(own());
    now_.find_powers();
  }

  const Crossing::Amounts &entered() const { return crossing_.entered(); }

 private:
  bool near(int i) const {
    return (atom->mask[i] & groupbit) && std::abs(atom->x[i][axis_] - at_) < neighbor->cutneighmax;
  }

  LAMMPS_NS::NeighList *find_list() const {
    const int place = modify->find_compute(compute_);
    for (int k = 0; place >= 0 && k < neighbor->nlist; ++k)
      if (neighbor->lists[k]->requestor == modify->compute[place]) return neighbor->lists[k];
    throw py::key_error("LAMMPS lists no pairs for compute '" + compute_ + "'");
  }

  void look() {
    std::swap(last_, now_);
    now_.atoms = everyones(own());
    now_.places.build(now_.atoms);
    now_.pairs.clear();
    neighbor->build_one(list_);
    for (int n = 0; n < list_->inum; ++n)
      if (const int i = list_->ilist[n]; near(i)) add_pairs(i, list_->firstneigh[i], list_->numneigh[i]);
    now_.find_powers();
  }

  std::vector<Particle> own() const {
    std::vector<Particle> found;
    for (int i = 0; i < atom->nlocal; ++i) {
      if (!near(i)) continue;
      const double *const v = atom->v[i], *const f = atom->f[i];
      found.push_back({atom->tag[i], atom->x[i][axis_], mass_of(*atom, i), {v[0], v[1], v[2]}, {f[0], f[1], f[2]}});
    }
    return found;
  }

  // All ranks' atoms, the same everywhere.
  std::vector<Particle> everyones(std::vector<Particle> own) const {
    if (comm->nprocs == 1) return own;
    const int bytes = static_cast<int>(own.size() * sizeof(Particle));
    std::vector<int> counts(comm->nprocs), begins(comm->nprocs);
    MPI_Allgather(&bytes, 1, MPI_INT, counts.data(), 1, MPI_INT, world);
    std::exclusive_scan(counts.begin(), counts.end(), begins.begin(), 0);
    std::vector<Particle> all((begins.back() + counts.back()) / sizeof(Particle));
    MPI_Allgatherv(own.data(), bytes, MPI_BYTE, all.data(), counts.data(), begins.data(), MPI_BYTE, world);
    return all;
  }

  // The pairs of an atom near the plane with others that are near it, those that this rank has to count.
  void add_pairs(int i, const int *others, int number) {
    LAMMPS_NS::Pair *const pair = force->pair;
    const int first = now_.places.of(atom->tag[i]);
    for (int n = 0; n < number; ++n) {
      const int j = others[n] & NEIGHMASK, special = others[n] >> SBBITS & 3;
      // Along a periodic axis a copy may be near the plane whose atom is at the other end.
      const int second = near(j) ? now_.places.of(atom->tag[j]) : -1;
      if (second < 0 || (!force->newton_pair && j >= atom->nlocal && !counts_here(i, j))) continue;
      const double *const x = atom->x[i], *const y = atom->x[j];
      const std::array<double, 3> apart{x[0] - y[0], x[1] - y[1], x[2] - y[2]};
      const double square = apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2];
      const int type = atom->type[i], other = atom->type[j];
      if (!(square < pair->cutsq[type][other])) continue;
      double per_length = 0.0;
      const double energy = pair->single(i, j, type, other, square, force->special_coul[special],
                                         force->special_lj[special], per_length);
      const std::array<double, 3> on_first{per_length * apart[0], per_length * apart[1], per_length * apart[2]};
      now_.pairs.push_back({first, second, on_first, energy, 0.0});
    }
  }

  // Of a pair that two ranks list, where each computes it for itself: whether it is this one's.
  bool counts_here(int i, int j) const {
    const auto one = atom->tag[i], other = atom->tag[j];
    if (one != other) return (one > other) == ((one + other) % 2 == 1);
    const double *const x = atom->x[i], *const y = atom->x[j];
    return y[2] != x[2] ? y[2] > x[2] : y[1] != x[1] ? y[1] > x[1] : y[0] > x[0];
  }

  int axis_;
  double at_;
  std::string compute_;
  LAMMPS_NS::NeighList *list_ = nullptr;
  int left_ = 0;
  Instant last_, now_;
  Crossing crossing_{0.0, 0.0, 0.0, 0.0, false};
};

}  // namespace

PYBIND11_MODULE(_planes, module) {
  using namespace py::literals;
  module.def(
      "define", [](std::uintptr_t address) { define<PlaneFix>(address, "suture/plane"); }, "lammps"_a,
      "Make the style `suture/plane` known.");
  module.def(
      "start",
      [](std::uintptr_t address, const std::string &id, int steps) { found<PlaneFix>(address, id).start(steps); },
      "lammps"_a, "id"_a, "steps"_a, "Audit so many steps from now on.");
  module.def(
      "renew", [](std::uintptr_t address, const std::string &id) { found<PlaneFix>(address, id).renew(); }, "lammps"_a,
      "id"_a, "Velocities were changed after a step: with those of now the next one begins.");
  module.def(
      "entered", [](std::uintptr_t address, const std::string &id) { return found<PlaneFix>(address, id).entered(); },
      "lammps"_a, "id"_a, "Mass, momentum and energy that came below the plane, (5,), this rank's share.");
}
