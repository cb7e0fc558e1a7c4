// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/lin_ucb.hpp>

#include <cmath>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"
#include "policies/bandit/linear_scores.hpp"

namespace attune {

static_assert(check_bandit<LinUcb>() && ExplicitBandit<LinUcb>);

Result<LinUcb> LinUcb::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<LinearArms> linear =
      LinearArms::make(kName, {config.ridge, config.forgetting, config.intercept, config.standardise}, shape);
  if (!linear) {
    return tl::unexpected(std::move(linear).error());
  }
  return LinUcb(config, *std::move(linear));
}

Choice LinUcb::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = check_input(context.input, linear_.features(), false); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  detail::FeatureRoom room;  // NOLINT: written as far as it is read
  const detail::StripVector x(linear_.seen(context.input.dense, room.data()), linear_.intercept(), 1.0);
  detail::LinearArgMax best(rng);
  detail::LinearScan(linear_.models(), x, best, [this] {
    return config_.alpha;
  }).run(linear_.arms(), context);
  return detail::with_times_offered(best.choice(), context);
}

Errc LinUcb::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = check_input(context.input, linear_.features(), false); verdict != Errc::ok) {
    return verdict;
  }
  detail::FeatureRoom room;  // NOLINT: written as far as it is read
  const detail::StripVector x(linear_.seen(context.input.dense, room.data()), linear_.intercept(), 1.0);
  return detail::tie_probabilities(out, [&](const auto& visit) {
    detail::for_each_linear_score(
        linear_.arms(), linear_.models(), context, x, [&](std::size_t arm, double mean, double variance) {
          visit(arm, detail::comparable(mean + (config_.alpha * std::sqrt(variance))));
        });
  });
}

Description LinUcb::describe() const {
  Description text = linear_.describe("LinUCB over " + std::to_string(arm_count()) + " arms after " +
                                      std::to_string(updates()) + " rewards");
  text.values.insert(
      text.values.begin(),
      {{"alpha", config_.alpha}, {"ridge", config_.ridge}, {"forgetting", config_.forgetting}});
  return text;
}

}  // namespace attune
