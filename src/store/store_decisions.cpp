// SPDX-License-Identifier: Apache-2.0
// StoreView::decisions: the newest decisions that fit a query, each with its outcomes.
#include <algorithm>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>

#include "store/store_view.hpp"

namespace attune {
namespace {

using detail::AlignedRecord;
using detail::Database;
using detail::Statement;
using detail::Transaction;

constexpr std::string_view kSelect =
    "SELECT position, record, arm FROM decisions WHERE (?1 IS NULL OR point = ?1) AND (?2 IS NULL OR arm = "
    "?2)"
    " AND (?3 IS NULL OR id = ?3) AND position < ?4 AND (record IS NOT NULL OR time IS NOT NULL) ORDER BY "
    "position DESC LIMIT ?5";

/// The record of a row whose first two columns are position and record, checked and decoded.
template <class Record>
[[nodiscard]] Result<void> read_record(const Statement& row, AlignedRecord& aligned, Record& out) {
  const ByteView bytes = aligned.copy(row.blob(1));
  const Result<RecordHeader> header = detail::check_stored(bytes, row.count(0));
  if (!header) {
    return tl::unexpected(header.error());
  }
  return decode(bytes, out) == Errc::ok
             ? Result<void>{}
             : fail(Errc::corrupt_state, "record " + std::to_string(header->position) + " cannot be decoded");
}

[[nodiscard]] DecisionReport report_of(const DecisionRecord& decision, std::string_view arm) {
  DecisionReport report;
  report.position = decision.header.position;
  report.time = decision.header.time;
  report.point = decision.header.point;
  report.sequence = decision.sequence;
  report.id = decision.header.id;
  if (decision.arm != kNoArm) {
    report.slot = static_cast<std::uint32_t>(decision.arm);
  }
  report.arm = arm;
  report.propensity = decision.propensity;
  report.score = decision.score;
  report.version = decision.version;
  report.rung = decision.rung;
  report.greedy = (decision.header.flags & DecisionRecord::kGreedy) != 0;
  report.parameters.assign(decision.values.begin(), decision.values.end());
  return report;
}

[[nodiscard]] Result<std::vector<DecisionReport>> select_decisions(const Database& database,
                                                                   const DecisionQuery& query,
                                                                   std::optional<std::uint32_t> point) {
  Result<Statement> rows = database.prepare(kSelect);
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  point ? rows->bind(1, std::uint64_t{*point}) : rows->bind_null(1);
  query.arm ? rows->bind(2, std::string_view(*query.arm)) : rows->bind_null(2);
  query.id ? rows->bind(3, std::as_bytes(std::span(query.id->bytes))) : rows->bind_null(3);
  rows->bind(4, query.before > 0 ? std::min(query.before, kLargest) : kLargest);
  rows->bind(5, std::min(query.limit, kLargest));
  std::vector<DecisionReport> reports;
  AlignedRecord aligned;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    DecisionRecord decision;
    if (Result<void> read = read_record(*rows, aligned, decision); !read) {
      return tl::unexpected(std::move(read).error());
    }
    reports.push_back(report_of(decision, rows->text(2)));
  }
  return row ? Result<std::vector<DecisionReport>>(std::move(reports))
             : tl::unexpected(std::move(row).error());
}

/// Outcomes come after their decisions: only the journal behind the oldest one shown is looked at.
[[nodiscard]] Result<void> join_outcomes(const Database& database, std::vector<DecisionReport>& reports) {
  if (reports.empty()) {
    return {};
  }
  std::unordered_map<Uuid, std::size_t> index;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    index.emplace(reports[i].id, i);
  }
  Result<Statement> rows = database.prepare(
      "SELECT position, record, decision FROM outcomes WHERE position > ?1 ORDER BY position");
  if (!rows) {
    return tl::unexpected(std::move(rows).error());
  }
  rows->bind(1, reports.back().position);
  AlignedRecord aligned;
  Result<bool> row = rows->step();
  for (; row && *row; row = rows->step()) {
    Uuid id;
    const ByteView stored = rows->blob(2);
    if (stored.size() != id.bytes.size()) {
      continue;
    }
    std::ranges::copy(stored, std::as_writable_bytes(std::span(id.bytes)).begin());
    const auto at = index.find(id);
    if (at == index.end()) {
      continue;
    }
    OutcomeRecord outcome;
    if (Result<void> read = read_record(*rows, aligned, outcome); !read) {
      return read;
    }
    DecisionReport::Outcome joined{
        .position = outcome.header.position, .time = outcome.header.time, .components = {}};
    for (const Component& component : outcome.all()) {
      joined.components.emplace_back(component.name, component.value);
    }
    reports[at->second].outcomes.push_back(std::move(joined));
  }
  return row ? Result<void>{} : tl::unexpected(std::move(row).error());
}

}  // namespace

Result<std::vector<DecisionReport>> StoreView::decisions(const DecisionQuery& query) {
  const Database& database = impl_->store.database;
  Result<Transaction> moment = Transaction::begin(database);
  if (!moment) {
    return tl::unexpected(std::move(moment).error());
  }
  const auto names = impl_->point_names();
  if (!names) {
    return tl::unexpected(names.error());
  }
  const Result<std::optional<std::uint32_t>> point = find_point(*names, query.point);
  if (!point) {
    return tl::unexpected(point.error());
  }
  Result<std::vector<DecisionReport>> reports = select_decisions(database, query, *point);
  if (!reports) {
    return reports;
  }
  for (DecisionReport& report : *reports) {
    if (const auto name = names->find(report.point); name != names->end()) {
      report.point_name = name->second;
    }
  }
  return join_outcomes(database, *reports).map([&] { return std::move(*reports); });
}

}  // namespace attune
