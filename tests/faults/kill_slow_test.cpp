// SPDX-License-Identifier: Apache-2.0
// F01: SIGKILL at a random time, four threads calling, over a real file on a real disk.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/sim_checker.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test::kill_slow_test {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::uint64_t kRoom = 1 << 16;  // decisions of one thread over the lives of one store

constexpr std::string_view kConfig = R"({"seed":5,"node":"kill","mode":"MODE",
  "checkpoint":{"every_s":0,"every_records":400,"keep":2},
  "points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b","c"],"reward":{"join_window_s":1000}}}})";

std::string config_for(std::string_view mode) {
  std::string text(kConfig);
  return text.replace(text.find("MODE"), 4, mode);
}

/// What one thread did, in memory that outlives it. Outcome number n has the value n + 1, so that each is
/// told from all others.
struct ThreadTable {
  std::atomic<std::uint64_t> decided;       ///< entries of `ids` that are filled in
  std::atomic<std::uint64_t> acknowledged;  ///< of those, durable with their outcomes
  std::array<Uuid, kRoom> ids;
  std::array<bool, kRoom> forgiven;  ///< died with an earlier process before it was acknowledged
};
struct Table {
  std::array<ThreadTable, kThreads> threads;
};

class SharedTable {
 public:
  SharedTable()
      : table_(static_cast<Table*>(
            ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SharedTable() { ::munmap(table_, sizeof(Table)); }
  SharedTable(const SharedTable&) = delete;
  SharedTable& operator=(const SharedTable&) = delete;
  SharedTable(SharedTable&&) = delete;
  SharedTable& operator=(SharedTable&&) = delete;
  Table& operator*() { return *table_; }
  void clear() {
    for (ThreadTable& thread : table_->threads) {
      thread.decided = 0;
      thread.acknowledged = 0;
      thread.forgiven.fill(false);
    }
  }

 private:
  Table* table_;
};

double value_of(std::size_t thread, std::uint64_t number) {
  return static_cast<double>(thread * kRoom + number + 1);
}

void call_for_ever(Engine& engine, std::size_t thread, ThreadTable& mine) {
  Decision decision;
  for (std::uint64_t round = 0; mine.decided < kRoom; ++round) {
    if (engine.decide(PointId{0}, {}, {}, decision) != Errc::ok) {
      continue;
    }
    const std::uint64_t number = mine.decided.load();
    mine.ids[number] = decision.id;
    mine.decided.store(number + 1);
    if (engine.outcome(decision.id, value_of(thread, number)) != Errc::ok) {
      ::_exit(5);
    }
    if (round % 8 == 7 && engine.drain()) {
      mine.acknowledged.store(number + 1);
    }
  }
}

[[noreturn]] void live(const std::string& path, Table& table) {
  Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
  if (!journal) {
    ::_exit(3);
  }
  Result<Engine> engine =
      Engine::open(config_for("threads"),
                   {.clock = nullptr, .journal = std::move(*journal), .credit_functions = {}, .log = {}});
  if (!engine) {
    ::_exit(4);
  }
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < kThreads; ++i) {
    callers.emplace_back([&engine, &table, i] { call_for_ever(*engine, i, table.threads[i]); });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  ::_exit(0);  // the table is full: as good an end as any
}

/// Empty, or what was lost, duplicated or made up.
std::string judge(const std::vector<Bytes>& records, Table& table, std::uint64_t kills) {
  struct Seen {
    int decisions = 0;
    int outcomes = 0;
    double value = 0.0;
  };
  std::map<Uuid, Seen> seen;
  for (const Bytes& bytes : records) {
    RecordHeader header;
    if (read_header(bytes, header) != Errc::ok || !verify_record(bytes)) {
      return "a damaged record";
    }
    if (header.kind == RecordKind::decision) {
      ++seen[header.id].decisions;
    } else if (header.kind == RecordKind::outcome) {
      OutcomeRecord record;
      if (decode(bytes, record) != Errc::ok) {
        return "an outcome that cannot be read";
      }
      ++seen[header.id].outcomes;
      seen[header.id].value = record.all()[0].value;
    }
  }
  std::size_t known = 0;
  for (std::size_t i = 0; i < kThreads; ++i) {
    ThreadTable& thread = table.threads[i];
    for (std::uint64_t n = 0; n < thread.decided; ++n) {
      const auto found = seen.find(thread.ids[n]);
      const Seen entry = found == seen.end() ? Seen{} : found->second;
      known += found == seen.end() ? 0 : 1;
      const bool whole = entry.decisions > 0 && entry.outcomes > 0;
      if (n >= thread.acknowledged && !whole) {
        thread.forgiven[n] = true;
      }
      if (!whole && !thread.forgiven[n]) {
        return "lost: decision " + std::to_string(n) + " of thread " + std::to_string(i) +
               " was acknowledged";
      }
      if (entry.decisions > 1 || entry.outcomes > 1) {
        return "duplicated: decision " + std::to_string(n) + " of thread " + std::to_string(i);
      }
      if (entry.outcomes == 1 && entry.value != value_of(i, n)) {
        return "the outcome of another decision";
      }
    }
  }
  // Killed between the answer and its note: the thread knows the decision, the table does not.
  return seen.size() > known + kThreads * kills ? "ghosts" : "";
}

void pause_microseconds(long microseconds) {
  const timespec time{.tv_sec = 0, .tv_nsec = microseconds * 1000};
  ::nanosleep(&time, nullptr);
}

class Kill : public ::testing::TestWithParam<std::uint64_t> {};
constexpr std::uint64_t kKillsAPart = 500;
constexpr std::uint64_t kKillsAStore = 25;

TEST_P(Kill, LosesDuplicatesAndMakesUpNothing) {
  FaultCount count("F01", "SIGKILL at a random time, four threads, real file");
  Rng rng(GetParam(), name_stream("kills"));
  SharedTable table;
  std::uint64_t acknowledged = 0;
  std::unique_ptr<TestFolder> folder;
  for (std::uint64_t kill = 0; kill < kKillsAPart * fault_scale(); ++kill) {
    if (kill % kKillsAStore == 0) {
      folder = std::make_unique<TestFolder>();
      table.clear();
    }
    const std::string path = folder->file("store.db");
    const pid_t child = ::fork();
    if (child == 0) {
      live(path, *table);
    }
    pause_microseconds(static_cast<long>(rng.below(rng.below(3) == 0 ? 3'000 : 40'000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0) << "the child gave up by itself";
    }
    Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path, OpenMode::read_write);
    if (!journal) {
      count.fail("kill " + std::to_string(kill) + ": " + journal.error().message);
      folder = std::make_unique<TestFolder>();
      table.clear();
      continue;
    }
    const Result<std::vector<Bytes>> records = records_of(**journal);
    std::string verdict =
        records ? judge(*records, *table, kill % kKillsAStore + 1) : records.error().message;
    if (verdict.empty() && kill % 5 == 4) {
      // I3: and learned exactly once.
      const auto clock = std::make_shared<ManualClock>(0);
      const Result<Engine> engine =
          Engine::open(config_for("pump"),
                       {.clock = clock, .journal = std::move(*journal), .credit_functions = {}, .log = {}});
      try {
        engine ? check_state(*engine, config_for("pump"), *records, clock)
               : throw Violation(engine.error().message);
      } catch (const Violation& violation) {
        verdict = violation.what();
      }
    }
    count.note(verdict.empty() ? "" : "kill " + std::to_string(kill) + ": " + verdict);
    for (ThreadTable& thread : (*table).threads) {
      acknowledged += thread.acknowledged;
    }
  }
  EXPECT_GT(acknowledged, 0U) << "no child got as far as an acknowledgement: nothing was tested";
}
INSTANTIATE_TEST_SUITE_P(Parts, Kill, ::testing::Range<std::uint64_t>(0, 4));

}  // namespace
}  // namespace attune::test::kill_slow_test
