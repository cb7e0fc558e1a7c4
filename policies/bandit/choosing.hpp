// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the context-free bandits share: checks of arguments, the best of the arms that may be chosen, ties.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/config.hpp>
#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune::detail {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Bounds of the options and of the number of arms.
template <class Config>
[[nodiscard]] Result<void> check_options(const Config& config, const Shape& shape) {
  if (shape.arms > ArmSet::kMaxArms) {
    return fail(Errc::invalid_config, "arms = " + std::to_string(shape.arms) + " is outside [0, " +
                                          std::to_string(ArmSet::kMaxArms) + "]");
  }
  return check_bounds(config);
}

/// check_input with the usual case, no features, in line.
[[nodiscard]] inline Errc check_context(const Context& context, std::size_t features, bool sparse) noexcept {
  const Input& input = context.input;
  if (features == 0 && input.dense.empty() && input.sparse.index.empty() && input.sparse.value.empty()) {
    return Errc::ok;
  }
  return check_input(input, features, sparse);
}

/// The part of a Feedback that every bandit checks in the same way.
[[nodiscard]] inline Errc check_feedback(const Feedback& feedback, const ArmSet& arms) noexcept {
  if (!arms.contains(feedback.arm)) {
    return Errc::unknown_arm;
  }
  if (!std::isfinite(feedback.reward) || !std::isfinite(feedback.weight)) {
    return Errc::non_finite;
  }
  return feedback.weight < 0.0 ? Errc::invalid_argument : Errc::ok;
}

[[nodiscard]] inline Result<void> check_prior(ArmIndex arm, const ArmPrior& prior, const ArmSet& arms) {
  if (!arms.contains(arm)) {
    return fail(Errc::unknown_arm, "arm " + std::to_string(to_index(arm)) + " does not exist; there are " +
                                       std::to_string(arms.count()));
  }
  if (!std::isfinite(prior.mean) || !std::isfinite(prior.weight)) {
    return fail(Errc::non_finite, "a prior needs finite numbers, found mean = " + number_text(prior.mean) +
                                      ", weight = " + number_text(prior.weight));
  }
  if (prior.weight < 0.0) {
    return fail(Errc::invalid_argument, "prior weight = " + number_text(prior.weight) + " is below 0");
  }
  return {};
}

[[nodiscard]] inline tl::unexpected<Error> corrupt(std::string_view policy, std::string_view rule) {
  return fail(Errc::corrupt_state, std::string(policy) + ": " + std::string(rule));
}

/// Room for `count` entries, at least doubling when it must grow. What throws for lack of memory throws here,
/// before anything has changed.
template <class T, class Allocator>
void make_room(std::vector<T, Allocator>& values, std::size_t count) {
  if (values.capacity() < count) {
    values.reserve(std::max(count, 2 * values.capacity()));
  }
}

/// Adds a reward to a weighted average; where `weight` was 0 the old mean is only a guess and is replaced.
/// False, and nothing changed, when a number would overflow.
/// `share` is reward_weight / (weight + reward_weight), which some callers have in store.
[[nodiscard]] inline bool add_to_mean(double& mean, double& weight, double reward, double reward_weight,
                                      double share) noexcept {
  const double new_weight = weight + reward_weight;
  const double new_mean = weight > 0.0 ? mean + share * (reward - mean) : reward;
  if (!std::isfinite(new_weight) || !std::isfinite(new_mean)) {
    return false;
  }
  weight = new_weight;
  mean = new_mean;
  return true;
}

[[nodiscard]] inline bool add_to_mean(double& mean, double& weight, double reward,
                                      double reward_weight) noexcept {
  return add_to_mean(mean, weight, reward, reward_weight, reward_weight / (weight + reward_weight));
}

/// True when all entries are finite and none is negative.
[[nodiscard]] inline bool all_weights(std::span<const double> values) noexcept {
  return std::ranges::all_of(values, [](double value) {
    return value >= 0.0 && value <= std::numeric_limits<double>::max();  // NaN is neither
  });
}

[[nodiscard]] inline double sum_of(std::span<const double> values) noexcept {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return sum;
}

/// A sum kept up over many updates against the sum computed anew: only rounding may lie between them.
[[nodiscard]] inline bool plausible_sum(double kept, std::span<const double> parts) noexcept {
  const double sum = sum_of(parts);
  return std::isfinite(sum) && kept >= 0.0 && std::abs(kept - sum) <= 1e-6 * std::max(sum, kept);
}

/// The largest score among the arms that may be chosen.
struct Top {
  double value = -std::numeric_limits<double>::infinity();
  std::size_t arm = 0;       ///< the first that has it
  std::size_t ties = 0;      ///< how many have it
  std::size_t eligible = 0;  ///< how many may be chosen
};

/// `score(arm)` must give the same bits each time. Arms that are offered twice are counted twice, here and
/// below, so that the propensity of a tie is exact for them too.
template <class Score>
[[nodiscard]] Top find_top(const ArmSet& arms, const Context& context, const Score& score) noexcept {
  Top top;
  arms.for_each(context, [&](std::size_t arm) {
    const double value = score(arm);
    ++top.eligible;
    if (value > top.value || top.ties == 0) {
      top.value = value;
      top.arm = arm;
      top.ties = 1;
    } else if (value == top.value) {
      ++top.ties;
    }
  });
  return top;
}

/// Number `n`, from zero, of the arms that may be chosen and that `wanted`; there must be more than n.
template <class Wanted>
[[nodiscard]] std::size_t pick(const ArmSet& arms, const Context& context, std::size_t n,
                               const Wanted& wanted) noexcept {
  std::size_t chosen = 0;
  bool found = false;
  arms.for_each(context, [&](std::size_t arm) {
    if (!found && wanted(arm)) {
      found = n == 0;
      chosen = arm;
      --n;
    }
  });
  return chosen;
}

/// One of the `top.ties` arms that have the largest score, uniformly. One draw, none without a tie.
template <class Score>
[[nodiscard]] std::size_t break_tie(const ArmSet& arms, const Context& context, const Score& score,
                                    const Top& top, Rng& rng) noexcept {
  if (top.ties == 1) {
    return top.arm;
  }
  const auto n = static_cast<std::size_t>(rng.below(top.ties));
  return pick(arms, context, n, [&](std::size_t arm) { return score(arm) == top.value; });
}

/// How often the arm is listed among those that may be chosen; it must be one of them.
[[nodiscard]] inline double times_offered(const Context& context, std::size_t arm) noexcept {
  return context.offered.empty() ? 1.0
                                 : static_cast<double>(std::ranges::count(context.offered, to_arm(arm)));
}

/// probabilities() of a policy that takes the best arm and breaks ties uniformly. Errors: no_arm.
template <class Score>
[[nodiscard]] Errc share_among_best(const ArmSet& arms, const Context& context, const Score& score,
                                    std::span<double> out) noexcept {
  const Top top = find_top(arms, context, score);
  if (top.eligible == 0) {
    return Errc::no_arm;
  }
  std::ranges::fill(out, 0.0);
  arms.for_each(context, [&](std::size_t arm) {
    if (score(arm) == top.value) {
      out[arm] += 1.0;
    }
  });
  for (double& probability : out) {
    probability /= static_cast<double>(top.ties);
  }
  return Errc::ok;
}

/// The arm with the largest of one random `draw` an arm. `mean(arm)` is what the draws are spread around: it
/// says whether the choice is greedy.
template <class Draw, class Mean>
[[nodiscard]] Choice choose_by_draws(const ArmSet& arms, const Context& context, Rng& rng, const Draw& draw,
                                     const Mean& mean) noexcept {
  ArgMax best;
  double largest_mean = -std::numeric_limits<double>::infinity();
  std::size_t eligible = 0;
  std::size_t first = 0;
  bool single = true;
  arms.for_each(context, [&](std::size_t arm) {
    first = eligible == 0 ? arm : first;
    single = single && arm == first;
    ++eligible;
    largest_mean = std::max(largest_mean, mean(arm));
    const double value = draw(arm);
    best.offer(arm, value, rng);
  });
  if (eligible == 0) {
    return Choice::refused(Errc::no_arm);
  }
  return {.arm = to_arm(best.chosen()),
          .propensity = single ? 1.0 : std::numeric_limits<double>::quiet_NaN(),
          .score = best.value(),
          .greedy = mean(best.chosen()) == largest_mean,
          .status = Errc::ok};
}

/// Calls `forget_one(slot)` for one arm, or, of kNoArm, for all. Errors: as Forgets.
template <class ForgetOne>
Errc forget_arms(const ArmSet& arms, ArmIndex arm, double keep, ForgetOne&& forget_one) noexcept {
  if (!(keep >= 0.0 && keep <= 1.0)) {
    return Errc::invalid_argument;
  }
  if (arm != kNoArm && !arms.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t first = arm == kNoArm ? 0 : to_index(arm);
  const std::size_t end = arm == kNoArm ? arms.count() : first + 1;
  for (std::size_t slot = first; slot < end; ++slot) {
    forget_one(slot);
  }
  return Errc::ok;
}

// A weight below this is taken for nothing: halved again and again, it would otherwise end among the numbers
// that processors handle a hundred times slower.
inline constexpr double kLeastWeight = 1e-100;

}  // namespace attune::detail
