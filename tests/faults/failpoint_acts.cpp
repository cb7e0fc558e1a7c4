// SPDX-License-Identifier: Apache-2.0
// The scenes of acts and of migrations: what was done is there, and each step is whole or was never begun.
#include <filesystem>
#include <span>
#include <utility>

#include <attune/store/admin.hpp>
#include <attune/store/inspect.hpp>

#include "tests/faults/failpoints.hpp"
#include "tests/faults/sim_checker.hpp"
#include "tests/store/store_fixture.hpp"

namespace attune::test {
namespace {

template <class T>
T value_or_violation(Result<T> result, const std::string& what) {
  if (!result) {
    throw Violation(what + ": " + result.error().message);
  }
  return std::move(*result);
}

/// Everything that a store holds, as text; what is unsound in it is a Violation.
std::string content_of_store(const std::string& path) {
  StoreView view = value_or_violation(StoreView::open(path), "cannot be looked at");
  const auto problems = value_or_violation(view.verify(), "cannot be verified");
  if (!problems.empty()) {
    throw Violation("is damaged: " + problems.front());
  }
  std::string text;
  const auto line = [&](std::string_view more) {
    text += more;
    return true;
  };
  value_or_violation(export_records(path, {}, ExportFormat::json_lines, line), "cannot be exported");
  const auto journal = value_or_violation(open_sqlite_journal(path, OpenMode::read_only), "cannot be read");
  text += "first " + std::to_string(journal->first_position()) + "\n";
  for (const CheckpointInfo& info : value_or_violation(journal->checkpoints(), "has no checkpoints")) {
    text += "checkpoint " + std::to_string(info.number) + " " + to_hex(info.digest) + "\n";
  }
  const AuditTrail audit = value_or_violation(read_audit(path), "has no audit trail");
  if (!audit.damage.empty()) {
    throw Violation(audit.damage);
  }
  for (const AuditEntry& entry : audit.entries) {
    text += entry.action + " " + entry.before + "\n";  // the others may name a file
  }
  return text;
}

/// The next process writes, and what it writes is there.
void go_on(const std::string& path) {
  const auto journal =
      value_or_violation(open_sqlite_journal(path, OpenMode::read_write), "cannot be opened");
  const std::uint64_t last = journal->last_position();
  RecordList more(last + 1);
  if (const Result<void> done = journal->append(more.mixed(2).views()); !done) {
    throw Violation("does not go on: " + done.error().message);
  }
  const auto read = value_or_violation(read_all(*journal, last + 1), "cannot be read on");
  if (read.size() != 2 || read[1] != copy_of(more.views()[1])) {
    throw Violation("does not hold what was written next");
  }
}

constexpr std::uint64_t kSubject = 77;

class ActsScene final : public Scene {
 public:
  void prepare(SimDisk& disk) override {
    static const std::vector<std::string> kSteps = steps();
    steps_ = kSteps;
    make_store(disk);
  }

  void play(SimDisk& disk) override {
    Result<StoreAdmin> admin = StoreAdmin::open(disk.path("store.db"));
    for (std::size_t act = 0; admin && act < kActs && !disk.dead(); ++act) {
      const Result<void> done = perform(*admin, act);
      if (done && !disk.dead()) {
        done_ = act + 1;
      } else if (!disk.dead()) {
        throw Violation("an act is refused: " + done.error().message);
      }
    }
  }

  void judge(SimDisk& disk) override {
    // A torn line of the lock file is written anew by whoever writes next.
    value_or_violation(open_sqlite_journal(disk.path("store.db"), OpenMode::read_write), "cannot be opened");
    const std::string found = content_of_store(disk.path("store.db"));
    if (found != steps_[done_] && (done_ == kActs || found != steps_[done_ + 1])) {
      throw Violation(std::to_string(done_) +
                      " acts were acknowledged; the store holds neither what they left "
                      "nor what the next one leaves:\n" +
                      found);
    }
    go_on(disk.path("store.db"));
  }

 private:
  static constexpr std::size_t kActs = 4;

  static void make_store(SimDisk& disk) {
    const std::unique_ptr<Journal> journal = open_or_die(disk.path("store.db"));
    for (std::uint64_t first = 1; first <= 31; first += 10) {
      RecordList list(first);
      list.about(kSubject, first).outcome(first, 0.5).mixed(8);
      EXPECT_TRUE(journal->append(list.views(), state_of(3000, static_cast<unsigned>(first)),
                                  static_cast<Nanos>(first), "", 5));
    }
    EXPECT_TRUE(journal->append(RecordList(41).mixed(5).views()));
  }

  Result<void> perform(StoreAdmin& admin, std::size_t act) const {
    const Act who{.actor = "operator", .time = kSecond};
    const auto nothing = [](const auto& /*report*/) {};
    switch (act) {
      case 0:
        return admin.compact({.checkpoints = 3}, who).map(nothing);
      case 1:
        std::filesystem::remove(abandoned_);
        return admin.rollback({.position = 42, .abandon_to = abandoned_}, who).map(nothing);
      case 2:
        return admin.import_records(abandoned_, who).map(nothing);
      default:
        return admin.erase_subject(kSubject, 1, who).map(nothing);
    }
  }

  /// What the store holds before the first act, and after each.
  static std::vector<std::string> steps() {
    SimDisk* const other = SimDisk::current();
    EXPECT_NE(other, nullptr);
    make_store(*other);
    const std::string path = other->path("store.db");
    std::vector<std::string> found{content_of_store(path)};
    {
      const ActsScene whole;
      StoreAdmin admin = value_or_violation(StoreAdmin::open(path), "cannot be opened");
      for (std::size_t act = 0; act < kActs; ++act) {
        if (const Result<void> done = whole.perform(admin, act); !done) {
          throw Violation("an act is refused: " + done.error().message);
        }
        found.push_back(content_of_store(path));
      }
    }
    other->put({});
    return found;
  }

  TestFolder folder_;  // what is abandoned goes to a real file
  std::string abandoned_ = folder_.file("abandoned.jsonl");
  std::vector<std::string> steps_;
  std::size_t done_ = 0;
};

class MigrationScene final : public Scene {
 public:
  explicit MigrationScene(std::string store) : store_(std::move(store)) {}

  void prepare(SimDisk& disk) override {
    SimDisk::Image image;
    const std::string from = std::string(ATTUNE_TEST_SOURCE_DIR) + "/tests/compat/stores/" + store_ + ".db";
    for (const std::string suffix : {"", "-wal", "-lock"}) {
      if (std::filesystem::exists(from + suffix)) {
        const std::string bytes = bytes_of_file(from + suffix);
        image[disk.path("store.db" + suffix)] = copy_of(std::as_bytes(std::span(bytes)));
      }
    }
    disk.put(image);
    path_ = disk.path("store.db");
    content_ = records();
  }

  void play(SimDisk& disk) override {
    const Result<std::unique_ptr<Journal>> journal = open_sqlite_journal(path_, OpenMode::read_write);
    if (!journal && !disk.dead()) {
      throw Violation("cannot be migrated: " + journal.error().message);
    }
  }

  void judge(SimDisk& /*disk*/) override {
    if (records() != content_) {
      throw Violation("does not hold what it held before the migration");
    }
    value_or_violation(open_sqlite_journal(path_, OpenMode::read_write), "cannot be migrated again");
    if (records() != content_) {
      throw Violation("does not hold what it held before the migration, once migrated");
    }
    const auto entries = value_or_violation(read_audit(path_), "has no audit trail").entries;
    if (entries.size() != 1 || entries[0].action != "migrate") {
      throw Violation("has " + std::to_string(entries.size()) + " audit entries for one migration");
    }
    content_of_store(path_);
    go_on(path_);
  }

 private:
  using Content = std::pair<std::vector<Bytes>, std::vector<Sha256>>;
  /// Records and checkpoints, in either format.
  [[nodiscard]] Content records() const {
    const auto journal =
        value_or_violation(open_sqlite_journal(path_, OpenMode::read_only), "cannot be read");
    Content content{value_or_violation(read_all(*journal), "cannot be read"), {}};
    for (const CheckpointInfo& info : value_or_violation(journal->checkpoints(), "has no checkpoints")) {
      content.second.push_back(info.digest);
    }
    std::vector<std::string> skipped;
    value_or_violation(journal->newest_checkpoint(&skipped), "has no checkpoint");
    if (!skipped.empty()) {
      throw Violation(skipped.front());
    }
    return content;
  }

  std::string store_;
  std::string path_;
  Content content_;
};

}  // namespace

std::unique_ptr<Scene> acts_scene() { return std::make_unique<ActsScene>(); }
std::unique_ptr<Scene> migration_scene(const std::string& store) {
  return std::make_unique<MigrationScene>(store);
}

}  // namespace attune::test
