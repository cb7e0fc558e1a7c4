// SPDX-License-Identifier: Apache-2.0
// A point's "screening": what is read, what is refused, and that the schema has the same options.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/engine.hpp>

#include "engine/config.hpp"

namespace attune::screening_config_test {
namespace {

std::string text(std::string_view screening, std::string_view context = R"({"dimension":3})",
                 std::string_view policy = R"({"type":"lin_ts"})") {
  return R"({"points":{"p":{"policy":)" + std::string(policy) + R"(,"arms":["a","b"],"context":)" +
         std::string(context) +
         R"(,"reward":{"components":{"quality":{},"cost":{"weight":0}}},"screening":)" +
         std::string(screening) + "}}}";
}

TEST(ScreeningConfig, ReadsEveryOption) {
  const Result<EngineConfig> config = parse_config(text(
      R"({"contexts":{"action":"fall_back","alarm_above":0.2,"detector":{"type":"mahalanobis","level":0.01,"warm_up":50}},
          "outcomes":[{"watch":"component","component":"cost","detector":{"type":"hampel"}},
                      {"name":"whole","watch":"component","component":"cost","per":"point","action":"clip",
                       "detector":{"type":"z_score","threshold":4}},
                      {"watch":"reward","action":"reject","alarm_above":1,"detector":{"type":"iqr"}}],
          "sources":{"share":0.25,"window":50,"floor":10,"seed":9}})"));
  ASSERT_TRUE(config) << config.error().message;
  const ScreeningConfig& read = config->points[0].screening;
  ASSERT_TRUE(read.contexts);
  EXPECT_EQ(read.contexts->action, ContextAction::fall_back);
  EXPECT_EQ(read.contexts->alarm_above, 0.2);
  EXPECT_EQ(read.contexts->detector->dimension(), 3U);
  EXPECT_TRUE(config->points[0].safety.has_value()) << "the ladder is asked";
  ASSERT_EQ(read.screens.size(), 3U);
  EXPECT_EQ(read.screens[0].name, "cost");
  EXPECT_EQ(read.screens[0].per, ScreenScope::arm);
  EXPECT_EQ(read.screens[0].action, ScreenAction::log);
  EXPECT_EQ(read.screens[1].per, ScreenScope::point);
  EXPECT_EQ(read.screens[1].action, ScreenAction::clip);
  EXPECT_EQ(read.screens[1].detector->name(), "z_score");
  EXPECT_EQ(read.screens[2].name, "reward");
  EXPECT_EQ(read.screens[2].alarm_above, 1.0);
  ASSERT_TRUE(read.sources);
  EXPECT_EQ(read.sources->share, 0.25);
  EXPECT_EQ(read.sources->window, 50U);
  EXPECT_FALSE(parse_config(text(R"({"contexts":{}})"))->points[0].safety.has_value())
      << "nothing falls back";
  EXPECT_FALSE(parse_config(text("{}"))->points[0].screening.any());
}

TEST(ScreeningConfig, RefusesWhatIsNotSo) {
  const std::string detector = R"("detector":{"type":"hampel"})";
  const std::vector<std::pair<std::string, std::string>> bad{
      {text("[]"), "points.p.screening"},
      {text(R"({"context":{}})"), "context"},
      {text(R"({"contexts":{"action":"reject"}})"), "contexts.action"},
      {text(R"({"contexts":{"alarm_above":2}})"), "alarm_above"},
      {text(R"({"contexts":{"detector":{"type":"hampel"}}})"), "contexts.detector.type"},
      {text(R"({"contexts":{"detector":{"dimension":3}}})"), "leave it out"},
      {text(R"({"contexts":{"detector":{"level":0}}})"), "contexts.detector.level"},
      {text(R"({"contexts":{"detector":{"levle":0.1}}})"), "levle"},
      {text(R"({"contexts":{"detector":{"warm_up":4}}})"), "is below 5"},
      {text(R"({"contexts":{"detector":7}})"), "contexts.detector"},
      {text(R"({"contexts":{}})", R"({"dimension":600})"), "at most 512"},
      {text(R"({"contexts":{}})", R"({"sparse":8})", R"({"type":"ucb1"})"), "dense context"},
      {text(R"({"outcomes":{}})"), "screening.outcomes"},
      {text(R"({"outcomes":[{}]})"), "no member \"watch\""},
      {text(R"({"outcomes":[{"watch":"sun"}]})"), "outcomes[0].watch"},
      {text(R"({"outcomes":[{"watch":"reward"}]})"), "no member \"detector\""},
      {text(R"({"outcomes":[{"watch":"component",)" + detector + "}]}"), "component"},
      {text(R"({"outcomes":[{"watch":"component","component":"sun",)" + detector + "}]}"),
       "is not a component"},
      {text(R"({"outcomes":[{"watch":"reward","component":"cost",)" + detector + "}]}"), "does not belong"},
      {text(R"({"outcomes":[{"watch":"reward","action":"fall_back",)" + detector + "}]}"), "action"},
      {text(R"({"outcomes":[{"watch":"reward","per":"day",)" + detector + "}]}"), "per"},
      {text(R"({"outcomes":[{"watch":"reward","name":"",)" + detector + "}]}"), "name"},
      {text(R"({"outcomes":[{"watch":"reward","detector":{"type":"hample"}}]})"),
       "outcomes[0].detector.type"},
      {text(R"({"outcomes":[{"watch":"reward","detector":{"type":"hampel","window":1}}]})"),
       "outcomes[0].detector.window"},
      {text(R"({"outcomes":[{"watch":"reward",)" + detector + R"(},{"watch":"reward",)" + detector + "}]}"),
       "another screen's"},
      {text(R"({"sources":{"share":2}})"), "sources.share"},
      {text(R"({"sources":[]})"), "sources"},
      {text(R"({"sources":{"shar":0.1}})"), "shar"},
  };
  for (const auto& [config, part] : bad) {
    const Result<EngineConfig> read = parse_config(config);
    ASSERT_FALSE(read) << config;
    EXPECT_EQ(read.error().code, Errc::invalid_config);
    EXPECT_NE(read.error().message.find(part), std::string::npos) << config << "\n" << read.error().message;
  }
}

TEST(ScreeningConfig, RefusesWhatATunerCannotDo) {
  const std::string tuner =
      R"({"points":{"p":{"policy":{"type":"gp_optimizer","parameters":[{"name":"x","low":0,"high":1}]},
          "context":{"dimension":2},"screening":)";
  const auto refused = [&](const std::string& screening) {
    const Result<Engine> engine = Engine::open(tuner + screening + "}}}");
    return engine ? std::string() : engine.error().message;
  };
  EXPECT_NE(refused(R"({"contexts":{}})"), "");
  EXPECT_NE(refused(R"({"outcomes":[{"watch":"reward","detector":{"type":"hampel"}}]})"), "");
}

TEST(ScreeningConfig, SchemaAndReaderKnowTheSameOptions) {
  const nlohmann::json schema = nlohmann::json::parse(config_schema());
  const nlohmann::json& all = schema["$defs"]["screening"]["properties"];
  EXPECT_EQ(all.size(), 3U);
  const auto known = [](const nlohmann::json& options, const std::string& before, const std::string& after) {
    for (const auto& [key, value] : options.items()) {
      const Result<EngineConfig> read = parse_config(text(before + "\"" + key + "\":[[]]" + after));
      ASSERT_FALSE(read) << key;
      EXPECT_EQ(read.error().message.find("is not a known option"), std::string::npos)
          << read.error().message;
      EXPECT_EQ(read.error().message.find("unknown"), std::string::npos) << read.error().message;
    }
  };
  known(all["contexts"]["properties"], R"({"contexts":{)", "}}");
  known(all["contexts"]["properties"]["detector"]["properties"], R"({"contexts":{"detector":{)", "}}}");
  known(all["outcomes"]["items"]["properties"], R"({"outcomes":[{"watch":"reward",)", "}]}");
  known(all["sources"]["properties"], R"({"sources":{)", "}}");
  EXPECT_EQ(all["outcomes"]["items"]["properties"]["detector"]["oneOf"].size(), 7U);
}

}  // namespace
}  // namespace attune::screening_config_test
