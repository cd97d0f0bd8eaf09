// A sparse matrix from the dense blocks of elements.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace suture {

namespace py = pybind11;

template <typename T>
py::array_t<T> to_numpy(const std::vector<T>& v) {
  return py::array_t<T>(static_cast<py::ssize_t>(v.size()), v.data());
}

// Block e couples its rows to its columns, [column][row].
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

}  // namespace suture
