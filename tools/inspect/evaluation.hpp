// SPDX-License-Identifier: Apache-2.0
/// @file
/// What another configuration would have learned from a journal, and what its choices would have been worth.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <attune/engine/replay.hpp>

#include "tools/inspect/state_view.hpp"
#include "tools/inspect/stats.hpp"
#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

/// One decision point, judged.
struct PointEvaluation {
  PointView state;  ///< what the other policy believes at the end
  std::uint64_t decisions = 0;
  std::uint64_t filled = 0;              ///< logged as deferred, and found afterwards
  std::uint64_t without_propensity = 0;  ///< logged as deferred, and not found
  std::uint64_t not_one_arm = 0;         ///< several arms, parameters or numbers: left out
  std::uint64_t by_fallback = 0;         ///< not made by the policy: left out
  std::uint64_t certain = 0;             ///< logged with propensity 1: no other arm had a chance
  std::uint64_t refused = 0;             ///< the other policy could not choose
  std::uint64_t sampled = 0;             ///< probability estimated by repeated choices
  std::uint64_t unattributed = 0;        ///< rewards that cannot be given to one decision
  std::uint64_t agreed = 0;              ///< decisions where its likeliest arm is the logged one
  Moments logged;                        ///< rewards of the logged choices, in the rows below
  WeightedRows rows;
  std::string obstacle;  ///< why there is no value; empty: there is
};

/// Lays a configuration over the store's: what FILE says of a point's policy, reward, arms, ... replaces
/// that, what it leaves out stays. Errors: invalid_config.
[[nodiscard]] Result<std::string> laid_over(const std::string& stored, const std::string& given);

/// Folds the journal under `config` up to the slice's end, and judges the decisions of the slice.
/// Errors: invalid_config, and those of Replay.
[[nodiscard]] Result<std::vector<PointEvaluation>> evaluate(StoreReader& reader, const std::string& config,
                                                            const Slice& slice);

}  // namespace attune::tools
