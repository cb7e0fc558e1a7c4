// SPDX-License-Identifier: Apache-2.0
/// @file
/// Replay: what a learning policy would have earned on a log of somebody else's choices.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>

#include "simulations/estimators.hpp"
#include "simulations/logged_data.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {

/// A log, the policies to replay on it, and the seeds to do so with.
struct ReplayPlan {
  std::string name;
  std::string about;
  LoggedData data;
  std::vector<PolicyEntry> policies;
  std::vector<std::uint64_t> seeds;
  double floor = 0.0;  ///< see replay_policy(); 0: the log's smallest propensity
};

/// Estimates of one policy's mean reward.
struct ReplayEstimate {
  std::string name;
  std::uint64_t rows = 0;      ///< of the log
  std::uint64_t matched = 0;   ///< rows on which the policy chose as the log did
  std::uint64_t accepted = 0;  ///< of those, learned from
  Interval replay;             ///< mean reward of the accepted rows
  Interval ips;
  Interval snips;
  double effective_sample_size = 0.0;
};

/// Runs a policy over the log on a real engine, by rejection sampling: it is asked at each row; where it
/// chooses as the log did, the row is accepted with probability min(1, floor / propensity) and its reward
/// learned; every other decision is withdrawn (its join window ends at once, and the policy is told that the
/// pull is lost).
///
/// With floor at most the smallest propensity, the accepted rows are distributed as if the policy had acted
/// by itself: their mean reward is an unbiased estimate of its value. A larger floor accepts more and is
/// biased towards arms that the logger liked. IPS and SNIPS use every row, weighted 1/propensity where the
/// choices match.
///
/// Source: Li, Chu, Langford, Wang (2011), "Unbiased Offline Evaluation of Contextual-bandit-based News
/// Article Recommendation Algorithms", WSDM, algorithm 3 (uniform logs); Dudik, Erhan, Langford, Li (2012),
/// "Sample-efficient Nonstationary Policy Evaluation for Contextual Bandits", UAI, for rejection by
/// propensity.
[[nodiscard]] Result<ReplayEstimate> replay_policy(const LoggedData& data, const PolicyEntry& policy,
                                                   std::uint64_t seed, double floor);

struct ReplayResult {
  ReplayEstimate logger;                              ///< the log's own mean reward
  ReplayEstimate uniform;                             ///< choosing every arm with the same probability
  std::vector<std::vector<ReplayEstimate>> policies;  ///< by policy, by seed
  double floor = 0.0;
};

/// Builds a plan from a scenario whose environment has the type "logged_bandit". Errors: as make_scenario().
[[nodiscard]] Result<ReplayPlan> make_replay_plan(const nlohmann::json& document, const FileRoots& roots);
/// The reward specification that policies are replayed under.
[[nodiscard]] std::string_view replay_reward() noexcept;
/// Whether a scenario is one for replay.
[[nodiscard]] bool is_replay(const nlohmann::json& document);

/// Replays all policies over all seeds on `jobs` threads (0: as many as the machine has).
[[nodiscard]] Result<ReplayResult> run_replay(const ReplayPlan& plan, std::size_t jobs, bool progress);

/// Averages the estimates of a policy over seeds, interval ends too.
[[nodiscard]] ReplayEstimate average(const std::vector<ReplayEstimate>& estimates);
/// Wall-clock seconds since the start of a replay.
struct ReplayPace {
  double read = 0.0;   ///< until the log was read
  double total = 0.0;  ///< until the end
};

/// With `pace` also how fast it went: no part of the result, and another every time.
[[nodiscard]] std::string replay_table(const ReplayPlan& plan, const ReplayResult& result,
                                       const ReplayPace* pace = nullptr);
[[nodiscard]] nlohmann::json replay_json(const ReplayPlan& plan, const ReplayResult& result,
                                         const ReplayPace* pace = nullptr);

}  // namespace attune::sim
