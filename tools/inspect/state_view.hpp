// SPDX-License-Identifier: Apache-2.0
/// @file
/// The state of decision points as names and numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <attune/engine/replay.hpp>

namespace attune::tools {

struct PointView {
  PointMetrics metrics;
  Description description;
  std::vector<std::string> row_names;  ///< arm of each row, or "#1", "#2", ... where rows are no arms
};

[[nodiscard]] Result<std::vector<PointView>> views_of(const Replay& replay);

/// One number of a state, by its name within its point: "arm large: mean".
struct NamedValue {
  std::string row;  ///< empty: of the point
  std::string column;
  double value = 0.0;
};
[[nodiscard]] std::vector<NamedValue> values_of(const PointView& view);

/// Two values that are not the same; NaN on the side that lacks it.
struct Difference {
  std::string point;
  std::string row;
  std::string column;
  double left = 0.0;
  double right = 0.0;
  bool in_left = true;
  bool in_right = true;
};
/// What differs, in the order of the left side.
[[nodiscard]] std::vector<Difference> differences(const std::vector<PointView>& left,
                                                  const std::vector<PointView>& right);

}  // namespace attune::tools
