// SPDX-License-Identifier: Apache-2.0
/// @file
/// EngineConfig: the JSON configuration of an engine, read and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/slates.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/rewards/reward_spec.hpp>

#include "engine/drift_config.hpp"
#include "engine/feature_spec.hpp"
#include "engine/safety_config.hpp"
#include "engine/screening_config.hpp"

namespace attune {

/// An arm as configured; arms may come and go later.
struct ArmConfig {
  std::string id;                ///< checked by check_arm_id(), unique in its point
  std::vector<double> features;  ///< PointConfig::action_features finite numbers
  ArmPrior prior;
  bool enabled = true;
};

/// A decision point as configured.
struct PointConfig {
  std::string name;
  std::uint32_t number = 0;  ///< 0, 1, 2, ... in the order of the configuration: append new points at the end
  std::string
      policy_json;  ///< one JSON object with the member "type"; its options are checked by the registry
  std::vector<ArmConfig> arms;
  FeatureSpec features;
  std::size_t action_features = 0;
  RewardSpec reward;
  /// Which parts of the reward were written down: what was not, some families settle by themselves.
  struct RewardGiven {
    bool components = false;
    bool silence = false;
    bool default_reward = false;
  };
  RewardGiven reward_given;
  std::uint32_t size = 0;               ///< of a list of arms; 0: not said
  std::optional<SlateSignal> signal;    ///< what comes back for a list; no value: not said
  std::string fallback;                 ///< id of one of `arms`, or empty
  std::vector<double> fallback_action;  ///< the same where the action is numbers; empty: none
  bool durable = false;                 ///< "acknowledge": "durable": calls return after the commit
  /// Also there, with nothing in it, where a drift boosts exploration or unfamiliar contexts fall back.
  std::optional<SafetyConfig> safety;
  std::vector<DriftWatchConfig> drift;
  ScreeningConfig screening;
  std::string canonical_text;  ///< the point's own part of EngineConfig::canonical_text

  /// What the policy is made with.
  [[nodiscard]] Shape shape() const noexcept {
    return {.arms = arms.size(),
            .features = features.dimension(),
            .action_features = action_features,
            .sparse = features.sparse()};
  }
  /// Where the policy stands in the configuration, for messages: "points.model.policy".
  [[nodiscard]] std::string policy_path() const;
};

struct QueueConfig {
  std::uint64_t bytes = std::uint64_t{1} << 22U;
  bool block = true;  ///< when full: wait; else shed and count
};

struct CheckpointConfig {
  double every_s = 300.0;                   ///< 0: not by time
  std::uint64_t every_records = 1'000'000;  ///< 0: not by number
  std::uint32_t keep = 12;
};

struct EngineConfig {
  std::uint64_t seed = 0;
  bool seed_given = false;
  std::string node;
  bool threads = false;
  QueueConfig queue;
  CheckpointConfig checkpoint;
  std::uint64_t client_keys = 100'000;  ///< so many are remembered; 0: none
  double acknowledge_timeout_s = 10.0;  ///< longest wait of a call at a durable point
  std::vector<PointConfig> points;      ///< at least one; `points[i].number == i`
  /// The same configuration without comments and white space, members sorted by name but for points and
  /// reward components, whose order has a meaning. Reads back to the same configuration.
  std::string canonical_text;
};

/// Reads a configuration. Comments (`//`, `/* */`) are allowed.
/// Errors: invalid_config; the message names the path, the value found and the rule.
/// Cost: linear in the text but for sorting; 100,000 arms take well under a second.
[[nodiscard]] Result<EngineConfig> parse_config(std::string_view json);

}  // namespace attune
