// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/control_charts.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<Cusum>());
static_assert(check_drift_detector<EwmaChart>());

void TrainedScale::collect(double score) noexcept {
  ++scores_;
  const double step = score - mean_;
  mean_ += step / static_cast<double>(scores_);
  squares_ += step * (score - mean_);
}

double TrainedScale::add(double value) noexcept {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (!scale_.ready()) {
    if (scale_.add(value)) {
      for (const double first : scale_.first()) {
        collect(scale_.score(first));
      }
    }
    return kNone;
  }
  (void)scale_.add(value);
  const double score = scale_.score(value);
  // While all values are equal there is no deviation to measure in: training goes on.
  if (scores_ < training_ || squares_ <= 0.0) {
    collect(score);
    return kNone;
  }
  return (score - mean_) / std::sqrt(squares_ / static_cast<double>(scores_));
}

void TrainedScale::save(Writer& writer) const {
  scale_.save(writer);
  writer.u64(scores_);
  writer.f64(mean_);
  writer.f64(squares_);
}

void TrainedScale::load(Reader& reader) noexcept {
  scale_.load(reader);
  scores_ = reader.u64();
  mean_ = reader.finite();
  squares_ = reader.finite();
  if ((scores_ > 0) != scale_.ready() || squares_ < 0.0) {
    reader.fail_now();
  }
}

namespace {

/// Of the size of a statistic against its limit.
[[nodiscard]] Signal signal_of(double size, double limit) noexcept {
  if (size > limit) {
    return Signal::drift;
  }
  return size > 0.5 * limit ? Signal::warning : Signal::none;
}

}  // namespace

Result<Cusum> Cusum::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Cusum(config);
}

void Cusum::reset() noexcept {
  scores_.reset();
  state_ = {};
}

Signal Cusum::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  const double score = scores_.add(value);
  if (std::isnan(score)) {
    return Signal::none;
  }
  state_.up = std::max(0.0, state_.up + score - config_.slack);
  state_.down = std::max(0.0, state_.down - score - config_.slack);
  const double size = std::max(state_.up, state_.down);
  const Signal signal = signal_of(size, config_.threshold);
  if (signal == Signal::drift) {
    reset();
    ++count_.drifts;
  }
  return signal;
}

void Cusum::save(Writer& writer) const {
  detail::save_count(writer, count_);
  scores_.save(writer);
  detail::save_members(writer, state_);
}

Result<void> Cusum::load(Reader& reader) {
  Cusum loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.scores_.load(reader);
  loaded.state_ = detail::load_members<State>(reader);
  const bool sound = loaded.state_.up >= 0.0 && loaded.state_.down >= 0.0;
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description Cusum::describe() const {
  Description text = detail::describe_stream("CUSUM", count_);
  text.values.emplace_back("up", state_.up);
  text.values.emplace_back("down", state_.down);
  return text;
}

Result<EwmaChart> EwmaChart::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return EwmaChart(config);
}

void EwmaChart::reset() noexcept {
  scores_.reset();
  state_ = {};
}

Signal EwmaChart::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  const double score = scores_.add(value);
  if (std::isnan(score)) {
    return Signal::none;
  }
  const double rest = 1.0 - config_.weight;
  state_.average = rest * state_.average + config_.weight * score;
  state_.faded *= rest * rest;
  const double size = std::fabs(state_.average);
  const double limit =
      config_.limit * std::sqrt(config_.weight / (2.0 - config_.weight) * (1.0 - state_.faded));
  const Signal signal = signal_of(size, limit);
  if (signal == Signal::drift) {
    reset();
    ++count_.drifts;
  }
  return signal;
}

void EwmaChart::save(Writer& writer) const {
  detail::save_count(writer, count_);
  scores_.save(writer);
  detail::save_members(writer, state_);
}

Result<void> EwmaChart::load(Reader& reader) {
  EwmaChart loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.scores_.load(reader);
  loaded.state_ = detail::load_members<State>(reader);
  const bool sound = loaded.state_.faded >= 0.0 && loaded.state_.faded <= 1.0;
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description EwmaChart::describe() const {
  Description text = detail::describe_stream("EWMA chart", count_);
  text.values.emplace_back("average", state_.average);
  return text;
}

}  // namespace attune
