// SPDX-License-Identifier: Apache-2.0
// F11: faults during the recovery from a fault. F35: an older store, or an older checkpoint, under a newer
// journal.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <attune/engine/engine.hpp>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/sim_posix.hpp"
#include "tests/faults/small_store.hpp"

namespace attune::test::recovery_faults_slow_test {
namespace {

constexpr std::size_t kBatches = 6;

Result<std::unique_ptr<Journal>> open_on(const SimDisk& disk) {
  return open_sqlite_journal(disk.path("store.db"), OpenMode::read_write);
}

/// Opens, appends and checkpoints: what recovery leads to.
void go_on(const SimDisk& disk, std::uint64_t& acknowledged) {
  const Result<std::unique_ptr<Journal>> journal = open_on(disk);
  if (!journal) {
    return;
  }
  RecordList batch((*journal)->last_position() + 1);
  batch.mixed(3);
  const bool good = (*journal)->append(batch.views(), state_of(500, 9), 0, "c", 2).has_value();
  if (good && !disk.dead()) {
    acknowledged = (*journal)->last_position();
  }
}

std::string judge(const SimDisk& disk, std::uint64_t acknowledged) {
  const Result<std::unique_ptr<Journal>> journal = open_on(disk);
  const Result<StoreContent> found =
      journal ? content_of(**journal) : Result<StoreContent>(tl::unexpected(journal.error()));
  if (!found) {
    return found.error().message;
  }
  const std::size_t count = found->records.size();
  return count >= acknowledged && count % 3 == 0 && found->records == first_records(count)
             ? ""
             : std::to_string(count) + " records of " + std::to_string(acknowledged);
}

TEST(Compound, TheEndDuringRecoveryFromTheEnd) {
  FaultCount count(
      "F11", "ended again at each disk call of recovery, append and checkpoint, killed or without power");
  const SimDisk::Image image = small_store(kBatches, true);
  for (const DiskEnd how : {DiskEnd::process_killed, DiskEnd::power_lost}) {
    for (const SimDisk::Moment moment :
         {SimDisk::Moment::before, SimDisk::Moment::after, SimDisk::Moment::torn}) {
      for (std::uint64_t seed = 1; seed <= 4 * fault_scale(); ++seed) {
        for (std::uint64_t k = 1;; ++k) {
          SimDisk disk(seed * 1000 + k);
          disk.put(image);
          std::uint64_t acknowledged = kBatches * 3;
          disk.end_at(k, moment);
          go_on(disk, acknowledged);
          if (!disk.dead()) {
            break;
          }
          forget_descriptors();
          disk.restart(how);
          // And once more, somewhere in the recovery from that.
          disk.end_at(1 + k * 7 % 40, moment);
          go_on(disk, acknowledged);
          disk.end_now();
          forget_descriptors();
          disk.restart(how);
          const std::string verdict = judge(disk, acknowledged);
          count.note(verdict.empty()
                         ? ""
                         : "call " + std::to_string(k) + ", seed " + std::to_string(seed) + ": " + verdict);
        }
      }
    }
  }
}

TEST(Compound, ErrorsDuringRecoveryFromTheEnd) {
  FaultCount count("F11", "errors of the disk at random during recovery, then a loss of power");
  const SimDisk::Image image = small_store(kBatches, true);
  constexpr std::array kRates{0.02, 0.1, 0.5};
  for (std::uint64_t seed = 1; seed <= 1000 * fault_scale(); ++seed) {
    SimDisk disk(seed);
    disk.put(image);
    std::uint64_t acknowledged = kBatches * 3;
    const double rate = kRates.at(seed % kRates.size());
    disk.faults = {
        .read = rate / 4, .write = rate, .full = rate, .flush = rate, .name = rate, .forget = seed % 2 == 0};
    for (int attempt = 0; attempt < 3; ++attempt) {
      go_on(disk, acknowledged);
    }
    disk.end_now();
    disk.calm();
    disk.restart(DiskEnd::power_lost);
    const std::string verdict = judge(disk, acknowledged);
    count.note(verdict.empty() ? "" : "seed " + std::to_string(seed) + ": " + verdict);
  }
}

TEST(Stale, AnOlderFileUnderANewerLockIsRefused) {
  FaultCount count("F35", "an older copy of the store put back over what was acknowledged since");
  for (std::size_t older = 1; older < 20; ++older) {
    const SimDisk::Image before = small_store(older, false);
    SimDisk disk(1);
    disk.put(before);
    {
      const std::unique_ptr<Journal> journal = open_or_die(disk.path("store.db"));
      RecordList batch(journal->last_position() + 1);
      ASSERT_TRUE(journal->append(batch.mixed(3).views()));
    }
    SimDisk::Image mixed = disk.image();
    mixed[disk.path("store.db")] = before.at(disk.path("store.db"));
    disk.put(mixed);
    const auto opened = open_on(disk);
    const bool right = !opened && opened.error().message.find("acknowledged") != std::string::npos;
    count.note(right ? "" : "a copy " + std::to_string(older) + " batches long was taken for the whole");
  }
}

constexpr std::string_view kConfig =
    R"({"seed":1,"node":"n","checkpoint":{"every_s":0,"every_records":7,"keep":9},
  "points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b","c"],"reward":{"join_window_s":9}}}})";

TEST(Stale, AnOlderCheckpointGivesTheSameStateByReplay) {
  FaultCount count("F35", "newer checkpoints damaged: the state comes from an older one and the journal");
  for (std::size_t spoilt = 0; spoilt <= 9; ++spoilt) {
    SimDisk disk(1);
    const auto clock = std::make_shared<ManualClock>();
    const auto open = [&] {
      return Engine::open(
          kConfig,
          {.clock = clock, .journal = open_or_die(disk.path("store.db")), .credit_functions = {}, .log = {}});
    };
    Bytes state;
    {
      Result<Engine> engine = open();
      ASSERT_TRUE(engine);
      Decision decision;
      for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(engine->decide(PointId{0}, {}, {}, decision), Errc::ok);
        ASSERT_EQ(engine->outcome(decision.id, 0.1 * (i % 7)), Errc::ok);
        ASSERT_TRUE(engine->pump());
      }
      state = engine->state();
    }
    run_sql(
        disk.path("store.db"),
        "UPDATE checkpoints SET sha256 = 'spoilt' WHERE number > (SELECT max(number) FROM checkpoints) - " +
            std::to_string(spoilt));
    const Result<Engine> engine = open();
    count.note(engine && engine->state() == state ? "" : std::to_string(spoilt) + " spoilt: another state");
  }
}

}  // namespace
}  // namespace attune::test::recovery_faults_slow_test
