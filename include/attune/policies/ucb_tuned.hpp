// SPDX-License-Identifier: Apache-2.0
/// @file
/// UcbTuned: UCB1 whose bonus follows the variance of each arm's rewards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>

namespace attune {

/// Options of UcbTuned, with the published defaults.
struct UcbTunedConfig {
  double reward_range = 1.0;
  double optimistic_mean = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("reward_range", self.reward_range, Bounds{1e-9, 1e9},
          "largest minus smallest possible reward; the published formula is for 1");
    visit("optimistic_mean", self.optimistic_mean, Bounds{-1e12, 1e12},
          "mean assumed for an arm whose rewards are all pending: the top of the reward range");
  }
  bool operator==(const UcbTunedConfig&) const = default;
};

/// Chooses the arm with the largest
///
///     index(a) = mean(a) + R * sqrt( ln t / n(a) * min(1/4, V(a)) ),   index(a) = +inf while n(a) = 0,
///     V(a) = variance(a) / R^2 + sqrt(2 ln t / n(a)),
///
/// where variance(a) is that of arm a's rewards (divided by their weight, not their weight less one), R the
/// reward range, and n, t, mean, pending pulls and ties are as for Ucb1. 1/4 is the largest variance that
/// rewards in [0, 1] can have.
///
/// Source: Auer, Cesa-Bianchi, Fischer (2002), "Finite-time Analysis of the Multiarmed Bandit Problem",
/// Machine Learning 47, 235-256, section 4. They measure it to be clearly better than UCB1, and prove nothing
/// for it. Differences: as for Ucb1; R is an option.
///
/// Rewards: any finite number; meant for an interval of length R.
/// Cost: select O(arms) time with two square roots an arm, update and note_pull O(1); none allocates.
/// Memory: 45 bytes an arm.
/// Limits: the context is checked but not used; stationary rewards are assumed; no regret bound.
class UcbTuned {
 public:
  using Config = UcbTunedConfig;

  static constexpr std::string_view kName = "ucb_tuned";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<UcbTuned> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

  /// An announced update without a pending pull (its arm was reset) is learned all the same.
  /// Errors: unknown_arm, non_finite (the reward, or a number that would overflow), invalid_argument
  /// (weight < 0).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;
  /// Errors: unknown_arm; full at 2^32 - 1 pending pulls of one arm.
  Errc note_pull(ArmIndex arm) noexcept;
  /// Errors: unknown_arm; invalid_argument when nothing is pending.
  Errc note_lost(ArmIndex arm) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Forgets rewards and pending pulls. Cost: O(arms). Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Counts as rewards of the given mean without spread. Errors: unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Forgets. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// See Expects: the mean of the arm's rewards; NaN before the first.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features action) const noexcept;

  /// The arm's index as select computes it; +infinity for an untried arm. The arm must exist.
  [[nodiscard]] double index(ArmIndex arm) const noexcept { return index_of(to_index(arm)); }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const UcbTuned&) const = default;

 private:
  UcbTuned(const Config& config, const Shape& shape);
  [[nodiscard]] double index_of(std::size_t arm) const noexcept;
  [[nodiscard]] Errc learn(std::size_t arm, double reward, double weight) noexcept;
  void refresh_arm(std::size_t arm) noexcept;
  void refresh_total() noexcept;
  void refresh_all() noexcept;

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<double> mean_;            // optimistic_mean where weight_ is 0
  std::vector<double> weight_;          // of the rewards seen
  std::vector<double> squares_;         // weighted sum of (reward - mean)^2
  std::vector<std::uint32_t> pending_;  // pulls whose reward is still to come
  double total_weight_ = 0.0;
  std::uint64_t updates_ = 0;

  // Derived.
  std::vector<double> inverse_;   // 1 / n; +infinity where n is 0
  std::vector<double> variance_;  // in units of R^2; 1/4 where weight_ is 0
  double counted_ = 0.0;          // t
  double log_ = 0.0;              // ln t
  std::uint64_t pending_total_ = 0;
};

}  // namespace attune
