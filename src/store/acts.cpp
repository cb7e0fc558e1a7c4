// SPDX-License-Identifier: Apache-2.0
// What the acts share.
#include "store/acts.hpp"

#include <array>
#include <string>
#include <utility>

#include "store/schema.hpp"

namespace attune::detail {

Result<void> write_head(const Database& database, const Head& head) {
  Result<Statement> update = database.prepare(
      "UPDATE head SET position = ?1, chain = ?2, first = ?3, first_chain = ?4, erased = ?5, last_erased = "
      "?6,"
      " decisions = ?7, outcomes = ?8, events = ?9");
  if (!update) {
    return tl::unexpected(std::move(update).error());
  }
  update->bind(1, head.position).bind(2, head.chain).bind(3, head.first).bind(4, head.first_chain);
  update->bind(5, head.erased).bind(6, head.last_erased);
  update->bind(7, head.counts.decisions).bind(8, head.counts.outcomes).bind(9, head.counts.events);
  return update->run();
}

Result<std::uint64_t> count_erased(const Database& database, std::string_view where, std::uint64_t position) {
  std::uint64_t count = 0;
  for (const std::string_view table : kRecordTables) {
    Result<Statement> query = database.prepare("SELECT count(*) FROM " + std::string(table) +
                                               " WHERE record IS NULL AND " + std::string(where));
    const Result<bool> row = query ? query->bind(1, position).step() : tl::unexpected(query.error());
    if (!row) {
      return tl::unexpected(row.error());
    }
    count += query->count(0);
  }
  return count;
}

Result<KindCounts> delete_rows(const Database& database, std::string_view where, std::uint64_t position) {
  std::array<std::uint64_t, 3> deleted{};
  for (std::size_t i = 0; i < kRecordTables.size(); ++i) {
    Result<Statement> remove =
        database.prepare("DELETE FROM " + std::string(kRecordTables.at(i)) + " WHERE " + std::string(where));
    Result<void> done = remove ? remove->bind(1, position).run() : tl::unexpected(std::move(remove).error());
    if (!done) {
      return tl::unexpected(std::move(done).error());
    }
    deleted[i] = static_cast<std::uint64_t>(database.changed_rows());
  }
  return KindCounts{.decisions = deleted[0], .outcomes = deleted[1], .events = deleted[2]};
}

}  // namespace attune::detail
