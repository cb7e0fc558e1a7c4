// SPDX-License-Identifier: Apache-2.0
// What was acknowledged survives SIGKILL, the lock does not.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/store_fixture.hpp"

namespace attune::test::store_kill_test {
namespace {

/// Memory that a child shares with its parent: what was acknowledged to the child.
class Acknowledged {
 public:
  Acknowledged()
      : shared_(static_cast<std::atomic<std::uint64_t>*>(
            ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Acknowledged() { ::munmap(shared_, kSize); }
  Acknowledged(const Acknowledged&) = delete;
  Acknowledged& operator=(const Acknowledged&) = delete;
  Acknowledged(Acknowledged&&) = delete;
  Acknowledged& operator=(Acknowledged&&) = delete;
  void set(std::uint64_t position) { shared_->store(position, std::memory_order_release); }
  [[nodiscard]] std::uint64_t get() const { return shared_->load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kSize = 4096;
  std::atomic<std::uint64_t>* shared_;
};

constexpr std::uint64_t kBatch = 7;

/// Appends batches, every fourth with a checkpoint, until it is killed.
[[noreturn]] void append_for_ever(const std::string& path, Acknowledged& acknowledged) {
  Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
  if (!journal) {
    ::_exit(3);
  }
  for (std::uint64_t round = 0;; ++round) {
    RecordList batch((*journal)->last_position() + 1);
    batch.mixed(kBatch);
    const bool done =
        round % 4 == 3 ? static_cast<bool>((*journal)->append(batch.views(), state_of(20'000, 5), 0, "", 2))
                       : static_cast<bool>((*journal)->append(batch.views()));
    if (!done) {
      ::_exit(4);
    }
    acknowledged.set((*journal)->last_position());
  }
}

void sleep_milliseconds(long milliseconds) {
  const timespec time{.tv_sec = 0, .tv_nsec = milliseconds * 1'000'000};
  ::nanosleep(&time, nullptr);
}

TEST(StoreKill, LosesNoAcknowledgedBatchOverThirtyKills) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  Acknowledged acknowledged;
  for (long kill = 0; kill < 30; ++kill) {
    const pid_t child = ::fork();
    if (child == 0) {
      append_for_ever(path, acknowledged);
    }
    if (kill < 5) {
      sleep_milliseconds(kill);  // these meet the store while it is created
    } else {
      const std::uint64_t before = acknowledged.get();
      for (int i = 0; i < 1000 && acknowledged.get() == before; ++i) {
        sleep_milliseconds(10);  // on a busy machine a child may not even have begun
      }
      sleep_milliseconds(kill * 7 % 20);
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer gave up by itself, with code " << WEXITSTATUS(status);

    const std::uint64_t safe = acknowledged.get();
    const auto journal = open_sqlite_journal(path, OpenMode::read_write);
    ASSERT_TRUE(journal) << "after kill " << kill << ": " << journal.error().message;
    ASSERT_GE((*journal)->last_position(), safe);
    ASSERT_EQ((*journal)->last_position() % kBatch, 0U) << "half a batch";
    std::uint64_t count = 0;
    const Result<void> read = (*journal)->read(1, [&](ByteView record) {
      RecordList expected(++count);
      return copy_of(record) == copy_of(expected.mixed(1).views()[0]);
    });
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(count, (*journal)->last_position());
    const Result<std::optional<Checkpoint>> newest = (*journal)->newest_checkpoint(nullptr);
    ASSERT_TRUE(newest);
    ASSERT_TRUE(!newest->has_value() || (*newest)->state == state_of(20'000, 5));
  }
  EXPECT_GT(acknowledged.get(), 0U) << "no child got as far as one batch: the test tested nothing";
}

TEST(StoreKill, FreesTheLockAndIsReadWithItsLogBeforeAnyoneWrites) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  Acknowledged acknowledged;
  const pid_t child = ::fork();
  if (child == 0) {
    append_for_ever(path, acknowledged);
  }
  for (int i = 0; i < 1000 && acknowledged.get() < 5 * kBatch; ++i) {
    sleep_milliseconds(10);
  }
  EXPECT_FALSE(open_sqlite_journal(path, OpenMode::read_write)) << "it is alive";
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));

  ASSERT_TRUE(std::filesystem::exists(path + "-wal"));
  const std::string file = bytes_of_file(path);
  const std::string log = bytes_of_file(path + "-wal");
  {
    const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
    EXPECT_GE(reader->last_position(), acknowledged.get());
    EXPECT_EQ(read_all(*reader)->size(), reader->last_position());
  }
  EXPECT_EQ(bytes_of_file(path), file) << "reading changed the file";
  EXPECT_EQ(bytes_of_file(path + "-wal"), log) << "reading changed the log";
  EXPECT_TRUE(open_sqlite_journal(path, OpenMode::read_write)) << "the lock is free";
}

}  // namespace
}  // namespace attune::test::store_kill_test
