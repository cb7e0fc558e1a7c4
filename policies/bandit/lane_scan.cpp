// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/lane_scan.hpp"

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace attune::detail {
namespace {

/// mean[i] + scale[i] * width.
struct Bounds {
  const double* mean;
  const double* scale;
  double width;
  [[nodiscard]] double score(std::size_t i) const noexcept { return mean[i] + scale[i] * width; }
};

struct Means {
  const double* mean;
  [[nodiscard]] double score(std::size_t i) const noexcept { return mean[i]; }
};

/// Two passes. Both evaluate the same expression: without contraction the same bits.
template <class Source>
void scan_plain(const Source& source, std::size_t size, ScanTop& top) noexcept {
  for (std::size_t i = 0; i < size; ++i) {
    top.score = source.score(i) > top.score ? source.score(i) : top.score;
    top.mean = source.mean[i] > top.mean ? source.mean[i] : top.mean;
  }
  for (std::size_t i = size; i-- > 0;) {
    const bool equal = source.score(i) == top.score;
    top.ties += equal ? 1U : 0U;
    top.arm = equal ? i : top.arm;
  }
}

#if defined(__x86_64__)

#define ATTUNE_AVX2 [[gnu::target("avx2,bmi,popcnt")]]

ATTUNE_AVX2 inline __m256d read(const Bounds& source, std::size_t at, __m256d& means) noexcept {
  means = _mm256_loadu_pd(source.mean + at);
  return _mm256_add_pd(means,
                       _mm256_mul_pd(_mm256_loadu_pd(source.scale + at), _mm256_set1_pd(source.width)));
}
ATTUNE_AVX2 inline __m256d read(const Means& source, std::size_t at, __m256d& means) noexcept {
  means = _mm256_loadu_pd(source.mean + at);
  return means;
}
ATTUNE_AVX2 inline double largest(__m256d lanes) noexcept {
  const __m128d two = _mm_max_pd(_mm256_castpd256_pd128(lanes), _mm256_extractf128_pd(lanes, 1));
  return _mm_cvtsd_f64(_mm_max_sd(two, _mm_unpackhi_pd(two, two)));
}

/// Which of eight scores equal the target, a bit each.
template <class Source>
ATTUNE_AVX2 inline std::uint64_t equal_bits(const Source& source, std::size_t at, __m256d target) noexcept {
  __m256d means;
  const __m256d low = _mm256_cmp_pd(read(source, at, means), target, _CMP_EQ_OQ);
  const __m256d high = _mm256_cmp_pd(read(source, at + 4, means), target, _CMP_EQ_OQ);
  return static_cast<std::uint64_t>(_mm256_movemask_pd(low)) |
         static_cast<std::uint64_t>(_mm256_movemask_pd(high)) << 4U;
}

template <class Source>
ATTUNE_AVX2 void scan_avx2(const Source& source, std::size_t size, ScanTop& top) noexcept {
  __m256d best0 = _mm256_set1_pd(top.score);
  __m256d best1 = best0;
  __m256d best_mean0 = best0;
  __m256d best_mean1 = best0;
  __m256d means;
  for (std::size_t i = 0; i < size; i += kBlock) {
    best0 = _mm256_max_pd(read(source, i, means), best0);
    best_mean0 = _mm256_max_pd(means, best_mean0);
    best1 = _mm256_max_pd(read(source, i + 4, means), best1);
    best_mean1 = _mm256_max_pd(means, best_mean1);
  }
  top.score = largest(_mm256_max_pd(best0, best1));
  top.mean = largest(_mm256_max_pd(best_mean0, best_mean1));

  const __m256d target = _mm256_set1_pd(top.score);
  constexpr std::size_t kWord = 64;  // entries that share a word of bits
  for (std::size_t start = 0; start < size; start += kWord) {
    const std::size_t end = size - start < kWord ? size : start + kWord;
    std::uint64_t bits = 0;
    for (std::size_t i = start; i < end; i += kBlock) {
      bits |= equal_bits(source, i, target) << (i - start);
    }
    if (bits != 0) {
      top.arm = top.ties == 0 ? start + static_cast<std::size_t>(__builtin_ctzll(bits)) : top.arm;
      top.ties += static_cast<std::size_t>(__builtin_popcountll(bits));
    }
  }
}

#endif

template <class Source>
[[nodiscard]] ScanTop scan(const Source& source, std::size_t size) noexcept {
  ScanTop top;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    scan_avx2(source, size, top);
  } else {
    scan_plain(source, size, top);
  }
#else
  scan_plain(source, size, top);
#endif
  // Which zero comes out depends on the order of comparisons: always the positive one.
  top.score += 0.0;
  top.mean += 0.0;
  return top;
}

}  // namespace

ScanTop scan_bounds(const double* mean, const double* scale, std::size_t size, double width) noexcept {
  return scan(Bounds{mean, scale, width}, size);
}

ScanTop scan_means(const double* mean, std::size_t size) noexcept { return scan(Means{mean}, size); }

}  // namespace attune::detail
