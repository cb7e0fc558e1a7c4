// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/adagrad.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"
#include "policies/learner/linear_state.hpp"

namespace attune {

using detail::kLargestSquares;
using detail::kLargestWeight;

static_assert(check_online_learner<AdaGradLearner>());

namespace {

// Keeps the penalty's part of the gradient below the same bound.
constexpr double kLargestPenalty = 1e70;

}  // namespace

Result<AdaGradLearner> AdaGradLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<LinearModel> model = LinearModel::make(kName, shape, config.loss, config.intercept, config.quantile);
  if (!model) {
    return tl::unexpected(std::move(model).error());
  }
  return AdaGradLearner(config, *std::move(model));
}

double AdaGradLearner::step(double gradient, double& squares) const noexcept {
  squares += gradient * gradient;
  return config_.rate * gradient / (std::sqrt(squares) + config_.epsilon);
}

Errc AdaGradLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  LinearModel::Example example;
  const Errc verdict = model_.prepare(input, target, weight, config_.clip, 1.0, example);
  if (verdict != Errc::ok) {
    return verdict;
  }
  const double penalty = config_.l2 * weight;
  if (!(penalty <= kLargestPenalty)) {
    return Errc::non_finite;
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  model_.for_each_feature(input, [&](std::size_t i, double x) {
    double& w = model_.weights[i];
    w -= step((example.derivative * x) + (penalty * w), squares_[i]);
  });
  if (config_.intercept) {
    model_.bias -= step(example.derivative, bias_squares_);
  }
  return Errc::ok;
}

void AdaGradLearner::save(Writer& writer) const {
  detail::save_numbers(writer, model_, updates_);
  writer.numbers(squares_);
  writer.f64(bias_squares_);
}

Result<void> AdaGradLearner::load(Reader& reader) {
  AdaGradLearner read = *this;
  detail::load_numbers(reader, read.model_, read.updates_);
  read.squares_ = reader.exactly<double>(model_.features);
  read.bias_squares_ = reader.finite();
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or holds numbers out of range");
  }
  const auto sum_of_squares = [](double value) { return value >= 0.0 && value <= kLargestSquares; };
  if (!std::ranges::all_of(read.squares_, sum_of_squares) || !sum_of_squares(read.bias_squares_) ||
      !detail::all_within(read.model_.weights, kLargestWeight) ||
      std::abs(read.model_.bias) > kLargestWeight) {
    return detail::corrupt(kName, "a weight or a sum of squares is out of range");
  }
  *this = std::move(read);
  return {};
}

Description AdaGradLearner::describe() const {
  Description text;
  text.summary = "linear model by AdaGrad after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)}, {"rate", config_.rate}, {"l2", config_.l2}};
  model_.describe(text, 1.0);
  return text;
}

}  // namespace attune
