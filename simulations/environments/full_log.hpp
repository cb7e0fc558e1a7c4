// SPDX-License-Identifier: Apache-2.0
/// @file
/// Full-information logs: files in which the outcome of every arm is known for every row.
#pragma once

#include <memory>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/environment.hpp"
#include "simulations/environment_factory.hpp"

namespace attune::sim {

/// A CSV file (plain or gzip) with an outcome column per arm. Each seed goes through the rows in an order of
/// its own.
///
/// Options, either {"preset": "llmrouter-uiuc" | "routellm-evals"} or:
///   "file"      where
///   "outcome"   prefix of the outcome columns; what follows it names the arm
///   "component" name of that outcome, default "quality"
///   "features"  {"bias", "numeric", "categorical", "embedding"}: see FeatureChoice
///   "category"  the column whose values are the categories of steps; none by default
///   "cost"      {"tokens_in": column, "tokens_out": column (optional), "prices": file with the columns
///   model,
///               usd_per_mtok_in, usd_per_mtok_out | {arm: [in, out], ...}}: adds the component "cost" in
///               USD, (tokens_in * price_in + tokens_out * price_out) / 1e6
///   "order"     "shuffle" (default) or "file"
/// "order" may be given beside "preset".
[[nodiscard]] Result<std::unique_ptr<Environment>> make_full_log(const nlohmann::json& given,
                                                                 const FileRoots& roots);

}  // namespace attune::sim
