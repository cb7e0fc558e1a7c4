// SPDX-License-Identifier: Apache-2.0
#include "simulations/json_reader.hpp"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace attune::sim::json_reader_test {
namespace {

using nlohmann::json;

TEST(JsonReader, ReadsEachKindAndTakesFallbacks) {
  const json object = json::parse(R"({"t":"x","n":1.5,"c":7,"b":true,"l":[1,2],"s":["a"],"o":{}})");
  JsonReader reader(object, "");
  EXPECT_EQ(reader.text("t"), "x");
  EXPECT_EQ(reader.number("n", Bounds{0, 2}), 1.5);
  EXPECT_EQ(reader.count("c", Bounds{0, 10}), 7U);
  EXPECT_TRUE(reader.boolean("b"));
  EXPECT_EQ(reader.numbers("l", Bounds{0, 2}, true), (std::vector<double>{1, 2}));
  EXPECT_EQ(reader.texts("s", true), (std::vector<std::string>{"a"}));
  EXPECT_NE(reader.find_object("o"), nullptr);
  EXPECT_EQ(reader.number("absent", Bounds{0, 1}, 0.25), 0.25);
  EXPECT_TRUE(reader.finish());
}

TEST(JsonReader, NamesPathValueAndRule) {
  const auto refusal = [](const char* text, const auto& read) {
    const json object = json::parse(text);
    JsonReader reader(object, "a.b");
    read(reader);
    const Result<void> verdict = reader.finish();
    return verdict ? std::string() : verdict.error().message;
  };
  EXPECT_EQ(refusal(R"({"n":3})", [](JsonReader& r) { (void)r.number("n", Bounds{0, 2}); }),
            "a.b.n = 3 is outside [0, 2]");
  EXPECT_EQ(refusal(R"({"n":-1})", [](JsonReader& r) { (void)r.count("n", Bounds{0, 2}); }),
            "a.b.n = -1 is outside [0, 2]");
  EXPECT_EQ(refusal(R"({"n":1.5})", [](JsonReader& r) { (void)r.count("n", Bounds{0, 2}); }),
            "a.b.n = 1.5 must be a whole number");
  EXPECT_EQ(refusal(R"({"n":"1"})", [](JsonReader& r) { (void)r.number("n", Bounds{0, 2}); }),
            "a.b.n = \"1\" must be a number");
  EXPECT_EQ(refusal(R"({})", [](JsonReader& r) { (void)r.text("t"); }), "a.b.t is missing");
  EXPECT_EQ(refusal(R"({"t":"z"})", [](JsonReader& r) { (void)r.choice("t", {"x", "y"}); }),
            "a.b.t = \"z\" must be one of x, y");
  EXPECT_EQ(refusal(R"({"l":[1,"2"]})", [](JsonReader& r) { (void)r.numbers("l", Bounds{0, 2}, true); }),
            "a.b.l[1] = \"2\" must be a number");
  EXPECT_EQ(refusal(R"({"extra":1})", [](JsonReader&) {}), "a.b.extra is not known here");
  EXPECT_EQ(refusal("[]", [](JsonReader&) {}), "a.b = [] must be an object");
}

TEST(JsonReader, RefusesWhatIsNestedTooDeep) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), "x"));
  for (const std::size_t depth : {65UL, 3'000'000UL}) {
    const Result<json> parsed = parse_json(std::string(depth, '[') + std::string(depth, ']'), "x");
    ASSERT_FALSE(parsed) << depth;
    EXPECT_EQ(parsed.error().message, "x: is nested more than 64 objects and lists deep");
  }
  std::string objects;
  for (int i = 0; i < 100; ++i) {
    objects += R"({"a":)";
  }
  EXPECT_FALSE(parse_json(objects + "1" + std::string(100, '}'), "x"));
}

TEST(JsonReader, KeepsTheFirstOfSeveralErrors) {
  const json object = json::parse(R"({"a":"x","b":"y"})");
  JsonReader reader(object, "");
  (void)reader.number("a", Bounds{0, 1});
  (void)reader.number("b", Bounds{0, 1});
  EXPECT_EQ(reader.finish().error().message, "a = \"x\" must be a number");
}

TEST(ParseJson, AllowsCommentsAndRefusesTwoEqualKeys) {
  EXPECT_TRUE(parse_json("{\"a\":1 // why\n}", "f"));
  const Result<json> twice = parse_json(R"({"a":{"b":1,"b":2}})", "f");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "f: the key \"b\" stands twice in one object");
  EXPECT_TRUE(parse_json(R"([{"b":1},{"b":2}])", "f")) << "equal keys in two objects are fine";
}

TEST(ParseJson, AnswersBrokenTextWithOneLine) {
  for (const char* text : {"", "{", "{\"a\":}", "nul", "{\"a\":1}}", "\xff"}) {
    const Result<json> parsed = parse_json(text, "f");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::parse);
    EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
    EXPECT_TRUE(parsed.error().message.starts_with("f: "));
  }
}

}  // namespace
}  // namespace attune::sim::json_reader_test
