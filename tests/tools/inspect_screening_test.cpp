// SPDX-License-Identifier: Apache-2.0
// What attune-inspect says of screening.
#include <array>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

#include "tests/tools/inspect_engine.hpp"
#include "tests/tools/inspect_fixture.hpp"
#include "tools/inspect/guards.hpp"
#include "tools/inspect/state_text.hpp"
#include "tools/inspect/state_view.hpp"

namespace attune::tools::inspect_screening_test {
namespace {

using test::inspect;
using test::TestFolder;

PointView screened() {
  PointView view;
  view.metrics.name = "model";
  ScreeningMetrics screening;
  screening.contexts = true;
  screening.context_action = "fall_back";
  screening.familiar = 1190;
  screening.unfamiliar = 10;
  screening.threshold = 12.5;
  screening.unfamiliar_share = 0.25;
  screening.alarm = true;
  screening.sources = true;
  screening.admitted = 1;
  screening.capped = 2345;
  screening.screens.push_back({.name = "quality",
                               .watch = "component",
                               .component = "quality",
                               .detector = "hampel",
                               .action = "reject",
                               .values = 1200,
                               .anomalies = 1,
                               .clipped = 0,
                               .rejected = 1,
                               .share = std::numeric_limits<double>::quiet_NaN(),
                               .alarm = false});
  view.metrics.screening = screening;
  return view;
}

TEST(InspectScreening, ShowHasALineForEachPart) {
  const std::string text = point_text(screened());
  for (const char* part :
       {"10 unfamiliar of 1,200, 25% of the newest (alarm); threshold 12.5, answered without",
        "1 outcome admitted, 2,345 above a cap", "quality, hampel: 1 anomaly in 1,200 values, 1 rejected"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(InspectScreening, DiffKnowsItsNumbers) {
  PointView later = screened();
  later.metrics.screening->capped = 2346;
  const std::vector<Difference> found = differences({screened()}, {later});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].column, "capped outcomes");
}

TEST(InspectScreening, GuardsTellsWhatAPointWithoutSafetyScreens) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
    ASSERT_TRUE(journal);
    EngineOptions options;
    options.journal = std::move(*journal);
    Result<Engine> engine = Engine::open(
        R"({"seed":1,"points":{"model":{"policy":{"type":"ucb1"},"arms":["a"],"screening":{"sources":{},
            "outcomes":[{"watch":"reward","action":"clip","detector":{"type":"iqr"}}]}}}})",
        std::move(options));
    ASSERT_TRUE(engine) << engine.error().message;
    const PointId point = engine->point("model").value();
    Decision decision;
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(engine->decide(point, {}, {}, decision), Errc::ok);
      const std::array<Component, 1> parts{Component{.name = "reward", .value = 0.5}};
      ASSERT_EQ(engine->outcome(decision.id, parts, {.source = "me"}), Errc::ok);
      ASSERT_TRUE(engine->pump());
    }
  }
  const test::InspectRun text = inspect({path, "guards"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("10 outcomes admitted, 10 above a cap"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("reward, iqr: 0 anomalies in 10 values, 0 clipped"), std::string::npos) << text.out;
  const nlohmann::json json = nlohmann::json::parse(inspect({path, "guards", "--json"}).out);
  const nlohmann::json& screening = json["points"][0]["screening"];
  EXPECT_EQ(screening["sources"]["capped"], 10);
  EXPECT_EQ(screening["screens"][0]["screen"], "reward");
  EXPECT_TRUE(screening["contexts"].is_null());
}

}  // namespace
}  // namespace attune::tools::inspect_screening_test
