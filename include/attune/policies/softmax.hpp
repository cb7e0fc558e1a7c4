// SPDX-License-Identifier: Apache-2.0
/// @file
/// Softmax: Boltzmann exploration with one temperature for all arms.
#pragma once

#include <array>
#include <string_view>

#include <attune/policies/index_policy.hpp>

namespace attune {

/// How the temperature falls with t, the weight of all rewards so far.
enum class TemperatureSchedule : std::uint8_t {
  constant,  ///< temperature
  log,       ///< temperature / ln(e + t)
  root,      ///< temperature / sqrt(1 + t)
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<TemperatureSchedule>{"constant", "log", "root"};

/// Options of Softmax.
struct SoftmaxConfig {
  double temperature = 0.25;
  TemperatureSchedule schedule = TemperatureSchedule::log;
  std::uint32_t min_trials = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("temperature", self.temperature, Bounds{1e-9, 1e9}, "in units of reward, before the schedule");
    visit("schedule", self.schedule, Bounds{}, "how the temperature falls with the rewards learned");
    visit("min_trials", self.min_trials, Bounds{0, 1'000'000}, "an arm with fewer pulls is taken first");
  }
  bool operator==(const SoftmaxConfig&) const = default;
};

/// p(a) = exp(mean(a) / temperature) / sum over b of exp(mean(b) / temperature); untried arms first.
///
/// Source: Sutton, Barto (2018), "Reinforcement Learning: An Introduction", section 2.8; Cesa-Bianchi,
/// Fischer (1998), "Finite-time regret bounds for the multiarmed bandit problem", ICML, for temperatures that
/// fall. No falling schedule alone is good on every instance (Cesa-Bianchi, Gentile, Lugosi, Neu 2017,
/// proposition 1): too fast and the best arm is lost, too slow and the others cost. BoltzmannGumbel has not
/// that fault.
///
/// Rewards: any finite number. `propensity` and `probabilities` are exact. `score` of a choice: its mean.
/// Cost: select O(arms), an exponential or two an arm. Limits: the context is checked but not used;
/// stationary rewards are assumed.
struct SoftmaxRule {
  using Config = SoftmaxConfig;
  static constexpr std::string_view kName = "softmax";
  static constexpr std::string_view kTitle = "Softmax (Boltzmann) exploration";
  static constexpr bool kRandom = true;
  static constexpr bool kShares = true;
  static constexpr std::size_t kCached = 0;
  static constexpr RewardDomain kDomain = RewardDomain::any;
  static constexpr double first_mean(const Config& /*config*/) noexcept { return 0.0; }
};

using Softmax = IndexPolicy<SoftmaxRule>;
extern template class IndexPolicy<SoftmaxRule>;

}  // namespace attune
