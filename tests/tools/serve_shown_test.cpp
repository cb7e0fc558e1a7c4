// SPDX-License-Identifier: Apache-2.0
// Pairs, lists and numbers over the pipe, and the sessions that the pages about them show.
#include <array>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/docs/pages.hpp"
#include "tests/tools/serve_fixture.hpp"

namespace attune::tools::serve_shown_test {
namespace {

using test::Json;

constexpr std::string_view kPoints = R"({"seed":1,"points":{
  "duel":{"policy":{"type":"rucb"},"arms":["a","b"]},
  "list":{"policy":{"type":"top_k_ucb"},"arms":["a","b","c","d"],"size":3,"signal":"first_click"},
  "items":{"policy":{"type":"top_k_ucb"},"arms":["a","b","c"],"size":2,"signal":"items"},
  "price":{"policy":{"type":"spline_square_cb","low":5,"high":9}}}})";

class ServeShown : public test::Serve {
 protected:
  Json told(const Json& id, std::string_view member, const Json& value) {
    Json request{{"op", "outcome"}, {"id", id}};
    request[member] = value;
    return send(request);
  }
  std::uint64_t refused(std::size_t point) {
    return ask(R"({"op":"metrics"})")["points"][point]["refused_rewards"];
  }
};

TEST_F(ServeShown, AWinnerIsNamed) {
  open(kPoints);
  const Json decision = ask(R"({"op":"decide","point":"duel"})");
  ASSERT_EQ(decision["shown"].size(), 2U) << decision;
  EXPECT_EQ(decision["arm"], decision["shown"][0]);
  EXPECT_FALSE(decision.contains("parameters"));
  EXPECT_EQ(told(decision["id"], "winner", "z")["error"]["code"], "invalid_argument");
  EXPECT_EQ(told(decision["id"], "winner", 3)["error"]["code"], "invalid_argument");
  EXPECT_EQ(told(decision["id"], "winner", decision["shown"][1])["fate"], "learned");
  // A client that heard nothing says it again.
  EXPECT_EQ(told(decision["id"], "winner", decision["shown"][1])["fate"], "duplicate");
  EXPECT_EQ(told(decision["id"], "winner", decision["shown"][0])["error"]["code"], "conflict");
  const Json tie = ask(R"({"op":"decide","point":"duel"})");
  EXPECT_EQ(told(tie["id"], "winner", nullptr)["fate"], "learned");
  EXPECT_EQ(refused(0), 0U);
  const Json metrics = ask(R"({"op":"metrics"})")["points"][0];
  const std::size_t selections =
      metrics["selections"]["a"].get<std::size_t>() + metrics["selections"]["b"].get<std::size_t>();
  EXPECT_EQ(selections, 2 + tie["shown"].size());  // one that is left alone is shown once
}

TEST_F(ServeShown, AClickIsNamed) {
  open(kPoints);
  const Json decision = ask(R"({"op":"decide","point":"list"})");
  ASSERT_EQ(decision["shown"].size(), 3U) << decision;
  EXPECT_EQ(told(decision["id"], "click", decision["shown"][2])["fate"], "learned");
  const Json other = ask(R"({"op":"decide","point":"list"})");
  EXPECT_EQ(told(other["id"], "click", nullptr)["fate"], "learned");
  EXPECT_EQ(refused(1), 0U);
  const Json items = ask(R"({"op":"decide","point":"items"})");
  EXPECT_EQ(told(items["id"], "components", {{"item_2", 1}})["fate"], "waiting");
  EXPECT_EQ(told(items["id"], "components", {{"item_1", 0}})["fate"], "learned");
  EXPECT_EQ(told(items["id"], "components", {{"item_3", 0}})["error"]["code"], "unknown_component");
}

TEST_F(ServeShown, NumbersHaveNamesAndADensity) {
  open(kPoints);
  const Json decision = ask(R"({"op":"decide","point":"price"})");
  EXPECT_TRUE(decision["arm"].is_null());
  EXPECT_FALSE(decision.contains("shown"));
  const double price = decision["parameters"]["x0"];
  EXPECT_GE(price, 5.0);
  EXPECT_LE(price, 9.0);
  EXPECT_GT(decision["propensity"], 0.0);
  EXPECT_EQ(told(decision["id"], "reward", -3.5)["fate"], "learned");
}

TEST_F(ServeShown, WordsThatDoNotFitAreNamed) {
  open(kPoints);
  const std::string id = decide("duel");
  for (const auto& [line, part] :
       std::map<std::string, std::string>{{R"("winner":"a","reward":1})", "one of reward, winner and click"},
                                          {R"("winner":"a","click":"b"})", "one of reward, winner and click"},
                                          {R"("winner":null,"components":{"reward":1}})", "not both"},
                                          {R"("winner":true})", "neither a text in quotes nor null"},
                                          {R"("winner":["a"]})", "is an array"},
                                          {R"("winner":""})", "none of the arms"}}) {
    expect_error(R"({"op":"outcome","id":")" + id + "\"," + line, "invalid_argument", part);
  }
  expect_error(R"({"op":"outcome","id":"018f0000-0000-7000-8000-000000000000","winner":"a"})",
               "unknown_decision", "waits for an outcome");
  const std::string price = decide("price");
  expect_error(R"({"op":"outcome","id":")" + price + R"(","winner":"a"})", "invalid_argument",
               "none of the arms");
}

/// The sessions of a page, each under its configuration: what is asked gets the answers that stand there, but
/// for the ids.
class Pages : public test::Serve, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(All, Pages, ::testing::Values("continuous", "duels", "slates"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(Pages, ShowWhatTheyGet) {
  const std::string page = attune::test::read_page("docs/" + std::string(GetParam()) + ".md");
  open(attune::test::first_block(page, "json"));
  const std::size_t start = page.find("```\n> {");
  ASSERT_NE(start, std::string::npos);
  std::istringstream lines(page.substr(start + 4, page.find("```", start + 4) - start - 4));
  std::map<std::string, std::string> ids;  // of the page, and what they are here
  std::size_t answers = 0;
  Json answer;
  for (std::string line; std::getline(lines, line);) {
    ASSERT_GT(line.size(), 2U);
    if (line[0] == '>') {
      std::string request = line.substr(2);
      for (const auto& [printed, here] : ids) {
        if (const std::size_t at = request.find(printed); at != std::string::npos) {
          request.replace(at, printed.size(), here);
        }
      }
      answer = ask(request);
      continue;
    }
    Json printed = Json::parse(line.substr(2));
    if (printed.contains("id")) {
      ids[printed["id"]] = answer.at("id");
      printed["id"] = answer["id"];
    }
    EXPECT_EQ(answer, printed);
    ++answers;
  }
  EXPECT_GE(answers, 4U);
}

}  // namespace
}  // namespace attune::tools::serve_shown_test
