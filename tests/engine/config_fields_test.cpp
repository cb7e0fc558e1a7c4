// SPDX-License-Identifier: Apache-2.0
#include "engine/config_fields.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/engine/registry_fixture.hpp"

namespace attune::config_fields_test {
namespace {

using test::EveryField;
using test::Json;

TEST(ConfigFields, ReadsEveryTypeAndWritesItBack) {
  EveryField config;
  const Json object{{"flag", false},    {"small", 4294967295},  {"large", 9007199254740993}, {"number", -1},
                    {"text", "\u00e9"}, {"choice", "constant"}, {"numbers", {9, 0.25}}};
  const Result<void> read = detail::read_config(object, config, "");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(config.flag);
  EXPECT_EQ(config.small, 4294967295U);
  EXPECT_EQ(config.large, 9007199254740993U);  // 2^53 + 1: not through a double
  EXPECT_EQ(config.number, -1.0);
  EXPECT_EQ(config.text, "\u00e9");
  EXPECT_EQ(config.choice, LearningRate::constant);
  EXPECT_EQ(config.numbers, (std::vector<double>{9.0, 0.25}));
  EXPECT_EQ(detail::write_fields(detail::field_refs(config)), object);
}

TEST(ConfigFields, RefusesWhatATypeCannotHold) {
  const auto error = [](const Json& object) {
    EveryField config;
    const Result<void> read = detail::read_config(object, config, "here");
    EXPECT_FALSE(read) << object;
    return read ? std::string() : read.error().message;
  };
  EXPECT_EQ(error({{"small", 4294967296}}), "here.small = 4294967296 is outside [0, 4294967295]");
  EXPECT_EQ(error({{"flag", 1}}), "here.flag should be true or false, not a number");
  EXPECT_EQ(error({{"text", 1}}), "here.text should be a string, not a number");
  EXPECT_EQ(error({{"numbers", 1}}), "here.numbers should be an array of numbers, not a number");
  EXPECT_EQ(error({{"numbers", {1, -1}}}), "here.numbers[1] = -1 is outside [0, 9]");
  EXPECT_EQ(error({{"numbers", {1, "2"}}}), "here.numbers[1] should be a number, not a string");
  EXPECT_EQ(error({{"large", -5}}), "here.large = -5 is outside [0, 1.8e+19]");
  EXPECT_EQ(error({{"large", 1e17 + 0.0}}),
            "here.large = 1e+17 is not a whole number that can be read exactly");
  EXPECT_NE(error({{"type", "x"}}).find("here.type is no known key"), std::string::npos);
}

}  // namespace
}  // namespace attune::config_fields_test
