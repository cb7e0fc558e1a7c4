// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/robust_z.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/anomaly_update.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<RobustZ>());

namespace {

constexpr double kClip = 2.0;
// Of a standard normal Z: P(|Z| < 2), and the mean of min(Z^2, 4).
constexpr double kInside = 0.9544997361036416;
constexpr double kSquares = 0.920536925636323;
constexpr double kMaxVariance = AnomalyWatch::kLargest * AnomalyWatch::kLargest;

}  // namespace

Result<RobustZ> RobustZ::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return RobustZ(config);
}

void RobustZ::reset() noexcept {
  watch_.reset();
  start_.reset();
  learned_ = 0;
  center_ = 0.0;
  variance_ = 0.0;
}

Anomaly RobustZ::score(double value) const noexcept {
  if (!std::isfinite(value) || !start_.ready()) {
    return {};
  }
  return watch_.judge(value, center_, std::sqrt(variance_), config_.threshold);
}

Anomaly RobustZ::update(double value) noexcept {
  return detail::judge_and_learn(watch_, *this, value, [this](double taken) { learn(taken); });
}

void RobustZ::learn(double value) noexcept {
  if (!start_.ready()) {
    if (start_.add(value)) {
      learned_ = RobustScale::kWarmUp;
      center_ = start_.center();
      variance_ = start_.scale() * start_.scale();
    }
    return;
  }
  ++learned_;
  const double w = std::max(1.0 / static_cast<double>(learned_), config_.weight);
  const double distance = value - center_;
  if (variance_ == 0.0) {
    // All were equal until now: what the variance of all of them is.
    variance_ = std::min(w * distance * distance, kMaxVariance);
    return;
  }
  const double spread = std::sqrt(variance_);
  const double z = std::clamp(distance / spread, -kClip, kClip);
  center_ = std::clamp(center_ + w * spread * z / kInside, -AnomalyWatch::kLargest, AnomalyWatch::kLargest);
  variance_ = std::min(variance_ * (1.0 + w * (z * z / kSquares - 1.0)), kMaxVariance);
}

void RobustZ::save(Writer& writer) const {
  watch_.save(writer);
  start_.save(writer);
  writer.u64(learned_);
  writer.f64(center_);
  writer.f64(variance_);
}

Result<void> RobustZ::load(Reader& reader) {
  RobustZ loaded(config_);
  loaded.watch_.load(reader);
  loaded.start_.load(reader);
  loaded.learned_ = reader.u64();
  loaded.center_ = reader.finite();
  loaded.variance_ = reader.finite();
  const bool counted = loaded.start_.ready() ? loaded.learned_ >= RobustScale::kWarmUp : loaded.learned_ == 0;
  const bool sound = counted && std::fabs(loaded.center_) <= AnomalyWatch::kLargest &&
                     loaded.variance_ >= 0.0 && loaded.variance_ <= kMaxVariance;
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description RobustZ::describe() const {
  Description text = watch_.describe("robust Z-score");
  text.values.emplace_back("center", center_);
  text.values.emplace_back("spread", std::sqrt(variance_));
  return text;
}

}  // namespace attune
