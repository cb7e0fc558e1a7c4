// SPDX-License-Identifier: Apache-2.0
#include "store/audit_rows.hpp"

#include <span>
#include <utility>

#include <attune/core/clock.hpp>

#include "store/store_file.hpp"

namespace attune {
namespace detail {
namespace {

/// The text whose SHA-256 is the chain. Each field is preceded by its length in bytes, so that no two entries
/// have the same text.
[[nodiscard]] std::string link_of(const AuditEntry& entry, std::string_view before) {
  std::string text = "attune audit\n";
  text.append(before).append("\n");
  text += std::to_string(entry.number) + "\n" + std::to_string(entry.time);
  for (const std::string* field :
       {&entry.actor, &entry.action, &entry.subject, &entry.before, &entry.after}) {
    text += "\n" + std::to_string(field->size()) + ":" + *field;
  }
  return to_hex(sha256(std::as_bytes(std::span(text))));
}

struct End {
  std::uint64_t number = 0;
  std::string chain;
};

[[nodiscard]] Result<End> read_end(const Database& database) {
  Result<Statement> head = database.prepare("SELECT audits, audit_chain FROM head");
  if (!head) {
    return tl::unexpected(std::move(head).error());
  }
  return head->step().map([&](bool row) {
    return row ? End{.number = head->count(0), .chain = std::string(head->text(1))} : End{};
  });
}

void break_at(AuditTrail& trail, std::uint64_t number, const std::string& how) {
  if (trail.damage.empty()) {
    trail.broken = number;
    trail.damage = "audit entry " + std::to_string(number) + " " + how;
  }
}

}  // namespace

Result<void> add_audit(const Database& database, const Act& act, const AuditText& text) {
  Result<End> end = read_end(database);
  Result<Statement> insert = database.prepare("INSERT INTO audit VALUES(?1,?2,?3,?4,?5,?6,?7,?8)");
  Result<Statement> note = database.prepare("UPDATE head SET audits = ?1, audit_chain = ?2");
  if (!end || !insert || !note) {
    return tl::unexpected(!end ? end.error() : !insert ? insert.error() : note.error());
  }
  AuditEntry entry{.number = end->number + 1,
                   .time = act.time != 0 ? act.time : SystemClock().now(),
                   .actor = act.actor,
                   .action = std::string(text.action),
                   .subject = text.subject,
                   .before = text.before,
                   .after = text.after,
                   .chain = {}};
  entry.chain = link_of(entry, end->chain);
  insert->bind(1, entry.number).bind(2, entry.time).bind(3, std::string_view(entry.actor));
  insert->bind(4, std::string_view(entry.action)).bind(5, std::string_view(entry.subject));
  insert->bind(6, std::string_view(entry.before)).bind(7, std::string_view(entry.after));
  Result<void> done = insert->bind(8, std::string_view(entry.chain)).run();
  return done ? note->bind(1, entry.number).bind(2, std::string_view(entry.chain)).run() : done;
}

Result<AuditTrail> read_audit_rows(const Database& database) {
  const Result<End> end = read_end(database);
  Result<Statement> rows = database.prepare(
      "SELECT number, time, actor, action, subject, before, after, chain FROM audit ORDER BY number");
  if (!end || !rows) {
    return tl::unexpected(end ? rows.error() : end.error());
  }
  AuditTrail trail;
  std::string chain;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    AuditEntry entry{.number = rows->count(0),
                     .time = rows->integer(1),
                     .actor = std::string(rows->text(2)),
                     .action = std::string(rows->text(3)),
                     .subject = std::string(rows->text(4)),
                     .before = std::string(rows->text(5)),
                     .after = std::string(rows->text(6)),
                     .chain = std::string(rows->text(7))};
    const std::uint64_t expected = trail.entries.size() + 1;
    if (entry.number != expected) {
      break_at(trail, expected, "is missing");
    } else if (entry.chain != link_of(entry, chain)) {
      break_at(trail, expected, "is not as it was written: its chain does not fit");
    }
    chain = entry.chain;
    trail.entries.push_back(std::move(entry));
  }
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  if (trail.entries.size() < end->number) {
    break_at(trail, trail.entries.size() + 1,
             "is missing: the table 'head' knows of " + std::to_string(end->number) + " entries");
  } else if (trail.entries.size() > end->number) {
    break_at(trail, end->number + 1, "was added by another program");
  } else if (chain != end->chain) {
    break_at(trail, end->number, "is not the one that was written last");
  }
  return trail;
}

}  // namespace detail

Result<AuditTrail> read_audit(const std::string& path) {
  return detail::open_store_file(path, {.mode = OpenMode::read_only})
      .and_then([](const detail::StoreFile& store) -> Result<AuditTrail> {
        if (store.version == 1) {
          return AuditTrail{};  // format 1 had none
        }
        Result<detail::Transaction> moment = detail::Transaction::begin(store.database);
        return moment ? detail::read_audit_rows(store.database) : tl::unexpected(std::move(moment).error());
      });
}

}  // namespace attune
