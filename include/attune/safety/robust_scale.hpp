// SPDX-License-Identifier: Apache-2.0
/// @file
/// RobustScale: puts a stream on a common scale, so that detectors need not know its unit.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>

namespace attune {

/// Turns values x into scores u = clip((x - center) / scale, -limit, limit).
///
/// Center and scale are those of the first kWarmUp values: median, and median absolute deviation times 1.4826
/// or, where more than half of the values are equal, the standard deviation. While all values are equal the
/// scale is open and every score is 0; the first other value then becomes the scale. They are frozen from
/// there on, so that a score keeps its meaning; `limit` (kLimit) doubles at 64, 128, ..., 1024 values if more
/// than 2 % of the last ones were clipped. One outlier therefore moves a sum of scores by at most `limit`,
/// whatever its size, and scores of a * x + b are those of x up to rounding.
class RobustScale {
 public:
  static constexpr std::size_t kWarmUp = 32;
  static constexpr double kLimit = 8.0;

  /// Takes a finite value. False while warming up; then `score` is not to be asked.
  [[nodiscard]] bool add(double value) noexcept { return settled() || learn(value); }
  /// Number of values after which `add` says true.
  [[nodiscard]] bool ready() const noexcept { return seen_ >= kWarmUp; }
  /// Whether `add` has nothing to do any more.
  [[nodiscard]] bool settled() const noexcept { return seen_ >= kLearning; }
  /// The values of the warm-up, in order of arrival; complete once ready.
  [[nodiscard]] const std::array<double, kWarmUp>& first() const noexcept { return first_; }
  [[nodiscard]] double score(double value) noexcept {
    const double score = (value - center_) * inverse_;
    if (std::fabs(score) > limit_ || inverse_ == 0.0) [[unlikely]] {
      return odd(value, score);
    }
    return score;
  }
  [[nodiscard]] double limit() const noexcept { return limit_; }
  [[nodiscard]] double center() const noexcept { return center_; }
  /// 0 while open.
  [[nodiscard]] double scale() const noexcept { return inverse_ > 0.0 ? 1.0 / inverse_ : 0.0; }
  [[nodiscard]] std::uint64_t clipped() const noexcept { return clipped_; }
  void reset() noexcept { *this = RobustScale(); }

  void save(Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader) noexcept;
  [[nodiscard]] bool operator==(const RobustScale&) const = default;

 private:
  static constexpr std::uint32_t kLearning = 1025;  // nothing changes from here on

  bool learn(double value) noexcept;
  void freeze() noexcept;
  [[nodiscard]] double odd(double value, double score) noexcept;

  double center_ = 0.0;
  double inverse_ = 0.0;  // 0: open
  double limit_ = kLimit;
  std::uint32_t seen_ = 0;          // stops at kLearning
  std::uint64_t clipped_ = 0;       // in all
  std::uint64_t clipped_then_ = 0;  // when the limit was last looked at
  std::array<double, kWarmUp> first_{};
};

}  // namespace attune
