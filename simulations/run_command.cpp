// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "simulations/commands.hpp"
#include "simulations/json_reader.hpp"
#include "simulations/output.hpp"
#include "simulations/replay.hpp"
#include "simulations/report.hpp"
#include "simulations/runner.hpp"
#include "simulations/scenario.hpp"

namespace attune::sim {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The file meant by a path or by the name of a shipped scenario.
Result<std::string> find_scenario(const std::string& given) {
  std::error_code ignored;
  if (fs::is_regular_file(given, ignored)) {
    return given;
  }
  for (const std::string& folder : scenario_folders()) {
    const fs::path path = fs::path(folder) / (given + ".json");
    if (given.find('/') == std::string::npos && fs::is_regular_file(path, ignored)) {
      return path.string();
    }
  }
  return fail(Errc::io,
              given + ": there is no such file and no shipped scenario of that name; see attune-sim list");
}

Exit run_log(const json& document, const FileRoots& roots, const RunArguments& arguments) {
  const Result<ReplayPlan> plan = make_replay_plan(document, roots);
  if (!plan) {
    return refuse(plan.error());
  }
  if (!arguments.output.csv.empty() || !arguments.output.report.empty() || !arguments.output.plot.empty()) {
    return refuse({Errc::invalid_argument,
                   "--csv, --report and --plot are for worlds; a replayed log has a table and --json"});
  }
  const Result<ReplayResult> result = run_replay(*plan, arguments.output.jobs, !arguments.output.quiet);
  if (!result) {
    complain(result.error().message);
    return Exit::failed;
  }
  print(arguments.output.json ? replay_json(*plan, *result).dump(2) + "\n" : replay_table(*plan, *result));
  return Exit::ok;
}

Exit run_world(const json& document, const FileRoots& roots, const RunArguments& arguments) {
  const Result<Scenario> scenario = make_scenario(document, roots);
  if (!scenario) {
    return refuse(scenario.error());
  }
  RunnerOptions options;
  options.jobs = arguments.output.jobs;
  options.keep_steps = !arguments.output.csv.empty();
  options.progress = !arguments.output.quiet;
  const Result<ScenarioResult> result = run_scenario(*scenario, options);
  if (!result) {
    complain(result.error().message);
    return Exit::failed;
  }
  print(arguments.output.json ? result_json(*scenario, *result).dump(2) + "\n"
                              : result_table(*scenario, *result));
  if (!arguments.output.csv.empty()) {
    if (Result<void> written = write_steps_csv(arguments.output.csv, *scenario, *result); !written) {
      complain(written.error().message);
      return Exit::failed;
    }
  }
  for (const auto& [path, make] :
       {std::pair(
            &arguments.output.report,
            +[](const Scenario& of, const ScenarioResult& in) { return report_html(of, in, {}); }),
        std::pair(&arguments.output.plot, &regret_svg)}) {
    if (path->empty()) {
      continue;
    }
    if (Result<void> written = write_text_file(*path, make(*scenario, *result)); !written) {
      complain(written.error().message);
      return Exit::failed;
    }
  }
  return Exit::ok;
}

}  // namespace

Exit run_command(const RunArguments& arguments) {
  const Result<std::string> path = find_scenario(arguments.scenario);
  const Result<std::string> text = path ? read_text_file(*path) : tl::unexpected(path.error());
  Result<json> document = text ? parse_json(*text, *path) : tl::unexpected(text.error());
  if (!document) {
    return refuse(document.error());
  }
  if (document->is_object()) {
    if (arguments.horizon) {
      (*document)["horizon"] = *arguments.horizon;
    }
    if (arguments.seeds) {
      (*document)["seeds"] = *arguments.seeds;
    }
  }
  FileRoots roots;
  roots.scenario_folder = fs::path(*path).parent_path().string();
  return is_replay(*document) ? run_log(*document, roots, arguments) : run_world(*document, roots, arguments);
}

}  // namespace attune::sim
