// SPDX-License-Identifier: Apache-2.0
#include "tests/store/flipped_store.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/store_fixture.hpp"

namespace attune::test {

FlipCounts flip_bits_of_a_store(std::size_t step) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const Bytes state = state_of(6000, 9);
  EXPECT_TRUE(open_or_die(path)->append(RecordList(1).mixed(12).views(), state, 1, "cfg", 2));
  const Result<std::vector<Bytes>> good = read_all(*open_or_die(path, OpenMode::read_only));
  EXPECT_TRUE(good);
  const std::string bytes = bytes_of_file(path);
  const std::string copy = folder.file("copy.db");
  FlipCounts counts;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += step) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_file(copy, flipped);
    std::filesystem::remove(copy + "-wal");
    std::filesystem::remove(copy + "-shm");
    const auto journal = open_sqlite_journal(copy, OpenMode::read_only);
    const Result<std::vector<Bytes>> read = journal ? read_all(**journal) : tl::unexpected(journal.error());
    std::vector<std::string> skipped;
    const auto checkpoint = read ? (*journal)->newest_checkpoint(&skipped) : tl::unexpected(read.error());
    if (!checkpoint || (!*checkpoint && !skipped.empty())) {
      ++counts.noticed;
    } else if (*read == *good && *checkpoint && (*checkpoint)->state == state &&
               (*checkpoint)->info.position == 12 && (*checkpoint)->info.config_digest == "cfg") {
      ++counts.harmless;
    } else {
      ADD_FAILURE() << "bit " << bit << " changed what was read, in silence";
    }
  }
  return counts;
}

}  // namespace attune::test
