// SPDX-License-Identifier: Apache-2.0
#include "store/migration.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "core/failpoint.hpp"
#include "store/audit_rows.hpp"
#include "store/checkpoint_rows.hpp"
#include "store/record_cursor.hpp"
#include "store/schema.hpp"

namespace attune::detail {
namespace {

constexpr std::string_view kSuffix = "_1";
// The tables that changed; a rename keeps their rows in place until they are copied.
constexpr std::array<std::string_view, 5> kOld{"head", "decisions", "outcomes", "events", "checkpoints"};

/// Renames the old tables and makes the new ones.
[[nodiscard]] Result<void> change_schema(const Database& database) {
  Result<void> done;
  const auto then = [&](const std::string& sql) {
    if (done) {
      done = database.run(sql);
    }
  };
  for (const SchemaObject& view : views_of_format_2()) {
    then("DROP VIEW IF EXISTS " + std::string(view.name));  // attune's own, of the same names before
  }
  for (const std::string_view table : kOld) {
    then("ALTER TABLE " + std::string(table) + " RENAME TO " + std::string(table) + std::string(kSuffix));
  }
  for (const SchemaObject& table : tables_of_format_2()) {
    if (table.name != "meta" && table.name != "points") {
      then(std::string(table.sql));
    }
  }
  for (const SchemaObject& view : views_of_format_2()) {
    then(std::string(view.sql));
  }
  return done;
}

[[nodiscard]] Result<void> drop_old_tables(const Database& database) {
  for (const std::string_view table : kOld) {
    if (Result<void> done = database.run("DROP TABLE " + std::string(table) + std::string(kSuffix)); !done) {
      return done;
    }
  }
  return database.run("PRAGMA user_version = 2");
}

/// `old` reads the tables of format 1 under their new names.
[[nodiscard]] Result<void> copy_records(const StoreFile& old, const Head& head) {
  constexpr std::array<std::string_view, 3> kCopies{
      "INSERT INTO decisions SELECT position, time, point, sequence, id, slot, arm, propensity, score, "
      "version,"
      " rung, greedy, episode, NULL, parameters, ?2, record FROM decisions_1 WHERE position = ?1",
      "INSERT INTO outcomes SELECT position, time, decision, components, key, ended, ?2, record"
      " FROM outcomes_1 WHERE position = ?1",
      "INSERT INTO events SELECT position, time, point, kind, subject, number, value, aux, ?2, record"
      " FROM events_1 WHERE position = ?1"};
  std::array<Statement, 3> copies;
  for (std::size_t i = 0; i < kCopies.size(); ++i) {
    Result<Statement> copy = old.database.prepare(kCopies[i]);
    if (!copy) {
      return tl::unexpected(std::move(copy).error());
    }
    copies[i] = std::move(*copy);
  }
  Result<RecordCursor> cursor = RecordCursor::open(old, head, 1);
  Result<bool> more = cursor ? cursor->next() : tl::unexpected(cursor.error());
  for (; more && *more; more = cursor->next()) {
    Statement& copy = copies[static_cast<std::size_t>(cursor->header().kind) - 1];
    if (Result<void> done = copy.bind(1, cursor->position()).bind(2, *cursor->chain()).run(); !done) {
      return done;
    }
  }
  return more ? old.database.run(
                    "INSERT INTO head SELECT 1, position, chain, 0, 0, 0, 0, decisions, outcomes, events, 0, "
                    "''"
                    " FROM head_1")
              : tl::unexpected(std::move(more).error());
}

[[nodiscard]] Result<void> copy_checkpoints(StoreFile& store) {
  Result<std::vector<CheckpointRow>> rows = list_checkpoints(store);
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  const SealKeys plain;  // sealing with the key given now would vouch for states that nobody with it has seen
  for (const CheckpointRow& row : *rows) {
    const bool whole = row.damage.empty() || row.seal == SealVerdict::unsealed;
    Result<Bytes> state = whole ? read_state(store, row) : fail(Errc::corrupt_state, row.damage);
    if (!state && state.error().code == Errc::io) {
      return tl::unexpected(std::move(state).error());
    }
    if (!state) {
      store.notes.push_back("checkpoint " + std::to_string(row.info.number) +
                            " was left behind on migration: " + state.error().message);
      continue;
    }
    const Result<std::uint64_t> slot = next_slot(store.database);
    Result<void> done =
        slot ? insert_checkpoint(store.database, plain, row.info, row.chain, *slot, chunked(*state))
             : tl::unexpected(slot.error());
    if (!done) {
      return done;
    }
  }
  return {};
}

[[nodiscard]] Result<void> check_before(const StoreFile& store, const Head& head) {
  Result<std::vector<std::string>> losses = check_tail(store, head);
  if (!losses) {
    return tl::unexpected(std::move(losses).error());
  }
  return losses->empty() ? Result<void>{}
                         : fail(Errc::corrupt_state, "'" + store.path + "': " + losses->front());
}

}  // namespace

Result<void> migrate_to_2(StoreFile& store, const Act& act) {
  const Database& database = store.database;
  const Result<Head> head = read_head(store);
  Result<void> done = head ? check_before(store, *head) : tl::unexpected(head.error());
  if (done) {
    done = database.run("PRAGMA legacy_alter_table = ON");  // views that others added keep their words
  }
  if (done) {
    done = database.run("PRAGMA secure_delete = ON");  // no second copy of a record stays in free pages
  }
  if (!done) {
    return done;
  }
  Result<Transaction> transaction = Transaction::begin(database, "BEGIN IMMEDIATE");
  if (!transaction) {
    return tl::unexpected(std::move(transaction).error());
  }
  failpoint(Failpoint::migrate_begun);
  done = change_schema(database);
  failpoint(Failpoint::migrate_tables_made);
  store.suffix = kSuffix;
  if (done) {
    done = copy_records(store, *head);
    failpoint(Failpoint::migrate_records_copied);
  }
  if (done) {
    done = copy_checkpoints(store);
    failpoint(Failpoint::migrate_checkpoints_copied);
  }
  store.suffix = {};
  if (done) {
    done = add_audit(database, act, {.action = "migrate", .subject = "format", .before = "1", .after = "2"});
    failpoint(Failpoint::migrate_noted);
  }
  if (done) {
    done = drop_old_tables(database);
    failpoint(Failpoint::migrate_tables_dropped);
  }
  if (done) {
    done = transaction->commit();
  }
  if (!done) {
    return done;
  }
  failpoint(Failpoint::migrate_committed);
  store.version = 2;
  done = database.run("PRAGMA secure_delete = OFF");
  if (!done) {
    return done;
  }
  store.notes.push_back("'" + store.path + "' was migrated from format 1 to format 2");
  return check_schema(store.path, database, store.version);
}

}  // namespace attune::detail
