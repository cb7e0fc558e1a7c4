// SPDX-License-Identifier: Apache-2.0
// A disk that refuses: the journal is as before, nothing is acknowledged that is not there, and it goes on by
// itself. Everything runs in children, as the file layer of the process is changed.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/store_fixture.hpp"
#include "tests/store/system_calls.hpp"

namespace attune::test::disk_trouble_test {
namespace {

/// Runs `body` in a child; it returns the line that failed, 0: none.
template <class Body>
int in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    plan_calls({});  // before anything is opened, so that every file is watched
    ::_exit(body());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

#define REQUIRE_HERE(condition) \
  if (!(condition)) {           \
    return __LINE__ % 250 + 1;  \
  }

bool holds(Journal& journal, std::uint64_t count) {
  const Result<std::vector<Bytes>> read = read_all(journal);
  const RecordList expected = RecordList(1).mixed(count);
  const std::vector<ByteView> views = expected.views();
  if (!read || read->size() != count || journal.last_position() != count) {
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if ((*read)[i] != copy_of(views[i])) {
      return false;
    }
  }
  return true;
}

bool mentions(const std::vector<std::string>& notes, std::string_view words) {
  for (const std::string& note : notes) {
    if (note.find(words) != std::string::npos) {
      return true;
    }
  }
  return false;
}

/// One append meets `plan`; then the trouble ends.
int meet(const std::string& path, const CallPlan& plan, bool checkpoint) {
  const std::unique_ptr<Journal> journal = open_or_die(path);
  REQUIRE_HERE(journal->append(RecordList(1).mixed(20).views(), state_of(20'000, 1), 1, "", 2));
  const RecordList next = RecordList(21).mixed(20);
  const auto try_it = [&] {
    return checkpoint ? static_cast<bool>(journal->append(next.views(), state_of(20'000, 2), 2, "", 2))
                      : static_cast<bool>(journal->append(next.views()));
  };
  plan_calls(plan);
  const bool done = try_it();
  const bool met = counted_calls() >= plan.fail_from;
  plan_calls({});
  if (!met) {
    return done ? 250 : 251;  // the plan lies behind the end of the append
  }
  if (done || journal->last_position() == 40) {
    // Trouble behind the commit: the log is not moved yet, or the checkpoint is in doubt; the records are
    // safe.
    REQUIRE_HERE(holds(*journal, 40));
  } else {
    REQUIRE_HERE(holds(*journal, 20));
    REQUIRE_HERE(mentions(journal->take_notes(), "SQLite"));
    REQUIRE_HERE(try_it());
    REQUIRE_HERE(mentions(journal->take_notes(), "whole up to record 20; writing goes on"));
    REQUIRE_HERE(holds(*journal, 40));
  }
  REQUIRE_HERE(journal->append(RecordList(41).mixed(5).views()));
  const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
  REQUIRE_HERE(holds(*reader, 45));
  const auto found = reader->newest_checkpoint(nullptr);
  REQUIRE_HERE(found && *found);
  return 0;
}

/// Every call of an append fails in turn, until the plan lies behind its end.
void meet_all(int error, bool only_flushes, bool checkpoint) {
  std::size_t cases = 0;
  for (std::uint64_t call = 1;; ++call) {
    const TestFolder folder;
    const CallPlan plan{
        .kill_at = 0, .fail_from = call, .fail_count = 1, .error = error, .only_flushes = only_flushes};
    const int line = in_child([&] { return meet(folder.file("store.db"), plan, checkpoint); });
    if (line == 250) {
      break;
    }
    ASSERT_EQ(line, 0) << "call " << call << ", errno " << error;
    ++cases;
  }
  EXPECT_GE(cases, only_flushes ? 1U : 4U);
}

TEST(DiskTrouble, AFullDiskAtAnyWriteOfAnAppendChangesNothing) { meet_all(ENOSPC, false, false); }
TEST(DiskTrouble, AnInputOutputErrorAtAnyWriteOfAnAppendChangesNothing) { meet_all(EIO, false, false); }
TEST(DiskTrouble, AFileSystemThatTurnsReadOnlyChangesNothing) { meet_all(EROFS, false, false); }
TEST(DiskTrouble, AFailedFlushOfAnAppendIsNeverBuiltUpon) { meet_all(EIO, true, false); }
TEST(DiskTrouble, AnErrorAtAnyCallOfACheckpointLeavesAUsableOne) { meet_all(EIO, false, true); }

TEST(DiskTrouble, LastsAsLongAsItLastsAndIsReportedOnce) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const int line = in_child([&] {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    REQUIRE_HERE(journal->append(RecordList(1).mixed(20).views()));
    plan_calls({.kill_at = 0, .fail_from = 1, .fail_count = 1'000'000, .error = EIO, .only_flushes = true});
    for (int i = 0; i < 20; ++i) {
      const Result<void> refused = journal->append(RecordList(21).mixed(5).views());
      REQUIRE_HERE(!refused && refused.error().code == Errc::io);
      REQUIRE_HERE(refused.error().message.find("SQLite on") != std::string::npos);
      REQUIRE_HERE(journal->last_position() == 20);
      REQUIRE_HERE(!journal->set_meta("a", "b"));
    }
    REQUIRE_HERE(journal->take_notes().size() == 1);
    REQUIRE_HERE(holds(*journal, 20));
    plan_calls({});
    REQUIRE_HERE(journal->append(RecordList(21).mixed(5).views()));
    REQUIRE_HERE(holds(*journal, 25));
    return 0;
  });
  EXPECT_EQ(line, 0);
}

// What a power cut would leave is the file as it was when the last flush succeeded, with any part of what was
// written since. So after the trouble, every byte of the log that counts must have been written again and
// flushed: the log is compared with one in which the refused frames never were.
TEST(DiskTrouble, TheFramesOfARefusedFlushAreWrittenOverBeforeAnythingCounts) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const int line = in_child([&] {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    REQUIRE_HERE(journal->append(RecordList(1).mixed(20).views()));
    const std::size_t acknowledged = bytes_of_file(path + "-wal").size();
    plan_calls({.kill_at = 0, .fail_from = 1, .fail_count = 1, .error = EIO, .only_flushes = true});
    REQUIRE_HERE(!journal->append(RecordList(21).mixed(200).views()));
    const std::string refused = bytes_of_file(path + "-wal");
    REQUIRE_HERE(refused.size() > acknowledged + 4000);
    plan_calls({});
    REQUIRE_HERE(journal->append(RecordList(21).mixed(1).views()));
    const std::string after = bytes_of_file(path + "-wal");
    REQUIRE_HERE(after.compare(0, acknowledged, refused, 0, acknowledged) == 0);
    REQUIRE_HERE(after.compare(acknowledged, 4120, refused, acknowledged, 4120) != 0);
    // Killed here, the refused records must not come back.
    write_file(folder.file("copy.db"), bytes_of_file(path));
    write_file(folder.file("copy.db-wal"), after);
    return holds(*open_or_die(folder.file("copy.db")), 21) ? 0 : 249;
  });
  EXPECT_EQ(line, 0);
}

TEST(DiskTrouble, AProcessThatDiesInItLeavesAStoreThatOpens) {
  for (const bool checkpoint : {false, true}) {
    const TestFolder folder;
    const std::string path = folder.file("store.db");
    const int line = in_child([&] {
      Journal* const journal = open_or_die(path).release();  // killed, not closed
      REQUIRE_HERE(journal->append(RecordList(1).mixed(20).views()));
      plan_calls({.kill_at = 0, .fail_from = 1, .fail_count = 100, .error = EIO, .only_flushes = true});
      const RecordList next = RecordList(21).mixed(20);
      const bool done = checkpoint
                            ? static_cast<bool>(journal->append(next.views(), state_of(9, 1), 1, "", 2))
                            : static_cast<bool>(journal->append(next.views()));
      return done ? 1 : 0;
    });
    ASSERT_EQ(line, 0);
    const std::unique_ptr<Journal> journal = open_or_die(path);
    const std::uint64_t last = journal->last_position();
    EXPECT_TRUE(last == 20 || last == 40) << "whole or not at all: it was not acknowledged";
    EXPECT_TRUE(holds(*journal, last));
  }
}

TEST(DiskTrouble, RecordsThatVanishMeanwhileAreNoticedBeforeMoreAreAppended) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const int line = in_child([&] {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    REQUIRE_HERE(journal->append(RecordList(1).mixed(20).views()));
    plan_calls({.kill_at = 0, .fail_from = 1, .fail_count = 1, .error = EIO, .only_flushes = true});
    REQUIRE_HERE(!journal->append(RecordList(21).mixed(5).views()));
    plan_calls({});
    run_sql(path, "UPDATE outcomes SET record = zeroblob(104) WHERE position = 18");
    const Result<void> refused = journal->append(RecordList(21).mixed(5).views());
    REQUIRE_HERE(!refused && refused.error().code == Errc::corrupt_state);
    REQUIRE_HERE(refused.error().message.find("record 18 is damaged") != std::string::npos);
    REQUIRE_HERE(!journal->append(RecordList(21).mixed(5).views()));
    return 0;
  });
  EXPECT_EQ(line, 0);
}

}  // namespace
}  // namespace attune::test::disk_trouble_test
