// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/cusum_anomaly.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_anomaly_detector<CusumAnomaly>());

Result<CusumAnomaly> CusumAnomaly::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return CusumAnomaly(config);
}

void CusumAnomaly::reset() noexcept {
  watch_.reset();
  moments_ = {};
  sums_ = {};
}

Anomaly CusumAnomaly::judge(double value, Sums& next) const noexcept {
  const double mean = moments_.mean();
  const double spread = watch_.believed(std::sqrt(moments_.variance()));
  const double distance = value - mean;
  const double z =
      distance == 0.0 ? 0.0 : std::clamp(distance / spread, -Anomaly::kMaxScore, Anomaly::kMaxScore);
  next = {std::max(0.0, sums_.up + z - config_.slack), std::max(0.0, sums_.down - z - config_.slack)};
  const double reach = config_.threshold + config_.slack;
  Anomaly verdict;
  verdict.expected = mean;
  verdict.lower = mean - (reach - sums_.down) * spread;
  verdict.upper = mean + (reach - sums_.up) * spread;
  verdict.is_anomaly = value < verdict.lower || value > verdict.upper;
  verdict.score = std::min(std::max(next.up, next.down), Anomaly::kMaxScore);
  if (verdict.is_anomaly) {
    next = {};
  } else {
    // The bounds have said that this is none: the sums may round beyond the threshold.
    next = {std::min(next.up, config_.threshold), std::min(next.down, config_.threshold)};
  }
  return verdict;
}

Anomaly CusumAnomaly::score(double value) const noexcept {
  if (!std::isfinite(value) || moments_.count() < config_.training) {
    return {};
  }
  Sums ignored;
  return judge(value, ignored);
}

Anomaly CusumAnomaly::update(double value) noexcept {
  if (!std::isfinite(value)) [[unlikely]] {
    watch_.skip();
    return {};
  }
  if (moments_.count() < config_.training) [[unlikely]] {
    if (watch_.take(value, {})) {
      moments_.add(value, 0.0);
    }
    return {};
  }
  Sums next;
  const Anomaly verdict = judge(value, next);
  sums_ = next;
  (void)watch_.take(value, verdict);  // counts; nothing is learned any more
  return verdict;
}

void CusumAnomaly::save(Writer& writer) const {
  watch_.save(writer);
  moments_.save(writer);
  detail::save_members(writer, sums_);
}

Result<void> CusumAnomaly::load(Reader& reader) {
  CusumAnomaly loaded(config_);
  loaded.watch_.load(reader);
  loaded.moments_.load(reader);
  loaded.sums_ = detail::load_members<Sums>(reader);
  const auto possible = [this](double sum) { return sum >= 0.0 && sum <= config_.threshold; };
  const bool sound =
      possible(loaded.sums_.up) && possible(loaded.sums_.down) && loaded.moments_.count() <= config_.training;
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description CusumAnomaly::describe() const {
  Description text = watch_.describe("CUSUM");
  text.values.emplace_back("up", sums_.up);
  text.values.emplace_back("down", sums_.down);
  return text;
}

}  // namespace attune
