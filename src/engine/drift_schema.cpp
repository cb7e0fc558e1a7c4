// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of a watch of a point's "drift". tests/engine/drift_config_test.cpp holds it against the
// reader.
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/drift_config.hpp"
#include "engine/schema_words.hpp"

namespace attune {

Json drift_watch_schema() {
  using namespace schema;
  const DriftWatchConfig defaults;
  Json actions{{"type", "array"},
               {"items", {{"enum", kEnumNames<DriftAction>}}},
               {"minItems", 1},
               {"uniqueItems", true}};
  Json column{{"oneOf", {name(), integer(0, 1'000'000)}}};
  return object(
      {
          {"watch", {{"enum", kEnumNames<DriftStream>}}},
          {"name", described(name(), "unique at the point; without: what is watched")},
          {"component", described(name(), "component: which one of the reward")},
          {"feature", described(std::move(column), "feature: its name, or its number in a dense context")},
          {"form", described(with_default(one_of_names<DriftForm>(), "each"),
                             "features: a detector for each, or for random projections of all")},
          {"projections", described(with_default(integer(1, 1024), 8), "features as projections")},
          {"detector", described(reference("detector"), "without: adwin")},
          {"actions", described(with_default(std::move(actions), Json::array({"log"})),
                                "what a drift does; every one is counted and logged")},
          {"scope", described(with_default(one_of_names<DriftScope>(), "arm"),
                              "reward_per_arm: whose evidence and detectors the action is for")},
          {"cooldown", described(with_default(integer(0, 1'000'000'000), defaults.cooldown),
                                 "decisions for which it does nothing after a drift")},
          {"alert_s", described(with_default(number(1e-3, 3.2e9), defaults.alert_s),
                                "alert: seconds for which health is degraded")},
          {"boost_decisions", with_default(integer(1, 1'000'000'000), defaults.boost_decisions)},
          {"boost_share", described(with_default(number(1e-6, 1), defaults.boost_share),
                                    "of these decisions, chosen uniformly")},
          {"keep", described(with_default(number(0, 1), defaults.keep),
                             "forget: the share of the evidence that stays")},
      },
      {"watch"});
}

}  // namespace attune
