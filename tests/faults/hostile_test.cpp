// SPDX-License-Identifier: Apache-2.0
// F18, F19, F26 to F29: numbers, contexts, names, paths and sizes that nobody means well with.
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/engine/engine.hpp>

#include "tests/faults/fault_count.hpp"
#include "tests/faults/sim_checker.hpp"
#include "tests/store/store_fixture.hpp"
#include "tests/support/shared_journal.hpp"

namespace attune::test::hostile_test {
namespace {

constexpr std::string_view kConfig = R"({"seed":1,"node":"n","queue":{"bytes":65536,"on_full":"shed"},
  "points":{"lin":{"policy":{"type":"lin_ucb"},"arms":["a","b"],"context":{"dimension":3}},
            "ucb":{"policy":{"type":"ucb1"},"arms":["a","b"]}}})";

Engine make_engine(std::string_view config = kConfig) {
  return Engine::open(
             config,
             {.clock = std::make_shared<ManualClock>(), .journal = {}, .credit_functions = {}, .log = {}})
      .value();
}

constexpr std::array kOdd{std::numeric_limits<double>::quiet_NaN(),
                          std::numeric_limits<double>::infinity(),
                          -std::numeric_limits<double>::infinity(),
                          std::numeric_limits<double>::denorm_min(),
                          -0.0,
                          1e308,
                          -1e308,
                          std::numeric_limits<double>::signaling_NaN()};

TEST(Hostile, NumbersThatAreNotFiniteAreRefusedAndChangeNothing) {
  FaultCount count("F18", "NaN, infinities, denormals, -0 and 1e308 as context and reward");
  Engine engine = make_engine();
  Rng rng(1);
  for (std::uint64_t i = 0; i < 2000 * fault_scale(); ++i) {
    Decision decision;
    std::array<double, 3> x{rng.uniform(), rng.uniform(), 1.0};
    x.at(rng.below(3)) = kOdd.at(rng.below(kOdd.size()));
    const bool finite = std::isfinite(x[0]) && std::isfinite(x[1]) && std::isfinite(x[2]);
    const Bytes before = engine.state();
    const Errc answered = engine.decide(PointId{0}, {.dense = x}, {}, decision);
    ASSERT_TRUE(engine.pump());
    if (!finite) {
      count.note(answered == Errc::non_finite && engine.state() == before
                     ? ""
                     : "a context that is not finite was taken");
      continue;
    }
    const double reward = kOdd.at(rng.below(kOdd.size()));
    const Bytes decided = engine.state();
    const Errc told = answered == Errc::ok ? engine.outcome(decision.id, reward) : Errc::non_finite;
    ASSERT_TRUE(engine.pump());
    const bool right = std::isfinite(reward) || (told == Errc::non_finite && engine.state() == decided);
    const Result<Description> description = engine.describe(PointId{0});
    bool sound = description.has_value();
    for (const std::vector<double>& row : description->rows) {
      for (const double value : row) {
        sound = sound && !std::isnan(value);
      }
    }
    count.note(!right ? "a reward that is not finite was taken" : !sound ? "the policy holds NaN" : "");
  }
}

TEST(Hostile, ContextsOfAnotherFormAreRefused) {
  FaultCount count("F19", "contexts of wrong length, sparse where dense is due, huge");
  Engine engine = make_engine();
  Decision decision;
  for (const std::size_t size : {0U, 1U, 2U, 4U, 100U, 1'000'000U}) {
    const std::vector<double> x(size, 0.5);
    count.note(engine.decide(PointId{0}, {.dense = x}, {}, decision) == Errc::dimension_mismatch
                   ? ""
                   : "a context of " + std::to_string(size) + " numbers was taken for 3");
  }
  const std::array<std::uint32_t, 1> index{4'000'000'000U};
  const std::array<double, 1> value{1.0};
  const Errc sparse =
      engine.decide(PointId{0}, {.dense = {}, .sparse = {.index = index, .value = value}}, {}, decision);
  count.note(sparse != Errc::ok ? "" : "a sparse context was taken");
  const std::array<double, 1> one{1.0};
  const Errc extra = engine.decide(PointId{1}, {.dense = one}, {}, decision);
  count.note(extra != Errc::ok ? "" : "a context was taken where there is none");
}

TEST(Hostile, NamesAreDataOrAreRefused) {
  FaultCount count("F26", "SQL, NUL, invalid UTF-8, bidi marks and 1 MiB as arm ids, episodes and keys");
  const TestFolder folder;
  const std::array<std::string, 9> names{"'; DROP TABLE decisions; --",
                                         "\"; ATTACH 'x' AS y; --",
                                         std::string("a\0b", 3),
                                         "\xff\xfe",
                                         "\xe2\x80\xae"
                                         "evil",
                                         std::string(1 << 20, 'x'),
                                         "\n\r\t",
                                         "%s%n%x",
                                         "../../etc/passwd"};
  Result<Engine> engine = Engine::open(kConfig, {.clock = std::make_shared<ManualClock>(),
                                                 .journal = open_or_die(folder.file("store.db")),
                                                 .credit_functions = {},
                                                 .log = {}});
  ASSERT_TRUE(engine);
  std::size_t added = 0;
  for (const std::string& name : names) {
    const Result<void> done = engine->add_arm(PointId{1}, name);
    added += done ? 1 : 0;
    count.note(done || !done.error().message.empty() ? "" : "refused without a sentence");
    Decision decision;
    const Errc decided =
        engine->decide(PointId{1}, {}, {.arms = {}, .episode = name, .client_key = name}, decision);
    count.note(decided == Errc::ok || !Engine::last_error().empty() ? "" : "refused without a sentence");
    if (decided == Errc::ok) {
      static_cast<void>(engine->outcome(decision.id, std::array{Component{"reward", 1.0}}, {.key = name}));
    }
  }
  ASSERT_TRUE(engine->drain()) << engine->metrics().store_error;
  const std::size_t arms = engine->metrics().points[1].arms.size();
  EXPECT_EQ(arms, 2 + added);
  EXPECT_EQ(run_sql(folder.file("store.db"), "SELECT count(*) >= 9 FROM decisions"), "1")
      << "the table is there";
}

TEST(Hostile, PathsThatAreNotPlainFilesAreRefused) {
  FaultCount count(
      "F27", "directory, FIFO, device, link, hard link, empty, NUL and missing folder as the store's path");
  const TestFolder folder;
  const auto refused = [&](const std::string& path, const char* what) {
    for (const OpenMode mode : {OpenMode::read_write, OpenMode::read_only}) {
      const auto opened = open_sqlite_journal(path, mode);
      count.note(!opened && !opened.error().message.empty() ? ""
                                                            : std::string(what) + " was opened as a store");
    }
  };
  open_or_die(folder.file("good.db")).reset();
  std::filesystem::create_directory(folder.file("directory"));
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink(folder.file("good.db"), folder.file("link"));
  std::filesystem::create_symlink("/nowhere/at/all", folder.file("dangling"));
  refused(folder.file("directory"), "a directory");
  refused(folder.file("fifo"), "a FIFO");
  refused("/dev/null", "a device");
  refused("/dev/zero", "a device");
  refused(folder.file("link"), "a symbolic link");
  refused(folder.file("dangling"), "a dangling link");
  refused("", "nothing");
  refused(std::string("a\0b", 3), "a name with NUL");
  refused(folder.file("missing/store.db"), "a file in a missing folder");
  refused(folder.file("good.db/inside"), "a file inside a file");
  std::filesystem::create_hard_link(folder.file("good.db"), folder.file("second"));
  count.note(!open_sqlite_journal(folder.file("second"), OpenMode::read_write) ? ""
                                                                               : "a second name was opened");
}

TEST(Hostile, OversizedConfigurationsAreRefused) {
  FaultCount count("F28", "configurations of great size and depth");
  const auto refused = [&](const std::string& text, const char* what) {
    const Result<Engine> engine = Engine::open(text);
    count.note(!engine && engine.error().message.size() < 2000 ? "" : std::string(what) + " was taken");
  };
  refused(std::string(100'000, '['), "depth 100,000");
  refused("{\"points\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
          "depth 100,000, closed");
  std::string keys = "{";
  for (int i = 0; i < 100'000; ++i) {
    keys += "\"" + std::to_string(i) + "\":1,";
  }
  refused(keys + "\"points\":{}}", "100,000 keys");
  refused(std::string(17U << 20U, ' '), "17 MiB of nothing");
  refused(R"({"seed":1e999,"points":{}})", "a number that no double holds");
  refused(
      R"({"seed":1,"queue":{"bytes":18446744073709551615},"points":{"p":{"policy":{"type":"ucb1"},"arms":["a"]}}})",
      "a queue of 16 EiB");
  refused("\"" + std::string(1U << 20U, 'x') + "\"", "a text of 1 MiB");
}

TEST(Hostile, AFullQueueIsAnAnswerAndIsCounted) {
  FaultCount count("F29", "producers faster than the disk: refused by type, never dropped in silence");
  const auto clock = std::make_shared<ManualClock>();
  for (std::uint64_t rounds : {10U, 1000U, 5000U}) {
    const auto store = std::make_shared<SharedJournal::Store>();
    Result<Engine> engine = Engine::open(kConfig, {.clock = clock,
                                                   .journal = std::make_unique<SharedJournal>(store),
                                                   .credit_functions = {},
                                                   .log = {}});
    store->fail_appends = true;  // the disk takes nothing for now
    ASSERT_TRUE(engine);
    std::uint64_t taken = 0;
    std::uint64_t refused = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      Decision decision;
      const Errc code = engine->decide(PointId{1}, {}, {}, decision);
      taken += code == Errc::ok ? 1 : 0;
      refused += code == Errc::queue_full ? 1 : 0;
      if (code != Errc::ok && code != Errc::queue_full) {
        count.fail("decide() gave no answer");
      }
      if (decision.arm.view().empty()) {
        count.fail("an answer without an arm");
      }
    }
    store->fail_appends = false;
    ASSERT_TRUE(engine->checkpoint());
    try {
      check_state(*engine, kConfig, records_of(*store->journal).value(), clock);
    } catch (const Violation& violation) {
      count.fail(violation.what());
    }
    count.note(taken + refused == rounds && engine->metrics().queue_shed == refused &&
                       store->journal->last_position() == taken
                   ? ""
                   : "of " + std::to_string(rounds) + " calls " + std::to_string(taken) + " were taken, " +
                         std::to_string(refused) + " refused, " +
                         std::to_string(store->journal->last_position()) + " stored");
  }
}

}  // namespace
}  // namespace attune::test::hostile_test
