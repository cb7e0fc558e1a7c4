// SPDX-License-Identifier: Apache-2.0
// Damage to the write-ahead log, the lock file and whole pages; hostile files.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/writer_lock.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test::log_damage_test {
namespace {

/// ATTUNE_FAULT_SCALE above 1: every case, else every `share`th.
std::size_t step_of(std::size_t share) {
  const char* const scale = std::getenv("ATTUNE_FAULT_SCALE");
  return scale != nullptr && std::atof(scale) > 1 ? 1 : share;
}

constexpr std::uint64_t kRecords = 16;

/// The three files of a store as a kill leaves them: 10 records in the file, 6 and a checkpoint in the log.
class KilledStore {
 public:
  KilledStore() {
    const std::string path = folder_.file("store.db");
    EXPECT_TRUE(open_or_die(path)->append(RecordList(1).mixed(10).views()));
    const std::unique_ptr<Journal> writer = open_or_die(path);
    EXPECT_TRUE(writer->append(RecordList(11).mixed(3).views()));
    EXPECT_TRUE(writer->append(RecordList(14).mixed(3).views(), state_of(500, 1), 1, "", 2));
    file_ = bytes_of_file(path);
    log_ = bytes_of_file(path + "-wal");
    lock_ = bytes_of_file(path + "-lock");
  }
  /// Puts the store at a path of its own, with another log and lock file; an empty one is left out.
  std::string put(const std::string& log, const std::string& lock) const {
    std::string path = folder_.file("copy.db");
    for (const std::string suffix : {"-wal", "-shm", "-lock"}) {
      std::filesystem::remove(path + suffix);
    }
    write_file(path, file_);
    write_file(path + "-wal", log);
    if (!lock.empty()) {
      write_file(path + "-lock", lock);
    }
    return path;
  }
  [[nodiscard]] const std::string& log() const { return log_; }
  [[nodiscard]] const std::string& lock() const { return lock_; }
  [[nodiscard]] const TestFolder& folder() const { return folder_; }

 private:
  TestFolder folder_;
  std::string file_;
  std::string log_;
  std::string lock_;
};

/// How many of the first records are there, and nothing else; no value: something else is.
std::optional<std::uint64_t> prefix_of(Journal& journal) {
  const Result<std::vector<Bytes>> read = read_all(journal);
  if (!read) {
    return std::nullopt;
  }
  const RecordList expected = RecordList(1).mixed(kRecords);
  const std::vector<ByteView> views = expected.views();
  for (std::size_t i = 0; i < read->size(); ++i) {
    if (i >= views.size() || (*read)[i] != copy_of(views[i])) {
      return std::nullopt;
    }
  }
  return read->size();
}

std::string flipped(std::string bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

TEST(LogDamage, AFlippedBitOfTheLogIsReportedOrWithoutEffect) {
  const KilledStore store;
  std::size_t noticed = 0;
  std::size_t harmless = 0;
  for (std::size_t bit = 0; bit < store.log().size() * 8; bit += step_of(2003)) {
    const std::string path = store.put(flipped(store.log(), bit), store.lock());
    // A reader is told at the latest when it reaches the end.
    const std::unique_ptr<Journal> reader = open_or_die(path, OpenMode::read_only);
    const Result<std::vector<Bytes>> read = read_all(*reader);
    const auto opened = open_sqlite_journal(path, OpenMode::read_write);
    ASSERT_EQ(read.has_value(), opened.has_value()) << "bit " << bit;
    if (!opened) {
      EXPECT_EQ(opened.error().code, Errc::corrupt_state) << opened.error().message;
      ++noticed;
      continue;
    }
    ASSERT_EQ(prefix_of(**opened), kRecords) << "bit " << bit;
    ASSERT_EQ((*(*opened)->newest_checkpoint(nullptr))->state, state_of(500, 1)) << "bit " << bit;
    ++harmless;
  }
  EXPECT_GT(noticed, 50U);
  RecordProperty("harmless", std::to_string(harmless));
}

TEST(LogDamage, ALogCutAtAnyByteIsNotTakenForAShorterJournal) {
  const KilledStore store;
  for (std::size_t size = 0; size < store.log().size(); size += step_of(401)) {
    const std::string path = store.put(store.log().substr(0, size), store.lock());
    const auto opened = open_sqlite_journal(path, OpenMode::read_write);
    if (opened) {
      ASSERT_EQ(prefix_of(**opened), kRecords) << "cut at " << size;
      continue;
    }
    ASSERT_EQ(opened.error().code, Errc::corrupt_state) << opened.error().message;
    ASSERT_NE(opened.error().message.find("to 16 were acknowledged as durable and are gone"),
              std::string::npos)
        << "cut at " << size << ": " << opened.error().message;
  }
}

TEST(LogDamage, ALogCutAtAnyByteGivesAWholePrefixOnceTheLossIsAccepted) {
  const KilledStore store;
  for (std::size_t size = 0; size < store.log().size(); size += step_of(499)) {
    const std::string path = store.put(store.log().substr(0, size), "");
    const auto opened = open_sqlite_journal(path, OpenMode::read_write);
    ASSERT_TRUE(opened) << "cut at " << size << ": " << opened.error().message;
    const std::optional<std::uint64_t> records = prefix_of(**opened);
    ASSERT_TRUE(records == 10U || records == 13U || records == 16U) << "cut at " << size;
    ASSERT_EQ((*opened)->newest_checkpoint(nullptr)->has_value(), records == 16U);
  }
}

TEST(LockDamage, EveryFlippedBitAndEveryCutIsSeen) {
  using State = detail::WriterLock::LineState;
  const KilledStore store;
  const std::string path = store.put(store.log(), store.lock());
  ASSERT_EQ(detail::WriterLock::peek(path).state, State::good);
  EXPECT_EQ(detail::WriterLock::peek(path).content.position, kRecords);
  for (std::size_t bit = 0; bit < store.lock().size() * 8; ++bit) {
    write_file(path + "-lock", flipped(store.lock(), bit));
    EXPECT_EQ(detail::WriterLock::peek(path).state, State::damaged) << "bit " << bit;
  }
  for (std::size_t size = 1; size < store.lock().size(); ++size) {
    write_file(path + "-lock", store.lock().substr(0, size));
    EXPECT_EQ(detail::WriterLock::peek(path).state, State::damaged) << "cut at " << size;
  }
  write_file(path + "-lock", store.lock() + "x");
  EXPECT_EQ(detail::WriterLock::peek(path).state, State::damaged);
}

TEST(LockDamage, IsReportedAndNotBelieved) {
  const KilledStore store;
  // The position's highest digit: believed, it would say that a universe of records is lost.
  std::string lock = store.lock();
  lock[lock.find("position ") + 9] = '1';
  const std::string path = store.put(store.log(), lock);
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_EQ(prefix_of(*journal), kRecords);
  const std::vector<std::string> notes = journal->take_notes();
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("lock file"), std::string::npos);
  EXPECT_EQ(detail::WriterLock::peek(path).state, detail::WriterLock::LineState::good) << "written anew";
}

TEST(LockDamage, ALineCutToTheLengthOfFormat1IsReportedAndNotBelieved) {
  const KilledStore store;
  const std::size_t position_end = store.lock().find(" check ");
  ASSERT_NE(position_end, std::string::npos);
  const std::string path = store.put(store.log(), store.lock().substr(0, position_end + 1));
  const std::unique_ptr<Journal> journal = open_or_die(path);
  EXPECT_EQ(prefix_of(*journal), kRecords);
  const std::vector<std::string> notes = journal->take_notes();
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("is damaged: what it says"), std::string::npos) << notes[0];
}

TEST(LockDamage, ALockFileThatIsALinkOrAPipeIsRefused) {
  const KilledStore store;
  const std::string path = store.put(store.log(), "");
  const std::string victim = store.folder().file("victim");
  write_file(victim, "precious");
  std::filesystem::create_symlink(victim, path + "-lock");
  EXPECT_EQ(open_sqlite_journal(path, OpenMode::read_write).error().code, Errc::io);
  EXPECT_EQ(bytes_of_file(victim), "precious");
  std::filesystem::remove(path + "-lock");
  ASSERT_EQ(::mkfifo((path + "-lock").c_str(), 0600), 0);
  EXPECT_EQ(open_sqlite_journal(path, OpenMode::read_write).error().code, Errc::io);
}

/// Opens and reads everything; true when the content is exactly the one that was written.
bool content_is(const std::string& path, const std::vector<Bytes>& records, const Bytes& state,
                bool& noticed) {
  const auto journal = open_sqlite_journal(path, OpenMode::read_only);
  const Result<std::vector<Bytes>> read = journal ? read_all(**journal) : tl::unexpected(journal.error());
  std::vector<std::string> skipped;
  const auto checkpoint = read ? (*journal)->newest_checkpoint(&skipped) : tl::unexpected(read.error());
  noticed = !checkpoint || !skipped.empty();
  return checkpoint && *read == records && *checkpoint && (*checkpoint)->state == state;
}

TEST(PageDamage, PagesThatAreSwappedDuplicatedOrZeroedAreReportedOrWithoutEffect) {
  constexpr std::size_t kPage = 4096;
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  const Bytes state = state_of(70'000, 4);
  ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(300).views(), state, 1, "", 2));
  const std::vector<Bytes> records = *read_all(*open_or_die(path, OpenMode::read_only));
  const std::string good = bytes_of_file(path);
  const std::string copy = folder.file("copy.db");
  const std::size_t pages = good.size() / kPage;
  std::size_t damages = 0;
  const auto check = [&](const std::string& bytes, const std::string& what) {
    write_file(copy, bytes);
    std::filesystem::remove(copy + "-wal");
    std::filesystem::remove(copy + "-shm");
    bool noticed = false;
    const bool same = content_is(copy, records, state, noticed);
    EXPECT_TRUE(same || noticed) << what << " changed what was read, in silence";
    damages += noticed ? 1U : 0U;
  };
  for (std::size_t page = 0; page < pages; ++page) {
    std::string zeroed = good;
    zeroed.replace(page * kPage, kPage, kPage, '\0');
    check(zeroed, "zeroing page " + std::to_string(page + 1));
  }
  for (std::size_t pair = 0; pair < pages * pages; pair += step_of(17)) {
    const std::size_t first = pair / pages;
    const std::size_t second = pair % pages;
    if (first == second) {
      continue;
    }
    std::string doubled = good;
    doubled.replace(second * kPage, kPage, good, first * kPage, kPage);
    check(doubled, "page " + std::to_string(first + 1) + " over " + std::to_string(second + 1));
    doubled.replace(first * kPage, kPage, good, second * kPage, kPage);
    check(doubled, "swapping pages " + std::to_string(first + 1) + " and " + std::to_string(second + 1));
  }
  EXPECT_GT(damages, pages / 2);
}

TEST(HostileFile, ClaimsAreNotBelieved) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"UPDATE head SET position = 1000000000, decisions = decisions + 999999960",
       "record 41 of 1000000000 is missing"},
      {"UPDATE head SET first = 39, position = 38", "contradict each other"},
      {"UPDATE head SET erased = 1000000000", "contradict each other"},
      {"DELETE FROM head", "'head' is empty"},
      {"UPDATE decisions SET record = zeroblob(60000000) WHERE position = 7", "record 7 is damaged"},
      {"UPDATE decisions SET position = 9223372036854775807 WHERE position = 39", "record 39"},
      {"UPDATE decisions SET position = -1 WHERE position = 1", "record 1 of"},
  };
  for (const auto& [sql, because] : cases) {
    const TestFolder folder;
    const std::string path = folder.file("store.db");
    {
      ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(40).views()));
    }
    run_sql(path, sql);
    const auto journal = open_sqlite_journal(path, OpenMode::read_only);
    const Result<std::vector<Bytes>> read = journal ? read_all(**journal) : tl::unexpected(journal.error());
    ASSERT_FALSE(read) << sql;
    EXPECT_EQ(read.error().code, Errc::corrupt_state) << read.error().message;
    EXPECT_NE(read.error().message.find(because), std::string::npos) << read.error().message;
    EXPECT_FALSE(open_sqlite_journal(path, OpenMode::read_write) && sql.find("head") != std::string::npos);
  }
}

TEST(HostileFile, CheckpointsThatClaimTooMuchArePassedOver) {
  // A zstd frame header that announces 2^60 bytes, then nothing.
  const std::string bomb = "x'28B52FFDE00000000000000010'";
  const std::vector<std::string> cases{
      "UPDATE chunks SET codec = 'zstd', data = " + bomb,
      "UPDATE chunks SET codec = 'raw', data = zeroblob(60000000)",
      "UPDATE checkpoints SET bytes = 1000000000000",
      "UPDATE checkpoints SET chunks = zeroblob(32000000)",
      "UPDATE checkpoints SET chunks = zeroblob(31)",
      "UPDATE checkpoints SET slot = 9223372036854775807",
  };
  for (const std::string& sql : cases) {
    const TestFolder folder;
    const std::string path = folder.file("store.db");
    {
      ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(4).views(), state_of(500, 1), 1, "", 2));
    }
    run_sql(path, sql);
    std::vector<std::string> skipped;
    const std::unique_ptr<Journal> journal = open_or_die(path);
    const auto found = journal->newest_checkpoint(&skipped);
    ASSERT_TRUE(found) << sql << ": " << found.error().message;
    EXPECT_FALSE(found->has_value()) << sql;
    EXPECT_EQ(skipped.size(), 1U) << sql;
  }
}

TEST(HostileFile, APageSizeThatIsNoneIsRefused) {
  const TestFolder folder;
  const std::string path = folder.file("store.db");
  {
    ASSERT_TRUE(open_or_die(path)->append(RecordList(1).mixed(40).views()));
  }
  const std::string good = bytes_of_file(path);
  for (const auto& [high, low] :
       {std::pair{0x01, 0x00}, {0x02, 0x00}, {0x80, 0x00}, {0x00, 0x00}, {0x10, 0x01}}) {
    std::string bytes = good;
    bytes[16] = static_cast<char>(high);
    bytes[17] = static_cast<char>(low);
    write_file(path, bytes);
    const auto opened = open_sqlite_journal(path, OpenMode::read_write);
    ASSERT_FALSE(opened) << high << " " << low;
    EXPECT_EQ(opened.error().code, Errc::corrupt_state) << opened.error().message;
    EXPECT_EQ(bytes_of_file(path), bytes) << "untouched";
  }
}

}  // namespace
}  // namespace attune::test::log_damage_test
