// What the compiled parts ask of LAMMPS' atoms alike: their mass, and numbers drawn for their ids.
#pragma once

#pragma GCC visibility push(default)
#include "atom.h"
#pragma GCC visibility pop

#include <cstddef>
#include <cstdint>

inline double mass_of(const LAMMPS_NS::Atom &atom, int i) {
  return atom.rmass ? atom.rmass[i] : atom.mass[atom.type[i]];
}

// One component of places, velocities or forces, which LAMMPS keeps one atom after the other: with a pointer to each row,
// looking at all atoms takes half as long again.
class Component {
 public:
  Component(double *const *rows, int atoms, int axis) : first_(atoms > 0 ? rows[0] + axis : nullptr) {}
  double &operator[](int i) const { return first_[3 * static_cast<std::ptrdiff_t>(i)]; }

 private:
  double *first_;
};

// A round of splitmix64.
inline std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// A number from 0 to 1, without 1, for an id, by two rounds of a key and the id.
inline double lot(std::uint64_t key, std::uint64_t id) { return double(mixed(mixed(key) ^ id) >> 11) * 0x1p-53; }
