// SPDX-License-Identifier: Apache-2.0
// Salvage: what can still be read of a damaged store, in a new one.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "store/acts.hpp"
#include "store/audit_rows.hpp"
#include "store/checkpoint_rows.hpp"
#include "store/schema.hpp"
#include "store/sqlite_journal.hpp"

namespace attune {
namespace detail {
namespace {

constexpr std::uint64_t kMaxProbes = 1'000'000;  // positions tried behind a row that cannot be read
constexpr std::uint64_t kMaxGap = 10'000'000;    // a row further away is nonsense

/// Rows of one table in order, whatever SQLite says about some of them.
class DamagedTable {
 public:
  [[nodiscard]] Result<void> open(const Database& database, std::string_view table, bool has_arm) {
    Result<Statement> rows =
        database.prepare(std::string("SELECT position, record, time") + (has_arm ? ", arm" : "") + " FROM " +
                         std::string(table) + " WHERE position >= ?1 ORDER BY position");
    if (!rows) {
      return tl::unexpected(std::move(rows).error());
    }
    has_arm_ = has_arm;
    rows_ = std::move(*rows);
    rows_.bind(1, std::uint64_t{1});
    advance();
    return {};
  }
  /// There is a row to look at.
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] std::uint64_t position() const noexcept { return rows_.count(0); }
  [[nodiscard]] ByteView record() const noexcept { return rows_.blob(1); }
  [[nodiscard]] bool erased() const noexcept { return rows_.is_null(1) && rows_.is_null(2); }
  [[nodiscard]] std::string_view arm() const noexcept {
    return has_arm_ ? rows_.text(3) : std::string_view();
  }
  /// Goes on behind what cannot be read.
  void advance() {
    const std::uint64_t here = good_ ? position() : 0;
    Result<bool> row = rows_.step();
    good_ = row && *row;
    for (std::uint64_t next = here + 1; !row && next <= here + kMaxProbes; ++next) {
      row = rows_.bind(1, next).step();
      good_ = row && *row;
    }
    if (good_ && position() <= here) {
      good_ = false;  // a damaged tree can lead back
    }
  }

 private:
  Statement rows_;
  bool has_arm_ = false;
  bool good_ = false;
};

/// Opens without asking whether the schema is sound. Errors: io, corrupt_state.
[[nodiscard]] Result<StoreFile> open_damaged(const std::string& path, const StoreOptions& options) {
  if (!std::filesystem::is_regular_file(path)) {
    return fail(Errc::io, "there is no file '" + path + "'");
  }
  Result<SealKeys> keys = SealKeys::make(options);
  Result<Database> database = Database::open(path, Database::Access::read);
  if (!database || !keys) {
    return tl::unexpected(keys ? std::move(database).error() : std::move(keys).error());
  }
  StoreFile store;
  store.path = path;
  store.keys = std::move(*keys);
  store.witness = WriterLock::peek(path);
  store.database = std::move(*database);
  const Result<void> alone = store.database.run("PRAGMA query_only = ON");
  store.version = store.database.prepare("SELECT chain FROM events") ? 2 : 1;
  store.database.restrict_statements(false);
  Result<Statement> id = store.database.prepare("SELECT value FROM meta WHERE key = 'store_id'");
  const Result<bool> row = alone && id ? id->step() : tl::unexpected(alone ? id.error() : alone.error());
  store.store_id = row && *row ? id->text(0) : "";
  return store;
}

/// The copying, inside one transaction of the new store.
class Salvage {
 public:
  Salvage(StoreFile& from, const StoreFile& to, RowWriter& rows, Head& head, SalvageReport& report)
      : from_(from), to_(to), rows_(rows), head_(head), report_(report) {}

  [[nodiscard]] Result<void> run();

 private:
  void read_end();
  [[nodiscard]] Result<void> copy_texts();
  [[nodiscard]] Result<void> copy_records();
  [[nodiscard]] Result<void> take(const DamagedTable& table, std::size_t index);
  [[nodiscard]] Result<void> fill_to(std::uint64_t position);
  [[nodiscard]] Result<void> blank(std::uint64_t position, std::size_t index);
  void lose(std::uint64_t first, std::uint64_t last);
  void move_to(std::uint64_t position);
  [[nodiscard]] Result<void> go_to_checkpoint();
  [[nodiscard]] Result<void> copy_checkpoints();
  [[nodiscard]] Result<void> copy_audit();

  StoreFile& from_;
  const StoreFile& to_;
  RowWriter& rows_;
  Head& head_;
  SalvageReport& report_;
  std::array<DamagedTable, 3> tables_;
  std::uint64_t first_ = 0;  // what the old head says that retention removed
  std::uint64_t end_ = 0;    // where the journal is known to have ended
  std::vector<CheckpointRow> checkpoints_;
  std::map<std::uint64_t, std::uint64_t> chains_;  // at the positions of checkpoints
  std::string arm_;
  AlignedRecord aligned_;
};

void Salvage::read_end() {
  if (const Result<Head> head = read_head(from_)) {
    first_ = head->first;
    end_ = head->position;
  } else {
    report_.notes.push_back("where the journal began and ended is unknown: " + head.error().message);
  }
  const WriterLock::Line& line = from_.witness;
  if (line.state == WriterLock::LineState::good && line.content.store_id == from_.store_id) {
    end_ = std::max(end_, line.content.position);
  }
  if (Result<std::vector<CheckpointRow>> rows = list_checkpoints(from_)) {
    checkpoints_ = std::move(*rows);
  } else {
    report_.notes.push_back("the checkpoints cannot be read: " + rows.error().message);
  }
  for (const CheckpointRow& row : checkpoints_) {
    chains_[row.info.position] = 0;
  }
}

Result<void> Salvage::copy_texts() {
  const std::array<std::pair<std::string_view, std::string_view>, 2> copies{
      {{"SELECT key, value FROM meta WHERE key <> 'store_id'", "REPLACE INTO meta VALUES(?1,?2)"},
       {"SELECT number, name FROM points", "REPLACE INTO points VALUES(?1,?2)"}}};
  for (const auto& [select, insert] : copies) {
    Result<Statement> rows = from_.database.prepare(select);
    Result<Statement> put = to_.database.prepare(insert);
    if (!put) {
      return tl::unexpected(std::move(put).error());
    }
    Result<bool> row = rows ? rows->step() : tl::unexpected(rows.error());
    for (; row && *row; row = rows->step()) {
      const std::string key(rows->text(0));
      const std::string value(rows->text(1));
      if (Result<void> done = put->bind(1, std::string_view(key)).bind(2, std::string_view(value)).run();
          !done) {
        return done;
      }
    }
    if (!row) {
      report_.notes.push_back("texts beside the journal are incomplete: " + row.error().message);
    }
  }
  return {};
}

void Salvage::lose(std::uint64_t first, std::uint64_t last) {
  if (!report_.lost.empty() && report_.lost.back().last + 1 == first) {
    report_.lost.back().last = last;
  } else {
    report_.lost.push_back({.first = first, .last = last});
  }
}

/// The new journal ends here now, with the chain that `head_` has.
void Salvage::move_to(std::uint64_t position) {
  head_.position = position;
  if (const auto at = chains_.find(position); at != chains_.end()) {
    at->second = head_.chain;
  }
}

Result<void> Salvage::blank(std::uint64_t position, std::size_t index) {
  constexpr std::array<std::string_view, 3> kInserts{"INSERT INTO decisions(position, chain) VALUES(?1,?2)",
                                                     "INSERT INTO outcomes(position, chain) VALUES(?1,?2)",
                                                     "INSERT INTO events(position, chain) VALUES(?1,?2)"};
  Result<Statement> insert = to_.database.prepare(kInserts[index]);
  if (!insert) {
    return tl::unexpected(std::move(insert).error());
  }
  move_to(position);
  ++head_.erased;
  head_.last_erased = position;
  ++(index == 0 ? head_.counts.decisions : index == 1 ? head_.counts.outcomes : head_.counts.events);
  return insert->bind(1, position).bind(2, head_.chain).run();
}

/// Everything up to the record before `position` is lost, or was removed before the first one.
Result<void> Salvage::fill_to(std::uint64_t position) {
  if (head_.position == 0 && head_.first == 0 && position > 1) {
    head_.first = position - 1;
    head_.position = head_.first;
    head_.counts.events += head_.first;  // whichever they were: the counts add up
    if (first_ + 1 < position) {
      lose(first_ + 1, position - 1);
    }
    return {};
  }
  for (std::uint64_t lost = head_.position + 1; lost < position; ++lost) {
    lose(lost, lost);
    if (Result<void> done = blank(lost, 2); !done) {
      return done;
    }
  }
  return {};
}

Result<void> Salvage::take(const DamagedTable& table, std::size_t index) {
  const std::uint64_t position = table.position();
  const std::uint64_t reached = std::max(head_.position, first_);
  if (position <= head_.position || (position > reached && position - reached > kMaxGap)) {
    return {};
  }
  if (table.erased()) {
    Result<void> filled = from_.version > 1 ? fill_to(position) : Result<void>{};
    return filled && from_.version > 1 ? blank(position, index) : filled;
  }
  const ByteView record = aligned_.copy(table.record());
  const Result<RecordHeader> header = check_stored(record, position);
  if (!header || static_cast<std::size_t>(header->kind) != index + 1) {
    return {};  // becomes part of the gap before the next record
  }
  arm_ = table.arm();
  if (Result<void> filled = fill_to(position); !filled) {
    return filled;
  }
  head_.chain = chained(head_.chain, record);
  move_to(position);
  ++report_.records;
  return rows_.insert(record, header->kind, head_.chain, head_.counts);
}

Result<void> Salvage::copy_records() {
  constexpr std::array<std::string_view, 3> kNames{"decisions", "outcomes", "events"};
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (Result<void> opened = tables_[i].open(from_.database, kNames[i], i == 0); !opened) {
      report_.notes.push_back("table '" + std::string(kNames[i]) +
                              "' cannot be read: " + opened.error().message);
    }
  }
  rows_.set_names({.point = {}, .arm = [this](std::uint32_t, std::uint32_t, std::uint16_t) {
                     return std::string_view(arm_);
                   }});
  while (true) {
    std::size_t lowest = tables_.size();
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const bool lower = tables_[i].good() &&
                         (lowest == tables_.size() || tables_[i].position() < tables_[lowest].position());
      lowest = lower ? i : lowest;
    }
    if (lowest == tables_.size()) {
      break;
    }
    if (Result<void> taken = take(tables_[lowest], lowest); !taken) {
      return taken;
    }
    tables_[lowest].advance();
  }
  rows_.set_names({});
  return {};
}

/// Where a sound checkpoint lies behind the last record that was found, the journal goes on there: its state
/// has what the lost records said, and they are blank as those lost in the middle are.
Result<void> Salvage::go_to_checkpoint() {
  const std::uint64_t found = head_.position;
  const CheckpointRow* newest = nullptr;
  for (const CheckpointRow& row : checkpoints_) {
    const std::uint64_t least = newest != nullptr ? newest->info.position : found;
    const bool further = row.info.position > least && row.info.position - found <= kMaxGap;
    newest = further && row.damage.empty() && read_state(from_, row) ? &row : newest;
  }
  Result<void> done;
  if (newest != nullptr) {
    const std::uint64_t position = newest->info.position;
    done = fill_to(position);
    done = done ? blank(position, 2) : done;
    lose(position, position);
  }
  if (end_ > head_.position && end_ - head_.position <= kMaxGap) {
    lose(head_.position + 1, end_);
  }
  return done;
}

Result<void> Salvage::copy_checkpoints() {
  const SealKeys plain;
  for (const CheckpointRow& row : checkpoints_) {
    const std::string name = "checkpoint " + std::to_string(row.info.number) + " was left behind: ";
    const bool reached = row.info.position >= head_.first && row.info.position <= head_.position;
    const Result<Bytes> state = !row.damage.empty() ? fail(Errc::corrupt_state, row.damage)
                                : !reached          ? fail(Errc::corrupt_state, "its record is not there")
                                                    : read_state(from_, row);
    const Result<std::uint64_t> slot = next_slot(to_.database);
    if (!slot) {
      return tl::unexpected(slot.error());
    }
    if (!state) {
      report_.notes.push_back(name + state.error().message);
      continue;
    }
    const std::uint64_t chain =
        row.info.position == head_.first ? head_.first_chain : chains_[row.info.position];
    const bool keyed = row.seal == SealVerdict::good && !row.key_id.empty();
    if (Result<void> done = insert_checkpoint(to_.database, keyed ? to_.keys : plain, row.info, chain, *slot,
                                              chunked(*state));
        !done) {
      return done;
    }
    ++report_.checkpoints;
  }
  return {};
}

Result<void> Salvage::copy_audit() {
  const Result<AuditTrail> trail =
      from_.version > 1 ? read_audit_rows(from_.database) : Result<AuditTrail>(AuditTrail{});
  if (!trail) {
    report_.notes.push_back("the audit trail cannot be read: " + trail.error().message);
    return {};
  }
  if (!trail->damage.empty()) {
    report_.notes.push_back("the audit trail is taken over up to its damage: " + trail->damage);
  }
  for (const AuditEntry& entry : trail->entries) {
    if (trail->broken != 0 && entry.number >= trail->broken) {
      break;
    }
    const Act act{.actor = entry.actor, .time = entry.time};
    if (Result<void> done = add_audit(
            to_.database, act,
            {.action = entry.action, .subject = entry.subject, .before = entry.before, .after = entry.after});
        !done) {
      return done;  // the same links again: they start from nothing in every store
    }
  }
  return {};
}

Result<void> Salvage::run() {
  read_end();
  Result<void> done = copy_texts();
  if (done) {
    done = copy_records();
  }
  if (done && report_.records == 0) {
    return fail(Errc::corrupt_state, "'" + from_.path + "' has no record that can be read");
  }
  if (done) {
    done = go_to_checkpoint();
  }
  if (done) {
    done = copy_checkpoints();
  }
  if (done) {
    done = copy_audit();
  }
  return done ? write_head(to_.database, head_) : done;
}

[[nodiscard]] std::string text_of(const std::vector<PositionRange>& lost) {
  std::string text;
  for (const PositionRange& range : lost) {
    text += text.empty() ? "lost " : ", ";
    text += std::to_string(range.first) + "-" + std::to_string(range.last);
    if (text.size() > 1000) {
      return text + ", ...";
    }
  }
  return text.empty() ? "nothing lost" : text;
}

}  // namespace
}  // namespace detail

Result<SalvageReport> salvage(const std::string& from, const std::string& to, const Act& act,
                              const StoreOptions& options) {
  if (std::filesystem::exists(std::filesystem::symlink_status(to))) {
    return fail(Errc::invalid_argument, "'" + to + "' exists; salvage writes a new store");
  }
  Result<detail::StoreFile> damaged = detail::open_damaged(from, options);
  if (!damaged) {
    return tl::unexpected(std::move(damaged).error());
  }
  StoreOptions writing = options;
  writing.mode = OpenMode::read_write;
  Result<std::unique_ptr<detail::SqliteJournal>> fresh = detail::SqliteJournal::open(to, writing);
  if (!fresh) {
    return tl::unexpected(std::move(fresh).error());
  }
  SalvageReport report;
  Result<bool> done =
      (*fresh)->run_act([&](const detail::StoreFile& store, detail::Head& head) -> Result<bool> {
        Result<void> saved = detail::Salvage(*damaged, store, (*fresh)->rows(), head, report).run();
        if (saved) {
          saved = detail::add_audit(
              store.database, act,
              {.action = "salvage",
               .subject = from,
               .before = "store " + damaged->store_id,
               .after = std::to_string(report.records) + " records, " + detail::text_of(report.lost)});
        }
        return saved ? Result<bool>(true) : tl::unexpected(std::move(saved).error());
      });
  if (!done) {
    fresh->reset();
    for (const std::string_view suffix : {"", "-wal", "-shm", "-lock"}) {
      std::error_code ignored;
      std::filesystem::remove(to + std::string(suffix), ignored);
    }
    return tl::unexpected(std::move(done).error());
  }
  report.last_position = (*fresh)->last_position();
  const detail::Head& head = (*fresh)->head();
  const auto usable = detail::usable_checkpoints((*fresh)->store(), head, 1, nullptr);
  report.recoverable = (usable && !usable->empty()) || (head.first == 0 && head.last_erased == 0);
  return report;
}

}  // namespace attune
