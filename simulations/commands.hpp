// SPDX-License-Identifier: Apache-2.0
/// @file
/// The subcommands of attune-sim. Each prints results to stdout, everything else to stderr, and gives the
/// exit code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>

namespace attune::sim {

/// Exit codes; documented in docs/simulation.md.
enum class Exit : int {
  ok = 0,
  failed = 1,  ///< it was started and did not come to its end: files that cannot be written, a check that did
               ///< not hold
  input = 2,   ///< the command line, a scenario or a data file is not as it must be; nothing was run
};

/// To stdout, as it is.
void print(const std::string& text);
/// One line on stderr: "attune-sim: " and the sentence, control characters shown as '?'.
void complain(std::string_view sentence);
/// Complains and gives the exit code for a problem with what the user gave.
[[nodiscard]] Exit refuse(const Error& error);

struct OutputOptions {
  bool json = false;
  std::string csv;     ///< empty: none
  std::string report;  ///< empty: none
  std::string plot;    ///< empty: none
  std::size_t jobs = 0;
  bool quiet = false;  ///< no progress line
};

struct RunArguments {
  std::string scenario;  ///< a file, or the name of a shipped scenario
  std::optional<std::uint64_t> horizon;
  std::optional<std::uint64_t> seeds;
  OutputOptions output;
};
[[nodiscard]] Exit run_command(const RunArguments& arguments);

[[nodiscard]] Exit list_command(bool as_json_text);

struct ReplayArguments {
  std::string log;              ///< open-bandit/..., a CSV file, or a store
  std::string point;            ///< decision point of a store
  std::string arm = "item_id";  ///< columns of a CSV file
  std::string reward = "click";
  std::string propensity = "propensity_score";
  std::vector<std::string> numeric;  ///< columns that are features; see FeatureChoice
  std::vector<std::string> categorical;
  std::vector<std::string> embedding;
  std::vector<std::string> policies;  ///< JSON texts; empty: a default selection
  std::uint64_t seeds = 5;
  double floor = 0.0;
  OutputOptions output;
};
[[nodiscard]] Exit replay_command(const ReplayArguments& arguments);

struct GatewayArguments {
  std::string out = "run-output";
  std::string data = "auto";  ///< auto, recorded, simulated
  std::uint64_t seeds = 10;
  std::uint64_t horizon = 0;  ///< 0: all there is
  double cost_weight = -1.0;  ///< below 0: the data's default
  bool prove = true;          ///< kill and resume
  OutputOptions output;
  // Of the child that is to be killed; see gateway_proof.hpp.
  std::string child_store;
  int child_channel = -1;
};
[[nodiscard]] Exit gateway_command(const GatewayArguments& arguments);

/// Folders in which shipped scenarios are looked for, the nearest first.
[[nodiscard]] std::vector<std::string> scenario_folders();

}  // namespace attune::sim
