// SPDX-License-Identifier: Apache-2.0
// Compaction and deletion while the engine runs, in both modes.
#include <attune/engine/engine.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <attune/store/journal.hpp>

#include "tests/store/store_fixture.hpp"

namespace attune::administration_test {
namespace {

constexpr std::uint64_t kRounds = 200;
const Act kAct{.actor = "test", .time = 5};

class Administration : public ::testing::TestWithParam<const char*> {
 protected:
  test::TestFolder folder;
  std::string path = folder.file("store");

  [[nodiscard]] std::unique_ptr<Journal> journal(OpenMode mode = OpenMode::read_write) const {
    Result<std::unique_ptr<Journal>> opened = open_sqlite_journal(path, mode);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? std::move(*opened) : nullptr;
  }
  [[nodiscard]] Engine open() const {
    EngineOptions options;
    options.journal = journal();
    Result<Engine> engine = Engine::open(std::string(R"({"seed":1,"node":"n","mode":")") + GetParam() +
                                             R"(","checkpoint":{"every_s":0,"every_records":0},"points":{
                                               "p":{"policy":{"type":"ucb1"},"arms":["a","b","c"]}}})",
                                         std::move(options));
    EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
    return std::move(engine).value();
  }
  static void live(Engine& engine, std::uint64_t rounds = kRounds) {
    const PointId point = engine.point("p").value();
    const std::array<std::string_view, 2> subjects{"anna", "bela"};
    for (std::uint64_t i = 0; i < rounds; ++i) {
      Decision decision;
      ASSERT_EQ(engine.decide(point, {}, {.subject = subjects[i % 2]}, decision), Errc::ok);
      ASSERT_EQ(engine.outcome(decision.id, static_cast<double>(i % 3)), Errc::ok);
    }
    ASSERT_TRUE(engine.drain());
  }
  /// Decisions of the journal that are about somebody.
  [[nodiscard]] std::size_t about(std::string_view subject, std::uint64_t from) const {
    std::size_t found = 0;
    const Result<void> read = journal(OpenMode::read_only)->read(from, [&](ByteView bytes) {
      DecisionRecord decision;
      RecordHeader header;
      found += read_header(bytes, header) == Errc::ok && header.kind == RecordKind::decision &&
                       decode(bytes, decision) == Errc::ok && decision.subject == text_key(subject)
                   ? 1
                   : 0;
      return true;
    });
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return found;
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Administration, ::testing::Values("pump", "threads"));

TEST_P(Administration, CompactionRemovesWhatCheckpointsContainAndNothingIsForgotten) {
  Bytes state;
  {
    Engine engine = open();
    live(engine);
    ASSERT_TRUE(engine.checkpoint());
    const Result<CompactReport> report = engine.compact({.keep_records = 10, .checkpoints = 1}, kAct);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->removed, 2 * kRounds - 10);
    live(engine);
    state = engine.state();
  }
  Engine again = open();
  EXPECT_EQ(again.state(), state);
  EXPECT_EQ(again.metrics().points.at(0).decisions, 2 * kRounds);
}

TEST_P(Administration, CompactionWithoutACheckpointIsRefused) {
  Engine engine = open();
  live(engine);
  const Result<CompactReport> report = engine.compact({.checkpoints = 1}, kAct);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::invalid_argument);
}

TEST_P(Administration, ASubjectGoesAndWhatWasLearnedStays) {
  Bytes state;
  std::uint64_t after = 0;
  {
    Engine engine = open();
    live(engine);
    EXPECT_EQ(about("anna", 1), kRounds / 2);
    const Result<EraseReport> report = engine.erase_subject("anna", kAct);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->decisions, kRounds / 2);
    EXPECT_EQ(report->outcomes, kRounds / 2);
    after = report->last_position + 1;
    EXPECT_EQ(engine.metrics().points.at(0).decisions, kRounds);
    live(engine);
    state = engine.state();
    const Result<EraseReport> nobody = engine.erase_subject("", kAct);
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, Errc::invalid_argument);
  }
  EXPECT_EQ(about("anna", after), kRounds / 2);  // only what came later
  EXPECT_EQ(open().state(), state);
}

TEST_P(Administration, AnEngineInMemoryHasNothingToAdminister) {
  Engine engine = Engine::open(std::string(R"({"mode":")") + GetParam() +
                               R"(","points":{"p":{"policy":{"type":"ucb1"},"arms":["a","b"]}}})")
                      .value();
  EXPECT_EQ(engine.compact({}, kAct).error().code, Errc::unsupported);
  EXPECT_EQ(engine.erase_subject("anna", kAct).error().code, Errc::unsupported);
}

TEST_P(Administration, DecisionsGoOnMeanwhile) {
  Engine engine = open();
  live(engine);
  std::atomic<std::uint64_t> made{0};
  const auto decide = [&] {
    Decision decision;
    if (engine.decide(engine.point("p").value(), {}, {.subject = "bela"}, decision) == Errc::ok &&
        engine.outcome(decision.id, 1.0) == Errc::ok) {
      made.fetch_add(1);
    }
  };
  std::atomic<bool> stop{false};
  std::vector<std::thread> callers;
  for (int i = 0; i < (std::string_view(GetParam()) == "threads" ? 2 : 0); ++i) {
    callers.emplace_back([&] {
      while (!stop.load()) {
        decide();
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    decide();
    const Result<EraseReport> report = engine.erase_subject("anna", kAct);
    EXPECT_TRUE(report) << (report ? "" : report.error().message);
    EXPECT_EQ(report ? report->decisions : kRounds, i == 0 ? kRounds / 2 : 0);
    decide();
    EXPECT_TRUE(engine.compact({.keep_records = 100, .checkpoints = 1}, kAct));
  }
  stop = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  ASSERT_TRUE(engine.drain());
  EXPECT_EQ(engine.metrics().points.at(0).decisions, kRounds + made.load());
}

}  // namespace
}  // namespace attune::administration_test
