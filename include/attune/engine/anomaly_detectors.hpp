// SPDX-License-Identifier: Apache-2.0
/// @file
/// From a name and JSON options to an anomaly detector.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/engine/registry.hpp>
#include <attune/safety/any_anomaly_detector.hpp>

namespace attune {

/// One shipped anomaly detector.
struct AnomalyDetectorInfo {
  std::string name;
  std::uint32_t state_version = 0;
  std::vector<OptionInfo> options;
};

/// Makes a detector from `{"type": "hampel", "window": 51}`.
///
/// Errors: invalid_config, beginning with `path`, as for Registry.
[[nodiscard]] Result<AnyAnomalyDetector> make_anomaly_detector(const nlohmann::json& spec,
                                                               std::string_view path = {});

/// JSON Schema of what make_anomaly_detector() takes.
[[nodiscard]] nlohmann::json anomaly_detector_schema();

/// What there is, in the order of BuiltinAnomalyDetectors.
[[nodiscard]] std::vector<AnomalyDetectorInfo> anomaly_detectors();

}  // namespace attune
