// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/progressive_score.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/portable_math.hpp"
#include "policies/bandit/choosing.hpp"

namespace attune {

static_assert(check_persistent<ProgressiveScore>());

Errc ProgressiveScore::add(double prediction, double target, double weight) noexcept {
  if (!std::isfinite(prediction) || !std::isfinite(target) || !std::isfinite(weight)) {
    return Errc::non_finite;
  }
  const auto no_share = [](double value) { return value < 0.0 || value > 1.0; };
  if (weight < 0.0 || (probability_ && (no_share(prediction) || no_share(target)))) {
    return Errc::invalid_argument;
  }
  ++examples_;
  weight_ += weight;
  const double error = prediction - target;
  squares_ += weight * error * error;
  absolutes_ += weight * std::abs(error);
  right_ += (prediction > 0.5) == (target > 0.5) ? weight : 0.0;
  if (probability_) {
    constexpr double kLeast = 1e-15;
    const double p = std::clamp(prediction, kLeast, 1.0 - kLeast);
    // The usual targets are 0 and 1: one logarithm.
    double loss = 0.0;
    if (target > 0.0) {
      loss -= target * detail::portable_log(p);
    }
    if (target < 1.0) {
      loss -= (1.0 - target) * detail::portable_log(1.0 - p);
    }
    logs_ += weight * loss;
  }
  return Errc::ok;
}

double ProgressiveScore::log_loss() const noexcept {
  return probability_ ? logs_ / weight_ : std::numeric_limits<double>::quiet_NaN();
}

void ProgressiveScore::save(Writer& writer) const {
  writer.boolean(probability_);
  writer.u64(examples_);
  for (const double sum : {weight_, logs_, squares_, absolutes_, right_}) {
    writer.f64(sum);
  }
}

Result<void> ProgressiveScore::load(Reader& reader) {
  ProgressiveScore read;
  read.probability_ = reader.boolean();
  read.examples_ = reader.u64();
  bool good = true;
  for (double* sum : {&read.weight_, &read.logs_, &read.squares_, &read.absolutes_, &read.right_}) {
    *sum = reader.f64();
    good = good && *sum >= 0.0;
  }
  if (!reader.ok() || !good || read.probability_ != probability_) {
    return detail::corrupt(kName, "the state is cut short, of another kind, or a sum is below zero");
  }
  *this = read;
  return {};
}

Description ProgressiveScore::describe() const {
  Description text;
  text.summary = "losses of " + std::to_string(examples_) + " predictions made before learning";
  text.values = {{"examples", static_cast<double>(examples_)},
                 {"squared_loss", squared_loss()},
                 {"absolute_loss", absolute_loss()},
                 {"accuracy", accuracy()}};
  if (probability_) {
    text.values.emplace_back("log_loss", log_loss());
  }
  return text;
}

}  // namespace attune
