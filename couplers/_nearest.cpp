// The nearest point of a cloud or of a mesh's elements to each of many points: a packed tree of bounding boxes.
//
// Elements are sorted along a Morton curve and grouped, level by level (a packed R-tree). Queries are sorted along the
// same curve and taken in packets, each from one cell of the curve's lattice: the elements at a query's own place on
// the curve bound its distance, one descent finds all leaves that any query of the packet may need, and the queries
// then look only at these.
// Closest points on segments and triangles as in Ericson, Real-Time Collision Detection (2004), section 5.1.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace py = pybind11;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Ints = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int most_corners = 8;
constexpr int fan = 4;
constexpr int most_in_packet = 32;
// Boxes that are this much farther, relatively, than the best found are still opened: distances have round-off.
constexpr double slack = 1.0 + 1e-12;

struct Vector {
  double x, y, z;
};
Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
Vector operator*(double s, Vector a) { return {s * a.x, s * a.y, s * a.z}; }
double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
Vector cross(Vector a, Vector b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
double square(Vector a) { return dot(a, a); }
bool before(Vector a, Vector b) {
  if (a.x != b.x) return a.x < b.x;
  if (a.y != b.y) return a.y < b.y;
  return a.z < b.z;
}

// The closest place of one element: squared distance and the corners' weights there.
struct Foot {
  double distance = infinity;
  double weight[most_corners] = {};
};

Foot on_point(Vector p, Vector a) {
  Foot foot;
  foot.distance = square(p - a);
  foot.weight[0] = 1.0;
  return foot;
}

Foot on_line(Vector p, Vector a, Vector b) {
  const Vector ab = b - a;
  const double length = square(ab);
  const double t = length > 0.0 ? std::clamp(dot(p - a, ab) / length, 0.0, 1.0) : 0.0;
  Foot foot;
  foot.weight[0] = 1.0 - t;
  foot.weight[1] = t;
  foot.distance = square(p - (a + t * ab));
  return foot;
}

// Takes the foot on a side (an edge or face, given by its corners' places in the element) if it is nearer.
template <std::size_t n> void take(Foot &best, const Foot &side, const std::array<int, n> &corners) {
  if (side.distance >= best.distance) return;
  best = Foot();
  best.distance = side.distance;
  for (std::size_t i = 0; i < n; ++i) best.weight[corners[i]] = side.weight[i];
}

Foot on_edges(Vector p, Vector a, Vector b, Vector c) {
  Foot best;
  take<2>(best, on_line(p, a, b), {0, 1});
  take<2>(best, on_line(p, b, c), {1, 2});
  take<2>(best, on_line(p, c, a), {2, 0});
  return best;
}

Foot on_triangle(Vector p, Vector a, Vector b, Vector c) {
  const Vector ab = b - a, ac = c - a, ap = p - a;
  const Vector normal = cross(ab, ac);
  const double area = square(normal);
  if (!(area > 1e-28 * square(ab) * square(ac))) return on_edges(p, a, b, c);
  const double v = dot(cross(ap, ac), normal) / area, w = dot(cross(ab, ap), normal) / area;
  if (v < 0.0 || w < 0.0 || v + w > 1.0) return on_edges(p, a, b, c);
  Foot foot;
  foot.weight[0] = 1.0 - v - w;
  foot.weight[1] = v;
  foot.weight[2] = w;
  foot.distance = square(ap - (v * ab + w * ac));
  return foot;
}

Foot on_tetrahedron(Vector p, const Vector *x) {
  const Vector a = x[1] - x[0], b = x[2] - x[0], c = x[3] - x[0], r = p - x[0];
  const double volume = dot(a, cross(b, c));
  Foot best;
  if (std::abs(volume) > 1e-14 * std::sqrt(square(a) * square(b) * square(c))) {
    const double u = dot(r, cross(b, c)) / volume, v = dot(a, cross(r, c)) / volume, w = dot(a, cross(b, r)) / volume;
    if (u >= 0.0 && v >= 0.0 && w >= 0.0 && u + v + w <= 1.0) {
      best.distance = 0.0;
      best.weight[0] = 1.0 - u - v - w;
      best.weight[1] = u;
      best.weight[2] = v;
      best.weight[3] = w;
      return best;
    }
  }
  constexpr std::array<std::array<int, 3>, 4> faces{{{0, 1, 2}, {0, 1, 3}, {0, 2, 3}, {1, 2, 3}}};
  for (const auto &f : faces) take<3>(best, on_triangle(p, x[f[0]], x[f[1]], x[f[2]]), f);
  return best;
}

// Newton's method for the foot on the bilinear patch; its edges where it lies outside.
Foot on_quad(Vector p, const Vector *x) {
  Foot best;
  constexpr std::array<std::array<int, 2>, 4> edges{{{0, 1}, {1, 2}, {2, 3}, {3, 0}}};
  for (const auto &e : edges) take<2>(best, on_line(p, x[e[0]], x[e[1]]), e);
  const Vector twist = x[0] - x[1] + x[2] - x[3];
  double u = 0.5, v = 0.5;
  for (int iteration = 0; iteration < 30; ++iteration) {
    const Vector at = (1 - u) * ((1 - v) * x[0] + v * x[3]) + u * ((1 - v) * x[1] + v * x[2]);
    const Vector du = (1 - v) * (x[1] - x[0]) + v * (x[2] - x[3]), dv = (1 - u) * (x[3] - x[0]) + u * (x[2] - x[1]);
    const Vector r = p - at;
    const double uu = square(du), vv = square(dv), uv = dot(du, dv) - dot(r, twist);
    const double determinant = uu * vv - uv * uv;
    if (!(std::abs(determinant) > 1e-28 * uu * vv)) return best;
    const double step_u = (vv * dot(r, du) - uv * dot(r, dv)) / determinant;
    const double step_v = (uu * dot(r, dv) - uv * dot(r, du)) / determinant;
    u += step_u;
    v += step_v;
    if (!(std::abs(u) < 3.0 && std::abs(v) < 3.0)) return best;
    if (std::abs(step_u) + std::abs(step_v) < 1e-15) break;
  }
  if (u < 0.0 || u > 1.0 || v < 0.0 || v > 1.0) return best;
  Foot inside;
  const double weight[4] = {(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v};
  Vector at{0, 0, 0};
  for (int i = 0; i < 4; ++i) at = at + weight[i] * x[i];
  inside.distance = square(p - at);
  std::copy(weight, weight + 4, inside.weight);
  return inside.distance <= best.distance ? inside : best;
}

Foot on_hexahedron(Vector p, const Vector *x) {
  double u[3] = {0.5, 0.5, 0.5};
  constexpr int place[8][3] = {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}};
  Foot best;
  bool found = false;
  for (int iteration = 0; iteration < 30; ++iteration) {
    Vector at{0, 0, 0}, d[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    for (int i = 0; i < 8; ++i) {
      double factor[3], slope[3];
      for (int k = 0; k < 3; ++k) factor[k] = place[i][k] ? u[k] : 1 - u[k], slope[k] = place[i][k] ? 1.0 : -1.0;
      best.weight[i] = factor[0] * factor[1] * factor[2];
      at = at + best.weight[i] * x[i];
      for (int k = 0; k < 3; ++k) d[k] = d[k] + (slope[k] * factor[(k + 1) % 3] * factor[(k + 2) % 3]) * x[i];
    }
    const Vector r = p - at;
    const double volume = dot(d[0], cross(d[1], d[2]));
    if (!(std::abs(volume) > 1e-14 * std::sqrt(square(d[0]) * square(d[1]) * square(d[2])))) break;
    const double step[3] = {dot(r, cross(d[1], d[2])) / volume, dot(d[0], cross(r, d[2])) / volume,
                            dot(d[0], cross(d[1], r)) / volume};
    found = std::abs(step[0]) + std::abs(step[1]) + std::abs(step[2]) < 1e-14;
    if (found) break;
    bool lost = false;
    for (int k = 0; k < 3; ++k) u[k] += step[k], lost = lost || !(std::abs(u[k]) < 3.0);
    if (lost) break;
  }
  for (const double each : u) found = found && each >= 0.0 && each <= 1.0;
  if (found) {
    best.distance = 0.0;
    return best;
  }
  best = Foot();
  constexpr std::array<std::array<int, 4>, 6> faces{
      {{0, 1, 2, 3}, {4, 5, 6, 7}, {0, 1, 5, 4}, {1, 2, 6, 5}, {2, 3, 7, 6}, {3, 0, 4, 7}}};
  for (const auto &f : faces) {
    const Vector corner[4] = {x[f[0]], x[f[1]], x[f[2]], x[f[3]]};
    take<4>(best, on_quad(p, corner), f);
  }
  return best;
}

enum class Shape : std::uint8_t { point, line, triangle, quad, tetra, hexahedron };

Foot on_shape(Shape shape, Vector p, const Vector *x) {
  switch (shape) {
  case Shape::point: return on_point(p, x[0]);
  case Shape::line: return on_line(p, x[0], x[1]);
  case Shape::triangle: return on_triangle(p, x[0], x[1], x[2]);
  case Shape::quad: return on_quad(p, x);
  case Shape::tetra: return on_tetrahedron(p, x);
  default: return on_hexahedron(p, x);
  }
}

constexpr int corners_of(Shape shape) {
  constexpr int corners[] = {1, 2, 3, 4, 4, 8};
  return corners[static_cast<int>(shape)];
}

std::uint64_t spread(std::uint64_t v) {
  v &= 0xffff;
  v = (v | v << 16) & 0x0000ff0000ffull;
  v = (v | v << 8) & 0x00f00f00f00full;
  v = (v | v << 4) & 0x0c30c30c30c3ull;
  v = (v | v << 2) & 0x249249249249ull;
  return v;
}

// Cubic cells of a lattice along a Morton curve, 16 bits an axis.
struct Curve {
  Vector low{0, 0, 0};
  double scale = 0.0;

  std::uint64_t operator()(Vector p) const {
    const auto place = [this](double x, double from) {
      return static_cast<std::uint64_t>(std::clamp((x - from) * scale, 0.0, 65535.0));
    };
    return spread(place(p.x, low.x)) | spread(place(p.y, low.y)) << 1 | spread(place(p.z, low.z)) << 2;
  }
};

struct Item {
  std::uint64_t key;
  std::uint32_t place;
};

// Keys (48 bits) in ascending order with their places: a stable radix sort.
void sort(std::vector<Item> &items) {
  constexpr int bits = 12;
  std::vector<Item> other(items.size());
  for (int shift = 0; shift < 48; shift += bits) {
    std::vector<std::size_t> start((1u << bits) + 1, 0);
    for (const Item &item : items) ++start[(item.key >> shift & ((1u << bits) - 1)) + 1];
    for (std::size_t d = 1; d < start.size(); ++d) start[d] += start[d - 1];
    for (const Item &item : items) other[start[item.key >> shift & ((1u << bits) - 1)]++] = item;
    items.swap(other);
  }
}

std::vector<Item> along(const Curve &curve, const double *x, std::size_t m) {
  std::vector<Item> items(m);
  for (std::size_t i = 0; i < m; ++i)
    items[i] = {curve({x[3 * i], x[3 * i + 1], x[3 * i + 2]}), static_cast<std::uint32_t>(i)};
  sort(items);
  return items;
}

// Four boxes side by side, so that one instruction measures several.
struct Boxes {
  double low[3][fan], high[3][fan];

  Boxes() {
    for (auto &axis : low) std::fill(axis, axis + fan, infinity);
    for (auto &axis : high) std::fill(axis, axis + fan, -infinity);
  }
  void grow(int child, Vector a, Vector b) {
    const double from[3] = {a.x, a.y, a.z}, to[3] = {b.x, b.y, b.z};
    for (int k = 0; k < 3; ++k) {
      low[k][child] = std::min(low[k][child], from[k]);
      high[k][child] = std::max(high[k][child], to[k]);
    }
  }
  // Squared distances between the four boxes and another one.
  void distances(const double *from, const double *to, double *squared) const {
    for (int c = 0; c < fan; ++c) squared[c] = 0.0;
    for (int k = 0; k < 3; ++k)
      for (int c = 0; c < fan; ++c) {
        const double below = low[k][c] - to[k], above = from[k] - high[k][c];
        double d = below > above ? below : above;
        d = d > 0.0 ? d : 0.0;
        squared[c] += d * d;
      }
  }
};

// Queries that are looked up together, and the leaves that they may need.
struct Packet {
  Vector at[most_in_packet];
  Foot foot[most_in_packet];
  std::size_t best[most_in_packet];
  int count = 0;
  std::vector<std::uint32_t> leaves;
  std::vector<double> sides[6]; // lower and upper bounds of the leaves, or coordinates of their points
  std::vector<double> squared;
};

class Nearest {
public:
  // ``points`` (n, 3); ``elements``: pairs of a shape's name and its corners (k, corners); none: the points themselves.
  Nearest(Doubles points, py::list elements) : points_(std::move(points)) {
    if (points_.ndim() != 2 || points_.shape(1) != 3) throw std::invalid_argument("points must be (n, 3)");
    std::vector<std::pair<Shape, Ints>> groups;
    for (auto each : elements) {
      const auto pair = each.cast<py::tuple>();
      groups.emplace_back(shape_named(pair[0].cast<std::string>()), pair[1].cast<Ints>());
      if (groups.back().second.ndim() != 2 || groups.back().second.shape(1) != corners_of(groups.back().first))
        throw std::invalid_argument("wrong number of corners");
      width_ = std::max(width_, corners_of(groups.back().first));
    }
    py::gil_scoped_release release;
    build(groups);
  }

  int width() const { return width_; }

  // Squared distances (m,), nodes (m, width), weights (m, width; none for points, where all are 1), and on demand the
  // middle of the element found (m, 3).
  py::tuple query(Doubles at, bool with_middle) const {
    if (at.ndim() != 2 || at.shape(1) != 3) throw std::invalid_argument("points must be (n, 3)");
    const py::ssize_t m = at.shape(0);
    py::array_t<double> distance(m), weight({width_ > 1 ? m : py::ssize_t(0), py::ssize_t(width_)});
    py::array_t<double> middle({with_middle ? m : py::ssize_t(0), py::ssize_t(3)});
    py::array_t<std::int32_t> node({m, py::ssize_t(width_)});
    const double *x = at.data();
    double *d = distance.mutable_data(), *w = weight.mutable_data(), *c = middle.mutable_data();
    std::int32_t *nodes = node.mutable_data();
    {
      py::gil_scoped_release release;
      const std::vector<Item> order = along(curve_, x, m);
      Packet packet;
      std::size_t place = 0;
      for (std::size_t first = 0; first < order.size(); first += packet.count) {
        packet.count = packet_from(order, first);
        for (int q = 0; q < packet.count; ++q) {
          const double *p = x + 3 * std::size_t(order[first + q].place);
          packet.at[q] = {p[0], p[1], p[2]};
          while (place + 1 < keys_.size() && keys_[place] < order[first + q].key) ++place;
          bound(packet, q, place);
        }
        tighten(packet);
        find_leaves(packet);
        width_ == 1 ? search_points(packet) : search_elements(packet);
        for (int q = 0; q < packet.count; ++q) {
          const std::size_t i = order[first + q].place, found = packet.best[q];
          d[i] = packet.foot[q].distance;
          for (int k = 0; k < width_; ++k) nodes[i * width_ + k] = flat_[found * width_ + k];
          if (width_ > 1) std::copy(packet.foot[q].weight, packet.foot[q].weight + width_, w + i * width_);
          if (!with_middle) continue;
          const Vector middle_found = middle_of(found);
          c[3 * i] = middle_found.x, c[3 * i + 1] = middle_found.y, c[3 * i + 2] = middle_found.z;
        }
      }
    }
    return py::make_tuple(distance, node, weight, middle);
  }

private:
  static Shape shape_named(const std::string &name) {
    constexpr const char *names[] = {"point", "line", "triangle", "quad", "tetra", "hexahedron"};
    for (int i = 0; i < 6; ++i)
      if (name == names[i]) return static_cast<Shape>(i);
    throw std::invalid_argument("no shape " + name);
  }

  Vector point(std::int32_t i) const {
    const double *x = points_.data() + 3 * std::size_t(i);
    return {x[0], x[1], x[2]};
  }

  Vector middle_of(std::size_t e) const {
    const int corners = corners_of(shapes_.empty() ? single_ : shapes_[e]);
    Vector sum{0, 0, 0};
    for (int k = 0; k < corners; ++k) sum = sum + point(flat_[e * width_ + k]);
    return (1.0 / corners) * sum;
  }

  void build(const std::vector<std::pair<Shape, Ints>> &groups) {
    const std::size_t points = points_.shape(0);
    Vector low{infinity, infinity, infinity}, high{-infinity, -infinity, -infinity};
    for (std::size_t i = 0; i < points; ++i) {
      const Vector p = point(i);
      low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
    }
    const double size = std::max({high.x - low.x, high.y - low.y, high.z - low.z});
    curve_ = {low, size > 0.0 ? 65536.0 / size : 0.0};
    groups.empty() ? sort_points(points) : sort_elements(groups);
    raise();
  }

  void sort_points(std::size_t n) {
    in_leaf_ = 8;
    const std::vector<Item> order = along(curve_, points_.data(), n);
    flat_.resize(n), keys_.resize(n);
    for (auto &axis : along_) axis.resize(n);
    for (std::size_t e = 0; e < n; ++e) {
      flat_[e] = order[e].place, keys_[e] = order[e].key;
      for (int k = 0; k < 3; ++k) along_[k][e] = points_.data()[3 * std::size_t(flat_[e]) + k];
    }
  }

  void sort_elements(const std::vector<std::pair<Shape, Ints>> &groups) {
    std::vector<Item> order;
    std::vector<const std::int32_t *> rows;
    std::vector<Shape> shapes;
    std::size_t total = 0;
    for (const auto &group : groups) total += group.second.shape(0);
    order.reserve(total);
    const bool mixed = groups.size() > 1;
    for (const auto &[shape, corners] : groups) {
      const int count = corners_of(shape);
      for (py::ssize_t e = 0; e < corners.shape(0); ++e) {
        Vector sum{0, 0, 0};
        for (int k = 0; k < count; ++k) sum = sum + point(corners.data()[e * count + k]);
        order.push_back({curve_((1.0 / count) * sum), static_cast<std::uint32_t>(order.size())});
        if (mixed) rows.push_back(corners.data() + e * count), shapes.push_back(shape);
      }
    }
    sort(order);
    keys_.resize(total);
    single_ = groups[0].first;
    flat_.assign(total * width_, 0);
    if (mixed) shapes_.resize(total);
    for (std::size_t e = 0; e < total; ++e) {
      keys_[e] = order[e].key;
      if (mixed) shapes_[e] = shapes[order[e].place];
      const std::int32_t *row = mixed ? rows[order[e].place] : groups[0].second.data() + std::size_t(order[e].place) * width_;
      const int count = corners_of(mixed ? shapes_[e] : single_);
      for (int k = 0; k < width_; ++k) flat_[e * width_ + k] = row[k < count ? k : 0];
    }
  }

  // Boxes around the elements' groups, then around these, up to one.
  void raise() {
    const std::size_t count = flat_.size() / width_;
    if (count == 0) return;
    std::size_t below = (count + in_leaf_ - 1) / in_leaf_;
    levels_.emplace_back((below + fan - 1) / fan);
    for (std::size_t e = 0; e < count; ++e)
      for (int k = 0; k < width_; ++k) {
        const Vector p = point(flat_[e * width_ + k]);
        levels_[0][e / in_leaf_ / fan].grow(e / in_leaf_ % fan, p, p);
      }
    while (levels_.back().size() > 1) {
      const std::vector<Boxes> &lower = levels_.back();
      std::vector<Boxes> upper((lower.size() + fan - 1) / fan);
      for (std::size_t i = 0; i < lower.size(); ++i)
        for (int c = 0; c < fan; ++c)
          upper[i / fan].grow(i % fan, {lower[i].low[0][c], lower[i].low[1][c], lower[i].low[2][c]},
                              {lower[i].high[0][c], lower[i].high[1][c], lower[i].high[2][c]});
      levels_.push_back(std::move(upper));
    }
  }

  Foot foot_on(std::size_t e, Vector p) const {
    if (width_ == 1) return on_point(p, point(flat_[e]));
    const Shape shape = shapes_.empty() ? single_ : shapes_[e];
    Vector x[most_corners];
    for (int k = 0; k < corners_of(shape); ++k) x[k] = point(flat_[e * width_ + k]);
    return on_shape(shape, p, x);
  }

  // Nearer first; of equally near ones the first along x, y, z, so that the split among ranks does not matter.
  bool better(std::size_t e, const Foot &foot, std::size_t best, const Foot &than) const {
    if (foot.distance != than.distance) return foot.distance < than.distance;
    return e != best && before(middle_of(e), middle_of(best));
  }

  // How many queries from ``first`` on share a cell of the lattice: the largest cell with no more than a packet holds.
  static int packet_from(const std::vector<Item> &order, std::size_t first) {
    int count = 1;
    for (int level = 0; level <= 16; ++level) {
      int next = count;
      while (first + next < order.size() && next <= most_in_packet &&
             order[first + next].key >> 3 * level == order[first].key >> 3 * level)
        ++next;
      // A cell that began before ``first`` has been cut: its rest may be a packet too.
      if (next > most_in_packet) return level == 0 ? most_in_packet : count;
      count = next;
    }
    return count;
  }

  // Squared distance to the box around the element's corners: no foot is nearer.
  double least(std::size_t e, Vector p) const {
    const int corners = corners_of(shapes_.empty() ? single_ : shapes_[e]);
    Vector low = point(flat_[e * width_]), high = low;
    for (int k = 1; k < corners; ++k) {
      const Vector x = point(flat_[e * width_ + k]);
      low = {std::min(low.x, x.x), std::min(low.y, x.y), std::min(low.z, x.z)};
      high = {std::max(high.x, x.x), std::max(high.y, x.y), std::max(high.z, x.z)};
    }
    return square({std::max({low.x - p.x, p.x - high.x, 0.0}), std::max({low.y - p.y, p.y - high.y, 0.0}),
                   std::max({low.z - p.z, p.z - high.z, 0.0})});
  }

  void consider(Packet &packet, int q, std::size_t e) const {
    if (width_ > 1 && least(e, packet.at[q]) > packet.foot[q].distance * slack) return;
    const Foot candidate = foot_on(e, packet.at[q]);
    if (better(e, candidate, packet.best[q], packet.foot[q])) packet.best[q] = e, packet.foot[q] = candidate;
  }

  // The elements at the query's own place on the curve, and the one before it found: a first bound.
  void bound(Packet &packet, int q, std::size_t place) const {
    const std::size_t begin = place > 1 ? place - 2 : 0, end = std::min(begin + 4, keys_.size());
    packet.best[q] = q > 0 ? packet.best[q - 1] : begin;
    packet.foot[q] = foot_on(packet.best[q], packet.at[q]);
    for (std::size_t e = begin; e < end; ++e) consider(packet, q, e);
  }

  // Nearest box first, until the query's nearest element is found.
  void descend(Packet &packet, int q) const {
    struct Entry {
      double distance;
      std::uint32_t level, group;
    };
    const double at[3] = {packet.at[q].x, packet.at[q].y, packet.at[q].z};
    Entry stack[fan * 20];
    int top = 0;
    stack[top++] = {0.0, static_cast<std::uint32_t>(levels_.size() - 1), 0};
    while (top > 0) {
      const Entry entry = stack[--top];
      if (entry.distance > packet.foot[q].distance * slack) continue;
      double squared[fan];
      levels_[entry.level][entry.group].distances(at, at, squared);
      int order[fan] = {0, 1, 2, 3};
      std::sort(order, order + fan, [&](int a, int b) { return squared[a] < squared[b]; });
      for (int c = fan - 1; c >= 0 && entry.level > 0; --c)
        if (squared[order[c]] < infinity)
          stack[top++] = {squared[order[c]], entry.level - 1, entry.group * fan + order[c]};
      for (int c = 0; c < fan && entry.level == 0; ++c) {
        if (!(squared[order[c]] <= packet.foot[q].distance * slack)) break;
        const std::size_t first = (std::size_t(entry.group) * fan + order[c]) * in_leaf_;
        for (std::size_t e = first; e < std::min(keys_.size(), first + in_leaf_); ++e) consider(packet, q, e);
      }
    }
  }

  // Where the curve has jumped, the elements beside a query on it are far away: its nearest one bounds the others'.
  void tighten(Packet &packet) const {
    double extent = 0.0, farthest = 0.0;
    for (int q = 0; q < packet.count; ++q) {
      extent = std::max(extent, square(packet.at[q] - packet.at[0]));
      farthest = std::max(farthest, packet.foot[q].distance);
    }
    if (farthest <= 4.0 * extent) return;
    descend(packet, 0);
    for (int q = 1; q < packet.count; ++q) consider(packet, q, packet.best[0]);
  }

  void find_leaves(Packet &packet) const {
    double from[3] = {infinity, infinity, infinity}, to[3] = {-infinity, -infinity, -infinity}, farthest = 0.0;
    for (int q = 0; q < packet.count; ++q) {
      const double at[3] = {packet.at[q].x, packet.at[q].y, packet.at[q].z};
      for (int k = 0; k < 3; ++k) from[k] = std::min(from[k], at[k]), to[k] = std::max(to[k], at[k]);
      farthest = std::max(farthest, packet.foot[q].distance);
    }
    packet.leaves.clear();
    std::uint32_t stack[64][2];
    int top = 0;
    stack[top][0] = static_cast<std::uint32_t>(levels_.size() - 1), stack[top++][1] = 0;
    while (top > 0) {
      const std::uint32_t level = stack[--top][0], group = stack[top][1];
      double squared[fan];
      levels_[level][group].distances(from, to, squared);
      for (int c = 0; c < fan; ++c) {
        if (!(squared[c] <= farthest * slack)) continue;
        if (level == 0) packet.leaves.push_back(group * fan + c);
        else stack[top][0] = level - 1, stack[top++][1] = group * fan + c;
      }
    }
  }

  void search_points(Packet &packet) const {
    // The last leaf may be shorter than the others; it must come last.
    if (const auto most = std::max_element(packet.leaves.begin(), packet.leaves.end()); most != packet.leaves.end())
      std::swap(*most, packet.leaves.back());
    for (int k = 0; k < 3; ++k) packet.sides[k].clear();
    for (const std::uint32_t leaf : packet.leaves)
      for (int k = 0; k < 3; ++k)
        packet.sides[k].insert(packet.sides[k].end(), along_[k].begin() + std::size_t(leaf) * in_leaf_,
                               along_[k].begin() + std::min(flat_.size(), (std::size_t(leaf) + 1) * in_leaf_));
    const std::size_t n = packet.sides[0].size();
    packet.squared.resize(n);
    const double *x = packet.sides[0].data(), *y = packet.sides[1].data(), *z = packet.sides[2].data();
    double *squared = packet.squared.data();
    for (int q = 0; q < packet.count; ++q) {
      const Vector p = packet.at[q];
      for (std::size_t e = 0; e < n; ++e) {
        const double dx = p.x - x[e], dy = p.y - y[e], dz = p.z - z[e];
        squared[e] = dx * dx + dy * dy + dz * dz;
      }
      for (std::size_t e = 0; e < n; ++e)
        if (squared[e] <= packet.foot[q].distance)
          consider(packet, q, std::size_t(packet.leaves[e / in_leaf_]) * in_leaf_ + e % in_leaf_);
    }
  }

  void search_elements(Packet &packet) const {
    const std::size_t n = packet.leaves.size();
    for (int k = 0; k < 6; ++k) packet.sides[k].resize(n);
    packet.squared.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const Boxes &boxes = levels_[0][packet.leaves[i] / fan];
      for (int k = 0; k < 3; ++k) {
        packet.sides[k][i] = boxes.low[k][packet.leaves[i] % fan];
        packet.sides[3 + k][i] = boxes.high[k][packet.leaves[i] % fan];
      }
    }
    double *squared = packet.squared.data();
    for (int q = 0; q < packet.count; ++q) {
      const double at[3] = {packet.at[q].x, packet.at[q].y, packet.at[q].z};
      std::fill(squared, squared + n, 0.0);
      for (int k = 0; k < 3; ++k) {
        const double *low = packet.sides[k].data(), *high = packet.sides[3 + k].data();
        for (std::size_t i = 0; i < n; ++i) {
          const double below = low[i] - at[k], above = at[k] - high[i];
          double d = below > above ? below : above;
          d = d > 0.0 ? d : 0.0;
          squared[i] += d * d;
        }
      }
      for (std::size_t i = 0; i < n; ++i) {
        if (!(squared[i] <= packet.foot[q].distance * slack)) continue;
        const std::size_t first = std::size_t(packet.leaves[i]) * in_leaf_;
        for (std::size_t e = first; e < std::min(keys_.size(), first + in_leaf_); ++e) consider(packet, q, e);
      }
    }
  }

  Doubles points_;
  int width_ = 1;
  Curve curve_;
  Shape single_ = Shape::point;
  std::size_t in_leaf_ = 2;
  std::vector<Shape> shapes_; // of each element where they differ
  std::vector<std::uint64_t> keys_;
  std::vector<double> along_[3]; // coordinates of a cloud's points along the curve
  std::vector<std::int32_t> flat_;
  std::vector<std::vector<Boxes>> levels_;
};

} // namespace

PYBIND11_MODULE(_nearest, m) {
  m.doc() = "Nearest points of clouds and of meshes' elements.";
  py::class_<Nearest>(m, "Nearest")
      .def(py::init<Doubles, py::list>(), py::arg("points"), py::arg("elements"))
      .def_property_readonly("width", &Nearest::width)
      .def("query", &Nearest::query, py::arg("points"), py::arg("with_middle") = false);
}
