// SPDX-License-Identifier: Apache-2.0
// The schema and the reader must know the same options.
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/engine.hpp>

#include "engine/config.hpp"
#include "tests/engine/config_texts.hpp"

namespace attune::config_schema_test {
namespace {

TEST(ConfigSchema, SchemaKnowsEveryOptionThatTheReaderKnows) {
  const nlohmann::json schema = nlohmann::json::parse(config_schema());
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["required"], nlohmann::json::array({"points"}));
  // Walks the full configuration beside the schema: every member of one is a property of the other.
  const nlohmann::json config = nlohmann::json::parse(parse_config(test::kFull).value().canonical_text);
  for (const auto& [key, value] : config.items()) {
    EXPECT_TRUE(schema["properties"].contains(key)) << key;
  }
  const nlohmann::json& model = config["points"]["model"];
  for (const auto& [key, value] : model.items()) {
    EXPECT_TRUE(schema["$defs"]["point"]["properties"].contains(key)) << key;
  }
  for (const auto& [key, value] : model["reward"].items()) {
    EXPECT_TRUE(schema["$defs"]["reward"]["properties"].contains(key)) << key;
  }
  for (const auto& [name, component] : model["reward"]["components"].items()) {
    for (const auto& [key, value] : component.items()) {
      EXPECT_TRUE(schema["$defs"]["component"]["properties"].contains(key)) << key;
    }
  }
  EXPECT_TRUE(schema["$defs"]["policy"]["oneOf"].is_array());
  EXPECT_FALSE(schema["$defs"]["policy"]["oneOf"].empty());
}

TEST(ConfigSchema, ReaderKnowsEveryOptionOfTheSchema) {
  const nlohmann::json schema = nlohmann::json::parse(config_schema());
  // No option takes this value, so a known one is refused for its value and an unknown one for its name.
  const std::string wrong = "[[]]";
  const auto is_known = [](const std::string& json) {
    const Result<EngineConfig> config = parse_config(json);
    return !config && config.error().message.find("is not a known option") == std::string::npos;
  };
  EXPECT_FALSE(is_known(test::point("\"unheard_of\": " + wrong)));
  for (const auto& [key, value] : schema["properties"].items()) {
    const std::string valid = key == "points" ? "" : R"("points": {"p": {"policy": {"type": "ucb1"}}}, )";
    EXPECT_TRUE(is_known("{" + valid + "\"" + key + "\": " + wrong + "}")) << key;
  }
  for (const auto& [key, value] : schema["$defs"]["point"]["properties"].items()) {
    if (key != "policy") {
      EXPECT_TRUE(is_known(test::point("\"" + key + "\": " + wrong))) << key;
    }
  }
  for (const auto& [key, value] : schema["$defs"]["reward"]["properties"].items()) {
    EXPECT_TRUE(is_known(test::reward("\"" + key + "\": " + wrong))) << key;
  }
  for (const auto& [key, value] : schema["$defs"]["component"]["properties"].items()) {
    EXPECT_TRUE(is_known(test::reward("\"components\": {\"q\": {\"" + key + "\": " + wrong + "}}"))) << key;
  }
}

}  // namespace
}  // namespace attune::config_schema_test
