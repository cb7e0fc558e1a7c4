// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/random_features.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

#include <attune/core/sampling.hpp>

#include "core/kernels.hpp"
#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/learner/link.hpp"

namespace attune {

static_assert(check_online_learner<RandomFeatures>());

namespace {

constexpr double kLargestCosineFeature = 1e20;
constexpr double kLargestCosineTarget = 1e100;
constexpr double kLargestCosineWeight = 1e9;
constexpr std::size_t kMostCosineNumbers = 1024;  // 512 cosines, 511 features, the constant
constexpr double kScaleMoved = 0.1;
constexpr double kKeptWhenMoved = 0.5;
constexpr std::uint64_t kFrequencyStream = name_stream("random_features");

/// 2, 3, 4, 6, 9, 13, ...
bool scale_is_looked_at(std::uint64_t noted) noexcept {
  std::uint64_t at = 2;
  while (at < noted) {
    at += std::max<std::uint64_t>(1, at / 2);
  }
  return at == noted;
}

Result<void> check_cosine_shape(const Shape& shape) {
  if (shape.sparse) {
    return fail(Errc::unsupported,
                "random_features: needs a dense context; \"hashed_interactions\" takes sparse ones");
  }
  if (shape.features > RandomFeatures::kMaxFeatures) {
    return fail(Errc::invalid_config, "random_features: features = " + std::to_string(shape.features) +
                                          " is above " + std::to_string(RandomFeatures::kMaxFeatures));
  }
  return {};
}

}  // namespace

RandomFeatures::RandomFeatures(const Config& config, const Shape& shape, GaussianWeights belief)
    : config_(config),
      features_(shape.features),
      scaling_(shape.features),
      belief_(std::move(belief)),
      frequency_(static_cast<std::size_t>(config.count) * shape.features),
      phase_(static_cast<std::size_t>(config.count)),
      z_(belief_.padded(), 0.0),
      gain_(belief_.padded(), 0.0) {
  // One stream a cosine: more of them leave the first ones as they were.
  for (std::size_t j = 0; j < count(); ++j) {
    Rng rng(config.seed, kFrequencyStream, j);
    phase_[j] = rng.uniform();
    for (std::size_t i = 0; i < features_; ++i) {
      frequency_[i * count() + j] = sample_normal(rng) / (2.0 * std::numbers::pi * config.width);
    }
  }
}

Result<RandomFeatures> RandomFeatures::make(const Config& config, const Shape& shape) {
  for (const Result<void>& verdict :
       {check_bounds(config), check_curved_loss(kName, config.loss), check_cosine_shape(shape)}) {
    if (!verdict) {
      return tl::unexpected(verdict.error());
    }
  }
  std::vector<double> prior(static_cast<std::size_t>(config.count) + shape.features + 1,
                            config.linear_variance);
  std::fill_n(prior.begin(), config.count, config.prior_variance);
  prior.back() = config.constant_variance;
  return RandomFeatures(config, shape, GaussianWeights(prior));
}

// Cosines, features, the constant, and zeros up to whole strips.
void RandomFeatures::write_features(Features x, std::span<double> z) const noexcept {
  const std::span<double> cosines = z.first(count());
  const std::span<double> linear = z.subspan(count(), features_);
  std::ranges::fill(z.subspan(count() + features_), 0.0);
  scaling_.apply(x, 1.0 / std::sqrt(static_cast<double>(std::max<std::size_t>(features_, 1))), linear.data());
  z[count() + features_] = 1.0;
  std::ranges::copy(phase_, cosines.begin());
  for (std::size_t i = 0; i < features_; ++i) {
    const double* const own = frequency_.data() + i * count();
    for (std::size_t j = 0; j < cosines.size(); ++j) {
      cosines[j] += linear[i] * own[j];
    }
  }
  const double size = std::sqrt(2.0 / static_cast<double>(count()));
  for (double& turns : cosines) {
    turns = size * detail::portable_cos_turns(turns);
  }
}

void RandomFeatures::rescale(Features x) noexcept {
  if (scaling_.noted() < config_.settle) {
    scaling_.note(x);
    if (scale_is_looked_at(scaling_.noted()) && scaling_.moved(kScaleMoved)) {
      scaling_.adopt();
      belief_.forget(kKeptWhenMoved);
    }
  }
  scaling_.widen(x);
}

Errc RandomFeatures::partial_fit(const Input& input, double target, double weight) noexcept {
  if (const Errc verdict = check_input(input, features_, false); verdict != Errc::ok) {
    return verdict;
  }
  // Written so that NaN is refused.
  if (!(std::abs(target) <= kLargestCosineTarget) || !(std::abs(weight) <= kLargestCosineWeight)) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || (config_.loss == Loss::logistic && (target < 0.0 || target > 1.0))) {
    return Errc::invalid_argument;
  }
  if (std::ranges::any_of(input.dense, [](double x) { return std::abs(x) > kLargestCosineFeature; }) ||
      !scaling_.can_note(input.dense)) {
    return Errc::non_finite;
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  rescale(input.dense);
  write_features(input.dense, z_);
  const double score = belief_.score(z_);
  const double spread = belief_.spread(z_, gain_);
  const detail::Move move =
      config_.loss == Loss::logistic
          ? detail::solved_logistic_move(score, spread, target, weight,
                                         [](double s) noexcept { return detail::logistic_of(s); })
          : detail::squared_move(score, spread, target, weight / config_.noise);
  belief_.learn(gain_, move.step, move.shrink, 1.0);
  return Errc::ok;
}

double RandomFeatures::predict(const Input& input) const noexcept {
  if (check_input(input, features_, false) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::array<double, kMostCosineNumbers> z;  // NOLINT: written as far as it is read
  const std::span<double> used = std::span(z).first(belief_.padded());
  write_features(input.dense, used);
  const double score = belief_.score(used);
  return config_.loss == Loss::logistic ? detail::logistic_of(score) : score;
}

Prediction RandomFeatures::predict_with_variance(const Input& input) const noexcept {
  if (check_input(input, features_, false) != Errc::ok) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return {kNan, kNan};
  }
  std::array<double, kMostCosineNumbers> z;     // NOLINT: written as far as it is read
  std::array<double, kMostCosineNumbers> gain;  // NOLINT: written as far as it is read
  const std::span<double> used = std::span(z).first(belief_.padded());
  write_features(input.dense, used);
  const double score = belief_.score(used);
  const double variance = belief_.spread(used, std::span(gain).first(belief_.padded()));
  const double averaged = score / std::sqrt(1.0 + std::numbers::pi * variance / 8.0);
  return {config_.loss == Loss::logistic ? detail::logistic_of(averaged) : score, variance};
}

void RandomFeatures::save(Writer& writer) const {
  writer.u64(updates_);
  scaling_.save(writer);
  belief_.save(writer);
}

Result<void> RandomFeatures::load(Reader& reader) {
  RandomFeatures read = *this;
  read.updates_ = reader.u64();
  const bool scaled = read.scaling_.load(reader);
  read.belief_.load(reader);
  if (!scaled || !reader.ok() || read.scaling_.noted() > config_.settle) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or no scale and covariance");
  }
  *this = std::move(read);
  return {};
}

Description RandomFeatures::describe() const {
  Description text;
  text.summary = "regression over " + std::to_string(count()) + " random cosines after " +
                 std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(features_)},
                 {"scale_seen", static_cast<double>(scaling_.noted())},
                 {"intercept", belief_.mean(count() + features_)}};
  text.columns = {"feature", "weight", "deviation"};
  constexpr std::size_t kShown = 32;
  for (std::size_t i = 0; i < std::min(features_, kShown); ++i) {
    const std::size_t at = count() + i;
    text.rows.push_back({static_cast<double>(i), belief_.mean(at), std::sqrt(belief_.covariance(at, at))});
  }
  return text;
}

}  // namespace attune
