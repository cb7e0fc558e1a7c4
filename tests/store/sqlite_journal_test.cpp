// SPDX-License-Identifier: Apache-2.0
// What is true of the SQLite journal beyond the contract: reopening, locking, the rows that people read.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/store_fixture.hpp"

namespace attune::test::sqlite_journal_test {
namespace {

/// Runs `body` in a child process; its return value is the exit code.
template <class Body>
int in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Names test_names() {
  static constexpr std::array<std::string_view, 3> kArms{"small", "medium", "large"};
  return {
      .point =
          [](std::uint32_t point) { return point == 0 ? std::string_view("gateway") : std::string_view(); },
      .arm =
          [](std::uint32_t /*point*/, std::uint32_t arm, std::uint16_t /*generation*/) {
            return arm < kArms.size() ? kArms[arm] : std::string_view();
          }};
}

TEST(SqliteJournal, ContinuesWhereItWasClosed) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  RecordList list;
  const std::vector<ByteView> views = list.mixed(30).views();
  for (std::size_t i = 0; i < 3; ++i) {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    EXPECT_EQ(journal->last_position(), i * 10);
    ASSERT_TRUE(journal->append(std::span(views).subspan(i * 10, 10), state_of(9000, 3), 1, "digest", 2));
    ASSERT_TRUE(journal->set_meta("round", std::to_string(i)));
  }
  const std::unique_ptr<Journal> journal = open_or_die(path);
  const Result<std::vector<Bytes>> read = read_all(*journal);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 30U);
  EXPECT_EQ(read->back(), copy_of(views.back()));
  EXPECT_EQ(journal->checkpoints()->size(), 2U);
  EXPECT_EQ(journal->checkpoints()->back().number, 3U);
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->state, state_of(9000, 3));
  EXPECT_EQ(**journal->meta("round"), "2");
}

TEST(SqliteJournal, IsOneFileWhenClosed) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(10).views()));
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(path + "-shm"));
  EXPECT_FALSE(std::filesystem::exists(path + "-new"));
  const std::string elsewhere = folder.file("copy.db");
  std::filesystem::copy_file(path, elsewhere);
  EXPECT_EQ(read_all(*open_or_die(elsewhere))->size(), 10U) << "a copy of that one file is a whole store";
}

TEST(SqliteJournal, RefusesASecondWriterInTheSameProcess) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  std::unique_ptr<Journal> first = open_or_die(path);
  const auto second = open_sqlite_journal(path, OpenMode::read_write);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::io);
  EXPECT_NE(second.error().message.find("open for writing by process " + std::to_string(::getpid())),
            std::string::npos)
      << second.error().message;
  first.reset();
  EXPECT_TRUE(open_sqlite_journal(path, OpenMode::read_write));
}

TEST(SqliteJournal, RefusesASecondWriterInAnotherProcessAtOnce) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> first = open_or_die(path);
  ASSERT_TRUE(first->append(RecordList(1).mixed(3).views()));
  const int code = in_child([&] {
    const auto second = open_sqlite_journal(path, OpenMode::read_write);
    return !second && second.error().code == Errc::io &&
                   second.error().message.find("process " + std::to_string(::getppid())) != std::string::npos
               ? 0
               : 1;
  });
  EXPECT_EQ(code, 0);
  ASSERT_TRUE(first->append(RecordList(4).mixed(3).views())) << "the first one goes on";
}

TEST(SqliteJournal, RefusesToWriteFromAForkedChild) {
  const TestFolder folder;
  const std::unique_ptr<Journal> journal = open_or_die(folder.file("store.db"));
  const int code = in_child([&] {
    const Result<void> verdict = journal->append(RecordList(1).mixed(1).views());
    return !verdict && verdict.error().message.find("forked") != std::string::npos ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(journal->append(RecordList(1).mixed(1).views()));
}

TEST(SqliteJournal, StopsWhenItsFileIsRemovedOrReplaced) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  ASSERT_TRUE(journal->append(RecordList(1).mixed(1).views()));
  std::filesystem::rename(path, folder.file("moved.db"));
  const Result<void> gone = journal->append(RecordList(2).mixed(1).views());
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::io);
  std::filesystem::copy_file(folder.file("moved.db"), path);
  EXPECT_FALSE(journal->append(RecordList(2).mixed(1).views()));
  std::filesystem::rename(folder.file("moved.db"), path);
  EXPECT_TRUE(journal->append(RecordList(2).mixed(1).views())) << "usable again once the trouble is over";
}

TEST(SqliteJournal, IsReadWhileItIsWritten) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> writer = open_or_die(path);
  ASSERT_TRUE(writer->append(RecordList(1).mixed(10).views()));
  const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
  EXPECT_EQ(reader->last_position(), 10U);
  std::uint64_t next = 11;
  const Result<void> read = reader->read(1, [&](ByteView /*record*/) {  // commits in the middle of a read
    EXPECT_TRUE(writer->append(RecordList(next).mixed(1).views()));
    ++next;
    return true;
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(next, 21U) << "the reader saw the ten records of the moment it began";
  EXPECT_EQ(read_all(*reader)->size(), 20U);
  EXPECT_EQ(reader->last_position(), 20U);
}

TEST(SqliteJournal, RefusesToWriteWhenOpenedReadOnly) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(2).views()));
  const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
  EXPECT_EQ(reader->append(RecordList(3).mixed(1).views()).error().code, Errc::io);
  EXPECT_EQ(reader->append({}, {}, 0, "", 1).error().code, Errc::io);
  EXPECT_EQ(reader->set_meta("a", "b").error().code, Errc::io);
  EXPECT_EQ(read_all(*reader)->size(), 2U);
}

TEST(SqliteJournal, ReadsWithoutChangingTheFile) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(50).views(), state_of(5000, 1), 0, "", 1));
  const std::string before = bytes_of_file(path);
  for (int i = 0; i < 3; ++i) {
    const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
    EXPECT_EQ(read_all(*reader)->size(), 50U);
    EXPECT_TRUE(reader->newest_checkpoint(nullptr)->has_value());
  }
  EXPECT_EQ(bytes_of_file(path), before);
}

TEST(SqliteJournal, ReadsAClosedStoreWhereNothingCanBeWritten) {
  const TestFolder folder;
  const std::filesystem::path inner = folder.path() / "odd name%20 with #?";
  std::filesystem::create_directory(inner);
  const std::string path = (inner / "store.db").string();
  ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(5).views()));
  // A process without the right to write in the folder; a superuser has that right, so it becomes somebody
  // else.
  std::filesystem::permissions(inner, std::filesystem::perms(0555));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  const int code = in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) {
      return 2;
    }
    const auto reader = open_sqlite_journal(path, OpenMode::read_only);
    return reader && read_all(**reader).map([](const auto& records) { return records.size(); }) == 5U ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  std::filesystem::permissions(inner, std::filesystem::perms(0755));
}

TEST(SqliteJournal, NoticesAnotherProgramThatWroteWithoutAsking) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  ASSERT_TRUE(journal->append(RecordList(1).mixed(2).views()));
  run_sql(path, "UPDATE head SET position = 1");
  const Result<void> verdict = journal->append(RecordList(3).mixed(1).views());
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, Errc::io);
  EXPECT_NE(verdict.error().message.find("changed by another program"), std::string::npos);
}

TEST(SqliteJournal, WaitsForAShortForeignLockAndIsUsableAfterALongOne) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  ASSERT_TRUE(journal->append(RecordList(1).mixed(2).views()));
  sqlite3* foreign = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &foreign), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(foreign, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const Result<void> busy = journal->append(RecordList(3).mixed(5).views());
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, Errc::io);
  EXPECT_NE(busy.error().message.find("database is locked"), std::string::npos) << busy.error().message;
  sqlite3_close(foreign);
  ASSERT_TRUE(journal->append(RecordList(3).mixed(5).views()));
  EXPECT_EQ(read_all(*journal)->size(), 7U);
}

TEST(SqliteJournal, SaysInSqlitesWordsThatTheDiskIsFullAndGoesOnWhenItIsNot) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  ASSERT_TRUE(journal->append(RecordList(1).mixed(2).views()));
  const int code = in_child([&] {
    // In a child, with a store of its own, as a limit on the size of files stands for a full disk.
    const std::string own = folder.file("full.db");
    const std::unique_ptr<Journal> full = open_or_die(own);
    if (!full->append(RecordList(1).mixed(10).views())) {
      return 1;
    }
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{.rlim_cur = 200'000, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const Result<void> refused = full->append(RecordList(11).mixed(5000).views());
    const rlimit large{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &large);
    if (refused || refused.error().code != Errc::io ||
        refused.error().message.find("SQLite on") == std::string::npos) {
      return 2;
    }
    if (full->last_position() != 10 || !full->append(RecordList(11).mixed(5000).views())) {
      return 3;
    }
    return read_all(*full).map([](const auto& records) { return records.size(); }) == 5010U ? 0 : 4;
  });
  EXPECT_EQ(code, 0);
}

TEST(SqliteJournal, ShowsDecisionsToTheSqliteShell) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  journal->set_names(test_names());
  RecordList list;
  list.decision(7, 2).decision(8, 9, 5, false).outcome(7, 0.875, 1e-9).event(EventKind::arm_added, "huge");
  ASSERT_TRUE(journal->append(list.views()));
  EXPECT_EQ(run_sql(path, "SELECT name FROM points WHERE number = 0"), "gateway");
  EXPECT_EQ(run_sql(path, "SELECT count(*) FROM points"), "1") << "a point without a name has no row";
  EXPECT_EQ(
      run_sql(path,
              "SELECT arm || slot || propensity || sequence || greedy FROM decisions WHERE position = 1"),
      "large20.2571");
  EXPECT_EQ(
      run_sql(path,
              "SELECT propensity IS NULL AND arm IS NULL AND greedy = 0 FROM decisions WHERE position = 2"),
      "1");
  EXPECT_EQ(run_sql(path, "SELECT components FROM outcomes"), R"({"quality":0.875,"cost":1e-09})");
  EXPECT_EQ(run_sql(path, "SELECT kind || ' ' || subject FROM events"), "arm_added huge");
  EXPECT_EQ(run_sql(path, "SELECT id FROM decision_log WHERE position = 1"), RecordList::uuid(7).to_string());
  EXPECT_EQ(run_sql(path, "SELECT at FROM decision_log WHERE position = 1"), "2023-11-14T22:13:21.000000Z");
  EXPECT_EQ(run_sql(path, "SELECT point || arm || rung FROM decision_log WHERE position = 1"),
            "gatewaylargepolicy");
  EXPECT_EQ(
      run_sql(path, "SELECT arm || components || delay_seconds FROM decision_outcomes WHERE position = 1"),
      R"(large{"quality":0.875,"cost":1e-09}2.0)");
  EXPECT_EQ(run_sql(path, "SELECT decisions || outcomes || events FROM head"), "211");
  EXPECT_EQ(run_sql(path, "PRAGMA integrity_check"), "ok");
}

TEST(SqliteJournal, WritesNamesOfAnyContentAsData) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  static const std::string kEvil = "x'); DROP TABLE decisions; --\"\\\n\x01\xc3\x28";
  const std::unique_ptr<Journal> journal = open_or_die(path);
  journal->set_names(
      {.point = [](std::uint32_t) { return std::string_view(kEvil); },
       .arm = [](std::uint32_t, std::uint32_t, std::uint16_t) { return std::string_view(kEvil); }});
  OutcomeRecord outcome;
  outcome.component_count = 1;
  outcome.components[0] = {"a\"b\\c\n", std::numeric_limits<double>::quiet_NaN()};
  RecordList list;
  list.decision(1, 0);
  std::vector<std::uint64_t> words(encoded_size(outcome) / 8);
  encode(outcome, std::as_writable_bytes(std::span(words)));
  finish_record(std::as_writable_bytes(std::span(words)), 2);
  std::vector<ByteView> views = list.views();
  views.push_back(std::as_bytes(std::span(words)));
  ASSERT_TRUE(journal->append(views));
  EXPECT_EQ(run_sql(path, "SELECT arm FROM decisions"), kEvil);
  EXPECT_EQ(run_sql(path, "SELECT name FROM points"), kEvil);
  EXPECT_EQ(run_sql(path, "SELECT json_type(components, '$.a\"b\\c\n') IS NULL OR 1 FROM outcomes"), "1");
  EXPECT_EQ(run_sql(path, "SELECT components FROM outcomes"), R"({"a\"b\\c\u000a":null})");
  EXPECT_EQ(run_sql(path, "SELECT json_valid(components) FROM outcomes"), "1");
}

TEST(SqliteJournal, WritesThePointsNameAgainAfterARollback) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  journal->set_names(test_names());
  RecordList bad;
  bad.mixed(3);
  bad.bytes(2)[60] ^= std::byte{1};
  ASSERT_FALSE(journal->append(bad.views()));
  EXPECT_EQ(run_sql(path, "SELECT count(*) FROM points"), "0");
  ASSERT_TRUE(journal->append(RecordList(1).mixed(3).views()));
  EXPECT_EQ(run_sql(path, "SELECT name FROM points"), "gateway");
}

TEST(SqliteJournal, HoldsABatchThatIsLargerThanItsCache) {
  const TestFolder folder;
  const std::unique_ptr<Journal> journal = open_or_die(folder.file("store.db"));
  ASSERT_TRUE(journal->append(RecordList(1).mixed(60'000).views()));
  std::uint64_t count = 0;
  ASSERT_TRUE(journal->read(1, [&](ByteView /*record*/) { return ++count > 0; }));
  EXPECT_EQ(count, 60'000U);
}

}  // namespace
}  // namespace attune::test::sqlite_journal_test
