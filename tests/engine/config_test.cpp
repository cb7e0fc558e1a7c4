// SPDX-License-Identifier: Apache-2.0
#include "engine/config.hpp"

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

#include "engine/json_reader.hpp"
#include "tests/engine/config_texts.hpp"

namespace attune::config_test {
namespace {

using test::kFull;
using test::point;
using test::reward;

std::string error_of(std::string_view json) {
  const Result<EngineConfig> config = parse_config(json);
  EXPECT_FALSE(config) << json;
  if (config) {
    return "no error";
  }
  EXPECT_EQ(config.error().code, Errc::invalid_config);
  return config.error().message;
}

TEST(Config, ReadsEveryOption) {
  const Result<EngineConfig> config = parse_config(kFull);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->seed, std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(config->seed_given);
  EXPECT_EQ(config->node, "gateway-1");
  EXPECT_TRUE(config->threads);
  EXPECT_EQ(config->queue.bytes, 65536U);
  EXPECT_FALSE(config->queue.block);
  EXPECT_EQ(config->checkpoint.every_s, 1.5);
  EXPECT_EQ(config->checkpoint.every_records, 0U);
  EXPECT_EQ(config->checkpoint.keep, 3U);

  ASSERT_EQ(config->points.size(), 3U);
  const PointConfig& model = config->points[0];
  EXPECT_EQ(model.name, "model");
  EXPECT_EQ(model.number, 0U);
  EXPECT_EQ(model.policy_json, R"({"alpha":1,"type":"lin_ucb"})");
  EXPECT_EQ(model.policy_path(), "points.model.policy");
  EXPECT_EQ(model.fallback, "a");
  ASSERT_EQ(model.arms.size(), 2U);
  EXPECT_EQ(model.arms[0].id, "a");
  EXPECT_TRUE(model.arms[0].enabled);
  EXPECT_EQ(model.arms[1].id, "b");
  EXPECT_FALSE(model.arms[1].enabled);
  EXPECT_EQ(model.arms[1].prior.mean, 0.5);
  EXPECT_EQ(model.arms[1].prior.weight, 2.0);
  EXPECT_EQ(model.shape().features, 20U);
  EXPECT_EQ(model.shape().arms, 2U);

  EXPECT_EQ(config->points[1].action_features, 2U);
  EXPECT_EQ(config->points[1].shape().action_features, 2U);
  EXPECT_EQ(config->points[1].arms.at(0).features, (std::vector<double>{1, 2.5}));

  EXPECT_EQ(config->points[2].name, "a point");
  EXPECT_EQ(config->points[2].number, 2U);
  EXPECT_EQ(config->points[2].policy_path(), R"(points["a point"].policy)");
  EXPECT_EQ(config->points[2].reward, RewardSpec{});
  EXPECT_TRUE(config->points[2].arms.empty());
}

TEST(Config, ReadsEveryOptionOfTheReward) {
  const Result<EngineConfig> config = parse_config(kFull);
  ASSERT_TRUE(config) << config.error().message;
  const RewardSpec& spec = config->points[0].reward;
  ASSERT_EQ(spec.components.size(), 2U);
  const ComponentSpec& quality = spec.components[0];
  EXPECT_EQ(quality.name, "quality");
  EXPECT_EQ(quality.weight, 2.0);
  EXPECT_EQ(quality.aggregate, Aggregation::mean);
  EXPECT_EQ(quality.normalise, Normalisation::range);
  EXPECT_EQ(quality.range_max, 5.0);
  EXPECT_TRUE(quality.required);
  EXPECT_FALSE(quality.has_default);
  EXPECT_TRUE(quality.has_limit_min);
  EXPECT_EQ(quality.limit_min, 0.5);
  EXPECT_FALSE(quality.has_limit_max);
  const ComponentSpec& cost = spec.components[1];
  EXPECT_EQ(cost.name, "cost");
  EXPECT_FALSE(cost.required);
  EXPECT_TRUE(cost.has_default);
  EXPECT_EQ(cost.default_value, 0.25);
  EXPECT_TRUE(cost.has_limit_max);
  EXPECT_EQ(spec.join_window_s, 60.0);
  EXPECT_EQ(spec.closing, Closing::window);
  EXPECT_EQ(spec.silence, Silence::default_value);
  EXPECT_EQ(spec.default_reward, -1.0);
  EXPECT_EQ(spec.late, Lateness::discard);
  EXPECT_EQ(spec.breach_reward, -5.0);
  EXPECT_EQ(spec.reward_min, -10.0);
  EXPECT_EQ(spec.reward_max, 10.0);
  EXPECT_EQ(spec.credit, Credit::discounted);
  EXPECT_EQ(spec.lambda, 0.5);
  EXPECT_EQ(spec.max_pending, 10U);
  EXPECT_EQ(spec.max_closed, 20U);
  EXPECT_EQ(spec.overflow, Overflow::refuse);
}

TEST(Config, HasTheDocumentedDefaults) {
  const Result<EngineConfig> config = parse_config(R"({"points": {"p": {"policy": {"type": "ucb1"}}}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->seed_given);
  EXPECT_FALSE(config->threads);
  EXPECT_EQ(config->node, "");
  EXPECT_EQ(config->queue.bytes, std::uint64_t{1} << 22U);
  EXPECT_TRUE(config->queue.block);
  EXPECT_EQ(config->checkpoint.every_s, 300.0);
  EXPECT_EQ(config->checkpoint.every_records, 1'000'000U);
  EXPECT_EQ(config->checkpoint.keep, 12U);
  EXPECT_EQ(config->points[0].features.kind(), FeatureSpec::Kind::none);
}

TEST(Config, CanonicalTextIsAFixedPointAndKeepsTheOrderThatMatters) {
  const Result<EngineConfig> config = parse_config(kFull);
  ASSERT_TRUE(config);
  const Result<EngineConfig> again = parse_config(config->canonical_text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->canonical_text, config->canonical_text);
  EXPECT_EQ(again->points[0].name, "model");
  EXPECT_EQ(again->points[0].reward, config->points[0].reward);
  EXPECT_EQ(config->canonical_text.find("gateway //"), std::string::npos);

  const auto canonical = [](std::string_view json) { return parse_config(json).value().canonical_text; };
  EXPECT_EQ(canonical(R"({"seed":1,"points":{"p":{"policy":{"type":"ucb1","b":1}}}})"),
            canonical(R"({"points": {"p": {"policy": {"b":1, "type": "ucb1"}}}, "seed": 1})"));
  EXPECT_NE(canonical(R"({"points":{"p":{"policy":{"type":"x"}},"a":{"policy":{"type":"x"}}}})"),
            canonical(R"({"points":{"a":{"policy":{"type":"x"}},"p":{"policy":{"type":"x"}}}})"));
}

struct Case {
  std::string json;
  std::string message;
};

TEST(Config, EveryErrorNamesPathValueAndRule) {
  const std::string policy = R"("policy": {"type": "ucb1"})";
  const std::vector<Case> cases{
      {R"([])", "configuration = an array of 0 is not an object in braces"},
      {R"({})", "configuration has no member \"points\""},
      {R"({"points": {}})",
       "points = an object of 0 is not an object with at least one decision point by name"},
      {R"({"points": 3})", "points = 3 is not an object with at least one decision point by name"},
      {R"({"points": {"": {}}})", "points: the name \"\" of a point must not be empty"},
      {R"({"points": {"a\n": {}}})",
       "points: the name \"a\\n\" of a point must not contain control characters"},
      {R"({"points": {"p": {}}})", "points.p has no member \"policy\""},
      {R"({"points": {"p": {"policy": "ucb1"}}})", "points.p.policy = \"ucb1\" is not an object in braces"},
      {R"({"points": {"p": {"policy": {}}}})", "points.p.policy has no member \"type\""},
      {R"({"points": {"p": {"policy": {"type": 1}}}})", "points.p.policy.type = 1 is not a text in quotes"},
      {R"({"seed": -1, "points": {}})", "seed = -1 is outside [0, 18446744073709551615]"},
      {R"({"seed": 1.5})", "seed = 1.5 is not a whole number"},
      {R"({"seed": "1"})", "seed = \"1\" is not a whole number"},
      {R"({"seed": 18446744073709551616})", "seed = 1.8446744073709552e+19 is not a whole number"},
      {R"({"seed": null})", "seed = null is not a whole number"},
      {R"({"node": "a\u0001b"})", "node = \"a\\u0001b\" must not contain control characters"},
      {R"({"node": 1})", "node = 1 is not a text in quotes"},
      {R"({"mode": "pumps"})", "mode = \"pumps\" is not one of \"pump\", \"threads\""},
      {R"({"queue": []})", "queue = an array of 0 is not an object in braces"},
      {R"({"queue": {"bytes": 65535}})", "queue.bytes = 65535 is outside [65536, 4294967296]"},
      {R"({"queue": {"on_full": true}})", "queue.on_full = true is not one of \"block\", \"shed\""},
      {R"({"checkpoint": {"every_s": -1}})", "checkpoint.every_s = -1 is outside [0, 3.2e+09]"},
      {R"({"checkpoint": {"keep": 0}})", "checkpoint.keep = 0 is outside [1, 10000]"},
      {R"({"checkpoint": {"keep": 4294967297}})", "checkpoint.keep = 4294967297 is outside [1, 10000]"},
      {R"({"checkpoints": {}, "points": {"p": {)" + policy + "}}}",
       "checkpoints = an object of 0 is not a known option; did you mean \"checkpoint\"?"},
      {R"({"zzzzzz": 1, "points": {"p": {)" + policy + "}}}", "zzzzzz = 1 is not a known option"},
      {point(R"("arm": [])"), "points.p.arm = an array of 0 is not a known option; did you mean \"arms\"?"},
      {point(R"("arms": {})"), "points.p.arms = an object of 0 is not an array of arms"},
      {point(R"("arms": [7])"), "points.p.arms[0] = 7 is not an object in braces"},
      {point(R"("arms": [""])"), "points.p.arms[0] = \"\" must not be empty"},
      {point(R"("arms": ["a", {"id": ""}])"), "points.p.arms[1].id = \"\" must not be empty"},
      {point(R"("arms": [{"name": "a"}])"), "points.p.arms[0] has no member \"id\""},
      {point(R"("arms": [{"id": 5}])"), "points.p.arms[0].id = 5 is not a text in quotes"},
      {point(R"("arms": ["a", "b", "a"])"), "points.p.arms[2]: the arm \"a\" is listed twice"},
      {point(R"("arms": [{"id": "a", "enabled": 1}])"),
       "points.p.arms[0].enabled = 1 is neither true nor false"},
      {point(R"("arms": [{"id": "a", "prior": {"weight": -1}}])"),
       "points.p.arms[0].prior.weight = -1 is outside [0, 1e+15]"},
      {point(R"("arms": [{"id": "a", "prior": {"mean": "1"}}])"),
       "points.p.arms[0].prior.mean = \"1\" is not a number"},
      {point(R"("arms": [{"id": "a", "features": [1, null]}])"),
       "points.p.arms[0].features[1] = null is not a number"},
      {point(R"("arms": [{"id": "a", "features": 1}])"),
       "points.p.arms[0].features = 1 is not an array of numbers"},
      {point(R"("arms": [{"id": "a", "features": [1]}])"),
       "points.p.arms[0] has 1 features; the point's action_features = 0"},
      {point(R"("action_features": 2, "arms": ["a"])"),
       "points.p.arms[0] has 0 features; the point's action_features = 2"},
      {point(R"("action_features": 65537)"), "points.p.action_features = 65537 is outside [0, 65536]"},
      {point(R"("arms": ["a"], "fallback": "b")"),
       "points.p.fallback = \"b\" is not one of the point's arms"},
      {point(R"("fallback": 3)"), "points.p.fallback = 3 is not a text in quotes"},
      {point(R"("context": 20)"), "points.p.context = 20 is not an object in braces"},
      {point(R"("reward": [])"), "points.p.reward = an array of 0 is not an object in braces"},
      {reward(R"("components": [])"),
       "points.p.reward.components = an array of 0 is not an object of components by name"},
      {reward(R"("components": {"q": 1})"), "points.p.reward.components.q = 1 is not an object in braces"},
      {reward(R"("components": {"q": {"normalize": "none"}})"),
       "points.p.reward.components.q.normalize = \"none\" is not a known option; did you mean "
       "\"normalise\"?"},
      {reward(R"("components": {"q": {"range": [0]}})"),
       "points.p.reward.components.q.range = an array of 1 is not a pair [low, high]"},
      {reward(R"("components": {"q": {"range": [0, 1]}})"),
       "points.p.reward.components.q.range = an array of 2 needs \"normalise\": \"range\""},
      {reward(R"("components": {"q": {"aggregate": "median"}})"),
       "points.p.reward.components.q.aggregate = \"median\" is not one of \"last\", \"sum\", \"mean\", "
       "\"max\", \"first\""},
      {reward(R"("components": {"q": {"limit": {"least": 1}}})"),
       "points.p.reward.components.q.limit.least = 1 is not a known option"},
      {reward(R"("clip": [0, 1, 2])"), "points.p.reward.clip = an array of 3 is not a pair [low, high]"},
      {reward(R"("lambda": 1.5)"), "points.p.reward.lambda = 1.5 is outside [0, 1]"},
      {reward(R"("max_pending": 0)"), "points.p.reward.max_pending = 0 is outside [1, 100000000]"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(error_of(one.json), one.message) << one.json;
  }
}

TEST(Config, RulesOfTheRewardSpecificationAreCheckedWithTheirPath) {
  for (const std::string_view members :
       {R"("components": {})", R"("join_window_s": 0)", R"("clip": [1, 0])", R"("credit": "custom")",
        R"("components": {"q": {"normalise": "range", "range": [1, 1]}})",
        R"("components": {"q": {"limit": {"min": 2, "max": 1}}})"}) {
    EXPECT_TRUE(error_of(reward(members)).starts_with("points.p.reward: ")) << members;
  }
}

TEST(Config, TextThatIsNotJsonIsRefusedWithItsPlace) {
  const auto contains = [](std::string_view json, std::string_view part) {
    const std::string message = error_of(json);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  contains("", "line 1");
  contains("{\n  \"seed\": 1,\n  x}", "line 3, column 3");
  contains(R"({"seed": 1e999})", "1e999");
  contains(R"({"seed": NaN})", "line 1");
  contains(R"({"seed": 1, "seed": 1})", "the key \"seed\" stands twice in one object");
  contains(R"({"points": {"p": {"arms": [{"id": "a", "id": "b"}]}}})", "the key \"id\" stands twice");
  contains("{\"node\": \"\xFF\"}", "line 1");
  contains(R"({"seed": 1} {})", "line 1, column 13");
  contains(std::string(100, '['), "nested deeper than 64");
  contains(std::string((std::size_t{16} << 20U) + 1, ' '), "at most 16777216 are read");
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(parse_json("[1] // comment", {.comments = false}));
  EXPECT_TRUE(parse_json("[1] // comment"));
}

TEST(Config, WholeNumbersMayBeWrittenAsReals) {
  EXPECT_EQ(parse_config(R"({"seed": 1e6, "points": {"p": {"policy": {"type": "u"}}}})")->seed, 1'000'000U);
  EXPECT_EQ(parse_config(R"({"seed": 3.0, "points": {"p": {"policy": {"type": "u"}}}})")->seed, 3U);
  EXPECT_NE(error_of(R"({"seed": 1e18})"),
            "");  // beyond 2^53 a real does not say which whole number was meant
}

TEST(Config, LongValuesAreCutInMessages) {
  const std::string message = error_of(R"({"mode": ")" + std::string(10'000, 'x') + "\"}");
  EXPECT_LT(message.size(), 200U);
}

TEST(Config, HoldsAHundredThousandArmsAndAThousandPoints) {
  std::string arms;
  for (int i = 0; i < 100'000; ++i) {
    arms += (i == 0 ? "" : ",") +
            ("{\"id\":\"arm-" + std::to_string(i) + "\",\"prior\":{\"mean\":0.5,\"weight\":1}}");
  }
  const Result<EngineConfig> many_arms = parse_config(point("\"arms\": [" + arms + "]"));
  ASSERT_TRUE(many_arms) << many_arms.error().message;
  EXPECT_EQ(many_arms->points[0].arms.size(), 100'000U);

  std::string points;
  for (int i = 0; i < 1'000; ++i) {
    points += (i == 0 ? "" : ",") +
              ("\"p" + std::to_string(i) + "\":{\"policy\":{\"type\":\"ucb1\"},\"arms\":[\"a\"]}");
  }
  const Result<EngineConfig> many_points = parse_config("{\"points\":{" + points + "}}");
  ASSERT_TRUE(many_points) << many_points.error().message;
  EXPECT_EQ(many_points->points[999].name, "p999");
}

TEST(Config, RefusesMorePointsThanIdsCanTell) {
  std::string points;
  for (int i = 0; i < 4'097; ++i) {
    points += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{\"policy\":{\"type\":\"u\"}}";
  }
  EXPECT_EQ(error_of("{\"points\":{" + points + "}}"),
            "points = an object of 4097 is more than the 4096 allowed");
}

TEST(Config, MutatedTextsNeverCrashAndErrorsAreValidText) {
  const std::string original(kFull);
  constexpr std::string_view kBytes = "{}[]\",:0123456789.eE-+truefalsn\\u /*\n\t\x01\xFF\xC3";
  Rng rng(11);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = original;
    const std::uint64_t changes = 1 + rng.below(4);
    for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
      const std::size_t at = rng.below(text.size());
      const char byte = kBytes[rng.below(kBytes.size())];
      switch (rng.below(4)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        case 2:
          text.erase(at, 1 + rng.below(8));
          break;
        default:
          text.insert(at, text.substr(rng.below(text.size()), rng.below(40)));
      }
    }
    const Result<EngineConfig> config = parse_config(text);
    if (config) {
      ++accepted;
      EXPECT_TRUE(parse_config(config->canonical_text)) << text;
    } else {
      ASSERT_EQ(config.error().code, Errc::invalid_config);
      ASSERT_NO_THROW(static_cast<void>(nlohmann::json(config.error().message).dump())) << text;
    }
  }
  EXPECT_GT(accepted, 100U);
  EXPECT_LT(accepted, 19'000U);
}

TEST(Config, NearestNameIsNearOrNothing) {
  constexpr std::array<std::string_view, 3> kNames{"alpha", "exploration", "arms"};
  EXPECT_EQ(nearest_name("alfa", kNames), "alpha");
  EXPECT_EQ(nearest_name("explorration", kNames), "exploration");
  EXPECT_EQ(nearest_name("xyz", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'a'), kNames), "");
}

TEST(Config, ShippedExamplesAreValid) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ATTUNE_TEST_SOURCE_DIR "/examples/config")) {
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const Result<EngineConfig> config = parse_config(text);
    EXPECT_TRUE(config) << entry.path() << ": " << config.error().message;
    ++found;
  }
  EXPECT_GE(found, 3U);
}

}  // namespace
}  // namespace attune::config_test
