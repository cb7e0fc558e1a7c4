// SPDX-License-Identifier: Apache-2.0
#include "simulations/replay.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>
#include <attune/store/journal.hpp>

#include "tests/simulations/sandbox.hpp"
#include "tests/support/statistics.hpp"

namespace attune::sim::replay_test {
namespace {

using test::Sandbox;

/// A log of `rows` choices among three arms that pay 0.2, 0.5, 0.8; arm a is logged with probability
/// chance[a].
LoggedData synthetic_log(std::size_t rows, const std::array<double, 3>& chance, std::uint64_t seed) {
  constexpr std::array<double, 3> kMeans{0.2, 0.5, 0.8};
  LoggedData data;
  data.info.arms = {"x", "y", "z"};
  data.info.components = {"reward"};
  data.info.length = rows;
  Rng rng(seed);
  for (std::size_t row = 0; row < rows; ++row) {
    const double u = rng.uniform();
    const std::size_t arm = u < chance[0] ? 0 : u < chance[0] + chance[1] ? 1 : 2;
    data.arm.push_back(arm);
    data.reward.push_back(rng.uniform() < kMeans.at(arm) ? 1.0 : 0.0);
    data.propensity.push_back(chance.at(arm));
  }
  return data;
}

/// A policy that never learns and always chooses uniformly: its value is the mean of the arms.
PolicyEntry uniform_policy() {
  return {.name = "uniform", .policy_json = R"({"type":"epsilon_greedy","epsilon":1,"schedule":"constant"})"};
}

TEST(Replay, EstimatesAPolicyOfKnownValueOnAUniformLog) {
  constexpr std::size_t kRows = 6000;
  const LoggedData data = synthetic_log(kRows, {1 / 3.0, 1 / 3.0, 1 / 3.0}, 1);
  const Result<ReplayEstimate> e = replay_policy(data, uniform_policy(), 1, 1 / 3.0);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->rows, kRows);
  EXPECT_EQ(e->accepted, e->matched) << "every match of a uniform log is accepted";
  EXPECT_TRUE(
      test::mean_matches(static_cast<double>(e->matched) / kRows, 1 / 3.0, std::sqrt(2.0) / 3, kRows));
  EXPECT_TRUE(test::mean_matches(e->replay.value, 0.5, 0.5, static_cast<double>(e->accepted)));
  EXPECT_TRUE(test::mean_matches(e->ips.value, 0.5, std::sqrt(3 * 0.5 - 0.25), kRows));
  EXPECT_TRUE(test::mean_matches(e->snips.value, 0.5, 0.5, e->effective_sample_size));
  EXPECT_NEAR(e->effective_sample_size, static_cast<double>(e->matched), 1e-6);
}

TEST(Replay, CorrectsForALoggerThatLikesTheWorstArm) {
  constexpr std::size_t kRows = 20'000;
  const LoggedData data = synthetic_log(kRows, {0.7, 0.2, 0.1}, 2);
  const Result<ReplayEstimate> e = replay_policy(data, uniform_policy(), 1, 0.1);
  ASSERT_TRUE(e) << e.error().message;
  // Accepted: the choice matches (1/3 each) and 0.1 / propensity, so 0.1 of all rows whatever the arm: 1/3 *
  // 0.1 * 3.
  EXPECT_TRUE(test::mean_matches(static_cast<double>(e->accepted) / kRows, 0.1, 0.3, kRows));
  EXPECT_TRUE(test::mean_matches(e->replay.value, 0.5, 0.5, static_cast<double>(e->accepted)));
  // w = 1/p on matches: E[(w r)^2] = sum over arms of mean / (3 p).
  const double second = (0.2 / 0.7 + 0.5 / 0.2 + 0.8 / 0.1) / 3;
  EXPECT_TRUE(test::mean_matches(e->ips.value, 0.5, std::sqrt(second - 0.25), kRows));
}

TEST(Replay, FloorAboveThePropensitiesTakesEveryMatchAndIsBiased) {
  const LoggedData data = synthetic_log(20'000, {0.7, 0.2, 0.1}, 3);
  const Result<ReplayEstimate> e = replay_policy(data, uniform_policy(), 1, 1.0);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->accepted, e->matched);
  // Matches are logged choices: 0.7 * 0.2 + 0.2 * 0.5 + 0.1 * 0.8 = 0.32, not 0.5.
  EXPECT_TRUE(
      test::mean_matches(e->replay.value, 0.32, std::sqrt(0.32 * 0.68), static_cast<double>(e->accepted)));
}

TEST(Replay, APolicyLearnsFromWhatItAcceptsAndForgetsTheRest) {
  const LoggedData data = synthetic_log(6000, {1 / 3.0, 1 / 3.0, 1 / 3.0}, 4);
  const PolicyEntry policy{.name = "ucb1", .policy_json = R"({"type":"ucb1","exploration":0.5})"};
  const Result<ReplayEstimate> e = replay_policy(data, policy, 1, 1 / 3.0);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_GT(e->replay.value, 0.7) << "the best arm pays 0.8, and a third of its pulls is confirmed";
  EXPECT_GT(e->accepted, 1500U);
}

TEST(Replay, UniformChoiceHasAClosedForm) {
  ReplayPlan plan;
  plan.name = "t";
  plan.data.info.arms = {"x", "y"};
  plan.data.info.components = {"reward"};
  plan.data.arm = {0, 1, 1};
  plan.data.reward = {1.0, 0.0, 1.0};
  plan.data.propensity = {0.25, 0.75, 0.75};
  plan.policies = {{.name = "ucb1", .policy_json = R"({"type":"ucb1"})"}};
  plan.seeds = {1};
  const ReplayResult result = run_replay(plan, 1, false).value();
  // Weights 0.5 / p = 2, 2/3, 2/3: IPS = (2 + 2/3) / 3, SNIPS = (8/3) / (10/3), ESS = (100/9) / (4 + 8/9).
  EXPECT_NEAR(result.uniform.ips.value, 8.0 / 9.0, 1e-12);
  EXPECT_NEAR(result.uniform.snips.value, 0.8, 1e-12);
  EXPECT_NEAR(result.uniform.effective_sample_size, 100.0 / 44.0, 1e-12);
  EXPECT_NEAR(result.logger.replay.value, 2.0 / 3.0, 1e-12);
  EXPECT_EQ(result.floor, 0.25);
  EXPECT_NE(replay_table(plan, result).find("(!)"), std::string::npos)
      << "three rows are too few, and it says so";
  EXPECT_EQ(nlohmann::json::parse(replay_json(plan, result).dump()).at("policies").size(), 1U);
}

TEST(Replay, TheNumberOfThreadsNeverChangesAResult) {
  ReplayPlan plan;
  plan.name = "t";
  plan.data = synthetic_log(500, {0.5, 0.3, 0.2}, 5);
  plan.policies = {{.name = "a", .policy_json = R"({"type":"ucb1"})"},
                   {.name = "b", .policy_json = R"({"type":"thompson_beta"})"}};
  plan.seeds = {1, 2, 3};
  EXPECT_EQ(replay_json(plan, run_replay(plan, 1, false).value()).dump(),
            replay_json(plan, run_replay(plan, 5, false).value()).dump());
}

TEST(LoggedCsv, RefusesImpossiblePropensities) {
  const Sandbox box;
  const nlohmann::json options = {{"file", "l.csv"}, {"arm", "a"}, {"reward", "r"}, {"propensity", "p"}};
  box.write("l.csv", "a,r,p\nx,1,0.5\ny,0,0\n");
  const Result<LoggedData> zero = read_logged_csv(options, box.roots());
  ASSERT_FALSE(zero);
  EXPECT_NE(zero.error().message.find("row 2: p = 0 is no probability"), std::string::npos);
  box.write("l.csv", "a,r,p\nx,1,0.5\ny,0,0.25\n");
  const Result<LoggedData> good = read_logged_csv(options, box.roots());
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->info.arms, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(good->arm, (std::vector<std::size_t>{0, 1}));
}

TEST(LoggedStore, JoinsDecisionsWithTheirOutcomes) {
  const Sandbox box;
  const std::string path = box.path("s.db");
  {
    EngineOptions options;
    options.journal = open_sqlite_journal(path, OpenMode::read_write).value();
    Engine engine = Engine::open(R"({"seed":1,"points":{"p":{"policy":{"type":"epsilon_greedy","epsilon":1},
        "arms":["x","y"],"context":{"dimension":1},
        "reward":{"components":{"quality":{},"cost":{"weight":-2}}}}}})",
                                 std::move(options))
                        .value();
    const PointId point = engine.point("p").value();
    Decision decision;
    for (int i = 0; i < 20; ++i) {
      const std::array<double, 1> x{static_cast<double>(i)};
      ASSERT_EQ(engine.decide(point, {.dense = x}, {}, decision), Errc::ok);
      if (i % 4 != 3) {
        const std::array<Component, 2> parts{Component{"quality", 1.0}, Component{"cost", 0.25}};
        ASSERT_EQ(engine.outcome(decision.id, parts), Errc::ok);
      }
    }
    ASSERT_TRUE(engine.drain());
  }
  const Result<LoggedData> data = read_logged_store(path, "");
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->rows(), 15U);
  EXPECT_EQ(data->left_out, 5U) << "no outcome, no row";
  EXPECT_EQ(data->info.arms, (std::vector<std::string>{"x", "y"}));
  EXPECT_DOUBLE_EQ(data->reward.front(), 0.5);
  EXPECT_DOUBLE_EQ(data->propensity.front(), 0.5);
  EXPECT_EQ(data->contexts[3], 4.0) << "the row with context 3 is left out";
  EXPECT_NE(read_logged_store(path, "q").error().message.find("it has p"), std::string::npos);
  EXPECT_FALSE(read_logged_store(box.write("no.db", "not a store"), ""));
}

TEST(LoggedStore, ASlotThatWasUsedAgainIsAnotherArm) {
  const Sandbox box;
  const std::string path = box.path("s.db");
  std::vector<std::string> chosen;
  {
    EngineOptions options;
    options.journal = open_sqlite_journal(path, OpenMode::read_write).value();
    Engine engine =
        Engine::open(
            R"({"seed":1,"points":{"p":{"policy":{"type":"epsilon_greedy","epsilon":1},"arms":["x","y"]}}})",
            std::move(options))
            .value();
    const PointId point = engine.point("p").value();
    const auto decide = [&](int count) {
      Decision decision;
      for (int i = 0; i < count; ++i) {
        ASSERT_EQ(engine.decide(point, {}, {}, decision), Errc::ok);
        ASSERT_EQ(engine.outcome(decision.id, 1.0), Errc::ok);
        chosen.emplace_back(decision.arm.view());
      }
      ASSERT_TRUE(engine.drain());
    };
    decide(20);
    ASSERT_TRUE(engine.remove_arm(point, "y"));
    ASSERT_TRUE(engine.drain());
    ASSERT_TRUE(engine.add_arm(point, "z"));
    ASSERT_TRUE(engine.drain());
    decide(20);
  }
  const Result<LoggedData> data = read_logged_store(path, "p");
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->rows(), chosen.size());
  EXPECT_EQ(std::count(chosen.begin(), chosen.begin() + 20, "z"), 0);
  EXPECT_GT(std::count(chosen.begin() + 20, chosen.end(), "z"), 0);
  for (std::size_t row = 0; row < data->rows(); ++row) {
    EXPECT_EQ(data->info.arms.at(data->arm[row]), chosen[row]) << row;
  }
}

TEST(SharedData, LoggedClicksOfTheShopGiveTheirOwnClickRate) {
  if (test::shared_data().empty()) {
    GTEST_SKIP() << "the recorded data is not on this machine";
  }
  const Result<LoggedData> data = read_logged_csv({{"preset", "open-bandit/random/men"}},
                                                  FileRoots{DataFolder(test::shared_data()), "."});
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->rows(), 10'000U);
  EXPECT_EQ(data->info.arms.size(), 34U);
  double clicks = 0.0;
  for (std::size_t row = 0; row < data->rows(); ++row) {
    clicks += data->reward[row];
    ASSERT_NEAR(data->propensity[row], 1 / 34.0, 1e-12);
  }
  EXPECT_GT(clicks, 30.0);
  EXPECT_LT(clicks, 80.0);
}

}  // namespace
}  // namespace attune::sim::replay_test
