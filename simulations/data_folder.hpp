// SPDX-License-Identifier: Apache-2.0
/// @file
/// DataFolder: where recorded data is looked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>

namespace attune::sim {

/// Finds the folder with the recorded data sets: the environment variable ATTUNE_DATA when it is set, else
/// the first there is of ../shared/data beside the current directory and beside any folder above the program.
/// Read only: nothing in attune-sim writes there.
class DataFolder {
 public:
  [[nodiscard]] static DataFolder from_environment();
  /// Looks in this folder only.
  explicit DataFolder(std::string path) : candidates_{std::move(path)} {}

  /// Path of `relative`, e.g. "llmrouter-uiuc/outcomes.csv.gz".
  /// Errors: io; the message says where it was looked for and how to name the folder.
  [[nodiscard]] Result<std::string> find(std::string_view relative) const;

 private:
  DataFolder() = default;
  std::vector<std::string> candidates_;
  bool named_ = false;
};

}  // namespace attune::sim
