// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/eddm.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<Eddm>());

Result<Eddm> Eddm::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (config.beta > config.alpha) {
    return fail(Errc::invalid_config,
                "beta = " + number_text(config.beta) + " is above alpha = " + number_text(config.alpha));
  }
  return Eddm(config);
}

void Eddm::reset() noexcept { state_ = {}; }

// The order of the operations is River's: another one rounds differently.
Signal Eddm::update(double value) noexcept {
  if (!detail::counted(count_, value)) [[unlikely]] {
    return Signal::none;
  }
  if (state_.restart) {
    reset();
  }
  State& s = state_;
  ++s.values;
  if (value != 1.0) {
    return s.warning ? Signal::warning : Signal::none;
  }
  ++s.errors;
  const double distance = static_cast<double>(s.values - s.last_error);
  const double old_mean = s.mean;
  s.mean += (1.0 / static_cast<double>(s.errors)) * (distance - s.mean);
  s.squares += (distance - old_mean) * (distance - s.mean);
  s.last_error = s.values;
  if (s.values > config_.warm_start) {
    const double variance = s.errors > 1 ? s.squares / (static_cast<double>(s.errors) - 1.0) : 0.0;
    const double now = s.mean + 2.0 * std::pow(std::max(variance, 0.0), 0.5);
    if (now > s.largest) {
      s.largest = now;
    } else if (s.errors > config_.warm_start) {
      const double level = now / s.largest;
      if (level < config_.beta) {
        s.restart = true;
        ++count_.drifts;
        return Signal::drift;
      }
      s.warning = level < config_.alpha;
    }
  }
  return s.warning ? Signal::warning : Signal::none;
}

void Eddm::save(Writer& writer) const {
  detail::save_count(writer, count_);
  detail::save_members(writer, state_);
}

Result<void> Eddm::load(Reader& reader) {
  Eddm loaded(config_);
  loaded.count_ = detail::load_count(reader);
  loaded.state_ = detail::load_members<State>(reader);
  const State& s = loaded.state_;
  const bool sound = s.last_error <= s.values && s.errors <= s.values && s.values <= loaded.count_.values &&
                     s.squares >= -1e-6 * (1.0 + s.mean * s.mean);
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description Eddm::describe() const {
  Description text = detail::describe_stream("EDDM", count_);
  text.values.emplace_back("mean_distance", state_.mean);
  return text;
}

}  // namespace attune
