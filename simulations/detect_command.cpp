// SPDX-License-Identifier: Apache-2.0
#include "simulations/detect_command.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/engine/detectors.hpp>

#include "simulations/number_stream.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

struct Found {
  std::uint64_t values = 0;
  std::vector<std::uint64_t> drifts;
  std::vector<std::uint64_t> warnings;
};

json as_json(const Found& found, const AnyDetector& detector, const DetectArguments& arguments) {
  json out = {{"detector", detector.name()}, {"n", found.values}, {"detections", found.drifts}};
  if (arguments.statistics) {
    const StreamCount& count = detector.count();
    json statistics = {{"values", count.values},
                       {"skipped", count.skipped},
                       {"drifts", count.drifts},
                       {"warnings", found.warnings.size()}};
    for (const auto& [name, value] : detector.describe().values) {
      if (!statistics.contains(name)) {
        // JSON has no infinity.
        statistics[name] = std::isfinite(value) ? json(value) : json(nullptr);
      }
    }
    out["warnings"] = found.warnings;
    out["statistics"] = std::move(statistics);
  }
  if (arguments.state) {
    Writer writer;
    detector.save(writer);
    out["state"] = state_json(detector.state_version(), writer.view());
  }
  return out;
}

void print_text(const Found& found, const AnyDetector& detector, bool statistics) {
  std::printf("%s: %zu in %llu values\n", std::string(detector.name()).c_str(), found.drifts.size(),
              static_cast<unsigned long long>(found.values));
  for (const std::uint64_t at : found.drifts) {
    std::printf("  drift at %llu\n", static_cast<unsigned long long>(at));
  }
  if (statistics) {
    for (const auto& [name, value] : detector.describe().values) {
      std::printf("  %s = %s\n", name.c_str(), number_text(value).c_str());
    }
  }
}

}  // namespace

Exit detect_command(const DetectArguments& arguments) {
  const Result<json> spec = spec_of(arguments.detector, arguments.parameters);
  if (!spec) {
    return refuse(spec.error());
  }
  Result<AnyDetector> detector = make_detector(*spec);
  if (!detector) {
    return refuse(detector.error());
  }
  Found found;
  const Result<std::uint64_t> read = read_numbers(arguments.input, [&](double value) {
    const Signal signal = detector->update(value);
    if (signal == Signal::drift) {
      found.drifts.push_back(found.values);
    } else if (signal == Signal::warning) {
      found.warnings.push_back(found.values);
    }
    ++found.values;
  });
  if (!read) {
    return refuse(read.error());
  }
  if (arguments.json) {
    std::printf("%s\n", as_json(found, *detector, arguments).dump().c_str());
  } else {
    print_text(found, *detector, arguments.statistics);
  }
  return Exit::ok;
}

}  // namespace attune::sim
