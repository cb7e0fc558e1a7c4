// SPDX-License-Identifier: Apache-2.0
// The pipe protocol without a pipe: every operation.
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/serve_fixture.hpp"
#include "tools/serve_session.hpp"

namespace attune::tools::serve_session_test {
namespace {

using test::Json;
using test::kConfig;
using test::Serve;

TEST_F(Serve, DecidesAndLearns) {
  open();
  std::map<std::string, int> arms;
  for (int i = 0; i < 3; ++i) {
    const Json decision = ask(R"({"op":"decide","point":"model"})");
    EXPECT_EQ(decision["rung"], "policy");
    EXPECT_TRUE(decision["propensity"].is_number());
    EXPECT_FALSE(decision.contains("deferred"));
    EXPECT_TRUE(decision["version"].is_number_unsigned());
    ++arms[decision["arm"]];
    const Json outcome =
        send(Json{{"op", "outcome"}, {"id", decision["id"]}, {"components", {{"quality", 0.5}}}});
    EXPECT_EQ(outcome, (Json{{"ok", true}, {"fate", "learned"}}));
  }
  EXPECT_EQ(arms, (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"c", 1}}));  // UCB1 tries each arm first
  const Json metrics = ask(R"({"op":"metrics"})");
  EXPECT_EQ(metrics["points"][0]["name"], "model");
  EXPECT_EQ(metrics["points"][0]["rewards"]["learned"], 3);
  EXPECT_EQ(metrics["points"][0]["rewards"]["reward_sum"], 1.5);
  EXPECT_EQ(metrics["points"][0]["selections"], (Json{{"a", 1}, {"b", 1}, {"c", 1}}));
}

TEST_F(Serve, SaysWhatBecameOfAnOutcome) {
  open();
  const std::string id = decide("model");
  const auto outcome = [&](Json members) {
    members.update({{"op", "outcome"}, {"id", id}});
    return send(members);
  };
  EXPECT_EQ(outcome({{"components", {{"cost", 1}}}})["fate"], "waiting");
  EXPECT_EQ(outcome({{"components", {{"quality", 1}}}, {"key", "k1"}})["fate"], "learned");
  EXPECT_EQ(outcome({{"components", {{"quality", 1}}}, {"key", "k1"}}),
            (Json{{"ok", true}, {"fate", "duplicate"}}));
  EXPECT_EQ(outcome({{"components", {{"quality", 2}}}, {"key", "k1"}})["error"]["code"], "conflict");
  EXPECT_EQ(outcome({{"components", {{"quality", 1}}}, {"key", "k2"}})["fate"], "late");
  EXPECT_EQ(outcome({{"components", {{"reward", 1}}}})["error"]["code"], "unknown_component");
  EXPECT_EQ(outcome({{"components", {{"sales", 1}}}})["error"]["code"], "unknown_component");
}

TEST_F(Serve, WindowsEndByTheClockWithoutFurtherRequests) {
  open();
  const std::string id = decide("model");
  clock_->advance(61 * kSecond);
  session_.settle();
  const Json late = send(Json{{"op", "outcome"}, {"id", id}, {"components", {{"quality", 1}}}});
  EXPECT_EQ(late["fate"], "late");
  EXPECT_EQ(ask(R"({"op":"metrics"})")["points"][0]["rewards"]["silent"], 1);
}

TEST_F(Serve, KillsAndFreezesPoints) {
  open();
  EXPECT_EQ(ask(R"({"op":"kill","point":"model","on":true,"who":"ops","why":"smoke"})"),
            (Json{{"ok", true}}));
  const Json decision = ask(R"({"op":"decide","point":"model"})");
  EXPECT_EQ(decision["rung"], "uniform");
  EXPECT_EQ(decision["reason"], "killed");
  EXPECT_EQ(ask(R"({"op":"health"})")["reasons"][0]["sentence"], "point 'model' is killed by ops: smoke");
  EXPECT_EQ(ask(R"({"op":"metrics"})")["points"][0]["safety"]["killed"], true);
  EXPECT_EQ(ask(R"({"op":"metrics"})")["points"][0]["safety"]["rungs"]["uniform"], 1);
  EXPECT_EQ(ask(R"({"op":"kill","on":false,"who":"ops"})"), (Json{{"ok", true}}));
  EXPECT_FALSE(ask(R"({"op":"decide","point":"model"})").contains("reason"));
  EXPECT_EQ(ask(R"({"op":"freeze","point":"model","on":true,"who":"ops"})"), (Json{{"ok", true}}));
  expect_error(R"({"op":"arm","point":"model","action":"add","arm":"z"})", "conflict", "is frozen");
  EXPECT_EQ(ask(R"({"op":"freeze","point":"model","on":false,"who":"ops"})"), (Json{{"ok", true}}));
  expect_error(R"({"op":"kill","point":"model","on":true})", "invalid_argument", "who");
  expect_error(R"({"op":"kill","point":"nope","on":true,"who":"ops"})", "unknown_point", "nope");
  expect_error(R"({"op":"kill","point":"model","on":1,"who":"ops"})", "invalid_argument", "on");
  expect_error(R"({"op":"freeze","on":true,"who":"ops"})", "invalid_argument", "point");
}

TEST_F(Serve, UnknownDecisionsAreErrors) {
  open();
  expect_error(R"({"op":"outcome","id":"018f0000-0000-7000-8000-000000000000","reward":1})",
               "unknown_decision", "");
  expect_error(R"({"op":"outcome","id":"mine","reward":1})", "invalid_argument",
               "is not the id of a decision");
  expect_error(R"({"op":"outcome","id":"","reward":1})", "invalid_argument", "is not the id of a decision");
}

TEST_F(Serve, TakesEveryFormOfContext) {
  open();
  for (const char* line :
       {R"({"op":"decide","point":"dense","context":[1,-2.5e-3]})",
        R"({"op":"decide","point":"sparse","context":{"index":[1,99],"value":[1,0.5]}})",
        R"({"op":"decide","point":"sparse","context":{"value":[1],"index":[0]}})",
        R"({"op":"decide","point":"sparse","context":{"index":[],"value":[]}})",
        R"({"op":"decide","point":"named","context":{"n":1}})",
        R"({"op":"decide","point":"named","context":{"task":"x","code":true,"n":1,"index":3}})",
        R"({"op":"decide","point":"model","context":[]})",
        R"({"op":"decide","point":"model","context":{}})"}) {
    EXPECT_TRUE(ask(line).contains("id")) << line;
  }
}

TEST_F(Serve, OffersASubsetOfTheArms) {
  open();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ask(R"({"op":"decide","point":"model","arms":["b"]})")["arm"], "b");
  }
  expect_error(R"({"op":"decide","point":"model","arms":["b","z"]})", "unknown_arm", "z");
  expect_error(R"({"op":"decide","point":"model","arms":[]})", "no_arm", "empty");
}

TEST_F(Serve, OptimizersAnswerWithNamedParameters) {
  open();
  const Json decision = ask(R"({"op":"decide","point":"tune"})");
  ASSERT_TRUE(decision.contains("parameters")) << decision;
  EXPECT_TRUE(decision["arm"].is_null());
  EXPECT_TRUE(decision["propensity"].is_null());
  EXPECT_EQ(decision["deferred"], true);
  const double t = decision["parameters"]["t"];
  EXPECT_GE(t, 0.0);
  EXPECT_LE(t, 1.0);
  const double n = decision["parameters"]["n"];
  EXPECT_EQ(n, std::round(n));
  EXPECT_EQ(send(Json{{"op", "outcome"}, {"id", decision["id"]}, {"reward", 0.7}})["fate"], "learned");
}

TEST_F(Serve, ArmsComeAndGo) {
  open();
  EXPECT_EQ(ask(R"({"op":"arm","point":"model","action":"add","arm":"d","prior":{"mean":0.5,"weight":1}})"),
            (Json{{"ok", true}}));
  EXPECT_EQ(ask(R"({"op":"decide","point":"model","arms":["d"]})")["arm"], "d");
  expect_error(R"({"op":"arm","point":"model","action":"add","arm":"d"})", "duplicate", "d");
  EXPECT_EQ(ask(R"({"op":"arm","point":"model","action":"disable","arm":"d"})"), (Json{{"ok", true}}));
  expect_error(R"({"op":"decide","point":"model","arms":["d"]})", "no_arm", "");
  EXPECT_EQ(ask(R"({"op":"arm","point":"model","action":"enable","arm":"d"})"), (Json{{"ok", true}}));
  EXPECT_EQ(ask(R"({"op":"decide","point":"model","arms":["d"]})")["arm"], "d");
  EXPECT_EQ(ask(R"({"op":"arm","point":"model","action":"remove","arm":"d"})"), (Json{{"ok", true}}));
  expect_error(R"({"op":"arm","point":"model","action":"remove","arm":"d"})", "unknown_arm", "d");
  expect_error(R"({"op":"arm","point":"model","action":"drop","arm":"a"})", "invalid_argument",
               "none of add");
  expect_error(R"({"op":"arm","point":"model","action":"add","arm":""})", "invalid_argument", "empty");
  expect_error(R"({"op":"arm","point":"model","action":"add","arm":"e","features":[1]})",
               "dimension_mismatch", "1");
  expect_error(R"({"op":"arm","point":"model","action":"enable","arm":"a","features":[1]})",
               "invalid_argument", "belong to the action");
  expect_error(R"({"op":"arm","point":"tune","action":"add","arm":"e"})", "unsupported", "");
}

TEST_F(Serve, EpisodesShareTheirRewards) {
  open();
  const std::string first = ask(R"({"op":"decide","point":"chain","episode":"s1"})")["id"];
  const std::string second = ask(R"({"op":"decide","point":"chain","episode":"s1"})")["id"];
  EXPECT_TRUE(send(Json{{"op", "outcome"}, {"id", first}, {"reward", 0}})["ok"]);
  EXPECT_TRUE(send(Json{{"op", "outcome"}, {"id", second}, {"reward", 1}})["ok"]);
  EXPECT_EQ(ask(R"({"op":"end_episode","point":"chain","episode":"s1"})"), (Json{{"ok", true}}));
  const Json point = ask(R"({"op":"metrics"})")["points"][6];
  EXPECT_EQ(point["name"], "chain");
  EXPECT_EQ(point["rewards"]["learned"], 2);
  EXPECT_EQ(point["rewards"]["reward_sum"], 1.0);
  expect_error(R"({"op":"end_episode","point":"chain","episode":""})", "invalid_argument", "name");
}

TEST_F(Serve, DescribesHealthVersionAndSchema) {
  EXPECT_EQ(ask(R"({"op":"version"})")["protocol"], kProtocolVersion);
  EXPECT_TRUE(ask(R"({"op":"schema"})")["schema"]["properties"].contains("points"));
  open();
  const Json description = ask(R"({"op":"describe","point":"model"})");
  EXPECT_FALSE(description["summary"].get<std::string>().empty());
  EXPECT_EQ(description["rows"].size(), 3U);
  EXPECT_EQ(description["rows"][0].size(), description["columns"].size());
  const Json health = ask(R"({"op":"health"})");
  EXPECT_EQ(health["ok"], true);
  EXPECT_EQ(health["store"], "none");
  expect_error(R"({"op":"describe","point":"nowhere"})", "unknown_point", "nowhere");
  expect_error(R"({"op":"checkpoint"})", "unsupported", "store");
}

TEST_F(Serve, InitOpensTheEngineOnce) {
  for (const char* op : {"decide\",\"point\":\"p", "metrics", "health", "checkpoint"}) {
    expect_error("{\"op\":\"" + std::string(op) + "\"}", "invalid_argument", "no engine yet");
  }
  expect_error(R"({"op":"init","config":{"points":{}}})", "invalid_config", "points");
  expect_error(R"({"op":"init","config":{"points":{"p":{"policy":{"type":"nothing"}}}}})", "invalid_config",
               "points.p.policy");
  expect_error(R"({"op":"init","config":{"seed":1,"seed":2,"points":{"p":{"policy":{"type":"ucb1"}}}}})",
               "invalid_config", "stands twice");
  expect_error(R"({"op":"init","config":"file"})", "invalid_config", "");
  expect_error(R"({"op":"init"})", "invalid_argument", "\"config\"");
  const Json opened = ask("{\"op\":\"init\",\"config\":" + Json::parse(kConfig).dump() + "}");
  EXPECT_EQ(opened["ok"], true);
  EXPECT_EQ(opened["protocol"], kProtocolVersion);
  EXPECT_EQ(opened["points"].size(), 7U);
  EXPECT_TRUE(session_.is_open());
  expect_error("{\"op\":\"init\",\"config\":" + Json::parse(kConfig).dump() + "}", "invalid_argument",
               "already");
}

TEST_F(Serve, EndIsTheLastAnswer) {
  open();
  EXPECT_EQ(ask(R"({"op":"end","ref":[]})")["error"]["code"], "invalid_argument");
  EXPECT_TRUE(goes_on_);
  EXPECT_EQ(ask(R"({"op":"end"})"), (Json{{"ok", true}}));
  EXPECT_FALSE(goes_on_);
}

TEST(ServeExamples, ShippedConfigurationsOpen) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ATTUNE_TEST_SOURCE_DIR "/examples/config")) {
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    ServeSession session({});
    const Result<void> opened = session.open(text);
    EXPECT_TRUE(opened) << entry.path() << ": " << opened.error().message;
    EXPECT_TRUE(session.close());
    ++found;
  }
  EXPECT_GE(found, 3U);
}

class QueuedServe : public Serve {
 protected:
  QueuedServe() : Serve(true) {}
};

TEST_F(QueuedServe, AnswersBeforeItLearns) {
  open();
  const std::string id = decide("model");
  EXPECT_EQ(send(Json{{"op", "outcome"}, {"id", id}, {"components", {{"quality", 1}}}}),
            (Json{{"ok", true}, {"fate", "queued"}}));
  EXPECT_EQ(ask(R"({"op":"metrics"})")["points"][0]["rewards"]["learned"], 1);  // metrics settles first
}

}  // namespace
}  // namespace attune::tools::serve_session_test
