// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/neural_linear.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "policies/bandit/choosing.hpp"
#include "policies/learner/link.hpp"

namespace attune {

static_assert(check_online_learner<NeuralLinearLearner>());

namespace {

constexpr double kLargestNeuralFeature = 1e20;
constexpr double kLargestNeuralTarget = 1e100;
constexpr double kHeaviestNeural = 1e9;
constexpr double kLargestNeuralMiss = 1e120;

}  // namespace

Result<NeuralLinearLearner> NeuralLinearLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Shape own = shape;
  own.arms = 1;
  return NeuralArms::make(kName, config.neural, config.loss, own).map([&](NeuralArms model) {
    return NeuralLinearLearner(config, std::move(model));
  });
}

Errc NeuralLinearLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  if (const Errc verdict = check_input(input, model_.features(), false); verdict != Errc::ok) {
    return verdict;
  }
  // Written so that NaN is refused.
  if (!(std::abs(target) <= kLargestNeuralTarget) || !(std::abs(weight) <= kHeaviestNeural)) {
    return Errc::non_finite;
  }
  if (weight < 0.0 || !target_fits(config_.loss, target)) {
    return Errc::invalid_argument;
  }
  if (std::ranges::any_of(input.dense, [](double x) { return std::abs(x) > kLargestNeuralFeature; })) {
    return Errc::non_finite;
  }
  ++updates_;
  const double score = model_.learn(0, input, target, weight);
  if (config_.loss == Loss::squared && weight >= detail::kLeastWeight) {
    const double error = std::clamp(target - score, -kLargestNeuralMiss, kLargestNeuralMiss);
    errors_ += weight * error * error;
    weights_ += weight;
  }
  return Errc::ok;
}

double NeuralLinearLearner::predict(const Input& input) const noexcept {
  if (check_input(input, model_.features(), false) != Errc::ok) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double score = model_.score(0, input);
  return config_.loss == Loss::logistic ? detail::logistic_of(score) : score;
}

double NeuralLinearLearner::noise() const noexcept {
  return config_.loss == Loss::squared && weights_ > 0.0 ? errors_ / weights_ : 1.0;
}

Prediction NeuralLinearLearner::predict_with_variance(const Input& input) const noexcept {
  if (check_input(input, model_.features(), false) != Errc::ok) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return {kNan, kNan};
  }
  const std::array<std::uint32_t, 1> which{0};
  double score = 0.0;
  double spread = 0.0;
  model_.scores(input, which, &score, &spread);
  const double variance = noise() * spread * spread;
  const double averaged = score / std::sqrt(1.0 + std::numbers::pi * variance / 8.0);
  return {config_.loss == Loss::logistic ? detail::logistic_of(averaged) : score, variance};
}

void NeuralLinearLearner::save(Writer& writer) const {
  writer.u64(updates_);
  writer.f64(errors_);
  writer.f64(weights_);
  model_.save(writer);
}

Result<void> NeuralLinearLearner::load(Reader& reader) {
  NeuralLinearLearner read = *this;
  read.updates_ = reader.u64();
  read.errors_ = reader.finite();
  read.weights_ = reader.finite();
  if (!read.model_.load(reader, 1) || read.errors_ < 0.0 || read.weights_ < 0.0 ||
      read.model_.learned() > read.updates_) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or its numbers cannot be one's");
  }
  *this = std::move(read);
  return {};
}

Description NeuralLinearLearner::describe() const {
  Description text;
  const NeuralOptions& own = config_.neural;
  text.summary = "regression over a network of " + std::to_string(own.layers) + " x " +
                 std::to_string(own.units) + " units after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"features", static_cast<double>(model_.features())},
                 {"kept", static_cast<double>(model_.kept().size())},
                 {"cycles", static_cast<double>(model_.cycles())},
                 {"error", std::sqrt(noise())}};
  return text;
}

}  // namespace attune
