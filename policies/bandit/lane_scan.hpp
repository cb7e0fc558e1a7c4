// SPDX-License-Identifier: Apache-2.0
/// @file
/// Maxima of long arrays, several lanes at a time.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace attune::detail {

/// Arrays are scanned in blocks of this many entries.
inline constexpr std::size_t kBlock = 8;

/// `count` rounded up to whole blocks.
[[nodiscard]] constexpr std::size_t padded(std::size_t count) noexcept {
  return (count + kBlock - 1) / kBlock * kBlock;
}

/// Makes `values` padded(count) long; what lies beyond `count` is `filler`.
inline void pad(std::vector<double>& values, std::size_t count, double filler) {
  values.resize(count);
  values.resize(padded(count), filler);
}

/// The largest score, how many entries have it, and the first of them.
struct ScanTop {
  double score = -std::numeric_limits<double>::infinity();
  double mean = -std::numeric_limits<double>::infinity();  ///< the largest mean
  std::size_t ties = 0;
  std::size_t arm = 0;
};

/// Maximum of mean[i] + scale[i] * width over i < size, a multiple of kBlock. Filler: mean -infinity, scale
/// 0. The same bits on every machine.
[[nodiscard]] ScanTop scan_bounds(const double* mean, const double* scale, std::size_t size,
                                  double width) noexcept;

/// Scores stay within it, so that gaps between them are numbers.
inline constexpr double kMostScore = 1e100;

/// Makes of each score what is tried: score[i] + width * spread[i] within +-kMostScore; NaN, of a damaged
/// state, becomes the lowest. Both arrays are whole blocks, and what stands behind `count` becomes -infinity.
/// Returns the largest; `mean` is the same. The same bits on every machine.
ScanTop widen_scores(double* score, const double* spread, std::size_t count, double width) noexcept;

/// Maximum of mean[i] over i < size, a multiple of kBlock. Filler: -infinity.
[[nodiscard]] ScanTop scan_means(const double* mean, std::size_t size) noexcept;

}  // namespace attune::detail
