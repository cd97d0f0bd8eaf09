// The elements of one side, the simplices ("patches") that tile them, and their functions at points over a patch.
#pragma once

#include <pybind11/numpy.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "_box_tree.hpp"
#include "_clipping.hpp"
#include "_elements.hpp"

namespace suture {

namespace py = pybind11;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Ints = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

// One side's elements of one dimension.
template <int D>
class Elements {
 public:
  Elements(const Doubles& points, const Ints& kinds, const Ints& nodes)
      : points_(reinterpret_cast<const Point*>(points.data())), point_count(points.shape(0)), kinds_(kinds.data()),
        count(static_cast<std::size_t>(kinds.size())), nodes_(nodes.data()), first_(count + 1, 0), affine_(count), tiled_(count) {
    for (std::size_t e = 0; e < count; ++e) {
      const Family& family = families[kinds_[e]];
      if (family.dimension != D) throw std::invalid_argument("elements of unlike dimension");
      first_[e + 1] = first_[e] + family.nodes;
      affine_[e] = is_affine(e);
      tiled_[e] = affine_[e] || is_flat_quad(e);
    }
    if (first_[count] != nodes.size()) throw std::invalid_argument("nodes do not fit the kinds of elements");
  }

  Kind kind(std::size_t e) const { return static_cast<Kind>(kinds_[e]); }
  int nodes_of(std::size_t e) const { return families[kinds_[e]].nodes; }
  const std::int32_t* nodes(std::size_t e) const { return nodes_ + first_[e]; }
  const Point& point(std::int32_t node) const { return points_[node]; }
  std::array<Point, most_nodes> vertices(std::size_t e) const {
    std::array<Point, most_nodes> x;
    for (int a = 0; a < nodes_of(e); ++a) x[a] = points_[nodes(e)[a]];
    return x;
  }
  // Whether the reference is mapped by an affine function: straight simplices and parallelograms.
  bool affine(std::size_t e) const { return affine_[e]; }
  // Whether the patches tile it exactly: straight, and in one plane.
  bool tiled(std::size_t e) const { return tiled_[e]; }
  bool linear(std::size_t e) const { return nodes_of(e) == D + 1; }
  const std::vector<std::array<int, 4>>& tiles(std::size_t e) const { return tiling(kind(e), curved_tiles(e)); }

 private:
  const Point* points_;

 public:
  const py::ssize_t point_count;

 private:
  const std::int32_t* kinds_;

 public:
  const std::size_t count;

 private:
  bool curved_tiles(std::size_t e) const {
    if (families[kinds_[e]].simplex) return !affine_[e];
    const auto x = vertices(e);
    return !at_middles(x.data(), kind(e), kStraight * diameter(x.data(), 4));
  }
  bool is_affine(std::size_t e) const {
    if (linear(e)) return true;
    const auto x = vertices(e);
    const Family& family = families[kinds_[e]];
    const double tolerance = kStraight * diameter(x.data(), family.corners);
    if (!at_middles(x.data(), kind(e), tolerance)) return false;
    return family.simplex || norm((x[0] - x[1]) + (x[2] - x[3])) <= tolerance;
  }

  bool is_flat_quad(std::size_t e) const {
    if (families[kinds_[e]].simplex) return false;
    const auto x = vertices(e);
    const double size = diameter(x.data(), 4);
    if (!at_middles(x.data(), kind(e), kStraight * size)) return false;
    return std::abs(dot(x[3] - x[0], cross(x[1] - x[0], x[2] - x[0]))) <= kStraight * size * size * size;
  }

  static constexpr double kStraight = 1e-10;
  const std::int32_t* nodes_;
  std::vector<std::int64_t> first_;
  std::vector<char> affine_, tiled_;
};

// One simplex of an element, with its barycentric coordinates as functions of a point: along the normal, constant.
template <int D>
struct Patch {
  std::int32_t element;
  std::array<int, 4> tile;
  std::array<Point, D + 1> corner;
  std::array<Point, D> dual;  // gradients of all barycentric coordinates but the first
  double measure;             // times D factorial
  double diameter;

  Patch(const Elements<D>& side, std::size_t e, const std::array<int, 4>& tile_) : element(static_cast<std::int32_t>(e)), tile(tile_) {
    for (int v = 0; v <= D; ++v) corner[v] = side.point(side.nodes(e)[tile[v]]);
    std::array<Point, D> edge;
    for (int k = 0; k < D; ++k) edge[k] = corner[k + 1] - corner[0];
    measure = stretch(D, edge.data());
    diameter = suture::diameter(corner.data(), D + 1);
    if constexpr (D == 1) {
      dual[0] = (1.0 / dot(edge[0], edge[0])) * edge[0];
    } else if constexpr (D == 2) {
      const Point n = cross(edge[0], edge[1]);
      const double over = 1.0 / dot(n, n);
      dual = {over * cross(edge[1], n), over * cross(n, edge[0])};
    } else {
      const double over = 1.0 / dot(edge[0], cross(edge[1], edge[2]));
      dual = {over * cross(edge[1], edge[2]), over * cross(edge[2], edge[0]), over * cross(edge[0], edge[1])};
    }
  }
  bool degenerate() const { return !(measure > 1e-14 * std::pow(diameter, D)); }

  Barycentric<D> coordinates(const Point& x) const {
    Barycentric<D> l;
    const Point r = x - corner[0];
    l[0] = 1.0;
    for (int k = 0; k < D; ++k) {
      l[k + 1] = dot(dual[k], r);
      l[0] -= l[k + 1];
    }
    return l;
  }
  Point at(const Barycentric<D>& l) const {
    Point x = l[0] * corner[0];
    for (int v = 1; v <= D; ++v) x = x + l[v] * corner[v];
    return x;
  }
  // Around the patch, and `reach` diameters along its normals.
  Box box(double reach) const {
    Box around;
    for (const Point& x : corner) around.add(x);
    for (int c = 0; c < 3; ++c) {
      double along = 0.0;
      for (int k = 0; k < D; ++k) along += (corner[k + 1][c] - corner[0][c]) * dual[k][c];
      const double wide = reach * diameter * std::sqrt(std::max(0.0, 1.0 - along)) + 1e-9 * diameter;
      around.low[c] -= wide;
      around.high[c] += wide;
    }
    return around;
  }
};

template <std::size_t N>
double determinant_of(const std::array<std::array<double, N>, N>& m) {
  if constexpr (N == 1) return m[0][0];
  if constexpr (N == 2) return m[0][0] * m[1][1] - m[0][1] * m[1][0];
  if constexpr (N == 3) return dot(m[0], cross(m[1], m[2]));
}

// Elements along a Morton curve: what is near in space is near in memory.
template <int D>
std::vector<std::int32_t> order_of(const Elements<D>& side) {
  std::vector<Box> boxes(side.count);
  for (std::size_t e = 0; e < side.count; ++e)
    for (int a = 0; a < families[side.kind(e)].corners; ++a) boxes[e].add(side.point(side.nodes(e)[a]));
  return morton_order(boxes);
}

template <int D>
std::vector<Patch<D>> patches_of(const Elements<D>& side) {
  std::vector<Patch<D>> patches;
  patches.reserve(side.count);
  for (const auto e : order_of(side))
    for (const auto& tile : side.tiles(e)) {
      patches.emplace_back(side, e, tile);
      if (patches.back().degenerate()) patches.pop_back();
    }
  return patches;
}

// Inverse of a small matrix by Gauss and Jordan with pivots; false when singular.
template <int N>
bool invert(std::array<std::array<double, N>, N> a, std::array<std::array<double, N>, N>& inverse) {
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < N; ++j) inverse[i][j] = i == j;
  for (int c = 0; c < N; ++c) {
    int pivot = c;
    for (int r = c + 1; r < N; ++r)
      if (std::abs(a[r][c]) > std::abs(a[pivot][c])) pivot = r;
    if (a[pivot][c] == 0.0) return false;
    std::swap(a[c], a[pivot]);
    std::swap(inverse[c], inverse[pivot]);
    const double over = 1.0 / a[c][c];
    for (int j = 0; j < N; ++j) {
      a[c][j] *= over;
      inverse[c][j] *= over;
    }
    for (int r = 0; r < N; ++r) {
      const double f = a[r][c];
      if (r == c || f == 0.0) continue;
      for (int j = 0; j < N; ++j) {
        a[r][j] -= f * a[c][j];
        inverse[r][j] -= f * inverse[c][j];
      }
    }
  }
  return true;
}

template <>
bool invert<3>(std::array<std::array<double, 3>, 3> a, std::array<std::array<double, 3>, 3>& inverse) {
  const Point c = cross(a[1], a[2]), d = cross(a[2], a[0]), e = cross(a[0], a[1]);
  const double determinant = dot(a[0], c);
  if (determinant == 0.0) return false;
  const double over = 1.0 / determinant;
  for (int i = 0; i < 3; ++i) inverse[i] = {over * c[i], over * d[i], over * e[i]};
  return true;
}

// An element's functions at a point over one of its patches.
template <int D>
class Evaluation {
 public:
  Evaluation(const Elements<D>& side, const Patch<D>& patch)
      : kind_(side.kind(patch.element)), affine_(side.affine(patch.element)), nodes_(side.nodes_of(patch.element)) {
    for (int v = 0; v <= D; ++v) reference_[v] = reference_node(kind_, patch.tile[v]);
    if (!affine_) x_ = side.vertices(patch.element);
  }

  // Fills `values` at the point of the element whose projection on the patch `plane` is x; l are its coordinates in
  // the element's own patch. Returns the element's measure per that of the plane.
  double operator()(const Barycentric<D>& l, const Patch<D>& plane, const Point& x, Values& values) const {
    Point xi{0.0, 0.0, 0.0};
    for (int v = 0; v <= D; ++v) xi = xi + l[v] * reference_[v];
    if (!affine_) return newton(xi, plane, x, values);
    shape_functions(kind_, xi.data(), values.data());
    return 1.0;
  }

 private:
  double newton(Point xi, const Patch<D>& plane, const Point& x, Values& values) const {
    Slopes slopes;
    Point tangents[3];
    double determinant = 1.0, moved = 1.0;
    for (int step = 0; step < 25 && moved > 1e-14; ++step) {
      shape_functions(kind_, xi.data(), values.data(), &slopes);
      tangents_of(slopes, x_.data(), nodes_, D, tangents);
      Point r = x;
      for (int a = 0; a < nodes_; ++a) r = r - values[a] * x_[a];
      std::array<std::array<double, D>, D> jacobian, inverse;
      for (int k = 0; k < D; ++k)
        for (int l = 0; l < D; ++l) jacobian[k][l] = dot(plane.dual[k], tangents[l]);
      if (!invert<D>(jacobian, inverse)) break;
      determinant = determinant_of(jacobian);
      moved = 0.0;
      for (int k = 0; k < D; ++k) {
        double change = 0.0;
        for (int l = 0; l < D; ++l) change += inverse[k][l] * dot(plane.dual[l], r);
        xi[k] += change;
        moved = std::max(moved, std::abs(change));
      }
    }
    // Dual vectors measure in units of the plane's patch.
    return stretch(D, tangents) / (std::abs(determinant) * plane.measure);
  }

  Kind kind_;
  bool affine_;
  int nodes_;
  std::array<Point, D + 1> reference_;
  std::array<Point, most_nodes> x_;
};

}  // namespace suture
