// Finite elements of interface meshes: shape functions, their derivatives, and simplices ("patches") that tile them.
//
// Node order is meshio's (VTK's). Reference coordinates: simplices have corners at 0 and at the unit vectors; quads
// are [-1, 1] x [-1, 1].
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace suture {

using Point = std::array<double, 3>;
inline Point operator-(const Point& a, const Point& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
inline Point operator+(const Point& a, const Point& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
inline Point operator*(double s, const Point& a) { return {s * a[0], s * a[1], s * a[2]}; }
inline double dot(const Point& a, const Point& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
inline Point cross(const Point& a, const Point& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline double norm(const Point& a) { return std::sqrt(dot(a, a)); }

enum Kind : std::int32_t { kLine, kLine3, kTriangle, kTriangle6, kQuad, kQuad8, kQuad9, kTetra, kTetra10, kKinds };

struct Family {
  int dimension, nodes, corners;
  bool simplex;
};
constexpr Family families[kKinds] = {{1, 2, 2, true},  {1, 3, 2, true},  {2, 3, 3, true},  {2, 6, 3, true}, {2, 4, 4, false},
                                     {2, 8, 4, false}, {2, 9, 4, false}, {3, 4, 4, true}, {3, 10, 4, true}};
constexpr int most_nodes = 10;

// Corners at the ends of each edge; the node in the middle of edge e is number corners + e.
constexpr int simplex_edges[6][2] = {{0, 1}, {1, 2}, {2, 0}, {0, 3}, {1, 3}, {2, 3}};
constexpr int quad_edges[4][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 0}};
constexpr double quad_nodes[9][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}, {0, -1}, {1, 0}, {0, 1}, {-1, 0}, {0, 0}};
constexpr int edge_count[4] = {0, 1, 3, 6};

using Values = std::array<double, most_nodes>;
using Slopes = std::array<std::array<double, 3>, most_nodes>;

// Lagrange's linear and quadratic functions of a simplex of dimension d; `slopes` may be null.
inline void simplex_functions(int d, bool quadratic, const double* xi, double* values, Slopes* slopes) {
  double l[4] = {1.0, 0.0, 0.0, 0.0};
  for (int k = 0; k < d; ++k) {
    l[k + 1] = xi[k];
    l[0] -= xi[k];
  }
  const auto slope = [](int corner, int axis) { return corner == 0 ? -1.0 : (corner == axis + 1 ? 1.0 : 0.0); };
  for (int a = 0; a <= d; ++a) {
    values[a] = quadratic ? l[a] * (2.0 * l[a] - 1.0) : l[a];
    if (slopes)
      for (int k = 0; k < d; ++k) (*slopes)[a][k] = (quadratic ? 4.0 * l[a] - 1.0 : 1.0) * slope(a, k);
  }
  if (!quadratic) return;
  for (int e = 0; e < edge_count[d]; ++e) {
    const int a = simplex_edges[e][0], b = simplex_edges[e][1];
    values[d + 1 + e] = 4.0 * l[a] * l[b];
    if (slopes)
      for (int k = 0; k < d; ++k) (*slopes)[d + 1 + e][k] = 4.0 * (slope(a, k) * l[b] + l[a] * slope(b, k));
  }
}

inline void bilinear_functions(const double* xi, double* values, Slopes* slopes) {
  for (int a = 0; a < 4; ++a) {
    const double s = quad_nodes[a][0], t = quad_nodes[a][1];
    values[a] = 0.25 * (1.0 + s * xi[0]) * (1.0 + t * xi[1]);
    if (slopes) (*slopes)[a] = {0.25 * s * (1.0 + t * xi[1]), 0.25 * t * (1.0 + s * xi[0]), 0.0};
  }
}

// Tensor products of quadratic Lagrange functions.
inline void biquadratic_functions(const double* xi, double* values, Slopes* slopes) {
  const auto f = [](double at, double x) {
    return at == 0.0 ? std::array<double, 2>{1.0 - x * x, -2.0 * x}
                     : std::array<double, 2>{0.5 * x * (x + at), x + 0.5 * at};
  };
  for (int a = 0; a < 9; ++a) {
    const auto p = f(quad_nodes[a][0], xi[0]), q = f(quad_nodes[a][1], xi[1]);
    values[a] = p[0] * q[0];
    if (slopes) (*slopes)[a] = {p[1] * q[0], p[0] * q[1], 0.0};
  }
}

inline void serendipity_functions(const double* xi, double* values, Slopes* slopes) {
  const double x = xi[0], y = xi[1];
  for (int a = 0; a < 4; ++a) {
    const double s = quad_nodes[a][0], t = quad_nodes[a][1];
    values[a] = 0.25 * (1.0 + s * x) * (1.0 + t * y) * (s * x + t * y - 1.0);
    if (slopes)
      (*slopes)[a] = {0.25 * s * (1.0 + t * y) * (2.0 * s * x + t * y), 0.25 * t * (1.0 + s * x) * (2.0 * t * y + s * x), 0.0};
  }
  for (int a = 4; a < 8; ++a) {
    const double s = quad_nodes[a][0], t = quad_nodes[a][1];
    if (s == 0.0) {
      values[a] = 0.5 * (1.0 - x * x) * (1.0 + t * y);
      if (slopes) (*slopes)[a] = {-x * (1.0 + t * y), 0.5 * t * (1.0 - x * x), 0.0};
    } else {
      values[a] = 0.5 * (1.0 + s * x) * (1.0 - y * y);
      if (slopes) (*slopes)[a] = {0.5 * s * (1.0 - y * y), -y * (1.0 + s * x), 0.0};
    }
  }
}

inline void shape_functions(Kind kind, const double* xi, double* values, Slopes* slopes = nullptr) {
  switch (kind) {
    case kQuad: return bilinear_functions(xi, values, slopes);
    case kQuad8: return serendipity_functions(xi, values, slopes);
    case kQuad9: return biquadratic_functions(xi, values, slopes);
    default: return simplex_functions(families[kind].dimension, families[kind].nodes > families[kind].corners, xi, values, slopes);
  }
}

// Reference coordinates of a node.
inline Point reference_node(Kind kind, int node) {
  Point at{0.0, 0.0, 0.0};
  if (!families[kind].simplex) return {quad_nodes[node][0], quad_nodes[node][1], 0.0};
  const auto corner = [](int c) {
    Point p{0.0, 0.0, 0.0};
    if (c > 0) p[c - 1] = 1.0;
    return p;
  };
  if (node < families[kind].corners) return corner(node);
  const int* edge = simplex_edges[node - families[kind].corners];
  at = 0.5 * (corner(edge[0]) + corner(edge[1]));
  return at;
}

// The nodes at the corners of the simplices that tile an element; a curved one is cut at the nodes on its edges.
inline const std::vector<std::array<int, 4>>& tiling(Kind kind, bool curved) {
  using Tiles = std::vector<std::array<int, 4>>;
  static const Tiles line{{0, 1}}, triangle{{0, 1, 2}}, tetra{{0, 1, 2, 3}}, quad{{0, 1, 2}, {0, 2, 3}};
  static const Tiles line3{{0, 2}, {2, 1}}, triangle6{{0, 3, 5}, {3, 1, 4}, {5, 4, 2}, {3, 4, 5}};
  static const Tiles quad8{{0, 4, 7}, {4, 1, 5}, {5, 2, 6}, {6, 3, 7}, {4, 5, 6}, {4, 6, 7}};
  static const Tiles quad9{{0, 4, 8}, {0, 8, 7}, {4, 1, 5}, {4, 5, 8}, {8, 5, 2}, {8, 2, 6}, {7, 8, 6}, {7, 6, 3}};
  static const Tiles tetra10{{0, 4, 6, 7}, {4, 1, 5, 8}, {6, 5, 2, 9}, {7, 8, 9, 3},
                             {6, 8, 4, 5}, {6, 8, 5, 9}, {6, 8, 9, 7}, {6, 8, 7, 4}};
  switch (kind) {
    case kLine: return line;
    case kLine3: return curved ? line3 : line;
    case kTriangle: return triangle;
    case kTriangle6: return curved ? triangle6 : triangle;
    case kQuad: return quad;
    case kQuad8: return curved ? quad8 : quad;
    case kQuad9: return curved ? quad9 : quad;
    case kTetra: return tetra;
    case kTetra10: return curved ? tetra10 : tetra;
    default: throw std::invalid_argument("this kind of element is not known");
  }
}

// Whether the nodes on edges (and in the middle of a quad9) are in their middles.
inline bool at_middles(const Point* x, Kind kind, double tolerance) {
  const Family& family = families[kind];
  const int edges = family.simplex ? edge_count[family.dimension] : 4;
  for (int e = 0; e < std::min(edges, family.nodes - family.corners); ++e) {
    const int* ends = family.simplex ? simplex_edges[e] : quad_edges[e];
    if (norm(x[family.corners + e] - 0.5 * (x[ends[0]] + x[ends[1]])) > tolerance) return false;
  }
  return kind != kQuad9 || norm(x[8] - 0.25 * (x[0] + x[1] + x[2] + x[3])) <= tolerance;
}

inline double diameter(const Point* x, int count) {
  double longest = 0.0;
  for (int a = 0; a < count; ++a)
    for (int b = 0; b < a; ++b) longest = std::max(longest, dot(x[a] - x[b], x[a] - x[b]));
  return std::sqrt(longest);
}

// Measure of the element per measure of its reference, from the tangents there.
inline double stretch(int dimension, const Point* tangents) {
  if (dimension == 1) return norm(tangents[0]);
  const Point n = cross(tangents[0], tangents[1]);
  return dimension == 2 ? norm(n) : std::abs(dot(n, tangents[2]));
}

inline void tangents_of(const Slopes& slopes, const Point* x, int nodes, int dimension, Point* tangents) {
  for (int k = 0; k < dimension; ++k) {
    tangents[k] = {0.0, 0.0, 0.0};
    for (int a = 0; a < nodes; ++a) tangents[k] = tangents[k] + slopes[a][k] * x[a];
  }
}

}  // namespace suture
