// SPDX-License-Identifier: Apache-2.0
// Rollback: an earlier record becomes the last one.
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

/// Newest blank record up to a position; 0: none.
[[nodiscard]] Result<std::uint64_t> last_erased_to(const Database& database, const Head& head,
                                                   std::uint64_t position) {
  constexpr std::array<std::string_view, 3> kQueries{
      "SELECT max(position) FROM decisions WHERE record IS NULL AND position <= ?1",
      "SELECT max(position) FROM outcomes WHERE record IS NULL AND position <= ?1",
      "SELECT max(position) FROM events WHERE record IS NULL AND position <= ?1"};
  if (head.last_erased <= position) {
    return head.last_erased;
  }
  std::uint64_t last = 0;
  for (const std::string_view text : kQueries) {
    Result<Statement> query = database.prepare(text);
    const Result<bool> row = query ? query->bind(1, position).step() : tl::unexpected(query.error());
    if (!row) {
      return tl::unexpected(row.error());
    }
    last = std::max(last, query->count(0));
  }
  return last;
}

[[nodiscard]] Result<std::uint64_t> position_of(const StoreFile& store, const RollbackRequest& request) {
  if (request.checkpoint.has_value() == request.position.has_value()) {
    return fail(Errc::invalid_argument, "a rollback names either a checkpoint or a position");
  }
  if (request.position) {
    return *request.position;
  }
  return list_checkpoints(store).and_then(
      [&](const std::vector<CheckpointRow>& rows) -> Result<std::uint64_t> {
        const auto row = std::ranges::find_if(
            rows, [&](const CheckpointRow& found) { return found.info.number == *request.checkpoint; });
        return row != rows.end() ? Result<std::uint64_t>(row->info.position)
                                 : fail(Errc::invalid_argument, "'" + store.path + "' has no checkpoint " +
                                                                    std::to_string(*request.checkpoint));
      });
}

/// Where the journal would end, as recovery would see it.
[[nodiscard]] Result<Head> head_at(const StoreFile& store, const Head& head, std::uint64_t target) {
  const auto chain = chain_at(store, head, target);
  const Result<std::uint64_t> last_erased = last_erased_to(store.database, head, target);
  if (!chain || !last_erased) {
    return tl::unexpected(chain ? last_erased.error() : chain.error());
  }
  if (!*chain) {
    return fail(Errc::corrupt_state,
                "'" + store.path + "' is damaged: record " + std::to_string(target) + " is missing");
  }
  Head moved = head;
  moved.position = target;
  moved.chain = **chain;
  moved.last_erased = *last_erased;
  return moved;
}

}  // namespace

Result<std::uint64_t> rollback_target(const StoreFile& store, const Head& head,
                                      const RollbackRequest& request) {
  Result<std::uint64_t> target = position_of(store, request);
  if (!target) {
    return target;
  }
  if (*target < head.first || *target > head.position) {
    return fail(Errc::invalid_argument, "position " + std::to_string(*target) + " is outside [" +
                                            std::to_string(head.first) + ", " +
                                            std::to_string(head.position) + "]");
  }
  const Result<Head> moved = head_at(store, head, *target);
  const auto usable = moved ? usable_checkpoints(store, *moved, 1, nullptr) : tl::unexpected(moved.error());
  if (!usable) {
    return tl::unexpected(usable.error());
  }
  if (usable->empty() && (head.first > 0 || moved->last_erased > 0)) {
    return fail(Errc::invalid_argument,
                "no engine could be recovered at record " + std::to_string(*target) +
                    ": no verified checkpoint lies before it, and records were removed or erased");
  }
  if (*target < head.position && request.abandon_to.empty() && !request.discard) {
    return fail(Errc::invalid_argument,
                "the rollback would take back " + std::to_string(head.position - *target) +
                    " records; name a file that they go to, or permit to discard them");
  }
  return target;
}

Result<RollbackReport> rollback(const StoreFile& store, Head& head, std::uint64_t target,
                                const RollbackRequest& request, const Act& act) {
  const Database& database = store.database;
  Result<Head> moved = head_at(store, head, target);
  const Result<std::uint64_t> erased =
      moved ? count_erased(database, "position > ?1", target) : tl::unexpected(moved.error());
  const Result<KindCounts> deleted =
      erased ? delete_rows(database, "position > ?1", target) : tl::unexpected(erased.error());
  failpoint(Failpoint::rollback_rows_removed);
  const Result<std::uint64_t> checkpoints =
      deleted ? remove_checkpoints(database, "position > ?1", target) : tl::unexpected(deleted.error());
  if (!checkpoints) {
    return tl::unexpected(checkpoints.error());
  }
  failpoint(Failpoint::rollback_checkpoints_removed);
  moved->erased -= *erased;
  moved->counts.decisions -= deleted->decisions;
  moved->counts.outcomes -= deleted->outcomes;
  moved->counts.events -= deleted->events;
  const RollbackReport report{
      .position = target, .abandoned = head.position - target, .checkpoints_removed = *checkpoints};
  Result<void> done = write_head(database, *moved);
  failpoint(Failpoint::rollback_head_written);
  if (done) {
    done = add_audit(database, act,
                     {.action = "rollback",
                      .subject = request.checkpoint ? "checkpoint " + std::to_string(*request.checkpoint)
                                                    : "position " + std::to_string(target),
                      .before = "last record " + std::to_string(head.position),
                      .after = "last record " + std::to_string(target) +
                               (request.abandon_to.empty() ? ", the others discarded"
                                                           : ", the others in " + request.abandon_to)});
  }
  if (!done) {
    return tl::unexpected(std::move(done).error());
  }
  head = *moved;
  return report;
}

}  // namespace attune::detail
