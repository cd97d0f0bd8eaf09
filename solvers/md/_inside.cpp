// What runs inside LAMMPS, next to its own memory: fixes that sum a wall's force and power, and the forces on atoms, and
// what LAMMPS forgets between two runs. Compiled by measurement: without it a window of 3,000 atoms costs a fifth more.
//
// All of it is laid out by LAMMPS' headers, so it serves the one version that VERSION names, and no other. `lammps` is
// the address of a LAMMPS everywhere.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

// LAMMPS' classes live in its library; pybind11 hides what is not marked.
#pragma GCC visibility push(default)
#include "atom.h"
#include "compute.h"
#include "fix.h"
#include "force.h"
#include "lammps.h"
#include "modify.h"
#include "update.h"
#pragma GCC visibility pop

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "_atoms.hpp"
#include "_members.hpp"
#include "_push.hpp"
#include "_styles.hpp"

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using LAMMPS_NS::Atom;
using LAMMPS_NS::Fix;
using LAMMPS_NS::LAMMPS;

namespace {

const char *const kStyle = "suture/wall";

// Sums, over the steps, the force on the atoms of a group and its power: fix ID group suture/wall [FORCE]
//
// FORCE is the ID of a `fix store/force`; without it the whole force counts. Each rank sums over its own atoms, so no
// step communicates. (LAMMPS has no sum of force times velocity, and an atom-style variable costs 4 to 7 % of a step.)
class WallFix : public MemberFix {
 public:
  using Sum = std::array<double, 4>;  // force x y z, power

  WallFix(LAMMPS *lammps, int count, char **words)
      : MemberFix(lammps, count, words), force_id_(count > 3 ? words[3] : "") {}

  void init() override {
    stored_ = nullptr;
    if (force_id_.empty()) return;
    const int place = modify->find_fix(force_id_);
    if (place < 0) {
      std::fprintf(stderr, "fix %s %s: there is no fix %s\n", id, kStyle, force_id_.c_str());
      MPI_Abort(world, 1);
    }
    stored_ = modify->fix[place];
  }

  void setup(int) override { now_ = instant(); }

  void end_of_step() override {
    now_ = instant();
    for (std::size_t k = 0; k < now_.size(); ++k) total_[k] += now_[k];
  }

  // What was summed since the last call, and what is there now.
  std::pair<Sum, Sum> take() {
    const Sum taken = total_;
    total_.fill(0.0);
    return {taken, now_};
  }

 private:
  Sum instant() const {
    Sum sum{};
    double *const *const force = stored_ ? stored_->array_atom : atom->f;
    for (const int i : members_) {
      const double *const f = force[i], *const v = atom->v[i];
      for (int axis = 0; axis < 3; ++axis) sum[axis] += f[axis];
      // One addition an atom: each has to wait for the one before.
      sum[3] += f[0] * v[0] + f[1] * v[1] + f[2] * v[2];
    }
    return sum;
  }

  std::string force_id_;
  Fix *stored_ = nullptr;
  Sum now_{}, total_{};
};

// What a set of atoms adds up to.
struct Moments {
  double number = 0.0, mass = 0.0;
  std::array<double, 3> momentum{};
  double square = 0.0;  // sum of m v^2

  void add(const Atom &atom, int i) {
    const double m = mass_of(atom, i);
    number += 1.0;
    mass += m;
    for (int axis = 0; axis < 3; ++axis) {
      const double v = atom.v[i][axis];
      momentum[axis] += m * v;
      square += m * v * v;
    }
  }

  void write(double *row) const {
    row[0] = number;
    row[1] = mass;
    std::copy(momentum.begin(), momentum.end(), row + 2);
    row[5] = square;
  }
};

constexpr py::ssize_t kMoments = 6;

// The bins between ascending edges; a bin has its lower edge and not its upper one. Most are equally wide, so a place's
// bin is guessed, and then looked for from there.
class Bins {
 public:
  explicit Bins(const Array &edges) : begin_(edges.data()), size_(edges.size() - 1) {
    if (edges.size() < 2 || !std::is_sorted(begin_, begin_ + edges.size()))
      throw std::invalid_argument("edges must ascend");
    const double length = begin_[size_] - begin_[0];
    if (std::isfinite(length) && length > 0.0) per_length_ = double(size_) / length;
  }
  py::ssize_t size() const { return size_; }
  // -1 or size() where there is none.
  py::ssize_t of(double place) const {
    if (!(place >= begin_[0])) return -1;
    if (!(place < begin_[size_])) return size_;
    auto bin = per_length_ > 0.0 ? std::min(static_cast<py::ssize_t>((place - begin_[0]) * per_length_), size_ - 1) : 0;
    while (place < begin_[bin]) --bin;
    while (place >= begin_[bin + 1]) ++bin;
    return bin;
  }

 private:
  const double *begin_;
  py::ssize_t size_;
  double per_length_ = 0.0;  // 0: bins reach to infinity
};

// Lets `run N pre no` know which computes store the times that they are asked for.
//
// LAMMPS forgets it as a run ends (Modify::post_run), and then takes every fix that evaluates a variable in a step, such
// as a wall that moves, to ask for all computes in the next one: it tallies energies, and those per atom, in every step
// of a run without `pre`, which is 16 % of the steps of 3,000 atoms. The list holds as long as no compute is defined,
// which such a run needs anyway.
struct OpenModify : LAMMPS_NS::Modify {
  static void list_computes(LAMMPS_NS::Modify *modify) { (modify->*(&OpenModify::list_init_compute))(); }
};

void resume(std::uintptr_t address) { OpenModify::list_computes(lammps_at(address)->modify); }

// Moments of a group's atoms in bins along an axis, (bins, 6).
Array moments(std::uintptr_t address, int group, int axis, const Array &edges) {
  const Atom &atom = *lammps_at(address)->atom;
  const Bins bins(edges);
  std::vector<Moments> sums(bins.size());
  const Component x(atom.x, atom.nlocal, axis);
  for (int i = 0; i < atom.nlocal; ++i) {
    const auto bin = bins.of(x[i]);
    if (bin >= 0 && bin < bins.size() && (atom.mask[i] & group)) sums[bin].add(atom, i);
  }
  Array table({bins.size(), kMoments});
  for (py::ssize_t bin = 0; bin < bins.size(); ++bin) sums[bin].write(table.mutable_data(bin));
  return table;
}

// Moments of the fluid's atoms between two planes, above them and below them, and the energies of a compute of all counted
// atoms there, (3, 7): of the fluid's and of those of `outer` where they are, and of those of `inner` between the planes,
// wherever they are.
Array sides(std::uintptr_t address, int fluid, int inner, int outer, int axis, double lower, double upper,
            const std::string &energies) {
  auto &modify = *lammps_at(address)->modify;
  const int place = modify.find_compute(energies);
  if (place < 0) throw py::key_error("no compute '" + energies + "'");
  auto &compute = *modify.compute[place];
  if (compute.invoked_peratom != lammps_at(address)->update->ntimestep) compute.compute_peratom();
  const double *const energy = compute.vector_atom;
  const Atom &atom = *lammps_at(address)->atom;
  std::array<Moments, 3> sums;
  std::array<double, 3> potential{};
  for (int i = 0; i < atom.nlocal; ++i) {
    const bool flows = atom.mask[i] & fluid;
    const double height = atom.x[i][axis];
    const int side = !(atom.mask[i] & (fluid | outer)) ? 0 : height < lower ? 2 : height < upper ? 0 : 1;
    if (flows) sums[side].add(atom, i);
    if (atom.mask[i] & (fluid | inner | outer)) potential[side] += energy[i];
  }
  Array table({py::ssize_t{3}, kMoments + 1});
  for (py::ssize_t side = 0; side < 3; ++side) {
    sums[side].write(table.mutable_data(side));
    *table.mutable_data(side, kMoments) = potential[side];
  }
  return table;
}

// Shifts the velocities of a group's atoms by their bin's `shift`, then scales what differs from `velocity`, all
// (bins, 3), by `factor`, (bins,). Returns what shift and scaling added: momentum and kinetic energy, (2, 4).
Array drive(std::uintptr_t address, int group, int axis, const Array &edges, const Array &shift, const Array &velocity,
            const Array &factor) {
  const Atom &atom = *lammps_at(address)->atom;
  const Bins bins(edges);
  if (shift.size() != 3 * bins.size() || velocity.size() != 3 * bins.size() || factor.size() != bins.size())
    throw std::invalid_argument("a shift, a velocity and a factor for each bin");
  Array table({2, 4});
  std::fill_n(table.mutable_data(), 8, 0.0);
  double *const shifted = table.mutable_data(0), *const scaled = table.mutable_data(1);
  const Component x(atom.x, atom.nlocal, axis);
  for (int i = 0; i < atom.nlocal; ++i) {
    const auto bin = bins.of(x[i]);
    if (bin < 0 || bin >= bins.size() || !(atom.mask[i] & group)) continue;
    const double m = mass_of(atom, i);
    for (int k = 0; k < 3; ++k) {
      const double before = atom.v[i][k], between = before + shift.data()[bin * 3 + k];
      const double mean = velocity.data()[bin * 3 + k], after = mean + factor.data()[bin] * (between - mean);
      shifted[k] += m * (between - before);
      shifted[3] += m * (between - before) * (between + before);
      scaled[k] += m * (after - between);
      scaled[3] += m * (after - between) * (after + between);
      atom.v[i][k] = after;
    }
  }
  for (double *const row : {shifted, scaled}) row[3] *= 0.5 * lammps_at(address)->force->mvv2e;
  return table;
}

}  // namespace

PYBIND11_MODULE(_inside, module) {
  module.attr("VERSION") = LAMMPS_NUMBER;
  module.def(
      "define",
      [](std::uintptr_t address) {
        define<WallFix>(address, kStyle);
        define<PushFix>(address, "suture/push");
      },
      py::arg("lammps"), "Make the styles `suture/wall` and `suture/push` known.");
  module.def("moments", &moments, py::arg("lammps"), py::arg("group"), py::arg("axis"), py::arg("edges"),
             "Number, mass, sum of m v and of m v^2 of a group's atoms in bins, (bins, 6), this rank's share.");
  module.def("sides", &sides, py::arg("lammps"), py::arg("fluid"), py::arg("inner"), py::arg("outer"),
             py::arg("axis"), py::arg("lower"), py::arg("upper"), py::arg("energies"),
             "The same between two planes, above and below them, and the sum of energies, (3, 7).");
  module.def("drive", &drive, py::arg("lammps"), py::arg("group"), py::arg("axis"), py::arg("edges"), py::arg("shift"),
             py::arg("velocity"), py::arg("factor"), "Shift and scale velocities; returns what that added, (2, 4).");
  module.def("resume", &resume, py::arg("lammps"), "To be called before each `run N pre no`.");
  module.def(
      "set_step", [](std::uintptr_t address, std::int64_t step) { lammps_at(address)->update->ntimestep = step; },
      py::arg("lammps"), py::arg("step"),
      "Go on from a step between two runs, as after a minimisation; `reset_timestep` refuses wherever a fix averages.");
  module.def(
      "tallied", [](std::uintptr_t address) { return lammps_at(address)->update->eflag_atom; }, py::arg("lammps"),
      "The latest step at which energies per atom were tallied.");
  module.def(
      "step", [](std::uintptr_t address) { return lammps_at(address)->update->ntimestep; }, py::arg("lammps"),
      "The present time step.");
  module.def(
      "take", [](std::uintptr_t address, const std::string &id) { return found<WallFix>(address, id).take(); },
      py::arg("lammps"), py::arg("id"),
      "Force and power: their sums over the steps since the last call, and those of the latest step, this rank's share.");
  module.def(
      "pushes",
      [](std::uintptr_t address, const std::string &id) {
        const auto sums = found<PushFix>(address, id).take();
        Array table({static_cast<py::ssize_t>(sums.size()), py::ssize_t{3}});
        if (!sums.empty()) std::copy_n(sums[0].data(), table.size(), table.mutable_data());
        return table;
      },
      py::arg("lammps"), py::arg("id"), "Force on each of this rank's atoms, (atoms, 3), summed since the last call.");
}
