// SPDX-License-Identifier: Apache-2.0
// Stores that earlier versions wrote are read as they are, and become stores of this version when opened for
// writing, with the same records and states byte for byte.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/store/admin.hpp>
#include <attune/store/inspect.hpp>

#include "tests/compat/recipe.hpp"
#include "tests/store/system_calls.hpp"

namespace attune::test::store_compat_test {
namespace {

const std::string kStores = std::string(ATTUNE_TEST_SOURCE_DIR) + "/tests/compat/stores/";

/// A store of the tree, copied to where it may be written.
struct Fixture {
  std::string name;
  std::uint32_t version;
  std::uint64_t records;  ///< that were committed when it was copied
};
const std::vector<Fixture> kFixtures{
    {"store-1", 1, 60}, {"killed-1", 1, 40}, {"store-2", 2, 60}, {"killed-2", 2, 40}};

std::string copy_of_fixture(const TestFolder& folder, const Fixture& fixture) {
  std::string path = folder.file(fixture.name + ".db");
  for (const std::string suffix : {"", "-wal", "-lock"}) {
    if (std::filesystem::exists(kStores + fixture.name + ".db" + suffix)) {
      std::filesystem::copy_file(kStores + fixture.name + ".db" + suffix, path + suffix);
    }
  }
  return path;
}

void expect_content(Journal& journal, std::uint64_t records) {
  EXPECT_EQ(journal.last_position(), records);
  const RecordList expected = Recipe::records();
  const std::vector<ByteView> views = expected.views();
  const Result<std::vector<Bytes>> read = read_all(journal);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), records);
  for (std::size_t i = 0; i < records; ++i) {
    EXPECT_EQ((*read)[i], copy_of(views[i])) << "record " << i + 1;
  }
  const std::uint64_t newest = records / Recipe::kBatch;
  std::vector<std::string> skipped;
  const Result<std::optional<Checkpoint>> checkpoint = journal.newest_checkpoint(&skipped);
  ASSERT_TRUE(checkpoint && *checkpoint);
  EXPECT_TRUE(skipped.empty());
  EXPECT_EQ((*checkpoint)->state, Recipe::state(newest));
  const Result<std::vector<CheckpointInfo>> all = journal.checkpoints();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), newest);
  for (std::uint64_t number = 1; number <= newest; ++number) {
    const CheckpointInfo& info = (*all)[number - 1];
    EXPECT_EQ(info.number, number);
    EXPECT_EQ(info.position, number * Recipe::kBatch);
    EXPECT_EQ(info.time, Recipe::checkpoint_time(number));
    EXPECT_EQ(info.digest, sha256(Recipe::state(number)));
    EXPECT_EQ(info.config_digest, "digest-" + std::to_string(number));
  }
  EXPECT_EQ(**journal.meta("seed"), "7");
}

constexpr const char* kAllRecords =
    "SELECT (SELECT group_concat(hex(record)) FROM decisions) || (SELECT group_concat(hex(record)) FROM "
    "outcomes)"
    " || (SELECT group_concat(hex(record)) FROM events) || (SELECT group_concat(seal) FROM checkpoints)";

/// Every row of every table as text, without what differs from store to store.
std::string dump(const std::string& path) {
  std::string text;
  for (const std::string table : {"decisions", "outcomes", "events", "points", "checkpoints", "head"}) {
    const std::string columns =
        run_sql(path, "SELECT group_concat('quote(' || name || ')', '||'',''||') FROM pragma_table_info('" +
                          table + "')");
    text += table + "\n" +
            run_sql(path, "SELECT group_concat(line, char(10)) FROM (SELECT " + columns + " AS line FROM " +
                              table + " ORDER BY 1)") +
            "\n";
  }
  return text + run_sql(path,
                        "SELECT group_concat(slot || hex(hash), char(10)) FROM (SELECT slot, hash FROM"
                        " chunks ORDER BY slot, hash)");
}

TEST(StoreCompat, ReadsEveryFormatWithoutChangingIt) {
  for (const Fixture& fixture : kFixtures) {
    SCOPED_TRACE(fixture.name);
    const TestFolder folder;
    const std::string path = copy_of_fixture(folder, fixture);
    const std::string before = bytes_of_file(path);
    expect_content(*open_or_die(path, OpenMode::read_only), fixture.records);
    Result<StoreView> view = StoreView::open(path);
    ASSERT_TRUE(view) << view.error().message;
    const Result<StoreSummary> summary = view->summary();
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->schema_version, fixture.version);
    EXPECT_TRUE(summary->problems.empty()) << summary->problems[0];
    const Result<std::vector<std::string>> problems = view->verify();
    ASSERT_TRUE(problems) << problems.error().message;
    EXPECT_TRUE(problems->empty()) << problems->front();
    EXPECT_EQ(view->points({})->at(0).name, "gateway");
    EXPECT_FALSE(view->decisions(DecisionQuery{})->empty());
    EXPECT_EQ(view->checkpoint(2)->state, Recipe::state(2));
    EXPECT_TRUE(read_audit(path)->damage.empty());
    EXPECT_EQ(bytes_of_file(path), before);
  }
}

TEST(StoreCompat, MigratesEveryFormatWhenItIsOpenedForWriting) {
  for (const Fixture& fixture : kFixtures) {
    SCOPED_TRACE(fixture.name);
    const TestFolder folder;
    const std::string path = copy_of_fixture(folder, fixture);
    {
      const std::unique_ptr<Journal> journal = open_or_die(path);
      expect_content(*journal, fixture.records);
      EXPECT_EQ(journal->take_notes().empty(), fixture.version == 2);
    }
    EXPECT_EQ(run_sql(path, "PRAGMA user_version"), "2");
    EXPECT_EQ(run_sql(path, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(
        run_sql(path,
                "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%\\_1' ESCAPE '\\' AND type = 'table'"),
        "0");
    const Result<AuditTrail> audit = read_audit(path);
    ASSERT_TRUE(audit) << audit.error().message;
    EXPECT_EQ(audit->damage, "");
    ASSERT_EQ(audit->entries.size(), fixture.version == 1 ? 1U : 0U);
    if (fixture.version == 1) {
      EXPECT_EQ(audit->entries[0].action, "migrate");
      EXPECT_EQ(audit->entries[0].before + audit->entries[0].after, "12");
    }
    const std::unique_ptr<Journal> again = open_or_die(path);
    expect_content(*again, fixture.records);
    ASSERT_TRUE(again->append(RecordList(fixture.records + 1).mixed(5).views(), Recipe::state(9), 1, "", 3));
    EXPECT_EQ((*again->newest_checkpoint(nullptr))->state, Recipe::state(9));
    EXPECT_EQ(read_all(*again)->size(), fixture.records + 5);
  }
}

TEST(StoreCompat, AMigratedStoreHasTheRowsOfOneThatWasWrittenAnew) {
  const TestFolder folder;
  const std::string path = copy_of_fixture(folder, kFixtures[0]);
  ASSERT_TRUE(open_or_die(path));
  run_sql(path, "UPDATE head SET audits = 0, audit_chain = ''");
  const std::string fresh = copy_of_fixture(folder, kFixtures[2]);
  EXPECT_EQ(dump(path), dump(fresh));
}

TEST(StoreCompat, TodaysStoreHasTheRowsOfTheFixture) {
  const TestFolder folder;
  const TestFolder other;
  const std::string path = folder.file("store-2.db");
  const char* const wanted = std::getenv("ATTUNE_WRITE_FIXTURES");  // where fixtures of a new format are put
  Recipe::make(path, [&](std::uint64_t number) {
    for (const std::string suffix : {"", "-wal", "-lock"}) {
      if (wanted != nullptr && number == 2) {
        std::filesystem::copy_file(path + suffix, std::string(wanted) + "/killed-2.db" + suffix);
      }
    }
  });
  if (wanted != nullptr) {
    std::filesystem::copy_file(path, std::string(wanted) + "/store-2.db");
  }
  EXPECT_EQ(dump(path), dump(copy_of_fixture(other, kFixtures[2])));
}

TEST(StoreCompat, KeepsWhatOthersAddedOnMigration) {
  const TestFolder folder;
  const std::string path = copy_of_fixture(folder, kFixtures[0]);
  run_sql(path,
          "CREATE TABLE notes(text); INSERT INTO notes VALUES('mine');"
          "CREATE VIEW newest AS SELECT max(position) FROM decisions");
  ASSERT_TRUE(open_or_die(path));
  EXPECT_EQ(run_sql(path, "SELECT text FROM notes"), "mine");
  EXPECT_EQ(run_sql(path, "SELECT * FROM newest"), "59");
  EXPECT_EQ(run_sql(path, "SELECT count(*) FROM decision_log"), run_sql(path, "SELECT decisions FROM head"));
}

TEST(StoreCompat, RefusesToMigrateADamagedStoreAndLeavesItAsItIs) {
  const TestFolder folder;
  const std::string path = copy_of_fixture(folder, kFixtures[0]);
  run_sql(path, "UPDATE outcomes SET record = zeroblob(104) WHERE position = 34");
  const std::string before = run_sql(path, kAllRecords);
  const auto opened = open_sqlite_journal(path, OpenMode::read_write);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt_state);
  EXPECT_NE(opened.error().message.find("record 34 is damaged"), std::string::npos) << opened.error().message;
  EXPECT_EQ(run_sql(path, "PRAGMA user_version"), "1");
  EXPECT_EQ(run_sql(path, kAllRecords), before);
}

TEST(StoreCompat, LeavesADamagedCheckpointBehindAndSaysSo) {
  const TestFolder folder;
  const std::string path = copy_of_fixture(folder, kFixtures[0]);
  run_sql(path, "UPDATE checkpoints SET state = x'00' WHERE number = 3");
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_EQ((*journal->newest_checkpoint(nullptr))->info.number, 2U);
  const std::vector<std::string> notes = journal->take_notes();
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_NE(notes[0].find("checkpoint 3 was left behind"), std::string::npos) << notes[0];
  EXPECT_TRUE(journal->take_notes().empty());
}

TEST(StoreCompat, RefusesANewerVersionByteForByte) {
  for (const Fixture& fixture : kFixtures) {
    const TestFolder folder;
    const std::string path = copy_of_fixture(folder, fixture);
    std::filesystem::remove(path + "-wal");
    std::string bytes = bytes_of_file(path);
    bytes[63] = 3;  // user_version, big-endian at 60
    write_file(path, bytes);
    for (const OpenMode mode : {OpenMode::read_write, OpenMode::read_only}) {
      const auto opened = open_sqlite_journal(path, mode);
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error().code, Errc::unsupported_version) << opened.error().message;
    }
    EXPECT_EQ(bytes_of_file(path), bytes);
  }
}

/// Opens the store in a child that is killed before its n-th write; true when it was.
bool migrate_and_die_at(const std::string& path, std::uint64_t call) {
  const pid_t child = ::fork();
  if (child == 0) {
    plan_calls({.kill_at = call});
    ::_exit(open_sqlite_journal(path, OpenMode::read_write) ? 0 : 3);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "call " << call;
  return WIFSIGNALED(status);
}

TEST(StoreCompat, AKillAtAnyWriteOfTheMigrationLeavesTheOldStoreOrTheNewOne) {
  std::size_t old_ones = 0;
  std::size_t new_ones = 0;
  bool killed = true;
  // ATTUNE_FAULT_SCALE above 1: every call, else every third.
  const char* const scale = std::getenv("ATTUNE_FAULT_SCALE");
  const std::uint64_t step = scale != nullptr && std::atof(scale) > 1 ? 1 : 3;
  for (std::uint64_t call = 1; killed; call += step) {
    const TestFolder folder;
    const std::string path = copy_of_fixture(folder, kFixtures[0]);
    killed = migrate_and_die_at(path, call);
    Result<StoreView> view = StoreView::open(path);
    ASSERT_TRUE(view) << "call " << call << ": " << view.error().message;
    const Result<StoreSummary> summary = view->summary();
    ASSERT_TRUE(summary) << summary.error().message;
    ++(summary->schema_version == 1 ? old_ones : new_ones);
    ASSERT_TRUE(view->verify()->empty()) << "call " << call;
    view = fail(Errc::ok, "");
    expect_content(*open_or_die(path, OpenMode::read_only), 60);
    expect_content(*open_or_die(path), 60);  // migrated now, if it was not
  }
  EXPECT_GT(old_ones, 10U);
  EXPECT_GE(new_ones, 1U);
}

}  // namespace
}  // namespace attune::test::store_compat_test
