// SPDX-License-Identifier: Apache-2.0
/// @file
/// SafetyConfig: what a decision point's "safety" says. docs/safety.md explains each option.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/config.hpp>

namespace attune {

/// What a guard looks at.
enum class GuardKind : std::uint8_t { latency, rate, quality, budget, share };
template <>
inline constexpr std::array<std::string_view, 5> kEnumNames<GuardKind>{"latency", "rate", "quality", "budget",
                                                                       "share"};

/// Whom it judges.
enum class GuardScope : std::uint8_t { arm, point };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<GuardScope>{"arm", "point"};

/// What happens when it trips. mask: the arm is taken out; snapshot, allocation: that rung answers instead of
/// the live policy; watch: it is only told.
enum class GuardAction : std::uint8_t { mask, snapshot, allocation, watch };
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<GuardAction>{"mask", "snapshot", "static",
                                                                         "watch"};

struct GuardConfig {
  std::string name;  ///< unique at its point
  GuardKind kind{};
  GuardScope per = GuardScope::arm;
  GuardAction action = GuardAction::mask;
  bool restore = false;   ///< snapshot: it becomes the live policy too
  std::string component;  ///< of the reward; none for shares
  double limit = 0.0;
  double recover = 0.0;           ///< on the good side of limit, or limit itself
  double quantile = 0.95;         ///< latency
  double above = 0.5;             ///< rate: larger values are bad
  double z = 1.6448536269514722;  ///< rate, quality: of the one-sided confidence
  std::uint64_t window = 200;     ///< in samples; 0: window_s holds
  double window_s = 0.0;
  std::uint64_t min_samples = 20;
  double cooldown_s = 60.0;
  double cooldown_max_s = 3600.0;
  std::uint64_t probation_samples = 20;
  double period_s = 86'400.0;  ///< budget
  double carry_over = 0.0;     ///< budget: share of what is left that the next period may spend too
};

struct ConservativeConfig {
  std::string baseline;  ///< an arm
  double alpha = 0.1;
  double delta = 0.05;
  double low = 0.0;  ///< range of the reward
  double high = 1.0;
};

struct ExplorationConfig {
  double max_share = 1.0;       ///< 1: no cap
  double alarm_below = 0.0;     ///< 0: no alarm
  std::uint64_t window = 1000;  ///< in decisions
  std::uint64_t min_trials = 0;
  double trial_share = 0.2;                            ///< of decisions, while an arm has too few trials
  std::vector<std::pair<std::string, double>> floors;  ///< least share of an arm, sorted by id
  double floor = 0.0;                                  ///< that of each other arm
  std::optional<ConservativeConfig> conservative;

  [[nodiscard]] bool floored() const noexcept { return floor > 0.0 || !floors.empty(); }
  [[nodiscard]] bool watched() const noexcept { return max_share < 1.0 || alarm_below > 0.0; }
};

struct SafetyConfig {
  std::vector<std::pair<std::string, double>> allocation;  ///< arm, share > 0; empty: none
  std::vector<GuardConfig> guards;
  ExplorationConfig exploration;
  double probation_share = 0.05;
  std::uint64_t snapshot_every = 0;  ///< in decisions; 0: no snapshots
};

}  // namespace attune
