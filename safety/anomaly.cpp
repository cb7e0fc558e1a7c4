// SPDX-License-Identifier: Apache-2.0
#include <attune/safety/anomaly.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace attune {

LearnAnomalies AnomalyWatch::note(bool is_anomaly) noexcept {
  ++count_.values;
  if (!is_anomaly) [[likely]] {
    row_ = 0;
    return LearnAnomalies::all;
  }
  ++count_.anomalies;
  ++row_;
  return rules_.patience > 0 && row_ >= rules_.patience ? LearnAnomalies::all : rules_.learn;
}

bool AnomalyWatch::take(double& value, const Anomaly& verdict) noexcept {
  const LearnAnomalies learn = note(verdict.is_anomaly);
  // Without a spread there is no bound to clip to, and what is left out would be left out for ever.
  if (learn != LearnAnomalies::all && verdict.lower < verdict.upper) [[unlikely]] {
    if (learn == LearnAnomalies::none) {
      return false;
    }
    value = std::clamp(value, verdict.lower, verdict.upper);
  }
  value = std::clamp(value, -kLargest, kLargest) + 0.0;  // no -0: it would order and store differently
  return true;
}

Anomaly AnomalyWatch::judge(double value, double expected, double spread, double reach) const noexcept {
  const double believed_spread = believed(spread);
  Anomaly verdict;
  verdict.expected = expected;
  verdict.lower = expected - reach * believed_spread;
  verdict.upper = expected + reach * believed_spread;
  verdict.is_anomaly = value < verdict.lower || value > verdict.upper;
  // Of huge values of both signs the distance is infinite.
  const double distance = std::fabs(value - expected);
  verdict.score = distance == 0.0 ? 0.0 : std::min(distance / believed_spread, Anomaly::kMaxScore);
  return verdict;
}

void AnomalyWatch::save(Writer& writer) const {
  writer.u64(count_.values);
  writer.u64(count_.skipped);
  writer.u64(count_.anomalies);
  writer.u64(row_);
}

void AnomalyWatch::load(Reader& reader) noexcept {
  AnomalyWatch loaded(rules_);
  loaded.count_.values = reader.u64();
  loaded.count_.skipped = reader.u64();
  loaded.count_.anomalies = reader.u64();
  loaded.row_ = reader.u64();
  if (loaded.count_.anomalies > loaded.count_.values || loaded.row_ > loaded.count_.anomalies) {
    reader.fail_now();
  }
  if (reader.ok()) {
    *this = loaded;
  }
}

Description AnomalyWatch::describe(std::string_view what) const {
  Description text;
  text.summary = std::string(what) + ": " + std::to_string(count_.anomalies) +
                 (count_.anomalies == 1 ? " anomaly in " : " anomalies in ") + std::to_string(count_.values) +
                 " values";
  text.values = {{"values", static_cast<double>(count_.values)},
                 {"skipped", static_cast<double>(count_.skipped)},
                 {"anomalies", static_cast<double>(count_.anomalies)}};
  return text;
}

}  // namespace attune
