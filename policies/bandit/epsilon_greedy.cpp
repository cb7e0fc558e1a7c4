// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/epsilon_greedy.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/bandit/lane_scan.hpp"

namespace attune {

using detail::kInfinity;

namespace {

constexpr std::uint32_t kMaxCount = std::numeric_limits<std::uint32_t>::max();

/// x^exponent for x >= 1.
double power(double x, double exponent) noexcept {
  return 1.0 / detail::portable_exp(-exponent * detail::portable_log(x));
}

/// A number of pulls from which on the schedule is below its floor for certain: the exact one and some. It
/// saves the two transcendental functions of every later update.
double settling_time(const EpsilonGreedyConfig& config) noexcept {
  if (config.schedule == EpsilonSchedule::constant || config.epsilon == 0.0) {
    return 0.0;
  }
  if (config.epsilon_min == 0.0) {
    return kInfinity;
  }
  const double ratio = config.epsilon / config.epsilon_min;
  const double log_ratio = detail::portable_log(ratio);
  const double exact = config.schedule == EpsilonSchedule::exponential
                           ? log_ratio / config.decay_rate  // +infinity or NaN without decay
                           : config.decay_start * power(ratio, 1.0 / config.exponent);
  return exact < 1e18 ? exact * 1.001 + 2.0 : kInfinity;
}

}  // namespace

static_assert(check_bandit<EpsilonGreedy>() && ExplicitBandit<EpsilonGreedy> && CountsPending<EpsilonGreedy>);

/// The distribution of a choice, but for ties that are still to be broken.
struct EpsilonGreedy::Odds {
  detail::Top top;         ///< of the means
  std::size_t forced = 0;  ///< arms that must be tried first

  /// Of one entry in the list of those that may be chosen.
  [[nodiscard]] double probability(bool is_forced, bool greedy, double epsilon) const noexcept {
    if (forced > 0) {
      return is_forced ? 1.0 / static_cast<double>(forced) : 0.0;
    }
    const double share = greedy ? (1.0 - epsilon) / static_cast<double>(top.ties) : 0.0;
    return share + epsilon / static_cast<double>(top.eligible);
  }
};

EpsilonGreedy::EpsilonGreedy(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      arms_(shape.arms),
      weight_(shape.arms, 0.0),
      trials_(shape.arms, 0),
      pending_(shape.arms, 0),
      mean_(shape.arms, config.initial_mean),
      epsilon_(config.epsilon),
      settled_at_(settling_time(config)) {
  refresh_all();
}

Result<EpsilonGreedy> EpsilonGreedy::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.schedule != EpsilonSchedule::constant && config.epsilon_min > config.epsilon) {
    return fail(Errc::invalid_config, "epsilon_min = " + number_text(config.epsilon_min) +
                                          " is above epsilon = " + number_text(config.epsilon));
  }
  return EpsilonGreedy(config, shape);
}

bool EpsilonGreedy::forced(std::size_t arm) const noexcept {
  return std::uint64_t{trials_[arm]} + pending_[arm] < config_.min_trials;
}

EpsilonGreedy::Odds EpsilonGreedy::odds(const Context& context) const noexcept {
  Odds odds;
  if (context.offered.empty() && forced_ == 0 && arms_.all_enabled()) {
    const detail::ScanTop top = detail::scan_means(mean_.data(), mean_.size());
    odds.top = {.value = top.score, .arm = top.arm, .ties = top.ties, .eligible = arm_count()};
    return odds;
  }
  odds.top = detail::find_top(arms_, context, [&](std::size_t arm) {
    odds.forced += forced(arm) ? 1U : 0U;
    return mean_[arm];
  });
  return odds;
}

Choice EpsilonGreedy::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  const Odds odds = this->odds(context);
  if (odds.top.eligible == 0) {
    return Choice::refused(Errc::no_arm);
  }
  std::size_t arm = 0;
  if (odds.forced > 0) {
    const auto n = static_cast<std::size_t>(rng.below(odds.forced));
    arm = detail::pick(arms_, context, n, [this](std::size_t a) { return forced(a); });
  } else if (rng.uniform() < epsilon_) {
    const auto n = static_cast<std::size_t>(rng.below(odds.top.eligible));
    const bool all = context.offered.empty() && arms_.all_enabled();
    arm = all ? n : detail::pick(arms_, context, n, [](std::size_t /*arm*/) { return true; });
  } else {
    arm = detail::break_tie(arms_, context, [this](std::size_t a) { return mean_[a]; }, odds.top, rng);
  }
  const bool greedy = mean_[arm] == odds.top.value;
  return {.arm = to_arm(arm),
          .propensity = detail::times_offered(context, arm) * odds.probability(true, greedy, epsilon_),
          .score = mean_[arm],
          .greedy = greedy && odds.forced == 0,
          .status = Errc::ok};
}

Errc EpsilonGreedy::probabilities(const Context& context, std::span<double> out) const noexcept {
  if (out.size() != arm_count()) {
    return Errc::dimension_mismatch;
  }
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  const Odds odds = this->odds(context);
  if (odds.top.eligible == 0) {
    return Errc::no_arm;
  }
  std::ranges::fill(out, 0.0);
  arms_.for_each(context, [&](std::size_t arm) { out[arm] += 1.0; });
  for (std::size_t arm = 0; arm < out.size(); ++arm) {
    out[arm] *= odds.probability(forced(arm), mean_[arm] == odds.top.value, epsilon_);
  }
  return Errc::ok;
}

Errc EpsilonGreedy::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  const std::size_t arm = to_index(feedback.arm);
  if (feedback.weight > 0.0 &&
      !detail::add_to_mean(mean_[arm], weight_[arm], feedback.reward, feedback.weight)) {
    return Errc::non_finite;
  }
  const bool before = forced(arm);
  ++updates_;
  trials_[arm] += trials_[arm] < kMaxCount ? 1U : 0U;
  if (feedback.announced && pending_[arm] > 0) {
    --pending_[arm];
    --pending_total_;
  }
  count_forced(arm, before);
  refresh_epsilon();
  return Errc::ok;
}

Errc EpsilonGreedy::note_pull(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  if (pending_[slot] == kMaxCount) {
    return Errc::full;
  }
  const bool before = forced(slot);
  ++pending_[slot];
  ++pending_total_;
  count_forced(slot, before);
  refresh_epsilon();
  return Errc::ok;
}

Errc EpsilonGreedy::note_lost(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  if (pending_[slot] == 0) {
    return Errc::invalid_argument;
  }
  const bool before = forced(slot);
  --pending_[slot];
  --pending_total_;
  count_forced(slot, before);
  refresh_epsilon();
  return Errc::ok;
}

void EpsilonGreedy::count_forced(std::size_t arm, bool before) noexcept {
  forced_ = forced_ + static_cast<std::size_t>(forced(arm)) - static_cast<std::size_t>(before);
}

double EpsilonGreedy::epsilon_at(double pulls) const noexcept {
  if (config_.schedule == EpsilonSchedule::constant) {
    return config_.epsilon;
  }
  if (pulls >= settled_at_) {
    return config_.epsilon_min;
  }
  double factor = 1.0;
  if (config_.schedule == EpsilonSchedule::exponential) {
    factor = detail::portable_exp(-config_.decay_rate * pulls);
  } else if (pulls > config_.decay_start) {
    factor = 1.0 / power(pulls / config_.decay_start, config_.exponent);
  }
  return std::max(config_.epsilon * factor, config_.epsilon_min);
}

void EpsilonGreedy::refresh_epsilon() noexcept {
  epsilon_ = epsilon_at(static_cast<double>(updates_) + static_cast<double>(pending_total_));
}

void EpsilonGreedy::refresh_all() {
  const std::size_t count = arm_count();
  detail::pad(mean_, count, -kInfinity);
  forced_ = 0;
  pending_total_ = 0;
  for (std::size_t arm = 0; arm < count; ++arm) {
    pending_total_ += pending_[arm];
    forced_ += forced(arm) ? 1U : 0U;
  }
  refresh_epsilon();
}

Result<ArmIndex> EpsilonGreedy::add_arm() {
  const std::size_t count = arm_count() + 1;
  detail::make_room(weight_, count);
  detail::make_room(trials_, count);
  detail::make_room(pending_, count);
  detail::make_room(mean_, detail::padded(count));
  Result<ArmIndex> added = arms_.add();
  if (added) {
    weight_.push_back(0.0);
    trials_.push_back(0);
    pending_.push_back(0);
    mean_.resize(count - 1);
    mean_.push_back(config_.initial_mean);
    detail::pad(mean_, count, -kInfinity);
    forced_ += forced(count - 1) ? 1U : 0U;
  }
  return added;
}

Errc EpsilonGreedy::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  const std::size_t slot = to_index(arm);
  const bool before = forced(slot);
  pending_total_ -= pending_[slot];
  pending_[slot] = 0;
  trials_[slot] = 0;
  weight_[slot] = 0.0;
  mean_[slot] = config_.initial_mean;
  count_forced(slot, before);
  refresh_epsilon();
  return Errc::ok;
}

Errc EpsilonGreedy::forget(ArmIndex arm, double keep) noexcept {
  return detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    weight_[slot] *= keep;
    if (weight_[slot] < detail::kLeastWeight) {
      weight_[slot] = 0.0;
      mean_[slot] = config_.initial_mean;
    }
  });
}

double EpsilonGreedy::expectation(ArmIndex arm, const Input& /*input*/, Features /*action*/) const noexcept {
  return arms_.contains(arm) && weight_[to_index(arm)] > 0.0 ? mean_[to_index(arm)]
                                                             : std::numeric_limits<double>::quiet_NaN();
}

Result<void> EpsilonGreedy::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  const std::size_t slot = to_index(arm);
  if (prior.weight > 0.0 && !detail::add_to_mean(mean_[slot], weight_[slot], prior.mean, prior.weight)) {
    return fail(Errc::non_finite, "the arm's mean or its weight would overflow");
  }
  const bool before = forced(slot);
  const double trials =
      std::min(static_cast<double>(trials_[slot]) + std::floor(prior.weight), static_cast<double>(kMaxCount));
  trials_[slot] = static_cast<std::uint32_t>(trials);
  count_forced(slot, before);
  return {};
}

void EpsilonGreedy::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  writer.numbers(std::span(mean_).first(arm_count()));
  writer.numbers(weight_);
  writer.numbers(trials_);
  writer.numbers(pending_);
}

Result<void> EpsilonGreedy::load(Reader& reader) {
  EpsilonGreedy loaded(config_, Shape{.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  loaded.arms_.load(reader);
  const std::size_t count = loaded.arm_count();
  loaded.mean_ = reader.exactly<double>(count);
  loaded.weight_ = reader.exactly<double>(count);
  loaded.trials_ = reader.exactly<std::uint32_t>(count);
  loaded.pending_ = reader.exactly<std::uint32_t>(count);
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  if (!all_finite(loaded.mean_) || !detail::all_weights(loaded.weight_)) {
    return detail::corrupt(kName, "a mean is not finite or a weight is negative");
  }
  for (std::size_t arm = 0; arm < count; ++arm) {
    if (loaded.weight_[arm] == 0.0) {
      loaded.mean_[arm] = config_.initial_mean;
    }
  }
  loaded.refresh_all();
  *this = std::move(loaded);
  return {};
}

Description EpsilonGreedy::describe() const {
  Description text;
  text.summary = "Epsilon-greedy over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates_) + " rewards";
  text.values = {{"epsilon", epsilon_},
                 {"updates", static_cast<double>(updates_)},
                 {"pending", static_cast<double>(pending_total_)},
                 {"arms_to_try", static_cast<double>(forced_)}};
  text.columns = {"enabled", "mean", "weight", "trials", "pending"};
  text.rows.reserve(arm_count());
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, mean_[arm], weight_[arm],
                         static_cast<double>(trials_[arm]), static_cast<double>(pending_[arm])});
  }
  return text;
}

}  // namespace attune
