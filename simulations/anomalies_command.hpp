// SPDX-License-Identifier: Apache-2.0
/// @file
/// `attune-sim anomalies`: runs one anomaly detector over a file with one number a line.
#pragma once

#include <string>
#include <vector>

#include "simulations/commands.hpp"

namespace attune::sim {

struct AnomaliesArguments {
  std::string detector;
  std::vector<std::string> parameters;  ///< name=value
  std::string input;                    ///< "-": standard input
  bool json = false;
  bool statistics = false;
  bool state = false;
};

/// Prints the anomalies: position, counted from 0, value, score, what was expected and the bounds.
///
/// As JSON: {"detector", "n", "anomalies": [{"at", "value", "score", "expected", "lower", "upper"}]}, with
/// `statistics` also the detector's numbers, with `state` its saved state in hexadecimal. A line that is no
/// number is named with its number, and nothing is printed.
[[nodiscard]] Exit anomalies_command(const AnomaliesArguments& arguments);

}  // namespace attune::sim
