// SPDX-License-Identifier: Apache-2.0
// Retention: the oldest records go, behind checkpoints that were verified.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/failpoint.hpp"
#include "store/acts.hpp"
#include "store/audit_rows.hpp"
#include "store/checkpoint_rows.hpp"

namespace attune::detail {
namespace {

/// Last position such that every record up to it is from before `time`.
[[nodiscard]] Result<std::uint64_t> last_before(const Database& database, const Head& head, Nanos time) {
  constexpr std::array<std::string_view, 3> kQueries{
      "SELECT position FROM decisions WHERE time >= ?1 ORDER BY position LIMIT 1",
      "SELECT position FROM outcomes WHERE time >= ?1 ORDER BY position LIMIT 1",
      "SELECT position FROM events WHERE time >= ?1 ORDER BY position LIMIT 1"};
  std::uint64_t last = head.position;
  for (const std::string_view text : kQueries) {
    Result<Statement> query = database.prepare(text);
    const Result<bool> row = query ? query->bind(1, time).step() : tl::unexpected(query.error());
    if (!row) {
      return tl::unexpected(row.error());
    }
    if (*row) {
      last = std::min(last, query->count(0) - 1);
    }
  }
  return last;
}

/// Last position that may go.
[[nodiscard]] Result<std::uint64_t> limit_of(const StoreFile& store, const Head& head,
                                             const RetainRule& rule) {
  if (rule.checkpoints == 0) {
    return fail(Errc::invalid_argument,
                "checkpoints = 0 is outside [1, 4294967295]: records go behind a verified checkpoint only");
  }
  const Result<std::vector<CheckpointRow>> usable =
      usable_checkpoints(store, head, rule.checkpoints, nullptr);
  if (!usable) {
    return tl::unexpected(usable.error());
  }
  if (usable->size() < rule.checkpoints) {
    return fail(Errc::invalid_argument, "'" + store.path + "' has " + std::to_string(usable->size()) +
                                            " checkpoints that verify where the rule asks for " +
                                            std::to_string(rule.checkpoints) +
                                            "; nothing was removed. Take a checkpoint first");
  }
  const std::uint64_t kept = std::min(rule.keep_records, head.position);
  const std::uint64_t limit = std::min({usable->back().info.position, rule.through, head.position - kept});
  return rule.older_than ? last_before(store.database, head, *rule.older_than).map([&](std::uint64_t last) {
    return std::min(last, limit);
  })
                         : Result<std::uint64_t>(limit);
}

[[nodiscard]] Result<void> describe_space(const Database& database, CompactReport& report) {
  const Result<std::int64_t> pages = database.number("PRAGMA freelist_count");
  const Result<std::int64_t> size = database.number("PRAGMA page_size");
  if (!pages || !size) {
    return tl::unexpected(pages ? size.error() : pages.error());
  }
  report.free_bytes = static_cast<std::uint64_t>(*pages * *size);
  return {};
}

}  // namespace

Result<CompactReport> compact(const StoreFile& store, Head& head, const RetainRule& rule, const Act& act) {
  const Database& database = store.database;
  const Result<std::uint64_t> limit = limit_of(store, head, rule);
  if (!limit) {
    return tl::unexpected(limit.error());
  }
  CompactReport report;
  report.first_kept = head.first + 1;
  if (*limit <= head.first) {
    return describe_space(database, report).map([&] { return report; });
  }
  const auto chain = chain_at(store, head, *limit);
  const Result<std::uint64_t> erased = count_erased(database, "position <= ?1", *limit);
  if (!chain || !erased) {
    return tl::unexpected(chain ? erased.error() : chain.error());
  }
  if (!*chain) {
    return fail(Errc::corrupt_state, "'" + store.path + "' is damaged: record " + std::to_string(*limit) +
                                         " is missing; nothing was removed");
  }
  const Result<KindCounts> deleted = delete_rows(database, "position <= ?1", *limit);
  failpoint(Failpoint::compact_rows_removed);
  const Result<std::uint64_t> checkpoints =
      deleted ? remove_checkpoints(database, "position < ?1", *limit) : tl::unexpected(deleted.error());
  if (!checkpoints) {
    return tl::unexpected(checkpoints.error());
  }
  failpoint(Failpoint::compact_checkpoints_removed);
  report.removed = *limit - head.first;
  report.first_kept = *limit + 1;
  report.checkpoints_removed = *checkpoints;
  const std::string before = "first record " + std::to_string(head.first + 1);
  head.first = *limit;
  head.first_chain = **chain;
  head.erased -= *erased;
  Result<void> done = write_head(database, head);
  failpoint(Failpoint::compact_head_written);
  if (done) {
    done = add_audit(database, act,
                     {.action = "compact",
                      .subject = std::to_string(report.removed) + " records",
                      .before = before,
                      .after = "first record " + std::to_string(report.first_kept)});
  }
  if (done) {
    done = describe_space(database, report);
  }
  return done ? Result<CompactReport>(report) : tl::unexpected(std::move(done).error());
}

}  // namespace attune::detail
