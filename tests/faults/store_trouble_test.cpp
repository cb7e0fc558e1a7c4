// SPDX-License-Identifier: Apache-2.0
// Small histories of trouble that the simulation found, each by itself.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <attune/engine/engine.hpp>

#include "tests/faults/sim_checker.hpp"
#include "tests/faults/sim_disk.hpp"
#include "tests/faults/sim_posix.hpp"

namespace attune::test::store_trouble_test {
namespace {

constexpr std::string_view kConfig =
    R"({"seed":1,"node":"n","checkpoint":{"every_s":0,"every_records":0},
        "points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"]}}})";

Result<Engine> open_engine(const SimDisk& disk, const std::shared_ptr<const Clock>& clock) {
  return open_sqlite_journal(disk.path("store.db"), OpenMode::read_write)
      .and_then([&](std::unique_ptr<Journal> journal) {
        return Engine::open(
            kConfig, {.clock = clock, .journal = std::move(journal), .credit_functions = {}, .log = {}});
      });
}

void decide(Engine& engine) {
  Decision out;
  ASSERT_EQ(engine.decide(engine.point("p").value(), {}, {}, out), Errc::ok);
}

// The engine gave the same records to the journal again, was refused, and acknowledged nothing for ever.
TEST(StoreTrouble, ACheckpointThatCannotBeReadBackDoesNotHoldUpTheRecordsBesideIt) {
  SimDisk disk(1);
  const auto clock = std::make_shared<ManualClock>();
  Result<Engine> engine = open_engine(disk, clock);
  ASSERT_TRUE(engine) << engine.error().message;
  decide(*engine);
  ASSERT_TRUE(engine->pump());
  decide(*engine);
  disk.faults.read = 1.0;
  const Result<std::uint64_t> failed = engine->checkpoint();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::io);
  disk.calm();
  decide(*engine);
  ASSERT_TRUE(engine->pump()) << engine->metrics().store_error;
  EXPECT_EQ(engine->metrics().durable_position, 3U);
  EXPECT_TRUE(engine->checkpoint());
  EXPECT_EQ(engine->metrics().store_error, "");
}

// After a failed flush the kernel shows pages that it will never write. The next process appended its log
// behind such pages, acknowledged, and a loss of power took everything. (The simulation, seed 4442.)
TEST(StoreTrouble, AProcessThatFollowsAFailedFlushTrustsNothingThatItOnlySees) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimDisk disk(seed);
    const auto clock = std::make_shared<ManualClock>();
    std::optional<Engine> engine(open_engine(disk, clock).value());
    disk.faults = {.flush = 1.0, .forget = true};
    decide(*engine);
    ASSERT_FALSE(engine->pump());
    disk.end_now();
    engine.reset();
    forget_descriptors();
    disk.calm();
    disk.restart(DiskEnd::process_killed);

    engine.emplace(open_engine(disk, clock).value());
    decide(*engine);
    ASSERT_TRUE(engine->pump());
    const std::uint64_t acknowledged = engine->metrics().durable_position;
    disk.end_now();
    engine.reset();
    forget_descriptors();
    disk.restart(DiskEnd::power_lost);

    const Result<Engine> after = open_engine(disk, clock);
    ASSERT_TRUE(after) << "seed " << seed << ": " << after.error().message;
    ASSERT_GE(after->metrics().position, acknowledged) << "seed " << seed;
  }
}

}  // namespace
}  // namespace attune::test::store_trouble_test
