// SPDX-License-Identifier: Apache-2.0
#include "policies/bandit/lane_scan.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace attune::detail {
namespace {

constexpr double kLowest = -std::numeric_limits<double>::infinity();

// Everything is passed in registers and the answer is stored once: what is put on the stack here may share
// the lower bits of its address with the arrays, and then each read of them would wait for the store.

/// What is scanned: mean[i] + scale[i] * width, or mean[i] alone.
enum class Kind { bounds, means };

template <Kind kKind>
[[nodiscard]] inline double score_of(const double* mean, const double* scale, double width,
                                     std::size_t i) noexcept {
  return kKind == Kind::bounds ? mean[i] + scale[i] * width : mean[i];
}

/// Which zero comes out depends on the order of comparisons: always the positive one.
[[nodiscard]] inline ScanTop answer(double score, double mean, std::size_t ties, std::size_t arm) noexcept {
  return {.score = score + 0.0, .mean = mean + 0.0, .ties = ties, .arm = arm};
}

/// Two passes. Both evaluate the same expression: without contraction the same bits.
template <Kind kKind>
[[nodiscard]] ScanTop scan_plain(const double* mean, const double* scale, double width,
                                 std::size_t size) noexcept {
  double best = kLowest;
  double best_mean = kLowest;
  for (std::size_t i = 0; i < size; ++i) {
    best = std::max(best, score_of<kKind>(mean, scale, width, i));
    best_mean = std::max(best_mean, mean[i]);
  }
  std::size_t ties = 0;
  std::size_t arm = 0;
  for (std::size_t i = size; i-- > 0;) {
    const bool equal = score_of<kKind>(mean, scale, width, i) == best;
    ties += equal ? 1U : 0U;
    arm = equal ? i : arm;
  }
  return answer(best, best_mean, ties, arm);
}

[[nodiscard]] ScanTop widen_plain(double* score, const double* spread, double width,
                                  std::size_t count) noexcept {
  for (std::size_t i = 0; i < padded(count); ++i) {
    const double value = score[i] + (width * spread[i]);
    const double above = value > -kMostScore ? value : -kMostScore;
    const double within = above < kMostScore ? above : kMostScore;
    score[i] = i < count ? within : kLowest;
  }
  return scan_plain<Kind::means>(score, score, 0.0, padded(count));
}

#if defined(__x86_64__)

#define ATTUNE_AVX2 [[gnu::target("avx2,bmi,popcnt")]]

template <Kind kKind>
ATTUNE_AVX2 inline __m256d scores_of(__m256d means, const double* scale, double width) noexcept {
  if constexpr (kKind == Kind::bounds) {
    return _mm256_add_pd(means, _mm256_mul_pd(_mm256_loadu_pd(scale), _mm256_set1_pd(width)));
  } else {
    return means;
  }
}
ATTUNE_AVX2 inline double largest(__m256d lanes) noexcept {
  const __m128d two = _mm_max_pd(_mm256_castpd256_pd128(lanes), _mm256_extractf128_pd(lanes, 1));
  return _mm_cvtsd_f64(_mm_max_sd(two, _mm_unpackhi_pd(two, two)));
}
/// Which of four scores equal the target, a bit each.
ATTUNE_AVX2 inline std::uint64_t equal_bits(__m256d scores, __m256d target) noexcept {
  return static_cast<std::uint64_t>(_mm256_movemask_pd(_mm256_cmp_pd(scores, target, _CMP_EQ_OQ)));
}

/// Which of four scores equal the target, of `size` numbers up to 64, the first in the lowest bit.
ATTUNE_AVX2 inline std::uint64_t equal_word(const double* score, __m256d target, std::size_t size) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; i += 4) {
    bits |= equal_bits(_mm256_loadu_pd(score + i), target) << i;
  }
  return bits;
}
/// Four widened scores; of NaN the comparisons give the bound.
ATTUNE_AVX2 inline __m256d widened(const double* score, const double* spread, double width) noexcept {
  const __m256d value = scores_of<Kind::bounds>(_mm256_loadu_pd(score), spread, width);
  const __m256d above = _mm256_max_pd(value, _mm256_set1_pd(-kMostScore));
  return _mm256_min_pd(above, _mm256_set1_pd(kMostScore));
}
ATTUNE_AVX2 ScanTop widen_avx2(double* score, const double* spread, double width,
                               std::size_t count) noexcept {
  const __m256d lowest = _mm256_set1_pd(kLowest);
  __m256d best = lowest;
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m256d four = widened(score + i, spread + i, width);
    _mm256_storeu_pd(score + i, four);
    best = _mm256_max_pd(four, best);
  }
  const std::size_t size = padded(count);
  for (; i < size; i += 4) {
    // Whole registers also here: a later reader of whole ones need not wait for the parts.
    const __m256i left = _mm256_set1_epi64x(static_cast<long long>(count) - static_cast<long long>(i));
    const __m256d there = _mm256_castsi256_pd(_mm256_cmpgt_epi64(left, _mm256_setr_epi64x(0, 1, 2, 3)));
    const __m256d four = _mm256_blendv_pd(lowest, widened(score + i, spread + i, width), there);
    _mm256_storeu_pd(score + i, four);
    best = _mm256_max_pd(four, best);
  }
  const double top = largest(best);
  const __m256d target = _mm256_set1_pd(top);
  std::size_t ties = 0;
  std::size_t arm = 0;
  constexpr std::size_t kWord = 64;  // entries that share a word of bits
  for (std::size_t start = 0; start < size; start += kWord) {
    const std::uint64_t bits = equal_word(score + start, target, std::min(kWord, size - start));
    if (bits != 0) {
      arm = ties == 0 ? start + static_cast<std::size_t>(__builtin_ctzll(bits)) : arm;
      ties += static_cast<std::size_t>(__builtin_popcountll(bits));
    }
  }
  return answer(top, top, ties, arm);
}

/// One or two blocks: each number is read once, the scores stay in registers.
template <Kind kKind>
ATTUNE_AVX2 ScanTop scan_few_avx2(const double* mean, const double* scale, double width,
                                  std::size_t size) noexcept {
  const __m256d mean0 = _mm256_loadu_pd(mean);
  const __m256d mean1 = _mm256_loadu_pd(mean + 4);
  const __m256d score0 = scores_of<kKind>(mean0, scale, width);
  const __m256d score1 = scores_of<kKind>(mean1, scale + 4, width);
  __m256d best = _mm256_max_pd(score0, score1);
  __m256d best_mean = _mm256_max_pd(mean0, mean1);
  __m256d score2 = score0;
  __m256d score3 = score1;
  if (size > kBlock) {
    const __m256d mean2 = _mm256_loadu_pd(mean + kBlock);
    const __m256d mean3 = _mm256_loadu_pd(mean + kBlock + 4);
    score2 = scores_of<kKind>(mean2, scale + kBlock, width);
    score3 = scores_of<kKind>(mean3, scale + kBlock + 4, width);
    best = _mm256_max_pd(best, _mm256_max_pd(score2, score3));
    best_mean = _mm256_max_pd(best_mean, _mm256_max_pd(mean2, mean3));
  }
  const double top = largest(best);
  const __m256d target = _mm256_set1_pd(top);
  std::uint64_t equal = equal_bits(score0, target) | equal_bits(score1, target) << 4U;
  if (size > kBlock) {
    equal |= equal_bits(score2, target) << 8U | equal_bits(score3, target) << 12U;
  }
  return answer(top, largest(best_mean), static_cast<std::size_t>(__builtin_popcountll(equal)),
                equal == 0 ? 0 : static_cast<std::size_t>(__builtin_ctzll(equal)));
}

template <Kind kKind>
ATTUNE_AVX2 ScanTop scan_avx2(const double* mean, const double* scale, double width,
                              std::size_t size) noexcept {
  if (size - 1 < 2 * kBlock) {
    return scan_few_avx2<kKind>(mean, scale, width, size);
  }
  __m256d best0 = _mm256_set1_pd(kLowest);
  __m256d best1 = best0;
  __m256d best_mean0 = best0;
  __m256d best_mean1 = best0;
  for (std::size_t i = 0; i < size; i += kBlock) {
    const __m256d low = _mm256_loadu_pd(mean + i);
    const __m256d high = _mm256_loadu_pd(mean + i + 4);
    best0 = _mm256_max_pd(scores_of<kKind>(low, scale + i, width), best0);
    best_mean0 = _mm256_max_pd(low, best_mean0);
    best1 = _mm256_max_pd(scores_of<kKind>(high, scale + i + 4, width), best1);
    best_mean1 = _mm256_max_pd(high, best_mean1);
  }
  const double top = largest(_mm256_max_pd(best0, best1));
  const __m256d target = _mm256_set1_pd(top);
  std::size_t ties = 0;
  std::size_t arm = 0;
  constexpr std::size_t kWord = 64;  // entries that share a word of bits
  for (std::size_t start = 0; start < size; start += kWord) {
    const std::size_t end = size - start < kWord ? size : start + kWord;
    std::uint64_t bits = 0;
    for (std::size_t i = start; i < end; i += kBlock) {
      const std::uint64_t low =
          equal_bits(scores_of<kKind>(_mm256_loadu_pd(mean + i), scale + i, width), target);
      const std::uint64_t high =
          equal_bits(scores_of<kKind>(_mm256_loadu_pd(mean + i + 4), scale + i + 4, width), target);
      bits |= (low | high << 4U) << (i - start);
    }
    if (bits != 0) {
      arm = ties == 0 ? start + static_cast<std::size_t>(__builtin_ctzll(bits)) : arm;
      ties += static_cast<std::size_t>(__builtin_popcountll(bits));
    }
  }
  return answer(top, largest(_mm256_max_pd(best_mean0, best_mean1)), ties, arm);
}

#endif

template <Kind kKind>
[[nodiscard]] ScanTop scan(const double* mean, const double* scale, double width, std::size_t size) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    return scan_avx2<kKind>(mean, scale, width, size);
  }
#endif
  return scan_plain<kKind>(mean, scale, width, size);
}

}  // namespace

ScanTop scan_bounds(const double* mean, const double* scale, std::size_t size, double width) noexcept {
  return scan<Kind::bounds>(mean, scale, width, size);
}

ScanTop widen_scores(double* score, const double* spread, std::size_t count, double width) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    return widen_avx2(score, spread, width, count);
  }
#endif
  return widen_plain(score, spread, width, count);
}

ScanTop scan_means(const double* mean, std::size_t size) noexcept {
  return scan<Kind::means>(mean, mean, 0.0, size);
}

}  // namespace attune::detail
