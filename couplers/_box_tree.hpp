// Which of many boxes meet a given one: boxes sorted along a Morton curve and packed by eights, level by level.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

namespace suture {

struct Box {
  std::array<double, 3> low{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::infinity()};
  std::array<double, 3> high{-std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()};
  void add(const std::array<double, 3>& x) {
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], x[k]);
      high[k] = std::max(high[k], x[k]);
    }
  }
  void add(const Box& other) {
    add(other.low);
    add(other.high);
  }
  bool meets(const Box& b) const {
    return low[0] <= b.high[0] && b.low[0] <= high[0] && low[1] <= b.high[1] && b.low[1] <= high[1] &&
           low[2] <= b.high[2] && b.low[2] <= high[2];
  }
};

// The boxes' order along a Morton curve through their centres.
inline std::vector<std::int32_t> morton_order(const std::vector<Box>& boxes) {
  Box all;
  for (const Box& box : boxes) all.add(box);
  double size = 0.0;
  for (int k = 0; k < 3; ++k) size = std::max(size, all.high[k] - all.low[k]);
  const double scale = size > 0.0 ? ((1 << 21) - 1) / size : 0.0;
  const auto spread = [](std::uint64_t v) {
    v = (v | v << 32) & 0x1f00000000ffffULL;
    v = (v | v << 16) & 0x1f0000ff0000ffULL;
    v = (v | v << 8) & 0x100f00f00f00f00fULL;
    v = (v | v << 4) & 0x10c30c30c30c30c3ULL;
    return (v | v << 2) & 0x1249249249249249ULL;
  };
  std::vector<std::pair<std::uint64_t, std::int32_t>> keys(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    std::uint64_t key = 0;
    for (int k = 0; k < 3; ++k) {
      const double centre = 0.5 * (boxes[i].low[k] + boxes[i].high[k]);
      key |= spread(static_cast<std::uint64_t>((centre - all.low[k]) * scale)) << k;
    }
    keys[i] = {key, static_cast<std::int32_t>(i)};
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::int32_t> order(boxes.size());
  for (std::size_t i = 0; i < keys.size(); ++i) order[i] = keys[i].second;
  return order;
}

class BoxTree {
 public:
  explicit BoxTree(const std::vector<Box>& boxes) : order_(morton_order(boxes)) {
    levels_.emplace_back(boxes.size());
    for (std::size_t i = 0; i < boxes.size(); ++i) levels_[0][i] = boxes[order_[i]];
    while (levels_.back().size() > kFan) {
      const std::vector<Box>& below = levels_.back();
      std::vector<Box> above((below.size() + kFan - 1) / kFan);
      for (std::size_t i = 0; i < below.size(); ++i) above[i / kFan].add(below[i]);
      levels_.push_back(std::move(above));
    }
  }

  // Appends the numbers of the boxes that meet `box`.
  void find(const Box& box, std::vector<std::int32_t>& found) const {
    const std::size_t top = levels_.size() - 1;
    search(top, 0, levels_[top].size(), box, found);
  }

 private:
  static constexpr std::size_t kFan = 8;

  void search(std::size_t level, std::size_t first, std::size_t last, const Box& box,
              std::vector<std::int32_t>& found) const {
    const std::vector<Box>& boxes = levels_[level];
    for (std::size_t i = first; i < last; ++i) {
      if (!boxes[i].meets(box)) continue;
      if (level == 0)
        found.push_back(order_[i]);
      else
        search(level - 1, i * kFan, std::min((i + 1) * kFan, levels_[level - 1].size()), box, found);
    }
  }

  std::vector<std::int32_t> order_;
  std::vector<std::vector<Box>> levels_;
};

}  // namespace suture
