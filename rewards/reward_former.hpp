// SPDX-License-Identifier: Apache-2.0
/// @file
/// RewardFormer: from what came back for a decision to one number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/rewards/collector.hpp>
#include <attune/rewards/reward_spec.hpp>

namespace attune::detail {

/// Rewards and their parts stay within this, so that no sum of them is infinite.
inline constexpr double kLargestReward = 1e300;

[[nodiscard]] double saturate(double value) noexcept;

/// What came of one component so far: the sum under mean and sum, else the value kept.
struct Accumulator {
  double value = 0.0;
  std::uint32_t count = 0;
};

/// Mean and variance of the values a component had, by Welford's update.
struct Moments {
  std::uint64_t count = 0;
  double mean = 0.0;
  double squares = 0.0;  ///< sum of squared deviations

  /// (x - mean) / sample deviation, clipped to [-4, 4]; 0 for fewer than two values.
  [[nodiscard]] double standardise(double x) const noexcept;
  void add(double x) noexcept;
};

/// The outcome of forming a reward.
struct Formed {
  bool has_reward = false;  ///< false: silence, by a rule other than default
  bool breach = false;
  RewardOrigin origin = RewardOrigin::observed;
  double reward = 0.0;
};

/// Applies a RewardSpec: aggregation, defaults, limits, normalisation, weights, clipping. Its state is the
/// running moments. Keeps no reference to the specification.
class RewardFormer {
 public:
  explicit RewardFormer(const RewardSpec& spec);

  [[nodiscard]] std::size_t size() const noexcept { return components_.size(); }
  /// Number of the component of that name, or kNone.
  [[nodiscard]] std::uint32_t component(std::string_view name) const noexcept;
  void add(std::size_t component, Accumulator& to, double value) const noexcept;
  /// All that is required is there, and something is.
  [[nodiscard]] bool satisfied(std::span<const Accumulator> parts) const noexcept;
  /// Forms the reward and then takes the values into the running moments.
  [[nodiscard]] Formed form(std::span<const Accumulator> parts) noexcept;

  /// What each component added to the reward that was formed last.
  [[nodiscard]] std::span<const double> terms() const noexcept { return terms_; }

  [[nodiscard]] std::vector<Moments>& moments() noexcept { return moments_; }
  [[nodiscard]] const std::vector<Moments>& moments() const noexcept { return moments_; }

 private:
  [[nodiscard]] Formed weigh(std::span<const Accumulator> parts) noexcept;
  [[nodiscard]] double aggregated(std::size_t component, const Accumulator& part) const noexcept;
  [[nodiscard]] double normalised(std::size_t component, double value) const noexcept;

  std::vector<ComponentSpec> components_;
  std::vector<Moments> moments_;
  std::vector<double> terms_;
  Silence silence_;
  double default_reward_;
  double breach_reward_;
  double reward_min_;
  double reward_max_;
};

}  // namespace attune::detail
