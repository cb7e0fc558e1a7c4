// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/kswin.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include <attune/safety/two_sample.hpp>
#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<Kswin>());

Kswin::Kswin(const Config& config)
    : config_(config), window_(config.window_size, 0.0), sorted_(config.window_size, 0.0) {}

Result<Kswin> Kswin::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.stat_size > config.window_size / 2) {
    return fail(Errc::invalid_config,
                "stat_size = " + std::to_string(config.stat_size) +
                    " is more than half of window_size = " + std::to_string(config.window_size));
  }
  return Kswin(config);
}

void Kswin::reset() noexcept {
  since_ = 0;
  held_ = 0;
  next_ = 0;
  std::fill(window_.begin(), window_.end(), 0.0);
}

Signal Kswin::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  window_[next_] = value;
  next_ = (next_ + 1) % window_.size();
  held_ = std::min(held_ + 1, window_.size());
  ++since_;
  if (held_ < window_.size() || since_ < config_.stride) {
    return Signal::none;
  }
  since_ = 0;
  return test();
}

Signal Kswin::test() noexcept {
  const std::size_t newer = config_.stat_size;
  const std::size_t older = window_.size() - newer;
  std::rotate_copy(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(next_), window_.end(),
                   sorted_.begin());
  const auto middle = sorted_.begin() + static_cast<std::ptrdiff_t>(older);
  std::sort(sorted_.begin(), middle);
  std::sort(middle, sorted_.end());
  const double distance = ks_distance(std::span(sorted_).first(older), std::span(sorted_).last(newer));
  std::fill(sorted_.begin(), sorted_.end(), 0.0);
  const double p = ks_p_value(distance, older, newer);
  if (p >= config_.alpha) {
    return p < std::sqrt(config_.alpha) ? Signal::warning : Signal::none;
  }
  // The newest stay: the ring is turned so that they come first.
  std::rotate(window_.begin(),
              window_.begin() + static_cast<std::ptrdiff_t>((next_ + older) % window_.size()), window_.end());
  std::fill(window_.begin() + static_cast<std::ptrdiff_t>(newer), window_.end(), 0.0);
  held_ = newer;
  next_ = newer;
  ++count_.drifts;
  return Signal::drift;
}

void Kswin::save(Writer& writer) const {
  detail::save_count(writer, count_);
  writer.u64(since_);
  writer.u64(held_);
  writer.u64(next_);
  writer.numbers(window_);
}

Result<void> Kswin::load(Reader& reader) {
  Kswin loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.since_ = reader.u64();
  loaded.held_ = reader.u64();
  loaded.next_ = reader.u64();
  loaded.window_ = reader.exactly<double>(config_.window_size);
  const std::size_t size = loaded.window_.size();
  const bool sound =
      loaded.held_ <= size && loaded.next_ < size && (loaded.held_ == size || loaded.next_ == loaded.held_) &&
      std::all_of(loaded.window_.begin(), loaded.window_.end(), [](double x) { return std::isfinite(x); });
  return detail::take_loaded(*this, std::move(loaded), reader, sound);
}

Description Kswin::describe() const {
  Description text = detail::describe_stream("KSWIN", count_);
  text.values.emplace_back("held", static_cast<double>(held_));
  return text;
}

}  // namespace attune
