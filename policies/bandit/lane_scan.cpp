// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/lane_scan.hpp"

#include <cstdint>
#include <cstring>

namespace attune::detail {
namespace {

// Not target clones: the width must fit the instructions, or GCC 12 takes the comparisons apart and is six
// times slower. Helpers are inlined into the function that has the instructions, and vectors go by reference,
// because how they are passed by value depends on them.
#define ATTUNE_INLINE [[gnu::always_inline]] inline

// Spelt out: GCC 12 drops a vector size that depends on a template parameter.
template <std::size_t kWidth>
struct Vector;
template <>
struct Vector<2> {
  using Doubles = double __attribute__((vector_size(16)));
  using Integers = std::int64_t __attribute__((vector_size(16)));
};
template <>
struct Vector<4> {
  using Doubles = double __attribute__((vector_size(32)));
  using Integers = std::int64_t __attribute__((vector_size(32)));
};

template <class Doubles>
ATTUNE_INLINE void raise(Doubles& best, const Doubles& value) noexcept {
  best = value > best ? value : best;
}

template <std::size_t kWidth, class Doubles>
ATTUNE_INLINE double largest(const Doubles& lanes) noexcept {
  double result = lanes[0];
  for (std::size_t lane = 1; lane < kWidth; ++lane) {
    result = lanes[lane] > result ? lanes[lane] : result;
  }
  return result;
}

template <std::size_t kWidth, class Integers>
ATTUNE_INLINE std::size_t sum(const Integers& lanes) noexcept {
  std::int64_t result = 0;
  for (std::size_t lane = 0; lane < kWidth; ++lane) {
    result += lanes[lane];
  }
  return static_cast<std::size_t>(result);
}

/// mean[i] + scale[i] * width, kWidth at a time.
template <std::size_t kWidth>
struct Bounds {
  const double* mean;
  const double* scale;
  double width;

  template <class Doubles>
  ATTUNE_INLINE void read(std::size_t at, Doubles& means, Doubles& scores) const noexcept {
    Doubles scales;
    std::memcpy(&means, mean + at, sizeof means);
    std::memcpy(&scales, scale + at, sizeof scales);
    scores = means + scales * width;
  }
};

template <std::size_t kWidth>
struct Means {
  const double* mean;

  template <class Doubles>
  ATTUNE_INLINE void read(std::size_t at, Doubles& means, Doubles& scores) const noexcept {
    std::memcpy(&means, mean + at, sizeof means);
    scores = means;
  }
};

/// Two passes with two chains each. Both evaluate the same expression: without contraction the same bits.
template <std::size_t kWidth, class Source>
ATTUNE_INLINE void scan(const Source& source, std::size_t size, ScanTop& top) noexcept {
  using Doubles = typename Vector<kWidth>::Doubles;
  using Integers = typename Vector<kWidth>::Integers;
  static_assert(kBlock % (2 * kWidth) == 0);
  Doubles best0 = Doubles{} + top.score;
  Doubles best1 = best0;
  Doubles best_mean0 = best0;
  Doubles best_mean1 = best0;
  Doubles means;
  Doubles scores;
  for (std::size_t i = 0; i < size; i += 2 * kWidth) {
    source.read(i, means, scores);
    raise(best0, scores);
    raise(best_mean0, means);
    source.read(i + kWidth, means, scores);
    raise(best1, scores);
    raise(best_mean1, means);
  }
  raise(best0, best1);
  raise(best_mean0, best_mean1);
  top.score = largest<kWidth>(best0);
  top.mean = largest<kWidth>(best_mean0);

  const Doubles target = Doubles{} + top.score;
  Integers position{};
  for (std::size_t lane = 0; lane < kWidth; ++lane) {
    position[lane] = static_cast<std::int64_t>(lane);
  }
  Integers ties0{};
  Integers ties1{};
  Integers sum0{};
  Integers sum1{};
  for (std::size_t i = 0; i < size; i += 2 * kWidth) {
    source.read(i, means, scores);
    const Integers equal0 = scores == target;  // -1 where true
    ties0 -= equal0;
    sum0 += equal0 & position;
    position += static_cast<std::int64_t>(kWidth);
    source.read(i + kWidth, means, scores);
    const Integers equal1 = scores == target;
    ties1 -= equal1;
    sum1 += equal1 & position;
    position += static_cast<std::int64_t>(kWidth);
  }
  ties0 += ties1;
  sum0 += sum1;
  top.ties = sum<kWidth>(ties0);
  top.arm = sum<kWidth>(sum0);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void scan_bounds_avx2(const double* mean, const double* scale, std::size_t size,
                                              double width, ScanTop& top) noexcept {
  scan<4>(Bounds<4>{mean, scale, width}, size, top);
}
[[gnu::target("avx2")]] void scan_means_avx2(const double* mean, std::size_t size, ScanTop& top) noexcept {
  scan<4>(Means<4>{mean}, size, top);
}
#endif

}  // namespace

ScanTop scan_bounds(const double* mean, const double* scale, std::size_t size, double width) noexcept {
  ScanTop top;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    scan_bounds_avx2(mean, scale, size, width, top);
    return top;
  }
#endif
  scan<2>(Bounds<2>{mean, scale, width}, size, top);
  return top;
}

ScanTop scan_means(const double* mean, std::size_t size) noexcept {
  ScanTop top;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    scan_means_avx2(mean, size, top);
    return top;
  }
#endif
  scan<2>(Means<2>{mean}, size, top);
  return top;
}

}  // namespace attune::detail
