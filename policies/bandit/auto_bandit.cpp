// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/auto_bandit.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <attune/core/sampling.hpp>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/bandit/linear_scores.hpp"

namespace attune {

static_assert(check_bandit<AutoBandit>() && Forgets<AutoBandit> && Expects<AutoBandit>);

namespace {

constexpr double kMostReward = RewardModel::kMaxError;
constexpr double kMostWeight = 1e75;
constexpr double kLeastShare = 0.01;  // models of less weight are not asked
// Of the means, before any reward, to that of a model: they are there for contexts that say nothing.
constexpr double kShareOfMeans = 1.0 / 64;

}  // namespace

// Mean and variance together, as sums of weights and squares: West (1979), CACM 22(9).
void AutoBandit::Moments::add(double value, double value_weight) noexcept {
  weight += value_weight;
  const double before = value - mean;
  mean += before * (value_weight / weight);
  squares += value_weight * before * (value - mean);
}

AutoBandit::Mean AutoBandit::mean_of(std::size_t arm) const noexcept {
  const Moments& own = rewards_[arm];
  const double variance = 1.0 / (1.0 + own.weight);
  return {own.weight * variance * (own.mean - base_), variance};
}

// Contexts of more numbers than the models see are folded by signed hashing (Weinberger et al. 2009,
// "Feature Hashing for Large Scale Multitask Learning", ICML).
void AutoBandit::scale(Features context, std::span<double> z) const noexcept {
  if (z.size() == features_) {
    for (std::size_t i = 0; i < features_; ++i) {
      z[i] = scaling_.scaled(context, i);
    }
    return;
  }
  std::ranges::fill(z, 0.0);
  const double shrink = std::sqrt(static_cast<double>(z.size()) / static_cast<double>(features_));
  for (std::size_t i = 0; i < features_; ++i) {
    const std::uint64_t hash = mix64(i);
    const double value = shrink * scaling_.scaled(context, i);
    z[static_cast<std::size_t>((hash >> 1U) % z.size())] += (hash & 1U) != 0 ? value : -value;
  }
}

// phi of every model that is asked.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
struct AutoBandit::Mapped {
  std::array<double, RewardModel::kMaxInputs> z;
  std::array<std::array<double, RewardModel::kMaxDimension>, kMaxModels> phi;
};

void AutoBandit::map(Features context, Mapped& mapped) const noexcept {
  const std::span<double> z = std::span(mapped.z).first(sizes_.inputs);
  scale(context, z);
  for (std::size_t c = 0; c < models_.size(); ++c) {
    if (weights_[c + 1] >= kLeastShare) {
      models_[c].map(z, std::span(mapped.phi[c]).first(models_[c].length()));
    }
  }
}

// Mean of reward - base_ and width of its bound for the arms `which`, at most a batch of them.
void AutoBandit::score(const Mapped& mapped, std::span<const std::uint32_t> which, double* mean,
                       double* bonus) const noexcept {
  for (std::size_t i = 0; i < which.size(); ++i) {
    const Mean own = mean_of(which[i]);
    mean[i] = weights_[0] * own.mean;
    bonus[i] = weights_[0] * std::sqrt(own.variance);
  }
  std::array<double, detail::LinearBatch::kSize> means;      // NOLINT: written by scores()
  std::array<double, detail::LinearBatch::kSize> variances;  // NOLINT: written by scores()
  for (std::size_t c = 0; c < models_.size(); ++c) {
    const double weight = weights_[c + 1];
    if (weight < kLeastShare) {
      continue;
    }
    models_[c].scores(std::span(mapped.phi[c]).first(models_[c].length()), which, means.data(),
                      variances.data());
    for (std::size_t i = 0; i < which.size(); ++i) {
      mean[i] += weight * means[i];
      bonus[i] += weight * std::sqrt(variances[i]);
    }
  }
  for (std::size_t i = 0; i < which.size(); ++i) {
    bonus[i] *= config_.alpha * deviation_;
  }
}

Choice AutoBandit::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = check_input(context.input, features_, false); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  if (features_ == 0) {
    return select_without_context(context, rng);
  }
  Mapped mapped;  // NOLINT(cppcoreguidelines-pro-type-member-init): map() writes what is read
  map(context.input.dense, mapped);
  detail::LinearArgMax best(rng);
  detail::LinearBatch batch;
  std::size_t place = 0;
  const auto flush = [&] {
    score(mapped, batch.arms(), batch.mean.data(), batch.variance.data());
    for (std::size_t i = 0; i < batch.count; ++i) {
      best.offer(place++, batch.arm[i], batch.mean[i] + batch.variance[i], batch.mean[i]);
    }
    batch.count = 0;
  };
  arms_.for_each(context, [&](std::size_t arm) {
    batch.arm[batch.count++] = static_cast<std::uint32_t>(arm);
    if (batch.count == detail::LinearBatch::kSize) {
      flush();
    }
  });
  flush();
  Choice choice = detail::with_times_offered(best.choice(), context);
  choice.score += base_;
  return choice;
}

Choice AutoBandit::select_without_context(const Context& context, Rng& rng) const noexcept {
  const auto beta_draw = [&](std::size_t arm) {
    const Moments& own = rewards_[arm];
    const double successes = std::clamp(own.mean, 0.0, 1.0) * own.weight;
    return sample_beta(rng, 1.0 + successes, 1.0 + (own.weight - successes));
  };
  const double variance = all_.weight > 0.0 ? all_.squares / all_.weight : 1.0;
  const auto normal_draw = [&](std::size_t arm) {
    const Moments& own = rewards_[arm];
    const double count = 1.0 + own.weight;
    const double share = own.weight / count;
    const double apart = own.mean - all_.mean;
    const double shape = 1.0 + (own.weight / 2.0);
    const double scale = variance + (own.squares / 2.0) + (share * apart * apart / 2.0);
    const double normal = sample_normal(rng);
    const double chi_squared = sample_chi_squared(rng, 2.0 * shape);
    // Student's t of 2 shape degrees of freedom, times sqrt(scale / (shape count)).
    return all_.mean + (share * apart) + (normal * std::sqrt(2.0 * scale / (count * chi_squared)));
  };
  const auto mean = [&](std::size_t arm) {
    const Moments& own = rewards_[arm];
    return binary_ ? (1.0 + (own.weight * own.mean)) / (2.0 + own.weight)
                   : all_.mean + (own.weight / (1.0 + own.weight) * (own.mean - all_.mean));
  };
  return binary_ ? detail::choose_by_draws(arms_, context, rng, beta_draw, mean)
                 : detail::choose_by_draws(arms_, context, rng, normal_draw, mean);
}

Errc AutoBandit::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  if (const Errc verdict = check_input(feedback.input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  if (std::abs(feedback.reward) > kMostReward || feedback.weight > kMostWeight) {
    return Errc::non_finite;
  }
  if (feedback.weight < detail::kLeastWeight) {
    ++updates_;
    return Errc::ok;
  }
  const Features context = feedback.input.dense;
  const std::size_t arm = to_index(feedback.arm);
  if (!scaling_.can_note(context)) {
    return Errc::non_finite;
  }
  scale(context, z_);
  for (RewardModel& model : models_) {
    const Errc verdict = model.prepare(arm, z_, feedback.reward - base_, feedback.weight);
    if (verdict != Errc::ok) {
      return verdict;  // nothing is changed yet
    }
  }
  for (RewardModel& model : models_) {
    model.note_error();
  }
  const double error = std::clamp(feedback.reward - base_ - mean_of(arm).mean, -kMostReward, kMostReward);
  errors_[arm] += feedback.weight * error * error;
  counts_[arm] += feedback.weight;
  rewards_[arm].add(feedback.reward, feedback.weight);
  all_.add(feedback.reward, feedback.weight);
  binary_ = binary_ && (feedback.reward == 0.0 || feedback.reward == 1.0);
  ++updates_;
  if (features_ > 0) {
    scaling_.note(context);
    keep(context, {static_cast<std::uint32_t>(arm), feedback.reward, feedback.weight});
    weigh();
  }
  return Errc::ok;
}

// Learns the reward that is prepared, or, when the scale is taken anew, all that are kept.
void AutoBandit::keep(Features context, const Kept& kept) noexcept {
  const bool room = kept_count_ < kept_.size();
  if (room) {
    kept_[kept_count_] = kept;
    std::ranges::copy(context, contexts_.begin() + static_cast<std::ptrdiff_t>(kept_count_ * features_));
    ++kept_count_;
  }
  if (room && kept_count_ == next_) {
    learn_again();
    return;
  }
  for (RewardModel& model : models_) {
    model.commit();
  }
  if (next_ > kFirstReplay) {
    scaling_.widen(context);
  }
}

void AutoBandit::learn_again() noexcept {
  const std::uint64_t later = next_ + std::max<std::uint64_t>(1, next_ / 2);
  next_ = next_ < kept_.size() ? std::min<std::uint64_t>(later, kept_.size()) : later;
  scaling_.adopt();
  base_ = all_.mean;
  const auto context = [&](std::size_t i) { return Features(contexts_).subspan(i * features_, features_); };
  for (RewardModel& model : models_) {
    model.clear();
    const std::size_t centres = std::min<std::size_t>(model.centres(), kept_count_);
    for (std::size_t c = 0; c < centres; ++c) {
      scale(context(c * kept_count_ / centres), z_);
      model.set_centre(c, z_);
    }
    for (std::size_t arm = 0; arm < arms_.count(); ++arm) {
      if (priors_[arm].weight > 0.0) {
        model.learn_prior(arm, priors_[arm].mean - base_, priors_[arm].weight);
      }
    }
    for (std::size_t i = 0; i < kept_count_; ++i) {
      const Kept& kept = kept_[i];
      scale(context(i), z_);
      // A reward is left out only where it would end beyond the finite numbers.
      if (kept.weight > 0.0 && model.prepare(kept.arm, z_, kept.reward - base_, kept.weight) == Errc::ok) {
        model.commit();
      }
    }
  }
}

// Weights of the models from their errors, and the deviation of the rewards from the predictions.
void AutoBandit::weigh() noexcept {
  std::array<double, kMaxModels + 1> average{};  // over rewards of an arm, then over arms
  std::array<double, kMaxModels + 1> total{};
  const std::size_t count = models_.size() + 1;
  double tried = 0.0;
  double rewards = 0.0;
  for (std::size_t arm = 0; arm < arms_.count(); ++arm) {
    if (counts_[arm] <= 0.0) {
      continue;
    }
    tried += 1.0;
    rewards += counts_[arm];
    for (std::size_t c = 0; c < count; ++c) {
      const double error = c == 0 ? errors_[arm] : models_[c - 1].error(arm);
      average[c] += error / counts_[arm];
      total[c] += error;
    }
  }
  std::ranges::fill(weights_, 1.0 / (static_cast<double>(count - 1) + kShareOfMeans));
  weights_[0] *= kShareOfMeans;
  deviation_ = 1.0;
  if (tried == 0.0) {
    return;
  }
  const double least =
      *std::min_element(average.begin(), average.begin() + static_cast<std::ptrdiff_t>(count));
  double sum = 0.0;
  for (std::size_t c = 0; c < count; ++c) {
    const double behind =
        average[c] > least ? config_.sharpness * rewards * ((average[c] - least) / least) : 0.0;
    weights_[c] *= behind < 700.0 ? detail::portable_exp(-behind) : 0.0;  // not of NaN
    sum += weights_[c];
  }
  for (double& weight : weights_) {
    weight /= sum;
  }
  deviation_ = std::sqrt(
      *std::min_element(total.begin(), total.begin() + static_cast<std::ptrdiff_t>(count)) / rewards);
}

double AutoBandit::expectation(ArmIndex arm, const Input& input, Features /*action*/) const noexcept {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (!arms_.contains(arm) || check_input(input, features_, false) != Errc::ok) {
    return kUnknown;
  }
  if (features_ == 0) {
    return rewards_[to_index(arm)].weight > 0.0 ? rewards_[to_index(arm)].mean : kUnknown;
  }
  Mapped mapped;  // NOLINT(cppcoreguidelines-pro-type-member-init): map() writes what is read
  map(input.dense, mapped);
  const std::array<std::uint32_t, 1> only{static_cast<std::uint32_t>(arm)};
  double mean = 0.0;
  double bonus = 0.0;
  score(mapped, only, &mean, &bonus);
  return base_ + mean;
}

}  // namespace attune
