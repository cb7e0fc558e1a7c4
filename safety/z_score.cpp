// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/z_score.hpp>

#include <cmath>
#include <utility>

#include "safety/anomaly_update.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<ZScore>());

Result<ZScore> ZScore::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return ZScore(config);
}

void ZScore::reset() noexcept {
  watch_.reset();
  moments_ = {};
}

Anomaly ZScore::score(double value) const noexcept {
  if (!std::isfinite(value) || moments_.count() < config_.warm_up) {
    return {};
  }
  return watch_.judge(value, moments_.mean(), moments_.prediction_spread(), config_.threshold);
}

Anomaly ZScore::update(double value) noexcept {
  return detail::judge_and_learn(watch_, *this, value,
                                 [this](double taken) { moments_.add(taken, config_.weight); });
}

void ZScore::save(Writer& writer) const {
  watch_.save(writer);
  moments_.save(writer);
}

Result<void> ZScore::load(Reader& reader) {
  ZScore loaded(config_);
  loaded.watch_.load(reader);
  loaded.moments_.load(reader);
  return detail::take_loaded(*this, loaded, reader, true);
}

Description ZScore::describe() const {
  Description text = watch_.describe("Z-score");
  text.values.emplace_back("mean", moments_.mean());
  text.values.emplace_back("deviation", std::sqrt(moments_.variance()));
  return text;
}

}  // namespace attune
