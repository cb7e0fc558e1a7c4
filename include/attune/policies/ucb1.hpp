// SPDX-License-Identifier: Apache-2.0
/// @file
/// Ucb1: the upper-confidence-bound bandit for rewards in [0, 1].
#pragma once

#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>

namespace attune {

/// Options of Ucb1, with the published defaults.
struct Ucb1Config {
  double exploration = std::numbers::sqrt2;
  double optimistic_mean = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("exploration", self.exploration, Bounds{0, 1e6}, "bonus multiplier c, in units of reward");
    visit("optimistic_mean", self.optimistic_mean, Bounds{-1e12, 1e12},
          "mean assumed for an arm whose rewards are all pending: the top of the reward range");
  }
  bool operator==(const Ucb1Config&) const = default;
};

/// Chooses the arm with the largest upper confidence bound on its mean reward,
///
///     index(a) = mean(a) + c * sqrt(ln t / n(a)),     index(a) = +inf while n(a) = 0,
///
/// where n(a) is the weight of arm a's rewards plus its pending pulls, and t the sum of n over all arms (at
/// least 1). mean(a) is the weighted average of its rewards, `optimistic_mean` while it has none. Ties are
/// broken uniformly, untried arms therefore tried in random order.
///
/// Source: Auer, Cesa-Bianchi, Fischer (2002), "Finite-time Analysis of the Multiarmed Bandit Problem",
/// Machine Learning 47, 235-256, Figure 1; c = sqrt(2) there. Differences: pending pulls are counted in t and
/// n, so that late rewards do not make it repeat its choice; untried arms come in random order; c is an
/// option; observations may carry weights.
///
/// Rewards: any finite number; the regret bound (their Theorem 1) holds for [0, 1], c = sqrt(2) and rewards
/// that come at once. For rewards in [lo, hi] multiply c by hi - lo and set optimistic_mean = hi.
/// `greedy` of a choice: the arm was rewarded before and none that could be chosen has a larger mean.
/// `propensity`: 1, or 1/k in a tie of k; an arm that is offered twice counts twice.
/// Cost: select O(arms) time, update and note_pull O(1); none allocates. Memory: 45 bytes an arm.
/// Limits: the context is checked but not used; stationary rewards are assumed.
class Ucb1 {
 public:
  using Config = Ucb1Config;

  static constexpr std::string_view kName = "ucb1";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Ucb1> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

  /// An announced update without a pending pull (its arm was reset) is learned all the same.
  /// Errors: unknown_arm, non_finite (the reward, or a mean or sum that would overflow), invalid_argument
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
  /// Counts as one update of the given weight. Errors: unknown_arm, non_finite, invalid_argument.
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
  [[nodiscard]] bool operator==(const Ucb1&) const = default;

 private:
  Ucb1(const Config& config, const Shape& shape);
  [[nodiscard]] double index_of(std::size_t arm) const noexcept;
  /// select() where arms are offered, disabled, untried or tied.
  [[nodiscard]] Choice select_among(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc learn(std::size_t arm, double reward, double weight) noexcept;
  /// `before`: n of the arm until now; below -1 where it is not known.
  void refresh_arm(std::size_t arm, double before = -2.0) noexcept;
  void refresh_width() noexcept;
  [[nodiscard]] double width_at(double counted) const noexcept;
  void refresh_all();

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<double> weight_;          // of the rewards seen
  std::vector<std::uint32_t> pending_;  // pulls whose reward is still to come
  double total_weight_ = 0.0;
  std::uint64_t updates_ = 0;

  // Derived, kept so that select is one multiplication and addition an arm. mean_ and scale_ are padded to
  // whole lanes (detail::padded) with entries that are never the maximum.
  std::vector<double> mean_;   // optimistic_mean where weight_ is 0
  std::vector<double> scale_;  // 1 / sqrt(n); +infinity where n is 0
  // What a pull or reward of weight 1 will need, made one step ahead: no choice waits for a root or a
  // division.
  std::vector<double> next_scale_;  // 1 / sqrt(n + 1)
  std::vector<double> next_share_;  // 1 / (weight + 1)
  double counted_ = 0.0;            // t
  double width_ = 0.0;              // c * sqrt(ln t)
  double next_width_ = 0.0;         // c * sqrt(ln(t + 1))
  std::uint64_t pending_total_ = 0;
  std::size_t untried_ = 0;  // arms with n = 0
};

}  // namespace attune
