// SPDX-License-Identifier: Apache-2.0
// Checkpoints: chunks, slots, seals.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/store/inspect.hpp>

#include "store/chunker.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test::checkpoint_test {
namespace {

Bytes joined(const std::vector<ByteView>& chunks) {
  Bytes all;
  for (const ByteView chunk : chunks) {
    all.insert(all.end(), chunk.begin(), chunk.end());
  }
  return all;
}

TEST(Chunker, CutsEveryStateIntoChunksOfBoundedSizeThatAreAllOfIt) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16'384}, std::size_t{16'385},
                                 std::size_t{100'000}, std::size_t{3'000'000}}) {
    const Bytes state = state_of(size, 5);
    const std::vector<ByteView> chunks = detail::cut_into_chunks(state);
    EXPECT_EQ(joined(chunks), state);
    for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
      EXPECT_GE(chunks[i].size(), detail::kMinChunk);
      EXPECT_LE(chunks[i].size(), detail::kMaxChunk);
    }
  }
  const std::size_t count = detail::cut_into_chunks(state_of(8 << 20, 6)).size();
  EXPECT_GT(count, 80U) << "about 64 KiB each";
  EXPECT_LT(count, 200U);
  EXPECT_EQ(detail::cut_into_chunks(Bytes(1 << 20)).size(), 4U) << "without content to cut at: the largest";
}

TEST(Chunker, AnInsertedByteMovesOnlyTheBordersNearIt) {
  Bytes state = state_of(4 << 20, 7);
  const auto starts = [](const std::vector<ByteView>& chunks) {
    std::vector<std::string> found;
    for (const ByteView chunk : chunks) {
      found.push_back(to_hex(sha256(chunk)));
    }
    std::ranges::sort(found);
    return found;
  };
  const std::vector<std::string> before = starts(detail::cut_into_chunks(state));
  state.insert(state.begin() + (2 << 20), std::byte{42});
  const std::vector<std::string> after = starts(detail::cut_into_chunks(state));
  std::vector<std::string> same;
  std::ranges::set_intersection(before, after, std::back_inserter(same));
  EXPECT_GE(same.size() + 4, before.size());
}

std::uint64_t number_of(const std::string& path, const std::string& sql) {
  return std::stoull(run_sql(path, sql));
}

TEST(Checkpoints, ALargeStateWithOneChangedPartWritesLittle) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  Bytes state = state_of(8 << 20, 1);
  const auto take = [&] {
    const std::uint64_t last = journal->last_position();
    return journal->append(RecordList(last + 1).mixed(1).views(), state, 1, "", 2);
  };
  ASSERT_TRUE(take());
  ASSERT_TRUE(take());  // the other slot
  const std::uint64_t full = number_of(path, "SELECT count(*) FROM chunks");
  for (std::size_t i = 0; i < 83'886; ++i) {  // 1 %, in one place
    state[3'000'000 + i] ^= std::byte{0x55};
  }
  const std::uint64_t newest = number_of(path, "SELECT max(number) FROM chunks");
  ASSERT_TRUE(take());
  EXPECT_LE(number_of(path, "SELECT count(*) FROM chunks WHERE number > " + std::to_string(newest)), 5U);
  EXPECT_LT(number_of(path, "SELECT sum(length(data)) FROM chunks WHERE number > " + std::to_string(newest)),
            600'000U);
  ASSERT_TRUE(take());
  EXPECT_LE(number_of(path, "SELECT count(*) FROM chunks"), full + 4) << "chunks that nobody lists are gone";
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->state, state);
}

TEST(Checkpoints, ADamagedChunkOfOneSlotLeavesTheOtherSlotWholeAndIsWrittenAnew) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const Bytes state = state_of(300'000, 3);
  {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    for (std::uint64_t i = 1; i <= 4; ++i) {
      ASSERT_TRUE(journal->append(RecordList(i).mixed(1).views(), state, 1, "", 4));
    }
  }
  run_sql(path,
          "UPDATE chunks SET data = zeroblob(length(data)) WHERE number = (SELECT min(number) FROM chunks"
          " WHERE slot = (SELECT slot FROM checkpoints WHERE number = 4))");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  std::vector<std::string> skipped;
  EXPECT_EQ((*journal->newest_checkpoint(&skipped))->info.number, 3U);
  EXPECT_EQ(skipped.size(), 1U);
  ASSERT_TRUE(journal->append({}, state, 1, "", 4));  // slot of 3
  ASSERT_TRUE(journal->append({}, state, 1, "", 4));  // slot of 4: meets the damaged chunk, and mends it
  skipped.clear();
  EXPECT_EQ((*journal->newest_checkpoint(&skipped))->info.number, 6U);
  EXPECT_TRUE(skipped.empty());
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->state, state);
}

const SealKey kKey{.id = "2026-a", .secret = "0123456789abcdef0123"};
const SealKey kOther{.id = "2026-b", .secret = "another secret of 24 byte"};

StoreOptions with_keys(std::optional<SealKey> key, std::vector<SealKey> former = {}, bool lenient = false) {
  StoreOptions options;
  options.key = std::move(key);
  options.former_keys = std::move(former);
  options.accept_unsealed = lenient;
  return options;
}

/// Number of the checkpoint that an engine with these keys would start from; 0: none.
std::uint64_t newest_for(const std::string& path, StoreOptions options) {
  options.mode = OpenMode::read_only;
  const auto journal = open_sqlite_journal(path, options);
  EXPECT_TRUE(journal) << journal.error().message;
  const auto found = (*journal)->newest_checkpoint(nullptr);
  return found && *found ? (*found)->info.number : 0;
}

TEST(Seals, OnlyCheckpointsThatAKnownKeySealedAreUsed) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  std::uint64_t position = 0;
  for (const std::optional<SealKey>& key :
       {std::optional<SealKey>{}, std::optional(kKey), std::optional(kOther)}) {
    const auto journal = open_sqlite_journal(path, with_keys(key));
    ASSERT_TRUE(journal);
    ASSERT_TRUE((*journal)->append(RecordList(++position).mixed(1).views(), state_of(500, 1), 1, "", 9));
  }
  EXPECT_EQ(newest_for(path, {}), 1U) << "without a key, sealed ones cannot be checked";
  EXPECT_EQ(newest_for(path, with_keys({}, {}, true)), 3U);
  EXPECT_EQ(newest_for(path, with_keys(kKey)), 2U);
  EXPECT_EQ(newest_for(path, with_keys(kOther)), 3U);
  EXPECT_EQ(newest_for(path, with_keys(kOther, {kKey})), 3U);
  run_sql(path, "DELETE FROM checkpoints WHERE number = 3");
  EXPECT_EQ(newest_for(path, with_keys(kOther)), 0U) << "an unsealed one is not enough once a key is given";
  EXPECT_EQ(newest_for(path, with_keys(kOther, {kKey})), 2U);
  EXPECT_EQ(newest_for(path, with_keys(kOther, {}, true)), 2U);
  EXPECT_EQ(bytes_of_file(path).find(kKey.secret), std::string::npos);
  EXPECT_EQ(bytes_of_file(path).find(kOther.secret), std::string::npos);
}

TEST(Seals, AForgedSealIsRefused) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    const auto journal = open_sqlite_journal(path, with_keys(kKey));
    ASSERT_TRUE((*journal)->append(RecordList(1).mixed(2).views(), state_of(500, 1), 1, "", 9));
  }
  const SealKey wrong{.id = kKey.id, .secret = "0123456789abcdef0124"};
  EXPECT_EQ(newest_for(path, with_keys(wrong)), 0U);
  EXPECT_EQ(newest_for(path, with_keys(wrong, {}, true)), 0U)
      << "leniency is for seals that cannot be checked";
  for (const std::string column : {"number", "position", "time", "bytes", "chain", "slot"}) {
    run_sql(path, "UPDATE checkpoints SET " + column + " = " + column + " + 1");
    EXPECT_EQ(newest_for(path, with_keys(kKey)), 0U) << column;
    run_sql(path, "UPDATE checkpoints SET " + column + " = " + column + " - 1");
  }
  run_sql(path, "UPDATE checkpoints SET key_id = ''");
  EXPECT_EQ(newest_for(path, with_keys(kKey)), 0U);
}

TEST(Seals, KeysThatBreakARuleAreRefusedByName) {
  const TestFolder folder;
  const std::vector<std::pair<StoreOptions, std::string>> cases{
      {with_keys(SealKey{.id = "", .secret = kKey.secret}), "id of a seal key"},
      {with_keys(SealKey{.id = "a b", .secret = kKey.secret}), "'a b'"},
      {with_keys(SealKey{.id = "short", .secret = "0123456789abcde"}), "has 15 bytes"},
      {with_keys(kKey, {kKey}), "two seal keys have the id '2026-a'"},
  };
  for (const auto& [options, because] : cases) {
    const auto opened = open_sqlite_journal(folder.file("store.db"), options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::invalid_argument);
    EXPECT_NE(opened.error().message.find(because), std::string::npos) << opened.error().message;
  }
}

/// HMAC as RFC 2104 defines it, for keys of at most 64 bytes.
std::string hmac_of(const std::string& key, const std::string& text) {
  const auto hash = [](const std::string& bytes) { return sha256(std::as_bytes(std::span(bytes))); };
  std::string inner(64, 0x36);
  std::string outer(64, 0x5C);
  for (std::size_t i = 0; i < key.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ key[i]);
    outer[i] = static_cast<char>(outer[i] ^ key[i]);
  }
  const Sha256 digest = hash(inner + text);
  return to_hex(hash(outer + std::string(digest.begin(), digest.end())));
}

TEST(Seals, AreWhatTheFormatSays) {
  const std::string kText =  // as docs/format/store.md has it
      "SELECT 'attune checkpoint 2' || char(10) || number || char(10) || position || char(10) || time || "
      "char(10)"
      " || bytes || char(10) || sha256 || char(10) || config_digest || char(10) || chain || char(10) || slot"
      " || char(10) || key_id || char(10) || lower(hex(chunks)) FROM checkpoints";
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    const auto journal = open_sqlite_journal(path, with_keys(kKey));
    ASSERT_TRUE((*journal)->append(RecordList(1).mixed(2).views(), state_of(500, 1), 7, "cfg", 1));
  }
  EXPECT_EQ(run_sql(path, "SELECT seal FROM checkpoints"), hmac_of(kKey.secret, run_sql(path, kText)));
  ASSERT_TRUE(open_or_die(path)->append({}, state_of(500, 2), 8, "cfg", 1));
  const std::string text = run_sql(path, kText);
  EXPECT_EQ(run_sql(path, "SELECT seal FROM checkpoints"), to_hex(sha256(std::as_bytes(std::span(text)))));
}

TEST(Checkpoints, OneThatWasTakenOverAnotherJournalIsPassedOver) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::string other = folder.file("other.db");
  ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(6).views(), state_of(100, 1), 1, "", 3));
  RecordList list;
  list.decision(70, 1).decision(71, 2);
  ASSERT_TRUE(open_or_die(other)->append(list.views(), state_of(100, 2), 1, "", 3));
  run_sql(path, "ATTACH '" + other +
                    "' AS other; DELETE FROM checkpoints; DELETE FROM chunks;"
                    "INSERT INTO checkpoints SELECT * FROM other.checkpoints; INSERT INTO chunks SELECT * "
                    "FROM other.chunks");
  std::vector<std::string> skipped;
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_FALSE(journal->newest_checkpoint(&skipped)->has_value());
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_NE(skipped[0].find("taken over another journal"), std::string::npos) << skipped[0];
}

}  // namespace
}  // namespace attune::test::checkpoint_test
