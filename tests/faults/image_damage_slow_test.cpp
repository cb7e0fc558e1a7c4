// SPDX-License-Identifier: Apache-2.0
// F08, F09, F10: the log cut at every byte, every bit flipped, pages changed. What was acknowledged is there,
// or it is said that it is not.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/small_store.hpp"

namespace attune::test::image_damage_slow_test {
namespace {

std::string path_of(std::string_view suffix = "") {
  return std::string(SimDisk::kRoot) + "store.db" + std::string(suffix);
}

/// Opens for writing and reads everything.
Result<StoreContent> opened_content(std::vector<std::string>* skipped = nullptr) {
  return open_sqlite_journal(path_of(), OpenMode::read_write)
      .and_then([&](const std::unique_ptr<Journal>& journal) { return content_of(*journal, skipped); });
}

TEST(LogCut, AtEveryByteIsRefusedOrExact) {
  FaultCount count("F08", "log cut at every byte, with and without the lock file's witness");
  const SimDisk::Image whole = small_store(3 * std::min<std::size_t>(fault_scale(), 4), true);
  const std::vector<Bytes> all = first_records(9 * std::min<std::size_t>(fault_scale(), 4));
  const std::size_t size = whole.at(path_of("-wal")).size();
  SimDisk disk(2);
  for (const bool witness : {true, false}) {
    for (std::size_t cut = 0; cut <= size; ++cut) {
      SimDisk::Image image = whole;
      image[path_of("-wal")].resize(cut);
      if (!witness) {
        image.erase(path_of("-lock"));
      }
      disk.put(image);
      const Result<StoreContent> found = opened_content();
      const std::string where = "cut at " + std::to_string(cut);
      if (witness) {
        const bool right =
            found ? found->records == all : found.error().message.find("acknowledged") != std::string::npos;
        count.note(right ? "" : where + ": neither whole nor reported as a loss");
        continue;
      }
      // Nothing says how much there was: an exact prefix of whole batches is all that can be asked for.
      const std::size_t records = found ? found->records.size() : 0;
      const bool prefix = found && records % 3 == 0 && records <= all.size() &&
                          std::ranges::equal(found->records, std::span(all).first(records));
      count.note(prefix ? "" : where + ", no witness: not an exact prefix of whole batches");
    }
  }
  EXPECT_GT(size, 4096U);
}

class BitFlip : public ::testing::TestWithParam<std::size_t> {};
constexpr std::size_t kParts = 4;

// In place, and read-only: a case is opening and reading, nothing else.
TEST_P(BitFlip, OfASmallStoreIsReportedOrWithoutEffect) {
  FaultCount count("F09", "every single bit of a small store, its log and its lock file");
  for (const bool log : {false, true}) {
    const SimDisk::Image whole = small_store(4, log);
    SimDisk disk(3);
    disk.put(whole);
    Result<StoreContent> good = tl::unexpected(Error{});
    {
      const std::unique_ptr<Journal> journal = open_or_die(path_of(), OpenMode::read_only);
      good = content_of(*journal);
    }
    ASSERT_TRUE(good);
    std::uint64_t noticed = 0;
    for (const auto& [path, bytes] : whole) {
      if (log && path == path_of()) {
        continue;  // with a log the file is a few pages that the log replaces; without, it is everything
      }
      for (std::size_t bit = GetParam(); bit < bytes.size() * 8; bit += kParts) {
        std::byte& byte = (*disk.content(path))[bit / 8];
        byte ^= static_cast<std::byte>(1U << (bit % 8));
        // The log and its witness are judged when the store is opened for writing.
        const bool writing = path != path_of();
        if (writing) {
          SimDisk::Image image = disk.image();
          const Result<StoreContent> found = opened_content();
          const bool right = !found || found->records == good->records;
          noticed += found ? 0 : 1;
          count.note(
              right ? "" : path + ", bit " + std::to_string(bit) + ": acknowledged records went in silence");
          disk.put(whole);
          continue;
        }
        std::vector<std::string> skipped;
        const Result<StoreContent> found = open_sqlite_journal(path, OpenMode::read_only)
                                               .and_then([&](const std::unique_ptr<Journal>& journal) {
                                                 return content_of(*journal, &skipped);
                                               });
        const bool right =
            !found || (found->records == good->records && (found->state == good->state || !skipped.empty()));
        noticed += found && skipped.empty() ? 0 : 1;
        count.note(right ? "" : path + ", bit " + std::to_string(bit) + ": another content, in silence");
        byte ^= static_cast<std::byte>(1U << (bit % 8));
      }
    }
    EXPECT_GT(noticed, 0U);
  }
}
INSTANTIATE_TEST_SUITE_P(Parts, BitFlip, ::testing::Range<std::size_t>(0, kParts));

TEST(PageDamage, IsReportedOrWithoutEffect) {
  FaultCount count("F10", "pages of 512 and 4096 bytes: zeroed, swapped, doubled, stale");
  for (const bool log : {false, true}) {
    const SimDisk::Image whole = small_store(8, log);
    const SimDisk::Image old = small_store(5, log);
    const std::vector<Bytes> all = first_records(24);
    SimDisk disk(4);
    for (const auto& [path, bytes] : whole) {
      for (const std::size_t unit : {SimDisk::kSector, SimDisk::kPage}) {
        const std::size_t pages = bytes.size() / unit;
        for (std::size_t page = 0; page < pages; ++page) {
          for (std::size_t kind = 0; kind < 4 + fault_scale() * 4; ++kind) {
            SimDisk::Image image = whole;
            Bytes& file = image[path];
            const std::span<std::byte> hit = std::span(file).subspan(page * unit, unit);
            const std::size_t other = (page * 7 + kind * 3 + 1) % pages;
            const std::span<std::byte> there = std::span(file).subspan(other * unit, unit);
            const Bytes& before = old.contains(path) ? old.at(path) : bytes;
            if (kind == 0) {
              std::ranges::fill(hit, std::byte{0});
            } else if (kind == 1 && before.size() >= (page + 1) * unit) {
              std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(page * unit), unit, hit.begin());
            } else if (kind % 2 == 0) {
              std::ranges::swap_ranges(hit, there);
            } else {
              std::ranges::copy(there, hit.begin());
            }
            disk.put(image);
            std::vector<std::string> skipped;
            const Result<StoreContent> found = opened_content(&skipped);
            count.note(!found || found->records == all
                           ? ""
                           : path + ", page " + std::to_string(page) + " of " + std::to_string(unit) +
                                 ", kind " + std::to_string(kind) + ": another content, in silence");
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace attune::test::image_damage_slow_test
