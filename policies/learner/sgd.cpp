// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/sgd.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/portable_math.hpp"
#include "policies/learner/linear_learner_body.hpp"

namespace attune {

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

template <>
struct detail::LinearMath<SgdRule> {
  using Config = SgdConfig;
  using State = SgdRule::State;

  static State start(std::size_t /*features*/) noexcept { return {}; }
  static double scale(const State& state) noexcept { return state.scale; }

  static Errc learn(const Config& config, State& state, LinearModel& model, const Input& input,
                    const LinearModel::Example& example, double weight) noexcept {
    ++state.steps;
    if (config.schedule == RateSchedule::adaptive) {
      double squares = config.intercept ? 1.0 : 0.0;
      model.for_each_feature(input, [&](std::size_t, double x) { squares += x * x; });
      state.gradient_squares = std::min(
          kLargestGradientSum, state.gradient_squares + (example.derivative * example.derivative) * squares);
    }
    const double rate = rate_now(config, state);
    const double step = rate * example.derivative;
    const double shrink = 1.0 / (1.0 + (rate * weight * config.l2));
    const double stored_step = step / state.scale;
    double moved_squares = 0.0;
    model.for_each_feature(input, [&](std::size_t i, double x) {
      model.weights[i] -= stored_step * x;
      moved_squares += (step * x) * (step * x);
    });
    if (config.radius > 0.0) {
      const double along = example.score - model.bias;  // w.x before the step
      state.squares = std::max(0.0, state.squares - (2.0 * step * along) + moved_squares) * shrink * shrink;
    }
    if (config.intercept) {
      model.bias -= step;
    }
    state.scale *= shrink;
    if (config.radius > 0.0) {
      project(config, state, model);
    }
    if (state.scale < kLeastScale) {
      fold_scale(state, model);
    }
    return Errc::ok;
  }

  static void save(Writer& writer, const LinearModel& model, const State& state, std::uint64_t updates) {
    save_numbers(writer, model, updates);
    writer.u64(state.steps);
    writer.u64(state.since_squares);
    writer.f64(state.scale);
    writer.f64(state.squares);
    writer.f64(state.gradient_squares);
  }
  static bool load(Reader& reader, const Config& /*config*/, LinearModel& model, State& state,
                   std::uint64_t& updates) {
    load_numbers(reader, model, updates);
    state.steps = reader.u64();
    state.since_squares = reader.u64();
    state.scale = reader.finite();
    state.squares = reader.finite();
    state.gradient_squares = reader.finite();
    return state.scale >= kLeastScale && state.scale <= 1.0 && state.squares >= 0.0 &&
           state.gradient_squares >= 0.0 && state.gradient_squares <= kLargestGradientSum &&
           state.steps <= updates;
  }
  static void describe(const Config& config, Description& text) {
    text.values.insert(text.values.end(), {{"rate", config.rate}, {"l2", config.l2}});
  }

 private:
  static double rate_now(const Config& config, const State& state) noexcept {
    const auto number = static_cast<double>(state.steps);
    const double part = std::min(1.0, (number - 1.0) / config.period);
    switch (config.schedule) {
      case RateSchedule::inverse_sqrt:
        break;
      case RateSchedule::constant:
        return config.rate;
      case RateSchedule::exponential:
        return config.rate * detail::portable_exp(-std::numbers::ln2 * ((number - 1.0) / config.period));
      case RateSchedule::cosine:
        return config.rate * std::max(kLeastPart, falling_cosine(part));
      case RateSchedule::adaptive:
        return config.rate / std::sqrt(1.0 + state.gradient_squares);
    }
    return config.rate / std::sqrt(number);
  }

  static void project(const Config& config, State& state, LinearModel& model) noexcept {
    if (++state.since_squares >= std::max(kSquaresLife, model.features)) {
      state.since_squares = 0;
      state.squares = 0.0;
      for (const double weight : model.weights) {
        state.squares += (state.scale * weight) * (state.scale * weight);
      }
    }
    const double bound = config.radius * config.radius;
    if (state.squares > bound) {
      state.scale *= config.radius / std::sqrt(state.squares);
      state.squares = bound;
    }
  }

  static void fold_scale(State& state, LinearModel& model) noexcept {
    for (double& weight : model.weights) {
      weight *= state.scale;
    }
    state.scale = 1.0;
  }
};

template class LinearLearner<SgdRule>;
static_assert(check_online_learner<SgdLearner>());

}  // namespace attune
