// Residual of the compressible Navier-Stokes equations on one rank's block of a uniform grid, in 1, 2 or 3 dimensions.
//
// Convective part: kinetic-energy- and entropy-preserving split fluxes, Kuya, Totani & Kawai, J. Comput. Phys. 375
// (2018) 823 ("KEEP", second order), with a mass flux proportional to the third difference of pressure, which carries
// enthalpy and damps what central differences cannot see: pressure that alternates from cell to cell. Viscous part: full stress tensor with bulk viscosity and Fourier's law, normal
// derivatives from the two cells of a face, tangential ones from the mean of their central differences.
//
// A measurement decided that this is compiled: a column of 12 cells costs NumPy about 1 ms a step in call overhead.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace py = pybind11;
using Array = py::array_t<double, py::array::c_style>;
using Triple = std::array<double, 3>;
using Index3 = std::array<long, 3>;

namespace {

constexpr int kEquations = 5;  // mass, momentum x y z, total energy
constexpr int kGhosts = 2;
// Strength of the damping of odd-even pressure modes, to which central fluxes on one grid are blind: 1 would be the
// mass flux of an upwind scheme with linear reconstruction. Third order, so that it does not show in resolved sound.
constexpr double kPressureDamping = 0.05;
enum Field { kDensity, kU, kV, kW, kEnergy, kTemperature, kPressure, kViscosity, kBulk, kConductivity,
             kSoundSpeed, kFields };
enum BoundaryKind { kNone, kIsothermal, kAdiabatic, kReservoir, kSeam, kNeighbour };

struct Boundary {
  int kind = kNone;
  Triple velocity{};        // of the wall
  double slip_length = 0.0;
  double temperature = 0.0, pressure = 0.0, density = 0.0, energy = 0.0;
  std::vector<double> temperatures;  // (faces,), of a wall on which it varies
  std::vector<double> seam_flux;  // (faces, 5), positive into the domain
  std::vector<double> beyond;     // (kGhosts, q, p, 5) of the cells beyond the side, on the padded plane
  Array crossed;                  // (faces, 5), amounts that entered since it was last zeroed
};

class Kernel {
 public:
  // All grids are in the order x, y, z; arrays are C-ordered (z, y, x). `owned` cells; `valid` counts the neighbours'
  // cells that the local array holds below and above the owned ones (0 or 2 along each axis); an axis of one global
  // cell is inactive. `state`, `residual`: (z, y, x, 5) of the owned cells; `local`: the same with the valid neighbours;
  // `fields`: (11, z, y, x) with two ghost layers on each side of every active axis.
  Kernel(Index3 owned, std::array<bool, 3> active, Index3 valid_lower, Index3 valid_upper, Triple spacing, Array state,
         Array local, Array residual, Array fields)
      : n_(owned), lower_(valid_lower), upper_(valid_upper), h_(spacing), state_(state), local_(local),
        residual_(residual), fields_(fields) {
    cells_ = n_[0] * n_[1] * n_[2];
    for (int d = 0; d < 3; ++d) {
      ghost_[d] = active[d] ? kGhosts : 0;
      padded_[d] = n_[d] + 2 * ghost_[d];
      area_[d] = h_[0] * h_[1] * h_[2] / h_[d];
    }
    size_ = padded_[0] * padded_[1] * padded_[2];
    // An inactive axis has stride 0: every derivative along it is zero without a branch.
    const Index3 step{1, padded_[0], padded_[0] * padded_[1]};
    for (int d = 0; d < 3; ++d) {
      step_[d] = step[d];
      stride_[d] = ghost_[d] ? step[d] : 0;
    }
    require(state_, cells_ * kEquations, "state");
    require(residual_, cells_ * kEquations, "residual");
    require(fields_, size_ * kFields, "fields");
    require(local_, local_size(0) * local_size(1) * local_size(2) * kEquations, "local");
    row_.resize(kEquations * (n_[0] + 1));
  }

  void set_wall(int axis, int end, bool isothermal, Triple velocity, double slip_length, double temperature) {
    Boundary& b = side(axis, end);
    b.kind = isothermal ? kIsothermal : kAdiabatic;
    b.velocity = velocity;
    b.slip_length = slip_length;
    b.temperature = temperature;
  }

  // The temperature of each face of an isothermal wall, in place of one for all of them.
  void set_wall_temperature(int axis, int end, Array temperatures) {
    Boundary& b = side(axis, end);
    if (temperatures.size() != faces(axis)) throw std::invalid_argument("the temperature must have shape (faces,)");
    b.temperatures.assign(temperatures.data(), temperatures.data() + temperatures.size());
  }

  void set_reservoir(int axis, int end, double pressure, double density, double temperature, double energy) {
    Boundary& b = side(axis, end);
    b.kind = kReservoir;
    b.pressure = pressure;
    b.density = density;
    b.temperature = temperature;
    b.energy = energy;
  }

  void set_seam(int axis, int end, Array flux) {
    Boundary& b = side(axis, end);
    if (flux.size() != faces(axis) * kEquations) throw std::invalid_argument("the flux must have shape (faces, 5)");
    b.kind = kSeam;
    b.seam_flux.assign(flux.data(), flux.data() + flux.size());
  }

  // The faces of the side are like those inside, once the state beyond it is set.
  void open(int axis, int end) { side(axis, end).kind = kNeighbour; }

  // The state of the cells beyond a side, which a partner has: density, velocity and internal energy, (2, q, p, 5), the
  // layer next to the face first, p and q the other axes in their order, both padded.
  void set_beyond(int axis, int end, Array values) {
    Boundary& b = side(axis, end);
    if (values.size() != kGhosts * kEquations * size_ / padded_[axis])
      throw std::invalid_argument("the state beyond a side must have shape (2, q, p, 5)");
    b.beyond.assign(values.data(), values.data() + values.size());
  }

  // Amounts (faces, 5) that entered through a side since the array was last set to zero; the caller may zero it.
  Array crossed(int axis, int end) {
    Boundary& b = side(axis, end);
    if (b.crossed.size() == 0) {
      b.crossed = Array({static_cast<py::ssize_t>(faces(axis)), static_cast<py::ssize_t>(kEquations)});
      std::fill_n(b.crossed.mutable_data(), b.crossed.size(), 0.0);
    }
    return b.crossed;
  }

  // Density, velocity and internal energy from the conserved variables, on the padded block. Ghosts beyond the domain
  // copy the nearest cell, so that closures evaluated on the whole block meet physical states only.
  void primitives() {
    const double* u = local_.data();
    double* f = fields_.mutable_data();
    const long lx = local_size(0), ly = local_size(1);
    for (long k = 0; k < padded_[2]; ++k)
      for (long j = 0; j < padded_[1]; ++j) {
        const double* source = u + kEquations * lx * (clamp(1, j) + ly * clamp(2, k));
        const long row = padded_[0] * (j + padded_[1] * k);
        for (long i = 0; i < padded_[0]; ++i) {
          const double* q = source + kEquations * clamp(0, i);
          const long c = row + i;
          const double inverse = 1.0 / q[0], a = q[1] * inverse, b = q[2] * inverse, w = q[3] * inverse;
          f[kDensity * size_ + c] = q[0];
          f[kU * size_ + c] = a;
          f[kV * size_ + c] = b;
          f[kW * size_ + c] = w;
          f[kEnergy * size_ + c] = q[4] * inverse - 0.5 * (a * a + b * b + w * w);
        }
      }
    for (int d = 0; d < 3; ++d)
      for (int end = 0; end < 2; ++end)
        if (!side(d, end).beyond.empty()) copy_beyond(side(d, end), d, end);
  }

  // The first layer of ghosts beyond the domain, axis by axis so that the corners follow; no face needs the second.
  void fill_ghosts() {
    for (int d = 0; d < 3; ++d)
      for (int end = 0; end < 2; ++end) {
        const Boundary& b = side(d, end);
        if (b.kind == kNone || !b.beyond.empty()) continue;
        const int p = d == 0 ? 1 : 0, q = d == 2 ? 1 : 2;
        const long ghost = (end ? padded_[d] - kGhosts : kGhosts - 1) * step_[d], inward = end ? -step_[d] : step_[d];
        for (long j = 0; j < padded_[q]; ++j)
          for (long i = 0; i < padded_[p]; ++i)
            fill_ghost(b, d, end, ghost + i * step_[p] + j * step_[q], inward, wall_temperature(b, p, q, i, j));
      }
  }

  // Minus the divergence of the fluxes into `residual`; `weight` times what enters joins each side's `crossed`.
  void compute_residual(double weight) {
    std::fill_n(residual_.mutable_data(), residual_.size(), 0.0);
    for (int d = 0; d < 3; ++d)
      if (ghost_[d]) sweep(d, weight);
  }

  // One Shu-Osher stage, state = a start + (1 - a) (state + dt residual), as an increment: weights times the state
  // itself would round with a bias, which shows as a drift of the inventory over many steps.
  void stage(double a, Array start, double dt) {
    require(start, cells_ * kEquations, "start");
    const double *s = start.data(), *r = residual_.data();
    double* u = state_.mutable_data();
    for (long c = 0; c < cells_ * kEquations; ++c) u[c] += a * (s[c] - u[c]) + (1.0 - a) * (dt * r[c]);
  }

  // The largest decay-and-oscillation rate over the owned cells, scaled so that dt * rate <= 1 lies in the stability
  // region of SSP-RK3 (imaginary axis to sqrt(3), negative real axis to 2.51).
  double stability_rate(Array heat_capacity) const {
    require(heat_capacity, size_, "heat_capacity");
    const double *f = fields_.data(), *sound = f + kSoundSpeed * size_, *cv = heat_capacity.data();
    double worst = 0.0, inverse_square = 0.0;
    for (int d = 0; d < 3; ++d)
      if (ghost_[d]) inverse_square += 1.0 / (h_[d] * h_[d]);
    for (long k = 0; k < n_[2]; ++k)
      for (long j = 0; j < n_[1]; ++j)
        for (long i = 0; i < n_[0]; ++i) {
          const long c = padded_index(i, j, k);
          const double density = f[kDensity * size_ + c];
          double wave = 0.0;
          for (int d = 0; d < 3; ++d)
            if (ghost_[d]) wave += (std::abs(f[(kU + d) * size_ + c]) + sound[c]) / h_[d];
          const double momentum = (4.0 / 3.0 * f[kViscosity * size_ + c] + f[kBulk * size_ + c]) / density;
          const double heat = f[kConductivity * size_ + c] / (density * cv[c]);
          const double rate = wave / std::sqrt(3.0) + 4.0 * std::max(momentum, heat) * inverse_square / 2.51;
          if (std::isnan(rate)) return rate;
          worst = std::max(worst, rate);
        }
    return worst;
  }

 private:
  static void require(const Array& array, long size, const char* name) {
    if (array.size() != size) throw std::invalid_argument(std::string(name) + " has the wrong size");
  }
  Boundary& side(int axis, int end) { return sides_[2 * axis + end]; }
  long faces(int d) const { return cells_ / n_[d]; }
  long local_size(int d) const { return n_[d] + lower_[d] + upper_[d]; }
  long padded_index(long i, long j, long k) const {
    return (i + ghost_[0]) + padded_[0] * ((j + ghost_[1]) + padded_[1] * (k + ghost_[2]));
  }
  // Padded index along an axis to the nearest one that the local array holds.
  long clamp(int d, long i) const {
    return std::min(std::max(i - ghost_[d] + lower_[d], 0L), local_size(d) - 1);
  }

  // At a place of the padded plane of a wall; heat flows along the normal only, so that what is beyond its rim is unused.
  double wall_temperature(const Boundary& b, int p, int q, long i, long j) const {
    if (b.temperatures.empty()) return b.temperature;
    const auto face = [&](int d, long place) { return std::min(std::max(place - ghost_[d], 0L), n_[d] - 1); };
    return b.temperatures[face(p, i) + n_[p] * face(q, j)];
  }

  void copy_beyond(const Boundary& b, int d, int end) {
    double* f = fields_.mutable_data();
    const int p = d == 0 ? 1 : 0, q = d == 2 ? 1 : 2;
    const double* value = b.beyond.data();
    for (long layer = 0; layer < kGhosts; ++layer) {
      const long plane = (end ? padded_[d] - kGhosts + layer : kGhosts - 1 - layer) * step_[d];
      for (long j = 0; j < padded_[q]; ++j)
        for (long i = 0; i < padded_[p]; ++i, value += kEquations)
          for (int field = kDensity; field <= kEnergy; ++field)
            f[field * size_ + plane + i * step_[p] + j * step_[q]] = value[field];
    }
  }

  // Ghosts of walls: the parabola through the wall's value and two cells, so that the face difference is the
  // three-point one-sided gradient. Others: straight continuation.
  void fill_ghost(const Boundary& b, int d, int end, long g, long inward, double temperature) {
    double* f = fields_.mutable_data();
    const long c1 = g + inward, c2 = c1 + inward;
    auto at = [&](int field, long c) -> double& { return f[field * size_ + c]; };
    auto parabola = [&](int field, double wall) {
      at(field, g) = (8.0 * wall - 6.0 * at(field, c1) + at(field, c2)) / 3.0;
    };
    auto straight = [&](int field) { at(field, g) = 2.0 * at(field, c1) - at(field, c2); };
    straight(kDensity);
    straight(kPressure);
    if (b.kind == kSeam) {
      for (int field : {kU, kV, kW, kTemperature}) straight(field);
    } else if (b.kind == kReservoir) {
      const double u = 0.5 * (3.0 * at(kU + d, c1) - at(kU + d, c2));
      for (int field : {kU, kV, kW, kTemperature}) at(field, g) = at(field, c1);
      if ((end ? -u : u) > 0.0) parabola(kTemperature, b.temperature);
    } else {
      double friction = 0.0;
      for (int i = 0; i < 3; ++i) {
        const double slip = i == d ? 0.0 : slip_velocity(b, h_[d], at(kU + i, c1), at(kU + i, c2), b.velocity[i]);
        const double wall = b.velocity[i] + slip;
        parabola(kU + i, wall);
        if (b.slip_length > 0.0) friction += slip * slip / b.slip_length;
      }
      if (b.kind == kIsothermal) {
        parabola(kTemperature, temperature);
      } else {  // the heat of friction on an adiabatic wall enters the fluid
        const double conductivity = at(kConductivity, c1);
        at(kTemperature, g) = at(kTemperature, c1) +
            (conductivity > 0.0 ? h_[d] * at(kViscosity, c1) * friction / conductivity : 0.0);
      }
    }
  }

  // Fluid velocity at the wall less the wall's own: slip length times the three-point gradient at the wall.
  static double slip_velocity(const Boundary& b, double h, double u1, double u2, double wall) {
    const double ratio = b.slip_length / (3.0 * h);
    return ratio * (9.0 * u1 - u2 - 8.0 * wall) / (1.0 + 8.0 * ratio);
  }

  // Stress on a face with normal d between cells l and l + stride, and its heat flux along +d.
  struct Diffusion {
    double stress[3];
    double heat;
  };
  [[gnu::always_inline]] inline Diffusion diffusion(const double* __restrict f, int d, int p, int q, long l, double viscosity, double bulk,
                             double conductivity) const {
    const long r = l + stride_[d], sp = stride_[p], sq = stride_[q];
    const double normal = 1.0 / h_[d], quarter_p = 0.25 / h_[p], quarter_q = 0.25 / h_[q];
    const double *ud = f + (kU + d) * size_, *up = f + (kU + p) * size_, *uq = f + (kU + q) * size_;
    const double* t = f + kTemperature * size_;
    const double dd = (ud[r] - ud[l]) * normal, dp = (up[r] - up[l]) * normal, dq = (uq[r] - uq[l]) * normal;
    const double ud_p = ((ud[l + sp] - ud[l - sp]) + (ud[r + sp] - ud[r - sp])) * quarter_p;
    const double ud_q = ((ud[l + sq] - ud[l - sq]) + (ud[r + sq] - ud[r - sq])) * quarter_q;
    const double up_p = ((up[l + sp] - up[l - sp]) + (up[r + sp] - up[r - sp])) * quarter_p;
    const double uq_q = ((uq[l + sq] - uq[l - sq]) + (uq[r + sq] - uq[r - sq])) * quarter_q;
    const double divergence = dd + up_p + uq_q;
    Diffusion result;
    result.stress[d] = 2.0 * viscosity * dd + (bulk - 2.0 / 3.0 * viscosity) * divergence;
    result.stress[p] = viscosity * (dp + ud_p);
    result.stress[q] = viscosity * (dq + ud_q);
    result.heat = -conductivity * (t[r] - t[l]) * normal;
    return result;
  }

  // Fluxes of m faces in a row, the first between cells l and l + stride, into row_ as (5, m).
  template <int d>
  void interior_row(long l0, long m) {
    constexpr int p = d == 0 ? 1 : 0, q = d == 2 ? 1 : 2;
    const long s = stride_[d];
    const double* __restrict f = fields_.data();
    double* __restrict out = row_.data();
    const double *rho = f, *u = f + kU * size_, *v = f + kV * size_, *w = f + kW * size_, *e = f + kEnergy * size_;
    const double *pressure = f + kPressure * size_, *mu = f + kViscosity * size_, *bulk = f + kBulk * size_;
    const double *kappa = f + kConductivity * size_, *un = f + (kU + d) * size_;
    const double* sound = f + kSoundSpeed * size_;
    for (long face = 0; face < m; ++face) {
      const long l = l0 + face, r = l + s;
      const Diffusion x =
          diffusion(f, d, p, q, l, 0.5 * (mu[l] + mu[r]), 0.5 * (bulk[l] + bulk[r]), 0.5 * (kappa[l] + kappa[r]));
      const double ua = 0.5 * (u[l] + u[r]), va = 0.5 * (v[l] + v[r]), wa = 0.5 * (w[l] + w[r]);
      const double odd_even = (pressure[r + s] - pressure[l - s]) - 3.0 * (pressure[r] - pressure[l]);
      const double damping = 0.25 * kPressureDamping * odd_even / (sound[l] + sound[r]);
      const double mass = 0.25 * (rho[l] + rho[r]) * (un[l] + un[r]) + damping;
      double momentum[3] = {mass * ua - x.stress[0], mass * va - x.stress[1], mass * wa - x.stress[2]};
      momentum[d] += 0.5 * (pressure[l] + pressure[r]);
      out[face] = mass;
      out[m + face] = momentum[0];
      out[2 * m + face] = momentum[1];
      out[3 * m + face] = momentum[2];
      out[4 * m + face] = mass * 0.5 * ((u[l] * u[r] + v[l] * v[r] + w[l] * w[r]) + (e[l] + e[r])) +
          0.5 * (un[l] * pressure[r] + un[r] * pressure[l]) +
          damping * (pressure[l] + pressure[r]) / (rho[l] + rho[r]) -
          (x.stress[0] * ua + x.stress[1] * va + x.stress[2] * wa) + x.heat;
    }
  }

  // Flux along +d through a face of the boundary; l is the cell on the face's lower side.
  std::array<double, kEquations> boundary_flux(const Boundary& b, int d, int end, long l, long face) const {
    const double sign = end ? -1.0 : 1.0;
    if (b.kind == kSeam) {
      std::array<double, kEquations> flux;
      for (int i = 0; i < kEquations; ++i) flux[i] = sign * b.seam_flux[kEquations * face + i];
      return flux;
    }
    const double* f = fields_.data();
    const long c1 = end ? l : l + stride_[d], c2 = c1 + (end ? -stride_[d] : stride_[d]);
    auto extrapolated = [&](int field) { return 1.5 * f[field * size_ + c1] - 0.5 * f[field * size_ + c2]; };
    const int p = d == 0 ? 1 : 0, q = d == 2 ? 1 : 2;
    const Diffusion x =
        diffusion(f, d, p, q, l, extrapolated(kViscosity), extrapolated(kBulk), extrapolated(kConductivity));
    return b.kind == kReservoir ? reservoir_flux(b, d, sign, extrapolated, x) : wall_flux(b, d, c1, c2, extrapolated(kPressure), x);
  }

  template <class Extrapolated>
  std::array<double, kEquations> reservoir_flux(const Boundary& b, int d, double sign, Extrapolated extrapolated,
                                                const Diffusion& x) const {
    const double u[3] = {extrapolated(kU), extrapolated(kV), extrapolated(kW)};
    const bool inflow = sign * u[d] > 0.0;
    const double mass = (inflow ? b.density : extrapolated(kDensity)) * u[d];
    const double energy = inflow ? b.energy : extrapolated(kEnergy);
    std::array<double, kEquations> flux{};
    flux[0] = mass;
    flux[4] = mass * (energy + 0.5 * (u[0] * u[0] + u[1] * u[1] + u[2] * u[2])) + b.pressure * u[d] + x.heat;
    for (int i = 0; i < 3; ++i) {
      flux[1 + i] = mass * u[i] - x.stress[i] + (i == d ? b.pressure : 0.0);
      flux[4] -= x.stress[i] * u[i];
    }
    return flux;
  }

  std::array<double, kEquations> wall_flux(const Boundary& b, int d, long c1, long c2, double pressure,
                                           const Diffusion& x) const {
    const double* f = fields_.data();
    std::array<double, kEquations> flux{};
    flux[4] = b.kind == kIsothermal ? x.heat : 0.0;
    for (int i = 0; i < 3; ++i) {
      flux[1 + i] = -x.stress[i] + (i == d ? pressure : 0.0);
      if (i == d) continue;
      // Isothermal: the fluid gets the work on itself, the wall keeps the heat of friction. Adiabatic: all the work.
      double at_wall = b.velocity[i];
      if (b.kind == kIsothermal)
        at_wall += slip_velocity(b, h_[d], f[(kU + i) * size_ + c1], f[(kU + i) * size_ + c2], b.velocity[i]);
      flux[4] -= x.stress[i] * at_wall;
    }
    return flux;
  }

  void put_boundary(int d, int end, long l, long face, long slot, long m, double weight) {
    const Boundary& b = side(d, end);
    if (b.kind == kNone) return;
    if (b.kind != kNeighbour) {
      const auto flux = boundary_flux(b, d, end, l, face);
      for (int i = 0; i < kEquations; ++i) row_[i * m + slot] = flux[i];
    }
    const double entering = (end ? -1.0 : 1.0) * weight * area_[d];
    double* crossed_amounts = crossed(d, end).mutable_data() + kEquations * face;
    for (int i = 0; i < kEquations; ++i) crossed_amounts[i] += entering * row_[i * m + slot];
  }

  // All faces normal to d, row by row along x.
  void sweep(int d, double weight) {
    const long m = n_[0] + (d == 0), rows = n_[1] + (d == 1), layers = n_[2] + (d == 2);
    for (long k = 0; k < layers; ++k)
      for (long j = 0; j < rows; ++j) {
        const long l0 = padded_index(0, j, k) - stride_[d];
        if (d == 0) interior_row<0>(l0, m);
        if (d == 1) interior_row<1>(l0, m);
        if (d == 2) interior_row<2>(l0, m);
        if (d == 0) {
          put_boundary(0, 0, l0, j + n_[1] * k, 0, m, weight);
          put_boundary(0, 1, l0 + m - 1, j + n_[1] * k, m - 1, m, weight);
        } else {
          const long position = d == 1 ? j : k, face0 = n_[0] * (d == 1 ? k : j);
          for (int end = 0; end < 2; ++end)
            if (position == (end ? n_[d] : 0))
              for (long i = 0; i < m; ++i) put_boundary(d, end, l0 + i, face0 + i, i, m, weight);
        }
        scatter(d, j, k, m);
      }
  }

  void scatter(int d, long j, long k, long m) {
    const double scale = 1.0 / h_[d];
    double* r = residual_.mutable_data();
    const long above = kEquations * n_[0] * (j + n_[1] * k);
    if (d == 0) {
      for (long i = 0; i < n_[0]; ++i)
        for (int c = 0; c < kEquations; ++c)
          r[above + kEquations * i + c] += scale * (row_[c * m + i] - row_[c * m + i + 1]);
      return;
    }
    const long below = above - kEquations * n_[0] * (d == 1 ? 1 : n_[1]), position = d == 1 ? j : k;
    for (long i = 0; i < m; ++i)
      for (int c = 0; c < kEquations; ++c) {
        const double flux = scale * row_[c * m + i];
        if (position < n_[d]) r[above + kEquations * i + c] += flux;
        if (position > 0) r[below + kEquations * i + c] -= flux;
      }
  }

  Index3 n_, lower_, upper_, ghost_{}, padded_{}, step_{}, stride_{};
  Triple h_, area_{};
  long cells_ = 0, size_ = 0;
  Array state_, local_, residual_, fields_;
  std::array<Boundary, 6> sides_;
  std::vector<double> row_;
};

}  // namespace

PYBIND11_MODULE(_fluxes, module) {
  module.doc() = "Face fluxes and residual of the compressible Navier-Stokes equations on a uniform block.";
  py::class_<Kernel>(module, "Kernel")
      .def(py::init<Index3, std::array<bool, 3>, Index3, Index3, Triple, Array, Array, Array, Array>(),
           py::arg("owned"), py::arg("active"), py::arg("valid_lower"), py::arg("valid_upper"), py::arg("spacing"),
           py::arg("state").noconvert(), py::arg("local").noconvert(), py::arg("residual").noconvert(),
           py::arg("fields").noconvert())
      .def("set_wall", &Kernel::set_wall)
      .def("set_wall_temperature", &Kernel::set_wall_temperature)
      .def("set_reservoir", &Kernel::set_reservoir)
      .def("set_seam", &Kernel::set_seam)
      .def("open", &Kernel::open)
      .def("set_beyond", &Kernel::set_beyond)
      .def("crossed", &Kernel::crossed)
      .def("primitives", &Kernel::primitives)
      .def("fill_ghosts", &Kernel::fill_ghosts)
      .def("compute_residual", &Kernel::compute_residual)
      .def("stage", &Kernel::stage)
      .def("stability_rate", &Kernel::stability_rate);
}
