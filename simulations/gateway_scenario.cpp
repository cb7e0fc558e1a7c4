// SPDX-License-Identifier: Apache-2.0
#include "simulations/gateway_scenario.hpp"

#include <nlohmann/json.hpp>

namespace attune::sim {
namespace {

using nlohmann::json;

/// Outcomes come ten seconds after the answer on average (a grader must read it), a few never or twice.
json delivery() {
  return {{"delay", {{"type", "exponential"}, {"seconds", 10}}}, {"missing", 0.02}, {"duplicate", 0.01}};
}

json reward(double cost_weight, bool latency) {
  json components = {{"quality", {{"weight", 1.0}}}, {"cost", {{"weight", -cost_weight}}}};
  if (latency) {
    components["latency"] = {{"weight", 0.0}, {"required", false}};
  }
  return {{"components", components}, {"join_window_s", 900}, {"silence", "censor"}};
}

/// The defaults of each policy; what deviates from them was chosen as docs/main-job.md says.
json policies(const std::string& category, const json& more) {
  json shown = json::array({category});
  shown.insert(shown.end(), more.begin(), more.end());
  const json prior = {{"mean", 0.5}, {"weight", 5}};
  const auto linear = [&](const std::string& name, const json& policy, const json& context) {
    return json{{"name", name}, {"policy", policy}, {"context", context}, {"prior", prior}};
  };
  const auto ucb = [](double alpha) {
    return json{{"type", "lin_ucb"}, {"alpha", alpha}, {"intercept", true}};
  };
  // A constant feature of every arm: the effect of a task is a part that all models share, and one of each.
  const json shared = {{"name", "lin_ucb_hybrid, " + category},
                       {"policy", {{"type", "lin_ucb_hybrid"}, {"alpha", 0.6}, {"ridge", 2}}},
                       {"context", json::array({"bias", category})},
                       {"arm_features", "constant"}};
  json every = {{"name", "lin_ucb, every feature"}, {"policy", {{"type", "lin_ucb"}, {"alpha", 0.2}}}};
  return json::array({
      {{"name", "epsilon_greedy"}, {"policy", {{"type", "epsilon_greedy"}, {"epsilon", 0.05}}}},
      {{"name", "ucb1"}, {"policy", {{"type", "ucb1"}}}},
      {{"name", "thompson_gaussian"}, {"policy", {{"type", "thompson_gaussian"}}}},
      {{"name", "thompson_gaussian per " + category},
       {"policy", {{"type", "thompson_gaussian"}}},
       {"per_category", true}},
      linear("lin_ts, " + category + " + prompt", {{"type", "lin_ts"}, {"scale", 0.1}, {"intercept", true}},
             shown),
      every,
      linear("lin_ucb, " + category + " + prompt", ucb(0.2), shown),
      shared,
      {{"name", "auto, " + category}, {"policy", {{"type", "auto"}}}, {"context", json::array({category})}},
      linear(std::string(kProofPolicy), ucb(0.35), json::array({category})),
  });
}

}  // namespace

Result<Scenario> make_gateway_scenario(const GatewaySettings& settings, const FileRoots& roots) {
  const double weight = settings.cost_weight >= 0.0 ? settings.cost_weight : settings.recorded ? 200.0 : 5.0;
  json document = {
      {"name", settings.recorded ? "LLM gateway, recorded requests" : "LLM gateway, simulated requests"},
      {"environment", settings.recorded ? json{{"type", "full_log"}, {"preset", "llmrouter-uiuc"}}
                                        : json{{"type", "llm_gateway"}}},
      {"policies", settings.recorded ? policies("task", json::array({"lsa_*"}))
                                     : policies("language", json::array({"ease", "length"}))},
      {"reward", reward(weight, !settings.recorded)},
      {"delivery", delivery()},
      {"learn_every", 8},
      {"seeds", settings.seeds},
      {"regret_against", "best_single"}};
  document["about"] = "which model should answer? reward = quality - " + json(weight).dump() + " x USD";
  if (!settings.recorded) {
    document["horizon"] = 5000;
  }
  if (settings.horizon > 0) {
    document["horizon"] = settings.horizon;
  }
  return make_scenario(document, roots);
}

}  // namespace attune::sim
