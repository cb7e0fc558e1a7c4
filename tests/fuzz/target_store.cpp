// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include <attune/core/assert.hpp>
#include <attune/core/record.hpp>
#include <attune/store/journal.hpp>

#include "tests/faults/sim_disk.hpp"
#include "tests/faults/sim_posix.hpp"
#include "tests/fuzz/targets.hpp"

namespace attune::fuzz {

// On a disk in memory: a file at a time would be a hundred times slower.
void store(Input input) {
  test::SimDisk disk(1);
  const std::string path = disk.path("store.db");
  const ByteView bytes = std::as_bytes(input);
  disk.put({{path, Bytes(bytes.begin(), bytes.end())}});
  for (const OpenMode mode : {OpenMode::read_only, OpenMode::read_write}) {
    const Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, mode);
    if (!journal) {
      ATTUNE_ASSERT(!journal.error().message.empty(), "a refusal says why");
      continue;
    }
    std::uint64_t count = 0;
    const Result<void> read = (*journal)->read(1, [&](ByteView record) {
      ATTUNE_ASSERT(verify_record(record), "what is handed out is sound");
      return ++count < 100'000;
    });
    ATTUNE_ASSERT(!read || count == (*journal)->last_position() || count == 100'000, "all, or an error");
    const Result<std::optional<Checkpoint>> newest = (*journal)->newest_checkpoint(nullptr);
    ATTUNE_ASSERT(!newest || !*newest || sha256((**newest).state) == (**newest).info.digest,
                  "as it was digested");
  }
  test::forget_descriptors();
}

}  // namespace attune::fuzz
