// SPDX-License-Identifier: Apache-2.0
// The configuration as a JSON Schema. tests/engine/config_test.cpp holds it against the reader.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/engine/detectors.hpp>
#include <attune/engine/engine.hpp>
#include <attune/engine/registry.hpp>
#include <attune/rewards/reward_spec.hpp>

#include "engine/config.hpp"
#include "engine/config_safety.hpp"
#include "engine/feature_spec.hpp"
#include "engine/json_reader.hpp"
#include "engine/schema_words.hpp"

namespace attune {
namespace {

using namespace schema;

Json arm_schema() {
  const Json full = object(
      {
          {"id", described(name(), "stable external id, unique at its point")},
          {"features",
           described({{"type", "array"}, {"items", number()}}, "as many as the point's action_features")},
          {"prior", object({{"mean", with_default(number(), 0.0)},
                            {"weight", described(with_default(number(0, 1e15), 0.0), "in rewards")}})},
          {"enabled", with_default(flag(), true)},
      },
      {"id"});
  return {{"oneOf", {name(), full}}};
}

Json feature_schema() {
  const auto common = [](std::string_view type, Json default_value) {
    return Json{{"name", name()}, {"type", {{"const", type}}}, {"default", std::move(default_value)}};
  };
  const Json buckets = integer(2, FeatureSpec::kMaxSparse);
  Json numbers = common("number", number());
  numbers.update({{"scale", with_default(one_of_names<FeatureScale>(), "none")},
                  {"mean", number()},
                  {"std", described(number(), "> 0")},
                  {"min", number()},
                  {"max", described(number(), "> min")}});
  Json listed = common("category", text());
  listed["values"] = {{"type", "array"}, {"items", text()}, {"minItems", 1}, {"uniqueItems", true}};
  Json hashed = common("category", text());
  hashed["buckets"] = buckets;
  Json words = common("text", text());
  words["buckets"] = buckets;
  return {{"oneOf",
           {object(numbers, {"name", "type"}), object(common("boolean", flag()), {"name", "type"}),
            object(listed, {"name", "type", "values"}), object(hashed, {"name", "type", "buckets"}),
            object(words, {"name", "type", "buckets"})}}};
}

Json context_schema() {
  const Json features{{"type", "array"},
                      {"items", reference("feature")},
                      {"minItems", 1},
                      {"maxItems", FeatureSpec::kMaxFeatures}};
  return {{"oneOf",
           {object({{"dimension",
                     described(integer(0, FeatureSpec::kMaxDense), "dense numbers; 0: no context")}}),
            object({{"sparse", described(integer(1, FeatureSpec::kMaxSparse), "sparse indices below this")}},
                   {"sparse"}),
            object({{"version", with_default(integer(1, 4'294'967'295U), 1)},
                    {"features", features},
                    {"intercept", with_default(flag(), false)},
                    {"sparse", with_default(flag(), false)}},
                   {"features"})}}};
}

Json component_schema() {
  const ComponentSpec defaults;
  return object({
      {"weight", with_default(number(), defaults.weight)},
      {"aggregate", with_default(one_of_names<Aggregation>(), "last")},
      {"normalise", with_default(one_of_names<Normalisation>(), "none")},
      {"range", described(pair_of_numbers(), "[min, max] of normalise = range")},
      {"required", with_default(flag(), defaults.required)},
      {"default", described(number(), "taken when it is missing at closing, in raw units")},
      {"limit", object({{"min", number()}, {"max", number()}})},
  });
}

Json reward_schema() {
  const RewardSpec defaults;
  const std::uint64_t most = RewardSpec::kMostDecisions;
  Json components{{"type", "object"}, {"minProperties", 1}, {"additionalProperties", reference("component")}};
  return object({
      {"components", described(std::move(components), "by name; without: one component \"reward\"")},
      {"join_window_s", described(with_default(number(), defaults.join_window_s), "seconds, > 0")},
      {"closing", with_default(one_of_names<Closing>(), "complete")},
      {"silence", with_default(one_of_names<Silence>(), "discard")},
      {"default_reward", with_default(number(), defaults.default_reward)},
      {"late", with_default(one_of_names<Lateness>(), "discard")},
      {"breach_reward", with_default(number(), defaults.breach_reward)},
      {"clip", described(pair_of_numbers(), "[low, high] of the reward")},
      {"credit", with_default(one_of_names<Credit>(), "own")},
      {"lambda", with_default(number(0, 1), defaults.lambda)},
      {"credit_function", text()},
      {"max_pending", with_default(integer(1, most), defaults.max_pending)},
      {"max_closed", with_default(integer(0, most), defaults.max_closed)},
      {"max_signals", with_default(integer(1, RewardSpec::kMostSignals), defaults.max_signals)},
      {"overflow", with_default(one_of_names<Overflow>(), "expire_oldest")},
  });
}

Json point_schema() {
  return object(
      {
          {"policy", reference("policy")},
          {"arms", {{"type", "array"}, {"items", reference("arm")}}},
          {"context", reference("context")},
          {"action_features",
           described(with_default(integer(0, 65'536), 0), "length of each arm's own features")},
          {"reward", reference("reward")},
          {"size", described(integer(1, kMaxSlate), "arms of a list, at points that show lists")},
          {"signal",
           described(one_of_names<SlateSignal>(),
                     "what comes back for a list; without: the first of these that the policy takes")},
          {"acknowledge",
           described(with_default({{"enum", {"async", "durable"}}}, "async"),
                     "when calls return: at once, or after the commit that contains their record")},
          {"fallback", described(text(), "id of the arm to answer with when the policy cannot")},
          {"fallback_action", described({{"type", "array"}, {"items", number()}},
                                        "the same at points that choose numbers: an action")},
          {"safety", reference("safety")},
          {"screening", reference("screening")},
          {"drift", {{"type", "array"}, {"items", reference("drift_watch")}, {"maxItems", 64}}},
      },
      {"policy"});
}

}  // namespace

std::string config_schema() {
  const std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
  const EngineConfig defaults;
  Json points{{"type", "object"},
              {"minProperties", 1},
              {"maxProperties", 4096},
              {"additionalProperties", reference("point")}};
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "attune configuration"}};
  schema.update(object(
      {
          {"seed", described(integer(0, any), "of all randomness; without: drawn when the store is created")},
          {"node", described(text(), "name of this process in messages")},
          {"mode", with_default({{"enum", {"pump", "threads"}}}, "pump")},
          {"queue",
           object({{"bytes", with_default(integer(65'536, std::uint64_t{1} << 32U), defaults.queue.bytes)},
                   {"on_full", with_default({{"enum", {"block", "shed"}}}, "block")}})},
          {"checkpoint",
           object({{"every_s", with_default(number(0, 3.2e9), defaults.checkpoint.every_s)},
                   {"every_records", with_default(integer(0, any), defaults.checkpoint.every_records)},
                   {"keep", with_default(integer(1, 10'000), defaults.checkpoint.keep)}})},
          {"client_keys",
           object({{"keep", described(with_default(integer(0, 1'000'000'000), defaults.client_keys),
                                      "newest keys whose decision a retry gets again; 0: none")}})},
          {"acknowledge_timeout_s",
           described(with_default(number(1e-3, 3600), defaults.acknowledge_timeout_s),
                     "longest wait of a call at a durable point")},
          {"points", described(std::move(points), "decision points by name; append new ones at the end")},
      },
      {"points"}));
  schema["$defs"] = {{"point", point_schema()},         {"arm", arm_schema()},
                     {"context", context_schema()},     {"feature", feature_schema()},
                     {"reward", reward_schema()},       {"component", component_schema()},
                     {"safety", safety_schema()},       {"guard", guard_schema()},
                     {"policy", Json(policy_schema())}, {"drift_watch", drift_watch_schema()},
                     {"screening", screening_schema()}, {"detector", Json(detector_schema())}};
  return schema.dump(2) + "\n";
}

}  // namespace attune
