// SPDX-License-Identifier: Apache-2.0
#include "store/row_writer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "core/failpoint.hpp"
#include "store/json_text.hpp"

namespace attune::detail {
namespace {

constexpr int kDecisionColumns = 17;
constexpr int kOutcomeColumns = 8;

/// The id where it lies in the encoded record: it outlives the decoded one.
[[nodiscard]] ByteView id_in(ByteView record) noexcept {
  return record.subspan(offsetof(RecordHeader, id), sizeof(Uuid));
}

[[nodiscard]] std::string insert_text(std::string_view table, int columns, std::size_t rows) {
  std::string row = "(?";
  for (int i = 1; i < columns; ++i) {
    row += ",?";
  }
  row += ')';
  std::string text = "INSERT INTO " + std::string(table) + " VALUES" + row;
  for (std::size_t i = 1; i < rows; ++i) {
    text += ',' + row;
  }
  return text;
}

/// Binds the cells of a row from left to right.
class Cells {
 public:
  Cells(Statement& statement, int before) noexcept : statement_(statement), at_(before) {}
  template <class Value>
  Cells& put(Value value) noexcept {
    statement_.bind(++at_, value);
    return *this;
  }
  template <class Value>
  Cells& put_if(bool there, Value value) noexcept {
    if (there) {
      return put(value);
    }
    statement_.bind_null(++at_);
    return *this;
  }

 private:
  Statement& statement_;
  int at_;
};

[[nodiscard]] tl::unexpected<Error> malformed(const RecordHeader& header) {
  return fail(Errc::invalid_argument, "the record for position " + std::to_string(header.position) +
                                          " has a body that cannot be decoded");
}

}  // namespace

std::string_view event_name(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::tick:
      return "tick";
    case EventKind::arm_added:
      return "arm_added";
    case EventKind::arm_enabled:
      return "arm_enabled";
    case EventKind::arm_disabled:
      return "arm_disabled";
    case EventKind::arm_removed:
      return "arm_removed";
    case EventKind::episode_ended:
      return "episode_ended";
    case EventKind::killed:
      return "killed";
    case EventKind::frozen:
      return "frozen";
  }
  return "unknown";
}

Result<RowWriter> RowWriter::make(const Database& database) {
  RowWriter writer;
  const std::array<std::pair<Statement*, std::string>, 6> texts{{
      {&writer.decisions_.one, insert_text("decisions", kDecisionColumns, 1)},
      {&writer.decisions_.many, insert_text("decisions", kDecisionColumns, kTogether)},
      {&writer.outcomes_.one, insert_text("outcomes", kOutcomeColumns, 1)},
      {&writer.outcomes_.many, insert_text("outcomes", kOutcomeColumns, kTogether)},
      {&writer.event_, "INSERT INTO events VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"},
      {&writer.point_, "REPLACE INTO points VALUES(?1,?2)"},
  }};
  for (const auto& [prepared, sql] : texts) {
    Result<Statement> statement = database.prepare(sql);
    if (!statement) {
      return tl::unexpected(std::move(statement).error());
    }
    *prepared = std::move(*statement);
  }
  return writer;
}

void RowWriter::set_names(Names names) {
  names_ = std::move(names);
  written_points_.clear();
}

Result<void> RowWriter::insert(ByteView record, RecordKind kind, std::uint64_t chain, KindCounts& counts) {
  const Held held{.record = is_aligned(record) ? record : aligned_.copy(record), .chain = chain};
  const auto insert_row = [&](Table& table, Bind bind) {
    Result<void> bound = (this->*bind)(table.one, 0, held, texts_[0]);
    return bound ? table.one.run() : bound;
  };
  switch (kind) {
    case RecordKind::decision:
      ++counts.decisions;
      return insert_row(decisions_, &RowWriter::bind_decision);
    case RecordKind::outcome:
      ++counts.outcomes;
      return insert_row(outcomes_, &RowWriter::bind_outcome);
    case RecordKind::event:
      ++counts.events;
      return insert_event(held.record, chain);
  }
  return fail(Errc::invalid_argument,
              "a record of unknown kind " + std::to_string(static_cast<unsigned>(kind)) + " was given");
}

Result<void> RowWriter::add(ByteView record, RecordKind kind, std::uint64_t chain, KindCounts& counts) {
  if (is_aligned(record) && kind == RecordKind::decision) {
    ++counts.decisions;
    decisions_.held.push_back({.record = record, .chain = chain});
    return {};
  }
  if (is_aligned(record) && kind == RecordKind::outcome) {
    ++counts.outcomes;
    outcomes_.held.push_back({.record = record, .chain = chain});
    return {};
  }
  return insert(record, kind, chain, counts);
}

Result<void> RowWriter::flush() {
  Result<void> done = flush(decisions_, &RowWriter::bind_decision, kDecisionColumns);
  return done ? flush(outcomes_, &RowWriter::bind_outcome, kOutcomeColumns) : done;
}

Result<void> RowWriter::flush(Table& table, Bind bind, int columns) {
  std::span<const Held> left = table.held;
  while (!left.empty()) {
    const bool many = left.size() >= kTogether;
    Statement& statement = many ? table.many : table.one;
    const std::span<const Held> now = left.first(many ? kTogether : 1);
    int before = 0;
    for (std::size_t i = 0; i < now.size(); ++i, before += columns) {
      if (Result<void> bound = (this->*bind)(statement, before, now[i], texts_[i]); !bound) {
        return bound;
      }
    }
    if (Result<void> done = statement.run(); !done) {
      return done;
    }
    failpoint(Failpoint::append_row_inserted);
    left = left.subspan(now.size());
  }
  table.held.clear();
  return {};
}

void RowWriter::forget() noexcept {
  written_points_.clear();
  decisions_.held.clear();
  outcomes_.held.clear();
}

Result<void> RowWriter::bind_decision(Statement& row, int before, const Held& held, Texts& texts) {
  DecisionRecord decision;
  if (decode(held.record, decision) != Errc::ok) {
    return malformed(decision.header);
  }
  const RecordHeader& header = decision.header;
  if (Result<void> noted = note_point(header.point); !noted) {
    return noted;
  }
  const auto slot = static_cast<std::uint32_t>(decision.arm);
  const bool has_arm = decision.arm != kNoArm;
  texts.arm =
      has_arm && names_.arm ? names_.arm(header.point, slot, decision.arm_generation) : std::string_view{};
  if (!decision.values.empty()) {
    write_json_array(texts.json, decision.values);
  }
  const bool greedy = (header.flags & DecisionRecord::kGreedy) != 0;
  Cells cells(row, before);
  cells.put(header.position).put(header.time).put(std::uint64_t{header.point});
  cells.put(decision.sequence).put(id_in(held.record));
  cells.put_if(has_arm, std::uint64_t{slot}).put_if(!texts.arm.empty(), std::string_view(texts.arm));
  cells.put(decision.propensity).put(decision.score).put(decision.version);
  cells.put(static_cast<std::uint64_t>(decision.rung)).put(std::uint64_t{greedy ? 1U : 0U});
  cells.put_if(decision.episode != 0, decision.episode).put_if(decision.subject != 0, decision.subject);
  cells.put_if(!decision.values.empty(), std::string_view(texts.json));
  cells.put(held.chain).put(held.record);
  return {};
}

Result<void> RowWriter::bind_outcome(Statement& row, int before, const Held& held, Texts& texts) {
  OutcomeRecord outcome;
  if (decode(held.record, outcome) != Errc::ok) {
    return malformed(outcome.header);
  }
  const RecordHeader& header = outcome.header;
  write_json_object(texts.json, outcome.all());
  const bool terminal = (header.flags & OutcomeRecord::kTerminal) != 0;
  const bool truncated = (header.flags & OutcomeRecord::kTruncated) != 0;
  Cells cells(row, before);
  cells.put(header.position).put(header.time).put(id_in(held.record)).put(std::string_view(texts.json));
  cells.put_if(outcome.key != 0, outcome.key).put(std::uint64_t{terminal ? 1U : truncated ? 2U : 0U});
  cells.put(held.chain).put(held.record);
  return {};
}

Result<void> RowWriter::insert_event(ByteView record, std::uint64_t chain) {
  EventRecord event;
  if (decode(record, event) != Errc::ok) {
    return malformed(event.header);
  }
  const RecordHeader& header = event.header;
  if (Result<void> noted = note_point(header.point); !noted) {
    return noted;
  }
  Cells cells(event_, 0);
  cells.put(header.position).put(header.time).put(std::uint64_t{header.point}).put(event_name(event.kind));
  cells.put_if(!event.text.empty(), event.text).put_if(event.number != 0, event.number);
  cells.put(event.value).put(event.aux).put(chain).put(record);
  return event_.run();
}

Result<void> RowWriter::note_point(std::uint32_t point) {
  const auto at = std::ranges::lower_bound(written_points_, point);
  if (at != written_points_.end() && *at == point) {
    return {};
  }
  const std::string_view name = names_.point ? names_.point(point) : std::string_view{};
  written_points_.insert(at, point);
  return name.empty() ? Result<void>{} : point_.bind(1, std::uint64_t{point}).bind(2, name).run();
}

}  // namespace attune::detail
