// SPDX-License-Identifier: Apache-2.0
/// @file
/// From a name and JSON options to a drift detector.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/engine/registry.hpp>
#include <attune/safety/any_detector.hpp>

namespace attune {

/// One shipped detector.
struct DetectorInfo {
  std::string name;
  std::uint32_t state_version = 0;
  std::vector<OptionInfo> options;
};

/// Makes a detector from `{"type": "adwin", "delta": 0.002}`. With `"compat": "river"` it is the one that
/// does exactly what River's of that name does: river_adwin for adwin, river_page_hinkley for page_hinkley;
/// ddm, eddm, hddm_a and hddm_w are River's as they are. `"compat": "attune"` is the default.
///
/// Errors: invalid_config, beginning with `path`, as for Registry; compat = river of a detector that River
/// does not have, or that does not follow it.
[[nodiscard]] Result<AnyDetector> make_detector(const nlohmann::json& spec, std::string_view path = {});

/// JSON Schema of what make_detector() takes.
[[nodiscard]] nlohmann::json detector_schema();

/// What there is, in the order of BuiltinDetectors.
[[nodiscard]] std::vector<DetectorInfo> detectors();

}  // namespace attune
