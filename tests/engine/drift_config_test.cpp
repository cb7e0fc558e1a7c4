// SPDX-License-Identifier: Apache-2.0
// A point's "drift": what is read, what is refused, and that the schema has the same options.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/engine.hpp>

#include "engine/config.hpp"

namespace attune::drift_config_test {
namespace {

std::string text(std::string_view drift, std::string_view more = {},
                 std::string_view policy = R"({"type":"thompson_beta"})") {
  return R"({"points":{"p":{"policy":)" + std::string(policy) +
         R"(,"arms":["a","b"],"context":{"features":[{"name":"load","type":"number"},
            {"name":"kind","type":"category","values":["x","y","z"]}]},)" +
         R"("reward":{"components":{"quality":{},"cost":{"weight":0}}},"drift":)" + std::string(drift) +
         std::string(more) + "}}}";
}

TEST(DriftConfig, ReadsEveryOption) {
  const Result<EngineConfig> config = parse_config(text(
      R"([{"watch":"reward"},
          {"name":"arms","watch":"reward_per_arm","scope":"all","actions":["forget","alert"],"keep":0.5,
           "alert_s":60,"cooldown":7,"detector":{"type":"page_hinkley","mode":"down"}},
          {"watch":"component","component":"cost"},
          {"watch":"feature","feature":"load","actions":["boost_exploration"],"boost_share":0.5,"boost_decisions":9},
          {"name":"n","watch":"feature","feature":3},
          {"watch":"features"},
          {"name":"mix","watch":"features","form":"projection","projections":3}])"));
  ASSERT_TRUE(config) << config.error().message;
  const std::vector<DriftWatchConfig>& drift = config->points[0].drift;
  ASSERT_EQ(drift.size(), 7U);
  EXPECT_EQ(drift[0].name, "reward");
  EXPECT_TRUE(drift[0].does(DriftAction::log));
  EXPECT_EQ(drift[0].detector->name(), "adwin");
  EXPECT_EQ(drift[1].scope, DriftScope::all);
  EXPECT_EQ(drift[1].keep, 0.5);
  EXPECT_EQ(drift[1].alert_s, 60.0);
  EXPECT_EQ(drift[1].cooldown, 7U);
  EXPECT_EQ(drift[1].detector->name(), "page_hinkley");
  EXPECT_EQ(drift[3].column, 0U);
  EXPECT_EQ(drift[4].column, 3U);
  EXPECT_EQ(drift[5].streams, 5U);  // load, and kind: three values and others
  EXPECT_EQ(drift[6].streams, 3U);
  EXPECT_TRUE(config->points[0].safety.has_value());
}

TEST(DriftConfig, ARateOfFalseAlarmsIsDividedAmongFeatures) {
  const Result<EngineConfig> config =
      parse_config(text(R"([{"watch":"features","detector":{"type":"adwin","delta":0.01}},
                            {"name":"d","watch":"features"},
                            {"name":"one","watch":"reward"}])"));
  ASSERT_TRUE(config) << config.error().message;
  const auto delta = [&](std::size_t i) {
    return nlohmann::json::parse(config->points[0].drift[i].identity)["detector"].value("delta", -1.0);
  };
  EXPECT_DOUBLE_EQ(delta(0), 0.002);
  EXPECT_DOUBLE_EQ(delta(1), 0.0004);
  EXPECT_DOUBLE_EQ(delta(2), -1.0);
}

TEST(DriftConfig, RefusesWhatIsNotSo) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {text("{}"), "points.p.drift"},
      {text("[{}]"), "points.p.drift[0] has no member \"watch\""},
      {text(R"([{"watch":"sun"}])"), "drift[0].watch"},
      {text(R"([{"watch":"reward","wacth":1}])"), "wacth"},
      {text(R"([{"watch":"reward"},{"watch":"reward"}])"), "another watch's"},
      {text(R"([{"watch":"reward","name":""}])"), "drift[0].name"},
      {text(R"([{"watch":"component"}])"), "component"},
      {text(R"([{"watch":"component","component":"speed"}])"), "is not a component"},
      {text(R"([{"watch":"reward","component":"cost"}])"), "does not belong"},
      {text(R"([{"watch":"feature"}])"), "no member \"feature\""},
      {text(R"([{"watch":"feature","feature":"lod"}])"), "is not a feature"},
      {text(R"([{"watch":"feature","feature":"kind"}])"), "is not one number"},
      {text(R"([{"watch":"feature","feature":5}])"), "drift[0].feature"},
      {text(R"([{"watch":"feature","feature":-1}])"), "drift[0].feature"},
      {text(R"([{"watch":"features","projections":4}])"), "needs \"form\""},
      {text(R"([{"watch":"features","detector":{"type":"page_hinkley"}}])"), "no rate of false alarms"},
      {text(R"([{"watch":"reward","scope":"all"}])"), "does not belong"},
      {text(R"([{"watch":"reward","actions":[]}])"), "actions"},
      {text(R"([{"watch":"reward","actions":["explode"]}])"), "is not a list of actions"},
      {text(R"([{"watch":"reward","actions":["log","log"]}])"), "twice"},
      {text(R"([{"watch":"reward","actions":["reset_arm"]}])"), "reward_per_arm"},
      {text(R"([{"watch":"reward","actions":["forget","reset_policy"]}])"), "take one"},
      {text(R"([{"watch":"reward","actions":["snapshot"]}])"), "snapshot_every"},
      {text(R"([{"watch":"reward","keep":0.5}])"), "needs the action forget"},
      {text(R"([{"watch":"reward","alert_s":5}])"), "needs the action alert"},
      {text(R"([{"watch":"reward","actions":["forget"],"keep":1.5}])"), "keep"},
      {text(R"([{"watch":"reward","cooldown":-1}])"), "cooldown"},
      {text(R"([{"watch":"reward","detector":{"type":"adwni"}}])"), "drift[0].detector.type"},
      {text(R"([{"watch":"reward","detector":{"type":"adwin","delta":7}}])"), "drift[0].detector.delta"},
      {text(R"([{"watch":"reward","detector":"adwin"}])"), "drift[0].detector"},
      {R"({"points":{"p":{"policy":{"type":"ucb1"},"drift":[{"watch":"features"}]}}})", "dense context"},
  };
  for (const auto& [config, part] : bad) {
    const Result<EngineConfig> read = parse_config(config);
    ASSERT_FALSE(read) << config;
    EXPECT_EQ(read.error().code, Errc::invalid_config);
    EXPECT_NE(read.error().message.find(part), std::string::npos) << config << "\n" << read.error().message;
  }
}

TEST(DriftConfig, RefusesWhatThePolicyCannotDo) {
  const auto refused = [](const std::string& config) {
    const Result<Engine> engine = Engine::open(config);
    return engine ? std::string() : engine.error().message;
  };
  const std::string hybrid =
      R"({"points":{"p":{"policy":{"type":"lin_ucb_hybrid"},"action_features":1,"context":{"dimension":1},
          "arms":[{"id":"a","features":[1]},{"id":"b","features":[0]}],"drift":[)";
  EXPECT_NE(refused(hybrid + R"({"watch":"reward","actions":["forget"]}]}}})").find("cannot forget"),
            std::string::npos);
  EXPECT_NE(refused(hybrid + R"({"watch":"residual"}]}}})").find("expects no reward"), std::string::npos);
  EXPECT_EQ(refused(hybrid + R"({"watch":"reward","actions":["reset_policy"]}]}}})"), "");
  const std::string tuner =
      R"({"points":{"p":{"policy":{"type":"gp_optimizer","parameters":[{"name":"x","low":0,"high":1}]},"drift":[)";
  EXPECT_NE(refused(tuner + R"({"watch":"reward","actions":["reset_policy"]}]}}})").find("has no arms"),
            std::string::npos);
  EXPECT_EQ(refused(tuner + R"({"watch":"reward","actions":["alert"]}]}}})"), "");
}

TEST(DriftConfig, SchemaAndReaderKnowTheSameOptions) {
  const nlohmann::json schema = nlohmann::json::parse(config_schema());
  const nlohmann::json& options = schema["$defs"]["drift_watch"]["properties"];
  EXPECT_EQ(options.size(), 14U);
  for (const auto& [key, value] : options.items()) {
    const Result<EngineConfig> read = parse_config(text("[{\"watch\":\"reward\",\"" + key + "\":[[]]}]"));
    ASSERT_FALSE(read) << key;
    EXPECT_EQ(read.error().message.find("is not a known option"), std::string::npos) << read.error().message;
  }
  EXPECT_GE(schema["$defs"]["detector"]["oneOf"].size(), 13U);
}

}  // namespace
}  // namespace attune::drift_config_test
