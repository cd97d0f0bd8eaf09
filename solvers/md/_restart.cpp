// What a restart of LAMMPS needs besides its atoms' places: an order of the atoms that does not depend on the past, the
// states of its fixes, and the words of those that draw random numbers and keep no record of where they are.
//
// As in `_inside.cpp`, all of it is laid out by LAMMPS' headers and serves the one version that `_inside.VERSION` names.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#pragma GCC visibility push(default)
#include "atom.h"
#include "compute.h"
#include "fix.h"
#include "lammps.h"
#include "modify.h"
#include "update.h"

namespace LAMMPS_NS {
// The library has it; Debian's headers do not.
class AtomVec {
 public:
  void grow(int);
  void copy(int, int, int);
};
}  // namespace LAMMPS_NS
#pragma GCC visibility pop

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "_styles.hpp"

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using LAMMPS_NS::Fix;
using LAMMPS_NS::LAMMPS;

namespace {

// Puts this rank's atoms in the order of their ids, as Atom::sort does in that of their places; no ghosts are left.
void arrange(std::uintptr_t address) {
  auto &atom = *lammps_at(address)->atom;
  const int n = atom.nlocal;
  if (n == atom.nmax) atom.avec->grow(0);
  std::vector<int> from(n);  // the atom to come to a place
  std::iota(from.begin(), from.end(), 0);
  std::sort(from.begin(), from.end(), [&](int a, int b) { return atom.tag[a] < atom.tag[b]; });
  for (int i = 0; i < n; ++i) {
    if (from[i] == i) continue;
    // Round a cycle, with the place behind the last atom in between.
    atom.avec->copy(i, n, 0);
    int empty = i;
    while (from[empty] != i) {
      atom.avec->copy(from[empty], empty, 0);
      empty = std::exchange(from[empty], empty);
    }
    atom.avec->copy(n, empty, 0);
    from[empty] = empty;
  }
  atom.nghost = 0;
}

using Words = std::vector<std::string>;
using Creator = Fix *(*)(LAMMPS *, int, char **);

const char *const kDrawing = "langevin";
Creator original = nullptr;
std::map<LAMMPS *, std::map<std::string, Words>> drawing;

Fix *recorded(LAMMPS *lammps, int count, char **words) {
  if (count > 0) drawing[lammps][words[0]] = Words(words, words + count);
  return original(lammps, count, words);
}

// From now on the words of every `fix langevin` are kept, as LAMMPS understood them.
void record(std::uintptr_t address) {
  drawing.erase(lammps_at(address));  // of one that was at this address before
  auto &styles = *lammps_at(address)->modify->fix_map;
  const auto found = styles.find(kDrawing);
  if (found == styles.end() || found->second == recorded) return;
  original = found->second;
  found->second = recorded;
}

// The words of those that are there.
std::vector<Words> recorded_words(std::uintptr_t address) {
  LAMMPS *const lammps = lammps_at(address);
  std::vector<Words> found;
  for (const auto &[id, words] : drawing[lammps])
    if (lammps->modify->find_fix(id) >= 0) found.push_back(words);
  return found;
}

Fix &fix_at(std::uintptr_t address, const std::string &id) {
  auto *const modify = lammps_at(address)->modify;
  const int place = modify->find_fix(id);
  if (place < 0) throw py::key_error(id);
  return *modify->fix[place];
}

// The ids of all fixes that have a state of the whole, and of those that have one of each atom.
std::pair<Words, Words> with_state(std::uintptr_t address) {
  const auto &modify = *lammps_at(address)->modify;
  std::pair<Words, Words> found;
  for (int k = 0; k < modify.nfix; ++k) {
    if (modify.fix[k]->restart_global) found.first.push_back(modify.fix[k]->id);
    if (modify.fix[k]->restart_peratom) found.second.push_back(modify.fix[k]->id);
  }
  return found;
}

// A fix's state as it writes it to a restart file: on the first rank; empty on the others. Collective.
py::bytes state(std::uintptr_t address, const std::string &id) {
  char *content = nullptr;
  std::size_t length = 0;
  std::FILE *const file = open_memstream(&content, &length);
  if (file == nullptr) throw std::runtime_error("no memory for a fix's state");
  fix_at(address, id).write_restart(file);
  std::fclose(file);
  // The first number is the size of what follows.
  const std::size_t head = std::min(length, sizeof(int));
  py::bytes kept(content + head, length - head);
  std::free(content);
  return kept;
}

// Gives a fix its state, the same on all ranks.
void put_state(std::uintptr_t address, const std::string &id, std::string kept) {
  // As numbers: what reads it takes it for an array of them.
  std::vector<double> aligned(kept.size() / sizeof(double) + 1);
  std::memcpy(aligned.data(), kept.data(), kept.size());
  fix_at(address, id).restart(reinterpret_cast<char *>(aligned.data()));
}

// What a fix keeps of each of this rank's atoms, (atoms, most numbers that it has of one); a row begins with its length.
Array atom_states(std::uintptr_t address, const std::string &id) {
  Fix &fix = fix_at(address, id);
  const int n = lammps_at(address)->atom->nlocal, width = fix.maxsize_restart();
  Array table({py::ssize_t(n), py::ssize_t(width)});
  std::fill_n(table.mutable_data(), table.size(), 0.0);
  for (int i = 0; i < n; ++i) fix.pack_restart(i, table.mutable_data(i));
  return table;
}

// Gives it back, in the present order of the atoms.
void put_atom_states(std::uintptr_t address, const std::string &id, Array table) {
  Fix &fix = fix_at(address, id);
  auto &atom = *lammps_at(address)->atom;
  std::vector<double *> rows(atom.nlocal);
  for (int i = 0; i < atom.nlocal; ++i) rows[i] = table.mutable_data(i);
  atom.extra = rows.data();
  for (int i = 0; i < atom.nlocal; ++i) fix.unpack_restart(i, 0);
  atom.extra = nullptr;
}

// Lets all computes be asked in the next setup, as in a first one: what they know is of atoms in another order.
void ask_all(std::uintptr_t address) {
  auto *const lammps = lammps_at(address);
  auto &modify = *lammps->modify;
  modify.addstep_compute_all(lammps->update->ntimestep);
  for (int k = 0; k < modify.ncompute; ++k) {
    auto &compute = *modify.compute[k];
    compute.invoked_scalar = compute.invoked_vector = compute.invoked_array = -1;
    compute.invoked_peratom = compute.invoked_local = -1;
  }
}

}  // namespace

PYBIND11_MODULE(_restart, module) {
  module.def("arrange", &arrange, py::arg("lammps"), "Put this rank's atoms in the order of their ids, between two runs.");
  module.def("record", &record, py::arg("lammps"), "Keep the words of every `fix langevin` from now on.");
  module.def("recorded", &recorded_words, py::arg("lammps"), "The words of each `fix langevin` that is there.");
  module.def("with_state", &with_state, py::arg("lammps"),
             "Ids of the fixes with a state of the whole, and of those with one of each atom.");
  module.def("state", &state, py::arg("lammps"), py::arg("id"), "A fix's state of the whole, on the first rank. Collective.");
  module.def("put_state", &put_state, py::arg("lammps"), py::arg("id"), py::arg("state"), "Give it back, on all ranks.");
  module.def("atom_states", &atom_states, py::arg("lammps"), py::arg("id"),
             "A fix's state of each of this rank's atoms, (atoms, numbers).");
  module.def("put_atom_states", &put_atom_states, py::arg("lammps"), py::arg("id"), py::arg("states"), "Give it back.");
  module.def("ask_all", &ask_all, py::arg("lammps"), "Ask all computes in the next setup.");
}
