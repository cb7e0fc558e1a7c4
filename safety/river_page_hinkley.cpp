// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/river_page_hinkley.hpp>

#include <cmath>
#include <utility>

#include "safety/detector_state.hpp"

namespace attune {

static_assert(check_drift_detector<RiverPageHinkley>());

Result<RiverPageHinkley> RiverPageHinkley::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return RiverPageHinkley(config);
}

void RiverPageHinkley::save(Writer& writer) const {
  detail::save_count(writer, count_);
  writer.i64(state_.values);
  for (const double number : {state_.mean, state_.increase, state_.decrease, state_.least, state_.most}) {
    writer.f64(number);
  }
  writer.boolean(state_.restart);
  writer.boolean(state_.deaf);
}

Result<void> RiverPageHinkley::load(Reader& reader) {
  RiverPageHinkley loaded(config_);
  loaded.count_ = detail::load_count(reader);
  State& s = loaded.state_;
  // Huge values overflow the sums in River too, so that those need not be finite.
  s.values = reader.i64();
  for (double* number : {&s.mean, &s.increase, &s.decrease, &s.least, &s.most}) {
    *number = reader.f64();
  }
  s.restart = reader.boolean();
  s.deaf = reader.boolean();
  const bool sound = s.values >= 0 && static_cast<std::uint64_t>(s.values) <= loaded.count_.values &&
                     !std::isnan(s.least) && !std::isnan(s.most);
  return detail::take_loaded(*this, loaded, reader, sound);
}

Description RiverPageHinkley::describe() const {
  Description text = detail::describe_stream("Page-Hinkley as River does it", count_);
  text.values.emplace_back("instances", static_cast<double>(state_.values));
  text.values.emplace_back("mean", state_.mean);
  text.values.emplace_back("sum_increase", state_.increase);
  text.values.emplace_back("sum_decrease", state_.decrease);
  text.values.emplace_back("deaf", state_.deaf ? 1.0 : 0.0);
  return text;
}

}  // namespace attune
