// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/bayes_linear.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <string>

#include "core/kernels.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/learner/link.hpp"

namespace attune {

static_assert(check_online_learner<BayesLinearLearner>());

namespace {

constexpr double kLargestFeature = 1e20;
constexpr double kLargestTarget = 1e100;
constexpr double kLargestImportance = 1e9;
constexpr std::size_t kMostPadded = 1032;

/// Features, the constant, and zeros up to whole strips.
void write_features(const Input& input, bool sparse, std::size_t features, std::span<double> z) noexcept {
  std::ranges::fill(z, 0.0);
  if (sparse) {
    for (std::size_t k = 0; k < input.sparse.index.size(); ++k) {
      z[input.sparse.index[k]] = std::clamp(input.sparse.value[k], -kLargestFeature, kLargestFeature);
    }
  } else {
    for (std::size_t i = 0; i < features; ++i) {
      z[i] = std::clamp(input.dense[i], -kLargestFeature, kLargestFeature);
    }
  }
  z[features] = 1.0;
}

}  // namespace

BayesLinearLearner::BayesLinearLearner(const Config& config, const Shape& shape, GaussianWeights belief)
    : config_(config),
      features_(shape.features),
      sparse_(shape.sparse),
      belief_(std::move(belief)),
      z_(belief_.padded(), 0.0),
      gain_(belief_.padded(), 0.0) {}

Result<BayesLinearLearner> BayesLinearLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = check_curved_loss(kName, config.loss); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (shape.features > kMaxFeatures) {
    return fail(Errc::invalid_config, "bayes_linear: features = " + std::to_string(shape.features) +
                                          " is above " + std::to_string(kMaxFeatures));
  }
  std::vector<double> prior(shape.features + 1, config.prior_variance);
  prior.back() = config.constant_variance;
  return BayesLinearLearner(config, shape, GaussianWeights(prior));
}

Errc BayesLinearLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  if (const Errc verdict = check_input(input, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  // Written so that NaN is refused.
  if (!(std::abs(target) <= kLargestTarget) || !(std::abs(weight) <= kLargestImportance)) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || (config_.loss == Loss::logistic && (target < 0.0 || target > 1.0))) {
    return Errc::invalid_argument;
  }
  for (const double x : sparse_ ? Features(input.sparse.value) : input.dense) {
    if (std::abs(x) > kLargestFeature) {
      return Errc::non_finite;
    }
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  if (config_.forgetting < 1.0) {
    belief_.forget(config_.forgetting);
  }
  write_features(input, sparse_, features_, z_);
  const double score = belief_.score(z_);
  const double spread = belief_.spread(z_, gain_);
  const detail::Move move =
      config_.loss == Loss::logistic
          ? detail::logistic_move(score, detail::logistic_of(score), spread, target, weight,
                                  [](double at) noexcept { return detail::logistic_of(at); })
          : detail::squared_move(score, spread, target, weight / config_.noise);
  belief_.learn(gain_, move.step, move.shrink, 1.0 - config_.drift);
  return Errc::ok;
}

double BayesLinearLearner::score(const Input& input) const noexcept {
  std::array<double, kMostPadded> z;  // NOLINT: written as far as it is read
  const std::span<double> used = std::span(z).first(belief_.padded());
  write_features(input, sparse_, features_, used);
  return belief_.score(used);
}

double BayesLinearLearner::predict(const Input& input) const noexcept {
  if (check_input(input, features_, sparse_) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double s = score(input);
  return config_.loss == Loss::logistic ? detail::logistic_of(s) : s;
}

Prediction BayesLinearLearner::predict_with_variance(const Input& input) const noexcept {
  if (check_input(input, features_, sparse_) != Errc::ok) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return {kNan, kNan};
  }
  std::array<double, kMostPadded> z;     // NOLINT: written as far as it is read
  std::array<double, kMostPadded> gain;  // NOLINT: written as far as it is read
  const std::span<double> used = std::span(z).first(belief_.padded());
  write_features(input, sparse_, features_, used);
  const double s = belief_.score(used);
  const double variance = belief_.spread(used, std::span(gain).first(belief_.padded()));
  const double averaged = s / std::sqrt(1.0 + std::numbers::pi * variance / 8.0);
  return {config_.loss == Loss::logistic ? detail::logistic_of(averaged) : s, variance};
}

void BayesLinearLearner::save(Writer& writer) const {
  writer.u64(updates_);
  belief_.save(writer);
}

Result<void> BayesLinearLearner::load(Reader& reader) {
  BayesLinearLearner read = *this;
  read.updates_ = reader.u64();
  read.belief_.load(reader);
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or no covariance");
  }
  *this = std::move(read);
  return {};
}

Description BayesLinearLearner::describe() const {
  constexpr std::size_t kShown = 32;
  Description text;
  text.summary = "posterior of a linear model after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"intercept", intercept()},
                 {"intercept_deviation", std::sqrt(covariance(features_, features_))}};
  text.columns = {"feature", "weight", "deviation"};
  for (std::size_t i = 0; i < std::min(features_, kShown); ++i) {
    text.rows.push_back({static_cast<double>(i), weight(i), std::sqrt(covariance(i, i))});
  }
  return text;
}

}  // namespace attune
