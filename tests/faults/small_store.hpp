// SPDX-License-Identifier: Apache-2.0
/// @file
/// A small store, what is in it, and the question whether an image of it still says the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <attune/store/journal.hpp>

#include "tests/faults/sim_checker.hpp"
#include "tests/faults/sim_disk.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test {

/// What a journal holds: its records and the state of its newest checkpoint.
struct StoreContent {
  std::vector<Bytes> records;
  std::optional<Bytes> state;
  bool operator==(const StoreContent&) const = default;
};

[[nodiscard]] inline Result<StoreContent> content_of(Journal& journal,
                                                     std::vector<std::string>* skipped = nullptr) {
  StoreContent content;
  Result<std::vector<Bytes>> records = records_of(journal);
  if (!records) {
    return tl::unexpected(std::move(records).error());
  }
  content.records = std::move(*records);
  Result<std::optional<Checkpoint>> newest = journal.newest_checkpoint(skipped);
  if (!newest) {
    return tl::unexpected(std::move(newest).error());
  }
  if (*newest) {
    content.state = std::move((**newest).state);
  }
  return content;
}

/// Batches of three records and two checkpoints, the last one behind the first half. With `log`, the process
/// ended without moving the log into the file.
[[nodiscard]] inline SimDisk::Image small_store(std::size_t batches, bool log) {
  SimDisk disk(1);
  std::unique_ptr<Journal> journal = open_or_die(disk.path("store.db"));
  for (std::size_t i = 0; i < batches; ++i) {
    RecordList batch(journal->last_position() + 1);
    batch.mixed(3);
    const bool mark = i == batches / 4 || i == batches / 2;
    const bool good =
        mark ? journal->append(batch.views(), state_of(300, static_cast<unsigned>(i)), 0, "c", 2).has_value()
             : journal->append(batch.views()).has_value();
    EXPECT_TRUE(good);
  }
  if (log) {
    disk.end_now();
  }
  journal.reset();
  return disk.image();
}

/// The first `count` of the records that small_store() writes.
[[nodiscard]] inline std::vector<Bytes> first_records(std::size_t count) {
  std::vector<Bytes> records;
  RecordList list;
  list.mixed(count);
  for (const ByteView view : list.views()) {
    records.push_back(copy_of(view));
  }
  return records;
}

}  // namespace attune::test
