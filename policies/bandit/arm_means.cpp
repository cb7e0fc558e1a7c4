// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/arm_means.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "policies/bandit/choosing.hpp"

namespace attune {

ArmMeans::ArmMeans(const Shape& shape, RewardDomain domain, double first_mean)
    : domain_(domain),
      sparse_(shape.sparse),
      features_(shape.features),
      first_mean_(first_mean),
      arms_(shape.arms),
      mean_(shape.arms, first_mean),
      weight_(shape.arms, 0.0),
      squares_(shape.arms, 0.0),
      pending_(shape.arms, 0) {}

Errc ArmMeans::check(const Context& context) const noexcept {
  return detail::check_context(context, features_, sparse_);
}

bool ArmMeans::in_domain(double reward) const noexcept {
  return domain_ == RewardDomain::any ||
         (reward >= 0.0 && (domain_ == RewardDomain::not_negative || reward <= 1.0));
}

Errc ArmMeans::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (!in_domain(feedback.reward)) {
    return Errc::invalid_argument;
  }
  const std::size_t arm = to_index(feedback.arm);
  if (const Errc verdict = learn(arm, feedback.reward, feedback.weight); verdict != Errc::ok) {
    return verdict;
  }
  ++updates_;
  if (feedback.announced && pending_[arm] > 0) {
    --pending_[arm];
    --pending_total_;
  }
  return Errc::ok;
}

Errc ArmMeans::learn(std::size_t arm, double reward, double weight) noexcept {
  if (weight == 0.0) {
    return Errc::ok;
  }
  double mean = mean_[arm];
  double sum = weight_[arm];
  const double total = total_weight_ + weight;
  if (!std::isfinite(total) || !detail::add_to_mean(mean, sum, reward, weight)) {
    return Errc::non_finite;
  }
  // Welford's update with weights (West 1979). The product of the two deviations cannot be negative but by
  // rounding.
  const double change = weight_[arm] > 0.0 ? weight * ((reward - mean_[arm]) * (reward - mean)) : 0.0;
  const double squares = squares_[arm] + std::max(change, 0.0);
  if (!std::isfinite(squares)) {
    return Errc::non_finite;
  }
  // Rounding may carry an average over the edge of what it is an average of.
  mean_[arm] = domain_ == RewardDomain::unit ? std::clamp(mean, 0.0, 1.0) : mean;
  weight_[arm] = sum;
  squares_[arm] = squares;
  total_weight_ = total;
  return Errc::ok;
}

Errc ArmMeans::note_pull(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  std::uint32_t& pending = pending_[to_index(arm)];
  if (pending == std::numeric_limits<std::uint32_t>::max()) {
    return Errc::full;
  }
  ++pending;
  ++pending_total_;
  return Errc::ok;
}

Errc ArmMeans::note_lost(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  std::uint32_t& pending = pending_[to_index(arm)];
  if (pending == 0) {
    return Errc::invalid_argument;
  }
  --pending;
  --pending_total_;
  return Errc::ok;
}

Result<ArmIndex> ArmMeans::add_arm() {
  const std::size_t count = arms_.count() + 1;
  for (std::vector<double>* numbers : {&mean_, &weight_, &squares_}) {
    detail::make_room(*numbers, count);
  }
  detail::make_room(pending_, count);
  Result<ArmIndex> added = arms_.add();
  if (added) {
    mean_.push_back(first_mean_);
    weight_.push_back(0.0);
    squares_.push_back(0.0);
    pending_.push_back(0);
  }
  return added;
}

void ArmMeans::clear(std::size_t arm) noexcept {
  mean_[arm] = first_mean_;
  weight_[arm] = 0.0;
  squares_[arm] = 0.0;
}

Errc ArmMeans::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  clear(slot);
  pending_total_ -= pending_[slot];
  pending_[slot] = 0;
  // Anew, not by subtraction: what rounding left of the arm would stay for good.
  total_weight_ = detail::sum_of(weight_);
  return Errc::ok;
}

Result<void> ArmMeans::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (!in_domain(prior.mean)) {
    return fail(Errc::invalid_argument, "prior mean = " + number_text(prior.mean) + " is outside " +
                                            (domain_ == RewardDomain::unit ? "[0, 1]" : "[0, infinity)"));
  }
  if (learn(to_index(arm), prior.mean, prior.weight) != Errc::ok) {
    return fail(Errc::non_finite, "the arm's mean or the sum of weights would overflow");
  }
  return {};
}

Errc ArmMeans::forget(ArmIndex arm, double keep) noexcept {
  const Errc verdict = detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    weight_[slot] *= keep;
    squares_[slot] *= keep;
    if (weight_[slot] < detail::kLeastWeight) {
      clear(slot);
    }
  });
  if (verdict == Errc::ok) {
    total_weight_ = detail::sum_of(weight_);
  }
  return verdict;
}

double ArmMeans::expectation(ArmIndex arm) const noexcept {
  return arms_.contains(arm) && weight_[to_index(arm)] > 0.0 ? mean_[to_index(arm)]
                                                             : std::numeric_limits<double>::quiet_NaN();
}

void ArmMeans::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  writer.numbers(mean_);
  writer.numbers(weight_);
  writer.numbers(squares_);
  writer.numbers(pending_);
  writer.f64(total_weight_);
}

bool ArmMeans::load(Reader& reader, const char*& problem) {
  ArmMeans loaded({.arms = 0, .features = features_, .sparse = sparse_}, domain_, first_mean_);
  loaded.updates_ = reader.u64();
  loaded.arms_.load(reader);
  const std::size_t count = loaded.count();
  loaded.mean_ = reader.exactly<double>(count);
  loaded.weight_ = reader.exactly<double>(count);
  loaded.squares_ = reader.exactly<double>(count);
  loaded.pending_ = reader.exactly<std::uint32_t>(count);
  loaded.total_weight_ = reader.finite();
  if (!reader.ok()) {
    problem = "the state is cut short or its lengths disagree";
    return false;
  }
  if (!all_finite(loaded.mean_) || !detail::all_weights(loaded.weight_) ||
      !detail::all_weights(loaded.squares_) || !detail::plausible_sum(loaded.total_weight_, loaded.weight_)) {
    problem = "a mean is not finite, a weight or sum is negative, or the weights' sum is wrong";
    return false;
  }
  for (std::size_t arm = 0; arm < count; ++arm) {
    loaded.pending_total_ += loaded.pending_[arm];
    if (loaded.weight_[arm] == 0.0) {
      loaded.clear(arm);
    } else if (!in_domain(loaded.mean_[arm])) {
      problem = "a mean is outside the range of rewards";
      return false;
    }
  }
  *this = std::move(loaded);
  return true;
}

}  // namespace attune
