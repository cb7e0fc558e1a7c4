// SPDX-License-Identifier: Apache-2.0
// F30, F31: two processes, forks, and a file that is taken away.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/memory_folder.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test::process_slow_test {
namespace {

/// Runs `work` in a child; its exit code, or minus the signal that ended it.
template <class Work>
int in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(Processes, ASecondWriterIsRefusedAtOnceAndTheLockGoesWithItsProcess) {
  FaultCount count("F30", "a second writer is refused; after a kill of the first the lock is free");
  const MemoryFolder folder;
  for (std::uint64_t i = 0; i < 200 * fault_scale(); ++i) {
    const std::string path = folder.fresh();
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t first = ::fork();
    if (first == 0) {
      const auto journal = open_sqlite_journal(path, OpenMode::read_write);
      RecordList batch;
      const bool good = journal && (*journal)->append(batch.mixed(3).views());
      const char byte = good ? 'y' : 'n';
      if (::write(ready[1], &byte, 1) != 1) {
        ::_exit(2);
      }
      for (;;) {
        ::pause();
      }
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ASSERT_EQ(byte, 'y');
    const int second = in_child([&] {
      const auto journal = open_sqlite_journal(path, OpenMode::read_write);
      return !journal && journal.error().message.find("process " + std::to_string(first)) != std::string::npos
                 ? 0
                 : 1;
    });
    count.note(second == 0 ? "" : "the second writer was let in, or not told who has it");
    ::kill(first, SIGKILL);
    ::waitpid(first, nullptr, 0);
    const auto journal = open_sqlite_journal(path, OpenMode::read_write);
    count.note(
        journal && (*journal)->last_position() == 3 ? "" : "after the kill the store is not free and whole");
    ::close(ready[0]);
    ::close(ready[1]);
  }
}

TEST(Processes, AForkedChildWritesNothingAndLeavesTheParentsLocks) {
  FaultCount count("F31", "fork after open; the file removed, replaced, moved under an open journal");
  const MemoryFolder folder;
  for (int i = 0; i < 20; ++i) {
    const std::string path = folder.fresh();
    const std::unique_ptr<Journal> journal = open_or_die(path);
    RecordList batch;
    ASSERT_TRUE(journal->append(batch.mixed(3).views()));
    const int child = in_child([&] {
      RecordList more(4);
      return journal->append(more.mixed(1).views()) ? 1 : 0;
    });
    count.note(child == 0 ? "" : "a forked child could append");
    RecordList more(4);
    count.note(journal->append(more.mixed(1).views()) && !open_sqlite_journal(path, OpenMode::read_write)
                   ? ""
                   : "the parent cannot go on, or lost its lock");
    const std::string other = path + "-elsewhere";
    if (i % 3 == 0) {
      std::filesystem::remove(path);
    } else if (i % 3 == 1) {
      std::filesystem::rename(path, other);
    } else {
      std::filesystem::rename(path, other);
      std::filesystem::copy_file(other, path);
    }
    RecordList last(5);
    count.note(!journal->append(last.mixed(1).views()) ? ""
                                                       : "appended to a file that is not there any more");
  }
}

TEST(Processes, NoDescriptorIsLeftOpen) {
  FaultCount count("F31", "descriptors after open, append and close, and after refusals");
  const MemoryFolder folder;
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  const std::string path = folder.fresh();
  open_or_die(path).reset();
  const auto before = descriptors();
  for (int i = 0; i < 50; ++i) {
    const std::unique_ptr<Journal> journal = open_or_die(path);
    RecordList batch(journal->last_position() + 1);
    ASSERT_TRUE(journal->append(batch.mixed(2).views()));
    ASSERT_FALSE(open_sqlite_journal(path, OpenMode::read_write));
    ASSERT_FALSE(open_sqlite_journal(path + "-missing", OpenMode::read_only));
  }
  count.note(descriptors() == before ? "" : "descriptors leak");
}

}  // namespace
}  // namespace attune::test::process_slow_test
