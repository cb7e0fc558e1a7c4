// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/winsorizer.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "safety/anomaly_update.hpp"
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_persistent<Winsorizer>());

Result<Winsorizer> Winsorizer::make(const Config& config) {
  if (Result<void> verdict = detail::check_window(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Winsorizer(config);
}

double Winsorizer::clip(double value) const noexcept {
  if (window_.size() < config_.warm_up || std::isnan(value)) {
    return value;
  }
  return std::clamp(value, window_.quantile(config_.lower), window_.quantile(config_.upper));
}

double Winsorizer::update(double value) noexcept {
  const double passed = clip(value);
  if (!std::isfinite(value)) [[unlikely]] {
    ++skipped_;
    return passed;
  }
  ++values_;
  clipped_ += passed != value ? 1 : 0;
  window_.push(value + 0.0);  // no -0: it would order and store differently
  return passed;
}

void Winsorizer::save(Writer& writer) const {
  writer.u64(values_);
  writer.u64(clipped_);
  writer.u64(skipped_);
  window_.save(writer);
}

Result<void> Winsorizer::load(Reader& reader) {
  Winsorizer loaded(config_);
  loaded.values_ = reader.u64();
  loaded.clipped_ = reader.u64();
  loaded.skipped_ = reader.u64();
  loaded.window_.load(reader);
  const bool sound = loaded.clipped_ <= loaded.values_ && loaded.window_.size() <= loaded.values_;
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description Winsorizer::describe() const {
  Description text;
  text.summary =
      "winsorizer: " + std::to_string(clipped_) + " of " + std::to_string(values_) + " values clipped";
  text.values = {{"values", static_cast<double>(values_)},
                 {"clipped", static_cast<double>(clipped_)},
                 {"skipped", static_cast<double>(skipped_)}};
  return text;
}

}  // namespace attune
