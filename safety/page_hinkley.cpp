// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/page_hinkley.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<PageHinkley>());

Result<PageHinkley> PageHinkley::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return PageHinkley(config);
}

void PageHinkley::reset() noexcept {
  const StreamCount count = count_;
  *this = PageHinkley(config_);
  count_ = count;
}

Signal PageHinkley::warm_up(double value) noexcept {
  if (scale_.add(value)) {
    for (const double first : scale_.first()) {
      collect(scale_.score(first));
    }
    refresh();
  }
  return Signal::none;
}

void PageHinkley::refresh() noexcept {
  const double n = static_cast<double>(scores_);
  mean_ = sum_ / n;
  const double second = squares_ / n;
  const double variance = second - mean_ * mean_;
  if (!(variance > 1e-13 * second) || scores_ < config_.min_instances) {
    limit_ = kNoTest;
    return;
  }
  const double deviation = std::sqrt(variance);
  const double third = cubes_ / n - 3.0 * mean_ * second + 2.0 * mean_ * mean_ * mean_;
  const double skewness = std::fabs(third) / (variance * deviation);
  const double exponent =
      2.0 * config_.delta / (0.5 + std::sqrt(0.25 + 2.0 / 3.0 * skewness * config_.delta));
  slack_ = deviation * (config_.delta + 1.5 / std::sqrt(n));
  limit_ = deviation * config_.threshold * 2.0 * config_.delta / exponent;
}

Signal PageHinkley::suspicious() noexcept {
  const double worst = std::max(watches_up_ ? up_ : 0.0, watches_down_ ? down_ : 0.0);
  if (worst <= limit_) {
    return 2.0 * worst > limit_ ? Signal::warning : Signal::none;
  }
  reset();
  ++count_.drifts;
  return Signal::drift;
}

void PageHinkley::save(Writer& writer) const {
  detail::save_count(writer, count_);
  scale_.save(writer);
  writer.u64(scores_);
  // The format has the doubled sums.
  for (const double number : {sum_, squares_, cubes_, 2.0 * up_, 2.0 * down_, mean_, slack_, limit_}) {
    writer.f64(number);
  }
}

Result<void> PageHinkley::load(Reader& reader) {
  PageHinkley loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.scale_.load(reader);
  loaded.scores_ = reader.u64();
  for (double* number : {&loaded.sum_, &loaded.squares_, &loaded.cubes_, &loaded.up_, &loaded.down_,
                         &loaded.mean_, &loaded.slack_}) {
    *number = reader.finite();
  }
  loaded.up_ *= 0.5;
  loaded.down_ *= 0.5;
  loaded.limit_ = reader.f64();
  const bool sound = loaded.squares_ >= 0.0 && loaded.up_ >= 0.0 && loaded.down_ >= 0.0 &&
                     loaded.slack_ >= 0.0 && loaded.limit_ > 0.0 &&
                     (loaded.scores_ > 0) == loaded.scale_.ready();
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description PageHinkley::describe() const {
  Description text = detail::describe_stream("Page-Hinkley, self-scaling", count_);
  text.values.emplace_back("up", up_ / limit_);
  text.values.emplace_back("down", down_ / limit_);
  text.values.emplace_back("mean", scale_.center() + scale_.scale() * mean_);
  return text;
}

}  // namespace attune
