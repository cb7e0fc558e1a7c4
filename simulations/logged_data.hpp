// SPDX-License-Identifier: Apache-2.0
/// @file
/// LoggedData: choices that were made, with what they earned and how likely they were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// Rows in the order in which they were made.
struct LoggedData {
  EnvironmentInfo info;          ///< arms, features; one component "reward"
  std::vector<double> contexts;  ///< rows x features
  std::vector<std::size_t> arm;  ///< the choice
  std::vector<double> reward;
  std::vector<double> propensity;  ///< in (0, 1]
  std::uint64_t left_out = 0;      ///< rows of the source that cannot be used
  std::string left_out_why;        ///< one sentence; empty when there are none

  [[nodiscard]] std::size_t rows() const noexcept { return arm.size(); }
  [[nodiscard]] std::span<const double> context(std::size_t row) const {
    return std::span(contexts).subspan(row * info.features.size(), info.features.size());
  }
};

/// Reads a CSV log. Options: {"preset": "open-bandit/random/women"} (random or bts; all, men or women), or
/// "file", "arm", "reward", "propensity" (columns) and "features" (see FeatureChoice). Arms are the values of
/// the arm column. Errors: invalid_config, io, parse (also for a propensity outside (0, 1]).
[[nodiscard]] Result<LoggedData> read_logged_csv(const nlohmann::json& options, const FileRoots& roots);

/// Reads the decisions of one point of an attune store, joined with their outcomes: the last value of each
/// component counts, valued by the point's reward specification. Decisions with a deferred propensity,
/// without a complete outcome, without the name of their arm, or not answered by the live policy are left out
/// and counted; erased ones are passed over. An empty name means the only point. Errors: io, corrupt_state,
/// unknown_point, unsupported (contexts that are not dense, optimizers).
[[nodiscard]] Result<LoggedData> read_logged_store(const std::string& path, const std::string& point);

}  // namespace attune::sim
