// Lets each atom's own energy count by a weight, as a fix of Suture's own: LAMMPS has weights of types at the most.
//
// As in `_inside.cpp`, all of it is laid out by LAMMPS' headers and serves the one version that `_inside.VERSION` names.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#pragma GCC visibility push(default)
#include "fix.h"
#include "lammps.h"
#include "modify.h"
#pragma GCC visibility pop

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "_blend.hpp"
#include "_styles.hpp"

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

namespace {

const char *const kStyle = "suture/blend";

// What a `fix property/atom` keeps under a name.
double *kept(LAMMPS_NS::Atom &atom, const std::string &name) {
  int kind, columns;
  const int place = atom.find_custom(name.c_str(), kind, columns);
  if (place < 0) throw py::key_error(name);
  return atom.dvector[place];
}

void set(std::uintptr_t address, const std::string &name, const Array &values) {
  auto &atom = *lammps_at(address)->atom;
  if (values.size() != atom.nlocal) throw std::invalid_argument("a value for each atom that is here");
  std::copy_n(values.data(), atom.nlocal, kept(atom, name));
}

Array get(std::uintptr_t address, const std::string &name) {
  auto &atom = *lammps_at(address)->atom;
  return Array(atom.nlocal, kept(atom, name));
}

}  // namespace

PYBIND11_MODULE(_blend, module) {
  using namespace py::literals;
  module.def(
      "define", [](std::uintptr_t address) { define<BlendFix>(address, kStyle); }, "lammps"_a,
      "Make the style `suture/blend` known.");
  module.def("set", &set, "lammps"_a, "name"_a, "values"_a,
             "What a `fix property/atom` keeps of this rank's atoms, (atoms,); felt from the next setup on.");
  module.def("get", &get, "lammps"_a, "name"_a, "The same, (atoms,).");
  module.def(
      "possible", [](std::uintptr_t address, const std::string &id) { return found<BlendFix>(address, id).possible(); },
      "lammps"_a, "id"_a, "Whether the script's interactions can be weighed.");
  module.def(
      "strays", [](std::uintptr_t address, const std::string &id) { return found<BlendFix>(address, id).strays(); },
      "lammps"_a, "id"_a, "How many pairs were weighed that hold an atom of another group.");
}
