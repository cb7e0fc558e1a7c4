// SPDX-License-Identifier: Apache-2.0
/// @file
/// `attune-sim detect`: runs one drift detector over a file with one number a line.
#pragma once

#include <string>
#include <vector>

#include "simulations/commands.hpp"

namespace attune::sim {

struct DetectArguments {
  std::string detector;
  std::vector<std::string> parameters;  ///< name=value
  std::string input;                    ///< "-": standard input
  bool json = false;
  bool statistics = false;
  bool state = false;
};

/// Prints the positions, counted from 0, at which the detector says drift.
///
/// As JSON: {"detector", "n", "detections"}, with `statistics` also "warnings" and "statistics", with `state`
/// the detector's saved state in hexadecimal. A line that is no number is named with its number, and nothing
/// is printed.
[[nodiscard]] Exit detect_command(const DetectArguments& arguments);

}  // namespace attune::sim
