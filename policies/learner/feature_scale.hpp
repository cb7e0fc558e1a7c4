// SPDX-License-Identifier: Apache-2.0
/// @file
/// Running standardisation of features.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <attune/core/vocabulary.hpp>
#include <attune/policies/auto_linear.hpp>

namespace attune::detail {

inline constexpr double kFarthest = 10.0;      ///< deviations; what is beyond is cut
inline constexpr std::uint32_t kTrusting = 8;  ///< examples before a scale is trusted to cut outliers

/// x / root mean square of the feature where it was present, x included; the scale takes x in. One outlier
/// moves it by no more than ten deviations would.
[[nodiscard]] inline double standardised(FeatureScale& scale, double x) noexcept {
  const double square = x * x;
  const double seen = scale.count;
  if (scale.count != 0xFFFFFFFFU) {
    ++scale.count;
  }
  const double count = seen + 1.0;
  const double most = seen >= kTrusting ? kFarthest * kFarthest * scale.squares / seen : square;
  scale.squares += std::min(square, most);
  // Features that are always the same, as those of categories, need no root.
  if (scale.squares == count * square) {
    return square > 0.0 ? std::copysign(1.0, x) : 0.0;
  }
  if (!(scale.squares > 0.0)) {
    return 0.0;
  }
  return std::clamp(x / std::sqrt(scale.squares / count), -kFarthest, kFarthest);
}

/// Reads features in order as dense ones, `limit` the largest magnitude.
class DenseReader {
 public:
  DenseReader(const Input& input, bool sparse) : input_(input), sparse_(sparse) {}

  void next(std::span<double> out, double limit) noexcept {
    if (!sparse_) {
      std::ranges::copy(input_.dense.subspan(at_, out.size()), out.begin());
    } else {
      std::ranges::fill(out, 0.0);
      while (entry_ < input_.sparse.index.size() && input_.sparse.index[entry_] < at_ + out.size()) {
        out[input_.sparse.index[entry_] - at_] = input_.sparse.value[entry_];
        ++entry_;
      }
    }
    for (double& x : out) {
      x = std::clamp(x, -limit, limit);
    }
    at_ += out.size();
  }

 private:
  const Input& input_;
  bool sparse_;
  std::size_t at_ = 0;
  std::size_t entry_ = 0;
};

/// z = (x - mean) / deviation with x taken in after `seen` examples; the moments stay.
void centred(std::span<const FeatureMoments> moments, std::span<const double> x, std::uint64_t seen,
             double* z) noexcept;
/// Takes x in.
void absorb(std::span<FeatureMoments> moments, std::span<const double> x, std::uint64_t seen) noexcept;

}  // namespace attune::detail
