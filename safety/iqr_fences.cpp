// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/iqr_fences.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<IqrFences>());

IqrFences::IqrFences(const Config& config) : config_(config), watch_(config.rules), window_(config.window) {}

Result<IqrFences> IqrFences::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.warm_up > config.window) {
    return fail(Errc::invalid_config, "warm_up = " + std::to_string(config.warm_up) +
                                          " is more than window = " + std::to_string(config.window));
  }
  return IqrFences(config);
}

void IqrFences::reset() noexcept {
  watch_.reset();
  window_.reset();
}

Anomaly IqrFences::score(double value) const noexcept {
  if (!std::isfinite(value) || window_.size() < config_.warm_up) {
    return {};
  }
  const double first = window_.quantile(0.25);
  const double third = window_.quantile(0.75);
  const double range = watch_.believed(third - first);
  Anomaly verdict;
  verdict.expected = window_.median();
  verdict.lower = first - config_.factor * range;
  verdict.upper = third + config_.factor * range;
  verdict.is_anomaly = value < verdict.lower || value > verdict.upper;
  const double beyond = std::max({0.0, first - value, value - third});
  verdict.score = beyond == 0.0 ? 0.0 : std::min(beyond / range, Anomaly::kMaxScore);
  return verdict;
}

Anomaly IqrFences::update(double value) noexcept {
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

void IqrFences::save(Writer& writer) const {
  watch_.save(writer);
  window_.save(writer);
}

Result<void> IqrFences::load(Reader& reader) {
  IqrFences loaded(config_);
  loaded.watch_.load(reader);
  loaded.window_.load(reader);
  return detail::take_loaded(*this, std::move(loaded), reader, true);
}

Description IqrFences::describe() const {
  Description text = watch_.describe("IQR fences");
  text.values.emplace_back("held", static_cast<double>(window_.size()));
  return text;
}

}  // namespace attune
