// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/lin_ts.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"
#include "policies/bandit/linear_scores.hpp"

namespace attune {

static_assert(check_bandit<LinTs>());
static_assert(DrawsScores<LinTs>);

Result<LinTs> LinTs::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<LinearArms> linear =
      LinearArms::make(kName, {config.ridge, config.forgetting, config.intercept, config.standardise}, shape);
  if (!linear) {
    return tl::unexpected(std::move(linear).error());
  }
  return LinTs(config, *std::move(linear));
}

Choice LinTs::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = check_input(context.input, linear_.features(), false); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  detail::FeatureRoom room;  // NOLINT: written as far as it is read
  const detail::StripVector x(linear_.seen(context.input.dense, room.data()), linear_.intercept(), 1.0);
  detail::LinearArgMax best(rng());
  detail::LinearScan(linear_.models(), x, best, [&] {
    return config_.scale * sample_normal(rng);
  }).run(linear_.arms(), context);
  Choice choice = best.choice();
  choice.propensity = std::numeric_limits<double>::quiet_NaN();
  return choice;
}

ScoreLaw LinTs::score_law(ArmIndex arm, const Input& input, Features /*action*/) const noexcept {
  if (!linear_.arms().contains(arm) || check_input(input, linear_.features(), false) != Errc::ok) {
    return {};
  }
  detail::FeatureRoom room;  // NOLINT: written as far as it is read
  const detail::StripVector x(linear_.seen(input.dense, room.data()), linear_.intercept(), 1.0);
  const std::array<std::uint32_t, 1> which{static_cast<std::uint32_t>(to_index(arm))};
  double mean = 0.0;
  double variance = 0.0;
  linear_.models().scores(x, which, &mean, &variance);
  return ScoreLaw::normal(mean, config_.scale * std::sqrt(variance));
}

Description LinTs::describe() const {
  Description text = linear_.describe("linear Thompson sampling over " + std::to_string(arm_count()) +
                                      " arms after " + std::to_string(updates()) + " rewards");
  text.values.insert(
      text.values.begin(),
      {{"scale", config_.scale}, {"ridge", config_.ridge}, {"forgetting", config_.forgetting}});
  return text;
}

}  // namespace attune
