// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/adam.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "policies/bandit/choosing.hpp"
#include "policies/learner/linear_state.hpp"

namespace attune {

static_assert(check_online_learner<AdamLearner>());

Result<AdamLearner> AdamLearner::make(const Config& config, const Shape& shape) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  Result<LinearModel> model = LinearModel::make(kName, shape, config.loss, config.intercept, config.quantile);
  if (!model) {
    return tl::unexpected(std::move(model).error());
  }
  return AdamLearner(config, *std::move(model));
}

double AdamLearner::step(double gradient, Moments& moments) const noexcept {
  moments.mean += (1.0 - config_.beta1) * (gradient - moments.mean);
  moments.square += (1.0 - config_.beta2) * (gradient * gradient - moments.square);
  moments.first *= config_.beta1;
  moments.second *= config_.beta2;
  const double mean = moments.mean / (1.0 - moments.first);
  const double square = moments.square / (1.0 - moments.second);
  return config_.rate * mean / (std::sqrt(square) + config_.epsilon);
}

Errc AdamLearner::partial_fit(const Input& input, double target, double weight) noexcept {
  LinearModel::Example example;
  const Errc verdict = model_.prepare(input, target, weight, config_.clip, 1.0, example);
  if (verdict != Errc::ok) {
    return verdict;
  }
  ++updates_;
  if (weight == 0.0) {
    return Errc::ok;
  }
  model_.for_each_feature(input, [&](std::size_t i, double x) {
    model_.weights[i] -= step(example.derivative * x, moments_[i]);
  });
  if (config_.intercept) {
    model_.bias -= step(example.derivative, bias_moments_);
  }
  return Errc::ok;
}

void AdamLearner::save(Writer& writer) const {
  detail::save_numbers(writer, model_, updates_);
  const auto write = [&](const Moments& moments) {
    for (const double number : {moments.mean, moments.square, moments.first, moments.second}) {
      writer.f64(number);
    }
  };
  std::ranges::for_each(moments_, write);
  write(bias_moments_);
}

Result<void> AdamLearner::load(Reader& reader) {
  AdamLearner read = *this;
  detail::load_numbers(reader, read.model_, read.updates_);
  bool good = detail::all_within(read.model_.weights, detail::kLargestWeight) &&
              std::abs(read.model_.bias) <= detail::kLargestWeight;
  const auto take = [&](Moments& moments) {
    for (double* number : {&moments.mean, &moments.square, &moments.first, &moments.second}) {
      *number = reader.finite();
    }
    // Written so that NaN fails. Powers of a beta are 1 before the first example, else at most the beta.
    const auto power = [](double value, double beta) {
      return value == 1.0 || (value >= 0.0 && value <= beta);
    };
    good = good && std::abs(moments.mean) <= detail::kLargestSquares && moments.square >= 0.0 &&
           moments.square <= detail::kLargestSquares && power(moments.first, config_.beta1) &&
           power(moments.second, config_.beta2);
  };
  std::ranges::for_each(read.moments_, take);
  take(read.bias_moments_);
  if (!reader.ok() || !good) {
    return detail::corrupt(kName, "the state is cut short, of another shape, or holds numbers out of range");
  }
  *this = std::move(read);
  return {};
}

Description AdamLearner::describe() const {
  Description text;
  text.summary = "linear model by Adam after " + std::to_string(updates_) + " examples";
  text.values = {{"updates", static_cast<double>(updates_)},
                 {"rate", config_.rate},
                 {"beta1", config_.beta1},
                 {"beta2", config_.beta2}};
  model_.describe(text, 1.0);
  return text;
}

}  // namespace attune
