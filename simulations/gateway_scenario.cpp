// SPDX-License-Identifier: Apache-2.0
#include "simulations/gateway_scenario.hpp"

#include <nlohmann/json.hpp>

namespace attune::sim {
namespace {

using nlohmann::json;

/// Outcomes come a minute after the answer on average (users and graders are slow), a few never or twice.
json delivery() {
  return {{"delay", {{"type", "exponential"}, {"seconds", 60}}}, {"missing", 0.02}, {"duplicate", 0.01}};
}

json reward(double cost_weight, bool latency) {
  json components = {{"quality", {{"weight", 1.0}}}, {"cost", {{"weight", -cost_weight}}}};
  if (latency) {
    components["latency"] = {{"weight", 0.0}, {"required", false}};
  }
  return {{"components", components}, {"join_window_s", 900}, {"silence", "censor"}};
}

/// Published defaults, but for what docs/main-job.md says how it was chosen.
json policies(const std::string& category) {
  const json shown = {"bias", category, "lsa_*"};
  return json::array({
      {{"name", "epsilon_greedy"}, {"policy", {{"type", "epsilon_greedy"}, {"epsilon", 0.05}}}},
      {{"name", "ucb1"}, {"policy", {{"type", "ucb1"}}}},
      {{"name", "thompson_gaussian"}, {"policy", {{"type", "thompson_gaussian"}}}},
      {{"name", "thompson_gaussian per " + category},
       {"policy", {{"type", "thompson_gaussian"}}},
       {"per_category", true}},
      {{"name", "lin_ucb"}, {"policy", {{"type", "lin_ucb"}, {"alpha", 0.2}}}, {"context", shown}},
      {{"name", "lin_ts"}, {"policy", {{"type", "lin_ts"}, {"scale", 0.1}}}, {"context", shown}},
  });
}

}  // namespace

Result<Scenario> make_gateway_scenario(const GatewaySettings& settings, const FileRoots& roots) {
  const double weight = settings.cost_weight >= 0.0 ? settings.cost_weight : settings.recorded ? 200.0 : 5.0;
  json document = {
      {"name", settings.recorded ? "LLM gateway, recorded requests" : "LLM gateway, simulated requests"},
      {"environment", settings.recorded ? json{{"type", "full_log"}, {"preset", "llmrouter-uiuc"}}
                                        : json{{"type", "llm_gateway"}}},
      {"policies", policies(settings.recorded ? "task" : "language")},
      {"reward", reward(weight, !settings.recorded)},
      {"delivery", delivery()},
      {"learn_every", 32},
      {"seeds", settings.seeds},
      {"regret_against", "best_single"}};
  document["about"] = "which model should answer? reward = quality - " + json(weight).dump() + " x USD";
  if (!settings.recorded) {
    document["horizon"] = 5000;
    for (json& policy : document["policies"]) {
      if (policy.contains("context")) {
        policy["context"] = {"bias", "language", "ease", "length"};
      }
    }
  }
  if (settings.horizon > 0) {
    document["horizon"] = settings.horizon;
  }
  return make_scenario(document, roots);
}

}  // namespace attune::sim
