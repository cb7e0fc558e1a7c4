// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/seasonal_residual.hpp>

#include <cmath>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<SeasonalResidual>());

SeasonalResidual::SeasonalResidual(const Config& config)
    : config_(config), watch_(config.rules), phases_(config.period) {}

Result<SeasonalResidual> SeasonalResidual::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return SeasonalResidual(config);
}

void SeasonalResidual::reset() noexcept {
  watch_.reset();
  phase_ = 0;
  phases_.assign(phases_.size(), {});
}

Anomaly SeasonalResidual::score(double value) const noexcept {
  const WeightedMoments& moments = phases_[phase_];
  if (!std::isfinite(value) || moments.count() < config_.warm_up) {
    return {};
  }
  return watch_.judge(value, moments.mean(), moments.prediction_spread(), config_.threshold);
}

Anomaly SeasonalResidual::update(double value) noexcept {
  const Anomaly verdict = score(value);
  WeightedMoments& moments = phases_[phase_];
  phase_ = phase_ + 1 == phases_.size() ? 0 : phase_ + 1;
  if (!std::isfinite(value)) [[unlikely]] {
    watch_.skip();
  } else if (watch_.take(value, verdict)) {
    moments.add(value, config_.weight);
  }
  return verdict;
}

void SeasonalResidual::save(Writer& writer) const {
  watch_.save(writer);
  writer.u64(phase_);
  for (const WeightedMoments& moments : phases_) {
    moments.save(writer);
  }
}

Result<void> SeasonalResidual::load(Reader& reader) {
  SeasonalResidual loaded(config_);
  loaded.watch_.load(reader);
  loaded.phase_ = reader.u64();
  for (WeightedMoments& moments : loaded.phases_) {
    moments.load(reader);
  }
  const bool sound = loaded.phase_ < loaded.phases_.size();
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description SeasonalResidual::describe() const {
  Description text = watch_.describe("seasonal residual");
  text.values.emplace_back("phase", static_cast<double>(phase_));
  return text;
}

}  // namespace attune
