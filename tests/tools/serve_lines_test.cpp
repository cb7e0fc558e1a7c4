// SPDX-License-Identifier: Apache-2.0
// Lines of the pipe protocol that are not what they should be.
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>

#include "tests/tools/serve_fixture.hpp"

namespace attune::tools::serve_lines_test {
namespace {

using test::Json;
using ServeLines = test::Serve;

TEST_F(ServeLines, EchoesTheCallersMark) {
  open();
  EXPECT_EQ(ask(R"({"op":"health","ref":17})")["ref"], 17);
  EXPECT_EQ(ask(R"({"ref":-1.50,"op":"version"})")["ref"], -1.5);
  EXPECT_EQ(ask(R"({"op":"decide","point":"x","ref":"a\"\\\n\u0001ß"})")["ref"], "a\"\\\n\x01ß");
  EXPECT_EQ(ask(R"({"op":"version","ref":null})").at("ref"), nullptr);
  EXPECT_EQ(ask(R"({"op":"version","ref":true})")["ref"], true);
  EXPECT_EQ(ask(R"({"op":5,"what":{},"ref":"late"})")["ref"], "late");  // after an error in the line
  EXPECT_EQ(ask(R"({"ref":"early","op":)")["ref"], "early");
  EXPECT_FALSE(ask(R"({"op":"version"})").contains("ref"));
}

TEST_F(ServeLines, EveryBadLineGetsOneError) {
  open();
  struct Case {
    const char* line;
    const char* code;
    const char* part;
  };
  const std::array<Case, 46> cases{{
      {"x", "parse", "byte 1"},
      {"{", "parse", "byte"},
      {"{}{}", "parse", "byte 3"},
      {"[]", "parse", "not an array"},
      {"7", "parse", "not a single value"},
      {"null", "parse", "not a single value"},
      {"{\"op\":\"version\"} x", "parse", "byte"},
      {"{\"op\":\"\xFF\"}", "parse", "byte"},
      {R"({"op":"outcome","id":"x","reward":1e999})", "parse", "number"},
      {R"({"op":"outcome","id":"x","reward":NaN})", "parse", "byte"},
      {"{}", "invalid_argument", "no member \"op\""},
      {R"({"op":null})", "invalid_argument", "\"op\" is not a text"},
      {R"({"op":"fly"})", "invalid_argument", "no op \"fly\""},
      {R"({"op":"version","op":"version"})", "invalid_argument", "\"op\" stands twice"},
      {R"({"op":"version","extra":[{"a":[1]}]})", "invalid_argument", "unknown member \"extra\""},
      {R"({"op":"version","point":"model"})", "invalid_argument", "\"version\" takes no member \"point\""},
      {R"({"op":"decide"})", "invalid_argument", "needs the member \"point\""},
      {R"({"op":"decide","point":["model"]})", "invalid_argument", "\"point\" is an array"},
      {R"({"op":"decide","point":{}})", "invalid_argument", "\"point\" is an object"},
      {R"({"op":"decide","point":"nowhere"})", "unknown_point", "nowhere"},
      {R"({"op":"decide","point":"dense"})", "dimension_mismatch", "0 numbers; this point takes 2"},
      {R"({"op":"decide","point":"dense","context":[1]})", "dimension_mismatch", "1 numbers"},
      {R"({"op":"decide","point":"dense","context":5})", "invalid_argument",
       "neither an array nor an object"},
      {R"({"op":"decide","point":"dense","context":[1,"2"]})", "invalid_argument", "not a number"},
      {R"({"op":"decide","point":"dense","context":[1,null]})", "invalid_argument", "not a number"},
      {R"({"op":"decide","point":"dense","context":[1,[2]]})", "invalid_argument", "plain value"},
      {R"({"op":"decide","point":"sparse","context":{"index":[1]}})", "invalid_argument",
       "both index and value"},
      {R"({"op":"decide","point":"sparse","context":{"index":[1],"value":[1,2]}})", "dimension_mismatch",
       "as many"},
      {R"({"op":"decide","point":"sparse","context":{"index":[2,1],"value":[1,2]}})", "dimension_mismatch",
       "increas"},
      {R"({"op":"decide","point":"sparse","context":{"index":[100],"value":[1]}})", "dimension_mismatch",
       "below 100"},
      {R"({"op":"decide","point":"sparse","context":{"index":[-1],"value":[1]}})", "invalid_argument",
       "whole number"},
      {R"({"op":"decide","point":"sparse","context":{"index":[4294967296],"value":[1]}})", "invalid_argument",
       "whole"},
      {R"({"op":"decide","point":"sparse","context":{"index":[1.0],"value":[1]}})", "invalid_argument",
       "whole"},
      {R"({"op":"decide","point":"sparse","context":{"index":[1],"index":[2],"value":[1]}})",
       "invalid_argument", "plain value"},
      {R"({"op":"decide","point":"sparse","context":{"index":[1],"value":[1],"n":1}})", "invalid_argument",
       "mixes"},
      {R"({"op":"decide","point":"named","context":{"n":null}})", "invalid_argument", "leave it out"},
      {R"({"op":"decide","point":"named","context":{"n":[1]}})", "invalid_argument", "plain value"},
      {R"({"op":"decide","point":"named","context":{"n":1,"n":2}})", "invalid_argument", "given twice"},
      {R"({"op":"decide","point":"named","context":{"task":"x"}})", "invalid_argument", "\"n\" is missing"},
      {R"({"op":"decide","point":"model","arms":"a"})", "invalid_argument", "array of texts"},
      {R"({"op":"decide","point":"model","arms":[1]})", "invalid_argument", "not a text"},
      {R"({"op":"outcome","id":"018f0000-0000-7000-8000-000000000000"})", "invalid_argument", ""},
      {R"({"op":"outcome","id":"018f0000-0000-7000-8000-000000000000","reward":1,"components":{"reward":1}})",
       "invalid_argument", "not both"},
      {R"({"op":"outcome","id":"018f0000-0000-7000-8000-000000000000","reward":1,"terminal":true,"truncated":true})",
       "invalid_argument", "not both"},
      {R"({"op":"outcome","id":"x","reward":"1"})", "invalid_argument", "\"reward\" is not a number"},
      {R"({"op":"arm","point":"model","action":"add","arm":"z","prior":{"mode":1}})", "invalid_argument",
       "mean"},
  }};
  for (const Case& one : cases) {
    expect_error(one.line, one.code, one.part);
  }
  EXPECT_TRUE(ask(R"({"op":"decide","point":"model"})").contains("id"));  // and on it goes
}

TEST_F(ServeLines, BlankLinesGetNoAnswer) {
  std::string out;
  for (const char* line : {"", " ", "\r", "\t \r"}) {
    EXPECT_TRUE(session_.handle(line, out));
  }
  EXPECT_EQ(out, "");
  EXPECT_TRUE(session_.handle("{\"op\":\"version\"}\r", out));
  EXPECT_TRUE(Json::parse(out).contains("version"));
}

TEST_F(ServeLines, MutatedLinesGetOneAnswerEachAndNeverCrash) {
  open();
  const std::array<std::string, 7> lines{
      R"({"op":"decide","point":"named","context":{"n":1,"code":true,"task":"x"},"arms":["a","b"],"ref":1})",
      R"({"op":"decide","point":"sparse","context":{"index":[1,5],"value":[0.5,2]},"episode":"e","client_key":"k"})",
      R"({"op":"decide","point":"dense","context":[1.5,-2]})",
      R"({"op":"outcome","id":"018f0000-0000-7000-8000-000000000000","components":{"quality":1},"key":"k","next":[1]})",
      R"({"op":"arm","point":"model","action":"add","arm":"n","features":[],"prior":{"mean":0.5,"weight":1}})",
      R"({"op":"metrics","ref":"\u00df"})",
      R"({"op":"describe","point":"model"})"};
  constexpr std::string_view kBytes = "{}[]\",:0123456789.eE-+truefalsn\\u /\t\x01\xFF\xC3";
  Rng rng(13);
  std::size_t errors = 0;
  constexpr std::size_t kRounds = 20'000;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::string line = lines.at(rng.below(lines.size()));
    for (std::uint64_t changes = rng.below(4); changes > 0; --changes) {
      const std::size_t at = rng.below(line.size());
      switch (rng.below(3)) {
        case 0:
          line[at] = kBytes[rng.below(kBytes.size())];
          break;
        case 1:
          line.insert(at, 1, kBytes[rng.below(kBytes.size())]);
          break;
        default:
          line.erase(at, 1 + rng.below(4));
          line += ' ';
      }
    }
    if (line.find_first_not_of(" \t") == std::string::npos) {
      continue;
    }
    errors += ask(std::string_view(line)).contains("error") ? 1 : 0;
  }
  EXPECT_GT(errors, kRounds / 4);
  EXPECT_LT(errors, kRounds);
}

}  // namespace
}  // namespace attune::tools::serve_lines_test
