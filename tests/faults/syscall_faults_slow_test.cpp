// SPDX-License-Identifier: Apache-2.0
// F02, F04, F05 over a real file: the k-th system call kills, tears, fails, once and for ever, for k = 1, 2,
// 3, ... until a run passes without reaching k.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/memory_folder.hpp"
#include "tests/faults/small_store.hpp"
#include "tests/faults/syscalls.hpp"

namespace attune::test::syscall_faults_slow_test {
namespace {

constexpr std::uint64_t kBatch = 3;
constexpr int kBatches = 4;

/// Shared with the child that is killed.
struct Progress {
  std::uint64_t acknowledged = 0;
  std::uint64_t refused = 0;  ///< calls that said no
  bool complete = false;
};

/// Opens, appends, checkpoints, closes, opens again and appends once more; what is refused is tried again.
void work(const std::string& path, Progress& progress) {
  for (int life = 0; life < 2; ++life) {
    Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
    for (int attempt = 0; !journal && attempt < 2; ++attempt) {
      ++progress.refused;
      journal = open_sqlite_journal(path, OpenMode::read_write);
    }
    if (!journal) {
      return;
    }
    for (int i = 0; i < kBatches / 2; ++i) {
      bool done = false;
      for (int attempt = 0; !done && attempt < 3; ++attempt) {
        const std::uint64_t before = (*journal)->last_position();
        RecordList batch(before + 1);
        batch.mixed(kBatch);
        const bool good = i == 1 ? (*journal)->append(batch.views(), state_of(5000, 1), 0, "c", 2).has_value()
                                 : (*journal)->append(batch.views()).has_value();
        // By the contract a checkpoint that cannot be read back is an error over records that are durable.
        done = good || (*journal)->last_position() == before + kBatch;
        progress.refused += good ? 0 : 1;
        if (done) {
          progress.acknowledged = (*journal)->last_position();
        }
      }
      if (!done) {
        return;
      }
    }
  }
  progress.complete = true;
}

/// Empty: what is there is a prefix of what was given, in whole batches, with all that was acknowledged.
std::string judge(const std::string& path, const Progress& progress) {
  const Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
  if (!journal) {
    return "cannot be opened again: " + journal.error().message;
  }
  const Result<StoreContent> found = content_of(**journal);
  if (!found) {
    return "cannot be read again: " + found.error().message;
  }
  const std::size_t count = found->records.size();
  if (count < progress.acknowledged || count % kBatch != 0) {
    return std::to_string(count) + " records, " + std::to_string(progress.acknowledged) +
           " were acknowledged";
  }
  const std::vector<Bytes> given = first_records(count);
  if (found->records != given) {
    return "other records than were given";
  }
  RecordList next(count + 1);
  const Result<void> more = (*journal)->append(next.mixed(1).views());
  return more ? "" : "does not go on: " + more.error().message;
}

constexpr std::array<const char*, kCallFaults> kNames{
    "none", "killed before", "killed after", "torn and killed", "EIO", "ENOSPC", "EDQUOT", "EINTR", "short"};

std::string name_of(CallFault fault, std::uint64_t k, bool for_ever) {
  return "call " + std::to_string(k) + " " + kNames.at(static_cast<std::size_t>(fault)) +
         (for_ever ? ", for ever: " : ": ");
}

class KilledAt : public ::testing::TestWithParam<CallFault> {};

TEST_P(KilledAt, EveryCall) {
  FaultCount count("F02", std::string("process ") + kNames.at(static_cast<std::size_t>(GetParam())) +
                              " at each system call");
  const MemoryFolder stores;
  auto* progress = static_cast<Progress*>(
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(progress, MAP_FAILED);
  for (std::uint64_t k = 1;; ++k) {
    const std::string path = stores.fresh();
    *progress = {};
    const pid_t child = ::fork();
    if (child == 0) {
      start_call_fault(GetParam(), k, false);
      work(path, *progress);
      ::_exit(progress->complete ? 0 : 3);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0) << "the work itself is not sound";
      EXPECT_GT(k, 100U) << "hardly a system call was counted";
      break;
    }
    const std::string verdict = judge(path, *progress);
    count.note(verdict.empty() ? "" : name_of(GetParam(), k, false) + verdict);
  }
  ::munmap(progress, sizeof(Progress));
}
INSTANTIATE_TEST_SUITE_P(Kinds, KilledAt,
                         ::testing::Values(CallFault::kill_before, CallFault::kill_after,
                                           CallFault::kill_torn));

struct Failure {
  CallFault fault;
  bool for_ever;
};
void PrintTo(const Failure& failure, std::ostream* out) {
  PrintTo(failure.fault, out);
  *out << (failure.for_ever ? "_from_then_on" : "_once");
}
class FailingAt : public ::testing::TestWithParam<Failure> {};

void fail_each(FaultCount& count, const Failure& failure, bool flushes) {
  const MemoryFolder stores;
  for (std::uint64_t k = 1;; ++k) {
    const std::string path = stores.fresh();
    Progress progress;
    (flushes ? start_flush_fault : start_call_fault)(failure.fault, k, failure.for_ever);
    work(path, progress);
    const std::uint64_t calls = stop_call_fault();
    if (calls < k) {
      ASSERT_TRUE(progress.complete) << "the work itself is not sound";
      break;
    }
    std::string verdict = judge(path, progress);
    if (verdict.empty() && !failure.for_ever && !progress.complete) {
      verdict = "one failed call ended the work";
    }
    count.note(verdict.empty() ? "" : name_of(failure.fault, k, failure.for_ever) + verdict);
  }
}

TEST_P(FailingAt, EveryCall) {
  FaultCount count("F04", std::string(kNames.at(static_cast<std::size_t>(GetParam().fault))) +
                              " at each system call, " + (GetParam().for_ever ? "for ever" : "once"));
  fail_each(count, GetParam(), false);
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, FailingAt,
    ::testing::Values(Failure{CallFault::io_error, false}, Failure{CallFault::io_error, true},
                      Failure{CallFault::disk_full, false}, Failure{CallFault::disk_full, true},
                      Failure{CallFault::quota, false}, Failure{CallFault::quota, true},
                      Failure{CallFault::interrupted, false}, Failure{CallFault::partly, false},
                      Failure{CallFault::partly, true}));

TEST(FailingFlush, IsNeverFollowedByAnAcknowledgementOfWhatItCovered) {
  FaultCount count("F05", "EIO from each fsync and fdatasync, once and for ever");
  for (const bool for_ever : {false, true}) {
    fail_each(count, {CallFault::io_error, for_ever}, true);
  }
}

}  // namespace
}  // namespace attune::test::syscall_faults_slow_test
