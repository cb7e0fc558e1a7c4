// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/hddm.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<HddmA>());
static_assert(check_drift_detector<HddmW>());

// In both, the order of the operations is River's: another one rounds differently.

Result<HddmA> HddmA::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return HddmA(config);
}

void HddmA::reset() noexcept { state_ = {}; }

Signal HddmA::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  if (state_.restart) {
    reset();
  }
  State& s = state_;
  s.values += 1.0;
  s.mean += (1.0 / s.values) * (std::clamp(value, 0.0, 1.0) - s.mean);
  const double evidence = std::log(1.0 / config_.drift_confidence);
  const double now = std::sqrt(1.0 / (2.0 * s.values) * evidence);
  if (s.low_values == 0.0 || s.low_mean + std::sqrt(1.0 / (2.0 * s.low_values) * evidence) >= s.mean + now) {
    s.low_values = s.values;
    s.low_mean = s.mean;
  }
  if (s.high_values == 0.0 ||
      s.high_mean - std::sqrt(1.0 / (2.0 * s.high_values) * evidence) <= s.mean - now) {
    s.high_values = s.values;
    s.high_mean = s.mean;
  }
  bool drift = rose(config_.drift_confidence);
  bool warning = !drift && rose(config_.warning_confidence);
  if (config_.two_sided_test) {
    const bool down = fell(config_.drift_confidence);
    warning = warning || (!down && fell(config_.warning_confidence));
    drift = drift || down;
  }
  if (drift) {
    s.restart = true;
    ++count_.drifts;
    return Signal::drift;
  }
  return warning ? Signal::warning : Signal::none;
}

bool HddmA::rose(double confidence) const noexcept {
  const State& s = state_;
  if (s.low_values == s.values) {
    return false;
  }
  const double m = (s.values - s.low_values) / s.low_values * (1.0 / s.values);
  return s.mean - s.low_mean >= std::sqrt(m / 2.0 * std::log(2.0 / confidence));
}

bool HddmA::fell(double confidence) const noexcept {
  const State& s = state_;
  if (s.high_values == s.values) {
    return false;
  }
  const double m = (s.values - s.high_values) / s.high_values * (1.0 / s.values);
  return s.high_mean - s.mean >= std::sqrt(m / 2.0 * std::log(2.0 / confidence));
}

void HddmA::save(Writer& writer) const {
  detail::save_count(writer, count_);
  detail::save_members(writer, state_);
}

Result<void> HddmA::load(Reader& reader) {
  HddmA loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.state_ = detail::load_members<State>(reader);
  const State& s = loaded.state_;
  const bool sound =
      s.low_values >= 0.0 && s.high_values >= 0.0 && s.low_values <= s.values && s.high_values <= s.values;
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description HddmA::describe() const {
  Description text = detail::describe_stream("HDDM-A", count_);
  text.values.emplace_back("mean", state_.mean);
  return text;
}

Result<HddmW> HddmW::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return HddmW(config);
}

void HddmW::reset() noexcept { state_ = {}; }

void HddmW::Sample::add(double value, double weight) noexcept {
  mean = any ? weight * value + (1.0 - weight) * mean : value;
  any = true;
  bound = weight * weight + (1.0 - weight) * (1.0 - weight) * bound;
}

double HddmW::bound(double squares, double confidence) const noexcept {
  return std::sqrt(squares * std::log(1.0 / confidence) / 2.0);
}

bool HddmW::above(const Sample& first, const Sample& second, double confidence) const noexcept {
  return first.any && second.any && second.mean - first.mean > bound(first.bound + second.bound, confidence);
}

Signal HddmW::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  if (state_.restart) {
    reset();
  }
  State& s = state_;
  const double error = std::clamp(value, 0.0, 1.0);
  const bool first = !s.total.any;
  s.total.add(error, config_.lambda_val);
  const double margin = bound(s.total.bound, config_.drift_confidence);
  if (first || s.total.mean + margin < s.rise_cut) {
    s.rise_cut = s.total.mean + margin;
    s.before_rise = s.total;
    s.after_rise = {};
  } else {
    s.after_rise.add(error, config_.lambda_val);
  }
  if (first || s.total.mean - margin > s.fall_cut) {
    s.fall_cut = s.total.mean - margin;
    s.before_fall = s.total;
    s.after_fall = {};
  } else {
    s.after_fall.add(error, config_.lambda_val);
  }
  bool drift = above(s.before_rise, s.after_rise, config_.drift_confidence);
  bool warning = !drift && above(s.before_rise, s.after_rise, config_.warning_confidence);
  if (config_.two_sided_test) {
    const bool down = above(s.after_fall, s.before_fall, config_.drift_confidence);
    warning = warning || (!down && above(s.after_fall, s.before_fall, config_.warning_confidence));
    drift = drift || down;
  }
  if (drift) {
    s.restart = true;
    ++count_.drifts;
    return Signal::drift;
  }
  return warning ? Signal::warning : Signal::none;
}

void HddmW::save(Writer& writer) const {
  detail::save_count(writer, count_);
  for (const Sample* sample :
       {&state_.total, &state_.before_rise, &state_.after_rise, &state_.before_fall, &state_.after_fall}) {
    writer.f64(sample->mean);
    writer.f64(sample->bound);
    writer.boolean(sample->any);
  }
  writer.f64(state_.rise_cut);
  writer.f64(state_.fall_cut);
  writer.boolean(state_.restart);
}

Result<void> HddmW::load(Reader& reader) {
  HddmW loaded(config_);
  loaded.count_ = detail::load_count(reader);
  State& s = loaded.state_;
  bool sound = true;
  for (Sample* sample : {&s.total, &s.before_rise, &s.after_rise, &s.before_fall, &s.after_fall}) {
    sample->mean = reader.finite();
    sample->bound = reader.finite();
    sample->any = reader.boolean();
    sound = sound && sample->bound >= 0.0 && sample->bound <= 1.0;
  }
  s.rise_cut = reader.finite();
  s.fall_cut = reader.finite();
  s.restart = reader.boolean();
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description HddmW::describe() const {
  Description text = detail::describe_stream("HDDM-W", count_);
  text.values.emplace_back("mean", state_.total.mean);
  return text;
}

}  // namespace attune
