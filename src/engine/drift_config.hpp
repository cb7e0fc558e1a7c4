// SPDX-License-Identifier: Apache-2.0
/// @file
/// DriftWatchConfig: one entry of a decision point's "drift". docs/drift.md explains each option.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/config.hpp>
#include <attune/core/error.hpp>
#include <attune/safety/any_detector.hpp>

namespace attune {

struct JsonPath;
struct PointConfig;

/// Which numbers are watched.
enum class DriftStream : std::uint8_t { reward, reward_per_arm, residual, component, feature, features };
template <>
inline constexpr std::array<std::string_view, 6> kEnumNames<DriftStream>{
    "reward", "reward_per_arm", "residual", "component", "feature", "features"};

/// What a drift does. Every drift is counted and logged; log: nothing else.
enum class DriftAction : std::uint8_t {
  log,
  alert,
  boost_exploration,
  forget,
  reset_arm,
  reset_policy,
  snapshot,
  retrain
};
inline constexpr std::size_t kDriftActions = 8;
template <>
inline constexpr std::array<std::string_view, kDriftActions> kEnumNames<DriftAction>{
    "log", "alert", "boost_exploration", "forget", "reset_arm", "reset_policy", "snapshot", "retrain"};

/// Whose evidence is old when one arm has drifted.
enum class DriftScope : std::uint8_t { arm, all };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<DriftScope>{"arm", "all"};

/// How the features of a context become streams.
enum class DriftForm : std::uint8_t { each, projection };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<DriftForm>{"each", "projection"};

struct DriftWatchConfig {
  std::string name;  ///< unique at its point
  DriftStream stream = DriftStream::reward;
  std::string component;             ///< component
  std::string feature;               ///< feature: its name, or its number as text
  std::uint32_t column = 0;          ///< feature: its place in the dense context
  DriftForm form = DriftForm::each;  ///< features
  std::uint32_t streams = 1;         ///< features: detectors; columns, or projections
  /// What each stream begins with. Of features, with the rate of false alarms divided by `streams`.
  std::optional<AnyDetector> detector;
  /// Canonical JSON of what is watched with what: a state under another one is not taken over.
  std::string identity;
  std::uint32_t actions = 0;  ///< bit DriftAction
  DriftScope scope = DriftScope::arm;
  std::uint64_t cooldown = 100;         ///< decisions
  double alert_s = 3600.0;              ///< alert
  std::uint64_t boost_decisions = 200;  ///< boost_exploration
  double boost_share = 0.2;             ///< of those decisions, chosen uniformly
  double keep = 0.1;                    ///< forget: what is left of the evidence

  [[nodiscard]] bool does(DriftAction action) const noexcept {
    return (actions >> static_cast<unsigned>(action) & 1U) != 0;
  }
  /// It changes what the policy has learned.
  [[nodiscard]] bool changes_policy() const noexcept {
    return does(DriftAction::forget) || does(DriftAction::reset_arm) || does(DriftAction::reset_policy) ||
           does(DriftAction::snapshot);
  }
};

/// Reads a point's "drift"; `point` has everything but its safety. Errors: invalid_config.
[[nodiscard]] Result<std::vector<DriftWatchConfig>> read_drift(const nlohmann::ordered_json& value,
                                                               const JsonPath& path,
                                                               const PointConfig& point);

/// JSON Schema of one entry.
[[nodiscard]] nlohmann::ordered_json drift_watch_schema();

}  // namespace attune
