// SPDX-License-Identifier: Apache-2.0
// Where a journal begins and ends, and whether that is where it ended when it was acknowledged.
#include <string>
#include <utility>

#include "core/hash.hpp"
#include "store/store_file.hpp"

namespace attune::detail {
namespace {

constexpr std::string_view kLastRow =
    "SELECT max(coalesce((SELECT max(position) FROM decisions), 0), coalesce((SELECT max(position) FROM "
    "outcomes), 0), coalesce((SELECT max(position) FROM events), 0))";

}  // namespace

Result<Head> read_head(const StoreFile& store) {
  Result<Statement> row = store.database.prepare(
      store.version == 1 ? "SELECT position, chain, decisions, outcomes, events, 0, 0, 0, 0 FROM head"
                         : "SELECT position, chain, decisions, outcomes, events, first, first_chain, erased, "
                           "last_erased FROM head");
  if (!row) {
    return tl::unexpected(std::move(row).error());
  }
  Result<bool> found = row->step();
  if (!found) {
    return tl::unexpected(std::move(found).error());
  }
  if (!*found) {
    return fail(Errc::corrupt_state, "'" + store.path + "' is damaged: the table 'head' is empty");
  }
  Head head{.position = row->count(0),
            .chain = row->count(1),
            .counts = {.decisions = row->count(2), .outcomes = row->count(3), .events = row->count(4)},
            .first = row->count(5),
            .first_chain = row->count(6),
            .erased = row->count(7),
            .last_erased = row->count(8)};
  const bool sound = head.first <= head.position && head.last_erased <= head.position &&
                     head.erased <= head.position - head.first && (head.first > 0 || head.first_chain == 0) &&
                     (head.erased == 0 || head.last_erased > head.first);
  return sound
             ? Result<Head>(head)
             : fail(Errc::corrupt_state,
                    "'" + store.path + "' is damaged: the numbers in its table 'head' contradict each other");
}

Result<std::optional<std::uint64_t>> chain_at(const StoreFile& store, const Head& head,
                                              std::uint64_t position) {
  if (position == head.first) {
    return std::optional(head.first_chain);
  }
  if (store.version == 1) {
    return position == head.position ? std::optional(head.chain) : std::nullopt;
  }
  Result<Statement> query = store.database.prepare(
      "SELECT chain FROM decisions WHERE position = ?1 UNION ALL SELECT chain FROM outcomes WHERE position = "
      "?1"
      " UNION ALL SELECT chain FROM events WHERE position = ?1");
  if (!query) {
    return tl::unexpected(std::move(query).error());
  }
  return query->bind(1, position).step().map([&](bool row) {
    return row ? std::optional(query->count(0)) : std::nullopt;
  });
}

std::string lost_records(const StoreFile& store, const Head& head) {
  const WriterLock::Line& line = store.witness;
  const bool believed = line.state == WriterLock::LineState::good ||
                        (line.state == WriterLock::LineState::unchecked && store.version == 1);
  if (!believed || line.content.store_id != store.store_id || line.content.position <= head.position) {
    return {};
  }
  return "records " + std::to_string(head.position + 1) + " to " + std::to_string(line.content.position) +
         " were acknowledged as durable and are gone: the write-ahead log '" + store.path +
         "-wal' was damaged or removed, or an older copy was put in place. Restore what is missing, or "
         "delete '" +
         store.path + "-lock' to go on from record " + std::to_string(head.position);
}

Result<std::vector<std::string>> check_tail(const StoreFile& store, const Head& head) {
  const Result<std::int64_t> last = store.database.number(kLastRow);
  const auto chain = last ? chain_at(store, head, head.position) : tl::unexpected(last.error());
  if (!chain) {
    return tl::unexpected(chain.error());
  }
  std::vector<std::string> found;
  const KindCounts& counts = head.counts;
  const auto last_row = static_cast<std::uint64_t>(*last);
  const bool ends_there = last_row == head.position || (last_row == 0 && head.first == head.position);
  if (!ends_there || counts.decisions + counts.outcomes + counts.events != head.position) {
    found.push_back("the store is damaged: its last record is " + std::to_string(*last) + " where record " +
                    std::to_string(head.position) + " was written last. Restore it from a copy");
  } else if (*chain && **chain != head.chain) {
    found.push_back("the store is damaged: record " + std::to_string(head.position) +
                    " is not the one that was written last. Restore it from a copy");
  }
  if (std::string lost = lost_records(store, head); !lost.empty()) {
    found.push_back(std::move(lost));
  }
  return found;
}

std::uint64_t chained(std::uint64_t chain, ByteView record) noexcept { return hash64(record, chain); }

}  // namespace attune::detail
