// SPDX-License-Identifier: Apache-2.0
// attune-inspect over guards and switches: guards, and what summary, points and doctor say of them.
#include <array>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/clock.hpp>
#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

#include "tests/tools/inspect_engine.hpp"
#include "tests/tools/inspect_fixture.hpp"
#include "tools/inspect/guards.hpp"
#include "tools/inspect/text.hpp"

namespace attune::tools::inspect_guards_test {
namespace {

using test::bytes_of_file;
using test::expect_one_line;
using test::inspect;
using test::InspectRun;
using test::StoreMaker;
using test::TestFolder;
using Json = nlohmann::json;

constexpr const char* kConfig = R"({"seed":1,"node":"test","checkpoint":{"every_s":0,"every_records":50},
  "points":{
    "model":{"policy":{"type":"epsilon_greedy","epsilon":0.5,"schedule":"constant"},"arms":["a","b","c"],
             "reward":{"components":{"quality":{},"error":{"weight":0,"required":false}},"join_window_s":1e6},
             "safety":{"guards":[{"kind":"rate","component":"error","limit":0.2,"min_samples":10,"window":100,
                                  "cooldown_s":60}]}},
    "plain":{"policy":{"type":"ucb1"},"arms":["x","y"]}}})";

/// An engine over a store at whose point "model" the arm b fails.
class InspectGuards : public ::testing::Test {
 protected:
  InspectGuards() {
    Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path_, OpenMode::read_write);
    EXPECT_TRUE(journal);
    Result<Engine> engine = Engine::open(
        kConfig, {.clock = clock_, .journal = std::move(*journal), .credit_functions = {}, .log = {}});
    EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
    engine_ = std::make_unique<Engine>(std::move(*engine));
  }
  void round() {
    Decision decision;
    ASSERT_EQ(engine_->decide(point(), {}, {}, decision), Errc::ok);
    const std::array<Component, 2> parts{
        Component{.name = "error", .value = decision.arm.view() == "b" ? 1.0 : 0.0},
        Component{.name = "quality", .value = 0.5}};
    ASSERT_EQ(engine_->outcome(decision.id, parts), Errc::ok);
    ASSERT_TRUE(engine_->pump());
  }
  /// Rounds until the guard of arm b is in a state. Half of the choices explore: a thousand rounds bring b
  /// its samples but for a chance below 1e-9.
  void until(std::string_view state) {
    for (int i = 0; i < 1000 && guard().state != state; ++i) {
      round();
    }
    ASSERT_EQ(guard().state, state);
  }
  [[nodiscard]] PointId point() const { return engine_->point("model").value(); }
  [[nodiscard]] SafetyMetrics safety() const { return engine_->metrics().points.at(0).safety.value(); }
  [[nodiscard]] GuardMetrics guard() const {
    for (const GuardMetrics& one : safety().guards) {
      if (one.arm == "b") {
        return one;
      }
    }
    return {};
  }
  [[nodiscard]] Json guards() const {
    const InspectRun run = inspect({path_, "guards", "--json"});
    EXPECT_EQ(run.code, 0) << run.err;
    return Json::parse(run.out, nullptr, false);
  }
  /// The guard of arm b as attune-inspect tells it.
  [[nodiscard]] Json told() const {
    const Json all = guards();
    for (const Json& one : all["points"][0]["safety"]["guards"]) {
      if (one["arm"] == "b") {
        return one;
      }
    }
    return {};
  }
  static bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }

  TestFolder folder_;
  std::string path_ = folder_.file("store.db");
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(1'769'860'800 * kSecond);
  std::unique_ptr<Engine> engine_;
};

TEST_F(InspectGuards, TellsWhatIsOutSinceWhenAndUntilWhen) {
  until("tripped");
  const std::string before = bytes_of_file(path_);
  const Json all = guards();
  EXPECT_EQ(bytes_of_file(path_), before) << "the engine has it open";
  EXPECT_EQ(all["position"], engine_->metrics().position);
  const Json& model = all["points"][0]["safety"];
  EXPECT_EQ(model["out"], Json::array({"b"}));
  EXPECT_TRUE(model["probation"].empty());
  EXPECT_EQ(model["killed"]["on"], false);
  EXPECT_EQ(model["rungs"]["policy"], safety().rungs[0]);
  EXPECT_EQ(model["reasons"]["usual"], safety().reasons[0]);
  EXPECT_EQ(all["points"][1]["safety"], nullptr);
  const Json b = told();
  EXPECT_EQ(b["guard"], "rate");
  EXPECT_EQ(b["kind"], "rate");
  EXPECT_EQ(b["component"], "error");
  EXPECT_EQ(b["state"], "out");
  EXPECT_EQ(b["trips"], 1);
  EXPECT_EQ(b["limit"], 0.2);
  EXPECT_EQ(b["value"], nullptr);  // what tripped it was forgotten
  EXPECT_EQ(b["since"], time_text(guard().since));
  EXPECT_EQ(b["until_earliest"], time_text(guard().since + 60 * kSecond));
  EXPECT_EQ(b["until_latest"], b["until_earliest"]);

  const InspectRun text = inspect({path_, "guards"});
  EXPECT_EQ(text.code, 0);
  EXPECT_TRUE(holds(text.out, "model (epsilon_greedy): 1 out")) << text.out;
  EXPECT_TRUE(holds(text.out, "b (out)")) << text.out;
  EXPECT_TRUE(holds(text.out, "plain (ucb1): has no \"safety\"")) << text.out;
  EXPECT_EQ(inspect({path_, "guards", "--point", "plain"}).out.find("model"), std::string::npos);
  expect_one_line(inspect({path_, "guards", "--point", "modell"}), 2, "there are: model, plain");
}

TEST_F(InspectGuards, SummaryPointsAndDoctorSayIt) {
  until("tripped");
  EXPECT_TRUE(holds(inspect({path_}).out, "1 guard has taken out arm 'b' of 'model'; 0 killed; 0 frozen"));
  const InspectRun points = inspect({path_, "points"});
  EXPECT_TRUE(holds(points.out, "safety now")) << points.out;
  EXPECT_TRUE(holds(points.out, "1 out")) << points.out;
  EXPECT_EQ(Json::parse(inspect({path_, "points", "--json"}).out)["points"][0]["safety"], "1 out");
  const InspectRun doctor = inspect({path_, "doctor"});
  EXPECT_EQ(doctor.code, 1);
  EXPECT_TRUE(holds(doctor.out,
                    "warning: guard 'rate' (rate of error, limit 0.2) has taken out arm 'b' of "
                    "'model' since 2026-01-31T12:00:00"))
      << doctor.out;
  EXPECT_TRUE(holds(doctor.out, "tested again by itself")) << doctor.out;
}

TEST_F(InspectGuards, FollowsTestsAndDoubledCooldowns) {
  until("tripped");
  clock_->advance(61 * kSecond);
  ASSERT_TRUE(engine_->pump());  // a tick
  ASSERT_EQ(guard().state, "probation");
  const Json tests = told();
  EXPECT_EQ(tests["state"], "probation");
  EXPECT_EQ(tests["until_samples"], 10);
  EXPECT_EQ(tests["until_latest"], nullptr);
  EXPECT_TRUE(holds(inspect({path_, "guards"}).out, "10 samples say so"));
  EXPECT_TRUE(holds(inspect({path_, "doctor"}).out, "tests arm 'b' of 'model' again, after 1 trip"));

  until("tripped");
  const Nanos since = guard().since;
  EXPECT_EQ(told()["until_earliest"], time_text(since + 60 * kSecond));
  EXPECT_EQ(told()["until_latest"], time_text(since + 120 * kSecond));
  // A minute later it is still out, so that it cannot have been one minute.
  clock_->advance(61 * kSecond);
  round();
  ASSERT_EQ(guard().state, "tripped");
  EXPECT_EQ(told()["until_earliest"], time_text(since + 120 * kSecond));
  clock_->advance(60 * kSecond);
  ASSERT_TRUE(engine_->pump());
  EXPECT_EQ(guard().state, "probation") << "what was told came true";
}

TEST_F(InspectGuards, TellsWhoSwitchedWhatAndWhy) {
  round();
  ASSERT_TRUE(engine_->kill(point(), true, {.actor = "anna", .time = 0}, "wrong prices"));
  ASSERT_TRUE(engine_->freeze(point(), true, {.actor = "release", .time = 0}));
  clock_->advance(kSecond);
  round();
  const Json model = guards()["points"][0];
  EXPECT_EQ(
      model["safety"]["killed"],
      (Json{
          {"on", true}, {"since", "2026-01-31T12:00:00.000000Z"}, {"who", "anna"}, {"why", "wrong prices"}}));
  EXPECT_EQ(model["safety"]["frozen"]["who"], "release");
  EXPECT_EQ(model["safety"]["frozen_rewards"], 1);
  EXPECT_EQ(model["safety"]["reasons"]["killed"], 1);
  ASSERT_EQ(model["acts"].size(), 2U);
  EXPECT_EQ(model["acts"][0]["action"], "kill");
  EXPECT_EQ(model["acts"][0]["after"], "on: wrong prices");
  EXPECT_TRUE(holds(inspect({path_}).out, "1 killed; 1 frozen"));
  EXPECT_TRUE(holds(inspect({path_, "points"}).out, "killed, frozen"));
  const InspectRun doctor = inspect({path_, "doctor"});
  EXPECT_EQ(doctor.code, 1);
  EXPECT_TRUE(holds(doctor.out,
                    "point 'model' is killed since 2026-01-31T12:00:00.000000Z by anna: wrong "
                    "prices"))
      << doctor.out;

  ASSERT_TRUE(engine_->kill(point(), false, {.actor = "bert", .time = 0}));
  const InspectRun text = inspect({path_, "guards"});
  EXPECT_TRUE(holds(text.out, "off since 2026-01-31T12:00:01.000000Z, by bert")) << text.out;
  EXPECT_TRUE(holds(text.out, "on since 2026-01-31T12:00:00.000000Z, by release")) << text.out;
  EXPECT_TRUE(holds(text.out, "wrong prices")) << text.out;  // the audit trail still has it
}

TEST(InspectGuardsElsewhere, SaysWhenThereIsNothingToWatch) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  StoreMaker maker(path);
  maker.steps(10);
  const InspectRun text = inspect({path, "guards"});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("no decision point of this store has \"safety\""), std::string::npos) << text.out;
  const Json json = Json::parse(inspect({path, "guards", "--json"}).out);
  EXPECT_EQ(json["points"].size(), 2U);
  EXPECT_EQ(json["points"][0]["safety"], nullptr);
  EXPECT_EQ(inspect({path}).out.find("safety"), std::string::npos);
  EXPECT_EQ(inspect({path, "points"}).out.find("safety"), std::string::npos);
  expect_one_line(inspect({folder.file("none.db"), "guards"}), 2, "there is no store");
}

TEST(InspectGuardsElsewhere, ReadsOlderFormats) {
  for (const char* name : {"store-1.db", "store-2.db"}) {
    const TestFolder folder;
    const std::string path = folder.file(name);
    std::filesystem::copy_file(std::filesystem::path(ATTUNE_TEST_SOURCE_DIR) / "tests/compat/stores" / name,
                               path);
    const std::string before = bytes_of_file(path);
    const InspectRun run = inspect({path, "guards"});
    EXPECT_EQ(run.code, 0) << name << ": " << run.err;
    EXPECT_NE(run.out.find("no decision point of this store has \"safety\""), std::string::npos) << run.out;
    EXPECT_EQ(bytes_of_file(path), before) << name;
  }
}

GuardMetrics tripped(std::string kind, Nanos since, std::uint64_t trips) {
  GuardMetrics guard;
  guard.name = guard.kind = std::move(kind);
  guard.state = "tripped";
  guard.since = since;
  guard.trips = trips;
  guard.limit = 0.5;
  return guard;
}

std::string with_guard(const std::string& members) {
  return R"({"points":{"p":{"safety":{"guards":[{"kind":"share"},{)" + members + "}]}}}}";
}

TEST(InspectGuardUntil, FollowsTheOptionsOfTheGuard) {
  // Doubled 4 times it would be 160 s, but never more than 100.
  const std::string quick = with_guard(R"("kind":"rate","cooldown_s":10,"cooldown_max_s":100)");
  GuardUntil until = guard_until(quick, "p", tripped("rate", 5 * kSecond, 5), 5 * kSecond);
  EXPECT_EQ(until.earliest, 15 * kSecond);
  EXPECT_EQ(until.latest, 105 * kSecond);
  until = guard_until(quick, "p", tripped("rate", 5 * kSecond, 5), 50 * kSecond);
  EXPECT_EQ(until.earliest, 85 * kSecond);
  until = guard_until(quick, "p", tripped("rate", 5 * kSecond, 5), 500 * kSecond);  // overdue
  EXPECT_EQ(until.earliest, 105 * kSecond);
  until = guard_until(quick, "other", tripped("rate", 0, 1), 0);  // the default
  EXPECT_EQ(until.latest, 60 * kSecond);

  const std::string budget = with_guard(R"("kind":"budget","period_s":100)");
  EXPECT_EQ(guard_until(budget, "p", tripped("budget", 150 * kSecond, 1), 160 * kSecond).latest,
            200 * kSecond);
  EXPECT_EQ(guard_until(budget, "p", tripped("budget", 150 * kSecond, 1), 200 * kSecond).latest,
            300 * kSecond);  // overdrawn: out for another period
  EXPECT_EQ(guard_until(budget, "p", tripped("budget", -1, 1), -1).latest, 0);
  EXPECT_EQ(guard_until(budget, "p", tripped("share", 0, 1), 0).share, 0.45);
  EXPECT_FALSE(guard_until(budget, "p", tripped("share", 0, 1), 0).latest);
}

TEST(InspectGuardUntil, TakesAnyConfigurationAndTime) {
  constexpr Nanos kLast = std::numeric_limits<Nanos>::max();
  for (const char* text : {"", "[", "null", "[1]", R"({"points":[]})", R"({"points":{"p":{"safety":1}}})",
                           R"({"points":{"p":{"safety":{"guards":{"kind":7}}}}})",
                           R"({"points":{"p":{"safety":{"guards":[{"name":{},"kind":"rate"}]}}}})"}) {
    EXPECT_EQ(guard_until(text, "p", tripped("rate", 0, 1), 0).latest, 60 * kSecond) << text;
    EXPECT_EQ(guard_until(text, "p", tripped("rate", kLast, 1), kLast).latest, kLast) << text;
  }
  const std::string endless = with_guard(R"("kind":"rate","cooldown_s":1e99,"cooldown_max_s":1e99)");
  EXPECT_EQ(guard_until(endless, "p", tripped("rate", kLast - 1, 1ULL << 63U), 0).latest, kLast);
  const std::string never = with_guard(R"("kind":"budget","period_s":-1e300)");
  EXPECT_TRUE(guard_until(never, "p", tripped("budget", std::numeric_limits<Nanos>::min(), 1), 0).latest);
}

}  // namespace
}  // namespace attune::tools::inspect_guards_test
