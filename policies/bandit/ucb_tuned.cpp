// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb_tuned.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {

using detail::kInfinity;

namespace {

constexpr double kLargestVariance = 0.25;  // of a variable in [0, 1]

}  // namespace

static_assert(check_bandit<UcbTuned>() && ExplicitBandit<UcbTuned> && CountsPending<UcbTuned>);

UcbTuned::UcbTuned(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      arms_(shape.arms),
      mean_(shape.arms, config.optimistic_mean),
      weight_(shape.arms, 0.0),
      squares_(shape.arms, 0.0),
      pending_(shape.arms, 0),
      inverse_(shape.arms, kInfinity),
      variance_(shape.arms, kLargestVariance) {}

Result<UcbTuned> UcbTuned::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return UcbTuned(config, shape);
}

double UcbTuned::index_of(std::size_t arm) const noexcept {
  if (inverse_[arm] == kInfinity) {
    return kInfinity;
  }
  const double rate = log_ * inverse_[arm];
  const double bound = std::min(kLargestVariance, variance_[arm] + std::sqrt(2.0 * rate));
  return mean_[arm] + config_.reward_range * std::sqrt(rate * bound);
}

Choice UcbTuned::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  double largest_mean = -kInfinity;
  const detail::Top top = detail::find_top(arms_, context, [&](std::size_t arm) {
    largest_mean = std::max(largest_mean, mean_[arm]);
    return index_of(arm);
  });
  if (top.eligible == 0) {
    return Choice::refused(Errc::no_arm);
  }
  const auto index = [this](std::size_t arm) { return index_of(arm); };
  const std::size_t arm = detail::break_tie(arms_, context, index, top, rng);
  return {.arm = to_arm(arm),
          .propensity = detail::times_offered(context, arm) / static_cast<double>(top.ties),
          .score = top.value,
          .greedy = weight_[arm] > 0.0 && mean_[arm] == largest_mean,
          .status = Errc::ok};
}

Errc UcbTuned::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  return detail::share_among_best(arms_, context, [this](std::size_t arm) { return index_of(arm); }, out);
}

Errc UcbTuned::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
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
  refresh_arm(arm);
  refresh_total();
  return Errc::ok;
}

Errc UcbTuned::learn(std::size_t arm, double reward, double weight) noexcept {
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
  mean_[arm] = mean;
  weight_[arm] = sum;
  squares_[arm] = squares;
  total_weight_ = total;
  return Errc::ok;
}

Errc UcbTuned::note_pull(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  std::uint32_t& pending = pending_[to_index(arm)];
  if (pending == std::numeric_limits<std::uint32_t>::max()) {
    return Errc::full;
  }
  ++pending;
  ++pending_total_;
  refresh_arm(to_index(arm));
  refresh_total();
  return Errc::ok;
}

Errc UcbTuned::note_lost(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  std::uint32_t& pending = pending_[to_index(arm)];
  if (pending == 0) {
    return Errc::invalid_argument;
  }
  --pending;
  --pending_total_;
  refresh_arm(to_index(arm));
  refresh_total();
  return Errc::ok;
}

void UcbTuned::refresh_arm(std::size_t arm) noexcept {
  const double counted = weight_[arm] + pending_[arm];
  inverse_[arm] = 1.0 / counted;  // +infinity for 0
  const double squared_range = config_.reward_range * config_.reward_range;
  variance_[arm] = weight_[arm] > 0.0 ? squares_[arm] / weight_[arm] / squared_range : kLargestVariance;
}

void UcbTuned::refresh_total() noexcept {
  const double counted = total_weight_ + static_cast<double>(pending_total_);
  if (counted != counted_) {
    counted_ = counted;
    log_ = detail::portable_log(std::max(1.0, counted));
  }
}

void UcbTuned::refresh_all() noexcept {
  pending_total_ = 0;
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    pending_total_ += pending_[arm];
    refresh_arm(arm);
  }
  refresh_total();
}

Result<ArmIndex> UcbTuned::add_arm() {
  const std::size_t count = arm_count() + 1;
  for (std::vector<double>* numbers : {&mean_, &weight_, &squares_, &inverse_, &variance_}) {
    detail::make_room(*numbers, count);
  }
  detail::make_room(pending_, count);
  Result<ArmIndex> added = arms_.add();
  if (added) {
    mean_.push_back(config_.optimistic_mean);
    weight_.push_back(0.0);
    squares_.push_back(0.0);
    pending_.push_back(0);
    inverse_.push_back(kInfinity);
    variance_.push_back(kLargestVariance);
  }
  return added;
}

Errc UcbTuned::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  pending_[slot] = 0;
  weight_[slot] = 0.0;
  squares_[slot] = 0.0;
  mean_[slot] = config_.optimistic_mean;
  // Anew, not by subtraction: what rounding left of the arm would stay for good.
  total_weight_ = detail::sum_of(weight_);
  refresh_all();
  return Errc::ok;
}

Errc UcbTuned::forget(ArmIndex arm, double keep) noexcept {
  const Errc verdict = detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    weight_[slot] *= keep;
    squares_[slot] *= keep;
    if (weight_[slot] < detail::kLeastWeight) {
      weight_[slot] = 0.0;
      squares_[slot] = 0.0;
      mean_[slot] = config_.optimistic_mean;
    }
  });
  if (verdict == Errc::ok) {
    total_weight_ = detail::sum_of(weight_);
    refresh_all();
  }
  return verdict;
}

double UcbTuned::expectation(ArmIndex arm, const Input& /*input*/, Features /*action*/) const noexcept {
  return arms_.contains(arm) && weight_[to_index(arm)] > 0.0 ? mean_[to_index(arm)]
                                                             : std::numeric_limits<double>::quiet_NaN();
}

Result<void> UcbTuned::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (learn(to_index(arm), prior.mean, prior.weight) != Errc::ok) {
    return fail(Errc::non_finite, "the arm's mean or the sum of weights would overflow");
  }
  refresh_arm(to_index(arm));
  refresh_total();
  return {};
}

void UcbTuned::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  writer.numbers(mean_);
  writer.numbers(weight_);
  writer.numbers(squares_);
  writer.numbers(pending_);
  writer.f64(total_weight_);
}

Result<void> UcbTuned::load(Reader& reader) {
  UcbTuned loaded(config_, Shape{.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  loaded.arms_.load(reader);
  const std::size_t count = loaded.arm_count();
  loaded.mean_ = reader.exactly<double>(count);
  loaded.weight_ = reader.exactly<double>(count);
  loaded.squares_ = reader.exactly<double>(count);
  loaded.pending_ = reader.exactly<std::uint32_t>(count);
  loaded.total_weight_ = reader.finite();
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  if (!all_finite(loaded.mean_) || !detail::all_weights(loaded.weight_) ||
      !detail::all_weights(loaded.squares_) || !detail::plausible_sum(loaded.total_weight_, loaded.weight_)) {
    return detail::corrupt(kName,
                           "a mean is not finite, a weight or sum is negative, or the weights' sum is wrong");
  }
  for (std::size_t arm = 0; arm < count; ++arm) {
    if (loaded.weight_[arm] == 0.0) {
      loaded.mean_[arm] = config_.optimistic_mean;
      loaded.squares_[arm] = 0.0;
    }
  }
  loaded.inverse_.resize(count);
  loaded.variance_.resize(count);
  loaded.refresh_all();
  *this = std::move(loaded);
  return {};
}

Description UcbTuned::describe() const {
  Description text;
  text.summary = "UCB-tuned over " + std::to_string(arm_count()) + " arms after " + std::to_string(updates_) +
                 " rewards";
  text.values = {{"reward_range", config_.reward_range},
                 {"optimistic_mean", config_.optimistic_mean},
                 {"updates", static_cast<double>(updates_)},
                 {"pending", static_cast<double>(pending_total_)}};
  text.columns = {"enabled", "mean", "variance", "weight", "pending", "index"};
  text.rows.reserve(arm_count());
  const double squared_range = config_.reward_range * config_.reward_range;
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, mean_[arm], variance_[arm] * squared_range,
                         weight_[arm], static_cast<double>(pending_[arm]), index_of(arm)});
  }
  return text;
}

}  // namespace attune
