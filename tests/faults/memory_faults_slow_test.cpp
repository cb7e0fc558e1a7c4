// SPDX-License-Identifier: Apache-2.0
// F12: the k-th request for memory is refused, once and for ever, in a process of its own. Promised: cold
// code lets std::bad_alloc through; code that is noexcept (the fold, a collector that has to grow) ends the
// process, as written in include/attune/rewards/collector.hpp. Either way the store is as after a kill:
// nothing acknowledged is lost, nothing is there twice, and it opens.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include <attune/engine/engine.hpp>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/memory_faults.hpp"
#include "tests/faults/memory_folder.hpp"
#include "tests/faults/sim_checker.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::test::memory_faults_slow_test {
namespace {

constexpr std::string_view kConfig = R"({"seed":1,"node":"n","checkpoint":{"every_s":0,"every_records":10},
  "points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"],"reward":{"join_window_s":100}}}})";

struct Shared {
  std::uint64_t acknowledged = 0;
  std::uint64_t requests = 0;
};

/// Opens, decides, learns, checkpoints. Throws std::bad_alloc where the product does.
void work(const std::string& path, Shared& shared) {
  Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
  if (!journal) {
    return;
  }
  Result<Engine> engine = Engine::open(
      kConfig, {.clock = nullptr, .journal = std::move(*journal), .credit_functions = {}, .log = {}});
  if (!engine) {
    return;
  }
  Decision decision;
  for (int i = 0; i < 8; ++i) {
    if (engine->decide(PointId{0}, {}, {}, decision) == Errc::ok) {
      static_cast<void>(engine->outcome(decision.id, 0.5));
    }
    if (engine->pump()) {
      shared.acknowledged = engine->metrics().durable_position;
    }
  }
}

enum class Memory : std::uint8_t { operator_new, sqlite };
struct Kind {
  Memory memory;
  bool for_ever;
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << (kind.memory == Memory::sqlite ? "sqlite" : "operator_new")
       << (kind.for_ever ? "_from_then_on" : "_once");
}
class OutOfMemory : public ::testing::TestWithParam<Kind> {};

[[noreturn]] void child(const std::string& path, const Kind& kind, std::uint64_t k, Shared& shared) {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::close(2);  // std::terminate says why; here it is expected
  const bool sqlite = kind.memory == Memory::sqlite;
  if (sqlite) {
    watch_sqlite_memory();
  }
  const std::size_t before = allocations();
  try {
    if (sqlite) {
      start_sqlite_memory_fault(k, kind.for_ever);
    } else {
      refuse_allocation(k, kind.for_ever);
    }
    work(path, shared);
  } catch (const std::bad_alloc&) {  // let through, as promised
  }
  shared.requests = sqlite ? stop_sqlite_memory_fault() : allocations() - before;
  refuse_allocation(0, false);
  ::_exit(0);
}

TEST_P(OutOfMemory, AtEveryRequestLeavesTheStoreWhole) {
  const Kind kind = GetParam();
  FaultCount count("F12", std::string(kind.memory == Memory::sqlite ? "SQLite's memory" : "operator new") +
                              " refused at each request, " + (kind.for_ever ? "for ever" : "once"));
  const MemoryFolder folder;
  auto* shared = static_cast<Shared*>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(shared, MAP_FAILED);
  // A step above 1 in the share of continuous integration: most requests are alike.
  const std::uint64_t step = fault_scale() > 1 ? 1 : (kind.memory == Memory::sqlite ? 11 : 5);
  for (std::uint64_t k = 1;; k += step) {
    const std::string path = folder.fresh();
    *shared = {};
    const pid_t process = ::fork();
    if (process == 0) {
      child(path, kind, k, *shared);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(process, &status, 0), process);
    std::string verdict;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGABRT) {
      verdict = "ended by signal " + std::to_string(WTERMSIG(status));
    }
    const auto journal = open_sqlite_journal(path, OpenMode::read_write);
    const Result<std::vector<Bytes>> records =
        journal ? records_of(**journal) : Result<std::vector<Bytes>>(tl::unexpected(journal.error()));
    if (!records) {
      verdict = "the store: " + records.error().message;
    } else if (records->size() < shared->acknowledged) {
      verdict = "lost: " + std::to_string(shared->acknowledged) + " acknowledged, " +
                std::to_string(records->size()) + " there";
    }
    count.note(verdict.empty() ? "" : "request " + std::to_string(k) + ": " + verdict);
    if (WIFEXITED(status) && shared->requests != 0 && shared->requests < k) {
      EXPECT_GT(k, 20U);
      break;
    }
  }
  ::munmap(shared, sizeof(Shared));
}
INSTANTIATE_TEST_SUITE_P(Kinds, OutOfMemory,
                         ::testing::Values(Kind{Memory::operator_new, false},
                                           Kind{Memory::operator_new, true}, Kind{Memory::sqlite, false},
                                           Kind{Memory::sqlite, true}));

}  // namespace
}  // namespace attune::test::memory_faults_slow_test
