// SPDX-License-Identifier: Apache-2.0
/// @file
/// ThompsonBeta: Thompson sampling for rewards in [0, 1].
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>
#include <attune/core/score_law.hpp>

namespace attune {

/// Options of ThompsonBeta, with the published defaults: the uniform prior, no forgetting.
struct ThompsonBetaConfig {
  double alpha = 1.0;
  double beta = 1.0;
  double discount = 1.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{1e-3, 1e9}, "prior successes of each arm");
    visit("beta", self.beta, Bounds{1e-3, 1e9}, "prior failures of each arm");
    visit("discount", self.discount, Bounds{0.5, 1},
          "factor on what every arm has learned, per update; below 1 old rewards fade");
  }
  bool operator==(const ThompsonBetaConfig&) const = default;
};

/// Draws a mean from each arm's posterior and takes the arm with the largest draw:
///
///     draw(a) ~ Beta(alpha + S(a), beta + F(a)),
///
/// where a reward r of weight w adds w r to the successes S of its arm and w (1 - r) to its failures F. With
/// a discount g < 1 all S and F are first multiplied by g, at each update of any arm: about 1 / (1 - g)
/// updates are remembered.
///
/// Source: Thompson (1933), "On the likelihood that one unknown probability exceeds another", Biometrika 25;
/// Agrawal, Goyal (2012), "Analysis of Thompson Sampling for the Multi-armed Bandit Problem", COLT,
/// algorithm 1. Differences: a reward inside (0, 1) is added in parts where they toss a coin with it
/// (algorithm 2), which has the same mean and less noise, but is outside their proof. Discount: Raj, Kalyani
/// (2017), "Taming Non-stationary Bandits: A Bayesian Approach", arXiv:1707.09727.
///
/// Rewards: in [0, 1]; others are refused. `score` of a choice is the largest draw; `greedy`: no arm that
/// could be chosen has a larger posterior mean. `propensity`: NaN, computed later; 1 where a single arm could
/// be chosen. Cost: select O(arms) time, one Beta variate an arm; update O(1), with a discount O(arms).
/// Neither allocates. Memory: 17 bytes an arm. Limits: the context is checked but not used. Rewards that come
/// late do no harm: choices stay random.
class ThompsonBeta {
 public:
  using Config = ThompsonBetaConfig;

  static constexpr std::string_view kName = "thompson_beta";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<ThompsonBeta> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;

  /// Errors: unknown_arm, non_finite (an argument, or a sum that would overflow), invalid_argument (weight <
  /// 0, reward outside [0, 1]).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Counts as rewards, without a discount for the other arms. Errors: unknown_arm, non_finite,
  /// invalid_argument (also for a mean outside [0, 1]).
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Forgets. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// See Expects: the mean of the arm's posterior.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features action) const noexcept;
  /// See DrawsScores: the posterior.
  [[nodiscard]] ScoreLaw score_law(ArmIndex arm, const Input& input, Features action) const noexcept;

  /// Parameters of the arm's posterior. The arm must exist.
  [[nodiscard]] double alpha(ArmIndex arm) const noexcept {
    return config_.alpha + successes_[to_index(arm)];
  }
  [[nodiscard]] double beta(ArmIndex arm) const noexcept { return config_.beta + failures_[to_index(arm)]; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const ThompsonBeta&) const = default;

 private:
  ThompsonBeta(const Config& config, const Shape& shape);
  [[nodiscard]] bool can_add(std::size_t arm, double successes, double failures) const noexcept;
  void forget_some() noexcept;

  Config config_;
  std::size_t features_;
  bool sparse_;
  ArmSet arms_;
  std::vector<double> successes_;  // without the prior
  std::vector<double> failures_;   // without the prior
  std::uint64_t updates_ = 0;
};

}  // namespace attune
