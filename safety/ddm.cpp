// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/ddm.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<Ddm>());

Result<Ddm> Ddm::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return Ddm(config);
}

void Ddm::reset() noexcept { state_ = {}; }

// The order of the operations is River's: another one rounds differently.
Signal Ddm::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  if (state_.restart) {
    reset();
  }
  State& s = state_;
  ++s.values;
  const double n = static_cast<double>(s.values);
  s.rate += (1.0 / n) * (std::clamp(value, 0.0, 1.0) - s.rate);
  // Rounding may carry the mean of ones a hair beyond 1.
  const double deviation = std::sqrt(std::max(s.rate * (1.0 - s.rate) / n, 0.0));
  if (s.values <= config_.warm_start) {
    return Signal::none;
  }
  const double now = s.rate + deviation;
  if (!s.has_least || now <= s.least_rate + s.least_deviation) {
    s.has_least = true;
    s.least_rate = s.rate;
    s.least_deviation = deviation;
  }
  if (now > s.least_rate + config_.drift_threshold * s.least_deviation) {
    s.restart = true;
    ++count_.drifts;
    return Signal::drift;
  }
  return now > s.least_rate + config_.warning_threshold * s.least_deviation ? Signal::warning : Signal::none;
}

void Ddm::save(Writer& writer) const {
  detail::save_count(writer, count_);
  detail::save_members(writer, state_);
}

Result<void> Ddm::load(Reader& reader) {
  Ddm loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.state_ = detail::load_members<State>(reader);
  const State& s = loaded.state_;
  const bool sound =
      s.rate >= -1e-9 && s.rate <= 1.0 + 1e-9 && s.least_deviation >= 0.0 && s.values <= loaded.count_.values;
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description Ddm::describe() const {
  Description text = detail::describe_stream("DDM", count_);
  text.values.emplace_back("error_rate", state_.rate);
  text.values.emplace_back("least_error_rate", state_.least_rate);
  return text;
}

}  // namespace attune
