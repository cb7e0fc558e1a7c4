// SPDX-License-Identifier: Apache-2.0
// Salvage: what can be read goes into a new store, every range that cannot is named.
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/store/admin.hpp>
#include <attune/store/inspect.hpp>

#include "tests/store/store_fixture.hpp"

namespace attune::test::salvage_test {
namespace {

const Act kAct{.actor = "operator", .time = 1};

/// 400 records; checkpoints at 200 and 400.
std::string make_store(const TestFolder& folder) {
  std::string path = folder.file("store.db");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_TRUE(journal->set_meta("seed", "7"));
  for (const std::uint64_t first : {1ULL, 201ULL}) {
    EXPECT_TRUE(journal->append(RecordList(first).mixed(200).views(),
                                state_of(60'000, static_cast<unsigned>(first)), 1, "cfg", 5));
  }
  return path;
}

void expect_sound(const std::string& path) {
  Result<StoreView> view = StoreView::open(path);
  ASSERT_TRUE(view) << view.error().message;
  const Result<std::vector<std::string>> problems = view->verify();
  ASSERT_TRUE(problems) << problems.error().message;
  for (const std::string& problem : *problems) {
    EXPECT_NE(problem.find("records after it were erased"), std::string::npos) << problem;
  }
}

TEST(Salvage, TakesASoundStoreOverWhole) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::string before = bytes_of_file(path);
  const std::string fresh = folder.file("fresh.db");
  const Result<SalvageReport> report = salvage(path, fresh, kAct);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->records, 400U);
  EXPECT_TRUE(report->lost.empty());
  EXPECT_TRUE(report->notes.empty()) << report->notes[0];
  EXPECT_EQ(report->checkpoints, 2U);
  EXPECT_TRUE(report->recoverable);
  EXPECT_EQ(bytes_of_file(path), before);
  const std::unique_ptr<Journal> journal = open_or_die(fresh);
  EXPECT_EQ(*read_all(*journal), *read_all(*open_or_die(path, OpenMode::read_only)));
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->state, state_of(60'000, 201));
  EXPECT_EQ(**journal->meta("seed"), "7");
  EXPECT_EQ(read_audit(fresh)->entries.at(0).action, "salvage");
  EXPECT_EQ(salvage(path, fresh, kAct).error().code, Errc::invalid_argument)
      << "never over a file that exists";
  EXPECT_EQ(salvage(folder.file("none"), folder.file("x.db"), kAct).error().code, Errc::io);
}

TEST(Salvage, ReportsEveryRangeThatIsLostAndGoesOnFromACheckpointBehindThem) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  run_sql(
      path,
      "DELETE FROM decisions WHERE position BETWEEN 11 AND 14;"
      "DELETE FROM outcomes WHERE position BETWEEN 11 AND 14;"
      "UPDATE outcomes SET record = zeroblob(104) WHERE position = 88;"
      "UPDATE decisions SET record = (SELECT record FROM decisions WHERE position = 93) WHERE position = 91");
  EXPECT_FALSE(read_all(*open_or_die(path, OpenMode::read_only)));
  const std::string fresh = folder.file("fresh.db");
  const Result<SalvageReport> report = salvage(path, fresh, kAct);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->records, 394U);
  ASSERT_EQ(report->lost.size(), 3U);
  EXPECT_EQ(report->lost[0].first, 11U);
  EXPECT_EQ(report->lost[0].last, 14U);
  EXPECT_EQ(report->lost[1].first, 88U);
  EXPECT_EQ(report->lost[2].first, 91U);
  EXPECT_EQ(report->lost[2].last, 91U);
  EXPECT_TRUE(report->recoverable);
  expect_sound(fresh);
  const std::unique_ptr<Journal> journal = open_or_die(fresh);
  EXPECT_EQ(journal->last_position(), 400U);
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->info.position, 400U);
  EXPECT_EQ(read_all(*journal, 92)->size(), 309U);
  ASSERT_TRUE(journal->append(RecordList(401).mixed(3).views()));
  EXPECT_NE(read_audit(fresh)->entries.at(0).after.find("lost 11-14, 88-88, 91-91"), std::string::npos);
}

TEST(Salvage, ACheckpointAtALostRecordIsGoneOnFrom) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  ASSERT_TRUE(open_or_die(path)->append(RecordList(401).mixed(10).views()));
  run_sql(path,
          "DELETE FROM decisions WHERE position = 400; DELETE FROM outcomes WHERE position = 400;"
          "DELETE FROM events WHERE position = 400");
  const std::string fresh = folder.file("fresh.db");
  const Result<SalvageReport> report = salvage(path, fresh, kAct);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->lost.size(), 1U);
  EXPECT_EQ(report->lost[0].first, 400U);
  EXPECT_EQ(report->checkpoints, 2U);
  EXPECT_TRUE(report->recoverable) << "the state at 400 has what the record said";
  expect_sound(fresh);
  const std::unique_ptr<Journal> journal = open_or_die(fresh);
  const Result<std::optional<Checkpoint>> newest = journal->newest_checkpoint(nullptr);
  ASSERT_TRUE(newest && *newest);
  EXPECT_EQ((*newest)->info.position, 400U);
  EXPECT_EQ(read_all(*journal, 401)->size(), 10U);
}

TEST(Salvage, NamesTheLossOfTheEndAndOfTheBeginning) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  run_sql(path,
          "DELETE FROM decisions WHERE position > 390 OR position < 8;"
          "DELETE FROM outcomes WHERE position > 390 OR position < 8;"
          "DELETE FROM events WHERE position > 390 OR position < 8");
  const std::string fresh = folder.file("fresh.db");
  const Result<SalvageReport> report = salvage(path, fresh, kAct);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->lost.size(), 2U);
  EXPECT_EQ(report->lost[0].first, 1U);
  EXPECT_EQ(report->lost[0].last, 7U);
  EXPECT_EQ(report->lost[1].first, 391U);
  EXPECT_EQ(report->lost[1].last, 400U);
  EXPECT_EQ(report->last_position, 400U);
  EXPECT_TRUE(report->notes.empty()) << report->notes[0];
  EXPECT_EQ(report->checkpoints, 2U);
  EXPECT_TRUE(report->recoverable) << "the state at 400 has what the lost records said";
  expect_sound(fresh);
  const std::unique_ptr<Journal> journal = open_or_die(fresh);
  EXPECT_EQ(journal->first_position(), 8U);
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->state, state_of(60'000, 201));
}

TEST(Salvage, GoesOnFromTheNewestSoundCheckpointBehindALostEnd) {
  for (const bool damaged : {false, true}) {
    const TestFolder folder;
    const std::string path = make_store(folder);
    ASSERT_TRUE(open_or_die(path)->append(RecordList(401).mixed(10).views()));
    run_sql(path,
            "DELETE FROM decisions WHERE position > 390; DELETE FROM outcomes WHERE position > 390;"
            "DELETE FROM events WHERE position > 390");
    if (damaged) {
      run_sql(path, "UPDATE checkpoints SET sha256 = 'x' WHERE position = 400");
    }
    const std::string fresh = folder.file("fresh.db");
    const Result<SalvageReport> report = salvage(path, fresh, kAct);
    ASSERT_TRUE(report) << report.error().message;
    const std::uint64_t end = damaged ? 390 : 400;
    EXPECT_EQ(report->last_position, end);
    EXPECT_EQ(report->records, 390U);
    EXPECT_EQ(report->checkpoints, damaged ? 1U : 2U);
    EXPECT_EQ(report->notes.size(), damaged ? 1U : 0U) << "what was left behind is named";
    ASSERT_EQ(report->lost.size(), 1U);
    EXPECT_EQ(report->lost[0].first, 391U);
    EXPECT_EQ(report->lost[0].last, 410U) << "those behind the checkpoint too";
    EXPECT_TRUE(report->recoverable);
    expect_sound(fresh);
    {
      const std::unique_ptr<Journal> journal = open_or_die(fresh);
      const Result<std::optional<Checkpoint>> newest = journal->newest_checkpoint(nullptr);
      ASSERT_TRUE(newest && *newest);
      EXPECT_EQ((*newest)->info.position, damaged ? 200U : 400U);
      ASSERT_TRUE(journal->append(RecordList(end + 1).mixed(5).views()));
    }
    expect_sound(fresh);
    EXPECT_EQ(read_all(*open_or_die(fresh), end + 1)->size(), 5U);
  }
}

TEST(Salvage, SavesWhatItCanWhenAnyPageOfTheFileIsZeroed) {
  const TestFolder folder;
  const std::string path = make_store(folder);
  const std::string good = bytes_of_file(path);
  // ATTUNE_FAULT_SCALE above 1: every page.
  const char* const scale = std::getenv("ATTUNE_FAULT_SCALE");
  const std::size_t step = scale != nullptr && std::atof(scale) > 1 ? 1 : 31;
  std::size_t hopeless = 0;
  std::size_t saved = 0;
  for (std::size_t page = 1; page < good.size() / 4096; page += step) {
    std::string bytes = good;
    bytes.replace(page * 4096, 4096, 4096, '\0');
    const std::string copy = folder.file("copy.db");
    const std::string fresh = folder.file("fresh.db");
    write_file(copy, bytes);
    for (const std::string suffix : {"", "-lock", "-wal", "-shm"}) {
      std::filesystem::remove(fresh + suffix);
    }
    const Result<SalvageReport> report = salvage(copy, fresh, kAct);
    if (!report) {
      EXPECT_EQ(report.error().code, Errc::corrupt_state)
          << "page " << page << ": " << report.error().message;
      ++hopeless;
      continue;
    }
    ++saved;
    std::uint64_t lost = 0;
    for (const PositionRange& range : report->lost) {
      lost += range.last - range.first + 1;
    }
    EXPECT_EQ(report->records + lost, 400U) << "page " << page << ": every record is saved or named";
    expect_sound(fresh);
  }
  EXPECT_GT(saved, 0U);
  EXPECT_LE(hopeless, 2U) << "only the pages that hold everything together cost everything";
}

}  // namespace
}  // namespace attune::test::salvage_test
