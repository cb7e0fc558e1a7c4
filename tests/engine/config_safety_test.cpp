// SPDX-License-Identifier: Apache-2.0
// "safety" in a configuration: what is read, and what is refused with its path.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/engine.hpp>

#include "engine/config.hpp"

namespace attune::config_safety_test {
namespace {

std::string text(std::string_view safety) {
  return R"({"points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"],"reward":{"components":{"reward":{},"cost":{}}},"safety":)" +
         std::string(safety) + "}}}";
}
std::string guard(std::string_view members) { return text(R"({"guards":[{)" + std::string(members) + "}]}"); }

constexpr std::string_view kFull = R"({
  "fallback": {"static": {"b": 0.5, "a": 1.5}, "snapshot_every": 500},
  "guards": [
    {"kind": "latency", "component": "cost", "limit": 2, "recover": 1.5, "quantile": 0.99, "window_s": 60,
     "min_samples": 5, "cooldown_s": 1, "cooldown_max_s": 9, "probation_samples": 7, "action": "watch", "name": "slow"},
    {"kind": "rate", "component": "cost", "limit": 0.1, "above": 3, "confidence": 0.99, "window": 500},
    {"kind": "quality", "component": "reward", "per": "point", "limit": 0.5, "recover": 0.6, "restore": true},
    {"kind": "budget", "component": "cost", "per": "point", "action": "static", "limit": 9, "period_s": 60, "carry_over": 0.25},
    {"kind": "share", "limit": 0.5}
  ],
  "probation_share": 0.02,
  "exploration": {"max_share": 0.2, "alarm_below": 0.05, "window": 100, "min_trials": 10, "trial_share": 0.3,
                  "floors": {"b": 0.1, "a": 0.02}, "floor": 0.01,
                  "conservative": {"baseline": "a", "alpha": 0.2, "delta": 0.01, "range": [-1, 1]}}
})";

TEST(SafetyConfig, IsReadWhole) {
  const Result<EngineConfig> config = parse_config(text(kFull));
  ASSERT_TRUE(config) << config.error().message;
  const SafetyConfig& safety = config->points[0].safety.value();
  ASSERT_EQ(safety.allocation.size(), 2U);
  EXPECT_EQ(safety.allocation[0], (std::pair<std::string, double>("a", 1.5)));  // by name, whatever the order
  ASSERT_EQ(safety.guards.size(), 5U);
  EXPECT_EQ(safety.guards[0].name, "slow");
  EXPECT_EQ(safety.guards[0].window, 0U);
  EXPECT_EQ(safety.guards[1].name, "rate");
  EXPECT_NEAR(safety.guards[1].z, 2.3263478740408408, 1e-12);
  EXPECT_EQ(safety.guards[2].action, GuardAction::snapshot);
  EXPECT_EQ(safety.guards[4].recover, 0.45);
  EXPECT_EQ(safety.exploration.conservative->low, -1.0);
  ASSERT_EQ(safety.exploration.floors.size(), 2U);
  EXPECT_EQ(safety.exploration.floors[0], (std::pair<std::string, double>("a", 0.02)));
  EXPECT_EQ(safety.exploration.floor, 0.01);
  EXPECT_EQ(parse_config(config->canonical_text)->canonical_text, config->canonical_text);
  EXPECT_TRUE(Engine::open(text(kFull)));
  EXPECT_FALSE(parse_config(text("{}"))->points[0].safety->exploration.watched());
}

TEST(SafetyConfig, RefusesWhatCannotBeMeantByPath) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {text("[]"), "points.p.safety"},
      {text(R"({"gards":[]})"), "guards"},
      {text(R"({"fallback":{"static":{}}})"), "points.p.safety.fallback.static"},
      {text(R"({"fallback":{"static":{"z":1}}})"), "fallback.static.z"},
      {text(R"({"fallback":{"static":{"a":0}}})"), "fallback.static.a"},
      {text(R"({"fallback":{"static":{"a":-1}}})"), "fallback.static.a"},
      {text(R"({"probation_share":0.9})"), "points.p.safety.probation_share"},
      {text(R"({"guards":{}})"), "points.p.safety.guards"},
      {guard(""), "kind"},
      {guard(R"("kind":"speed","limit":1)"), "points.p.safety.guards[0].kind"},
      {guard(R"("kind":"rate","component":"reward")"), "limit"},
      {guard(R"("kind":"rate","limit":0.1)"), "component"},
      {guard(R"("kind":"rate","component":"z","limit":0.1)"), "points.p.safety.guards[0].component"},
      {guard(R"("kind":"rate","component":"cost","limit":1.1)"), "points.p.safety.guards[0].limit"},
      {guard(R"("kind":"rate","component":"cost","limit":0.1,"recover":0.2)"), "guards[0].recover"},
      {guard(R"("kind":"quality","component":"cost","limit":0.1,"recover":0)"), "guards[0].recover"},
      {guard(R"("kind":"rate","component":"cost","limit":0.1,"quantile":0.5)"), "guards[0].quantile"},
      {guard(R"("kind":"budget","component":"cost","limit":0)"), "guards[0].limit"},
      {guard(R"("kind":"budget","component":"cost","limit":1,"window":5)"), "guards[0].window"},
      {guard(R"("kind":"share","component":"cost","limit":0.5)"), "guards[0].component"},
      {guard(R"("kind":"share","per":"point","limit":0.5)"), "guards[0].per"},
      {guard(R"("kind":"rate","component":"cost","limit":0.1,"action":"snapshot")"), "guards[0].action"},
      {guard(R"("kind":"rate","component":"cost","per":"point","limit":0.1,"action":"mask")"),
       "guards[0].action"},
      {guard(R"("kind":"rate","component":"cost","per":"point","limit":0.1)"), "snapshot_every"},
      {guard(R"("kind":"rate","component":"cost","limit":0.1,"window":20,"min_samples":11)"), "min_samples"},
      {guard(R"("kind":"rate","component":"cost","limit":0.1,"window":20,"window_s":11)"), "window_s"},
      {guard(R"("kind":"rate","component":"cost","limit":0.1,"cooldown_s":9,"cooldown_max_s":5)"),
       "cooldown_max_s"},
      {guard(R"("kind":"rate","component":"cost","limit":0.1,"cooldown_s":1e99)"), "cooldown_s"},
      {text(R"({"guards":[{"kind":"share","limit":0.5},{"kind":"share","limit":0.6}]})"), "guards[1].name"},
      {text(R"({"exploration":{"max_share":1.5}})"), "points.p.safety.exploration.max_share"},
      {text(R"({"exploration":{"max_share":0.01,"alarm_below":0.05}})"), "alarm_below"},
      {text(R"({"exploration":{"floors":{}}})"), "points.p.safety.exploration.floors"},
      {text(R"({"exploration":{"floors":{"z":0.1}}})"), "exploration.floors.z"},
      {text(R"({"exploration":{"floors":{"a":-0.1}}})"), "exploration.floors.a"},
      {text(R"({"exploration":{"floors":{"a":0.6,"b":0.5}}})"), "exploration.floors"},
      {text(R"({"exploration":{"floor":0.6}})"), "exploration.floor"},
      {text(R"({"exploration":{"max_share":0.1,"floors":{"a":0.2}}})"), "more than max_share"},
      {text(R"({"exploration":{"conservative":{}}})"), "baseline"},
      {text(R"({"exploration":{"conservative":{"baseline":"z"}}})"), "exploration.conservative.baseline"},
      {text(R"({"exploration":{"conservative":{"baseline":"a","range":[1,1]}}})"), "conservative.range"},
      {text(R"({"exploration":{"conservative":{"baseline":"a","alpha":0}}})"), "conservative.alpha"},
  };
  for (const auto& [config, part] : cases) {
    const Result<EngineConfig> read = parse_config(config);
    ASSERT_FALSE(read) << config;
    EXPECT_EQ(read.error().code, Errc::invalid_config);
    EXPECT_NE(read.error().message.find(part), std::string::npos) << config << " -> " << read.error().message;
  }
}

TEST(SafetyConfig, TunersHaveNone) {
  const Result<Engine> engine = Engine::open(
      R"({"points":{"p":{"policy":{"type":"gp_optimizer","parameters":[{"name":"x","low":0,"high":1}]},"safety":{}}}})");
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("points.p.safety"), std::string::npos);
}

TEST(SafetyConfig, SchemaAndReaderKnowTheSameOptions) {
  const nlohmann::json schema = nlohmann::json::parse(config_schema());
  const nlohmann::json full = nlohmann::json::parse(kFull);
  const nlohmann::json& safety = schema["$defs"]["safety"]["properties"];
  for (const auto& [key, value] : full.items()) {
    EXPECT_TRUE(safety.contains(key)) << key;
  }
  for (const char* part : {"fallback", "exploration"}) {
    for (const auto& [key, value] : full[part].items()) {
      EXPECT_TRUE(safety[part]["properties"].contains(key)) << key;
    }
    for (const auto& [key, value] : safety[part]["properties"].items()) {
      EXPECT_TRUE(full[part].contains(key)) << key;
    }
  }
  nlohmann::json options = nlohmann::json::object();
  for (const nlohmann::json& one : full["guards"]) {
    options.update(one);
  }
  for (const auto& [key, value] : schema["$defs"]["guard"]["properties"].items()) {
    EXPECT_TRUE(options.contains(key)) << key;
  }
  for (const auto& [key, value] : options.items()) {
    EXPECT_TRUE(schema["$defs"]["guard"]["properties"].contains(key)) << key;
  }
}

}  // namespace
}  // namespace attune::config_safety_test
