// SPDX-License-Identifier: Apache-2.0
// Administration: retention, deletion by subject, rollback, and the audit trail of them.
#include <attune/store/admin.hpp>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/store/inspect.hpp>

#include "tests/store/store_fixture.hpp"

namespace attune::test::admin_test {
namespace {

int folder_flush_error = 0;        // NOLINT: fsync takes no argument of ours
std::uint64_t folder_flushes = 0;  // NOLINT

int planned_fsync(int descriptor) {
  struct stat what{};
  if (::fstat(descriptor, &what) == 0 && S_ISDIR(what.st_mode)) {
    ++folder_flushes;
    if (folder_flush_error != 0) {
      errno = folder_flush_error;
      return -1;
    }
  }
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

const Act kAct{.actor = "operator", .time = 1'700'000'500 * kSecond};

StoreAdmin admin_or_die(const std::string& path) {
  Result<StoreAdmin> admin = StoreAdmin::open(path);
  if (!admin) {
    ADD_FAILURE() << admin.error().message;
    std::abort();
  }
  return std::move(*admin);
}

/// `count` records in batches of ten, each with a checkpoint.
std::string make_store(const TestFolder& folder, std::uint64_t count, std::uint32_t keep = 100) {
  std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  for (std::uint64_t first = 1; first <= count; first += 10) {
    EXPECT_TRUE(journal->append(RecordList(first).mixed(10).views(), state_of(3000, 1),
                                static_cast<Nanos>(first), "", keep));
  }
  return path;
}

void expect_sound(const std::string& path) {
  Result<StoreView> view = StoreView::open(path);
  ASSERT_TRUE(view) << view.error().message;
  const Result<std::vector<std::string>> problems = view->verify();
  ASSERT_TRUE(problems) << problems.error().message;
  EXPECT_TRUE(problems->empty()) << problems->front();
  EXPECT_EQ(run_sql(path, "PRAGMA integrity_check"), "ok");
}

TEST(Compact, RemovesRecordsOnlyBehindTheCheckpointsThatMustStay) {
  const TestFolder folder;
  const std::string path = make_store(folder, 100);
  {
    StoreAdmin admin = admin_or_die(path);
    const Result<CompactReport> report = admin.compact({}, kAct);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->removed, 90U) << "the newest two checkpoints are at 90 and 100";
    EXPECT_EQ(report->first_kept, 91U);
    EXPECT_EQ(report->checkpoints_removed, 8U);
    EXPECT_EQ(admin.journal().first_position(), 91U);
    EXPECT_EQ(admin.compact({}, kAct)->removed, 0U) << "again: nothing to do";
  }
  expect_sound(path);
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_EQ(journal->last_position(), 100U);
  EXPECT_EQ(read_all(*journal, 0)->size(), 10U);
  EXPECT_EQ(read_all(*journal, 91)->size(), 10U);
  const Result<std::vector<Bytes>> gone = read_all(*journal, 90);
  ASSERT_FALSE(gone) << "a fold that began at 1 would be wrong";
  EXPECT_EQ(gone.error().code, Errc::invalid_argument);
  EXPECT_NE(gone.error().message.find("records 1 to 90 were removed by retention"), std::string::npos);
  EXPECT_EQ(journal->checkpoints()->front().position, 90U);
  ASSERT_TRUE(journal->append(RecordList(101).mixed(10).views()));
  EXPECT_EQ(read_all(*journal, 91)->back(), copy_of(RecordList(110).mixed(1).views()[0]));
}

TEST(Compact, KeepsToTheRulesOfAgeNumberAndPosition) {
  const TestFolder folder;
  const std::string path = make_store(folder, 100);
  StoreAdmin admin = admin_or_die(path);
  EXPECT_EQ(admin.compact({.through = 7}, kAct)->first_kept, 8U);
  EXPECT_EQ(admin.compact({.keep_records = 85}, kAct)->first_kept, 16U);
  EXPECT_EQ(admin.compact({.older_than = RecordList::time_of(31)}, kAct)->first_kept, 31U);
  EXPECT_EQ(admin.compact({.checkpoints = 5}, kAct)->first_kept, 61U);
  EXPECT_EQ(admin.compact({.checkpoints = 0}, kAct).error().code, Errc::invalid_argument);
  EXPECT_EQ(read_audit(path)->entries.size(), 4U);
}

TEST(Compact, IsRefusedWithoutEnoughCheckpointsThatVerify) {
  const TestFolder folder;
  const std::string path = make_store(folder, 30);
  run_sql(path, "UPDATE checkpoints SET time = time + 1 WHERE number <= 2");
  StoreAdmin admin = admin_or_die(path);
  const Result<CompactReport> report = admin.compact({}, kAct);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::invalid_argument);
  EXPECT_NE(report.error().message.find("has 1 checkpoints that verify where the rule asks for 2"),
            std::string::npos)
      << report.error().message;
  EXPECT_EQ(admin.journal().first_position(), 1U);
  EXPECT_TRUE(read_audit(path)->entries.empty());
}

TEST(Compact, FreesPagesForReuse) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  for (std::uint64_t round = 0; round < 2; ++round) {
    ASSERT_TRUE(
        journal->append(RecordList(round * 5000 + 1).mixed(5000).views(), state_of(100, 1), 1, "", 2));
  }
  const Result<CompactReport> report = journal->compact({}, kAct);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->removed, 5000U);
  EXPECT_GT(report->free_bytes, 900'000U);
  const std::string pages = run_sql(path, "PRAGMA page_count");
  ASSERT_TRUE(journal->append(RecordList(10'001).mixed(3000).views()));
  EXPECT_EQ(run_sql(path, "PRAGMA page_count"), pages) << "the new records fit into the freed pages";
}

/// Decisions about two subjects, with outcomes; checkpoints at 8 and 12.
std::string make_subjects(const TestFolder& folder) {
  std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  RecordList list;
  list.about(text_key("ann"), 1).about(text_key("bob"), 2).outcome(1, 0.5).outcome(2, 0.5);
  list.decision(5, 1).about(text_key("ann"), 6).outcome(6, 1.0).outcome(5, 1.0);
  EXPECT_TRUE(journal->append(list.views(), state_of(3000, 1), 1, "", 5));
  EXPECT_TRUE(journal->append(RecordList(9).mixed(4).views(), state_of(3000, 2), 2, "", 5));
  return path;
}

TEST(Erase, BlanksTheDecisionsOfASubjectAndTheirOutcomesAndKeepsTheChain) {
  const TestFolder folder;
  const std::string path = make_subjects(folder);
  EXPECT_EQ(run_sql(path,
                    "SELECT count(*) FROM decisions WHERE subject = (SELECT subject FROM decisions WHERE "
                    "position = 1)"),
            "2");
  {
    StoreAdmin admin = admin_or_die(path);
    const Result<EraseReport> report = admin.erase_subject(text_key("ann"), 2, kAct);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->decisions, 2U);
    EXPECT_EQ(report->outcomes, 2U);
    EXPECT_EQ(report->last_position, 7U);
    EXPECT_EQ(report->checkpoints_removed, 0U);
    EXPECT_EQ(admin.erase_subject(text_key("ann"), 2, kAct)->decisions, 0U) << "nothing is left";
  }
  expect_sound(path);
  EXPECT_EQ(
      run_sql(path, "SELECT count(*) FROM decisions WHERE record IS NULL AND id IS NULL AND subject IS NULL"),
      "2");
  EXPECT_EQ(run_sql(path, "SELECT count(*) FROM outcomes WHERE record IS NULL AND decision IS NULL"), "2");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->info.position, 12U);
  EXPECT_EQ(read_all(*journal, 8)->size(), 5U);
  const Result<std::vector<Bytes>> blank = read_all(*journal, 1);
  ASSERT_FALSE(blank) << "recovery must not replay across a blank";
  EXPECT_EQ(blank.error().code, Errc::invalid_argument);
  EXPECT_NE(blank.error().message.find("record 7 was erased"), std::string::npos) << blank.error().message;
  Result<StoreView> view = StoreView::open(path);
  EXPECT_EQ(view->points({})->at(0).decisions, 4U) << "the rest is still counted";
  EXPECT_EQ(view->decisions(DecisionQuery{})->size(), 4U);
  EXPECT_EQ(view->summary()->erased, 4U);
  EXPECT_EQ(run_sql(path, "SELECT count(*) FROM decision_log"), "4");
}

TEST(Erase, LeavesNoCopyOfTheRecordInTheFiles) {
  const TestFolder folder;
  const std::string path = make_subjects(folder);
  RecordList list;
  list.about(text_key("ann"), 1);
  const std::string body(reinterpret_cast<const char*>(list.views()[0].data()) + 32,
                         16);  // the decision's id
  ASSERT_NE(bytes_of_file(path).find(body), std::string::npos);
  const std::unique_ptr<Journal> journal = open_or_die(path);
  ASSERT_TRUE(journal->erase_subject(text_key("ann"), 1, kAct));
  EXPECT_EQ(bytes_of_file(path).find(body), std::string::npos);
  EXPECT_EQ(bytes_of_file(path + "-wal").find(body), std::string::npos);
  EXPECT_EQ(read_audit(path)->entries.back().subject.find("ann"), std::string::npos);
}

TEST(Erase, IsRefusedForRecordsThatNoVerifiedCheckpointCovers) {
  const TestFolder folder;
  const std::string path = make_subjects(folder);
  const std::unique_ptr<Journal> journal = open_or_die(path);
  RecordList late(13);
  late.about(text_key("bob"), 13);
  ASSERT_TRUE(journal->append(late.views()));
  const Result<EraseReport> report = journal->erase_subject(text_key("bob"), 1, kAct);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::invalid_argument);
  EXPECT_NE(report.error().message.find("record 13 is about the subject and is contained in 0 verified"),
            std::string::npos)
      << report.error().message;
  EXPECT_EQ(read_all(*journal)->size(), 13U) << "nothing was erased";
  EXPECT_EQ(journal->erase_subject(0, 1, kAct).error().code, Errc::invalid_argument);
  ASSERT_TRUE(journal->append({}, state_of(3000, 3), 3, "", 5));
  const Result<EraseReport> done = journal->erase_subject(text_key("bob"), 1, kAct);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->checkpoints_removed, 2U) << "the ones at 8 and 12 would have needed record 13";
  EXPECT_EQ(journal->checkpoints()->size(), 1U);
}

TEST(Erase, ABlankThatNobodyMadeIsDamage) {
  const TestFolder folder;
  const std::string path = make_subjects(folder);
  run_sql(path, "UPDATE decisions SET record = NULL, time = NULL WHERE position = 5");
  const Result<std::vector<Bytes>> read = read_all(*open_or_die(path, OpenMode::read_only));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::corrupt_state) << read.error().message;
}

TEST(Rollback, GoesToACheckpointOrAPositionAndKeepsWhatItTakesBack) {
  const TestFolder folder;
  const std::string path = make_store(folder, 50);
  const std::string abandoned = folder.file("abandoned.jsonl");
  {
    StoreAdmin admin = admin_or_die(path);
    const Result<RollbackReport> refused = admin.rollback({.checkpoint = 3}, kAct);
    ASSERT_FALSE(refused) << "records would be lost without anybody having said so";
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_NE(refused.error().message.find("take back 20 records"), std::string::npos);
    EXPECT_EQ(admin.journal().last_position(), 50U);
    const Result<RollbackReport> report =
        admin.rollback({.checkpoint = 3, .position = {}, .abandon_to = abandoned}, kAct);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->position, 30U);
    EXPECT_EQ(report->abandoned, 20U);
    EXPECT_EQ(report->checkpoints_removed, 2U);
    EXPECT_EQ(
        admin.rollback({.checkpoint = {}, .position = 25, .abandon_to = {}, .discard = true}, kAct)->position,
        25U);
  }
  expect_sound(path);
  StoreAdmin admin = admin_or_die(path);
  EXPECT_EQ(admin.journal().last_position(), 25U);
  EXPECT_EQ((*admin.journal().newest_checkpoint(nullptr))->info.position, 20U);
  ASSERT_TRUE(admin.journal().append(RecordList(26).mixed(5).views()));
  const Result<ImportReport> back = admin.import_records(abandoned, kAct);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->added, 20U) << "the abandoned records can be put back";
  EXPECT_EQ(read_all(admin.journal())->size(), 50U);
  EXPECT_EQ(read_audit(path)->entries.size(), 3U);
}

TEST(Rollback, TakesNothingBackBeforeTheNameOfTheFileIsOnTheDisk) {
  const TestFolder folder;
  const std::string path = make_store(folder, 50);
  const std::string abandoned = folder.file("abandoned.jsonl");
  StoreAdmin admin = admin_or_die(path);
  folder_flush_error = EIO;
  const Result<RollbackReport> refused =
      admin.rollback({.checkpoint = {}, .position = 30, .abandon_to = abandoned}, kAct);
  folder_flush_error = 0;
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::io) << refused.error().message;
  EXPECT_EQ(admin.journal().last_position(), 50U);
  EXPECT_FALSE(std::filesystem::exists(abandoned));

  folder_flushes = 0;
  folder_flush_error = EINVAL;
  EXPECT_TRUE(admin.rollback({.checkpoint = {}, .position = 30, .abandon_to = abandoned}, kAct))
      << "a file system that flushes no folders is no reason to refuse";
  folder_flush_error = 0;
  EXPECT_EQ(folder_flushes, 1U);
  EXPECT_EQ(admin.journal().last_position(), 30U);
}

TEST(Rollback, IsRefusedWhereNoEngineCouldBeRecovered) {
  const TestFolder folder;
  const std::string path = make_store(folder, 50);
  StoreAdmin admin = admin_or_die(path);
  ASSERT_TRUE(admin.compact({.checkpoints = 3}, kAct));
  for (const RollbackRequest& request :
       {RollbackRequest{.checkpoint = 1, .position = {}, .abandon_to = {}, .discard = true},
        RollbackRequest{.checkpoint = {}, .position = 29, .abandon_to = {}, .discard = true},
        RollbackRequest{.checkpoint = {}, .position = 51, .abandon_to = {}, .discard = true},
        RollbackRequest{.checkpoint = {}, .position = {}, .abandon_to = {}, .discard = true},
        RollbackRequest{.checkpoint = 5, .position = 50, .abandon_to = {}, .discard = true}}) {
    EXPECT_EQ(admin.rollback(request, kAct).error().code, Errc::invalid_argument);
  }
  EXPECT_EQ(
      admin.rollback({.checkpoint = {}, .position = 30, .abandon_to = {}, .discard = true}, kAct)->position,
      30U);
}

TEST(Audit, NamesTheExactEntryThatWasChangedRemovedOrReordered) {
  const std::vector<std::pair<std::string, std::uint64_t>> cases{
      {"UPDATE audit SET actor = 'other' WHERE number = 2", 2},
      {"UPDATE audit SET time = time + 1 WHERE number = 1", 1},
      {"UPDATE audit SET subject = subject || ' ' WHERE number = 3", 3},
      {"UPDATE audit SET before = after, after = before WHERE number = 3", 3},
      {"UPDATE audit SET chain = lower(hex(zeroblob(32))) WHERE number = 2", 2},
      {"DELETE FROM audit WHERE number = 2", 2},
      {"DELETE FROM audit WHERE number = 4", 4},
      {"DELETE FROM audit", 1},
      {"UPDATE audit SET number = 9 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3;"
       "UPDATE audit SET number = 3 WHERE number = 9",
       2},
      {"INSERT INTO audit SELECT 5, time, actor, action, subject, before, after, chain FROM audit WHERE "
       "number = 4",
       5},
  };
  const TestFolder folder;
  const std::string path = make_store(folder, 100);
  {
    StoreAdmin admin = admin_or_die(path);
    for (const std::uint64_t through : {10, 20, 30, 40}) {
      ASSERT_TRUE(admin.compact({.through = through}, kAct));
    }
  }
  const Result<AuditTrail> whole = read_audit(path);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->damage, "");
  ASSERT_EQ(whole->entries.size(), 4U);
  EXPECT_EQ(whole->entries[1].actor, "operator");
  EXPECT_EQ(whole->entries[1].action, "compact");
  EXPECT_EQ(whole->entries[1].time, kAct.time);
  EXPECT_EQ(whole->entries[1].before, "first record 11");
  EXPECT_EQ(whole->entries[1].after, "first record 21");
  const std::string good = bytes_of_file(path);
  for (const auto& [sql, number] : cases) {
    write_file(path, good);
    run_sql(path, sql);
    const Result<AuditTrail> trail = read_audit(path);
    ASSERT_TRUE(trail) << trail.error().message;
    EXPECT_EQ(trail->broken, number) << sql << ": " << trail->damage;
    EXPECT_NE(trail->damage.find("audit entry " + std::to_string(number)), std::string::npos);
    EXPECT_FALSE(StoreView::open(path)->verify()->empty());
  }
}

TEST(StoreAdmin, DoesNotCreateAStoreAtAWrongPath) {
  const TestFolder folder;
  EXPECT_EQ(StoreAdmin::open(folder.file("none.db")).error().code, Errc::io);
  EXPECT_FALSE(std::filesystem::exists(folder.file("none.db")));
}

}  // namespace
}  // namespace attune::test::admin_test

// In place of the C library's, for the whole program.
extern "C" int fsync(int descriptor) { return attune::test::admin_test::planned_fsync(descriptor); }
