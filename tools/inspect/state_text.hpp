// SPDX-License-Identifier: Apache-2.0
/// @file
/// The state of a decision point in words and in JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tools/inspect/state_view.hpp"

namespace attune::tools {

[[nodiscard]] std::string point_text(const PointView& view);
[[nodiscard]] nlohmann::ordered_json point_json(const PointView& view);

}  // namespace attune::tools
