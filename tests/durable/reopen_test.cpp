// SPDX-License-Identifier: Apache-2.0
// What one process must know of the one before: which ids it gave away, and which arms were removed.
#include <attune/engine/engine.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/durable/scripted_journal.hpp"

namespace attune::reopen_test {
namespace {

using test::ScriptedJournal;

class Reopen : public ::testing::Test {
 protected:
  std::shared_ptr<ManualClock> clock = std::make_shared<ManualClock>();  // stands still
  std::shared_ptr<ScriptedJournal::Disk> disk = std::make_shared<ScriptedJournal::Disk>();

  [[nodiscard]] Result<Engine> try_open(const std::string& arms, const std::string& more = {}) const {
    const std::string text = R"({"seed":1,"node":"n",)" + more +
                             R"("points":{"p":{"policy":{"type":"ucb1"},"arms":[)" + arms + "]}}}";
    return test::try_open(text, disk, clock);
  }
  [[nodiscard]] Engine open(const std::string& arms = R"("a","b","c")", const std::string& more = {}) const {
    Result<Engine> engine = try_open(arms, more);
    EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
    return std::move(engine).value();
  }
  static Decision decide(Engine& engine) {
    Decision decision;
    EXPECT_EQ(engine.decide(static_cast<PointId>(0), {}, {}, decision), Errc::ok) << Engine::last_error();
    return decision;
  }
  /// The arms in their slots, without those of free slots.
  static std::vector<std::string> arms(const Engine& engine) {
    std::vector<std::string> found = engine.metrics().points.at(0).arms;
    std::erase(found, "");
    return found;
  }
  using Names = std::vector<std::string>;
};

TEST_F(Reopen, AnIdThatWasLostWithItsProcessIsNotMadeAgainInTheSameMillisecond) {
  std::optional<Decision> lost;
  for (int process = 0; process < 3; ++process) {
    Engine engine = open();
    const Decision next = decide(engine);
    if (lost) {
      EXPECT_EQ(next.sequence, lost->sequence) << "the number was free again";
      EXPECT_NE(next.id, lost->id) << "in process " << process;
      ASSERT_EQ(engine.outcome(lost->id, 1.0), Errc::ok);
      ASSERT_TRUE(engine.pump());
      EXPECT_EQ(engine.metrics().points.at(0).rewards.learned, 0U) << "another decision's outcome";
      EXPECT_EQ(engine.metrics().points.at(0).foreign, 0U) << "but it is one of this engine";
    } else {
      ASSERT_TRUE(engine.pump());
    }
    lost = decide(engine);
    disk->full = true;  // the process ends before it can write
    {
      const Engine gone = std::move(engine);
    }
    disk->full = false;
  }
}

TEST_F(Reopen, AfterAnOrderlyEndIdsGoOnAsIfThereHadBeenNone) {
  std::vector<Uuid> ids;
  for (int i = 0; i < 4; ++i) {
    Engine engine = open();
    ids.push_back(decide(engine).id);
  }
  disk = std::make_shared<ScriptedJournal::Disk>();
  Engine straight = open();
  for (const Uuid& id : ids) {
    EXPECT_EQ(decide(straight).id, id);
  }
}

TEST_F(Reopen, ARemovedArmStaysRemovedUntilAConfigurationNamesItNewly) {
  {
    Engine engine = open();
    ASSERT_TRUE(engine.remove_arm(static_cast<PointId>(0), "c"));
  }
  EXPECT_EQ(arms(open()), (Names{"a", "b"})) << "the configuration is the same";
  EXPECT_EQ(arms(open(R"("a","b","c")", R"("checkpoint":{"keep":2},)")), (Names{"a", "b"}))
      << "it names the arm as the one before did";
  EXPECT_EQ(arms(open(R"("a","b","d")")), (Names{"a", "b", "d"}));
  EXPECT_EQ(arms(open()), (Names{"a", "b", "d", "c"})) << "named by this one, and not by the one before";
  EXPECT_EQ(arms(open()), (Names{"a", "b", "d", "c"}));
}

TEST_F(Reopen, ARemovedArmStaysRemovedBehindACheckpoint) {
  {
    Engine engine = open();
    ASSERT_TRUE(engine.remove_arm(static_cast<PointId>(0), "b"));
    ASSERT_TRUE(engine.checkpoint());
  }
  EXPECT_EQ(arms(open()), (Names{"a", "c"}));
}

TEST_F(Reopen, ArmsThatCouldNotBeAddedAreAddedByTheNextProcess) {
  {
    Engine engine = open(R"("a","b")");
    decide(engine);  // without a record the points are as the configuration makes them
  }
  disk->full = true;
  const Result<Engine> refused = try_open(R"("a","b","c")");
  EXPECT_FALSE(refused);
  disk->full = false;
  EXPECT_EQ(arms(open()), (Names{"a", "b", "c"})) << "though its configuration was known already";
}

}  // namespace
}  // namespace attune::reopen_test
