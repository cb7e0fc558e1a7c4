// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/stepd.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<Stepd>());

Stepd::Stepd(const Config& config) : config_(config), window_(config.window_size, 0) {}

Result<Stepd> Stepd::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Stepd(config);
}

void Stepd::reset() noexcept {
  values_ = 0;
  older_errors_ = 0;
  newer_errors_ = 0;
  next_ = 0;
  std::fill(window_.begin(), window_.end(), std::uint8_t{0});
}

Signal Stepd::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  const std::uint8_t error = value > 0.5 ? 1 : 0;
  if (values_ >= window_.size()) {
    older_errors_ += window_[next_];
    newer_errors_ -= window_[next_];
  }
  window_[next_] = error;
  newer_errors_ += error;
  next_ = (next_ + 1) % config_.window_size;
  ++values_;
  if (values_ < 2 * std::uint64_t{config_.window_size}) {
    return Signal::none;
  }
  const double newer = static_cast<double>(window_.size());
  const double older = static_cast<double>(values_) - newer;
  const double rate_before = static_cast<double>(older_errors_) / older;
  const double rate_now = static_cast<double>(newer_errors_) / newer;
  const double rate = static_cast<double>(older_errors_ + newer_errors_) / (older + newer);
  const double m = 1.0 / older + 1.0 / newer;
  const double excess = rate_now - rate_before - 0.5 * m;
  if (excess <= 0.0) {
    return Signal::none;
  }
  const double p = std::erfc(excess / std::sqrt(rate * (1.0 - rate) * m) / std::numbers::sqrt2);
  if (p < config_.drift_alpha) {
    reset();
    ++count_.drifts;
    return Signal::drift;
  }
  return p < config_.warning_alpha ? Signal::warning : Signal::none;
}

void Stepd::save(Writer& writer) const {
  detail::save_count(writer, count_);
  writer.u64(values_);
  writer.u64(older_errors_);
  writer.u32(next_);
  writer.numbers(window_);
}

Result<void> Stepd::load(Reader& reader) {
  Stepd loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.values_ = reader.u64();
  loaded.older_errors_ = reader.u64();
  loaded.next_ = reader.u32();
  loaded.window_ = reader.exactly<std::uint8_t>(config_.window_size);
  bool sound = loaded.next_ == loaded.values_ % config_.window_size;
  for (const std::uint8_t error : loaded.window_) {
    sound = sound && error <= 1;
    loaded.newer_errors_ += error;
  }
  const std::uint64_t newer = std::min<std::uint64_t>(loaded.values_, config_.window_size);
  sound = sound && loaded.older_errors_ <= loaded.values_ - newer && loaded.newer_errors_ <= newer;
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description Stepd::describe() const {
  Description text = detail::describe_stream("STEPD", count_);
  text.values.emplace_back("window_errors", static_cast<double>(newer_errors_));
  text.values.emplace_back("older_errors", static_cast<double>(older_errors_));
  return text;
}

}  // namespace attune
