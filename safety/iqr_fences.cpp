// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/iqr_fences.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/anomaly_update.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<IqrFences>());

Result<IqrFences> IqrFences::make(const Config& config) {
  if (Result<void> verdict = detail::check_window(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return IqrFences(config);
}

Anomaly IqrFences::score(double value) const noexcept {
  if (!std::isfinite(value) || held_.values.size() < config_.warm_up) {
    return {};
  }
  const double first = held_.values.quantile(0.25);
  const double third = held_.values.quantile(0.75);
  const double range = held_.watch.believed(third - first);
  Anomaly verdict;
  verdict.expected = held_.values.median();
  verdict.lower = first - config_.factor * range;
  verdict.upper = third + config_.factor * range;
  verdict.is_anomaly = value < verdict.lower || value > verdict.upper;
  const double beyond = std::max({0.0, first - value, value - third});
  verdict.score = beyond == 0.0 ? 0.0 : std::min(beyond / range, Anomaly::kMaxScore);
  return verdict;
}

Anomaly IqrFences::update(double value) noexcept {
  return detail::judge_and_learn(held_.watch, *this, value,
                                 [this](double taken) { held_.values.push(taken); });
}

Result<void> IqrFences::load(Reader& reader) {
  IqrFences loaded(config_);
  loaded.held_.load(reader);
  return detail::take_loaded(*this, std::move(loaded), reader, true);
}

}  // namespace attune
