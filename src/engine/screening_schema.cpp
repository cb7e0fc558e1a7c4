// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of a point's "screening". tests/engine/screening_config_test.cpp holds it against the
// reader.
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/engine/anomaly_detectors.hpp>

#include "engine/config_fields.hpp"
#include "engine/schema_words.hpp"
#include "engine/screening_config.hpp"

namespace attune {

Json screening_schema() {
  using namespace schema;
  const ContextWatchConfig context;
  const ScreenConfig screen;
  MahalanobisConfig usual;
  Json detector(detail::fields_schema(detail::field_refs(usual)));
  detector["properties"].erase("dimension");
  detector["properties"]["type"] = {{"const", Mahalanobis::kName}};
  SourceCapConfig cap;
  Json outcomes{
      {"type", "array"},
      {"items",
       object(
           {
               {"watch", one_of_names<ScreenStream>()},
               {"component", described(name(), "component: which one of the reward")},
               {"name", described(name(), "unique at the point; without: the component's")},
               {"per",
                described(with_default(one_of_names<ScreenScope>(), "arm"), "whose values are compared")},
               {"action", with_default(one_of_names<ScreenAction>(), "log")},
               {"detector", Json(anomaly_detector_schema())},
               {"alarm_above", described(with_default(number(0, 1), screen.alarm_above),
                                         "health is degraded when more of the newest are anomalies")},
           },
           {"watch", "detector"})},
      {"maxItems", 64}};
  return object({
      {"contexts",
       object({{"action", described(with_default(one_of_names<ContextAction>(), "log"),
                                    "fall_back: the ladder answers below the policies")},
               {"alarm_above", described(with_default(number(0, 1), context.alarm_above),
                                         "health is degraded when more of the newest are unfamiliar")},
               {"detector", described(std::move(detector), "of all numbers of the dense context")}})},
      {"outcomes", std::move(outcomes)},
      {"sources", described(Json(detail::fields_schema(detail::field_refs(cap))),
                            "the share of what is learned that one source of outcomes may have")},
  });
}

}  // namespace attune
