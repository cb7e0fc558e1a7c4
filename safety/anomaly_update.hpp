// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the scalar anomaly detectors do alike: one update, and the rules of a window.
#pragma once

#include <cmath>
#include <string>

#include <attune/safety/anomaly.hpp>

namespace attune::detail {

/// One update: `detector.score` judges by the state before it, `learn(value)` takes what is to be learned.
template <class D, class Learn>
[[nodiscard]] Anomaly judge_and_learn(AnomalyWatch& watch, const D& detector, double value,
                                      Learn&& learn) noexcept {
  if (!std::isfinite(value)) [[unlikely]] {
    watch.skip();
    return {};
  }
  const Anomaly verdict = detector.score(value);
  if (watch.take(value, verdict)) {
    learn(value);
  }
  return verdict;
}

/// Of a configuration with a window. Errors: invalid_config, naming the field.
template <class Config>
[[nodiscard]] Result<void> check_window(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return verdict;
  }
  if (config.warm_up > config.window) {
    return fail(Errc::invalid_config, "warm_up = " + std::to_string(config.warm_up) +
                                          " is more than window = " + std::to_string(config.window));
  }
  return {};
}

}  // namespace attune::detail
