// SPDX-License-Identifier: Apache-2.0
// Anomaly detectors made by name.
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/anomaly_detectors.hpp>
#include <attune/safety/hampel.hpp>

namespace attune::anomaly_detectors_test {
namespace {

using nlohmann::json;

TEST(AnomalyDetectors, AreMadeByNameWithTheirDefaults) {
  const std::vector<AnomalyDetectorInfo> all = anomaly_detectors();
  ASSERT_EQ(all.size(), 7U);
  for (const AnomalyDetectorInfo& info : all) {
    const Result<AnyAnomalyDetector> made = make_anomaly_detector({{"type", info.name}});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->name(), info.name);
    EXPECT_EQ(made->state_version(), info.state_version);
    // Every detector has the rules besides its own options.
    EXPECT_GE(info.options.size(), 5U) << info.name;
  }
}

TEST(AnomalyDetectors, TakeOptions) {
  const Result<AnyAnomalyDetector> made = make_anomaly_detector(
      {{"type", "hampel"}, {"window", 5}, {"warm_up", 5}, {"threshold", 2.5}, {"learn", "none"}});
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_NE(made->as<Hampel>(), nullptr);
  Hampel direct =
      Hampel::make({.threshold = 2.5, .window = 5, .warm_up = 5, .rules = {.learn = LearnAnomalies::none}})
          .value();
  AnyAnomalyDetector handle = *made;
  for (const double value : {1.0, 2.0, 3.0, 4.0, 5.0, 60.0, 3.0}) {
    EXPECT_EQ(handle.update(value).score, direct.update(value).score);
  }
  EXPECT_EQ(*handle.as<Hampel>(), direct);
  EXPECT_EQ(handle.count().anomalies, 1U);
}

TEST(AnomalyDetectors, RefuseWhatIsNotAsItMustBe) {
  const auto refusal = [](const json& spec) {
    const auto made = make_anomaly_detector(spec, "anomaly");
    EXPECT_FALSE(made);
    EXPECT_EQ(made ? Errc::ok : made.error().code, Errc::invalid_config);
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(refusal(json::array()).find("anomaly should be an object, not"), std::string::npos);
  EXPECT_NE(refusal(json::object()).find("anomaly.type is required"), std::string::npos);
  EXPECT_NE(refusal({{"type", 3}}).find("anomaly.type is required"), std::string::npos);
  EXPECT_NE(refusal(json::parse(R"({"type": "adwin"})"))
                .find("anomaly.type = \"adwin\" is none of: z_score, robust_z, iqr"),
            std::string::npos);
  EXPECT_NE(refusal({{"type", "z_score"}, {"threshold", -1}}).find("threshold = -1 is outside"),
            std::string::npos);
  EXPECT_NE(refusal({{"type", "z_score"}, {"colour", 1}}).find("colour is no known key"), std::string::npos);
  EXPECT_NE(refusal({{"type", "z_score"}, {"learn", "some"}}).find("learn"), std::string::npos);
  EXPECT_NE(refusal({{"type", "iqr"}, {"window", 10}}).find("warm_up = 32 is more than window = 10"),
            std::string::npos);
}

}  // namespace
}  // namespace attune::anomaly_detectors_test
