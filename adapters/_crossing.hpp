// The method of planes, step by step: what the atoms near a plane, and the pairs across it, carry into its lower side.
//
// For velocity Verlet, exactly: an atom that crosses carries m v(t + dt/2); a pair that straddles the plane at the
// beginning or at the end of a step gives half a kick there. Energy, to second order in dt: an atom that crosses carries
// m v^2/2 and half of its pairs' energies at the crossing; a straddling pair transmits f.(v_i + v_j)/2, interpolated
// linearly in time and integrated over that part of the step in which it straddles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

struct Particle {
  std::int64_t id;
  double height, mass;
  std::array<double, 3> velocity, force;
};

struct Pair {
  int first, second;            // places of its atoms
  std::array<double, 3> force;  // on the first
  double energy, power;         // power: f.(v_i + v_j)/2, what crosses a plane between them into the first's side

  void find_power(const std::vector<Particle> &atoms) {
    power = 0.0;
    for (int i = 0; i < 3; ++i) power += 0.5 * force[i] * (atoms[first].velocity[i] + atoms[second].velocity[i]);
  }
};

// Places by id: open addressing in a table at most a quarter full.
class Places {
 public:
  void build(const std::vector<Particle> &atoms) {
    std::size_t size = 16;
    while (size < 4 * atoms.size()) size *= 2;
    mask_ = size - 1;
    slots_.assign(size, {0, -1});
    for (std::size_t place = 0; place < atoms.size(); ++place) slots_[slot(atoms[place].id)] = {atoms[place].id, int(place)};
  }

  // -1 where there is none.
  int of(std::int64_t id) const { return slots_[slot(id)].place; }

 private:
  struct Slot {
    std::int64_t id;
    int place;
  };

  std::size_t slot(std::int64_t id) const {
    std::size_t k = (static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15ull >> 32) & mask_;
    while (slots_[k].place >= 0 && slots_[k].id != id) k = (k + 1) & mask_;
    return k;
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

// The atoms near the plane (all ranks') and this rank's pairs of them, at one time.
struct Instant {
  std::vector<Particle> atoms;
  std::vector<Pair> pairs;
  std::vector<double> weight;  // of an atom's pairs' power in the step that begins or ends here
  Places places;

  void find_powers() {
    for (Pair &pair : pairs) pair.find_power(atoms);
  }

  // Half of the energies of an atom's pairs (this rank's share).
  double potential(int place) const {
    double sum = 0.0;
    for (const Pair &pair : pairs)
      if (pair.first == place || pair.second == place) sum += 0.5 * pair.energy;
    return sum;
  }
};

// What comes below a plane from one instant to the next one.
class Crossing {
 public:
  // `kick`: from a force to the velocity times mass that it gives in half a step; `mvv2e`: from m v^2 to energy;
  // `books_atoms`: on one rank only, since all know the atoms.
  Crossing(double at, double dt, double kick, double mvv2e, bool books_atoms)
      : at_(at), dt_(dt), kick_(kick), mvv2e_(mvv2e), books_atoms_(books_atoms) {}

  // Mass, momentum and energy (this rank's share).
  using Amounts = std::array<double, 5>;
  const Amounts &entered() const { return entered_; }

  void add(Instant &last, Instant &now) {
    for (Instant *instant : {&last, &now}) {
      instant->weight.resize(instant->atoms.size());
      for (std::size_t i = 0; i < instant->atoms.size(); ++i) instant->weight[i] = inside(instant->atoms[i]) ? 0.5 : 0.0;
    }
    for (std::size_t begin = 0; begin < last.atoms.size(); ++begin) {
      const int end = now.places.of(last.atoms[begin].id);
      if (end >= 0 && inside(last.atoms[begin]) != inside(now.atoms[end])) cross(last, static_cast<int>(begin), now, end);
    }
    for (const Instant *instant : {&last, &now}) transmit(*instant);
  }

 private:
  bool inside(const Particle &atom) const { return atom.height < at_; }

  // An atom that changes sides: its weights, integrals of 1 - tau and of tau over its part of the step inside, and what
  // it carries.
  void cross(Instant &last, int begin, Instant &now, int end) {
    const Particle &a = last.atoms[begin], &b = now.atoms[end];
    const double theta = (at_ - a.height) / (b.height - a.height), sign = inside(a) ? -1.0 : 1.0;
    const double early = theta - 0.5 * theta * theta, late = 0.5 * theta * theta;
    last.weight[begin] = sign < 0.0 ? early : 0.5 - early;
    now.weight[end] = sign < 0.0 ? late : 0.5 - late;
    entered_[4] += sign * ((1.0 - theta) * last.potential(begin) + theta * now.potential(end));
    if (!books_atoms_) return;
    entered_[0] += sign * a.mass;
    for (int i = 0; i < 3; ++i) {
      const double there = a.velocity[i] + theta * (b.velocity[i] - a.velocity[i]);
      entered_[1 + i] += sign * (a.mass * a.velocity[i] + kick_ * a.force[i]);
      entered_[4] += sign * 0.5 * mvv2e_ * a.mass * there * there;
    }
  }

  void transmit(const Instant &instant) {
    for (const Pair &pair : instant.pairs) {
      const double straddles = double(inside(instant.atoms[pair.first])) - double(inside(instant.atoms[pair.second]));
      for (int i = 0; i < 3; ++i) entered_[1 + i] += kick_ * straddles * pair.force[i];
      entered_[4] += dt_ * (instant.weight[pair.first] - instant.weight[pair.second]) * pair.power;
    }
  }

  double at_, dt_, kick_, mvv2e_;
  bool books_atoms_;
  Amounts entered_{};
};
