// SPDX-License-Identifier: Apache-2.0
// Deletion by subject: rows are blanked, the chain stays.
#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/failpoint.hpp"
#include "store/acts.hpp"
#include "store/audit_rows.hpp"
#include "store/checkpoint_rows.hpp"
#include "store/record_cursor.hpp"

namespace attune::detail {
namespace {

struct Findings {
  std::unordered_set<Uuid> ids;
  std::vector<std::uint64_t> decisions;  // positions
  std::vector<std::uint64_t> outcomes;
};

/// Calls `visit(cursor)` for every record there is; the records are the truth, the columns are not asked.
template <class Visit>
[[nodiscard]] Result<void> each_record(const StoreFile& store, const Head& head, Visit&& visit) {
  Result<RecordCursor> cursor = RecordCursor::open(store, head, 1);
  Result<bool> more = cursor ? cursor->next() : tl::unexpected(cursor.error());
  for (; more && *more; more = cursor->next()) {
    if (!cursor->erased()) {
      visit(*cursor);
    }
  }
  return more ? Result<void>{} : tl::unexpected(std::move(more).error());
}

[[nodiscard]] Result<Findings> find(const StoreFile& store, const Head& head, std::uint64_t subject) {
  Findings found;
  Result<void> done = each_record(store, head, [&](const RecordCursor& cursor) {
    DecisionRecord decision;
    if (cursor.header().kind == RecordKind::decision && decode(cursor.record(), decision) == Errc::ok &&
        decision.subject == subject) {
      found.ids.insert(decision.header.id);
      found.decisions.push_back(cursor.position());
    }
  });
  if (done && !found.ids.empty()) {
    done = each_record(store, head, [&](const RecordCursor& cursor) {
      if (cursor.header().kind == RecordKind::outcome && found.ids.contains(cursor.header().id)) {
        found.outcomes.push_back(cursor.position());
      }
    });
  }
  return done ? Result<Findings>(std::move(found)) : tl::unexpected(std::move(done).error());
}

[[nodiscard]] Result<void> blank(const Database& database, std::string_view sql,
                                 const std::vector<std::uint64_t>& positions) {
  Result<Statement> update = database.prepare(sql);
  Result<void> done = update ? Result<void>{} : tl::unexpected(update.error());
  for (std::size_t i = 0; done && i < positions.size(); ++i) {
    done = update->bind(1, positions[i]).run();
  }
  return done;
}

/// Errors: invalid_argument, unless enough verified checkpoints contain everything up to `last`.
[[nodiscard]] Result<void> check_covered(const StoreFile& store, const Head& head, std::uint64_t last,
                                         std::uint32_t checkpoints) {
  const Result<std::vector<CheckpointRow>> usable = usable_checkpoints(store, head, checkpoints, nullptr);
  if (!usable) {
    return tl::unexpected(usable.error());
  }
  const auto covering = static_cast<std::size_t>(
      std::ranges::count_if(*usable, [&](const CheckpointRow& row) { return row.info.position >= last; }));
  return covering >= checkpoints
             ? Result<void>{}
             : fail(Errc::invalid_argument,
                    "record " + std::to_string(last) + " is about the subject and is contained in " +
                        std::to_string(covering) + " verified checkpoints of '" + store.path + "' where " +
                        std::to_string(checkpoints) +
                        " are asked for; nothing was erased. Take a checkpoint first");
}

}  // namespace

Result<EraseReport> erase_subject(const StoreFile& store, Head& head, std::uint64_t subject,
                                  std::uint32_t checkpoints, const Act& act) {
  if (subject == 0 || checkpoints == 0) {
    return fail(Errc::invalid_argument, subject == 0 ? "subject = 0 stands for no subject"
                                                     : "checkpoints = 0 is outside [1, 4294967295]");
  }
  const Database& database = store.database;
  const Result<Findings> found = find(store, head, subject);
  if (!found) {
    return tl::unexpected(found.error());
  }
  EraseReport report{.decisions = found->decisions.size(), .outcomes = found->outcomes.size()};
  if (found->decisions.empty()) {
    return report;
  }
  report.last_position = found->decisions.back();
  if (!found->outcomes.empty()) {
    report.last_position = std::max(report.last_position, found->outcomes.back());
  }
  Result<void> done = check_covered(store, head, report.last_position, checkpoints);
  if (done) {
    done = blank(database,
                 "UPDATE decisions SET time = NULL, point = NULL, sequence = NULL, id = NULL, slot = NULL,"
                 " arm = NULL, propensity = NULL, score = NULL, version = NULL, rung = NULL, greedy = NULL,"
                 " episode = NULL, subject = NULL, parameters = NULL, record = NULL WHERE position = ?1",
                 found->decisions);
    failpoint(Failpoint::erase_decisions_blanked);
  }
  if (done) {
    done = blank(database,
                 "UPDATE outcomes SET time = NULL, decision = NULL, components = NULL, key = NULL,"
                 " ended = NULL, record = NULL WHERE position = ?1",
                 found->outcomes);
    failpoint(Failpoint::erase_outcomes_blanked);
  }
  const Result<std::uint64_t> removed =
      done ? remove_checkpoints(database, "position < ?1", report.last_position)
           : tl::unexpected(std::move(done).error());
  if (!removed) {
    return tl::unexpected(removed.error());
  }
  failpoint(Failpoint::erase_checkpoints_removed);
  report.checkpoints_removed = *removed;
  const std::string before = std::to_string(head.erased) + " records erased";
  head.erased += report.decisions + report.outcomes;
  head.last_erased = std::max(head.last_erased, report.last_position);
  done = write_head(database, head);
  if (done) {
    // The subject's hash stays out of the trail: it would say that there were records about this person.
    done = add_audit(database, act,
                     {.action = "erase",
                      .subject = std::to_string(report.decisions) + " decisions, " +
                                 std::to_string(report.outcomes) + " outcomes of one subject",
                      .before = before,
                      .after = std::to_string(head.erased) + " records erased"});
  }
  return done ? Result<EraseReport>(report) : tl::unexpected(std::move(done).error());
}

}  // namespace attune::detail
