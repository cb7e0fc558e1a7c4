// SPDX-License-Identifier: Apache-2.0
// The contract of Journal (store/journal.hpp), run over every implementation.
#include <attune/store/journal.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/store_fixture.hpp"

namespace attune::test::journal_contract_test {
namespace {

struct Memory {
  std::unique_ptr<Journal> journal = make_memory_journal();
};

struct Sqlite {
  TestFolder folder;
  std::unique_ptr<Journal> journal = open_or_die(folder.file("store.db"));
};

template <class Kind>
class JournalContract : public testing::Test {
 protected:
  Journal& journal() { return *kind_.journal; }

 private:
  Kind kind_;
};
using Kinds = testing::Types<Memory, Sqlite>;
TYPED_TEST_SUITE(JournalContract, Kinds);

TYPED_TEST(JournalContract, StartsEmpty) {
  EXPECT_EQ(this->journal().last_position(), 0U);
  EXPECT_TRUE(read_all(this->journal())->empty());
  EXPECT_FALSE(this->journal().newest_checkpoint(nullptr)->has_value());
  EXPECT_TRUE(this->journal().checkpoints()->empty());
  EXPECT_FALSE(this->journal().meta("configuration")->has_value());
  EXPECT_FALSE(this->journal().describe().empty());
}

TYPED_TEST(JournalContract, GivesRecordsBackByteForByteInOrder) {
  RecordList list;
  list.mixed(100);
  const std::vector<ByteView> views = list.views();
  ASSERT_TRUE(this->journal().append(std::span(views).first(1)));
  ASSERT_TRUE(this->journal().append(std::span(views).subspan(1, 60)));
  ASSERT_TRUE(this->journal().append({}));
  ASSERT_TRUE(this->journal().append(std::span(views).subspan(61)));
  EXPECT_EQ(this->journal().last_position(), 100U);
  const Result<std::vector<Bytes>> read = read_all(this->journal());
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 100U);
  for (std::size_t i = 0; i < views.size(); ++i) {
    EXPECT_EQ((*read)[i], copy_of(views[i])) << "record " << i + 1;
  }
}

TYPED_TEST(JournalContract, ReadsFromAPositionUntilTheVisitorHasEnough) {
  RecordList list;
  ASSERT_TRUE(this->journal().append(list.mixed(50).views()));
  std::vector<std::uint64_t> positions;
  ASSERT_TRUE(this->journal().read(20, [&](ByteView record) {
    RecordHeader header;
    EXPECT_EQ(read_header(record, header), Errc::ok);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(record.data()) % 8, 0U);
    positions.push_back(header.position);
    return positions.size() < 4;
  }));
  EXPECT_EQ(positions, (std::vector<std::uint64_t>{20, 21, 22, 23}));
  EXPECT_TRUE(read_all(this->journal(), 51)->empty());
  EXPECT_TRUE(read_all(this->journal(), 1000)->empty());
  EXPECT_EQ(read_all(this->journal(), 0)->size(), 50U);
}

TYPED_TEST(JournalContract, AcceptsRecordsThatAreNotAligned) {
  RecordList list;
  list.mixed(3);
  std::vector<std::vector<std::byte>> shifted;
  std::vector<ByteView> views;
  for (const ByteView view : list.views()) {
    std::vector<std::byte>& copy = shifted.emplace_back(view.size() + 1);
    std::ranges::copy(view, copy.begin() + 1);
    views.push_back(ByteView(copy).subspan(1));
  }
  ASSERT_TRUE(this->journal().append(views));
  EXPECT_EQ((*read_all(this->journal()))[2], copy_of(list.views()[2]));
}

TYPED_TEST(JournalContract, RefusesAGapARepetitionAndAStartInTheMiddle) {
  EXPECT_EQ(this->journal().append(RecordList(2).mixed(1).views()).error().code, Errc::invalid_argument);
  ASSERT_TRUE(this->journal().append(RecordList(1).mixed(3).views()));
  for (const std::uint64_t first : {1ULL, 3ULL, 5ULL, 1ULL << 32U}) {
    const Result<void> verdict = this->journal().append(RecordList(first).mixed(1).views());
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, Errc::invalid_argument);
    EXPECT_NE(verdict.error().message.find("position 4 is next"), std::string::npos)
        << verdict.error().message;
  }
  EXPECT_EQ(this->journal().last_position(), 3U);
  EXPECT_EQ(read_all(this->journal())->size(), 3U);
}

TYPED_TEST(JournalContract, WritesNothingOfABatchWithABadRecordInTheMiddle) {
  ASSERT_TRUE(this->journal().append(RecordList(1).mixed(2).views()));
  RecordList damaged(3);
  damaged.mixed(9);
  damaged.bytes(4)[60] ^= std::byte{1};
  RecordList cut(3);
  std::vector<ByteView> cut_views = cut.mixed(9).views();
  cut_views[8] = cut_views[8].first(cut_views[8].size() - 8);
  RecordList undecodable(3);
  undecodable.mixed(9);
  undecodable.bytes(4)[48 + 48 + 4] = std::byte{200};  // position 7, a decision: its rung
  finish_record(undecodable.bytes(4), 7);
  RecordList unknown_kind(3);
  unknown_kind.mixed(9);
  unknown_kind.bytes(4)[4] = std::byte{77};
  finish_record(unknown_kind.bytes(4), 7);

  for (const std::vector<ByteView>& batch :
       {damaged.views(), cut_views, undecodable.views(), unknown_kind.views()}) {
    const Result<void> verdict = this->journal().append(batch);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, Errc::invalid_argument) << verdict.error().message;
    EXPECT_FALSE(this->journal().append(batch, state_of(10, 1), 0, "", 3));
    EXPECT_EQ(this->journal().last_position(), 2U);
    EXPECT_EQ(read_all(this->journal())->size(), 2U);
  }
  EXPECT_TRUE(this->journal().checkpoints()->empty());
  ASSERT_TRUE(this->journal().append(RecordList(3).mixed(9).views())) << "usable again";
  EXPECT_EQ(read_all(this->journal())->size(), 11U);
}

TYPED_TEST(JournalContract, TakesACheckpointTogetherWithItsRecords) {
  const Bytes state = state_of(100'000, 7);
  const Result<CheckpointInfo> info =
      this->journal().append(RecordList(1).mixed(10).views(), state, 42, "c0ffee", 3);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->number, 1U);
  EXPECT_EQ(info->position, 10U);
  EXPECT_EQ(info->bytes, state.size());
  EXPECT_EQ(info->digest, sha256(state));
  ASSERT_TRUE(this->journal().append(RecordList(11).mixed(1).views()));
  std::vector<std::string> skipped;
  const Result<std::optional<Checkpoint>> newest = this->journal().newest_checkpoint(&skipped);
  ASSERT_TRUE(newest && *newest);
  EXPECT_EQ((*newest)->state, state);
  EXPECT_EQ((*newest)->info.position, 10U);
  EXPECT_EQ((*newest)->info.time, 42);
  EXPECT_EQ((*newest)->info.config_digest, "c0ffee");
  EXPECT_TRUE(skipped.empty());
  EXPECT_EQ(read_all(this->journal(), 11)->size(), 1U);
}

TYPED_TEST(JournalContract, KeepsAsManyCheckpointsAsAsked) {
  for (std::uint64_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(
        this->journal().append(RecordList(i).mixed(1).views(), state_of(i, 1), static_cast<Nanos>(i), "", 3));
  }
  const Result<std::vector<CheckpointInfo>> kept = this->journal().checkpoints();
  ASSERT_EQ(kept->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*kept)[i].number, i + 3);
    EXPECT_EQ((*kept)[i].position, i + 3);
    EXPECT_EQ((*kept)[i].bytes, i + 3);
  }
  ASSERT_TRUE(this->journal().append({}, state_of(1, 1), 6, "", 1));
  EXPECT_EQ(this->journal().checkpoints()->size(), 1U);
  EXPECT_EQ(this->journal().checkpoints()->front().number, 6U);
}

TYPED_TEST(JournalContract, RefusesToKeepNoCheckpoint) {
  const Result<CheckpointInfo> verdict = this->journal().append(RecordList(1).mixed(1).views(), {}, 0, "", 0);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, Errc::invalid_argument);
  EXPECT_EQ(this->journal().last_position(), 0U);
}

TYPED_TEST(JournalContract, StoresAnEmptyState) {
  ASSERT_TRUE(this->journal().append({}, {}, 0, "", 1));
  const Result<std::optional<Checkpoint>> newest = this->journal().newest_checkpoint(nullptr);
  ASSERT_TRUE(newest && *newest);
  EXPECT_TRUE((*newest)->state.empty());
  EXPECT_EQ((*newest)->info.position, 0U);
}

TYPED_TEST(JournalContract, KeepsMetaTextsOfAnyContent) {
  const std::string odd("'; DROP TABLE meta; --\0\xff\n", 25);
  ASSERT_TRUE(this->journal().set_meta("configuration", R"({"points": []})"));
  ASSERT_TRUE(this->journal().set_meta(odd, odd));
  ASSERT_TRUE(this->journal().set_meta("empty", ""));
  ASSERT_TRUE(this->journal().set_meta("configuration", "{}"));
  EXPECT_EQ(**this->journal().meta("configuration"), "{}");
  EXPECT_EQ(**this->journal().meta(odd), odd);
  EXPECT_EQ(**this->journal().meta("empty"), "");
  EXPECT_FALSE(this->journal().meta("Configuration")->has_value());
}

TEST(Sha256Function, GivesThePublishedDigests) {  // FIPS 180-4 examples
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string abc = "abc";
  EXPECT_EQ(to_hex(sha256(std::as_bytes(std::span(abc)))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace attune::test::journal_contract_test
