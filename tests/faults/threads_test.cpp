// SPDX-License-Identifier: Apache-2.0
// F20, F21, F22, F36, F37: many threads, arms that come and go, checkpoints and a disk that stands still, at
// once. Under the thread sanitizer (scripts/sanitizers.sh tsan) this is the race test; here it is that the
// state is the same.
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/sim_checker.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::test::threads_test {
namespace {

std::string config_for(std::string_view mode, std::string_view on_full = "block") {
  return R"({"seed":9,"node":"n","mode":")" + std::string(mode) + R"(","queue":{"bytes":262144,"on_full":")" +
         std::string(on_full) + R"("},"checkpoint":{"every_s":0,"every_records":500,"keep":2},
  "points":{"ucb":{"policy":{"type":"ucb1"},"arms":["a","b","c"],"reward":{"join_window_s":50}},
            "lin":{"policy":{"type":"lin_ucb"},"arms":["a","b"],"context":{"dimension":3}}}})";
}

Result<Engine> open_on(const std::shared_ptr<SharedJournal::Store>& store, const std::string& config,
                       const std::shared_ptr<const Clock>& clock) {
  return Engine::open(
      config,
      {.clock = clock, .journal = std::make_unique<SharedJournal>(store), .credit_functions = {}, .log = {}});
}

/// One caller: decides, mostly reports back, sometimes twice. Decisions without an answer are counted.
void call(Engine& engine, std::uint64_t seed, int rounds, std::atomic<std::uint64_t>& unanswered) {
  Rng rng(seed, name_stream("callers"));
  Decision decision;
  for (int i = 0; i < rounds; ++i) {
    const std::array<double, 3> x{rng.uniform(), rng.uniform(), 1.0};
    const bool lin = rng.below(2) == 0;
    const Errc code =
        engine.decide(lin ? PointId{1} : PointId{0}, {.dense = lin ? Features(x) : Features{}}, {}, decision);
    if (code != Errc::ok && code != Errc::queue_full) {
      ++unanswered;
    }
    for (std::uint64_t times = code != Errc::ok ? 0 : rng.below(3); times > 0; --times) {
      static_cast<void>(engine.outcome(decision.id, x[0]));
    }
  }
}

/// Arms come and go while others decide.
void change_arms(Engine& engine, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const std::string arm = "new " + std::to_string(i % 5);
    if (!engine.add_arm(PointId{0}, arm)) {
      static_cast<void>(engine.set_arm_enabled(PointId{0}, arm, i % 2 == 0));
      static_cast<void>(engine.remove_arm(PointId{0}, arm));
    }
    static_cast<void>(engine.add_arm(PointId{1}, arm));
  }
}

TEST(Threads, CallersArmsAndCheckpointsAtOnceGiveTheStateOfTheirJournal) {
  FaultCount arms("F20",
                  "arms added, disabled and removed while eight threads decide; state equals a replay's");
  FaultCount swaps("F21", "every decision under a published version: derived again by the replay");
  FaultCount races("F22", "callers, arm changes, checkpoints and observers at once; races under TSan");
  for (std::uint64_t round = 0; round < 3 * fault_scale(); ++round) {
    const auto clock = std::make_shared<ManualClock>();
    const auto store = std::make_shared<SharedJournal::Store>();
    std::atomic<std::uint64_t> unanswered{0};
    {
      Result<Engine> engine = open_on(store, config_for("threads"), clock);
      ASSERT_TRUE(engine);
      std::vector<std::thread> threads;
      for (std::uint64_t i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] { call(*engine, round * 100 + i, 150, unanswered); });
      }
      threads.emplace_back([&] { change_arms(*engine, 12); });
      threads.emplace_back([&] {
        for (int i = 0; i < 4; ++i) {
          static_cast<void>(engine->checkpoint());
          static_cast<void>(engine->metrics());
          static_cast<void>(engine->describe(PointId{0}));
          clock->advance(kSecond);
        }
      });
      for (std::thread& thread : threads) {
        thread.join();
      }
      ASSERT_TRUE(engine->drain());
      std::string verdict;
      try {
        check_state(*engine, config_for("pump"), records_of(*store->journal).value(), clock);
      } catch (const Violation& violation) {
        verdict = violation.what();
      }
      arms.note(verdict);
      swaps.note(verdict);
      races.note(unanswered == 0 ? "" : std::to_string(unanswered) + " decisions without an answer");
    }
  }
}

TEST(Threads, ReplayGivesOneDigestWhateverTheMode) {
  FaultCount count(
      "F36", "one journal, opened in pump and in thread mode, from checkpoints and from the first record");
  const auto clock = std::make_shared<ManualClock>();
  for (std::uint64_t seed = 1; seed <= 10 * fault_scale(); ++seed) {
    const auto store = std::make_shared<SharedJournal::Store>();
    std::atomic<std::uint64_t> unanswered{0};
    {
      Result<Engine> engine = open_on(store, config_for(seed % 2 == 0 ? "pump" : "threads"), clock);
      ASSERT_TRUE(engine);
      call(*engine, seed, 80, unanswered);
      ASSERT_TRUE(engine->drain());
    }
    const std::vector<Bytes> records = records_of(*store->journal).value();
    const auto bare = std::make_shared<SharedJournal::Store>();
    ASSERT_TRUE(bare->journal->append(std::vector<ByteView>(records.begin(), records.end())));
    const Sha256 expected = sha256(open_on(bare, config_for("pump"), clock)->state());
    for (const char* mode : {"pump", "threads"}) {
      Result<Engine> whole = open_on(store, config_for(mode), clock);
      Result<Engine> again = open_on(bare, config_for(mode), clock);
      ASSERT_TRUE(whole) << whole.error().message;
      ASSERT_TRUE(again) << again.error().message;
      ASSERT_TRUE(whole->drain() && again->drain());
      count.note(sha256(whole->state()) == expected
                     ? ""
                     : "seed " + std::to_string(seed) + ": from a checkpoint, " + mode);
      count.note(sha256(again->state()) == expected
                     ? ""
                     : "seed " + std::to_string(seed) + ": from the start, " + mode);
    }
  }
}

/// A journal whose appends wait until they are let through.
class StalledJournal final : public Journal {
 public:
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = true;
    bool waiting = false;
    void set(bool now) {
      const std::scoped_lock lock(mutex);
      open = now;
      changed.notify_all();
    }
    void pass() {
      std::unique_lock lock(mutex);
      waiting = !open;
      changed.notify_all();
      changed.wait(lock, [&] { return open; });
      waiting = false;
    }
    void wait_until_somebody_waits() {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return waiting; });
    }
  };
  StalledJournal(std::shared_ptr<Gate> gate, std::shared_ptr<SharedJournal::Store> store)
      : gate_(std::move(gate)), below_(std::move(store)) {}

  Result<void> append(std::span<const ByteView> records) override {
    gate_->pass();
    return below_.append(records);
  }
  Result<CheckpointInfo> append(std::span<const ByteView> records, ByteView state, Nanos time,
                                std::string_view config_digest, std::uint32_t keep) override {
    gate_->pass();
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
  void set_names(Names /*names*/) override {}

 private:
  std::shared_ptr<Gate> gate_;
  SharedJournal below_;
};

TEST(Threads, ADiskThatStandsStillStopsNoDecision) {
  FaultCount count("F37", "decisions while the disk stands still; acknowledged after it goes on");
  const auto clock = std::make_shared<ManualClock>();
  const auto gate = std::make_shared<StalledJournal::Gate>();
  const auto store = std::make_shared<SharedJournal::Store>();
  {
    Result<Engine> engine =
        Engine::open(config_for("threads", "shed"), {.clock = clock,
                                                     .journal = std::make_unique<StalledJournal>(gate, store),
                                                     .credit_functions = {},
                                                     .log = {}});
    ASSERT_TRUE(engine);
    gate->set(false);
    Decision decision;
    ASSERT_EQ(engine->decide(PointId{0}, {}, {}, decision), Errc::ok);
    gate->wait_until_somebody_waits();
    const std::uint64_t durable = engine->metrics().durable_position;
    std::uint64_t taken = 1;
    for (int i = 0; i < 20'000; ++i) {  // far more than the queue holds; nothing here can wait for the gate
      const Errc code = engine->decide(PointId{0}, {}, {}, decision);
      taken += code == Errc::ok ? 1 : 0;
      count.note(
          (code == Errc::ok || code == Errc::queue_full) && !decision.arm.view().empty() ? "" : "no answer");
    }
    EXPECT_EQ(engine->metrics().durable_position, durable)
        << "nothing is acknowledged while the disk stands still";
    EXPECT_GT(engine->metrics().queue_shed, 0U);
    gate->set(true);
    ASSERT_TRUE(engine->drain());
    EXPECT_EQ(engine->metrics().durable_position, taken);
  }
  EXPECT_EQ(open_on(store, config_for("pump"), clock)->metrics().points[0].decisions,
            store->journal->last_position());
}

}  // namespace
}  // namespace attune::test::threads_test
