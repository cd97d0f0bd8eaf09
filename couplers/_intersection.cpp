// Mass matrices of interface meshes, and the integrals of the product of two meshes' shape functions over both.
//
//   M_ik = integral of phi_i phi_k over A           C_ij = integral over A of phi_i (of A) times phi_j (of B)
//
// Every element is tiled by simplices ("patches"). A patch of B is projected on the plane (or line) of a patch of A
// along the normal of the latter, clipped by it, and the product is integrated over the pieces by quadrature. So the
// integrals are over A; where B leaves a gap (two facetted curved surfaces do not end alike), the gap's share goes to the
// functions of B that meet the same element, in proportion to their integrals there: then the sum over j of C_ij is the
// integral of phi_i, exactly. Farrell & Maddison, Comput. Methods Appl. Mech. Engrg. 200 (2011) 89; Jiao & Heath,
// Int. J. Numer. Meth. Engng 61 (2004) 2402.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <numeric>
#include <utility>

#include "_box_tree.hpp"
#include "_clipping.hpp"
#include "_elements.hpp"

namespace py = pybind11;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Ints = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

namespace suture {
namespace {

// Pieces smaller than this fraction of either patch are round-off of a common edge.
constexpr double kSliver = 1e-13;
// Patches more inclined to one another (cosine of the angle) are different faces of a body.
constexpr double kInclined = 0.1;
// More than this much of a patch covered in excess means that two sheets lie over it: the nearer one counts.
constexpr double kTwice = 1e-6;

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

template <typename T>
py::array_t<T> to_numpy(const std::vector<T>& v) {
  return py::array_t<T>(static_cast<py::ssize_t>(v.size()), v.data());
}

// Sparse matrix from the dense blocks of elements: block e couples its rows to its columns, [column][row].
struct Blocks {
  std::vector<std::int64_t> first_row{0}, first_column{0}, first_value{0};
  std::vector<std::int32_t> rows, columns;
  std::vector<double> values;

  void close() {
    first_row.push_back(static_cast<std::int64_t>(rows.size()));
    first_column.push_back(static_cast<std::int64_t>(columns.size()));
    first_value.push_back(static_cast<std::int64_t>(values.size()));
  }

  py::tuple assemble(std::int64_t row_count, std::int64_t column_count) const {
    const std::size_t elements = first_row.size() - 1;
    std::vector<std::int64_t> start(row_count + 1, 0);
    for (const auto row : rows) ++start[row + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    std::vector<std::pair<std::int32_t, std::int32_t>> users(rows.size());  // element, its row
    {
      auto next = start;
      for (std::size_t e = 0; e < elements; ++e)
        for (auto r = first_row[e]; r < first_row[e + 1]; ++r)
          users[next[rows[r]]++] = {static_cast<std::int32_t>(e), static_cast<std::int32_t>(r - first_row[e])};
    }
    std::vector<std::int64_t> place(column_count, -1);
    std::vector<std::int32_t> indptr{0}, indices;
    std::vector<double> data;
    indices.reserve(columns.size());
    data.reserve(columns.size());
    for (std::int64_t i = 0; i < row_count; ++i) {
      const auto begin = static_cast<std::int64_t>(indices.size());
      for (auto u = start[i]; u < start[i + 1]; ++u) {
        const auto [e, r] = users[u];
        const auto height = first_row[e + 1] - first_row[e];
        for (auto c = first_column[e]; c < first_column[e + 1]; ++c) {
          const double value = values[first_value[e] + (c - first_column[e]) * height + r];
          std::int64_t& slot = place[columns[c]];
          if (slot < begin) {
            slot = static_cast<std::int64_t>(indices.size());
            indices.push_back(columns[c]);
            data.push_back(value);
          } else {
            data[slot] += value;
          }
        }
      }
      indptr.push_back(static_cast<std::int32_t>(indices.size()));
    }
    return py::make_tuple(to_numpy(data), to_numpy(indices), to_numpy(indptr));
  }
};

// One side's elements of one dimension.
template <int D>
class Elements {
 public:
  Elements(const Doubles& points, const Ints& kinds, const Ints& nodes)
      : points_(reinterpret_cast<const Point*>(points.data())), point_count(points.shape(0)), kinds_(kinds.data()),
        count(static_cast<std::size_t>(kinds.size())), nodes_(nodes.data()), first_(count + 1, 0), geometry_(count) {
    for (std::size_t e = 0; e < count; ++e) {
      const Family& family = families[kinds_[e]];
      if (family.dimension != D) throw std::invalid_argument("elements of unlike dimension");
      first_[e + 1] = first_[e] + family.nodes;
      geometry_[e] = classify(e);
    }
    if (first_[count] != nodes.size()) throw std::invalid_argument("nodes do not fit the kinds of elements");
  }

  Kind kind(std::size_t e) const { return static_cast<Kind>(kinds_[e]); }
  Geometry geometry(std::size_t e) const { return geometry_[e]; }
  int nodes_of(std::size_t e) const { return families[kinds_[e]].nodes; }
  const std::int32_t* nodes(std::size_t e) const { return nodes_ + first_[e]; }
  const Point& point(std::int32_t node) const { return points_[node]; }
  std::array<Point, most_nodes> vertices(std::size_t e) const {
    std::array<Point, most_nodes> x;
    for (int a = 0; a < nodes_of(e); ++a) x[a] = points_[nodes(e)[a]];
    return x;
  }
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
    if (families[kinds_[e]].simplex) return geometry_[e] == Geometry::curved;
    const auto x = vertices(e);
    return !at_middles(x.data(), kind(e), kStraight * diameter(x.data(), 4));
  }
  Geometry classify(std::size_t e) const {
    const auto x = vertices(e);
    const Family& family = families[kinds_[e]];
    if (family.nodes == D + 1) return Geometry::affine;
    const double tolerance = kStraight * diameter(x.data(), family.corners);
    const bool straight = at_middles(x.data(), kind(e), tolerance);
    if (family.simplex) return straight ? Geometry::affine : Geometry::curved;
    return straight && norm((x[0] - x[1]) + (x[2] - x[3])) <= tolerance ? Geometry::affine : Geometry::general;
  }

  static constexpr double kStraight = 1e-10;
  const std::int32_t* nodes_;
  std::vector<std::int64_t> first_;
  std::vector<Geometry> geometry_;
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

// An element's functions at a point of one of its patches.
template <int D>
class Evaluation {
 public:
  Evaluation(const Elements<D>& side, const Patch<D>& patch)
      : kind_(side.kind(patch.element)), geometry_(side.geometry(patch.element)), nodes_(side.nodes_of(patch.element)),
        patch_(patch) {
    for (int v = 0; v <= D; ++v) reference_[v] = reference_node(kind_, patch.tile[v]);
    if (geometry_ == Geometry::affine) return;
    x_ = side.vertices(patch.element);
    std::array<Point, D> edge;
    for (int k = 0; k < D; ++k) edge[k] = reference_[k + 1] - reference_[0];
    reference_measure_ = stretch(D, edge.data());
  }

  // Fills `values`; the frame of patch `plane` is where a general element's point is sought. Returns the element's measure
  // per that of the patch.
  double operator()(const Barycentric<D>& l, const Patch<D>& plane, const Point& x, Values& values) const {
    Point xi{0.0, 0.0, 0.0};
    for (int v = 0; v <= D; ++v) xi = xi + l[v] * reference_[v];
    if (geometry_ == Geometry::affine) {
      shape_functions(kind_, xi.data(), values.data());
      return 1.0;
    }
    Slopes slopes;
    Point tangents[3];
    if (geometry_ == Geometry::curved) {
      shape_functions(kind_, xi.data(), values.data(), &slopes);
      tangents_of(slopes, x_.data(), nodes_, D, tangents);
      return stretch(D, tangents) * reference_measure_ / patch_.measure;
    }
    return newton(xi, plane, x, values);
  }

 private:
  // Solves for the point whose projection on the plane is that of x.
  double newton(Point xi, const Patch<D>& plane, const Point& x, Values& values) const {
    Slopes slopes;
    Point tangents[3];
    double determinant = 1.0;
    for (int step = 0; step < 25; ++step) {
      shape_functions(kind_, xi.data(), values.data(), &slopes);
      tangents_of(slopes, x_.data(), nodes_, D, tangents);
      Point r = x;
      for (int a = 0; a < nodes_; ++a) r = r - values[a] * x_[a];
      std::array<std::array<double, D>, D> jacobian, inverse;
      std::array<double, D> residual;
      for (int k = 0; k < D; ++k) {
        residual[k] = dot(plane.dual[k], r);
        for (int l = 0; l < D; ++l) jacobian[k][l] = dot(plane.dual[k], tangents[l]);
      }
      if constexpr (D == 1) determinant = jacobian[0][0];
      if constexpr (D == 2) determinant = jacobian[0][0] * jacobian[1][1] - jacobian[0][1] * jacobian[1][0];
      double moved = 0.0;
      if (!invert<D>(jacobian, inverse)) break;
      for (int k = 0; k < D; ++k) {
        double change = 0.0;
        for (int l = 0; l < D; ++l) change += inverse[k][l] * residual[l];
        xi[k] += change;
        moved = std::max(moved, std::abs(change));
      }
      if (moved < 1e-14) break;
    }
    // The plane's dual vectors make its own measure one.
    return stretch(D, tangents) / std::abs(determinant) / plane.measure;
  }

  Kind kind_;
  Geometry geometry_;
  int nodes_;
  const Patch<D>& patch_;
  std::array<Point, D + 1> reference_;
  std::array<Point, most_nodes> x_;
  double reference_measure_ = 1.0;
};

constexpr double factorial[4] = {1.0, 1.0, 2.0, 6.0};

// Mass matrix of one element, [b * nodes + a].
template <int D>
class ElementMass {
 public:
  ElementMass(const Elements<D>& side, const Doubles& rule, const Doubles& gauss) : side_(side), rule_(rule), gauss_(gauss) {}

  void operator()(std::size_t e, double* mass) const {
    const int n = side_.nodes_of(e);
    std::fill(mass, mass + n * n, 0.0);
    if (side_.geometry(e) == Geometry::general) return over_square(e, mass);
    for (const auto& tile : side_.tiles(e)) {
      const Patch<D> patch(side_, e, tile);
      if (patch.degenerate()) continue;
      const Evaluation<D> evaluate(side_, patch);
      for (std::size_t q = 0; q < rule_.weights.size(); ++q) {
        Barycentric<D> l;
        std::copy_n(rule_.points[q].begin(), D + 1, l.begin());
        Values values;
        const double ratio = evaluate(l, patch, patch.at(l), values);
        add(rule_.weights[q] * ratio * patch.measure / factorial[D], values, n, mass);
      }
    }
  }

 private:
  static void add(double weight, const Values& values, int n, double* mass) {
    for (int b = 0; b < n; ++b)
      for (int a = 0; a < n; ++a) mass[b * n + a] += weight * (values[a] * values[b]);
  }
  // Gauss points of [-1, 1] x [-1, 1].
  void over_square(std::size_t e, double* mass) const {
    const auto x = side_.vertices(e);
    const int n = side_.nodes_of(e);
    for (std::size_t p = 0; p < gauss_.weights.size(); ++p)
      for (std::size_t q = 0; q < gauss_.weights.size(); ++q) {
        const double xi[2] = {2.0 * gauss_.points[p][1] - 1.0, 2.0 * gauss_.points[q][1] - 1.0};
        Values values;
        Slopes slopes;
        Point tangents[3];
        shape_functions(side_.kind(e), xi, values.data(), &slopes);
        tangents_of(slopes, x.data(), n, D, tangents);
        add(4.0 * gauss_.weights[p] * gauss_.weights[q] * stretch(D, tangents), values, n, mass);
      }
  }

  const Elements<D>& side_;
  const Quadrature rule_, gauss_;
};

template <int D>
class Intersection {
 public:
  Intersection(const Elements<D>& a, const Elements<D>& b, const ElementMass<D>& mass, const Quadrature& rule, double reach)
      : a_(a), b_(b), mass_(mass), rule_(rule), reach_(reach), patches_(patches_of(b)), tree_(boxes()),
        slot_(b.point_count, -1), covered_a_(a.count, 0.0), widest_(a.count, 0.0), covered_b_(b.count, 0.0) {
    matrix_.columns.reserve(6 * a.count);
    for (const auto e : order_of(a)) element(e);
    std::vector<double> whole(b.count, 0.0);
    for (const auto& patch : patches_) whole[patch.element] += patch.measure;
    for (std::size_t f = 0; f < b.count; ++f) covered_b_[f] = whole[f] > 0.0 ? covered_b_[f] / whole[f] : 1.0;
  }

  py::tuple result() const {
    return py::make_tuple(matrix_.assemble(a_.point_count, b_.point_count), to_numpy(covered_a_), to_numpy(widest_),
                          to_numpy(covered_b_));
  }

 private:
  using Matrix = std::array<std::array<double, D + 1>, D + 1>;
  struct Piece {
    std::int32_t patch;
    std::size_t first, last;  // its simplices
    double share;             // of the patch of A
    double distance;
    Matrix to_b;  // coordinates of B's patch from those of A's
  };

  std::vector<Box> boxes() const {
    std::vector<Box> all;
    all.reserve(patches_.size());
    for (const auto& patch : patches_) all.push_back(patch.box(reach_));
    return all;
  }

  void element(std::size_t e) {
    rows_ = a_.nodes_of(e);
    columns_.clear();
    block_.clear();
    double whole = 0.0, covered = 0.0;
    for (const auto& tile : a_.tiles(e)) {
      const Patch<D> patch(a_, e, tile);
      if (patch.degenerate()) continue;
      find(patch);
      const double share = select();
      for (const Piece& piece : pieces_) integrate(patch, piece);
      whole += patch.measure;
      covered += patch.measure * share;
    }
    covered_a_[e] = whole > 0.0 ? covered / whole : 1.0;
    fill(e);
    matrix_.rows.insert(matrix_.rows.end(), a_.nodes(e), a_.nodes(e) + rows_);
    matrix_.columns.insert(matrix_.columns.end(), columns_.begin(), columns_.end());
    matrix_.values.insert(matrix_.values.end(), block_.begin(), block_.end());
    matrix_.close();
    for (const auto column : columns_) slot_[column] = -1;
  }

  // All patches of B that cover part of a patch of A.
  void find(const Patch<D>& patch) {
    found_.clear();
    pieces_.clear();
    simplices_.clear();
    tree_.find(patch.box(reach_), found_);
    for (const auto number : found_) meet(patch, number);
  }

  void meet(const Patch<D>& patch, std::int32_t number) {
    const Patch<D>& other = patches_[number];
    Simplex<D> s;
    for (int v = 0; v <= D; ++v) s[v] = patch.coordinates(other.corner[v]);
    for (int k = 0; k <= D; ++k) {
      bool outside = true;
      for (int v = 0; v <= D; ++v) outside = outside && s[v][k] <= 0.0;
      if (outside) return;
    }
    const double projected = relative_measure(s) * patch.measure;
    if (projected < kInclined * other.measure) return;
    Matrix to_a;
    for (int k = 0; k <= D; ++k)
      for (int v = 0; v <= D; ++v) to_a[k][v] = s[v][k];
    Piece piece;
    if (!invert<D + 1>(to_a, piece.to_b)) return;
    for (int v = 0; v <= D; ++v) {
      bool outside = true;
      for (int k = 0; k <= D; ++k) outside = outside && piece.to_b[v][k] <= 0.0;
      if (outside) return;
    }
    piece.patch = number;
    piece.first = simplices_.size();
    clip(s, simplices_);
    piece.last = simplices_.size();
    piece.share = 0.0;
    for (auto i = piece.first; i < piece.last; ++i) piece.share += relative_measure(simplices_[i]);
    piece.distance = D < 3 ? distance(patch, other, s, piece) : 0.0;
    if (piece.share <= kSliver * std::min(1.0, projected / patch.measure) ||
        piece.distance > reach_ * (patch.diameter + other.diameter)) {
      simplices_.resize(piece.first);
      return;
    }
    pieces_.push_back(piece);
  }

  // Between the two patches along the normal of A's, in the middle of a piece.
  double distance(const Patch<D>& patch, const Patch<D>& other, const Simplex<D>& s, const Piece& piece) const {
    Barycentric<D> middle{};
    double count = 0.0;
    for (auto i = piece.first; i < piece.last; ++i)
      for (const auto& vertex : simplices_[i]) {
        for (int k = 0; k <= D; ++k) middle[k] += vertex[k];
        count += 1.0;
      }
    if (count == 0.0) return 0.0;
    Point r{0.0, 0.0, 0.0};
    for (int v = 0; v <= D; ++v) {
      double mu = 0.0;
      for (int k = 0; k <= D; ++k) mu += piece.to_b[v][k] * middle[k] / count;
      r = r + mu * (other.corner[v] - patch.at(s[v]));
    }
    return norm(r);
  }

  // Keeps the nearest pieces where more than one sheet covers the patch; returns the part that is covered.
  double select() {
    double share = 0.0;
    for (const Piece& piece : pieces_) share += piece.share;
    if (share > 1.0 + kTwice) {
      std::sort(pieces_.begin(), pieces_.end(), [](const Piece& p, const Piece& q) { return p.distance < q.distance; });
      share = 0.0;
      std::size_t kept = 0;
      for (const Piece& piece : pieces_) {
        if (share + piece.share > 1.0 + kTwice) continue;
        share += piece.share;
        pieces_[kept++] = piece;
      }
      pieces_.resize(kept);
    }
    return share;
  }

  double* column(std::int32_t node) {
    if (slot_[node] < 0) {
      slot_[node] = static_cast<std::int32_t>(columns_.size());
      columns_.push_back(node);
      block_.resize(block_.size() + rows_, 0.0);
    }
    return block_.data() + static_cast<std::size_t>(slot_[node]) * rows_;
  }

  void integrate(const Patch<D>& patch, const Piece& piece) {
    const Patch<D>& other = patches_[piece.patch];
    const auto e = patch.element, f = other.element;
    covered_b_[f] += piece.share * patch.measure;
    widest_[e] = std::max(widest_[e], other.diameter);
    if (a_.linear(e) && b_.linear(f))
      linear(patch, other, piece);
    else
      general(patch, other, piece);
  }

  // Both functions are barycentric coordinates: their product follows from the second moments of A's.
  void linear(const Patch<D>& patch, const Patch<D>& other, const Piece& piece) {
    Matrix moment{};
    for (auto i = piece.first; i < piece.last; ++i) {
      const Simplex<D>& s = simplices_[i];
      const double weight = relative_measure(s) * patch.measure / factorial[D] / ((D + 1) * (D + 2));
      Barycentric<D> sum{};
      for (int v = 0; v <= D; ++v)
        for (int k = 0; k <= D; ++k) sum[k] += s[v][k];
      for (int k = 0; k <= D; ++k)
        for (int l = 0; l <= k; ++l) {
          double product = sum[k] * sum[l];
          for (int v = 0; v <= D; ++v) product += s[v][k] * s[v][l];
          moment[k][l] += weight * product;
        }
    }
    const std::int32_t *rows = a_.nodes(patch.element), *columns = b_.nodes(other.element);
    (void)rows;
    for (int v = 0; v <= D; ++v) {
      double* into = column(columns[other.tile[v]]);
      for (int k = 0; k <= D; ++k) {
        double value = 0.0;
        for (int l = 0; l <= D; ++l) value += piece.to_b[v][l] * moment[std::max(k, l)][std::min(k, l)];
        into[patch.tile[k]] += value;
      }
    }
  }

  void general(const Patch<D>& patch, const Patch<D>& other, const Piece& piece) {
    const Evaluation<D> of_a(a_, patch), of_b(b_, other);
    const int count = b_.nodes_of(other.element);
    std::array<double, most_nodes * most_nodes> product{};
    for (auto i = piece.first; i < piece.last; ++i) {
      const double weight = relative_measure(simplices_[i]) * patch.measure / factorial[D];
      for (std::size_t q = 0; q < rule_.weights.size(); ++q) {
        Barycentric<D> l{}, mu{};
        for (int v = 0; v <= D; ++v)
          for (int k = 0; k <= D; ++k) l[k] += rule_.points[q][v] * simplices_[i][v][k];
        for (int v = 0; v <= D; ++v)
          for (int k = 0; k <= D; ++k) mu[v] += piece.to_b[v][k] * l[k];
        const Point x = patch.at(l);
        Values phi, psi;
        const double w = weight * rule_.weights[q] * of_a(l, patch, x, phi);
        of_b(mu, patch, x, psi);
        for (int j = 0; j < count; ++j)
          for (int k = 0; k < rows_; ++k) product[j * rows_ + k] += w * psi[j] * phi[k];
      }
    }
    const std::int32_t* columns = b_.nodes(other.element);
    for (int j = 0; j < count; ++j) {
      double* into = column(columns[j]);
      for (int k = 0; k < rows_; ++k) into[k] += product[j * rows_ + k];
    }
  }

  // What is missing from the integrals of A's functions goes to all columns in proportion to what they have.
  void fill(std::size_t e) {
    if (columns_.empty()) return;
    std::array<double, most_nodes * most_nodes> mass;
    mass_(e, mass.data());
    double total = 0.0;
    for (const double value : block_) total += value;
    if (!(total > 0.0)) return;
    std::vector<double>& share = share_;
    share.assign(columns_.size(), 0.0);
    for (std::size_t c = 0; c < columns_.size(); ++c)
      for (int k = 0; k < rows_; ++k) share[c] += block_[c * rows_ + k] / total;
    for (int k = 0; k < rows_; ++k) {
      double missing = 0.0;
      for (int b = 0; b < rows_; ++b) missing += mass[b * rows_ + k];
      for (std::size_t c = 0; c < columns_.size(); ++c) missing -= block_[c * rows_ + k];
      for (std::size_t c = 0; c < columns_.size(); ++c) block_[c * rows_ + k] += share[c] * missing;
    }
  }

  const Elements<D>&a_, &b_;
  const ElementMass<D>& mass_;
  const Quadrature& rule_;
  const double reach_;
  const std::vector<Patch<D>> patches_;
  const BoxTree tree_;
  std::vector<std::int32_t> slot_;
  Blocks matrix_;
  std::vector<double> covered_a_, widest_, covered_b_;
  int rows_ = 0;
  std::vector<std::int32_t> columns_, found_;
  std::vector<double> block_, share_;
  std::vector<Piece> pieces_;
  std::vector<Simplex<D>> simplices_;
};

template <int D>
py::tuple intersect_in(const Doubles& points_a, const Ints& kinds_a, const Ints& nodes_a, const Doubles& points_b,
                       const Ints& kinds_b, const Ints& nodes_b, const Doubles& rule, const Doubles& mass_rule,
                       const Doubles& gauss, double reach) {
  const Elements<D> a(points_a, kinds_a, nodes_a), b(points_b, kinds_b, nodes_b);
  const ElementMass<D> mass(a, mass_rule, gauss);
  const Quadrature quadrature(rule);
  return Intersection<D>(a, b, mass, quadrature, reach).result();
}

template <int D>
py::tuple mass_in(const Doubles& points, const Ints& kinds, const Ints& nodes, const Doubles& rule, const Doubles& gauss) {
  const Elements<D> side(points, kinds, nodes);
  const ElementMass<D> mass(side, rule, gauss);
  Blocks matrix;
  std::vector<std::uint8_t> affine(side.count);
  for (std::size_t e = 0; e < side.count; ++e) {
    const int n = side.nodes_of(e);
    const std::size_t start = matrix.values.size();
    matrix.values.resize(start + n * n);
    mass(e, matrix.values.data() + start);
    matrix.rows.insert(matrix.rows.end(), side.nodes(e), side.nodes(e) + n);
    matrix.columns.insert(matrix.columns.end(), side.nodes(e), side.nodes(e) + n);
    matrix.close();
    affine[e] = side.geometry(e) == Geometry::affine;
  }
  return py::make_tuple(matrix.assemble(side.point_count, side.point_count), to_numpy(matrix.values), to_numpy(affine));
}

// Boxes around all patches of each element, with their reach along the normals.
template <int D>
std::vector<Box> boxes_of(const Elements<D>& side, double reach) {
  std::vector<Box> boxes(side.count);
  for (std::size_t e = 0; e < side.count; ++e)
    for (const auto& tile : side.tiles(e)) {
      const Patch<D> patch(side, e, tile);
      if (!patch.degenerate()) boxes[e].add(patch.box(reach));
    }
  return boxes;
}

template <int D>
Doubles cover_in(const Doubles& points, const Ints& kinds, const Ints& nodes, double reach, std::size_t group) {
  const auto boxes = boxes_of(Elements<D>(points, kinds, nodes), reach);
  std::vector<Box> all((boxes.size() + group - 1) / group);
  const auto order = morton_order(boxes);
  for (std::size_t i = 0; i < order.size(); ++i) all[i / group].add(boxes[order[i]]);
  Doubles result({static_cast<py::ssize_t>(all.size()), py::ssize_t{6}});
  double* out = result.mutable_data();
  for (const Box& box : all) {
    out = std::copy(box.low.begin(), box.low.end(), out);
    out = std::copy(box.high.begin(), box.high.end(), out);
  }
  return result;
}

template <int D>
py::array_t<bool> within(const Doubles& points, const Ints& kinds, const Ints& nodes, double reach, const Doubles& cover) {
  std::vector<Box> around(static_cast<std::size_t>(cover.shape(0)));
  for (std::size_t i = 0; i < around.size(); ++i) {
    std::copy_n(cover.data() + 6 * i, 3, around[i].low.begin());
    std::copy_n(cover.data() + 6 * i + 3, 3, around[i].high.begin());
  }
  const BoxTree tree(around);
  const auto boxes = boxes_of(Elements<D>(points, kinds, nodes), reach);
  py::array_t<bool> near(static_cast<py::ssize_t>(boxes.size()));
  std::vector<std::int32_t> found;
  for (std::size_t e = 0; e < boxes.size(); ++e) {
    found.clear();
    tree.find(boxes[e], found);
    near.mutable_at(static_cast<py::ssize_t>(e)) = !found.empty();
  }
  return near;
}

void check(const Doubles& points) {
  if (points.ndim() != 2 || points.shape(1) != 3) throw std::invalid_argument("points must be (n, 3)");
}

py::tuple intersect(int dimension, const Doubles& points_a, const Ints& kinds_a, const Ints& nodes_a, const Doubles& points_b,
                    const Ints& kinds_b, const Ints& nodes_b, const Doubles& rule, const Doubles& mass_rule,
                    const Doubles& gauss, double reach) {
  check(points_a);
  check(points_b);
  const auto run = dimension == 1 ? intersect_in<1> : dimension == 2 ? intersect_in<2> : intersect_in<3>;
  return run(points_a, kinds_a, nodes_a, points_b, kinds_b, nodes_b, rule, mass_rule, gauss, reach);
}

py::tuple mass(int dimension, const Doubles& points, const Ints& kinds, const Ints& nodes, const Doubles& rule,
               const Doubles& gauss) {
  check(points);
  const auto run = dimension == 1 ? mass_in<1> : dimension == 2 ? mass_in<2> : mass_in<3>;
  return run(points, kinds, nodes, rule, gauss);
}

Doubles cover(int dimension, const Doubles& points, const Ints& kinds, const Ints& nodes, double reach, std::size_t group) {
  check(points);
  const auto run = dimension == 1 ? cover_in<1> : dimension == 2 ? cover_in<2> : cover_in<3>;
  return run(points, kinds, nodes, reach, group);
}

py::array_t<bool> near(int dimension, const Doubles& points, const Ints& kinds, const Ints& nodes, double reach,
                       const Doubles& boxes) {
  check(points);
  if (boxes.ndim() != 2 || boxes.shape(1) != 6) throw std::invalid_argument("boxes must be (n, 6)");
  const auto run = dimension == 1 ? within<1> : dimension == 2 ? within<2> : within<3>;
  return run(points, kinds, nodes, reach, boxes);
}

py::array_t<double> reference_nodes(int kind) {
  if (kind < 0 || kind >= kKinds) throw std::invalid_argument("this kind of element is not known");
  py::array_t<double> result({families[kind].nodes, 3});
  auto out = result.mutable_unchecked<2>();
  for (int a = 0; a < families[kind].nodes; ++a) {
    const Point x = reference_node(static_cast<Kind>(kind), a);
    for (int k = 0; k < 3; ++k) out(a, k) = x[k];
  }
  return result;
}

}  // namespace
}  // namespace suture

PYBIND11_MODULE(_intersection, module) {
  module.def("intersect", &suture::intersect);
  module.def("mass", &suture::mass);
  module.def("cover", &suture::cover);
  module.def("near", &suture::near);
  module.def("reference_nodes", &suture::reference_nodes);
}
