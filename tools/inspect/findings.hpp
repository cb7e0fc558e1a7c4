// SPDX-License-Identifier: Apache-2.0
/// @file
/// What doctor finds, and what it finds about guards and switches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <attune/engine/engine.hpp>

namespace attune::tools {

enum class Urgency : std::uint8_t {
  critical,  ///< data or decisions are at stake now
  warning,   ///< will hurt
  note,      ///< worth knowing
};

struct Finding {
  Urgency urgency{};
  std::string what;
  std::string next;
};

using Findings = std::vector<Finding>;

/// Points that are killed or frozen, guards that are out or test again, and too little exploration.
void check_safety(const std::vector<PointMetrics>& points, Findings& findings);

}  // namespace attune::tools
