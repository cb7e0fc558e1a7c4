// SPDX-License-Identifier: Apache-2.0
/// @file
/// Scores of the arms that may be chosen, kept where they are few, and the chances made of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <attune/policies/oracle_policy.hpp>

#include "core/kernels.hpp"

namespace attune::detail {

using LaneSums = std::array<double, kLanes>;

/// Sum of the chances of the scores below `largest`, in eight sums that are added at the end.
[[nodiscard]] double sum_of_shares(const double* score, std::size_t blocks, double largest,
                                   const GapLaw& law) noexcept;

/// How a score is made of a prediction and its deviation.
struct ScoreForm {
  double width = 0.0;
  bool linked = false;
};

/// Scores by one member of the arms that may be chosen, in order; an arm that is listed twice has two places.
/// Up to kKept places are scored once and kept; of more, each pass scores them again, kBatch at a time.
class ArmScores {
 public:
  static constexpr std::size_t kKept = 1024;
  static constexpr std::size_t kBatch = 64;

  struct Best {
    double score = -std::numeric_limits<double>::infinity();
    std::size_t place = 0;  ///< the first that has it
    std::size_t ties = 0;
  };

  // The arrays are written as far as they are read.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  ArmScores(const OracleArms& arms, const Context& context, const OracleInput& input) noexcept;

  /// Scores by a member; best() and the passes are about them from now on.
  void score(std::size_t member, const ScoreForm& form) noexcept;
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const Best& best() const noexcept { return best_; }
  /// Of one place, the same bits as in the passes.
  [[nodiscard]] double at(std::size_t place) const noexcept;
  [[nodiscard]] std::size_t arm(std::size_t place) const noexcept;
  /// Number `n` of the places that have the largest score.
  [[nodiscard]] std::size_t tied(std::size_t n) const noexcept;

  /// Sum of the chances of the places below the largest score, in eight sums that are added at the end.
  [[nodiscard]] double below(const GapLaw& law) const noexcept;
  /// The place, of those below the largest score, in which the running sum of chances passes `left`.
  [[nodiscard]] std::size_t drawn_below(const GapLaw& law, double left) const noexcept;

  /// Calls visit(place, arm, score) for every place.
  template <class Visitor>
  void each(Visitor&& visit) const noexcept {
    if (kept()) {
      for (std::size_t place = 0; place < count_; ++place) {
        visit(place, arm_[place], score_[place]);
      }
      return;
    }
    std::array<double, kBatch> score;  // NOLINT: written before it is read
    each_batch([&](std::size_t first, std::span<const std::uint32_t> which) {
      score_batch(which, score.data());
      for (std::size_t i = 0; i < which.size(); ++i) {
        visit(first + i, which[i], score[i]);
      }
    });
  }
  /// Calls visit(place, arm, prediction, deviation) of the first member for every place.
  template <class Visitor>
  void each_prediction(Visitor&& visit) const noexcept {
    std::array<double, kBatch> mean;    // NOLINT: written before it is read
    std::array<double, kBatch> spread;  // NOLINT: written before it is read
    each_batch([&](std::size_t first, std::span<const std::uint32_t> which) {
      arms_->member(0).scores(*input_, which, mean.data(), spread.data());
      for (std::size_t i = 0; i < which.size(); ++i) {
        visit(first + i, which[i], mean[i], spread[i]);
      }
    });
  }
  /// Score of one arm by one member, the same bits as among others.
  [[nodiscard]] static double one(const OracleArms& arms, const OracleInput& input, std::size_t member,
                                  const ScoreForm& form, std::size_t arm) noexcept;

 private:
  template <class Visitor>
  void each_batch(Visitor&& visit) const noexcept {
    std::array<std::uint32_t, kBatch> which;  // NOLINT: written before it is read
    std::size_t filled = 0;
    std::size_t first = 0;
    const auto flush = [&] {
      visit(first, std::span<const std::uint32_t>(which).first(filled));
      first += filled;
      filled = 0;
    };
    arms_->arms().for_each(*context_, [&](std::size_t arm) {
      which[filled++] = static_cast<std::uint32_t>(arm);
      if (filled == kBatch) {
        flush();
      }
    });
    flush();
  }
  [[nodiscard]] bool kept() const noexcept { return count_ <= kKept; }
  void score_batch(std::span<const std::uint32_t> which, double* score) const noexcept;

  const OracleArms* arms_;
  const Context* context_;
  const OracleInput* input_;
  const RewardOracle* member_ = nullptr;
  std::size_t number_ = 0;  // of member_
  ScoreForm form_;
  std::size_t count_ = 0;
  bool all_ = false;  // every arm, each once, in order
  Best best_;
  std::array<std::uint32_t, kKept> arm_;
  alignas(64) std::array<double, kKept> score_;
};

}  // namespace attune::detail
