// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/ewma_residual.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/anomaly_update.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<EwmaResidual>());

Result<EwmaResidual> EwmaResidual::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return EwmaResidual(config);
}

void EwmaResidual::reset() noexcept {
  watch_.reset();
  learned_ = 0;
  level_ = 0.0;
  variance_ = 0.0;
}

Anomaly EwmaResidual::score(double value) const noexcept {
  if (!std::isfinite(value) || learned_ < config_.warm_up) {
    return {};
  }
  return watch_.judge(value, level_, std::sqrt(variance_), config_.threshold);
}

Anomaly EwmaResidual::update(double value) noexcept {
  return detail::judge_and_learn(watch_, *this, value, [this](double taken) {
    ++learned_;
    const double residual = taken - level_;
    level_ += std::max(1.0 / static_cast<double>(learned_), config_.weight) * residual;
    if (learned_ > 1) {  // the first value is the level, and has no residual
      const double w = std::max(1.0 / static_cast<double>(learned_ - 1), config_.spread_weight);
      variance_ += w * (residual * residual - variance_);
    }
  });
}

void EwmaResidual::save(Writer& writer) const {
  watch_.save(writer);
  writer.u64(learned_);
  writer.f64(level_);
  writer.f64(variance_);
}

Result<void> EwmaResidual::load(Reader& reader) {
  EwmaResidual loaded(config_);
  loaded.watch_.load(reader);
  loaded.learned_ = reader.u64();
  loaded.level_ = reader.finite();
  loaded.variance_ = reader.finite();
  constexpr double kLargest = 4.0 * AnomalyWatch::kLargest;
  const bool sound = std::fabs(loaded.level_) <= kLargest && loaded.variance_ >= 0.0 &&
                     loaded.variance_ <= kLargest * kLargest;
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description EwmaResidual::describe() const {
  Description text = watch_.describe("EWMA residual");
  text.values.emplace_back("level", level_);
  text.values.emplace_back("deviation", std::sqrt(variance_));
  return text;
}

}  // namespace attune
