// SPDX-License-Identifier: Apache-2.0
/// @file
/// ContextScaling: contexts in whatever units come in, numbers of one size come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune {

/// Brings each feature to mean 0 and deviation 1, as they were when adopt() was called last, cut at
/// +-kReach. A feature that had been constant then is 0 until it first differs: that difference becomes
/// kReach. So a model over the scaled numbers is not disturbed by what it has learned before.
///
/// Mean and deviation are Welford's, over every context that was noted. A deviation below 1e-10 of the mean
/// is rounding and counts as constant. Cost: O(features) each; none allocates. Memory: 32 bytes a feature.
class ContextScaling {
 public:
  static constexpr double kReach = 2.5;

  explicit ContextScaling(std::size_t features)
      : mean_(features), squares_(features), centre_(features), factor_(features) {}

  /// Whether note(x) would stay within the finite numbers.
  [[nodiscard]] bool can_note(Features x) const noexcept;
  void note(Features x) noexcept;
  /// scaled() goes by what has been noted up to now.
  void adopt() noexcept;
  /// The same, and how what was scaled before is scaled from now on, but for the cut: the scaled feature i
  /// becomes stretch[i] times itself plus shift[i]. Both are 0 where that says nothing of the new one.
  void adopt(std::span<double> stretch, std::span<double> shift) noexcept;
  /// Whether adopt() would move a mean by more than `part` of its deviation, or a deviation by that part.
  [[nodiscard]] bool moved(double part) const noexcept;
  /// Gives features that were constant at the last adopt(), and are not in x, their factor.
  void widen(Features x) noexcept;
  /// Forgets everything.
  void reset() noexcept;

  /// The scaled feature i of x.
  [[nodiscard]] double scaled(Features x, std::size_t i) const noexcept;
  /// As it will be after widen(x).
  [[nodiscard]] double widened(Features x, std::size_t i) const noexcept;
  /// z[i] = size * scaled(x, i) for every feature.
  void apply(Features x, double size, double* z) const noexcept;
  [[nodiscard]] std::size_t features() const noexcept { return mean_.size(); }
  [[nodiscard]] std::uint64_t noted() const noexcept { return noted_; }

  void save(Writer& writer) const;
  /// On a malformed input the reader fails or false is returned; unchanged then.
  [[nodiscard]] bool load(Reader& reader);
  [[nodiscard]] bool operator==(const ContextScaling&) const = default;

 private:
  [[nodiscard]] double widened_factor(Features x, std::size_t i) const noexcept;
  [[nodiscard]] double factor_now(std::size_t i) const noexcept;

  std::uint64_t noted_ = 0;
  std::vector<double> mean_;
  std::vector<double> squares_;  // sums of squared deviations from the mean
  std::vector<double> centre_;   // as adopted
  std::vector<double> factor_;   // as adopted: one over the deviation; 0: constant
};

}  // namespace attune
