// SPDX-License-Identifier: Apache-2.0
// SqliteJournal: acts that a running engine may ask for.
#include "store/acts.hpp"
#include "store/audit_rows.hpp"
#include "store/sqlite_journal.hpp"

namespace attune::detail {

Result<CompactReport> SqliteJournal::compact(const RetainRule& rule, const Act& act) {
  return run_act([&](const StoreFile& store, Head& head) { return detail::compact(store, head, rule, act); });
}

Result<EraseReport> SqliteJournal::erase_subject(std::uint64_t subject, std::uint32_t checkpoints,
                                                 const Act& act) {
  Result<EraseReport> report = run_act([&](const StoreFile& store, Head& head) {
    return detail::erase_subject(store, head, subject, checkpoints, act);
  });
  if (report && report->decisions > 0) {
    // The log still has the old pages: it is emptied, unless somebody reads.
    const Result<void> moved = store_.database.move_log(true);
    failpoint(Failpoint::erase_log_emptied);
    if (!moved) {
      note("what was erased is still in the write-ahead log of '" + store_.path +
           "', until it is next emptied: " + moved.error().message);
    }
  }
  return report;
}

Result<void> SqliteJournal::record_act(const ActNote& note, const Act& act) {
  return run_act([&](const StoreFile& store, Head& /*head*/) {
    return add_audit(
        store.database, act,
        {.action = note.action, .subject = note.subject, .before = note.before, .after = note.after});
  });
}

}  // namespace attune::detail
