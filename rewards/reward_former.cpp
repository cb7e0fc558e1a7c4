// SPDX-License-Identifier: Apache-2.0
#include "rewards/reward_former.hpp"

#include <algorithm>
#include <cmath>

#include "core/id_index.hpp"

namespace attune::detail {
namespace {

constexpr double kLargestDeviation = 4.0;
constexpr double kLargestMoment = 1e100;  // its square times any count is finite

}  // namespace

double saturate(double value) noexcept { return std::clamp(value, -kLargestReward, kLargestReward); }

double Moments::standardise(double x) const noexcept {
  if (count < 2) {
    return 0.0;
  }
  const double distance = std::clamp(x, -kLargestMoment, kLargestMoment) - mean;
  if (distance == 0.0) {
    return 0.0;  // also when all values were equal: 0/0
  }
  const double deviation = std::sqrt(squares / static_cast<double>(count - 1));
  return std::clamp(distance / deviation, -kLargestDeviation, kLargestDeviation);
}

void Moments::add(double x) noexcept {
  const double value = std::clamp(x, -kLargestMoment, kLargestMoment);
  ++count;
  const double before = value - mean;
  mean += before / static_cast<double>(count);
  squares += before * (value - mean);
}

RewardFormer::RewardFormer(const RewardSpec& spec)
    : components_(spec.components),
      moments_(spec.components.size()),
      terms_(spec.components.size()),
      silence_(spec.silence),
      default_reward_(spec.default_reward),
      breach_reward_(spec.breach_reward),
      reward_min_(spec.reward_min),
      reward_max_(spec.reward_max) {}

std::uint32_t RewardFormer::component(std::string_view name) const noexcept {
  for (std::size_t at = 0; at < components_.size(); ++at) {
    if (components_[at].name == name) {
      return static_cast<std::uint32_t>(at);
    }
  }
  return kNone;
}

void RewardFormer::add(std::size_t component, Accumulator& to, double value) const noexcept {
  const bool fresh = to.count == 0;
  ++to.count;
  switch (components_[component].aggregate) {
    case Aggregation::last:
      to.value = value;
      break;
    case Aggregation::sum:
    case Aggregation::mean:
      to.value = saturate(to.value + value);
      break;
    case Aggregation::max:
      to.value = fresh ? value : std::max(to.value, value);
      break;
    case Aggregation::first:
      to.value = fresh ? value : to.value;
      break;
  }
}

bool RewardFormer::satisfied(std::span<const Accumulator> parts) const noexcept {
  bool any = false;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    if (parts[at].count > 0) {
      any = true;
    } else if (components_[at].required) {
      return false;
    }
  }
  return any;
}

Formed RewardFormer::form(std::span<const Accumulator> parts) noexcept {
  if (!satisfied(parts)) {
    if (silence_ != Silence::default_value) {
      return {};
    }
    bool some = false;    // some component has a value or a default
    bool covered = true;  // every required one has
    for (std::size_t at = 0; at < parts.size(); ++at) {
      const bool known = parts[at].count > 0 || components_[at].has_default;
      some = some || known;
      covered = covered && (known || !components_[at].required);
    }
    if (!some || !covered) {
      std::ranges::fill(terms_, 0.0);
      return {.has_reward = true, .origin = RewardOrigin::default_value, .reward = default_reward_};
    }
  }
  const Formed formed = weigh(parts);
  for (std::size_t at = 0; at < parts.size(); ++at) {
    if (parts[at].count > 0 && components_[at].normalise == Normalisation::running) {
      moments_[at].add(aggregated(at, parts[at]));
    }
  }
  return formed;
}

Formed RewardFormer::weigh(std::span<const Accumulator> parts) noexcept {
  Formed formed{.has_reward = true};
  std::ranges::fill(terms_, 0.0);
  std::size_t arrived = 0;
  double sum = 0.0;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const ComponentSpec& component = components_[at];
    double value = component.default_value;
    if (parts[at].count > 0) {
      ++arrived;
      value = aggregated(at, parts[at]);
    } else if (!component.has_default) {
      continue;
    }
    formed.breach = formed.breach || (component.has_limit_min && value < component.limit_min) ||
                    (component.has_limit_max && value > component.limit_max);
    terms_[at] = saturate(component.weight * normalised(at, value));
    sum += terms_[at];
  }
  if (formed.breach) {
    std::ranges::fill(terms_, 0.0);
  }
  if (arrived < parts.size()) {
    formed.origin = arrived == 0 ? RewardOrigin::default_value : RewardOrigin::partial;
  }
  formed.reward = formed.breach ? breach_reward_ : std::clamp(sum, reward_min_, reward_max_);
  return formed;
}

double RewardFormer::aggregated(std::size_t component, const Accumulator& part) const noexcept {
  return components_[component].aggregate == Aggregation::mean ? part.value / static_cast<double>(part.count)
                                                               : part.value;
}

double RewardFormer::normalised(std::size_t component, double value) const noexcept {
  const ComponentSpec& spec = components_[component];
  switch (spec.normalise) {
    case Normalisation::none:
      break;
    case Normalisation::range:
      return std::clamp((value - spec.range_min) / (spec.range_max - spec.range_min), 0.0, 1.0);
    case Normalisation::running:
      return moments_[component].standardise(value);
  }
  return value;
}

}  // namespace attune::detail
