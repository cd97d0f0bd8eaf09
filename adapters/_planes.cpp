// The method of planes, step by step: what the atoms near a plane, and the pairs across it, carry into its lower side.
//
// For velocity Verlet, exactly: an atom that crosses carries m v(t + dt/2); a pair that straddles the plane at the
// beginning or at the end of a step gives half a kick there. Energy, to second order in dt: an atom that crosses carries
// m v^2/2 and half of its pairs' energies at the crossing; a straddling pair transmits f.(v_i + v_j)/2, interpolated
// linearly in time and integrated over that part of the step in which it straddles.
//
// A measurement decided that this is compiled: in NumPy it took twice as long as the steps that it audits.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

namespace {

constexpr py::ssize_t kAtom = 9;      // id, height, mass, velocity, force
constexpr py::ssize_t kPartners = 2;  // ids
constexpr py::ssize_t kPair = 5;      // |force|, force on one of them, energy

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

  void read_atoms(const Array &table) {
    atoms.resize(table.shape(0));
    const double *row = table.data();
    for (auto &atom : atoms) {
      atom = {static_cast<std::int64_t>(row[0]), row[1], row[2], {row[3], row[4], row[5]}, {row[6], row[7], row[8]}};
      row += kAtom;
    }
    places.build(atoms);
  }

  // Those of which both atoms are there.
  void read_pairs(const Array &partners, const Array &table, int axis) {
    pairs.clear();
    for (py::ssize_t k = 0; k < table.shape(0); ++k) {
      const double *const ids = partners.data(k), *const row = table.data(k);
      const int first = places.of(static_cast<std::int64_t>(ids[0]));
      const int second = places.of(static_cast<std::int64_t>(ids[1]));
      if (first < 0 || second < 0) continue;
      const Particle &a = atoms[first], &b = atoms[second];
      // Which atom the sign belongs to differs between LAMMPS versions: repulsion pushes the upper one up.
      const double sign = row[0] * (a.height - b.height) * row[1 + axis] < 0.0 ? -1.0 : 1.0;
      Pair pair{first, second, {sign * row[1], sign * row[2], sign * row[3]}, row[4], 0.0};
      pair.find_power(atoms);
      pairs.push_back(pair);
    }
  }

  // Half of the energies of an atom's pairs (this rank's share).
  double potential(int place) const {
    double sum = 0.0;
    for (const Pair &pair : pairs)
      if (pair.first == place || pair.second == place) sum += 0.5 * pair.energy;
    return sum;
  }
};

class Planes {
 public:
  // `kick`: from a force to the velocity times mass that it gives in half a step; `mvv2e`: from m v^2 to energy;
  // `books_atoms`: on one rank only, since all know the atoms.
  Planes(int axis, double at, double dt, double kick, double mvv2e, bool books_atoms)
      : axis_(axis), at_(at), dt_(dt), kick_(kick), mvv2e_(mvv2e), books_atoms_(books_atoms) {}

  void start() {
    begun_ = false;
    entered_.fill(0.0);
  }

  // The present instant: the end of a step, unless it is the first since `start`.
  void step(const Array &atoms, const Array &partners, const Array &pairs) {
    if (atoms.ndim() != 2 || atoms.shape(1) != kAtom || partners.ndim() != 2 || partners.shape(1) != kPartners ||
        pairs.ndim() != 2 || pairs.shape(1) != kPair || partners.shape(0) != pairs.shape(0))
      throw std::invalid_argument("atoms (n, 9), partners (pairs, 2), pairs (pairs, 5)");
    std::swap(last_, now_);
    now_.read_atoms(atoms);
    now_.read_pairs(partners, pairs, axis_);
    if (begun_) add();
    begun_ = true;
  }

  // Velocities were changed since: with those of `atoms`, the same ones in the same order, the next step begins.
  void renew(const Array &atoms) {
    if (atoms.ndim() != 2 || atoms.shape(1) != kAtom || atoms.shape(0) != py::ssize_t(now_.atoms.size()))
      throw std::invalid_argument("the atoms of the latest step, (n, 9)");
    now_.read_atoms(atoms);
    for (Pair &pair : now_.pairs) pair.find_power(now_.atoms);
  }

  // Mass, momentum and energy that came below the plane (this rank's share).
  Array entered() const { return Array(static_cast<py::ssize_t>(entered_.size()), entered_.data()); }

 private:
  bool inside(const Particle &atom) const { return atom.height < at_; }

  void add() {
    for (Instant *instant : {&last_, &now_}) {
      instant->weight.resize(instant->atoms.size());
      for (std::size_t i = 0; i < instant->atoms.size(); ++i) instant->weight[i] = inside(instant->atoms[i]) ? 0.5 : 0.0;
    }
    for (std::size_t begin = 0; begin < last_.atoms.size(); ++begin) {
      const int end = now_.places.of(last_.atoms[begin].id);
      if (end >= 0 && inside(last_.atoms[begin]) != inside(now_.atoms[end])) cross(static_cast<int>(begin), end);
    }
    for (const Instant *instant : {&last_, &now_}) transmit(*instant);
  }

  // An atom that changes sides: its weights, integrals of 1 - tau and of tau over its part of the step inside, and what
  // it carries.
  void cross(int begin, int end) {
    const Particle &a = last_.atoms[begin], &b = now_.atoms[end];
    const double theta = (at_ - a.height) / (b.height - a.height), sign = inside(a) ? -1.0 : 1.0;
    const double early = theta - 0.5 * theta * theta, late = 0.5 * theta * theta;
    last_.weight[begin] = sign < 0.0 ? early : 0.5 - early;
    now_.weight[end] = sign < 0.0 ? late : 0.5 - late;
    entered_[4] += sign * ((1.0 - theta) * last_.potential(begin) + theta * now_.potential(end));
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

  int axis_;
  double at_, dt_, kick_, mvv2e_;
  bool books_atoms_, begun_ = false;
  Instant last_, now_;
  std::array<double, 5> entered_{};
};

}  // namespace

PYBIND11_MODULE(_planes, module) {
  py::class_<Planes>(module, "Planes")
      .def(py::init<int, double, double, double, double, bool>(), py::arg("axis"), py::arg("at"), py::arg("dt"),
           py::arg("kick"), py::arg("mvv2e"), py::arg("books_atoms"))
      .def("start", &Planes::start)
      .def("step", &Planes::step, py::arg("atoms"), py::arg("partners"), py::arg("pairs"))
      .def("renew", &Planes::renew, py::arg("atoms"))
      .def("entered", &Planes::entered);
}
