// SPDX-License-Identifier: Apache-2.0
// What attune-inspect says of points that choose numbers, compare two arms or show lists.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/inspect_engine.hpp"
#include "tests/tools/inspect_fixture.hpp"

namespace attune::inspect_actions_test {
namespace {

using Json = nlohmann::json;
using test::inspect;

constexpr const char* kConfig =
    R"({"seed":3,"node":"test","checkpoint":{"every_s":0,"every_records":40,"keep":9},
  "points":{
    "duel":{"policy":{"type":"double_thompson"},"arms":["a","b","c"]},
    "list":{"policy":{"type":"top_k_thompson"},"arms":["x","y","z"],"size":2,"signal":"first_click"},
    "price":{"policy":{"type":"spline_square_cb","low":5,"high":9}}}})";

class InspectActions : public ::testing::Test {
 protected:
  InspectActions() : path_(folder_.file("store.db")) {
    test::StoreMaker maker(path_, kConfig);
    for (int i = 0; i < 30; ++i) {
      for (const char* point : {"duel", "list", "price"}) {
        Decision decision;
        EXPECT_EQ(maker.engine().decide(maker.point(point), {}, {}, decision), Errc::ok);
        EXPECT_TRUE(maker.engine().pump());
        EXPECT_EQ(maker.engine().outcome(decision.id, i % 2 == 0 ? 1.0 : 0.0), Errc::ok);
        EXPECT_TRUE(maker.engine().pump());
        last_[point] = decision.id.to_string();
      }
    }
  }
  Json json(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), path_);
    arguments.emplace_back("--json");
    const test::InspectRun run = inspect(arguments);
    EXPECT_EQ(run.code, 0) << run.err;
    return Json::parse(run.out, nullptr, false);
  }

  test::TestFolder folder_;
  std::string path_;
  std::map<std::string, std::string> last_;
};

TEST_F(InspectActions, DecisionsAreListedAndDerivedAgain) {
  EXPECT_EQ(json({"verify"})["sound"], true);
  const Json listed = json({"decisions", "--limit", "90"});
  for (const Json& decision : listed.at("decisions")) {
    const bool price = decision["point"] == "price";
    EXPECT_EQ(decision["arm"].is_null() || decision["arm"] == "", price) << decision;
    EXPECT_EQ(decision["parameters"].size(), price ? 1U : 0U) << decision;
    EXPECT_EQ(decision["shown"].empty(), price) << decision;
  }
  for (const auto& [point, id] : last_) {
    const Json told = json({"explain", id});
    EXPECT_EQ(told["equal"], true) << told;
    EXPECT_EQ(told["derived"]["parameters"].size(), point == "price" ? 1U : 0U);
    EXPECT_EQ(told["derived"]["shown"].size(), told["record"]["shown"].size());
    EXPECT_EQ(inspect({path_, "explain", id}).code, 0);
  }
  const test::InspectRun list = inspect({path_, "explain", last_["list"]});
  EXPECT_NE(list.out.find(" / "), std::string::npos) << list.out;
  const test::InspectRun price = inspect({path_, "explain", last_["price"]});
  EXPECT_NE(price.out.find(", density "), std::string::npos) << price.out;
}

TEST_F(InspectActions, TheyAreNotJudgedAsSingleArms) {
  const Json judged = json({"replay"});
  ASSERT_EQ(judged["points"].size(), 3U) << judged;
  for (const Json& point : judged["points"]) {
    EXPECT_EQ(point["evaluation"]["known"], false) << point;
    EXPECT_EQ(point["evaluation"]["not_one_arm"], 30) << point;
    EXPECT_NE(std::string(point["evaluation"]["obstacle"]).find("no single arms"), std::string::npos)
        << point;
  }
}

}  // namespace
}  // namespace attune::inspect_actions_test
