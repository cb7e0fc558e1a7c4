// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of a point's "safety". tests/engine/config_safety_test.cpp holds it against the reader.
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/config_safety.hpp"
#include "engine/schema_words.hpp"

namespace attune {
namespace {

using namespace schema;

Json seconds() { return number(1e-3, 3.2e9); }

}  // namespace

Json guard_schema() {
  const GuardConfig defaults;
  Json schema = object({
      {"kind", {{"enum", kEnumNames<GuardKind>}}},
      {"name", described(name(), "unique at the point; without: the kind")},
      {"component", described(name(), "of the reward; every kind but share needs one")},
      {"per", with_default({{"enum", kEnumNames<GuardScope>}}, "arm")},
      {"action", described({{"enum", kEnumNames<GuardAction>}},
                           "arm: mask or watch; point: snapshot, static or watch")},
      {"restore", described(with_default(flag(), defaults.restore),
                            "snapshot: when it trips, the snapshot becomes the live policy")},
      {"limit", number()},
      {"recover", described(number(), "what must hold for it to be sound again; without: the limit")},
      {"quantile", described(with_default(number(0, 1), defaults.quantile), "latency")},
      {"above", described(with_default(number(), defaults.above), "rate: larger values are bad")},
      {"confidence", described(with_default(number(0.5, 0.999999), 0.95), "rate, quality: one-sided")},
      {"window", described(with_default(integer(2, 1'000'000), defaults.window), "in samples")},
      {"window_s", described(seconds(), "in seconds, instead of window")},
      {"min_samples", with_default(integer(1, 1'000'000), defaults.min_samples)},
      {"cooldown_s", with_default(seconds(), defaults.cooldown_s)},
      {"cooldown_max_s", with_default(seconds(), defaults.cooldown_max_s)},
      {"probation_samples", described(integer(1, 1'000'000), "without: min_samples")},
      {"period_s", described(with_default(seconds(), defaults.period_s), "budget")},
      {"carry_over", described(with_default(number(0, 1), defaults.carry_over),
                               "budget: share of what is left that the next period may spend too")},
  });
  schema["required"] = {"kind", "limit"};
  return schema;
}

Json safety_schema() {
  const SafetyConfig defaults;
  const ExplorationConfig& explore = defaults.exploration;
  const ConservativeConfig careful;
  Json shares{{"type", "object"}, {"minProperties", 1}, {"additionalProperties", number(1e-9, 1e9)}};
  Json floors{{"type", "object"}, {"minProperties", 1}, {"additionalProperties", number(0, 1)}};
  Json guards{{"type", "array"}, {"items", {{"$ref", "#/$defs/guard"}}}, {"maxItems", 64}};
  Json conservative = object({
      {"baseline", described(name(), "an arm of the point")},
      {"alpha", with_default(number(1e-6, 1), careful.alpha)},
      {"delta", with_default(number(1e-9, 0.5), careful.delta)},
      {"range",
       described(with_default(pair_of_numbers(), Json::array({careful.low, careful.high})), "of the reward")},
  });
  conservative["required"] = {"baseline"};
  return object({
      {"fallback",
       object({{"static", described(std::move(shares), "shares of arms, by id; need not sum to 1")},
               {"snapshot_every", described(with_default(integer(0, 1'000'000'000), defaults.snapshot_every),
                                            "decisions between two snapshots of the policy; 0: none")}})},
      {"guards", std::move(guards)},
      {"probation_share", described(with_default(number(1e-6, 0.5), defaults.probation_share),
                                    "of the decisions, for tests of what was taken out")},
      {"exploration",
       object(
           {{"max_share",
             described(with_default(number(0, 1), explore.max_share), "of the decisions that may explore")},
            {"alarm_below", described(with_default(number(0, 1), explore.alarm_below),
                                      "health is degraded when fewer explore; 0: never")},
            {"window", described(with_default(integer(10, 1'000'000), explore.window), "in decisions")},
            {"min_trials", described(with_default(integer(0, 1'000'000), explore.min_trials), "of each arm")},
            {"trial_share", described(with_default(number(1e-6, 1), explore.trial_share),
                                      "of the decisions, while an arm has fewer trials")},
            {"floors", described(std::move(floors), "least share of the decisions, by arm")},
            {"floor", described(with_default(number(0, 1), explore.floor), "that of each other arm")},
            {"conservative", std::move(conservative)}})},
  });
}

}  // namespace attune
