// SPDX-License-Identifier: Apache-2.0
// Foreign files are left alone; damage is reported with the record it hit, never taken for a shorter journal.
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/flipped_store.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test::store_damage_test {
namespace {

/// Opening must fail in both modes, say why, and change nothing.
void expect_refused(const std::string& path, Errc code, std::string_view because) {
  const bool plain = std::filesystem::is_regular_file(path);
  const std::string before = plain ? bytes_of_file(path) : "";
  for (const OpenMode mode : {OpenMode::read_write, OpenMode::read_only}) {
    const auto opened = open_sqlite_journal(path, mode);
    ASSERT_FALSE(opened) << path;
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_NE(opened.error().message.find(because), std::string::npos) << opened.error().message;
    EXPECT_NE(opened.error().message.find(path), std::string::npos) << opened.error().message;
  }
  if (plain) {
    EXPECT_EQ(bytes_of_file(path), before) << "it was changed";
  }
}

std::string make_store(const TestFolder& folder, std::size_t records = 40) {
  std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_TRUE(journal->append(RecordList(1).mixed(records).views()));
  return path;
}

TEST(StoreRefuses, WhatIsNotAStore) {
  const TestFolder folder;
  const std::string text = folder.file("notes.txt");
  write_file(text, "These are notes, not a store.\n");
  expect_refused(text, Errc::corrupt_state, "not an attune store");
  const std::string empty = folder.file("empty");
  write_file(empty, "");
  expect_refused(empty, Errc::corrupt_state, "is an empty file");
  const std::string database = folder.file("other.db");
  run_sql(database, "CREATE TABLE head(position); INSERT INTO head VALUES(1)");
  expect_refused(database, Errc::corrupt_state, "of another program");
  const std::string directory = folder.file("folder");
  std::filesystem::create_directory(directory);
  expect_refused(directory, Errc::io, "is a directory");
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_refused(pipe, Errc::io, "not a plain file");
  expect_refused("/dev/null", Errc::io, "not a plain file");
  EXPECT_FALSE(std::filesystem::exists(text + "-lock")) << "no litter beside foreign files";
  EXPECT_FALSE(std::filesystem::exists(text + "-wal"));
}

TEST(StoreRefuses, LinksThatGiveItASecondName) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::string link = folder.file("link.db");
  std::filesystem::create_symlink(path, link);
  expect_refused(link, Errc::io, "symbolic link");
  const std::string hard = folder.file("hard.db");
  std::filesystem::create_hard_link(path, hard);
  const auto opened = open_sqlite_journal(path, OpenMode::read_write);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("2 names"), std::string::npos) << opened.error().message;
  EXPECT_TRUE(open_sqlite_journal(hard, OpenMode::read_only)) << "reading does no harm";
}

TEST(StoreRefuses, AMissingFileToReadAndAMissingFolderToWrite) {
  const TestFolder folder;
  EXPECT_EQ(open_sqlite_journal(folder.file("none.db"), OpenMode::read_only).error().code, Errc::io);
  EXPECT_FALSE(std::filesystem::exists(folder.file("none.db")));
  EXPECT_EQ(open_sqlite_journal(folder.file("no/none.db"), OpenMode::read_write).error().code, Errc::io);
  EXPECT_EQ(open_sqlite_journal("", OpenMode::read_write).error().code, Errc::io);
  EXPECT_EQ(open_sqlite_journal(std::string("a\0b", 3), OpenMode::read_write).error().code, Errc::io);
}

TEST(StoreRefuses, AStoreOfANewerVersion) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  run_sql(path, "PRAGMA user_version = 3");
  expect_refused(path, Errc::unsupported_version,
                 "has store version 3 and this attune reads versions 1 to 2");
}

TEST(StoreRefuses, AnAlteredSchema) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"CREATE TRIGGER t AFTER INSERT ON decisions BEGIN DELETE FROM outcomes; END", "trigger named 't'"},
      {"ALTER TABLE outcomes ADD COLUMN extra", "'outcomes' is not as attune made it"},
      {"DROP TABLE events", "lacks 1 of the tables"},
      {"DROP TABLE meta; CREATE VIEW meta AS SELECT 'store_id' AS key, '' AS value",
       "'meta' is not as attune made it"},
      {"CREATE VIRTUAL TABLE f USING fts5(a)", "named 'f'"},
  };
  for (const auto& [sql, because] : cases) {
    const TestFolder folder;
    const std::string path = make_store(folder);
    run_sql(path, sql);
    expect_refused(path, Errc::corrupt_state, because);
  }
}

TEST(StoreAccepts, TablesAndViewsThatAnOperatorAdded) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  run_sql(path, "CREATE TABLE notes(text); CREATE VIEW mine AS SELECT count(*) FROM decisions; ANALYZE");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_EQ(read_all(*journal)->size(), 40U);
  EXPECT_TRUE(journal->append(RecordList(41).mixed(5).views()));
}

/// Reading must name the position.
void expect_damage_at(const std::string& path, std::uint64_t position) {
  const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
  std::uint64_t seen = 0;
  const Result<void> read = reader->read(1, [&](ByteView /*record*/) { return ++seen > 0; });
  ASSERT_FALSE(read) << "record " << position;
  EXPECT_EQ(read.error().code, Errc::corrupt_state);
  EXPECT_NE(read.error().message.find("record " + std::to_string(position)), std::string::npos)
      << read.error().message;
  EXPECT_EQ(seen, position - 1) << "what lies before the damage is given";
}

TEST(StoreDamage, AFlippedBitInARecordIsReportedWithItsPosition) {
  // One bit of each byte of a decision (7), an outcome (8) and an event (5), through SQLite.
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::vector<std::pair<std::string, std::uint64_t>> rows{
      {"decisions", 7}, {"outcomes", 8}, {"events", 5}};
  RecordList list;
  const std::vector<ByteView> views = list.mixed(40).views();
  for (const auto& [table, position] : rows) {
    const std::string where = " WHERE position = " + std::to_string(position);
    for (std::size_t at = 0; at < views[position - 1].size(); at += 3) {
      Bytes flipped = copy_of(views[position - 1]);
      flipped[at] ^= static_cast<std::byte>(1U << (at % 8));
      std::string update = "UPDATE " + table;
      run_sql(path, update + " SET record = x'" + hex_of(flipped) + "'" + where);
      expect_damage_at(path, position);
      run_sql(path, update + " SET record = x'" + hex_of(views[position - 1]) + "'" + where);
    }
  }
  EXPECT_EQ(read_all(*open_or_die(path, OpenMode::read_only))->size(), 40U) << "whole again";
}

TEST(StoreDamage, ARowThatIsMissingMovedOrOfAnotherTypeIsReportedWithItsPosition) {
  const std::vector<std::pair<std::string, std::uint64_t>> cases{
      {"DELETE FROM decisions WHERE position = 7", 7},
      {"DELETE FROM outcomes WHERE position = 8", 8},
      {"DELETE FROM decisions WHERE position = 1", 1},
      {"UPDATE decisions SET record = (SELECT record FROM decisions WHERE position = 9) WHERE position = 7",
       7},
      {"UPDATE events SET record = (SELECT record FROM decisions WHERE position = 7) WHERE position = 5", 5},
      {"UPDATE outcomes SET record = 'text' WHERE position = 8", 8},
      {"UPDATE outcomes SET record = x'' WHERE position = 8", 8},
      {"UPDATE outcomes SET record = zeroblob(104) WHERE position = 8", 8},
      {"UPDATE outcomes SET record = NULL WHERE position = 8", 8},
      {"INSERT INTO events SELECT 7, time, point, kind, subject, number, value, aux, chain, (SELECT record "
       "FROM decisions WHERE position = 7) FROM events WHERE position = 5; DELETE FROM decisions WHERE "
       "position = 7",
       7},
  };
  for (const auto& [sql, position] : cases) {
    const TestFolder folder;
    const std::string path = make_store(folder);
    run_sql(path, sql);
    expect_damage_at(path, position);
  }
}

TEST(StoreDamage, AJournalThatLostItsEndIsRefusedForWriting) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  run_sql(path, "DELETE FROM events WHERE position = 40");
  const auto opened = open_sqlite_journal(path, OpenMode::read_write);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt_state);
  EXPECT_NE(opened.error().message.find("record 40"), std::string::npos) << opened.error().message;
  expect_damage_at(path, 40);
}

TEST(StoreDamage, RecordsThatWereReplacedWithValidChecksumsBreakTheChain) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  RecordList forged(7);
  forged.decision(777, 1);
  run_sql(path, "UPDATE decisions SET record = x'" + hex_of(forged.views()[0]) + "' WHERE position = 7");
  const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
  const Result<std::vector<Bytes>> read = read_all(*reader);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::corrupt_state);
  EXPECT_NE(read.error().message.find("record 7 is damaged: it is whole, but not the one that was written"),
            std::string::npos)
      << read.error().message;
}

TEST(StoreDamage, ALogThatLostAcknowledgedRecordsIsNotTakenForAShorterJournal) {
  const TestFolder folder;
  const std::string path = make_store(folder, 10);
  const std::unique_ptr<Journal> writer = open_or_die(path);
  ASSERT_TRUE(writer->append(RecordList(11).mixed(3).views()));
  ASSERT_TRUE(writer->append(RecordList(14).mixed(3).views()));
  // What a power cut would leave, with one bit of the log flipped on the way.
  const std::string crashed = folder.file("crashed.db");
  std::string log = bytes_of_file(path + "-wal");
  log[log.size() / 2] = static_cast<char>(log[log.size() / 2] ^ 4);
  write_file(crashed, bytes_of_file(path));
  write_file(crashed + "-wal", log);
  write_file(crashed + "-lock", bytes_of_file(path + "-lock"));
  const auto opened = open_sqlite_journal(crashed, OpenMode::read_write);
  ASSERT_FALSE(opened) << "SQLite alone drops everything behind the flipped bit and says nothing";
  EXPECT_EQ(opened.error().code, Errc::corrupt_state);
  EXPECT_NE(opened.error().message.find("to 16 were acknowledged as durable and are gone"), std::string::npos)
      << opened.error().message;
  EXPECT_EQ(bytes_of_file(crashed), bytes_of_file(path)) << "refused untouched";
  EXPECT_EQ(bytes_of_file(crashed + "-wal"), log) << "refused untouched";
  std::filesystem::remove(crashed + "-lock");
  EXPECT_TRUE(open_sqlite_journal(crashed, OpenMode::read_write)) << "the operator accepted the loss";
}

TEST(StoreDamage, ALockFileOfAnEarlierStoreOfThatNameSaysNothing) {
  const TestFolder folder;
  const std::string path = make_store(folder, 10);
  std::filesystem::remove(path);
  EXPECT_EQ(open_or_die(path)->last_position(), 0U);
  write_file(path + "-lock", "nonsense");
  EXPECT_EQ(open_or_die(path)->last_position(), 0U);
}

TEST(StoreDamage, TheNewestSoundCheckpointIsUsedAndTheOthersAreNamed) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    for (std::uint64_t i = 1; i <= 6; ++i) {
      ASSERT_TRUE(journal->append(RecordList(i).mixed(1).views(), state_of(10'000, static_cast<unsigned>(i)),
                                  1, "", 10));
    }
  }
  const std::string data_of = "UPDATE chunks SET data = ";
  const std::string whose = " WHERE hash = (SELECT chunks FROM checkpoints WHERE number = ";
  run_sql(path, data_of + "CAST(substr(data, 1, 5000) || x'00' || substr(data, 5002) AS BLOB)" + whose +
                    "6);" + "UPDATE checkpoints SET position = 4 WHERE number = 5;" + data_of + "x''" +
                    whose + "4);" + "UPDATE chunks SET codec = 'lzma'" + whose + "3)");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  std::vector<std::string> skipped;
  const Result<std::optional<Checkpoint>> newest = journal->newest_checkpoint(&skipped);
  ASSERT_TRUE(newest && *newest);
  EXPECT_EQ((*newest)->info.number, 2U);
  EXPECT_EQ((*newest)->state, state_of(10'000, 2));
  ASSERT_EQ(skipped.size(), 4U);
  EXPECT_NE(skipped[0].find("checkpoint 6 (position 6) was passed over: its chunk "), std::string::npos)
      << skipped[0];
  EXPECT_NE(skipped[1].find("checkpoint 5"), std::string::npos);
  EXPECT_NE(skipped[1].find("seal"), std::string::npos) << skipped[1];
  EXPECT_NE(skipped[2].find("checkpoint 4"), std::string::npos);
  EXPECT_NE(skipped[3].find("checkpoint 3"), std::string::npos);
  ASSERT_TRUE(journal->append({}, state_of(100, 9), 1, "", 10)) << "and a new one can be taken";
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->info.number, 7U);
}

TEST(StoreDamage, EveryFlippedBitOfASmallCheckpointRowIsNoticed) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const Bytes state = state_of(64, 1);
  {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    ASSERT_TRUE(journal->append(RecordList(1).mixed(1).views(), state, 7, "abc", 3));
  }
  for (const std::string_view column : {"position", "time", "bytes", "chain", "slot"}) {
    const std::string value = run_sql(path, "SELECT " + std::string(column) + " FROM checkpoints");
    for (int bit = 0; bit < 63; bit += 4) {
      std::string update = "UPDATE checkpoints SET ";
      update += column;
      run_sql(path, update + " = (" + value + " | (1 << " + std::to_string(bit) + ")) - (" + value +
                        " & (1 << " + std::to_string(bit) + "))");
      std::vector<std::string> skipped;
      EXPECT_FALSE(open_or_die(path, OpenMode::read_only)->newest_checkpoint(&skipped)->has_value())
          << column << " bit " << bit;
      EXPECT_EQ(skipped.size(), 1U);
      run_sql(path, update + " = " + value);
    }
  }
  EXPECT_EQ((*open_or_die(path, OpenMode::read_only)->newest_checkpoint(nullptr))->state, state);
}

TEST(StoreDamage, AFlippedBitOfTheFileIsRefusedReportedOrWithoutEffectOnRecords) {
  const FlipCounts counts = flip_bits_of_a_store(1009);
  EXPECT_GT(counts.noticed, 10U);
  EXPECT_GT(counts.harmless, 10U) << "empty space and the columns beside the records";
}

}  // namespace
}  // namespace attune::test::store_damage_test
