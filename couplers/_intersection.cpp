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

#include <algorithm>

#include "_blocks.hpp"
#include "_element_mass.hpp"


namespace suture {
namespace {

// Pieces smaller than this fraction of either patch are round-off of a common edge.
constexpr double kSliver = 1e-13;
// Patches more inclined to one another (cosine of the angle) are different faces of a body.
constexpr double kInclined = 0.1;
// More than this much of a patch covered in excess means that two sheets lie over it: the nearer one counts.
constexpr double kTwice = 1e-6;

template <int D>
class Intersection {
 public:
  Intersection(const Elements<D>& a, const Elements<D>& b, const ElementMass<D>& mass, const Quadrature& rule,
               const Quadrature& fine, double reach)
      : a_(a), b_(b), mass_(mass), rule_(rule), fine_(fine), reach_(reach), patches_(patches_of(b)), tree_(boxes()),
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
    const std::int32_t* columns = b_.nodes(other.element);
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
    const Quadrature& rule = a_.affine(patch.element) && b_.affine(other.element) ? rule_ : fine_;
    const int count = b_.nodes_of(other.element);
    std::array<double, most_nodes * most_nodes> product{};
    for (auto i = piece.first; i < piece.last; ++i) {
      const double weight = relative_measure(simplices_[i]) * patch.measure / factorial[D];
      for (std::size_t q = 0; q < rule.weights.size(); ++q) {
        Barycentric<D> l{}, mu{};
        for (int v = 0; v <= D; ++v)
          for (int k = 0; k <= D; ++k) l[k] += rule.points[q][v] * simplices_[i][v][k];
        for (int v = 0; v <= D; ++v)
          for (int k = 0; k <= D; ++k) mu[v] += piece.to_b[v][k] * l[k];
        const Point x = patch.at(l);
        Values phi, psi;
        const double w = weight * rule.weights[q] * of_a(l, patch, x, phi);
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
    std::array<double, most_nodes> missing;
    mass_.integrals(e, missing.data());
    share_.assign(columns_.size(), 0.0);
    double total = 0.0;
    for (std::size_t c = 0; c < columns_.size(); ++c)
      for (int k = 0; k < rows_; ++k) {
        const double value = block_[c * rows_ + k];
        share_[c] += value;
        total += value;
        missing[k] -= value;
      }
    if (!(total > 0.0)) return;
    for (std::size_t c = 0; c < columns_.size(); ++c)
      for (int k = 0; k < rows_; ++k) block_[c * rows_ + k] += share_[c] / total * missing[k];
  }

  const Elements<D>&a_, &b_;
  const ElementMass<D>& mass_;
  const Quadrature &rule_, &fine_;  // for affine elements, and for others
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
                       const Ints& kinds_b, const Ints& nodes_b, const Doubles& rule, const Doubles& fine,
                       const Doubles& mass_rule, const Doubles& gauss, double reach) {
  const Elements<D> a(points_a, kinds_a, nodes_a), b(points_b, kinds_b, nodes_b);
  const ElementMass<D> mass(a, mass_rule, gauss);
  const Quadrature plain(rule), finer(fine);
  return Intersection<D>(a, b, mass, plain, finer, reach).result();
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
    affine[e] = side.affine(e);
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
                    const Ints& kinds_b, const Ints& nodes_b, const Doubles& rule, const Doubles& fine,
                    const Doubles& mass_rule, const Doubles& gauss, double reach) {
  check(points_a);
  check(points_b);
  const auto run = dimension == 1 ? intersect_in<1> : dimension == 2 ? intersect_in<2> : intersect_in<3>;
  return run(points_a, kinds_a, nodes_a, points_b, kinds_b, nodes_b, rule, fine, mass_rule, gauss, reach);
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

// Longest distance between two corners of each element.
Doubles diameters(const Doubles& points, const Ints& kinds, const Ints& nodes) {
  check(points);
  const auto* x = reinterpret_cast<const Point*>(points.data());
  Doubles result(kinds.size());
  const std::int32_t* node = nodes.data();
  for (py::ssize_t e = 0; e < kinds.size(); ++e) {
    const Family& family = families[kinds.data()[e]];
    std::array<Point, most_nodes> corner;
    for (int a = 0; a < family.corners; ++a) corner[a] = x[node[a]];
    result.mutable_data()[e] = diameter(corner.data(), family.corners);
    node += family.nodes;
  }
  return result;
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
  module.def("diameters", &suture::diameters);
  module.def("reference_nodes", &suture::reference_nodes);
}
