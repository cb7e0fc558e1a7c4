// SPDX-License-Identifier: Apache-2.0
// The simulated disk itself: it must lose what may be lost, and nothing else.
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include <attune/store/journal.hpp>

#include "tests/faults/sim_disk.hpp"
#include "tests/faults/sim_posix.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test::sim_disk_test {
namespace {

Bytes bytes_of(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

SimDisk::File made(SimDisk& disk, const std::string& name) {
  SimDisk::File file;
  EXPECT_EQ(disk.open(disk.path(name), true, false, file), 0);
  return file;
}

TEST(SimDisk, KeepsWhatWasFlushedAndLosesSomeOfTheRest) {
  bool lost = false;
  bool kept = false;
  bool name_lost = false;
  for (std::uint64_t seed = 1; seed < 60; ++seed) {
    SimDisk disk(seed);
    const SimDisk::File safe = made(disk, "safe");
    ASSERT_EQ(disk.write(*safe, 0, bytes_of("flushed")), 7);
    ASSERT_EQ(disk.flush(*safe), 0);
    ASSERT_EQ(disk.flush_names(), 0);
    ASSERT_EQ(disk.write(*safe, 7, bytes_of(" or not")), 7);
    static_cast<void>(made(disk, "new"));
    disk.end_now();
    disk.restart(DiskEnd::power_lost);
    const Bytes* found = disk.content(disk.path("safe"));
    ASSERT_NE(found, nullptr);
    ASSERT_TRUE(*found == bytes_of("flushed") || *found == bytes_of("flushed or not"));
    lost = lost || found->size() == 7;
    kept = kept || found->size() == 14;
    name_lost = name_lost || disk.content(disk.path("new")) == nullptr;
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
  EXPECT_TRUE(name_lost);
}

TEST(SimDisk, TearsWritesAtSectorsAndPages) {
  bool torn = false;
  for (std::uint64_t seed = 1; seed < 60; ++seed) {
    SimDisk disk(seed);
    const SimDisk::File file = made(disk, "file");
    ASSERT_EQ(disk.flush_names(), 0);
    ASSERT_EQ(disk.write(*file, 0, Bytes(16 * SimDisk::kSector, std::byte{1})), 16 * SimDisk::kSector);
    disk.end_now();
    disk.restart(DiskEnd::power_lost);
    const Bytes& found = *disk.content(disk.path("file"));
    for (std::size_t at = 0; at < found.size(); at += SimDisk::kSector) {
      ASSERT_EQ(found[at], found[at + SimDisk::kSector - 1]) << "a sector is whole or not at all";
    }
    torn = torn || (found.size() > 0 && std::ranges::count(found, std::byte{1}) < 16 * 512);
  }
  EXPECT_TRUE(torn);
}

TEST(SimDisk, AKilledProcessLosesNothingThatWasWritten) {
  SimDisk disk(1);
  const SimDisk::File file = made(disk, "file");
  ASSERT_EQ(disk.write(*file, 0, bytes_of("there")), 5);
  disk.end_now();
  EXPECT_EQ(disk.write(*file, 0, bytes_of("X")), -EIO) << "the dead do not write";
  disk.restart(DiskEnd::process_killed);
  EXPECT_EQ(*disk.content(disk.path("file")), bytes_of("there"));
}

TEST(SimDisk, AFailedFlushForgetsAndTheNextOneSucceedsWithoutTheData) {
  SimDisk disk(2);
  const SimDisk::File file = made(disk, "file");
  ASSERT_EQ(disk.flush_names(), 0);
  ASSERT_EQ(disk.write(*file, 0, bytes_of("gone")), 4);
  disk.faults = {.flush = 1.0, .forget = true};
  EXPECT_EQ(disk.flush(*file), -EIO);
  disk.calm();
  EXPECT_EQ(disk.flush(*file), 0);
  EXPECT_EQ(*disk.content(disk.path("file")), bytes_of("gone")) << "programs still see it";
  disk.end_now();
  disk.restart(DiskEnd::power_lost);
  EXPECT_TRUE(disk.content(disk.path("file"))->empty());
}

TEST(SimDisk, ALyingFlushFlushesNothing) {
  bool lost = false;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    SimDisk disk(seed);
    const SimDisk::File file = made(disk, "file");
    ASSERT_EQ(disk.flush_names(), 0);
    ASSERT_EQ(disk.write(*file, 0, bytes_of("trusted")), 7);
    disk.faults.lie = 1.0;
    ASSERT_EQ(disk.flush(*file), 0);
    disk.end_now();
    disk.restart(DiskEnd::power_lost);
    ASSERT_TRUE(disk.lied());
    lost = lost || disk.content(disk.path("file"))->empty();
  }
  EXPECT_TRUE(lost);
}

/// A store on the disk: SQLite and attune's own system calls both find it there.
SimDisk::Image image_after_appends(std::uint64_t seed) {
  SimDisk disk(seed);
  {
    const std::unique_ptr<Journal> journal = open_or_die(disk.path("store.db"));
    for (int i = 0; i < 5; ++i) {
      RecordList batch(journal->last_position() + 1);
      EXPECT_TRUE(journal->append(batch.mixed(7).views()));
    }
    EXPECT_TRUE(journal->append({}, state_of(9000, 3), 0, "", 2));
    EXPECT_FALSE(open_sqlite_journal(disk.path("store.db"), OpenMode::read_write)) << "locked";
    EXPECT_EQ(read_all(*open_or_die(disk.path("store.db"), OpenMode::read_only))->size(), 35U);
  }
  return disk.image();
}

TEST(SimDisk, HoldsAStoreAndTheSameSeedGivesTheSameBytes) {
  const SimDisk::Image image = image_after_appends(7);
  EXPECT_EQ(image, image_after_appends(7));
  EXPECT_NE(image, image_after_appends(8)) << "SQLite's salts and ids come from the seed";
  EXPECT_TRUE(image.contains(std::string(SimDisk::kRoot) + "store.db"));
}

TEST(SimDisk, LeavesTheRealFileSystemAlone) {
  const TestFolder folder;
  SimDisk disk(1);
  const std::unique_ptr<Journal> journal = open_or_die(folder.file("real.db"));
  RecordList batch;
  ASSERT_TRUE(journal->append(batch.mixed(3).views()));
  EXPECT_TRUE(std::filesystem::exists(folder.file("real.db-wal")));
  EXPECT_TRUE(disk.image().empty());
}

}  // namespace
}  // namespace attune::test::sim_disk_test
