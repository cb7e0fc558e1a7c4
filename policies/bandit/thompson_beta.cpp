// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_beta.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <attune/core/sampling.hpp>

#include "policies/bandit/choosing.hpp"

namespace attune {
namespace {

// What the discount has left of a count below this is taken for nothing: it would otherwise shrink into the
// numbers that processors handle a hundred times slower, and stay there.
constexpr double kForgotten = 1e-100;

}  // namespace

static_assert(check_bandit<ThompsonBeta>());
static_assert(DrawsScores<ThompsonBeta>);

ThompsonBeta::ThompsonBeta(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      arms_(shape.arms),
      successes_(shape.arms, 0.0),
      failures_(shape.arms, 0.0) {}

Result<ThompsonBeta> ThompsonBeta::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return ThompsonBeta(config, shape);
}

Choice ThompsonBeta::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  return detail::choose_by_draws(
      arms_, context, rng,
      [&](std::size_t arm) {
        return sample_beta(rng, config_.alpha + successes_[arm], config_.beta + failures_[arm]);
      },
      [this](std::size_t arm) {
        const double a = config_.alpha + successes_[arm];
        return a / (a + (config_.beta + failures_[arm]));
      });
}

Errc ThompsonBeta::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (feedback.reward < 0.0 || feedback.reward > 1.0) {
    return Errc::invalid_argument;
  }
  const std::size_t arm = to_index(feedback.arm);
  const double successes = feedback.weight * feedback.reward;
  const double failures = feedback.weight * (1.0 - feedback.reward);
  if (!can_add(arm, successes, failures)) {
    return Errc::non_finite;
  }
  if (config_.discount < 1.0 && feedback.weight > 0.0) {
    forget_some();
  }
  successes_[arm] += successes;
  failures_[arm] += failures;
  ++updates_;
  return Errc::ok;
}

bool ThompsonBeta::can_add(std::size_t arm, double successes, double failures) const noexcept {
  // Their sum too: it is the denominator of the mean.
  return std::isfinite((successes_[arm] + successes) + (failures_[arm] + failures) +
                       (config_.alpha + config_.beta));
}

void ThompsonBeta::forget_some() noexcept {
  for (std::size_t arm = 0; arm < successes_.size(); ++arm) {
    const double successes = successes_[arm] * config_.discount;
    const double failures = failures_[arm] * config_.discount;
    successes_[arm] = successes < kForgotten ? 0.0 : successes;
    failures_[arm] = failures < kForgotten ? 0.0 : failures;
  }
}

Result<ArmIndex> ThompsonBeta::add_arm() {
  detail::make_room(successes_, arm_count() + 1);
  detail::make_room(failures_, arm_count() + 1);
  Result<ArmIndex> added = arms_.add();
  if (added) {
    successes_.push_back(0.0);
    failures_.push_back(0.0);
  }
  return added;
}

Errc ThompsonBeta::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  successes_[to_index(arm)] = 0.0;
  failures_[to_index(arm)] = 0.0;
  return Errc::ok;
}

Errc ThompsonBeta::forget(ArmIndex arm, double keep) noexcept {
  return detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    const double successes = successes_[slot] * keep;
    const double failures = failures_[slot] * keep;
    successes_[slot] = successes < kForgotten ? 0.0 : successes;
    failures_[slot] = failures < kForgotten ? 0.0 : failures;
  });
}

double ThompsonBeta::expectation(ArmIndex arm, const Input& /*input*/, Features /*action*/) const noexcept {
  return arms_.contains(arm) ? alpha(arm) / (alpha(arm) + beta(arm))
                             : std::numeric_limits<double>::quiet_NaN();
}

ScoreLaw ThompsonBeta::score_law(ArmIndex arm, const Input& input, Features /*action*/) const noexcept {
  const bool taken =
      arms_.contains(arm) && detail::check_context({.input = input}, features_, sparse_) == Errc::ok;
  return taken ? ScoreLaw::beta(alpha(arm), beta(arm)) : ScoreLaw{};
}

Result<void> ThompsonBeta::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (prior.mean < 0.0 || prior.mean > 1.0) {
    return fail(Errc::invalid_argument, "prior mean = " + number_text(prior.mean) + " is outside [0, 1]");
  }
  const double successes = prior.weight * prior.mean;
  const double failures = prior.weight * (1.0 - prior.mean);
  if (!can_add(to_index(arm), successes, failures)) {
    return fail(Errc::non_finite, "the arm's counts would overflow");
  }
  successes_[to_index(arm)] += successes;
  failures_[to_index(arm)] += failures;
  return {};
}

void ThompsonBeta::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  writer.numbers(successes_);
  writer.numbers(failures_);
}

Result<void> ThompsonBeta::load(Reader& reader) {
  ThompsonBeta loaded(config_, Shape{.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  loaded.arms_.load(reader);
  const std::size_t count = loaded.arm_count();
  loaded.successes_ = reader.exactly<double>(count);
  loaded.failures_ = reader.exactly<double>(count);
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  bool sound = detail::all_weights(loaded.successes_) && detail::all_weights(loaded.failures_);
  for (std::size_t arm = 0; sound && arm < count; ++arm) {
    sound = loaded.can_add(arm, 0.0, 0.0);
  }
  if (!sound) {
    return detail::corrupt(kName, "a count of successes or failures is negative or not finite");
  }
  *this = std::move(loaded);
  return {};
}

Description ThompsonBeta::describe() const {
  Description text;
  text.summary = "Thompson sampling (Beta) over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates_) + " rewards";
  text.values = {{"alpha", config_.alpha},
                 {"beta", config_.beta},
                 {"discount", config_.discount},
                 {"updates", static_cast<double>(updates_)}};
  text.columns = {"enabled", "alpha", "beta", "mean", "deviation"};
  text.rows.reserve(arm_count());
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    const double a = config_.alpha + successes_[arm];
    const double b = config_.beta + failures_[arm];
    const double mean = a / (a + b);
    text.rows.push_back(
        {arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, a, b, mean, std::sqrt(mean * (1.0 - mean) / (a + b + 1.0))});
  }
  return text;
}

}  // namespace attune
