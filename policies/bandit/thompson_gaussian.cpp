// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/thompson_gaussian.hpp>

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include <attune/core/sampling.hpp>

#include "policies/bandit/choosing.hpp"

namespace attune {
namespace {

// Between these bounds no draw overflows.
constexpr double kLargestScale = 1e200;
constexpr double kLargestMean = 1e300;
constexpr double kSmallestVariate = 1e-100;

}  // namespace

static_assert(check_bandit<ThompsonGaussian>());
static_assert(DrawsScores<ThompsonGaussian>);
static_assert(std::is_trivially_copyable_v<ThompsonGaussian::Posterior> &&
                  sizeof(ThompsonGaussian::Posterior) == 4 * sizeof(double),
              "it is stored as four doubles");

ThompsonGaussian::ThompsonGaussian(const Config& config, const Shape& shape)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      arms_(shape.arms),
      posterior_(shape.arms, prior()) {}

Result<ThompsonGaussian> ThompsonGaussian::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = detail::check_options(config, shape); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return ThompsonGaussian(config, shape);
}

ThompsonGaussian::Posterior ThompsonGaussian::prior() const noexcept {
  return {.mean = config_.prior_mean,
          .weight = config_.prior_weight,
          .shape = config_.prior_shape,
          .scale = config_.prior_scale};
}

bool ThompsonGaussian::valid(const Posterior& posterior) const noexcept {
  constexpr double kMax = std::numeric_limits<double>::max();
  return std::abs(posterior.mean) <= kLargestMean && posterior.weight >= config_.prior_weight &&
         posterior.weight <= kMax && posterior.shape >= config_.prior_shape && posterior.shape <= kMax &&
         posterior.scale >= config_.prior_scale && posterior.scale <= kLargestScale;  // NaN is none of these
}

Choice ThompsonGaussian::select(const Context& context, Rng& rng) const noexcept {
  if (const Errc verdict = detail::check_context(context, features_, sparse_); verdict != Errc::ok) {
    return Choice::refused(verdict);
  }
  return detail::choose_by_draws(
      arms_, context, rng,
      [&](std::size_t arm) {
        const Posterior& p = posterior_[arm];
        // variance = scale / Gamma(shape, 1), and a gamma variate is half a chi-squared one of 2 shape
        // degrees. The bound keeps an underflowed variate of a tiny shape from making the draw infinite.
        const double chi = std::max(sample_chi_squared(rng, 2.0 * p.shape), kSmallestVariate);
        const double normal = sample_normal(rng);
        return p.mean + normal * std::sqrt(2.0 * p.scale / p.weight / chi);
      },
      [this](std::size_t arm) { return posterior_[arm].mean; });
}

Errc ThompsonGaussian::update(const Feedback& feedback) noexcept {
  if (const Errc verdict = detail::check_feedback(feedback, arms_); verdict != Errc::ok) {
    return verdict;
  }
  Posterior& old = posterior_[to_index(feedback.arm)];
  const double w = feedback.weight;
  const double weight = old.weight + w;
  const double deviation = feedback.reward - old.mean;
  const double share = w / weight;
  const Posterior updated{.mean = old.mean + share * deviation,
                          .weight = weight,
                          .shape = old.shape + 0.5 * w,
                          .scale = old.scale + 0.5 * old.weight * share * deviation * deviation};
  if (!valid(updated)) {
    return Errc::non_finite;
  }
  old = updated;
  ++updates_;
  return Errc::ok;
}

Result<ArmIndex> ThompsonGaussian::add_arm() {
  detail::make_room(posterior_, arm_count() + 1);
  Result<ArmIndex> added = arms_.add();
  if (added) {
    posterior_.push_back(prior());
  }
  return added;
}

Errc ThompsonGaussian::reset_arm(ArmIndex arm) noexcept {
  if (!arms_.contains(arm)) {
    return Errc::unknown_arm;
  }
  posterior_[to_index(arm)] = prior();
  return Errc::ok;
}

// The likelihood to the power `keep`: n, and the sum of squares about the mean of the rewards, are multiplied
// by it; that mean stays. What the update has put into `scale` for the distance of the two means is taken out
// and put in anew.
Errc ThompsonGaussian::forget(ArmIndex arm, double keep) noexcept {
  const Posterior origin = prior();
  return detail::forget_arms(arms_, arm, keep, [&](std::size_t slot) {
    const Posterior& old = posterior_[slot];
    const double count = old.weight - origin.weight;
    if (count <= 0.0 || keep == 0.0) {
      posterior_[slot] = origin;
      return;
    }
    const double mean = origin.mean + (old.mean - origin.mean) * (old.weight / count);
    const double apart = 0.5 * origin.weight * (mean - origin.mean) * (mean - origin.mean);
    const double squares = std::max(old.scale - origin.scale - apart * (count / old.weight), 0.0);
    const double kept = keep * count;
    const double weight = origin.weight + kept;
    const Posterior updated{.mean = origin.mean + (mean - origin.mean) * (kept / weight),
                            .weight = weight,
                            .shape = origin.shape + keep * (old.shape - origin.shape),
                            .scale = origin.scale + keep * squares + apart * (kept / weight)};
    posterior_[slot] = valid(updated) ? updated : origin;
  });
}

double ThompsonGaussian::expectation(ArmIndex arm, const Input& /*input*/,
                                     Features /*action*/) const noexcept {
  return arms_.contains(arm) ? posterior_[to_index(arm)].mean : std::numeric_limits<double>::quiet_NaN();
}

ScoreLaw ThompsonGaussian::score_law(ArmIndex arm, const Input& input, Features /*action*/) const noexcept {
  if (!arms_.contains(arm) || detail::check_context({.input = input}, features_, sparse_) != Errc::ok) {
    return {};
  }
  const Posterior& p = posterior_[to_index(arm)];
  return ScoreLaw::student_t(p.mean, std::sqrt(p.scale / p.shape / p.weight), 2.0 * p.shape);
}

Result<void> ThompsonGaussian::warm_start(ArmIndex arm, const ArmPrior& prior) {
  if (Result<void> verdict = detail::check_prior(arm, prior, arms_); !verdict) {
    return verdict;
  }
  Posterior updated = posterior_[to_index(arm)];
  updated.weight += prior.weight;
  updated.mean += prior.weight / updated.weight * (prior.mean - updated.mean);
  if (!valid(updated)) {
    return fail(Errc::non_finite, "the arm's mean or its weight would overflow");
  }
  posterior_[to_index(arm)] = updated;
  return {};
}

void ThompsonGaussian::save(Writer& writer) const {
  writer.u64(updates_);
  arms_.save(writer);
  writer.numbers(posterior_);
}

Result<void> ThompsonGaussian::load(Reader& reader) {
  ThompsonGaussian loaded(config_, Shape{.arms = 0, .features = features_, .sparse = sparse_});
  loaded.updates_ = reader.u64();
  loaded.arms_.load(reader);
  loaded.posterior_ = reader.exactly<Posterior>(loaded.arm_count());
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short or its lengths disagree");
  }
  if (!std::ranges::all_of(loaded.posterior_, [this](const Posterior& p) { return valid(p); })) {
    return detail::corrupt(kName, "a posterior is not finite, or less certain than the prior");
  }
  *this = std::move(loaded);
  return {};
}

Description ThompsonGaussian::describe() const {
  Description text;
  text.summary = "Thompson sampling (Gaussian) over " + std::to_string(arm_count()) + " arms after " +
                 std::to_string(updates_) + " rewards";
  text.values = {{"prior_mean", config_.prior_mean},
                 {"prior_weight", config_.prior_weight},
                 {"prior_shape", config_.prior_shape},
                 {"prior_scale", config_.prior_scale},
                 {"updates", static_cast<double>(updates_)}};
  text.columns = {"enabled", "mean", "weight", "shape", "scale"};
  text.rows.reserve(arm_count());
  for (std::size_t arm = 0; arm < arm_count(); ++arm) {
    const Posterior& p = posterior_[arm];
    text.rows.push_back({arms_.enabled(to_arm(arm)) ? 1.0 : 0.0, p.mean, p.weight, p.shape, p.scale});
  }
  return text;
}

}  // namespace attune
