// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/sgd.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"
#include "policies/learner/linear_state.hpp"

namespace attune {

static_assert(check_online_learner<SgdLearner>());

namespace {

// Below this the common factor is multiplied into the weights, long before digits are lost.
constexpr double kLeastScale = 1e-6;
// The running |w|^2 is computed anew after this many examples, or as many as there are features.
constexpr std::size_t kSquaresLife = 4096;
constexpr double kLeastPart = 0.01;  // at which the cosine schedule ends
constexpr double kLargestGradientSum = 1e300;

/// (1 + cos(pi part)) / 2 = 1 - sin^2(pi part / 2) for 0 <= part <= 1, by the series of the sine: the same
/// bits with every C library. Its first term left out is below 1e-11.
double falling_cosine(double part) noexcept {
  const double x = 0.5 * std::numbers::pi * part;
  const double square = x * x;
  double sine = 1.0;
  for (const double divisor :
       {14.0 * 15.0, 12.0 * 13.0, 10.0 * 11.0, 8.0 * 9.0, 6.0 * 7.0, 4.0 * 5.0, 2.0 * 3.0}) {
    sine = 1.0 - sine * square / divisor;
  }
  sine *= x;
  return 1.0 - sine * sine;
}

}  // namespace

Result<SgdLearner> SgdLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<LinearModel> model = LinearModel::make(kName, shape, config.loss, config.intercept, config.quantile);
  if (!model) {
    return tl::unexpected(std::move(model).error());
  }
  return SgdLearner(config, *std::move(model));
}

Errc SgdLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  LinearModel::Example example;
  const Errc verdict = model_.prepare(input, target, weight, config_.clip, scale_, example);
  if (verdict != Errc::ok) {
    return verdict;
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  ++steps_;
  if (config_.schedule == RateSchedule::adaptive) {
    double squares = config_.intercept ? 1.0 : 0.0;
    model_.for_each_feature(input, [&](std::size_t, double x) { squares += x * x; });
    gradient_squares_ = std::min(kLargestGradientSum,
                                 gradient_squares_ + (example.derivative * example.derivative) * squares);
  }
  const double rate = rate_now();
  const double step = rate * example.derivative;
  const double shrink = 1.0 / (1.0 + (rate * weight * config_.l2));
  const double stored_step = step / scale_;
  double moved_squares = 0.0;
  model_.for_each_feature(input, [&](std::size_t i, double x) {
    model_.weights[i] -= stored_step * x;
    moved_squares += (step * x) * (step * x);
  });
  if (config_.radius > 0.0) {
    const double along = example.score - model_.bias;  // w.x before the step
    squares_ = std::max(0.0, squares_ - (2.0 * step * along) + moved_squares) * shrink * shrink;
  }
  if (config_.intercept) {
    model_.bias -= step;
  }
  scale_ *= shrink;
  if (config_.radius > 0.0) {
    project();
  }
  if (scale_ < kLeastScale) {
    fold_scale();
  }
  return Errc::ok;
}

double SgdLearner::rate_now() const noexcept {
  const auto number = static_cast<double>(steps_);
  const double part = std::min(1.0, (number - 1.0) / config_.period);
  switch (config_.schedule) {
    case RateSchedule::inverse_sqrt:
      break;
    case RateSchedule::constant:
      return config_.rate;
    case RateSchedule::exponential:
      return config_.rate * detail::portable_exp(-std::numbers::ln2 * ((number - 1.0) / config_.period));
    case RateSchedule::cosine:
      return config_.rate * std::max(kLeastPart, falling_cosine(part));
    case RateSchedule::adaptive:
      return config_.rate / std::sqrt(1.0 + gradient_squares_);
  }
  return config_.rate / std::sqrt(number);
}

void SgdLearner::project() noexcept {
  if (++since_squares_ >= std::max(kSquaresLife, model_.features)) {
    since_squares_ = 0;
    squares_ = 0.0;
    for (const double weight : model_.weights) {
      squares_ += (scale_ * weight) * (scale_ * weight);
    }
  }
  const double bound = config_.radius * config_.radius;
  if (squares_ > bound) {
    scale_ *= config_.radius / std::sqrt(squares_);
    squares_ = bound;
  }
}

void SgdLearner::fold_scale() noexcept {
  for (double& weight : model_.weights) {
    weight *= scale_;
  }
  scale_ = 1.0;
}

void SgdLearner::save(Writer& writer) const {
  detail::save_numbers(writer, model_, updates_);
  writer.u64(steps_);
  writer.u64(since_squares_);
  writer.f64(scale_);
  writer.f64(squares_);
  writer.f64(gradient_squares_);
}

Result<void> SgdLearner::load(Reader& reader) {
  SgdLearner read = *this;
  detail::load_numbers(reader, read.model_, read.updates_);
  read.steps_ = reader.u64();
  read.since_squares_ = reader.u64();
  read.scale_ = reader.finite();
  read.squares_ = reader.finite();
  read.gradient_squares_ = reader.finite();
  if (!reader.ok()) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or holds numbers out of range");
  }
  if (read.scale_ < kLeastScale || read.scale_ > 1.0 || read.squares_ < 0.0 || read.gradient_squares_ < 0.0 ||
      read.gradient_squares_ > kLargestGradientSum || read.steps_ > read.updates_) {
    return detail::corrupt(kName, "the common factor, the norm or the number of steps is out of range");
  }
  *this = std::move(read);
  return {};
}

Description SgdLearner::describe() const {
  Description text;
  text.summary = "linear model by gradient descent after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)}, {"rate", config_.rate}, {"l2", config_.l2}};
  model_.describe(text, scale_);
  return text;
}

}  // namespace attune
