// SPDX-License-Identifier: Apache-2.0
/// @file
/// SpendPacer: what a unit of cost is worth in reward, so that a spend rate or a budget is kept.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/core/config.hpp>
#include <attune/core/serial.hpp>

namespace attune {

/// Options of SpendPacer; `rate`, or `budget` and `horizon`.
struct SpendPacerConfig {
  double rate = 0.0;
  double budget = 0.0;
  std::uint64_t horizon = 0;
  double highest_price = 0.0;
  double reward_range = 1.0;
  double step = 0.1;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("rate", self.rate, Bounds{0, 1e12}, "cost that a decision may have on average; 0: by the budget");
    visit("budget", self.budget, Bounds{0, 1e15}, "cost of all decisions up to the horizon; 0: none");
    visit("horizon", self.horizon, Bounds{0, 1e15}, "decisions that the budget is for");
    visit("highest_price", self.highest_price, Bounds{0, 1e15},
          "of a unit of cost, in units of reward; 0: reward_range over what a decision may cost");
    visit("reward_range", self.reward_range, Bounds{1e-12, 1e12}, "largest minus smallest possible reward");
    visit("step", self.step, Bounds{1e-6, 10}, "of the price, as a part of the highest one");
  }
  bool operator==(const SpendPacerConfig&) const = default;
};

/// The price of a unit of cost, moved against what is spent beside what may be spent:
///
///     g = cost - allowed,   price <- clip( price + step * highest * g / sqrt(sum of g^2), 0, highest ),
///
/// `allowed` being the rate, or what is left of the budget over the decisions that are left. Decisions that
/// take the arm with the largest reward - price * cost then come to earn what the best mixture of arms would
/// under that rate: the price is the dual variable of a linear program.
///
/// Source: Agrawal, Devanur (2014), "Bandits with Concave Rewards and Convex Knapsacks", EC, section 4, and
/// (2016), "Linear Contextual Bandits with Knapsacks", NIPS, algorithm 1: the same with multiplicative steps.
/// The size of the steps: Streeter, McMahan (2010), "Less Regret via Online Conditioning", section 2, whose
/// regret is of the order of highest * sqrt(sum of g^2) whatever the unit of cost.
class SpendPacer {
 public:
  /// Errors: invalid_config: neither a rate nor a budget with its horizon, or both.
  [[nodiscard]] static Result<SpendPacer> make(const SpendPacerConfig& config);

  /// Of a unit of cost, in units of reward; >= 0.
  [[nodiscard]] double price() const noexcept { return price_; }
  /// What the next decision may cost on average.
  [[nodiscard]] double allowed() const noexcept;
  /// The budget is spent. Never with a rate.
  [[nodiscard]] bool exhausted() const noexcept { return config_.budget > 0.0 && spent_ >= config_.budget; }

  /// A decision has cost so much. Errors: non_finite; invalid_argument (below 0); nothing is changed then.
  [[nodiscard]] Errc charge(double cost) noexcept;

  [[nodiscard]] double spent() const noexcept { return spent_; }
  /// Decisions that were charged.
  [[nodiscard]] std::uint64_t charged() const noexcept { return charged_; }

  void save(Writer& writer) const;
  /// False, and nothing changed, where what is read cannot be a state.
  [[nodiscard]] bool load(Reader& reader);
  bool operator==(const SpendPacer&) const = default;

  /// Largest cost of a decision.
  static constexpr double kLargestCost = 1e12;

 private:
  explicit SpendPacer(const SpendPacerConfig& config) noexcept;

  SpendPacerConfig config_;
  double highest_;
  double price_ = 0.0;
  double squares_ = 0.0;
  double spent_ = 0.0;
  std::uint64_t charged_ = 0;
};

}  // namespace attune
