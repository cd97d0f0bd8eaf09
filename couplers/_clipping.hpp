// The part of a simplex that lies in another one, both in the barycentric coordinates of the latter, cut in simplices.
//
// In one and two dimensions: an interval, a polygon clipped edge by edge (Sutherland & Hodgman 1974). In three: tetrahedra
// are cut face by face; what is left of each is a tetrahedron, or a prism of three. A cut point's coordinate is exactly
// zero on the face that made it, so that neighbours share it.
#pragma once

#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace suture {

template <int D>
using Barycentric = std::array<double, D + 1>;
template <int D>
using Simplex = std::array<Barycentric<D>, D + 1>;

// Measure relative to the simplex whose barycentric coordinates these are.
inline double relative_measure(const Simplex<1>& s) { return std::abs(s[1][1] - s[0][1]); }
inline double relative_measure(const Simplex<2>& s) {
  return std::abs((s[1][1] - s[0][1]) * (s[2][2] - s[0][2]) - (s[1][2] - s[0][2]) * (s[2][1] - s[0][1]));
}
inline double relative_measure(const Simplex<3>& s) {
  double d[3][3];
  for (int v = 0; v < 3; ++v)
    for (int k = 0; k < 3; ++k) d[v][k] = s[v + 1][k + 1] - s[0][k + 1];
  return std::abs(d[0][0] * (d[1][1] * d[2][2] - d[1][2] * d[2][1]) - d[0][1] * (d[1][0] * d[2][2] - d[1][2] * d[2][0]) +
                  d[0][2] * (d[1][0] * d[2][1] - d[1][1] * d[2][0]));
}

// Where the segment from a (inside) to b (outside) meets the face k.
template <int D>
Barycentric<D> cut(const Barycentric<D>& a, const Barycentric<D>& b, int k) {
  const double t = a[k] / (a[k] - b[k]);
  Barycentric<D> p;
  for (int l = 0; l <= D; ++l) p[l] = a[l] + t * (b[l] - a[l]);
  p[k] = 0.0;
  return p;
}

inline void clip(const Simplex<1>& s, std::vector<Simplex<1>>& out) {
  Simplex<1> left = s;
  for (int k = 0; k < 2; ++k)
    for (int v = 0; v < 2; ++v) {
      if (left[v][k] >= 0.0) continue;
      if (left[1 - v][k] <= 0.0) return;
      left[v] = cut<1>(left[1 - v], left[v], k);
    }
  out.push_back(left);
}

inline void clip(const Simplex<2>& s, std::vector<Simplex<2>>& out) {
  std::array<Barycentric<2>, 10> buffer[2]{};
  Barycentric<2>*from = buffer[0].data(), *to = buffer[1].data();
  int count = 3;
  for (int v = 0; v < 3; ++v) from[v] = s[v];
  for (int k = 0; k < 3; ++k) {
    bool inside = true;
    for (int v = 0; v < count; ++v) inside = inside && from[v][k] >= 0.0;
    if (inside) continue;
    int kept = 0;
    for (int v = 0; v < count; ++v) {
      const Barycentric<2>&a = from[v], &b = from[v + 1 < count ? v + 1 : 0];
      if (a[k] >= 0.0) to[kept++] = a;
      if (a[k] > 0.0 && b[k] < 0.0) to[kept++] = cut<2>(a, b, k);
      if (a[k] < 0.0 && b[k] > 0.0) to[kept++] = cut<2>(b, a, k);
    }
    std::swap(from, to);
    count = kept;
    if (count < 3) return;
  }
  for (int v = 1; v + 1 < count; ++v) out.push_back({from[0], from[v], from[v + 1]});
}

inline void prism(const Barycentric<3>* bottom, const Barycentric<3>* top, std::vector<Simplex<3>>& out) {
  out.push_back({bottom[0], bottom[1], bottom[2], top[2]});
  out.push_back({bottom[0], bottom[1], top[1], top[2]});
  out.push_back({bottom[0], top[0], top[1], top[2]});
}

// The part of one tetrahedron on the inner side of face k.
inline void cut_tetrahedron(const Simplex<3>& s, int k, std::vector<Simplex<3>>& out) {
  int in[4], ins = 0, without[4], outs = 0;
  for (int v = 0; v < 4; ++v) (s[v][k] >= 0.0 ? in[ins++] : without[outs++]) = v;
  if (ins == 4) out.push_back(s);
  if (ins == 0 || ins == 4) return;
  if (ins == 1) {
    const Barycentric<3>& a = s[in[0]];
    out.push_back({a, cut<3>(a, s[without[0]], k), cut<3>(a, s[without[1]], k), cut<3>(a, s[without[2]], k)});
  } else if (ins == 2) {
    Barycentric<3> ends[2][3];
    for (int v = 0; v < 2; ++v) {
      ends[v][0] = s[in[v]];
      for (int w = 0; w < 2; ++w) ends[v][w + 1] = cut<3>(s[in[v]], s[without[w]], k);
    }
    prism(ends[0], ends[1], out);
  } else {
    Barycentric<3> bottom[3], top[3];
    for (int v = 0; v < 3; ++v) {
      bottom[v] = s[in[v]];
      top[v] = cut<3>(bottom[v], s[without[0]], k);
    }
    prism(bottom, top, out);
  }
}

inline void clip(const Simplex<3>& s, std::vector<Simplex<3>>& out) {
  thread_local std::vector<Simplex<3>> from, to;
  from.assign(1, s);
  for (int k = 0; k < 4; ++k) {
    to.clear();
    for (const Simplex<3>& piece : from) cut_tetrahedron(piece, k, to);
    std::swap(from, to);
  }
  for (const Simplex<3>& piece : from)
    if (relative_measure(piece) > 0.0) out.push_back(piece);
}

}  // namespace suture
