// Fixes of Suture's own in a LAMMPS: how their styles become known to it, and how a fix is found by its ID.
#pragma once

#include <pybind11/pybind11.h>

#pragma GCC visibility push(default)
#include "fix.h"
#include "lammps.h"
#include "modify.h"
#pragma GCC visibility pop

#include <cstdint>
#include <string>

namespace {

inline LAMMPS_NS::LAMMPS *lammps_at(std::uintptr_t address) { return reinterpret_cast<LAMMPS_NS::LAMMPS *>(address); }

template <typename Style>
void define(std::uintptr_t address, const char *name) {
  (*lammps_at(address)->modify->fix_map)[name] = [](LAMMPS_NS::LAMMPS *lammps, int count, char **words) {
    return static_cast<LAMMPS_NS::Fix *>(new Style(lammps, count, words));
  };
}

template <typename Style>
Style &found(std::uintptr_t address, const std::string &id) {
  auto *const modify = lammps_at(address)->modify;
  const int place = modify->find_fix(id);
  auto *const fix = place < 0 ? nullptr : dynamic_cast<Style *>(modify->fix[place]);
  if (fix == nullptr) throw pybind11::key_error("no fix '" + id + "' of that style");
  return *fix;
}

}  // namespace
