// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/ucb1.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/bandit/lane_scan.hpp"

namespace attune {
using detail::kInfinity;

static_assert(check_bandit<Ucb1>() && ExplicitBandit<Ucb1> && CountsPending<Ucb1>);

Ucb1::Ucb1(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      arms_(shape.arms),
      weight_(shape.arms, 0.0),
      pending_(shape.arms, 0),
      mean_(shape.arms, config.optimistic_mean) {
  refresh_all();
}

Result<Ucb1> Ucb1::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Ucb1(config, shape);
}

double Ucb1::index_of(std::size_t arm) const noexcept {
  return scale_[arm] < kInfinity ? mean_[arm] + scale_[arm] * width_ : kInfinity;
}

Choice Ucb1::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  if (context.offered.empty() && untried_ == 0 && arms_.all_enabled()) {
    const detail::ScanTop top = detail::scan_bounds(mean_.data(), scale_.data(), mean_.size(), width_);
    if (top.ties == 1) {
      return {.arm = to_arm(top.arm),
              .propensity = 1.0,
              .score = top.score,
              .greedy = weight_[top.arm] > 0.0 && mean_[top.arm] == top.mean,
              .status = Errc::ok};
    }
  }
  return select_among(context, rng);
}

// Apart and not inlined, so that the common path above saves no registers for it.
[[gnu::noinline]] Choice Ucb1::select_among(const Context& context, Rng& rng) const noexcept {
  const auto index = [this](std::size_t arm) { return index_of(arm); };
  double largest_mean = -kInfinity;
  const detail::Top top = detail::find_top(arms_, context, [&](std::size_t arm) {
    largest_mean = std::max(largest_mean, mean_[arm]);
    return index_of(arm);
  });
  if (top.eligible == 0) {
    return Choice::refused(Errc::no_arm);
  }
  const std::size_t arm = detail::break_tie(arms_, context, index, top, rng);
  return {.arm = to_arm(arm),
          .propensity = detail::times_offered(context, arm) / static_cast<double>(top.ties),
          .score = top.value,
          .greedy = weight_[arm] > 0.0 && mean_[arm] == largest_mean,
          .status = Errc::ok};
}

Errc Ucb1::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  return detail::share_among_best(arms_, context, [this](std::size_t arm) { return index_of(arm); }, out);
}

Errc Ucb1::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  const std::size_t arm = to_index(feedback.arm);
  const double before = weight_[arm] + pending_[arm];
  if (const Errc verdict = learn(arm, feedback.reward, feedback.weight); verdict != Errc::ok) {
    return verdict;
  }
  ++updates_;
  if (feedback.announced && pending_[arm] > 0) {
    --pending_[arm];
    --pending_total_;
  }
  // An announced reward of weight 1 takes the place of its pull: nothing derived from the counts changes.
  if (const double now = weight_[arm] + pending_[arm]; now != before) {
    refresh_arm(arm, before);
  }
  refresh_width();
  return Errc::ok;
}

Errc Ucb1::learn(std::size_t arm, double reward, double weight) noexcept {
  if (weight == 0.0) {
    return Errc::ok;
  }
  const double total = total_weight_ + weight;
  const double share = weight == 1.0 ? next_share_[arm] : weight / (weight_[arm] + weight);
  if (!std::isfinite(total) || !detail::add_to_mean(mean_[arm], weight_[arm], reward, weight, share)) {
    return Errc::non_finite;
  }
  total_weight_ = total;
  next_share_[arm] = 1.0 / (weight_[arm] + 1.0);
  return Errc::ok;
}

Errc Ucb1::note_pull(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  std::uint32_t& pending = pending_[to_index(arm)];
  if (pending == std::numeric_limits<std::uint32_t>::max()) {
    return Errc::full;
  }
  const double before = weight_[to_index(arm)] + pending;
  ++pending;
  ++pending_total_;
  refresh_arm(to_index(arm), before);
  refresh_width();
  return Errc::ok;
}

Errc Ucb1::note_lost(ArmIndex arm) noexcept {
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
  refresh_width();
  return Errc::ok;
}

void Ucb1::refresh_arm(std::size_t arm, double before) noexcept {
  const double counted = weight_[arm] + pending_[arm];
  const bool was_untried = scale_[arm] == kInfinity;
  if (counted == before + 1.0) {
    scale_[arm] = next_scale_[arm];
  } else {
    scale_[arm] = counted > 0.0 ? 1.0 / std::sqrt(counted) : kInfinity;
  }
  next_scale_[arm] = 1.0 / std::sqrt(counted + 1.0);
  const bool untried = scale_[arm] == kInfinity;
  untried_ = untried_ + static_cast<std::size_t>(untried) - static_cast<std::size_t>(was_untried);
}

void Ucb1::refresh_width() noexcept {
  const double counted = total_weight_ + static_cast<double>(pending_total_);
  if (counted != counted_) {
    // Most often t grows by one. The width for t + 1 is made one step ahead, so that the next select does not
    // wait for the logarithm.
    width_ = counted == counted_ + 1.0 ? next_width_ : width_at(counted);
    next_width_ = width_at(counted + 1.0);
    counted_ = counted;
  }
}

double Ucb1::width_at(double counted) const noexcept {
  return config_.exploration * std::sqrt(detail::portable_log(std::max(1.0, counted)));
}

void Ucb1::refresh_all() {
  const std::size_t count = arm_count();
  detail::pad(mean_, count, -kInfinity);
  scale_.assign(count, kInfinity);
  detail::pad(scale_, count, 0.0);
  next_scale_.assign(count, 0.0);
  next_share_.assign(count, 0.0);
  untried_ = count;
  pending_total_ = 0;
  for (std::size_t arm = 0; arm < count; ++arm) {
    pending_total_ += pending_[arm];
    refresh_arm(arm);
    next_share_[arm] = 1.0 / (weight_[arm] + 1.0);
  }
  counted_ = total_weight_ + static_cast<double>(pending_total_);
  width_ = width_at(counted_);
  next_width_ = width_at(counted_ + 1.0);
}

Result<ArmIndex> Ucb1::add_arm() {
  const std::size_t count = arm_count() + 1;
  detail::make_room(weight_, count);
  detail::make_room(pending_, count);
  detail::make_room(mean_, detail::padded(count));
  detail::make_room(scale_, detail::padded(count));
  detail::make_room(next_scale_, count);
  detail::make_room(next_share_, count);
  Result<ArmIndex> added = arms_.add();
  if (added) {
    weight_.push_back(0.0);
    pending_.push_back(0);
    mean_.resize(count - 1);
    mean_.push_back(config_.optimistic_mean);
    detail::pad(mean_, count, -kInfinity);
    scale_.resize(count - 1);
    scale_.push_back(kInfinity);
    detail::pad(scale_, count, 0.0);
    next_scale_.push_back(1.0);
    next_share_.push_back(1.0);
    ++untried_;
  }
  return added;
}

Errc Ucb1::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  pending_total_ -= pending_[slot];
  pending_[slot] = 0;
  weight_[slot] = 0.0;
  next_share_[slot] = 1.0;
  mean_[slot] = config_.optimistic_mean;
  // Anew, not by subtraction: what rounding left of the arm would stay for good.
  total_weight_ = detail::sum_of(weight_);
  refresh_arm(slot);
  refresh_width();
  return Errc::ok;
}

Errc Ucb1::forget(ArmIndex arm, double keep) noexcept {
  const Errc verdict = detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    weight_[slot] *= keep;
    if (weight_[slot] < detail::kLeastWeight) {
      weight_[slot] = 0.0;
      mean_[slot] = config_.optimistic_mean;
    }
    next_share_[slot] = 1.0 / (weight_[slot] + 1.0);
    refresh_arm(slot);
  });
  if (verdict == Errc::ok) {
    total_weight_ = detail::sum_of(weight_);
    refresh_width();
  }
  return verdict;
}

double Ucb1::expectation(ArmIndex arm, const Input& /*input*/, Features /*action*/) const noexcept {
  return arms_.contains(arm) && weight_[to_index(arm)] > 0.0 ? mean_[to_index(arm)]
                                                             : std::numeric_limits<double>::quiet_NaN();
}

Result<void> Ucb1::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  if (learn(to_index(arm), prior.mean, prior.weight) != Errc::ok) {
    return fail(Errc::non_finite, "the arm's mean or the sum of weights would overflow");
  }
  refresh_arm(to_index(arm));
  refresh_width();
  return {};
}

void Ucb1::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  writer.numbers(std::span(mean_).first(arm_count()));
  writer.numbers(weight_);
  writer.numbers(pending_);
  writer.f64(total_weight_);
}

Result<void> Ucb1::load(Reader& reader) {
  Ucb1 loaded(config_, Shape{.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  loaded.arms_.load(reader);
  const std::size_t count = loaded.arm_count();
  loaded.mean_ = reader.exactly<double>(count);
  loaded.weight_ = reader.exactly<double>(count);
  loaded.pending_ = reader.exactly<std::uint32_t>(count);
  loaded.total_weight_ = reader.finite();
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  if (!all_finite(loaded.mean_) || !detail::all_weights(loaded.weight_) ||
      !detail::plausible_sum(loaded.total_weight_, loaded.weight_)) {
    return detail::corrupt(kName, "a mean is not finite, a weight is negative, or the weights' sum is wrong");
  }
  for (std::size_t arm = 0; arm < count; ++arm) {
    if (loaded.weight_[arm] == 0.0) {
      loaded.mean_[arm] = config_.optimistic_mean;
    }
  }
  loaded.refresh_all();
  *this = std::move(loaded);
  return {};
}

Description Ucb1::describe() const {
  Description text;
  text.summary =
      "UCB1 over " + std::to_string(arm_count()) + " arms after " + std::to_string(updates_) + " rewards";
  text.values = {{"exploration", config_.exploration},
                 {"optimistic_mean", config_.optimistic_mean},
                 {"updates", static_cast<double>(updates_)},
                 {"pending", static_cast<double>(pending_total_)}};
  text.columns = {"enabled", "mean", "weight", "pending", "index"};
  text.rows.reserve(arm_count());
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, mean_[arm], weight_[arm],
                         static_cast<double>(pending_[arm]), index_of(arm)});
  }
  return text;
}

}  // namespace attune
