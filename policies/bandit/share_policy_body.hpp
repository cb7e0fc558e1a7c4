// SPDX-License-Identifier: Apache-2.0
/// @file
/// The bodies of SharePolicy, for the sources that instantiate it.
///
/// Each of them specialises ShareMath<Rule>:
/// - `static void shares(config, losses, rounds, out)`: p of all arms, which adds up to 1, from their scores
/// and the
///   number of rewards learned;
/// - `static double step(config, arms, rounds, reward, probability)`: what is added to the score of an arm;
/// and,
///   where `kMixes`, `static void mix(config, losses)` afterwards.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <attune/policies/share_policy.hpp>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {
namespace detail {

template <class Rule>
struct ShareMath;

/// out = exp(-rate * (loss - least loss)), scaled to add up to 1.
inline void exponential_shares(std::span<const double> losses, double rate, std::span<double> out) noexcept {
  if (losses.empty()) {
    return;
  }
  const double least = *std::ranges::min_element(losses);
  double sum = 0.0;
  for (std::size_t arm = 0; arm < losses.size(); ++arm) {
    out[arm] = portable_exp(-rate * (losses[arm] - least));
    sum += out[arm];
  }
  for (double& share : out) {
    share /= sum;
  }
}

inline constexpr double kLeastPropensity = 1e-9;

}  // namespace detail

template <class Rule>
SharePolicy<Rule>::SharePolicy(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      arms_(shape.arms),
      losses_(shape.arms, 0.0),
      shares_(shape.arms, 0.0) {
  refresh();
}

template <class Rule>
Result<SharePolicy<Rule>> SharePolicy<Rule>::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return SharePolicy(config, shape);
}

template <class Rule>
void SharePolicy<Rule>::refresh() noexcept {
  detail::ShareMath<Rule>::shares(config_, losses_, rounds_, shares_);
}

template <class Rule>
auto SharePolicy<Rule>::offer_of(const Context& context) const noexcept -> Offer {
  Offer offer;
  arms_.for_each(context, [&](std::size_t arm) {
    offer.shares += shares_[arm];
    offer.largest = std::max(offer.largest, shares_[arm]);
    ++offer.arms;
  });
  return offer;
}

template <class Rule>
double SharePolicy<Rule>::probability(const Context& context, const Offer& offer,
                                      std::size_t arm) const noexcept {
  const double times = detail::times_offered(context, arm);
  // Where the shares of all that may be chosen are too small for a number, each has the same.
  return offer.shares > 0.0 ? times * shares_[arm] / offer.shares : times / static_cast<double>(offer.arms);
}

template <class Rule>
Choice SharePolicy<Rule>::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  const Offer offer = offer_of(context);
  if (offer.arms == 0) {
    return Choice::refused(Errc::no_arm);
  }
  const bool none = !(offer.shares > 0.0);
  double left = rng.uniform() * (none ? static_cast<double>(offer.arms) : offer.shares);
  std::size_t chosen = 0;
  arms_.for_each(context, [&](std::size_t arm) {
    const double share = none ? 1.0 : shares_[arm];
    if (left >= 0.0 && share > 0.0) {  // the last one with a share where rounding has left something
      chosen = arm;
      left -= share;
    }
  });
  return {.arm = to_arm(chosen),
          .propensity = probability(context, offer, chosen),
          .score = shares_[chosen],
          .greedy = shares_[chosen] == offer.largest,
          .status = Errc::ok};
}

template <class Rule>
Errc SharePolicy<Rule>::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  const Offer offer = offer_of(context);
  if (offer.arms == 0) {
    return Errc::no_arm;
  }
  std::ranges::fill(out, 0.0);
  arms_.for_each(context, [&](std::size_t arm) { out[arm] = probability(context, offer, arm); });
  return Errc::ok;
}

template <class Rule>
Errc SharePolicy<Rule>::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (feedback.reward < 0.0 || feedback.reward > 1.0) {
    return Errc::invalid_argument;
  }
  if (feedback.weight > 0.0) {
    const std::size_t arm = to_index(feedback.arm);
    const bool known = feedback.propensity > 0.0 && feedback.propensity <= 1.0;
    const double q = known || !arms_.enabled(feedback.arm) ? (known ? feedback.propensity : shares_[arm])
                                                           : probability({}, offer_of({}), arm);
    const double step = detail::ShareMath<Rule>::step(config_, arm_count(), rounds_, feedback.reward,
                                                      std::max(q, detail::kLeastPropensity));
    const double loss = losses_[arm] + feedback.weight * step;
    if (!std::isfinite(loss)) {
      return Errc::non_finite;
    }
    losses_[arm] = loss;
    ++rounds_;
    if constexpr (Rule::kMixes) {
      detail::ShareMath<Rule>::mix(config_, losses_);
    }
    refresh();
  }
  ++updates_;
  return Errc::ok;
}

template <class Rule>
double SharePolicy<Rule>::best_of_others(std::size_t arm) const noexcept {
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t other = 0; other < losses_.size(); ++other) {
    best = other == arm ? best : std::min(best, losses_[other]);
  }
  return std::isfinite(best) ? best : 0.0;
}

template <class Rule>
Result<ArmIndex> SharePolicy<Rule>::add_arm() {
  detail::make_room(losses_, arm_count() + 1);
  detail::make_room(shares_, arm_count() + 1);
  Result<ArmIndex> added = arms_.add();
  if (added) {
    const double best = best_of_others(losses_.size());
    losses_.push_back(best);
    shares_.push_back(0.0);
    refresh();
  }
  return added;
}

template <class Rule>
Errc SharePolicy<Rule>::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  losses_[to_index(arm)] = best_of_others(to_index(arm));
  refresh();
  return Errc::ok;
}

template <class Rule>
Result<void> SharePolicy<Rule>::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (prior.mean < 0.0 || prior.mean > 1.0) {
    return fail(Errc::invalid_argument, "prior mean = " + number_text(prior.mean) + " is outside [0, 1]");
  }
  const double loss = losses_[to_index(arm)] + prior.weight * (0.5 - prior.mean);
  if (!std::isfinite(loss)) {
    return fail(Errc::non_finite, "the arm's score would overflow");
  }
  losses_[to_index(arm)] = loss;
  refresh();
  return {};
}

template <class Rule>
Errc SharePolicy<Rule>::forget(ArmIndex arm, double keep) noexcept {
  const double least = losses_.empty() ? 0.0 : *std::ranges::min_element(losses_);
  const double best = arm != kNoArm && arms_.contains(arm) ? best_of_others(to_index(arm)) : least;
  const Errc verdict = detail::forget_arms(
      arms_, arm, keep, [&](std::size_t slot) { losses_[slot] = best + keep * (losses_[slot] - best); });
  if (verdict == Errc::ok) {
    refresh();
  }
  return verdict;
}

template <class Rule>
void SharePolicy<Rule>::save(Writer& writer) const {
  writer.u64(updates_);
  writer.u64(rounds_);
  arms_.save(writer);
  writer.numbers(losses_);
}

template <class Rule>
Result<void> SharePolicy<Rule>::load(Reader& reader) {
  SharePolicy loaded(config_, Shape{.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  loaded.rounds_ = reader.u64();
  loaded.arms_.load(reader);
  loaded.losses_ = reader.exactly<double>(loaded.arm_count());
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  if (!all_finite(loaded.losses_)) {
    return detail::corrupt(kName, "a score is not finite");
  }
  loaded.shares_.resize(loaded.arm_count());
  loaded.refresh();
  *this = std::move(loaded);
  return {};
}

template <class Rule>
Description SharePolicy<Rule>::describe() const {
  Description text;
  text.summary = std::string(Rule::kTitle) + " over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates_) + " rewards";
  Config::fields(config_, [&]<class T>(std::string_view name, const T& value, Bounds, std::string_view) {
    if constexpr (std::is_arithmetic_v<T>) {
      text.values.emplace_back(name, static_cast<double>(value));
    }
  });
  text.values.emplace_back("updates", static_cast<double>(updates_));
  text.columns = {"enabled", "score", "share"};
  text.rows.reserve(arm_count());
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({enabled(to_arm(arm)) ? 1.0 : 0.0, losses_[arm], shares_[arm]});
  }
  return text;
}

}  // namespace attune
