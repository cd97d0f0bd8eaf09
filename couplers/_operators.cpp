// Products of sparse mapping operators, and of their transposes, with values of one or several components.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace py = pybind11;
using Doubles = py::array_t<double, py::array::c_style>;
using Ints = py::array_t<std::int32_t, py::array::c_style>;

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

} // namespace

PYBIND11_MODULE(_operators, m) {
  m.doc() = "Products of mapping operators with values.";
  m.def("apply_stencil", &apply_stencil, "out = W x", py::arg("columns").noconvert(), py::arg("weights").noconvert(),
        py::arg("x").noconvert(), py::arg("out").noconvert());
  m.def("apply_transposed_stencil", &apply_transposed_stencil, "out = W^T y", py::arg("columns").noconvert(),
        py::arg("weights").noconvert(), py::arg("y").noconvert(), py::arg("out").noconvert());
}
