// SPDX-License-Identifier: Apache-2.0
/// @file
/// BudgetedLinUcb: LinUCB whose decisions cost something, under a spend rate or a budget.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <attune/core/concepts.hpp>
#include <attune/policies/linear_arms.hpp>
#include <attune/policies/spend_pacer.hpp>

namespace attune {

/// A Bandit that learns what its decisions cost, in units of its own, beside the reward.
///
/// `update(feedback, cost)` promises what `update` does; a cost is finite and >= 0.
template <class B>
concept CostAware = Persistent<B> && requires(B& bandit, const Feedback& feedback, double cost) {
  { bandit.update(feedback, cost) } noexcept -> std::same_as<Errc>;
};

/// Options of BudgetedLinUcb.
struct BudgetedLinUcbConfig {
  SpendPacerConfig spend{};
  double alpha = 0.5;
  double ridge = 1.0;
  bool intercept = true;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    SpendPacerConfig::fields(self.spend, visit);
    visit("alpha", self.alpha, Bounds{0, 1e6}, "width of the bounds, in deviations of a reward");
    visit("ridge", self.ridge, Bounds{1e-9, 1e9}, "regularisation: A starts as ridge times the identity");
    visit("intercept", self.intercept, Bounds{0, 1}, "append a constant 1 to the context");
  }
  bool operator==(const BudgetedLinUcbConfig&) const = default;
};

/// Takes the arm with the largest
///
///     theta_a'x + w_a - price * max(phi_a'x - w_a c, 0),      w_a = alpha sqrt(x' A_a^-1 x),
///
/// where theta_a and phi_a are ridge regressions of reward and cost, c the largest cost that has been seen
/// (the scale of the second bound), and price follows what is spent (SpendPacer). Without features (intercept
/// alone) these are means of the arms: bandits with knapsacks. With a budget that is spent, the arm with the
/// least expected cost is taken.
///
/// Source: Agrawal, Devanur (2016), "Linear Contextual Bandits with Knapsacks", NIPS, algorithm 1 and Theorem
/// 1: with a budget of the order of T^(3/4) or more, regret against the best mixture of the order of (1 + OPT
/// / budget) d sqrt(T) but for logarithms; Badanidiyuru, Kleinberg, Slivkins (2013), "Bandits with
/// Knapsacks", FOCS, without context. Differences: one resource; the highest price is an option instead of
/// being estimated; the price moves by the costs that come back, not by those expected; disjoint models.
///
/// Rewards and costs: up to 1e12, costs from 0 on; weights up to 1e9. `propensity`: 1, or 1/k in a tie of k.
/// Cost: twice that of LinUcb. Limits: dense contexts; a rate is kept on average, not in every stretch; not
/// behind the engine, whose rewards are one number: weigh cost into the reward there, with
/// `price()` of a run.
class BudgetedLinUcb {
 public:
  using Config = BudgetedLinUcbConfig;

  static constexpr std::string_view kName = "budgeted_lin_ucb";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<BudgetedLinUcb> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  [[nodiscard]] Errc probabilities(const Context& context, std::span<double> out) const noexcept;

  /// Learns both and charges the pacer. Errors: as LinUcb; non_finite and invalid_argument for the cost too.
  [[nodiscard]] Errc update(const Feedback& feedback, double cost) noexcept;
  /// Of a decision without cost.
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept { return update(feedback, 0.0); }

  [[nodiscard]] std::size_t arm_count() const noexcept { return reward_.arms().count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return reward_.arms().enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept;
  Errc reset_arm(ArmIndex arm) noexcept;
  /// Of the reward; nothing is said of the cost. Errors: unknown_arm, non_finite, invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior) {
    return reward_.warm_start(arm, prior);
  }
  /// See Expects: of the reward, without the price.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features /*action*/) const noexcept {
    return reward_.expectation(arm, input);
  }
  [[nodiscard]] double expected_cost(ArmIndex arm, const Input& input) const noexcept {
    return cost_.expectation(arm, input);
  }

  [[nodiscard]] const SpendPacer& pacer() const noexcept { return pacer_; }
  [[nodiscard]] std::uint64_t updates() const noexcept { return reward_.updates(); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const BudgetedLinUcb&) const = default;

 private:
  BudgetedLinUcb(const Config& config, LinearArms reward, LinearArms cost, SpendPacer pacer)
      : config_(config), reward_(std::move(reward)), cost_(std::move(cost)), pacer_(pacer) {}
  template <class Visitor>
  void for_each_score(const Context& context, Visitor&& visit) const noexcept;

  Config config_;
  LinearArms reward_;
  LinearArms cost_;
  SpendPacer pacer_;
  double largest_cost_ = 0.0;
};

}  // namespace attune
