// SPDX-License-Identifier: Apache-2.0
/// @file
/// The ids of several arms that were shown, as one text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/short_text.hpp>

#include "engine/arm_table.hpp"

namespace attune {

/// The ids of `values` (ShownArm), a newline between two: no id holds one. False, and none, where one of them
/// has gone.
bool name_shown(const ArmTable& arms, std::span<const double> values, std::string& names);

/// The ids out of that. No allocation once `out` had room for as many.
void split_shown(std::string_view names, std::vector<ShortText>& out);

}  // namespace attune
