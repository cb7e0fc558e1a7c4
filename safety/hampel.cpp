// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/hampel.hpp>

#include <cmath>
#include <utility>

#include "safety/anomaly_update.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<Hampel>());

Result<Hampel> Hampel::make(const Config& config) {
  if (Result<void> verdict = detail::check_window(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Hampel(config);
}

Anomaly Hampel::score(double value) const noexcept {
  if (!std::isfinite(value) || held_.values.size() < config_.warm_up) {
    return {};
  }
  const double median = held_.values.median();
  double spread = 1.4826 * held_.values.median_deviation(median);
  if (spread == 0.0) [[unlikely]] {
    spread = 1.2533 * held_.values.mean_deviation(median);
  }
  return held_.watch.judge(value, median, spread, config_.threshold);
}

Anomaly Hampel::update(double value) noexcept {
  return detail::judge_and_learn(held_.watch, *this, value,
                                 [this](double taken) { held_.values.push(taken); });
}

Result<void> Hampel::load(Reader& reader) {
  Hampel loaded(config_);
  loaded.held_.load(reader);
  return detail::take_loaded(*this, std::move(loaded), reader, true);
}

}  // namespace attune
