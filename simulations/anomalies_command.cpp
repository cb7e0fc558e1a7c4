// SPDX-License-Identifier: Apache-2.0
#include "simulations/anomalies_command.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/engine/anomaly_detectors.hpp>

#include "simulations/number_stream.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

struct Outlier {
  std::uint64_t at = 0;
  double value = 0.0;
  Anomaly verdict;
};

json as_json(const std::vector<Outlier>& found, std::uint64_t values, const AnyAnomalyDetector& detector,
             const AnomaliesArguments& arguments) {
  json anomalies = json::array();
  for (const Outlier& one : found) {
    anomalies.push_back({{"at", one.at},
                         {"value", one.value},
                         {"score", one.verdict.score},
                         {"expected", one.verdict.expected},
                         {"lower", one.verdict.lower},
                         {"upper", one.verdict.upper}});
  }
  json out = {{"detector", detector.name()}, {"n", values}, {"anomalies", std::move(anomalies)}};
  if (arguments.statistics) {
    json statistics = json::object();
    for (const auto& [name, value] : detector.describe().values) {
      // Counts without a dot; JSON has no infinity.
      const bool whole = value >= 0.0 && value < 9e15 && value == std::floor(value);
      statistics[name] = whole                  ? json(static_cast<std::uint64_t>(value))
                         : std::isfinite(value) ? json(value)
                                                : json(nullptr);
    }
    out["statistics"] = std::move(statistics);
  }
  if (arguments.state) {
    Writer writer;
    detector.save(writer);
    out["state"] = state_json(detector.state_version(), writer.view());
  }
  return out;
}

void print_text(const std::vector<Outlier>& found, std::uint64_t values, const AnyAnomalyDetector& detector,
                bool statistics) {
  std::printf("%s: %zu in %llu values\n", std::string(detector.name()).c_str(), found.size(),
              static_cast<unsigned long long>(values));
  for (const Outlier& one : found) {
    std::printf("  %s at %llu, score %.3g, expected %.6g in [%.6g, %.6g]\n", number_text(one.value).c_str(),
                static_cast<unsigned long long>(one.at), one.verdict.score, one.verdict.expected,
                one.verdict.lower, one.verdict.upper);
  }
  if (statistics) {
    for (const auto& [name, value] : detector.describe().values) {
      std::printf("  %s = %s\n", name.c_str(), number_text(value).c_str());
    }
  }
}

}  // namespace

Exit anomalies_command(const AnomaliesArguments& arguments) {
  const Result<json> spec = spec_of(arguments.detector, arguments.parameters);
  if (!spec) {
    return refuse(spec.error());
  }
  Result<AnyAnomalyDetector> detector = make_anomaly_detector(*spec);
  if (!detector) {
    return refuse(detector.error());
  }
  std::vector<Outlier> found;
  std::uint64_t values = 0;
  const Result<std::uint64_t> read = read_numbers(arguments.input, [&](double value) {
    const Anomaly verdict = detector->update(value);
    if (verdict.is_anomaly) {
      found.push_back({.at = values, .value = value, .verdict = verdict});
    }
    ++values;
  });
  if (!read) {
    return refuse(read.error());
  }
  if (arguments.json) {
    std::printf("%s\n", as_json(found, values, *detector, arguments).dump().c_str());
  } else {
    print_text(found, values, *detector, arguments.statistics);
  }
  return Exit::ok;
}

}  // namespace attune::sim
