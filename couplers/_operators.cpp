// Products of sparse mapping operators, and of their transposes, with values of one or several components.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace py = pybind11;
using Doubles = py::array_t<double, py::array::c_style>;
using Ints = py::array_t<std::int32_t, py::array::c_style>;
using Longs = py::array_t<std::int64_t, py::array::c_style>;

namespace {

// out[row] = sum_k weight[row, k] x[column[row, k]]; ``unit``: every weight is one, and there is one per row.
template <int width, int components>
void gather(const std::int32_t *column, const double *weight, const double *x, double *out, py::ssize_t rows, int k,
            int c) {
  const int stride = width ? width : k, each = components ? components : c;
  for (py::ssize_t row = 0; row < rows; ++row)
    for (int i = 0; i < each; ++i) {
      double sum = 0.0;
      for (int j = 0; j < stride; ++j)
        sum += (weight ? weight[row * stride + j] : 1.0) * x[py::ssize_t(column[row * stride + j]) * each + i];
      out[row * each + i] = sum;
    }
}

template <int width, int components>
void scatter(const std::int32_t *column, const double *weight, const double *y, double *out, py::ssize_t rows, int k,
             int c) {
  const int stride = width ? width : k, each = components ? components : c;
  for (py::ssize_t row = 0; row < rows; ++row)
    for (int j = 0; j < stride; ++j)
      for (int i = 0; i < each; ++i)
        out[py::ssize_t(column[row * stride + j]) * each + i] +=
            (weight ? weight[row * stride + j] : 1.0) * y[row * each + i];
}

struct Call {
  const std::int32_t *column;
  const double *weight;
  py::ssize_t rows;
  int width, components;

  Call(const Ints &columns, const Doubles &weights, const Doubles &rows_values, const Doubles &columns_values)
      : column(columns.data()), weight(weights.size() ? weights.data() : nullptr), rows(columns.shape(0)),
        width(int(columns.shape(1))), components(int(rows_values.shape(1))) {
    if (weights.size() && weights.size() != columns.size()) throw std::invalid_argument("weights do not fit");
    if (!weights.size() && width != 1 && rows > 0) throw std::invalid_argument("only single columns go without weights");
    if (rows_values.shape(0) != rows || columns_values.shape(1) != rows_values.shape(1))
      throw std::invalid_argument("values do not fit");
  }
};

void apply_stencil(Ints columns, Doubles weights, Doubles x, Doubles out) {
  const Call call(columns, weights, out, x);
  const double *from = x.data();
  double *to = out.mutable_data();
  py::gil_scoped_release release;
  const auto run = [&](auto kernel) { kernel(call.column, call.weight, from, to, call.rows, call.width, call.components); };
  if (call.components == 1 && call.width == 1) run(gather<1, 1>);
  else if (call.components == 1 && call.width == 3) run(gather<3, 1>);
  else if (call.components == 1 && call.width == 4) run(gather<4, 1>);
  else if (call.components == 3 && call.width == 3) run(gather<3, 3>);
  else run(gather<0, 0>);
}

void apply_transposed_stencil(Ints columns, Doubles weights, Doubles y, Doubles out) {
  const Call call(columns, weights, y, out);
  const double *from = y.data();
  double *to = out.mutable_data();
  const py::ssize_t size = out.size();
  py::gil_scoped_release release;
  std::fill(to, to + size, 0.0);
  const auto run = [&](auto kernel) { kernel(call.column, call.weight, from, to, call.rows, call.width, call.components); };
  if (call.components == 1 && call.width == 1) run(scatter<1, 1>);
  else if (call.components == 1 && call.width == 3) run(scatter<3, 1>);
  else if (call.components == 3 && call.width == 3) run(scatter<3, 3>);
  else run(scatter<0, 0>);
}

// Dense blocks (rows of block b: row[first_row[b]] ...; its columns likewise; values column by column).
struct Blocks {
  const std::int32_t *row, *column;
  const std::int64_t *first_row, *first_column;
  const double *value;
  py::ssize_t count;
};

Blocks blocks_of(const Ints &rows, const Longs &first_row, const Ints &columns, const Longs &first_column,
                 const Doubles &values) {
  return {rows.data(), columns.data(), first_row.data(), first_column.data(), values.data(), first_row.size() - 1};
}

void apply_blocks(Ints rows, Longs first_row, Ints columns, Longs first_column, Doubles values, Doubles x, Doubles out) {
  const Blocks all = blocks_of(rows, first_row, columns, first_column, values);
  const py::ssize_t components = out.shape(1), size = out.size();
  const double *from = x.data();
  double *to = out.mutable_data();
  py::gil_scoped_release release;
  std::fill(to, to + size, 0.0);
  std::vector<double> sum;
  const double *value = all.value;
  for (py::ssize_t b = 0; b < all.count; ++b) {
    const std::int32_t *row = all.row + all.first_row[b], *column = all.column + all.first_column[b];
    const py::ssize_t m = all.first_row[b + 1] - all.first_row[b], n = all.first_column[b + 1] - all.first_column[b];
    for (py::ssize_t c = 0; c < components; ++c) {
      sum.assign(m, 0.0);
      double *s = sum.data();
      for (py::ssize_t j = 0; j < n; ++j) {
        const double xj = from[py::ssize_t(column[j]) * components + c], *v = value + j * m;
        for (py::ssize_t i = 0; i < m; ++i) s[i] += v[i] * xj;
      }
      for (py::ssize_t i = 0; i < m; ++i) to[py::ssize_t(row[i]) * components + c] += s[i];
    }
    value += m * n;
  }
}

void apply_transposed_blocks(Ints rows, Longs first_row, Ints columns, Longs first_column, Doubles values, Doubles y,
                             Doubles out) {
  const Blocks all = blocks_of(rows, first_row, columns, first_column, values);
  const py::ssize_t components = out.shape(1), size = out.size();
  const double *from = y.data();
  double *to = out.mutable_data();
  py::gil_scoped_release release;
  std::fill(to, to + size, 0.0);
  std::vector<double> part;
  const double *value = all.value;
  for (py::ssize_t b = 0; b < all.count; ++b) {
    const std::int32_t *row = all.row + all.first_row[b], *column = all.column + all.first_column[b];
    const py::ssize_t m = all.first_row[b + 1] - all.first_row[b], n = all.first_column[b + 1] - all.first_column[b];
    part.resize(m);
    for (py::ssize_t c = 0; c < components; ++c) {
      for (py::ssize_t i = 0; i < m; ++i) part[i] = from[py::ssize_t(row[i]) * components + c];
      for (py::ssize_t j = 0; j < n; ++j) {
        const double *v = value + j * m;
        double sum[4] = {0.0, 0.0, 0.0, 0.0}; // one sum would keep the processor waiting for each addition
        py::ssize_t i = 0;
        for (; i + 4 <= m; i += 4)
          for (int k = 0; k < 4; ++k) sum[k] += v[i + k] * part[i + k];
        for (; i < m; ++i) sum[0] += v[i] * part[i];
        to[py::ssize_t(column[j]) * components + c] += (sum[0] + sum[1]) + (sum[2] + sum[3]);
      }
    }
    value += m * n;
  }
}

} // namespace

PYBIND11_MODULE(_operators, m) {
  m.doc() = "Products of mapping operators with values.";
  m.def("apply_stencil", &apply_stencil, "out = W x", py::arg("columns").noconvert(), py::arg("weights").noconvert(),
        py::arg("x").noconvert(), py::arg("out").noconvert());
  m.def("apply_transposed_stencil", &apply_transposed_stencil, "out = W^T y", py::arg("columns").noconvert(),
        py::arg("weights").noconvert(), py::arg("y").noconvert(), py::arg("out").noconvert());
  m.def("apply_blocks", &apply_blocks, "out = W x", py::arg("rows").noconvert(), py::arg("first_row").noconvert(),
        py::arg("columns").noconvert(), py::arg("first_column").noconvert(), py::arg("values").noconvert(),
        py::arg("x").noconvert(), py::arg("out").noconvert());
  m.def("apply_transposed_blocks", &apply_transposed_blocks, "out = W^T y", py::arg("rows").noconvert(),
        py::arg("first_row").noconvert(), py::arg("columns").noconvert(), py::arg("first_column").noconvert(),
        py::arg("values").noconvert(), py::arg("y").noconvert(), py::arg("out").noconvert());
}
