// Lets LAMMPS damp and heat bands of atoms step by step, as a fix of Suture's own: LAMMPS has no rate that grows with the
// way into a band, and no book of what each part of it was given.
//
// As in `_inside.cpp`, all of it is laid out by LAMMPS' headers and serves the one version that `_inside.VERSION` names.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#pragma GCC visibility push(default)
#include "domain.h"
#include "fix.h"
#include "lammps.h"
#include "modify.h"
#pragma GCC visibility pop

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "_bath.hpp"
#include "_styles.hpp"

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

namespace {

const char *const kStyle = "suture/bath";

void set(std::uintptr_t address, const std::string &id, std::array<double, 3> lower, std::array<double, 3> upper,
         std::vector<double> edges, double rate, double length, double power, std::uint64_t key) {
  if (edges.size() < 2 || edges.front() != 0.0 || !std::is_sorted(edges.begin(), edges.end()))
    throw std::invalid_argument("edges must ascend from 0");
  found<BathFix>(address, id).set({lower, upper, std::move(edges), rate, length, power}, key);
}

void heat(std::uintptr_t address, const std::string &id, std::vector<double> temperatures) {
  BathFix &fix = found<BathFix>(address, id);
  if (temperatures.size() != fix.slabs()) throw std::invalid_argument("a temperature for each slab");
  fix.heat(std::move(temperatures));
}

Array take(std::uintptr_t address, const std::string &id) {
  const auto sums = found<BathFix>(address, id).take();
  Array table({static_cast<py::ssize_t>(sums.size()), py::ssize_t{4}});
  if (!sums.empty()) std::copy_n(sums[0].data(), table.size(), table.mutable_data());
  return table;
}

}  // namespace

PYBIND11_MODULE(_bath, module) {
  using namespace py::literals;
  module.def(
      "define", [](std::uintptr_t address) { define<BathFix>(address, kStyle); }, "lammps"_a,
      "Make the style `suture/bath` known.");
  module.def("set", &set, "lammps"_a, "id"_a, "lower"_a, "upper"_a, "edges"_a, "rate"_a, "length"_a, "power"_a, "key"_a,
             "Where the bath acts and how strongly; all slabs are at temperature 0 at first.");
  module.def("heat", &heat, "lammps"_a, "id"_a, "temperatures"_a, "Temperatures of the slabs.");
  module.def(
      "begin",
      [](std::uintptr_t address, const std::string &id, std::int64_t last, bool waits) {
        found<BathFix>(address, id).begin(last, waits);
      },
      "lammps"_a, "id"_a, "last"_a, "waits"_a,
      "Act over half a step, and then as long as steps go on, to the step `last`; with `waits` when told so.");
  module.def(
      "between_steps", [](std::uintptr_t address, const std::string &id) { found<BathFix>(address, id).between_steps(); },
      "lammps"_a, "id"_a, "Act as is due after a step, where the bath waits.");
  module.def("take", &take, "lammps"_a, "id"_a,
             "Sums of what m v and m v^2 gained since the last call, (slabs, 4), this rank's share.");
}
