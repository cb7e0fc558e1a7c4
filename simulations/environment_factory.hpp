// SPDX-License-Identifier: Apache-2.0
/// @file
/// Makes environments from JSON: the list of what there is.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/data_folder.hpp"
#include "simulations/environment.hpp"

namespace attune::sim {

/// Where an environment may look for files.
struct FileRoots {
  DataFolder data = DataFolder::from_environment();
  std::string scenario_folder =
      ".";  ///< relative file names are looked for here first, then in the data folder

  /// Errors: io.
  [[nodiscard]] Result<std::string> resolve(const std::string& file) const;
};

/// One kind of environment.
struct EnvironmentKind {
  std::string_view type;
  std::string_view about;  ///< one line for people
  Result<std::unique_ptr<Environment>> (*make)(const nlohmann::json& options, const FileRoots& roots);
};

/// All kinds, in the order they are listed to people.
[[nodiscard]] std::span<const EnvironmentKind> environment_kinds() noexcept;

/// Errors: invalid_config naming the path below "environment"; io and parse for files.
[[nodiscard]] Result<std::unique_ptr<Environment>> make_environment(const nlohmann::json& options,
                                                                    const FileRoots& roots);

}  // namespace attune::sim
