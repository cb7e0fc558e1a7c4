// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/commands.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/replay.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;

/// What is replayed when nothing is asked for.
constexpr std::array<std::string_view, 4> kDefaultPolicies{
    R"({"type":"epsilon_greedy"})", R"({"type":"ucb1"})", R"({"type":"thompson_beta"})",
    R"({"type":"lin_ucb"})"};

/// SQLite's first sixteen bytes.
bool is_sqlite(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 16> start{};
  file.read(start.data(), start.size());
  return file.gcount() == static_cast<std::streamsize>(start.size()) &&
         std::string_view(start.data(), 15) == "SQLite format 3";
}

Result<LoggedData> read_log(const ReplayArguments& arguments) {
  const FileRoots roots;
  if (arguments.log.starts_with("open-bandit/") && !arguments.log.ends_with(".csv")) {
    return read_logged_csv({{"preset", arguments.log}}, roots);
  }
  if (is_sqlite(arguments.log)) {
    return read_logged_store(arguments.log, arguments.point);
  }
  json options = {{"file", arguments.log},
                  {"arm", arguments.arm},
                  {"reward", arguments.reward},
                  {"propensity", arguments.propensity},
                  {"features",
                   {{"numeric", arguments.numeric},
                    {"categorical", arguments.categorical},
                    {"embedding", arguments.embedding}}}};
  return read_logged_csv(options, roots);
}

Result<std::vector<PolicyEntry>> read_given_policies(const ReplayArguments& arguments,
                                                     const EnvironmentInfo& info) {
  json list = json::array();
  std::vector<std::string> texts = arguments.policies;
  if (texts.empty()) {
    for (const std::string_view text : kDefaultPolicies) {
      if (text.find("lin_") == std::string_view::npos || !info.features.empty()) {
        texts.emplace_back(text);
      }
    }
  }
  for (const std::string& text : texts) {
    Result<json> policy = parse_json(text, "--policy");
    if (!policy) {
      return tl::unexpected(std::move(policy).error());
    }
    list.push_back(std::move(*policy));
  }
  return read_policies(&list, info);
}

}  // namespace

Exit replay_command(const ReplayArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  Result<LoggedData> data = read_log(arguments);
  if (!data) {
    return refuse(data.error());
  }
  ReplayPace pace{.read = seconds()};
  ReplayPlan plan;
  plan.name = "replay of " + arguments.log;
  plan.data = std::move(*data);
  plan.floor = arguments.floor;
  for (std::uint64_t seed = 1; seed <= arguments.seeds; ++seed) {
    plan.seeds.push_back(seed);
  }
  Result<std::vector<PolicyEntry>> policies = read_given_policies(arguments, plan.data.info);
  if (!policies) {
    return refuse(policies.error());
  }
  plan.policies = std::move(*policies);
  if (Result<void> good = check_policies(plan.data.info, std::string(replay_reward()), plan.policies);
      !good) {
    return refuse(good.error());
  }
  const Result<ReplayResult> result = run_replay(plan, arguments.output.jobs, !arguments.output.quiet);
  if (!result) {
    complain(result.error().message);
    return Exit::failed;
  }
  pace.total = seconds();
  const std::string text = arguments.output.json ? replay_json(plan, *result, &pace).dump(2) + "\n"
                                                 : replay_table(plan, *result, &pace);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Exit::ok;
}

}  // namespace attune::sim
