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
  // Features that are always the same, as those of categories, need neither root nor quotient.
  if (scale.squares == seen * square) {
    scale.squares = count * square;
    return square > 0.0 ? std::copysign(1.0, x) : 0.0;
  }
  constexpr double kMost = kFarthest * kFarthest;
  const bool outlier = scale.count > kTrusting && square * seen > kMost * scale.squares;
  scale.squares += outlier ? kMost * scale.squares / seen : square;
  // What is that small has lost its square.
  constexpr double kLeast = 1e-280;
  return scale.squares > kLeast ? std::clamp(x * std::sqrt(count / scale.squares), -kFarthest, kFarthest)
                                : 0.0;
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
/// The same numbers, and takes x in.
void absorb(std::span<FeatureMoments> moments, std::span<const double> x, std::uint64_t seen,
            double* z) noexcept;

}  // namespace attune::detail
