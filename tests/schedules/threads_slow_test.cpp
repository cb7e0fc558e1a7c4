// SPDX-License-Identifier: Apache-2.0
// How the engine's threads rest, and how they end.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <attune/engine/engine.hpp>

#include "tests/schedules/child.hpp"
#include "tests/schedules/scheduler.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::test::threads_slow_test {
namespace {

constexpr std::string_view kConfig =
    R"({"seed":1,"node":"n","mode":"threads","points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"]}}})";

/// A journal whose checkpoints take a second of simulated time.
class SlowCheckpoints final : public Journal {
 public:
  Result<void> append(std::span<const ByteView> records) override { return below_.append(records); }
  Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state, Nanos time,
                                std::string_view config_digest, std::uint32_t keep) override {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    return below_.append(records, state, time, config_digest, keep);
  }
  std::uint64_t last_position() const noexcept override { return below_.last_position(); }
  Result<void> read(std::uint64_t first, const std::function<bool(ByteView)>& visit) override {
    return below_.read(first, visit);
  }
  Result<std::optional<Checkpoint>> newest_checkpoint(std::vector<std::string>* skipped) override {
    return below_.newest_checkpoint(skipped);
  }
  Result<std::vector<CheckpointInfo>> checkpoints() override { return below_.checkpoints(); }
  Result<std::optional<std::string>> meta(std::string_view key) override { return below_.meta(key); }
  Result<void> set_meta(std::string_view key, std::string_view value) override {
    return below_.set_meta(key, value);
  }
  std::string describe() const override { return below_.describe(); }
  void set_names(Names names) override { below_.set_names(std::move(names)); }

 private:
  SharedJournal below_{std::make_shared<SharedJournal::Store>()};
};

/// Switch points passed while three callers ask for a checkpoint, as text.
std::string points_of_three_checkpoints(const Scheduler::Stuck& stuck) {
  constexpr Nanos kStep = 100;
  Scheduler scheduler({.seed = 1, .strategy = Strategy::priorities, .priority_changes = 0, .step = kStep},
                      stuck);
  Result<Engine> engine = Engine::open(
      kConfig,
      {.clock = nullptr, .journal = std::make_unique<SlowCheckpoints>(), .credit_functions = {}, .log = {}});
  // One is being written, one waits for that, and one cannot even be made: there the learner used to spin.
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&engine, i] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50 * i));
      static_cast<void>(engine->checkpoint());
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  const bool waited = scheduler.now() >= 2 * kSecond;
  return waited ? std::to_string(scheduler.report().points) : "no checkpoint took its time";
}

TEST(Rest, TheLearnerRestsWhileACheckpointWaitsForTheDisk) {
  const ChildEnd end = in_child(points_of_three_checkpoints);
  EXPECT_EQ(end.trouble, "");
  // Callers look five thousand times a second, the resting threads a thousand times; a spinning one, at each
  // of the ten million steps of a second.
  const std::uint64_t points = std::strtoull(end.text.c_str(), nullptr, 10);
  EXPECT_GT(points, 0U) << end.text;
  EXPECT_LT(points, 2'000'000U);
}

/// How many of twenty decisions are in the journal of an engine that was closed while it thought that its
/// store fails.
std::string kept_by_an_end(std::uint64_t seed, const Scheduler::Stuck& stuck) {
  Scheduler scheduler(ScheduleOptions::draw(seed), stuck);
  const auto store = std::make_shared<SharedJournal::Store>();
  {
    Result<Engine> engine = Engine::open(kConfig, {.clock = nullptr,
                                                   .journal = std::make_unique<SharedJournal>(store),
                                                   .credit_functions = {},
                                                   .log = {}});
    store->fail_appends = true;
    Decision decision;
    static_cast<void>(engine->decide(PointId{0}, {}, {}, decision));
    static_cast<void>(engine->drain());
    store->fail_appends = false;  // nobody has tried it yet
    for (int i = 1; i < 20; ++i) {
      static_cast<void>(engine->decide(PointId{0}, {}, {}, decision));
    }
  }
  return std::to_string(store->journal->last_position());
}

TEST(End, KeepsWhatIsQueuedWhenTheStoreWorksAgain) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const ChildEnd end = in_child([&](const Scheduler::Stuck& stuck) { return kept_by_an_end(seed, stuck); });
    EXPECT_EQ(end.text, "20") << "seed " << seed << " " << end.trouble;
  }
}

}  // namespace
}  // namespace attune::test::threads_slow_test
