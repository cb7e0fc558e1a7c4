// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/commands.hpp"
#include "simulations/data_folder.hpp"
#include "simulations/gateway_proof.hpp"
#include "simulations/gateway_scenario.hpp"
#include "simulations/output.hpp"
#include "simulations/report.hpp"
#include "simulations/runner.hpp"
#include "simulations/text_table.hpp"

namespace attune::sim {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kRecordedFile = "llmrouter-uiuc/outcomes.csv.gz";

/// A policy's name as a file name.
std::string slug(const std::string& name) {
  std::string out;
  for (const char c : name) {
    out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-';
  }
  return out;
}

GatewaySettings settings_of(const GatewayArguments& arguments) {
  GatewaySettings out;
  out.recorded = arguments.data == "recorded" ||
                 (arguments.data == "auto" && DataFolder::from_environment().find(kRecordedFile).has_value());
  out.seeds = arguments.seeds;
  out.horizon = arguments.horizon;
  out.cost_weight = arguments.cost_weight;
  return out;
}

std::size_t proof_policy(const Scenario& scenario) {
  const auto found = std::find_if(scenario.policies.begin(), scenario.policies.end(),
                                  [](const PolicyEntry& policy) { return policy.name == kProofPolicy; });
  return static_cast<std::size_t>(found - scenario.policies.begin());
}

std::string store_path(const GatewayArguments& arguments, const Scenario& scenario, std::size_t policy) {
  return (fs::path(arguments.out) / (slug(scenario.policies[policy].name) + ".db")).string();
}

/// The same requests with reward = quality: how much of the difference to the best single model is routing
/// and how much is thrift. In memory, the proof's policy only.
Result<ReportSection> quality_alone(const GatewayArguments& arguments, GatewaySettings settings) {
  settings.cost_weight = 0.0;
  Result<Scenario> scenario = make_gateway_scenario(settings, FileRoots{});
  if (!scenario) {
    return tl::unexpected(std::move(scenario).error());
  }
  scenario->policies = {scenario->policies[proof_policy(*scenario)]};
  RunnerOptions options;
  options.jobs = arguments.output.jobs;
  options.progress = !arguments.output.quiet;
  const Result<ScenarioResult> result = run_scenario(*scenario, options);
  if (!result) {
    return tl::unexpected(result.error());
  }
  ReportSection out{"When cost does not count: reward = quality", {}};
  for (const ResultRow& row : result->rows) {
    const Estimate quality =
        estimate_of(row, [&](const Course& c) { return c.reward / static_cast<double>(scenario->horizon); });
    out.lines.emplace_back(
        row.name, row.baseline ? fixed(quality.mean, 4) : with_error(quality.mean, quality.error, 4));
  }
  return out;
}

/// The proof in words, for terminal and report.
ReportSection proof_section(const ProofResult& proof, const std::string& policy) {
  ReportSection out{"Killed and resumed", {}};
  out.lines.emplace_back("policy", policy + ", first seed, in a process of its own with its own store");
  out.lines.emplace_back("killed", "with SIGKILL after it had reported " + std::to_string(proof.reported) +
                                       " of " + std::to_string(proof.operations) + " operations durable");
  out.lines.emplace_back("found", std::to_string(proof.found) + " operations in its store");
  for (const std::string& note : proof.notes) {
    out.lines.emplace_back("resumed", note);
  }
  out.lines.emplace_back("never killed", "state SHA-256 " + proof.uninterrupted_digest);
  out.lines.emplace_back("killed, resumed", "state SHA-256 " + proof.resumed_digest);
  out.lines.emplace_back("decisions", std::to_string(proof.same_decisions) + " of " +
                                          std::to_string(proof.decisions) + " equal");
  out.lines.emplace_back("verdict", proof.holds() ? "same state, same decisions" : "NOT THE SAME");
  return out;
}

std::string section_text(const ReportSection& section) {
  std::string out = "\n" + section.heading + "\n";
  for (const auto& [key, value] : section.lines) {
    out += "  " + key + std::string(key.size() < 18 ? 18 - key.size() : 1, ' ') + value + "\n";
  }
  return out;
}

json proof_json(const ProofResult& proof) {
  return {{"policy", std::string(kProofPolicy)},
          {"operations", proof.operations},
          {"killed_after", proof.reported},
          {"found", proof.found},
          {"uninterrupted_state_sha256", proof.uninterrupted_digest},
          {"resumed_state_sha256", proof.resumed_digest},
          {"decisions", proof.decisions},
          {"equal_decisions", proof.same_decisions},
          {"holds", proof.holds()}};
}

Exit run_child(const GatewayArguments& arguments) {
  const Result<Scenario> scenario = make_gateway_scenario(settings_of(arguments), FileRoots{});
  if (!scenario) {
    return refuse(scenario.error());
  }
  const Result<void> done =
      run_proof_child(*scenario, proof_policy(*scenario), arguments.child_store, arguments.child_channel);
  if (!done) {
    complain(done.error().message);
    return Exit::failed;
  }
  return Exit::ok;
}

/// The folder and no stores of an earlier run in it.
Result<void> prepare_folder(const GatewayArguments& arguments, const Scenario& scenario,
                            const std::string& proof) {
  std::error_code code;
  fs::create_directories(arguments.out, code);
  if (code) {
    return fail(Errc::io, arguments.out + ": cannot be made: " + code.message());
  }
  for (std::size_t policy = 0; policy < scenario.policies.size(); ++policy) {
    remove_store(store_path(arguments, scenario, policy));
  }
  remove_store(proof);
  return {};
}

/// Results to the terminal and into the folder.
Result<void> write_results(const GatewayArguments& arguments, const Scenario& scenario,
                           const ScenarioResult& result, const ReportSection& alone,
                           const std::optional<ProofResult>& proof) {
  std::vector<ReportSection> more{alone};
  if (proof) {
    more.push_back(proof_section(*proof, std::string(kProofPolicy)));
  }
  json document = result_json(scenario, result);
  if (proof) {
    document["recovery"] = proof_json(*proof);
  }
  if (arguments.output.json) {
    print(document.dump(2) + "\n");
  } else {
    for (const ReportSection& section : more) {
      print(section_text(section));
    }
  }
  const std::string report = arguments.output.report.empty()
                                 ? (fs::path(arguments.out) / "report.html").string()
                                 : arguments.output.report;
  if (Result<void> written = write_text_file(report, report_html(scenario, result, more)); !written) {
    return written;
  }
  if (Result<void> written =
          write_text_file((fs::path(arguments.out) / "results.json").string(), document.dump(2) + "\n");
      !written) {
    return written;
  }
  if (!arguments.output.csv.empty()) {
    if (Result<void> written = write_steps_csv(arguments.output.csv, scenario, result); !written) {
      return written;
    }
  }
  if (!arguments.output.json) {
    print("\nwritten\n  report          " + report + "\n  numbers         " +
          (fs::path(arguments.out) / "results.json").string() + "\n  stores          " +
          (fs::path(arguments.out) / "*.db").string() + " (first seed of each policy)\n");
  }
  return {};
}

/// What is run, and where its stores are.
struct GatewayRun {
  GatewaySettings settings;
  Scenario scenario;
  std::size_t proof_index = 0;
  std::string proof_store;
  RunWitness uninterrupted;  ///< of the proof's policy in the first seed
};

Result<ScenarioResult> run_all(const GatewayArguments& arguments, GatewayRun& run) {
  RunnerOptions options;
  options.jobs = arguments.output.jobs;
  options.keep_steps = !arguments.output.csv.empty();
  options.progress = !arguments.output.quiet;
  // The first seed of each policy is durable: a store each. The others would only repeat it, at the disk's
  // speed.
  options.journal = [&](std::size_t policy, std::size_t seed) -> Result<std::unique_ptr<Journal>> {
    return seed == 0 ? open_sqlite_journal(store_path(arguments, run.scenario, policy), OpenMode::read_write)
                     : std::unique_ptr<Journal>();
  };
  options.on_result = [&](std::size_t policy, std::size_t seed, const DriveResult& result) {
    if (policy == run.proof_index && seed == 0) {
      run.uninterrupted = witness_of(result);
    }
  };
  return run_scenario(run.scenario, options);
}

/// Says what to try after this, as a line that can be pasted.
void print_next(const GatewayArguments& arguments, bool recorded) {
  std::error_code ignored;
  const fs::path program = fs::relative(fs::read_symlink("/proc/self/exe", ignored), ignored);
  const std::string name = recorded ? "model-update" : "gateway-latency-limit";
  print("\nnext: " +
        std::string(recorded ? "a real model update, gpt-4 in June 2023"
                             : "the same gateway with a limit on latency") +
        "\n  " + program.string() + " run " + name + " --report " +
        (fs::path(arguments.out) / (name + ".html")).string() + "\n");
}

Exit finish(const GatewayArguments& arguments, const GatewayRun& run, const ScenarioResult& result) {
  if (!arguments.output.json) {
    print(result_table(run.scenario, result));
    std::fflush(stdout);
  }
  const Result<ReportSection> alone = quality_alone(arguments, run.settings);
  if (!alone) {
    complain(alone.error().message);
    return Exit::failed;
  }
  std::optional<ProofResult> proof;
  if (arguments.prove) {
    Result<ProofResult> proved =
        prove_recovery(run.scenario, run.proof_index, run.settings, run.proof_store, run.uninterrupted);
    if (!proved) {
      complain(proved.error().message);
      return Exit::failed;
    }
    proof = std::move(*proved);
  }
  if (Result<void> written = write_results(arguments, run.scenario, result, *alone, proof); !written) {
    complain(written.error().message);
    return Exit::failed;
  }
  if (proof && !proof->holds()) {
    complain("the resumed run did not end in the state of the uninterrupted one");
    return Exit::failed;
  }
  if (!arguments.output.json) {
    print_next(arguments, run.settings.recorded);
  }
  return Exit::ok;
}

}  // namespace

Exit gateway_command(const GatewayArguments& arguments) {
  if (!arguments.child_store.empty()) {
    return run_child(arguments);
  }
  GatewayRun run;
  run.settings = settings_of(arguments);
  Result<Scenario> scenario = make_gateway_scenario(run.settings, FileRoots{});
  if (!scenario) {
    return refuse(scenario.error());
  }
  run.scenario = std::move(*scenario);
  run.proof_index = proof_policy(run.scenario);
  run.proof_store = (fs::path(arguments.out) / "killed-and-resumed.db").string();
  if (Result<void> ready = prepare_folder(arguments, run.scenario, run.proof_store); !ready) {
    return refuse(ready.error());
  }
  if (!run.settings.recorded && arguments.data == "auto") {
    complain(std::string(kRecordedFile) +
             " was not found: requests are simulated (set ATTUNE_DATA to its folder)");
  }
  const Result<ScenarioResult> result = run_all(arguments, run);
  if (!result) {
    complain(result.error().message);
    return Exit::failed;
  }
  return finish(arguments, run, *result);
}

}  // namespace attune::sim
