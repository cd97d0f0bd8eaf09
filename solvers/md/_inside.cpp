// What runs inside LAMMPS, next to its own memory: a fix that sums a wall's force and power, and what LAMMPS forgets
// between two runs. Compiled by measurement: without it a window of 3,000 atoms costs a fifth more.
//
// All of it is laid out by LAMMPS' headers, so it serves the one version that VERSION names, and no other. `lammps` is
// the address of a LAMMPS everywhere.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

// LAMMPS' classes live in its library; pybind11 hides what is not marked.
#pragma GCC visibility push(default)
#include "atom.h"
#include "fix.h"
#include "lammps.h"
#include "modify.h"
#include "update.h"
#pragma GCC visibility pop

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace py = pybind11;
using LAMMPS_NS::Fix;
using LAMMPS_NS::LAMMPS;

namespace {

const char *const kStyle = "suture/wall";

// Sums, over the steps, the force on the atoms of a group and its power: fix ID group suture/wall [FORCE]
//
// FORCE is the ID of a `fix store/force`; without it the whole force counts. Each rank sums over its own atoms, so no
// step communicates. (LAMMPS has no sum of force times velocity, and an atom-style variable costs 4 to 7 % of a step.)
class WallFix : public Fix {
 public:
  using Sum = std::array<double, 4>;  // force x y z, power

  WallFix(LAMMPS *lammps, int count, char **words)
      : Fix(lammps, count, words), force_id_(count > 3 ? words[3] : "") {}

  int setmask() override { return LAMMPS_NS::FixConst::END_OF_STEP; }

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

  const Sum &now() const { return now_; }

  // What was summed since the last call.
  Sum take() {
    const Sum taken = total_;
    total_.fill(0.0);
    return taken;
  }

 private:
  Sum instant() const {
    Sum sum{};
    double *const *const force = stored_ ? stored_->array_atom : atom->f;
    for (int i = 0; i < atom->nlocal; ++i) {
      if (!(atom->mask[i] & groupbit)) continue;
      for (int axis = 0; axis < 3; ++axis) {
        sum[axis] += force[i][axis];
        sum[3] += force[i][axis] * atom->v[i][axis];
      }
    }
    return sum;
  }

  std::string force_id_;
  Fix *stored_ = nullptr;
  Sum now_{}, total_{};
};

LAMMPS *lammps_at(std::uintptr_t address) { return reinterpret_cast<LAMMPS *>(address); }

// Makes the style known to one LAMMPS.
void define(std::uintptr_t address) {
  (*lammps_at(address)->modify->fix_map)[kStyle] = [](LAMMPS *lammps, int count, char **words) -> Fix * {
    return new WallFix(lammps, count, words);
  };
}

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

WallFix &found(std::uintptr_t address, const std::string &id) {
  auto *const modify = lammps_at(address)->modify;
  const int place = modify->find_fix(id);
  auto *const fix = place < 0 ? nullptr : dynamic_cast<WallFix *>(modify->fix[place]);
  if (fix == nullptr) throw py::key_error("no fix '" + id + "' of style " + kStyle);
  return *fix;
}

py::array_t<double> row(const WallFix::Sum &sum) {
  return py::array_t<double>(static_cast<py::ssize_t>(sum.size()), sum.data());
}

}  // namespace

PYBIND11_MODULE(_inside, module) {
  module.attr("VERSION") = LAMMPS_NUMBER;
  module.def("define", &define, py::arg("lammps"), "Make the style `suture/wall` known.");
  module.def("resume", &resume, py::arg("lammps"), "To be called before each `run N pre no`.");
  module.def(
      "tallied", [](std::uintptr_t address) { return lammps_at(address)->update->eflag_atom; }, py::arg("lammps"),
      "The latest step at which energies per atom were tallied.");
  module.def(
      "now", [](std::uintptr_t address, const std::string &id) { return row(found(address, id).now()); },
      py::arg("lammps"), py::arg("id"), "Force and power after the latest step, (4,), this rank's share.");
  module.def(
      "take", [](std::uintptr_t address, const std::string &id) { return row(found(address, id).take()); },
      py::arg("lammps"), py::arg("id"), "Their sums over the steps since the last call, (4,), this rank's share.");
}
