// Upwind discontinuous Galerkin sweeps of linear functions on simplices: one direction at a time, all bands at once.
//
// In a cell and a direction s, with kappa the removal of a band (1/length) and q its source,
//
//     sum_j [ -(s.grad phi_i, phi_j) + <s.n phi_i, phi_j>_out + kappa (phi_i, phi_j) ] theta_j
//         = (phi_i, q) + <|s.n| phi_i, theta_upwind>_in ,
//
// where everything follows from a_f = s.n_f A_f, the flow through the face opposite to vertex f, and the volume V:
// (phi_i, phi_j) = V (1 + delta_ij) / ((d+1)(d+2)), <phi_i, phi_j>_f = A_f (1 + delta_ij) / (d(d+1)) for i, j on f, and
// -(s.grad phi_i, phi_j) = a_i / (d(d+1)). All is multiplied by d(d+1).
//
// On axisymmetric meshes (triangles in the distance r from the axis and the height) every integral has a factor r, and as
// phonons fly straight, their direction turns about the axis. In the order of the directions, from straight at the axis
// to straight away from it, theta goes through its values half-way, (m - 1/2) and (m + 1/2), with the integrals without r,
//
//     ... + (phi_i, removal theta_m - gain theta_(m-1/2)) ,    theta_m = tau theta_(m+1/2) + (1 - tau) theta_(m-1/2) .
//
// The first of each height of flight, straight at the axis, obeys the equation of plane meshes and weighs nothing.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace py = pybind11;
using Doubles = py::array_t<double, py::array::c_style>;
using Longs = py::array_t<std::int32_t, py::array::c_style>;
using Bytes = py::array_t<std::int8_t, py::array::c_style>;

namespace {

void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

// A direction of flight and what belongs to it.
struct Direction {
    double s[3] = {0.0, 0.0, 0.0};
    double weight = 0.0;
    std::int64_t first = 0;             // its first band among the columns of the material's tables
    double drive = 0.0;                 // -s . (given uniform gradient of temperature)
    std::vector<double> factors;        // weight of the direction in every moment
    std::vector<std::int32_t> order;    // cells, upwind ones first
    std::vector<std::int32_t> blocks;   // length of the block that starts at each place of the order; 1, or more in a ring
    std::int64_t level = -1;            // on axisymmetric meshes, number of its height of flight
    double removal = 0.0, gain = 0.0, tau = 1.0;
    bool starts() const { return level >= 0 && weight == 0.0; }
};

// A cell as one direction sees it: the flow a through its faces, the streaming matrix S, and the mass matrix, which is
// m (1 + delta_ij) on plane meshes and else M; r are the distances from the axis, P (1 + delta_ij) the mass without them.
template <int N>
struct Shape {
    double a[N], S[N][N], M[N][N], r[N];
    double m = 0.0, P = 0.0;
};

class Sweeper {
public:
    // The first `owned` cells are swept; theta of the others, which are other ranks', is the caller's to fill in. `radius`,
    // (cells, 3) or empty, makes the mesh axisymmetric.
    Sweeper(Doubles area, Doubles volume, Longs neighbour, Bytes across, Longs region, std::int64_t owned, Doubles radius)
        : owned_(owned), area_(area), volume_(volume), neighbour_(neighbour), across_(across), region_(region), radius_(radius) {
        require(area.ndim() == 3 && area.shape(1) == area.shape(2) + 1, "area must be (cells, d + 1, d)");
        cells_ = area.shape(0);
        corners_ = area.shape(1);
        dimension_ = area.shape(2);
        require(volume.size() == cells_ && region.size() == cells_, "volume and region must be (cells,)");
        require(neighbour.size() == cells_ * corners_, "neighbour must be (cells, d + 1)");
        require(across.size() == cells_ * corners_ * corners_, "across must be (cells, d + 1, d + 1)");
        require(radius.size() == 0 || (corners_ == 3 && radius.size() == 3 * cells_), "radius must be (cells, 3)");
    }

    // Tables (regions, columns): removal, emission of the lattice temperature, heating, memory, energy flux; and (moments,
    // regions, columns): weights of the moments. `bins` (columns,); `bands` of the columns belong to every direction.
    void materials(Doubles removal, Doubles emission, Doubles heating, Doubles memory, Doubles flux, Doubles moments,
                   Longs bins, std::int64_t bands) {
        columns_ = bins.size();
        bands_ = bands;
        moments_ = moments.shape(0);
        require(removal.size() % columns_ == 0 && removal.size() == emission.size() && removal.size() == heating.size() &&
                    removal.size() == memory.size() && removal.size() == flux.size(),
                "tables must be (regions, columns)");
        regions_ = removal.size() / columns_;
        require(moments.size() == moments_ * regions_ * columns_, "moments must be (moments, regions, columns)");
        removal_ = removal, emission_ = emission, heating_ = heating, memory_ = memory, flux_ = flux;
        weights_ = moments, bins_ = bins;
    }

    // `entering` and `leaving` are (boundary faces, d, bins); `slots` (boundary faces,): row of a face among those whose
    // values are kept by direction, or -1.
    void boundaries(Doubles entering, Doubles leaving, Longs slots) {
        require(entering.ndim() == 3 && entering.size() == leaving.size() && slots.size() == entering.shape(0),
                "entering and leaving must be (faces, d, bins)");
        entering_ = entering, leaving_ = leaving, slots_ = slots;
        bin_count_ = entering.shape(2);
    }

    std::int64_t add(const std::vector<double>& s, double weight, std::int64_t first, double drive,
                     const std::vector<double>& factors) {
        Direction one;
        std::copy(s.begin(), s.end(), one.s);
        one.weight = weight, one.first = first, one.drive = drive, one.factors = factors;
        order(one);
        directions_.push_back(std::move(one));
        return static_cast<std::int64_t>(directions_.size()) - 1;
    }

    // Let a direction turn about the axis, as the last one that was given for its level; the first of a level starts it.
    void turn(std::int64_t index, std::int64_t level, double removal, double gain, double tau) {
        require(radius_.size() > 0, "only axisymmetric meshes let directions turn");
        Direction& one = directions_.at(index);
        one.level = level, one.removal = removal, one.gain = gain, one.tau = tau;
        levels_ = std::max(levels_, level + 1);
    }

    // Change the order of a direction's cells: those of the earliest stage first, blocks kept together. Returns where each
    // stage 0, 1, ... ends.
    std::vector<std::int64_t> stages(std::int64_t index, Longs stage) {
        Direction& one = directions_.at(index);
        std::int32_t last = 0;
        for (const std::int32_t cell : one.order) last = std::max(last, stage.at(cell));
        std::vector<std::int32_t> order, blocks;
        std::vector<std::int64_t> ends;
        for (std::int32_t now = 0; now <= last; ++now) {
            for (std::size_t at = 0; at < one.order.size(); ++at)
                if (stage.at(one.order[at]) == now) order.push_back(one.order[at]), blocks.push_back(one.blocks[at]);
            ends.push_back(order.size());
        }
        one.order = order, one.blocks = blocks;
        return ends;
    }

    // Stages of a direction's own cells, (cells,), from those of the other ranks' cells in `stage`, one more than which
    // what they feed has; none is before `least`, (cells,). In place. Returns whether any changed.
    bool advance_stages(std::int64_t index, Longs stage, Longs least) const {
        const Direction& one = directions_.at(index);
        std::int32_t* of = stage.mutable_data();
        bool changed = false;
        for (std::size_t place = 0; place < one.order.size(); place += one.blocks[place]) {
            std::int32_t needed = 0;
            for (int c = 0; c < one.blocks[place]; ++c) {
                const std::int32_t cell = one.order[place + c];
                needed = std::max(needed, least.data()[cell]);
                for (int f = 0; f < corners_; ++f) {
                    const std::int32_t up = neighbour_.data()[cell * corners_ + f];
                    if (up >= 0 && enters(one, cell, f)) needed = std::max(needed, of[up] + (up >= owned_ ? 1 : 0));
                }
            }
            for (int c = 0; c < one.blocks[place]; ++c) {
                std::int32_t& mine = of[one.order[place + c]];
                changed = changed || mine != needed;
                mine = needed;
            }
        }
        return changed;
    }

    void drive(std::int64_t index, double value) { directions_.at(index).drive = value; }

    std::tuple<py::array_t<std::int32_t>, py::array_t<std::int32_t>> order_of(std::int64_t index) const {
        const Direction& one = directions_.at(index);
        return {py::array_t<std::int32_t>(one.order.size(), one.order.data()),
                py::array_t<std::int32_t>(one.blocks.size(), one.blocks.data())};
    }

    // Sweep the directions [begin, end) over the part [from, to) of their orders (to < 0: all). `temperature` and `source`
    // are (cells, d + 1); `moments` (moments, cells, d + 1) is added to; `theta` (cells, d + 1, bands) is room for the
    // direction's solution; `kept_in`, `kept_out` are (directions, slots, d, bands); `state` (directions, cells, d + 1,
    // bands) is what the memory term remembers, to which `update` times the change is added. Unless they are empty, `net`
    // (cells,) gets the heat that leaves each cell through its faces, and `upwind` (2, cells, 2), of intervals only, the first
    // two moments at a vertex of what leaves the cell there.
    void sweep(std::int64_t begin, std::int64_t end, std::int64_t from, std::int64_t to, Doubles temperature, Doubles source,
               Doubles moments, Doubles theta, Doubles kept_in, Doubles kept_out, Doubles state, double update, Doubles net,
               Doubles upwind) {
        require(begin >= 0 && end <= static_cast<std::int64_t>(directions_.size()), "no such direction");
        require(temperature.size() == cells_ * corners_ && source.size() == cells_ * corners_, "temperature: (cells, d + 1)");
        require(moments.size() == moments_ * cells_ * corners_, "moments must be (moments, cells, d + 1)");
        require(theta.size() == cells_ * corners_ * bands_, "theta must be (cells, d + 1, bands)");
        Work work{temperature.data(), source.data(), moments.mutable_data(), theta.mutable_data(),
                  kept_in.size() ? kept_in.data() : nullptr, kept_out.size() ? kept_out.mutable_data() : nullptr,
                  state.size() ? state.mutable_data() : nullptr, update, 0, 0,
                  net.size() ? net.mutable_data() : nullptr, upwind.size() ? upwind.mutable_data() : nullptr};
        require(net.size() == 0 || (net.size() == cells_ && moments_ > 1), "net must be (cells,), with all moments");
        require(upwind.size() == 0 || (upwind.size() == 4 * cells_ && corners_ == 2), "upwind must be (2, cells, 2)");
        const std::int64_t count = directions_.size();
        work.slots = kept_in.size() / (count * dimension_ * bands_);
        require(kept_in.size() == count * work.slots * dimension_ * bands_ && kept_out.size() == kept_in.size(),
                "kept values must be (directions, slots, d, bands)");
        require(!work.state || state.size() == count * cells_ * corners_ * bands_, "state has the wrong size");
        half_way_.resize(levels_ * cells_ * corners_ * bands_);
        py::gil_scoped_release release;
        for (std::int64_t index = begin; index < end; ++index) {
            work.index = index;
            const bool turns = directions_[index].level >= 0 && !directions_[index].starts();
            if (corners_ == 2) run<2, false>(work, from, to);
            if (corners_ == 3 && turns) run<3, true>(work, from, to);
            if (corners_ == 3 && !turns) run<3, false>(work, from, to);
            if (corners_ == 4) run<4, false>(work, from, to);
        }
    }

    // Sum over directions of weight |s.n| for every boundary face by bin, of what would enter and of what would leave if
    // theta were one: (faces, bins) each, with the columns' energy flux.
    std::tuple<Doubles, Doubles> half_ranges(Doubles normal, Longs region) const {
        const std::int64_t faces = normal.shape(0);
        Doubles in({faces, bin_count_}), out({faces, bin_count_});
        std::fill_n(in.mutable_data(), in.size(), 0.0);
        std::fill_n(out.mutable_data(), out.size(), 0.0);
        for (const Direction& one : directions_)
            for (std::int64_t face = 0; face < faces; ++face) {
                double along = 0.0;
                for (std::int64_t x = 0; x < dimension_; ++x) along += one.s[x] * normal.at(face, x);
                double* sums = (along < 0.0 ? in : out).mutable_data(face, 0);
                const double* flux = flux_.data() + region.at(face) * columns_ + one.first;
                for (std::int64_t b = 0; b < bands_; ++b) sums[bins_.at(one.first + b)] += one.weight * std::abs(along) * flux[b];
            }
        return {in, out};
    }

private:
    struct Work {
        const double* temperature;
        const double* source;
        double* moments;
        double* theta;
        const double* kept_in;
        double* kept_out;
        double* state;
        double update;
        std::int64_t slots;
        std::int64_t index;
        double* net;
        double* outgoing;
    };

    // Tables of one region for one direction's bands.
    struct Columns {
        const double *removal, *emission, *heating, *memory, *flux;
    };

    Columns columns(std::int64_t cell, std::int64_t first) const {
        const std::int64_t at = region_.data()[cell] * columns_ + first;
        return {removal_.data() + at, emission_.data() + at, heating_.data() + at, memory_.data() + at, flux_.data() + at};
    }

    template <int N>
    void flows(std::int64_t cell, const double* s, double* a) const {
        const double* area = area_.data() + cell * N * (N - 1);
        for (int f = 0; f < N; ++f) {
            a[f] = 0.0;
            for (int x = 0; x < N - 1; ++x) a[f] += s[x] * area[f * (N - 1) + x];
        }
    }

    // Integral of phi_i phi_j over face f, for a flow of one through it.
    template <int N, bool Axial>
    static double on_face(const double* r, int f, int i, int j) {
        if constexpr (!Axial) return i == j ? 2.0 : 1.0;
        if (i != j) return 0.5 * (r[i] + r[j]);
        return 1.5 * r[i] + 0.5 * r[3 - f - i];
    }

    template <int N, bool Axial>
    Shape<N> shape(const Direction& one, std::int64_t cell) const {
        Shape<N> of;
        flows<N>(cell, one.s, of.a);
        of.m = of.P = volume_.data()[cell] * (N - 1.0) / (N + 1.0);
        double sum = N;
        for (int i = 0; i < N; ++i) of.r[i] = Axial ? radius_.data()[cell * N + i] : 1.0;
        if constexpr (Axial) sum = of.r[0] + of.r[1] + of.r[2];
        for (int i = 0; i < N; ++i)
            for (int j = 0; j < N; ++j) {
                if constexpr (Axial) {
                    of.S[i][j] = of.a[i] * (sum + of.r[j]) / 4.0;
                    of.M[i][j] = of.m * (i == j ? 2.0 * sum + 4.0 * of.r[i] : sum + of.r[i] + of.r[j]) / 5.0;
                } else
                    of.S[i][j] = of.a[i];
                for (int f = 0; f < N; ++f)
                    if (f != i && f != j && of.a[f] > 0.0) of.S[i][j] += of.a[f] * on_face<N, Axial>(of.r, f, i, j);
            }
        return of;
    }

    // What the cell removes, bands [at, at + L): the entry i, j of the matrix.
    template <int N, bool Axial>
    static double removed(const Direction& one, const Shape<N>& of, int i, int j, double removal) {
        const double equal = i == j ? 2.0 : 1.0;
        if constexpr (Axial) return of.M[i][j] * removal + of.P * equal * one.removal;
        return of.m * equal * removal;
    }

    // Add the mass matrix times the source to the right-hand side, bands [at, at + L).
    template <int N, int L, bool Axial>
    void sources(const Work& w, const Direction& one, const Shape<N>& of, std::int64_t cell, std::int64_t at,
                 double (*b)[L]) const {
        const Columns c = columns(cell, one.first + at);
        double q[N][L];
        for (int j = 0; j < N; ++j) {
            const double T = w.temperature[cell * N + j], g = w.source[cell * N + j];
            const double* known = w.state ? w.state + ((w.index * cells_ + cell) * N + j) * bands_ + at : nullptr;
            for (int l = 0; l < L; ++l) {
                q[j][l] = c.emission[l] * T + c.heating[l] * g + one.drive;
                if (known) q[j][l] += c.memory[l] * known[l];
            }
        }
        for (int l = 0; l < L; ++l) {
            if constexpr (Axial) {
                const double* half = half_way_.data() + (one.level * cells_ + cell) * N * bands_ + at + l;
                const double sum = half[0] + half[bands_] + half[2 * bands_];
                for (int i = 0; i < N; ++i) {
                    b[i][l] = of.P * one.gain * (sum + half[i * bands_]);
                    for (int j = 0; j < N; ++j) b[i][l] += of.M[i][j] * q[j][l];
                }
            } else {
                double sum = 0.0;
                for (int j = 0; j < N; ++j) sum += q[j][l];
                for (int i = 0; i < N; ++i) b[i][l] = of.m * (sum + q[i][l]);
            }
        }
    }

    // What comes in through face f at its vertex j, bands [at, at + L), from a neighbour or a boundary.
    template <int N, int L>
    void upwind(const Work& w, const Direction& one, std::int64_t cell, int f, int j, std::int64_t at, double* u) const {
        const std::int64_t beyond = neighbour_.data()[cell * N + f];
        if (beyond >= 0) {
            const int there = across_.data()[(cell * N + f) * N + j];
            const double* from = w.theta + (beyond * N + there) * bands_ + at;
            for (int l = 0; l < L; ++l) u[l] = from[l];
            return;
        }
        const std::int64_t face = -1 - beyond, k = j - (j > f);
        const double* from = entering_.data() + (face * (N - 1) + k) * bin_count_;
        for (int l = 0; l < L; ++l) u[l] = from[bins_.data()[one.first + at + l]];
        const std::int64_t slot = slots_.data()[face];
        if (slot < 0) return;
        const double* more = w.kept_in + ((w.index * w.slots + slot) * (N - 1) + k) * bands_ + at;
        for (int l = 0; l < L; ++l) u[l] += more[l];
    }

    template <int N, int L, bool Axial>
    void inflow(const Work& w, const Direction& one, const Shape<N>& of, std::int64_t cell, std::int64_t at, double (*b)[L],
                const std::vector<char>* inside = nullptr) const {
        for (int f = 0; f < N; ++f) {
            if (of.a[f] >= 0.0) continue;
            const std::int64_t beyond = neighbour_.data()[cell * N + f];
            if (inside && beyond >= 0 && (*inside)[beyond]) continue;
            double u[N][L], sum[L] = {};
            for (int j = 0; j < N; ++j) {
                if (j == f) continue;
                upwind<N, L>(w, one, cell, f, j, at, u[j]);
                for (int l = 0; l < L; ++l) sum[l] += u[j][l];
            }
            for (int i = 0; i < N; ++i) {
                if (i == f) continue;
                if constexpr (Axial) {
                    for (int j = 0; j < N; ++j)
                        for (int l = 0; l < L && j != f; ++l) b[i][l] -= of.a[f] * on_face<N, Axial>(of.r, f, i, j) * u[j][l];
                } else
                    for (int l = 0; l < L; ++l) b[i][l] -= of.a[f] * (sum[l] + u[i][l]);
            }
        }
    }

    // Gaussian elimination; the symmetric part of the matrix is positive definite, so no pivot is needed.
    template <int N, int L>
    static void eliminate(double (*A)[N][L], double (*b)[L]) {
        for (int p = 0; p < N; ++p)
            for (int i = p + 1; i < N; ++i) {
                double r[L];
                for (int l = 0; l < L; ++l) r[l] = A[i][p][l] / A[p][p][l];
                for (int j = p + 1; j < N; ++j)
                    for (int l = 0; l < L; ++l) A[i][j][l] -= r[l] * A[p][j][l];
                for (int l = 0; l < L; ++l) b[i][l] -= r[l] * b[p][l];
            }
        for (int i = N - 1; i >= 0; --i) {
            for (int j = i + 1; j < N; ++j)
                for (int l = 0; l < L; ++l) b[i][l] -= A[i][j][l] * b[j][l];
            for (int l = 0; l < L; ++l) b[i][l] /= A[i][i][l];
        }
    }

    template <int N, int L, bool Axial>
    void solve(const Work& w, const Direction& one, const Shape<N>& of, std::int64_t cell, std::int64_t at) const {
        const Columns c = columns(cell, one.first + at);
        double A[N][N][L], b[N][L];
        for (int i = 0; i < N; ++i)
            for (int j = 0; j < N; ++j)
                for (int l = 0; l < L; ++l) A[i][j][l] = of.S[i][j] + removed<N, Axial>(one, of, i, j, c.removal[l]);
        sources<N, L, Axial>(w, one, of, cell, at, b);
        inflow<N, L, Axial>(w, one, of, cell, at, b);
        eliminate<N, L>(A, b);
        for (int i = 0; i < N; ++i) {
            double* to = w.theta + (cell * N + i) * bands_ + at;
            for (int l = 0; l < L; ++l) to[l] = b[i][l];
        }
    }

    template <int N, bool Axial>
    void one_cell(const Work& w, const Direction& one, std::int64_t cell) const {
        const Shape<N> of = shape<N, Axial>(one, cell);
        std::int64_t at = 0;
        for (; at + 4 <= bands_; at += 4) solve<N, 4, Axial>(w, one, of, cell, at);
        for (; at + 2 <= bands_; at += 2) solve<N, 2, Axial>(w, one, of, cell, at);
        for (; at < bands_; ++at) solve<N, 1, Axial>(w, one, of, cell, at);
    }

    // Cells that feed each other in a ring are solved together.
    template <int N, bool Axial>
    void ring(const Work& w, const Direction& one, const std::int32_t* cells, int count) const {
        std::vector<char> inside(cells_, 0);
        std::vector<int> place(cells_, 0);
        for (int c = 0; c < count; ++c) inside[cells[c]] = 1, place[cells[c]] = c;
        for (std::int64_t at = 0; at < bands_; ++at) {
            Eigen::MatrixXd A = Eigen::MatrixXd::Zero(count * N, count * N);
            Eigen::VectorXd right(count * N);
            for (int c = 0; c < count; ++c) {
                const std::int64_t cell = cells[c];
                const Shape<N> of = shape<N, Axial>(one, cell);
                const double removal = columns(cell, one.first + at).removal[0];
                double b[N][1];
                sources<N, 1, Axial>(w, one, of, cell, at, b);
                inflow<N, 1, Axial>(w, one, of, cell, at, b, &inside);
                for (int i = 0; i < N; ++i) {
                    right[c * N + i] = b[i][0];
                    for (int j = 0; j < N; ++j)
                        A(c * N + i, c * N + j) += of.S[i][j] + removed<N, Axial>(one, of, i, j, removal);
                }
                for (int f = 0; f < N; ++f) {
                    const std::int64_t beyond = neighbour_.data()[cell * N + f];
                    if (of.a[f] >= 0.0 || beyond < 0 || !inside[beyond]) continue;
                    for (int i = 0; i < N; ++i)
                        for (int j = 0; j < N; ++j) {
                            if (i == f || j == f) continue;
                            const int there = across_.data()[(cell * N + f) * N + j];
                            A(c * N + i, place[beyond] * N + there) += of.a[f] * on_face<N, Axial>(of.r, f, i, j);
                        }
                }
            }
            const Eigen::VectorXd found = A.partialPivLu().solve(right);
            for (int c = 0; c < count; ++c)
                for (int i = 0; i < N; ++i) w.theta[(cells[c] * N + i) * bands_ + at] = found[c * N + i];
        }
    }

    // Add the cell's solution to the moments, and what leaves through the boundary to what left there.
    template <int N, bool Axial>
    void collect(const Work& w, const Direction& one, std::int64_t cell) {
        const double* theta = w.theta + cell * N * bands_;
        for (std::int64_t k = 0; k < moments_; ++k) {
            const double* weights = weights_.data() + (k * regions_ + region_.data()[cell]) * columns_ + one.first;
            const double factor = one.factors[k];
            if (factor == 0.0) continue;
            for (int i = 0; i < N; ++i) {
                double sum = 0.0;
                for (std::int64_t b = 0; b < bands_; ++b) sum += weights[b] * theta[i * bands_ + b];
                w.moments[(k * cells_ + cell) * N + i] += factor * sum;
            }
        }
        double a[N];
        for (int f = 0; f < N; ++f) {
            const std::int64_t beyond = neighbour_.data()[cell * N + f];
            if (beyond >= 0) continue;
            flows<N>(cell, one.s, a);
            if (a[f] > 0.0) leave<N>(w, one, cell, f, -1 - beyond, a[f], theta);
        }
        if (w.net) balance<N, Axial>(w, one, cell, theta);
        if (one.level >= 0) pass_on<N>(one, cell, theta);
        if (w.state && w.update != 0.0) {
            double* state = w.state + (w.index * cells_ + cell) * N * bands_;
            for (std::int64_t x = 0; x < N * bands_; ++x) state[x] += w.update * (theta[x] - state[x]);
        }
    }

    // The values half-way to the next direction.
    template <int N>
    void pass_on(const Direction& one, std::int64_t cell, const double* theta) {
        double* half = half_way_.data() + (one.level * cells_ + cell) * N * bands_;
        const double tau = one.starts() ? 1.0 : one.tau;
        for (std::int64_t x = 0; x < N * bands_; ++x) half[x] = (theta[x] - (1.0 - tau) * half[x]) / tau;
    }

    // The heat that leaves the cell, face by face with the values that its neighbours use too, so that sums telescope.
    template <int N, bool Axial>
    void balance(const Work& w, const Direction& one, std::int64_t cell, const double* theta) const {
        const Columns c = columns(cell, one.first);
        double a[N], u[1];
        flows<N>(cell, one.s, a);
        for (int f = 0; f < N; ++f)
            for (int j = 0; j < N; ++j) {
                if (j == f) continue;
                double sum = 0.0;
                for (std::int64_t b = 0; b < bands_; ++b) {
                    if (a[f] < 0.0) upwind<N, 1>(w, one, cell, f, j, b, u);
                    sum += c.flux[b] * (a[f] < 0.0 ? u[0] : theta[j * bands_ + b]);
                }
                double part = a[f] / (N - 1);
                if constexpr (Axial) part *= (2.0 * radius_.data()[cell * N + j] + radius_.data()[cell * N + 3 - f - j]) / 3.0;
                w.net[cell] += one.weight * part * sum;
            }
        if constexpr (N == 2)
            for (int k = 0; w.outgoing && k < 2; ++k) {
                const double* weights = weights_.data() + (k * regions_ + region_.data()[cell]) * columns_ + one.first;
                for (int j = 0; j < 2; ++j)
                    for (std::int64_t b = 0; b < bands_ && a[1 - j] > 0.0; ++b)
                        w.outgoing[(k * cells_ + cell) * 2 + j] += one.weight * weights[b] * theta[j * bands_ + b];
            }
    }

    template <int N>
    void leave(const Work& w, const Direction& one, std::int64_t cell, int f, std::int64_t face, double a, const double* theta) {
        const Columns c = columns(cell, one.first);
        const std::int64_t slot = slots_.data()[face];
        for (int j = 0; j < N; ++j) {
            if (j == f) continue;
            const std::int64_t k = j - (j > f);
            double* out = leaving_.mutable_data() + (face * (N - 1) + k) * bin_count_;
            for (std::int64_t b = 0; b < bands_; ++b)
                out[bins_.data()[one.first + b]] += one.weight * a * c.flux[b] * theta[j * bands_ + b];
            if (slot < 0) continue;
            std::copy_n(theta + j * bands_, bands_, w.kept_out + ((w.index * w.slots + slot) * (N - 1) + k) * bands_);
        }
    }

    template <int N, bool Axial>
    void run(const Work& w, std::int64_t from, std::int64_t to) {
        const Direction& one = directions_[w.index];
        const std::int64_t end = to < 0 ? static_cast<std::int64_t>(one.order.size()) : to;
        for (std::int64_t place = from; place < end; place += one.blocks[place]) {
            if (one.blocks[place] == 1)
                one_cell<N, Axial>(w, one, one.order[place]);
            else
                ring<N, Axial>(w, one, &one.order[place], one.blocks[place]);
            for (std::int64_t c = place; c < place + one.blocks[place]; ++c) collect<N, Axial>(w, one, one.order[c]);
        }
    }

    bool enters(const Direction& one, std::int64_t cell, std::int64_t f) const {
        double a = 0.0;
        for (std::int64_t x = 0; x < dimension_; ++x) a += one.s[x] * area_.data()[(cell * corners_ + f) * dimension_ + x];
        return a < 0.0;
    }

    // Strongly connected components of "feeds", in the order of the flow (Tarjan, without recursion).
    void order(Direction& one) const {
        std::vector<std::int32_t> number(cells_, -1), low(cells_, 0), stack;
        std::vector<char> waiting(cells_, 0);
        std::vector<std::pair<std::int32_t, int>> path;
        std::int32_t next = 0;
        for (std::int64_t root = 0; root < owned_; ++root) {
            if (number[root] >= 0) continue;
            path.emplace_back(root, 0);
            while (!path.empty()) {
                const std::int32_t cell = path.back().first;
                if (path.back().second == 0) {
                    number[cell] = low[cell] = next++;
                    stack.push_back(cell), waiting[cell] = 1;
                }
                bool deeper = false;
                while (path.back().second < corners_) {
                    const int f = path.back().second++;
                    const std::int32_t up = neighbour_.data()[cell * corners_ + f];
                    if (up < 0 || up >= owned_ || !enters(one, cell, f)) continue;
                    if (number[up] < 0) {
                        path.emplace_back(up, 0);
                        deeper = true;
                        break;
                    }
                    if (waiting[up]) low[cell] = std::min(low[cell], number[up]);
                }
                if (deeper) continue;
                path.pop_back();
                if (!path.empty()) low[path.back().first] = std::min(low[path.back().first], low[cell]);
                if (low[cell] == number[cell]) close(one, cell, stack, waiting);
            }
        }
    }

    void close(Direction& one, std::int32_t cell, std::vector<std::int32_t>& stack, std::vector<char>& waiting) const {
        const std::size_t begin = one.order.size();
        std::int32_t last;
        do {
            last = stack.back();
            stack.pop_back(), waiting[last] = 0;
            one.order.push_back(last);
            one.blocks.push_back(1);
        } while (last != cell);
        one.blocks[begin] = static_cast<std::int32_t>(one.order.size() - begin);
    }

    std::int64_t owned_;
    Doubles area_, volume_;
    Longs neighbour_;
    Bytes across_;
    Longs region_;
    Doubles radius_;
    Doubles removal_, emission_, heating_, memory_, flux_, weights_, entering_, leaving_;
    Longs bins_, slots_;
    std::int64_t cells_ = 0, corners_ = 0, dimension_ = 0, columns_ = 0, bands_ = 0, regions_ = 0, moments_ = 0;
    std::int64_t bin_count_ = 0;
    std::vector<Direction> directions_;
    std::int64_t levels_ = 0;
    std::vector<double> half_way_;      // (levels, cells, 3, bands) theta half-way between two directions
};

}  // namespace

PYBIND11_MODULE(_sweep, module) {
    py::class_<Sweeper>(module, "Sweeper")
        .def(py::init<Doubles, Doubles, Longs, Bytes, Longs, std::int64_t, Doubles>())
        .def("materials", &Sweeper::materials)
        .def("boundaries", &Sweeper::boundaries, py::arg("entering").noconvert(), py::arg("leaving").noconvert(), py::arg("slots"))
        .def("add", &Sweeper::add)
        .def("drive", &Sweeper::drive)
        .def("turn", &Sweeper::turn)
        .def("stages", &Sweeper::stages)
        .def("advance_stages", &Sweeper::advance_stages, py::arg("index"), py::arg("stage").noconvert(), py::arg("least"))
        .def("order_of", &Sweeper::order_of)
        .def("half_ranges", &Sweeper::half_ranges)
        // What is written to must be the caller's own memory, never a converted copy.
        .def("sweep", &Sweeper::sweep, py::arg("begin"), py::arg("end"), py::arg("from"), py::arg("to"),
             py::arg("temperature"), py::arg("source"), py::arg("moments").noconvert(), py::arg("theta").noconvert(),
             py::arg("kept_in"), py::arg("kept_out").noconvert(), py::arg("state").noconvert(), py::arg("update"),
             py::arg("net").noconvert(), py::arg("upwind").noconvert());
}
