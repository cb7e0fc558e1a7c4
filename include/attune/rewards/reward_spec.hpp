// SPDX-License-Identifier: Apache-2.0
/// @file
/// RewardSpec: how what comes back for a decision becomes one reward, and how long to wait for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/clock.hpp>
#include <attune/core/config.hpp>
#include <attune/core/error.hpp>

namespace attune {

/// What is kept of a signal that arrives several times.
enum class Aggregation : std::uint8_t { last, sum, mean, max, first };
template <>
inline constexpr std::array<std::string_view, 5> kEnumNames<Aggregation>{"last", "sum", "mean", "max",
                                                                         "first"};

/// How a component is brought to a common scale before it is weighted.
enum class Normalisation : std::uint8_t {
  none,
  range,    ///< (x - min) / (max - min), clipped to [0, 1]
  running,  ///< (x - running mean) / running standard deviation, clipped to [-4, 4]; 0 while fewer than two
            ///< seen; mean and (n-1) deviation are those of the rewards formed before this one
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<Normalisation>{"none", "range", "running"};

/// What happens when the join window ends and required components are missing.
enum class Silence : std::uint8_t {
  default_value,  ///< missing components take their defaults; with none given, the spec's default_reward
  discard,        ///< nothing is learned; counted
  censor,         ///< nothing is learned; the policy is told that the pull is lost; counted as censored
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<Silence>{"default", "discard", "censor"};

/// What happens to an outcome that comes after its decision was closed by the end of the window.
enum class Lateness : std::uint8_t {
  discard,  ///< counted
  learn,    ///< learned as soon as it is complete, if nothing was learned for that decision; refused beside
            ///< silence = default (something always was) and beside chains (their credits are already given)
};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<Lateness>{"discard", "learn"};

/// When a decision's reward is formed.
enum class Closing : std::uint8_t {
  complete,  ///< as soon as every required component has arrived, at the latest when the window ends
  window,    ///< when the window ends, with all that arrived in it
};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<Closing>{"complete", "window"};

/// How a chain of decisions (an episode) shares its rewards.
enum class Credit : std::uint8_t {
  own,   ///< each decision keeps its own reward; no chains
  last,  ///< the sum of the episode's rewards goes to its last rewarded decision, the others are not learned
  uniform,     ///< each decision gets the mean of the episode's rewards
  discounted,  ///< each decision gets its own reward plus the later ones, discounted by lambda per step
  custom,      ///< by a function registered under `credit_function`
  transition,  ///< experience for agents: (state, action, reward, next state, terminal, truncated)
};
template <>
inline constexpr std::array<std::string_view, 6> kEnumNames<Credit>{"own",        "last",   "uniform",
                                                                    "discounted", "custom", "transition"};

/// What happens when max_pending decisions wait and another is made.
enum class Overflow : std::uint8_t {
  expire_oldest,  ///< the oldest is closed as if its window had ended; counted
  refuse,         ///< the new decision is answered but not waited for: its outcome will be unknown; counted
};
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<Overflow>{"expire_oldest", "refuse"};

/// One named part of an outcome: quality, cost, latency, ...
struct ComponentSpec {
  std::string name = "reward";
  double weight = 1.0;
  Aggregation aggregate = Aggregation::last;
  Normalisation normalise = Normalisation::none;
  double range_min = 0.0;  ///< for Normalisation::range
  double range_max = 1.0;
  bool required = true;  ///< Closing::complete waits for it
  bool has_default = false;
  double default_value = 0.0;  ///< used when it is missing at closing; in raw units
  bool has_limit_min = false;  ///< hard limits on the raw aggregated value:
  double limit_min = 0.0;      ///<   a breach replaces the whole reward by RewardSpec::breach_reward
  bool has_limit_max = false;
  double limit_max = 0.0;

  bool operator==(const ComponentSpec&) const = default;
};

/// The whole rule, one per decision point; docs/rewards.md explains it with examples.
///
///     reward = clip( sum over components of weight * normalised(aggregate(values)) , reward_min, reward_max)
///
/// or breach_reward when a component breaks a hard limit. An outcome may instead carry the plain component
/// "reward" where the spec has one component of that name (the default spec).
struct RewardSpec {
  static constexpr std::uint64_t kMostDecisions = 100'000'000;  ///< bound of max_pending and max_closed
  static constexpr std::uint64_t kMostSignals = 65'535;         ///< bound of max_signals

  std::vector<ComponentSpec> components{ComponentSpec{}};
  double join_window_s = 3600.0;  ///< seconds from the decision until it is closed; > 0
  Closing closing = Closing::complete;
  Silence silence = Silence::discard;
  double default_reward = 0.0;
  Lateness late = Lateness::discard;
  double breach_reward = 0.0;
  double reward_min = -1e300;
  double reward_max = 1e300;
  Credit credit = Credit::own;
  double lambda = 0.9;          ///< for Credit::discounted, in [0, 1]
  std::string credit_function;  ///< for Credit::custom
  std::uint64_t max_pending = 100'000;
  std::uint64_t max_closed =
      100'000;                      ///< closed decisions remembered to tell late and duplicate from unknown
  std::uint64_t max_signals = 256;  ///< signals remembered per decision; further ones are refused and counted
  Overflow overflow = Overflow::expire_oldest;

  bool operator==(const RewardSpec&) const = default;
};

/// Components of one specification.
inline constexpr std::size_t kMaxRewardComponents = 64;

/// Checks every rule above. Errors: invalid_config; the message names the field, value and rule.
[[nodiscard]] Result<void> check(const RewardSpec& spec);

}  // namespace attune
