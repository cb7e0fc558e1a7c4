// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/hampel.hpp>

#include <cmath>
#include <string>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<Hampel>());

Hampel::Hampel(const Config& config) : config_(config), watch_(config.rules), window_(config.window) {}

Result<Hampel> Hampel::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.warm_up > config.window) {
    return fail(Errc::invalid_config, "warm_up = " + std::to_string(config.warm_up) +
                                          " is more than window = " + std::to_string(config.window));
  }
  return Hampel(config);
}

void Hampel::reset() noexcept {
  watch_.reset();
  window_.reset();
}

Anomaly Hampel::score(double value) const noexcept {
  if (!std::isfinite(value) || window_.size() < config_.warm_up) {
    return {};
  }
  const double median = window_.median();
  double spread = 1.4826 * window_.median_deviation(median);
  if (spread == 0.0) [[unlikely]] {
    spread = 1.2533 * window_.mean_deviation(median);
  }
  return watch_.judge(value, median, spread, config_.threshold);
}

Anomaly Hampel::update(double value) noexcept {
  if (!std::isfinite(value)) [[unlikely]] {
    watch_.skip();
    return {};
  }
  const Anomaly verdict = score(value);
  if (watch_.take(value, verdict)) {
    window_.push(value);
  }
  return verdict;
}

void Hampel::save(Writer& writer) const {
  watch_.save(writer);
  window_.save(writer);
}

Result<void> Hampel::load(Reader& reader) {
  Hampel loaded(config_);
  loaded.watch_.load(reader);
  loaded.window_.load(reader);
  return detail::take_loaded(*this, std::move(loaded), reader, true);
}

Description Hampel::describe() const {
  Description text = watch_.describe("Hampel identifier");
  text.values.emplace_back("held", static_cast<double>(window_.size()));
  return text;
}

}  // namespace attune
