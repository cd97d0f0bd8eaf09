// Radial basis functions on a partition of unity: the dense blocks of the mapping operator.
//
// The source's points are taken by cubic cells of a lattice, and those of each cell are halved along their longest
// extent until few are left (a k-d tree): the cores. A cluster is a core and the points nearest to its box. Its
// interpolant is blended with its neighbours' by weights that fall from the middle of the core's box to zero within
// the cluster (Wendland 2005, Scattered Data Approximation, chapter 15). Nothing depends on which rank does it.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <Eigen/Dense>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

namespace py = pybind11;
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Ints = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;
using Matrix = Eigen::MatrixXd;
using Values = Eigen::ArrayXd;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
using Point = std::array<double, 3>;

struct Box {
  Point low{infinity, infinity, infinity}, high{-infinity, -infinity, -infinity};

  void grow(const Point &p) {
    for (int k = 0; k < 3; ++k) low[k] = std::min(low[k], p[k]), high[k] = std::max(high[k], p[k]);
  }
  // Largest distance along an axis by which ``p`` lies outside.
  double outside(const Point &p) const {
    double most = 0.0;
    for (int k = 0; k < 3; ++k) most = std::max({most, low[k] - p[k], p[k] - high[k]});
    return most;
  }
  bool within(const Box &other, double margin) const {
    for (int k = 0; k < 3; ++k)
      if (low[k] > other.high[k] + margin || high[k] < other.low[k] - margin) return false;
    return true;
  }
  int longest() const {
    int axis = 0;
    for (int k = 1; k < 3; ++k)
      if (high[k] - low[k] > high[axis] - low[axis]) axis = k;
    return axis;
  }
};

// Points, halved along the longest extent of their box until a leaf has no more than ``most``.
class Tree {
public:
  struct Node {
    Box box;
    std::uint32_t begin, end;
    std::int32_t left = -1, right = -1;
  };
  std::vector<Node> nodes;

  Tree() = default;
  Tree(const double *x, std::uint32_t *order, std::uint32_t begin, std::uint32_t end, std::size_t most)
      : x_(x), order_(order) {
    nodes.push_back(make(begin, end));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::uint32_t from = nodes[i].begin, to = nodes[i].end, middle = from + (to - from) / 2;
      if (to - from <= most) continue;
      const int axis = nodes[i].box.longest();
      std::nth_element(order_ + from, order_ + middle, order_ + to, [&](std::uint32_t a, std::uint32_t b) {
        for (int k = 0; k < 3; ++k) {
          const double xa = x_[3 * std::size_t(a) + (axis + k) % 3], xb = x_[3 * std::size_t(b) + (axis + k) % 3];
          if (xa != xb) return xa < xb;
        }
        return a < b;
      });
      nodes[i].left = static_cast<std::int32_t>(nodes.size());
      nodes.push_back(make(from, middle));
      nodes[i].right = static_cast<std::int32_t>(nodes.size());
      nodes.push_back(make(middle, to));
    }
  }

  // Calls ``found(point, distance)`` for every point within ``margin`` of the box along each axis.
  template <class Found> void near(const Box &box, double margin, Found found) const {
    if (nodes.empty()) return;
    std::int32_t stack[64];
    int top = 0;
    stack[top++] = 0;
    while (top > 0) {
      const Node &node = nodes[stack[--top]];
      if (!node.box.within(box, margin)) continue;
      if (node.left >= 0) {
        stack[top++] = node.right;
        stack[top++] = node.left;
        continue;
      }
      for (std::uint32_t i = node.begin; i < node.end; ++i) {
        const std::uint32_t p = order_[i];
        const double d = box.outside({x_[3 * std::size_t(p)], x_[3 * std::size_t(p) + 1], x_[3 * std::size_t(p) + 2]});
        if (d <= margin) found(p, d);
      }
    }
  }

private:
  Node make(std::uint32_t begin, std::uint32_t end) const {
    Node node{Box(), begin, end};
    for (std::uint32_t i = begin; i < end; ++i) {
      const double *p = x_ + 3 * std::size_t(order_[i]);
      node.box.grow({p[0], p[1], p[2]});
    }
    return node;
  }

  const double *x_ = nullptr;
  std::uint32_t *order_ = nullptr;
};

enum class Kernel { c0, c2, c4, c6, thin_plate, gaussian };

Kernel kernel_named(const std::string &name) {
  const std::array<const char *, 6> names{"compact-c0", "compact-c2",        "compact-c4",
                                          "compact-c6", "thin-plate-spline", "gaussian"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<Kernel>(i);
  throw std::invalid_argument("no kernel " + name);
}

// In place: squared distances in units of the support radius become values.
void apply_kernel(Kernel kernel, Eigen::Ref<Matrix> squared) {
  auto s = squared.array();
  if (kernel == Kernel::thin_plate) {
    s = s.unaryExpr([](double x) { return x > 0.0 ? 0.5 * x * std::log(x) : 0.0; });
    return;
  }
  if (kernel == Kernel::gaussian) {
    s = (-s).exp();
    return;
  }
  for (Eigen::Index j = 0; j < squared.cols(); ++j) {
    auto column = squared.col(j).array();
    const Values r = column.sqrt().min(1.0), f = 1.0 - r, f2 = f * f;
    if (kernel == Kernel::c0) column = f2;
    else if (kernel == Kernel::c2) column = f2 * f2 * (4.0 * r + 1.0);
    else if (kernel == Kernel::c4) column = f2 * f2 * f2 * (35.0 * r * r + 18.0 * r + 3.0) / 3.0;
    else column = f2 * f2 * f2 * f2 * (((32.0 * r + 25.0) * r + 8.0) * r + 1.0);
  }
}

// Squared distances between the columns of a and b (3, n), (3, m).
Matrix squared_distances(const Matrix &a, const Matrix &b) {
  Matrix squared(a.cols(), b.cols());
  const Values x = a.row(0).transpose(), y = a.row(1).transpose(), z = a.row(2).transpose();
  for (Eigen::Index j = 0; j < b.cols(); ++j)
    squared.col(j).array() = (x - b(0, j)).square() + (y - b(1, j)).square() + (z - b(2, j)).square();
  return squared;
}

// Points whose extent along an axis is less than this, relatively, lie in a plane or on a line.
constexpr double flat = 1e-4;
// A product of coordinates of which no more than this is new, relatively, is known from lower ones: on a surface the
// normal coordinate is nearly a product of tangential ones.
constexpr double alike = 1e-2;

// One cluster's interpolation: W (evaluations, points) with rows that sum to one.
class Interpolation {
public:
  Interpolation(Kernel kernel, double support) : kernel_(kernel), support_(support) {}

  // ``points`` (3, n) and ``at`` (3, m), from the cluster's middle; returns the transpose of W, (n, m).
  Matrix weights(const Matrix &points, const Matrix &at) const {
    Matrix p, q;
    polynomials(points, at, p, q);
    Matrix phi = squared_distances(points, points);
    const double radius = kernel_ == Kernel::thin_plate ? extent_of(phi) : radius_of(phi);
    phi /= radius * radius;
    apply_kernel(kernel_, phi);
    Matrix right = squared_distances(points, at) / (radius * radius);
    apply_kernel(kernel_, right);
    if (kernel_ == Kernel::thin_plate) return saddle(phi, p, right, q);
    solve(phi, right);
    // The polynomial is fitted first, by least squares; what it misses goes to the radial functions. In this order of
    // the factors rows sum to one, and polynomials are kept, whatever the round-off in ``right``.
    right.noalias() += p * (q.transpose() - p.transpose() * right);
    return right;
  }

private:
  // Principal axes scaled by the points' extent, (3, 0 to 3): a plane or a line has fewer.
  static Matrix directions(const Matrix &points) {
    const Eigen::Vector3d mean = points.rowwise().mean();
    const Matrix centred = points.colwise() - mean;
    const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> spread(centred * centred.transpose() / double(points.cols()));
    const double most = spread.eigenvalues()[2];
    const int count = most > 0.0 ? int((spread.eigenvalues().array() > flat * flat * most).count()) : 0;
    Matrix axes = spread.eigenvectors().rightCols(count);
    for (int k = 0; k < count; ++k) axes.col(k) /= std::sqrt(spread.eigenvalues()[3 - count + k]);
    return axes.rowwise().reverse();
  }

  static Matrix monomials(const Matrix &axes, const Matrix &points) {
    const Eigen::Index d = axes.cols();
    Matrix m(points.cols(), 1 + d + d * (d + 1) / 2);
    m.col(0).setOnes();
    m.middleCols(1, d) = points.transpose() * axes;
    for (Eigen::Index i = 0, c = 1 + d; i < d; ++i)
      for (Eigen::Index j = 0; j <= i; ++j, ++c) m.col(c) = m.col(1 + i).cwiseProduct(m.col(1 + j));
    return m;
  }

  // Polynomials that are orthonormal on ``points``, there (p) and ``at`` (q); what the points do not tell apart from
  // lower ones is left out.
  static void polynomials(const Matrix &points, const Matrix &at, Matrix &p, Matrix &q) {
    const Matrix axes = directions(points);
    p = monomials(axes, points);
    q = monomials(axes, at);
    Eigen::Index kept = 0;
    const Eigen::Index room = std::min(p.rows(), std::max(1 + axes.cols(), p.rows() / 2));
    for (Eigen::Index c = 0; c < p.cols() && kept < room; ++c) {
      const double before = p.col(c).norm();
      for (int twice = 0; twice < 2; ++twice) {
        const Eigen::VectorXd along = p.leftCols(kept).transpose() * p.col(c);
        p.col(c) -= p.leftCols(kept) * along;
        q.col(c) -= q.leftCols(kept) * along;
      }
      const double after = p.col(c).norm();
      if (!(after > (c <= axes.cols() ? flat : alike) * before)) continue;
      p.col(kept) = p.col(c) / after;
      q.col(kept) = q.col(c) / after;
      ++kept;
    }
    p.conservativeResize(Eigen::NoChange, kept);
    q.conservativeResize(Eigen::NoChange, kept);
  }

  static double extent_of(const Matrix &squared) {
    const double most = squared.maxCoeff();
    return most > 0.0 ? std::sqrt(most) : 1.0;
  }

  // Compact functions reach over 40, the Gaussian over 2 mean distances between neighbours.
  double radius_of(const Matrix &squared) const {
    if (support_ > 0.0) return support_;
    double sum = 0.0;
    for (Eigen::Index j = 0; j < squared.cols(); ++j) {
      double least = infinity;
      for (Eigen::Index i = 0; i < squared.rows(); ++i)
        if (i != j) least = std::min(least, squared(i, j));
      sum += std::sqrt(least);
    }
    const double spacing = sum / double(squared.cols());
    if (!(spacing > 0.0 && spacing < infinity)) return extent_of(squared);
    return (kernel_ == Kernel::gaussian ? 2.0 : 40.0) * spacing;
  }

  static void solve(const Matrix &phi, Matrix &right) {
    const Eigen::LLT<Matrix> factor(phi);
    if (factor.info() == Eigen::Success && phi.cols() > 0) {
      const auto pivots = factor.matrixLLT().diagonal().array();
      if (pivots.minCoeff() > 1e-7 * pivots.maxCoeff()) {
        factor.solveInPlace(right);
        return;
      }
    }
    // Nearly dependent functions, or points given twice: leave out what round-off has eaten.
    const Eigen::SelfAdjointEigenSolver<Matrix> modes(phi);
    const double least = 1e-13 * modes.eigenvalues().array().abs().maxCoeff();
    const Values inverse = modes.eigenvalues().array().unaryExpr([=](double e) { return e > least ? 1.0 / e : 0.0; });
    right = modes.eigenvectors() * (inverse.matrix().asDiagonal() * (modes.eigenvectors().transpose() * right));
  }

  // Conditionally positive functions need the polynomial in the system.
  static Matrix saddle(const Matrix &phi, const Matrix &p, const Matrix &right, const Matrix &q) {
    const Eigen::Index n = phi.rows(), c = p.cols();
    Matrix system = Matrix::Zero(n + c, n + c), sides(n + c, right.cols());
    system.topLeftCorner(n, n) = phi;
    system.topRightCorner(n, c) = p;
    system.bottomLeftCorner(c, n) = p.transpose();
    sides.topRows(n) = right;
    sides.bottomRows(c) = q.transpose();
    const Eigen::PartialPivLU<Matrix> factor(system);
    Matrix found = factor.rcond() > 1e-14 ? Matrix(factor.solve(sides).topRows(n))
                                          : Eigen::CompleteOrthogonalDecomposition<Matrix>(system).solve(sides).topRows(n);
    found += p * (q.transpose() - p.transpose() * found);
    return found;
  }

  Kernel kernel_;
  double support_;
  };

// Of the distance from a core's box to its cluster's farthest point, the part in which the cluster has weight.
constexpr double reach = 0.7;

// 0 in the middle of the box, 1 where the weight ends.
double depth(const Box &box, double margin, const Point &p) {
  double most = 0.0;
  for (int k = 0; k < 3; ++k)
    most = std::max(most, std::abs(2.0 * p[k] - box.low[k] - box.high[k]) / (box.high[k] - box.low[k] + 2.0 * margin));
  return most;
}

double smooth_step(double t) { return t < 1.0 ? (1 - t) * (1 - t) * (1 - t) * (1 - t) * (4 * t + 1) : 0.0; }

using CellKey = std::array<std::int64_t, 3>;
struct Hash {
  std::size_t operator()(const CellKey &c) const {
    return std::size_t(c[0]) * 73856093u ^ std::size_t(c[1]) * 19349663u ^ std::size_t(c[2]) * 83492791u;
  }
};

struct Cluster {
  Box box;
  double margin = 0.0;
  std::vector<std::uint32_t> points, rows;
  std::vector<double> weights;
};

class Clusters {
public:
  Clusters(const double *points, std::size_t n, const double *at, std::size_t m, Point origin, double size, int count)
      : points_(points), at_(at), n_(n), m_(m), origin_(origin), size_(size), count_(count) {
    sort_points();
    order_at_.resize(m);
    std::iota(order_at_.begin(), order_at_.end(), 0);
    if (m > 0) at_tree_ = Tree(at_, order_at_.data(), 0, static_cast<std::uint32_t>(m), 16);
    make_clusters();
    blend();
  }

  std::vector<Cluster> clusters;
  std::vector<std::int32_t> lost; // evaluation points with no source point near

private:
  Point place(const double *x, std::size_t i) const { return {x[3 * i], x[3 * i + 1], x[3 * i + 2]}; }
  CellKey cell_of(const Point &p) const {
    CellKey key;
    for (int k = 0; k < 3; ++k)
      key[k] = static_cast<std::int64_t>(std::clamp(std::floor((p[k] - origin_[k]) / size_), -1e15, 1e15));
    return key;
  }

  void sort_points() {
    std::vector<CellKey> key(n_);
    for (std::size_t i = 0; i < n_; ++i) key[i] = cell_of(place(points_, i));
    order_.resize(n_);
    std::iota(order_.begin(), order_.end(), 0);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return key[a] != key[b] ? key[a] < key[b] : a < b;
    });
    // About half of a cluster's points are its core.
    const std::size_t core = std::max(1, core_of(count_));
    for (std::size_t begin = 0, end; begin < n_; begin = end) {
      for (end = begin + 1; end < n_ && key[order_[end]] == key[order_[begin]];) ++end;
      cells_.emplace_back(key[order_[begin]], Tree(points_, order_.data(), begin, end, core));
    }
    for (std::size_t i = 0; i < cells_.size(); ++i) place_[cells_[i].first] = i;
  }

  static int core_of(int count) { return static_cast<int>(std::lround(0.5 * count)); }

  template <class Visit> void around(const CellKey &key, Visit visit) const {
    for (std::int64_t x = -1; x <= 1; ++x)
      for (std::int64_t y = -1; y <= 1; ++y)
        for (std::int64_t z = -1; z <= 1; ++z) {
          const auto found = place_.find({key[0] + x, key[1] + y, key[2] + z});
          if (found != place_.end()) visit(found->second);
        }
  }

  void make_clusters() {
    first_.assign(cells_.size() + 1, 0);
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      first_[c] = clusters.size();
      for (const Tree::Node &node : cells_[c].second.nodes)
        if (node.left < 0) add_cluster(c, node);
    }
    first_[cells_.size()] = clusters.size();
  }

  void add_cluster(std::size_t cell, const Tree::Node &core) {
    Cluster cluster;
    cluster.box = core.box;
    const int axis = core.box.longest();
    const double extent = core.box.high[axis] - core.box.low[axis];
    std::vector<std::pair<double, std::uint32_t>> near;
    const auto wanted = static_cast<std::size_t>(count_);
    for (double margin = std::max(0.25 * extent, 0.02 * size_);; margin *= 1.6) {
      margin = std::min(margin, size_);
      near.clear();
      around(cells_[cell].first, [&](std::size_t c) {
        cells_[c].second.near(core.box, margin, [&](std::uint32_t p, double d) { near.emplace_back(d, p); });
      });
      if (near.size() >= wanted || margin >= size_) break;
    }
    if (near.size() > wanted) {
      std::nth_element(near.begin(), near.begin() + wanted, near.end(), [this](const auto &a, const auto &b) {
        return a.first != b.first ? a.first < b.first : place(points_, a.second) < place(points_, b.second);
      });
      near.resize(wanted);
    }
    for (const auto &[d, p] : near) cluster.margin = std::max(cluster.margin, d);
    std::sort(near.begin(), near.end(), [this](const auto &a, const auto &b) {
      return place(points_, a.second) < place(points_, b.second);
    });
    for (const auto &each : near) cluster.points.push_back(each.second);
    clusters.push_back(std::move(cluster));
  }

  void blend() {
    std::vector<double> sum(m_, 0.0);
    for (Cluster &cluster : clusters) {
      const double margin = reach * cluster.margin;
      at_tree_.near(cluster.box, margin, [&](std::uint32_t p, double) {
        const double weight = margin > 0.0 ? smooth_step(depth(cluster.box, margin, place(at_, p))) : 1.0;
        if (weight <= 0.0) return;
        cluster.rows.push_back(p);
        cluster.weights.push_back(weight);
        sum[p] += weight;
      });
    }
    for (std::size_t i = 0; i < m_; ++i)
      if (!(sum[i] > 0.0)) adopt(i, sum);
    for (Cluster &cluster : clusters)
      for (std::size_t k = 0; k < cluster.rows.size(); ++k) cluster.weights[k] /= sum[cluster.rows[k]];
  }

  // A point outside all clusters belongs to the nearest of those in the cells around.
  void adopt(std::size_t i, std::vector<double> &sum) {
    const Point p = place(at_, i);
    std::size_t best = clusters.size();
    double least = infinity;
    around(cell_of(p), [&](std::size_t c) {
      for (std::size_t k = first_[c]; k < first_[c + 1]; ++k)
        if (const double d = clusters[k].box.outside(p); d < least) least = d, best = k;
    });
    if (best == clusters.size()) {
      lost.push_back(static_cast<std::int32_t>(i));
      return;
    }
    clusters[best].rows.push_back(static_cast<std::uint32_t>(i));
    clusters[best].weights.push_back(1.0);
    sum[i] = 1.0;
  }

  const double *points_, *at_;
  std::size_t n_, m_;
  Point origin_;
  double size_;
  int count_;
  std::vector<std::uint32_t> order_, order_at_;
  Tree at_tree_;
  std::vector<std::pair<CellKey, Tree>> cells_;
  std::unordered_map<CellKey, std::size_t, Hash> place_;
  std::vector<std::size_t> first_;
};

Matrix gathered(const double *x, const std::vector<std::uint32_t> &which, const Eigen::Vector3d &from) {
  Matrix out(3, which.size());
  for (std::size_t i = 0; i < which.size(); ++i)
    out.col(i) = Eigen::Map<const Eigen::Vector3d>(x + 3 * std::size_t(which[i])) - from;
  return out;
}

// Blocks of the operator: (rows, first row of each block, columns, first column, values column by column, lost rows).
py::tuple build_blocks(Doubles points, Doubles at, std::array<double, 3> origin, double size, std::string kernel_name,
                       double support, int count) {
  if (points.ndim() != 2 || points.shape(1) != 3 || at.ndim() != 2 || at.shape(1) != 3)
    throw std::invalid_argument("points must be (n, 3)");
  const Kernel kernel = kernel_named(kernel_name);
  const double *x = points.data(), *e = at.data();
  std::vector<std::int32_t> lost;
  std::vector<Cluster> clusters;
  {
    py::gil_scoped_release release;
    Clusters made(x, points.shape(0), e, at.shape(0), origin, size, count);
    lost = std::move(made.lost);
    for (Cluster &cluster : made.clusters)
      if (!cluster.rows.empty()) clusters.push_back(std::move(cluster));
  }
  std::size_t total_rows = 0, total_columns = 0, total = 0;
  for (const Cluster &c : clusters)
    total_rows += c.rows.size(), total_columns += c.points.size(), total += c.rows.size() * c.points.size();
  py::array_t<std::int32_t> rows(total_rows), columns(total_columns), lost_rows(lost.size());
  py::array_t<std::int64_t> first_row(clusters.size() + 1), first_column(clusters.size() + 1);
  py::array_t<double> values(total);
  std::int32_t *row = rows.mutable_data(), *column = columns.mutable_data();
  std::int64_t *begin_row = first_row.mutable_data(), *begin_column = first_column.mutable_data();
  double *value = values.mutable_data();
  std::copy(lost.begin(), lost.end(), lost_rows.mutable_data());
  {
    py::gil_scoped_release release;
    const Interpolation interpolation(kernel, support);
    *begin_row = *begin_column = 0;
    for (const Cluster &c : clusters) {
      Eigen::Vector3d middle;
      for (int k = 0; k < 3; ++k) middle[k] = 0.5 * (c.box.low[k] + c.box.high[k]);
      const Matrix weights = interpolation.weights(gathered(x, c.points, middle), gathered(e, c.rows, middle));
      const Eigen::Index n = weights.rows(), m = weights.cols();
      Eigen::Map<Matrix>(value, m, n) =
          (weights.array().rowwise() * Eigen::Map<const Eigen::RowVectorXd>(c.weights.data(), m).array()).transpose();
      value += n * m;
      row = std::copy(c.rows.begin(), c.rows.end(), row);
      column = std::copy(c.points.begin(), c.points.end(), column);
      begin_row[1] = begin_row[0] + m, begin_column[1] = begin_column[0] + n;
      ++begin_row, ++begin_column;
    }
  }
  return py::make_tuple(rows, first_row, columns, first_column, values, lost_rows);
}

// Squared distances from each sample to its ``count`` nearest points, ascending, infinite where there are fewer.
Doubles nearest_distances(Doubles points, Doubles samples, int count) {
  py::array_t<double> out({samples.shape(0), py::ssize_t(count)});
  const double *x = points.data(), *s = samples.data();
  double *o = out.mutable_data();
  const py::ssize_t n = points.shape(0), m = samples.shape(0);
  py::gil_scoped_release release;
  for (py::ssize_t j = 0; j < m; ++j) {
    double *best = o + j * count;
    std::fill(best, best + count, infinity);
    for (py::ssize_t i = 0; i < n; ++i) {
      const double dx = x[3 * i] - s[3 * j], dy = x[3 * i + 1] - s[3 * j + 1], dz = x[3 * i + 2] - s[3 * j + 2];
      const double d = dx * dx + dy * dy + dz * dz;
      if (!(d < best[0])) continue;
      std::pop_heap(best, best + count);
      best[count - 1] = d;
      std::push_heap(best, best + count);
    }
    std::sort_heap(best, best + count);
  }
  return out;
}

} // namespace

PYBIND11_MODULE(_radial, m) {
  m.doc() = "Radial basis functions on a partition of unity.";
  m.def("build_blocks", &build_blocks, py::arg("points"), py::arg("at"), py::arg("origin"), py::arg("size"),
        py::arg("kernel"), py::arg("support"), py::arg("count"));
  m.def("nearest_distances", &nearest_distances, py::arg("points"), py::arg("samples"), py::arg("count"));
}
