// The mass matrix of one element, and the integrals of its functions.
#pragma once

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "_patches.hpp"

namespace suture {

struct Quadrature {
  std::vector<std::array<double, 4>> points;  // barycentric
  std::vector<double> weights;                // sum to one
  explicit Quadrature(const Doubles& rule) {  // (points, coordinates + weight)
    const auto r = rule.unchecked<2>();
    for (py::ssize_t q = 0; q < r.shape(0); ++q) {
      std::array<double, 4> at{};
      for (py::ssize_t k = 0; k + 1 < r.shape(1); ++k) at[k] = r(q, k);
      points.push_back(at);
      weights.push_back(r(q, r.shape(1) - 1));
    }
  }
};

constexpr double factorial[4] = {1.0, 1.0, 2.0, 6.0};

// Mass matrix of one element, [b * nodes + a]: by quadrature on its reference where its patches tile it, else over them.
template <int D>
class ElementMass {
 public:
  ElementMass(const Elements<D>& side, const Doubles& rule, const Doubles& gauss) : side_(side), rule_(rule), gauss_(gauss) {}

  void operator()(std::size_t e, double* mass) const {
    const Kind kind = side_.kind(e);
    const int n = families[kind].nodes;
    const auto x = side_.vertices(e);
    if (side_.linear(e)) {
      const double each = size(x) / ((D + 1) * (D + 2));
      for (int b = 0; b < n; ++b)
        for (int a = 0; a < n; ++a) mass[b * n + a] = a == b ? 2.0 * each : each;
      return;
    }
    std::fill(mass, mass + n * n, 0.0);
    if (!side_.tiled(e)) return over_patches(e, mass);
    if (families[kind].simplex) {
      for (std::size_t q = 0; q < rule_.weights.size(); ++q)
        add(kind, x.data(), rule_.points[q].data() + 1, rule_.weights[q] / factorial[D], mass);
      return;
    }
    for (std::size_t p = 0; p < gauss_.weights.size(); ++p)
      for (std::size_t q = 0; q < gauss_.weights.size(); ++q) {
        const double xi[2] = {2.0 * gauss_.points[p][1] - 1.0, 2.0 * gauss_.points[q][1] - 1.0};
        add(kind, x.data(), xi, 4.0 * gauss_.weights[p] * gauss_.weights[q], mass);
      }
  }

  // Integral of each function over the element.
  void integrals(std::size_t e, double* values) const {
    const int n = side_.nodes_of(e);
    if (side_.linear(e)) return std::fill(values, values + n, size(side_.vertices(e)) / (D + 1));
    std::array<double, most_nodes * most_nodes> mass;
    (*this)(e, mass.data());
    for (int a = 0; a < n; ++a) values[a] = std::accumulate(mass.begin() + a * n, mass.begin() + (a + 1) * n, 0.0);
  }

 private:
  static double size(const std::array<Point, most_nodes>& x) {
    std::array<Point, D> edge;
    for (int k = 0; k < D; ++k) edge[k] = x[k + 1] - x[0];
    return stretch(D, edge.data()) / factorial[D];
  }
  static void add(Kind kind, const Point* x, const double* xi, double weight, double* mass) {
    const int n = families[kind].nodes;
    Values values;
    Slopes slopes;
    Point tangents[3];
    shape_functions(kind, xi, values.data(), &slopes);
    tangents_of(slopes, x, n, D, tangents);
    add(values, n, weight * stretch(D, tangents), mass);
  }
  static void add(const Values& values, int n, double weight, double* mass) {
    for (int b = 0; b < n; ++b)
      for (int a = 0; a < n; ++a) mass[b * n + a] += weight * (values[a] * values[b]);
  }

  // As the products with the other side are integrated.
  void over_patches(std::size_t e, double* mass) const {
    for (const auto& tile : side_.tiles(e)) {
      const Patch<D> patch(side_, e, tile);
      if (patch.degenerate()) continue;
      const Evaluation<D> evaluate(side_, patch);
      for (std::size_t q = 0; q < rule_.weights.size(); ++q) {
        Barycentric<D> l;
        std::copy_n(rule_.points[q].begin(), D + 1, l.begin());
        Values values;
        const double ratio = evaluate(l, patch, patch.at(l), values);
        add(values, side_.nodes_of(e), rule_.weights[q] * ratio * patch.measure / factorial[D], mass);
      }
    }
  }

  const Elements<D>& side_;
  const Quadrature rule_, gauss_;
};

}  // namespace suture
