// SPDX-License-Identifier: Apache-2.0
#include "store/row_writer.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "store/json_text.hpp"

namespace attune::detail {
namespace {

[[nodiscard]] ByteView bytes_of(const Uuid& id) noexcept { return std::as_bytes(std::span(id.bytes)); }

void bind_unless_zero(Statement& statement, int index, std::uint64_t value) noexcept {
  if (value != 0) {
    statement.bind(index, value);
  } else {
    statement.bind_null(index);
  }
}

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
  }
  return "unknown";
}

Result<RowWriter> RowWriter::make(const Database& database) {
  const std::array<std::pair<Statement RowWriter::*, std::string_view>, 4> texts{{
      {&RowWriter::decision_,
       "INSERT INTO decisions VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)"},
      {&RowWriter::outcome_, "INSERT INTO outcomes VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"},
      {&RowWriter::event_, "INSERT INTO events VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"},
      {&RowWriter::point_, "REPLACE INTO points VALUES(?1,?2)"},
  }};
  RowWriter writer;
  for (const auto& [member, sql] : texts) {
    Result<Statement> statement = database.prepare(sql);
    if (!statement) {
      return tl::unexpected(std::move(statement).error());
    }
    writer.*member = std::move(*statement);
  }
  return writer;
}

void RowWriter::set_names(Names names) {
  names_ = std::move(names);
  written_points_.clear();
}

Result<void> RowWriter::insert(ByteView record, RecordKind kind, std::uint64_t chain, KindCounts& counts) {
  const ByteView bytes = is_aligned(record) ? record : aligned_.copy(record);
  switch (kind) {
    case RecordKind::decision:
      ++counts.decisions;
      return insert_decision(bytes, chain);
    case RecordKind::outcome:
      ++counts.outcomes;
      return insert_outcome(bytes, chain);
    case RecordKind::event:
      ++counts.events;
      return insert_event(bytes, chain);
  }
  return fail(Errc::invalid_argument,
              "a record of unknown kind " + std::to_string(static_cast<unsigned>(kind)) + " was given");
}

Result<void> RowWriter::insert_decision(ByteView record, std::uint64_t chain) {
  DecisionRecord decision;
  if (decode(record, decision) != Errc::ok) {
    return malformed(decision.header);
  }
  const RecordHeader& header = decision.header;
  if (Result<void> noted = note_point(header.point); !noted) {
    return noted;
  }
  const auto slot = static_cast<std::uint32_t>(decision.arm);
  const bool has_arm = decision.arm != kNoArm;
  const std::string_view arm = has_arm && names_.arm ? names_.arm(header.point, slot) : std::string_view{};
  decision_.bind(1, header.position).bind(2, header.time).bind(3, std::uint64_t{header.point});
  decision_.bind(4, decision.sequence).bind(5, bytes_of(header.id));
  has_arm ? decision_.bind(6, std::uint64_t{slot}) : decision_.bind_null(6);
  arm.empty() ? decision_.bind_null(7) : decision_.bind(7, arm);
  decision_.bind(8, decision.propensity).bind(9, decision.score).bind(10, decision.version);
  decision_.bind(11, static_cast<std::uint64_t>(decision.rung));
  decision_.bind(12, std::uint64_t{(header.flags & DecisionRecord::kGreedy) != 0 ? 1U : 0U});
  bind_unless_zero(decision_, 13, decision.episode);
  bind_unless_zero(decision_, 14, decision.subject);
  if (decision.values.empty()) {
    decision_.bind_null(15);
  } else {
    write_json_array(text_, decision.values);
    decision_.bind(15, std::string_view(text_));
  }
  return decision_.bind(16, chain).bind(17, record).run();
}

Result<void> RowWriter::insert_outcome(ByteView record, std::uint64_t chain) {
  OutcomeRecord outcome;
  if (decode(record, outcome) != Errc::ok) {
    return malformed(outcome.header);
  }
  const RecordHeader& header = outcome.header;
  write_json_object(text_, outcome.all());
  const bool terminal = (header.flags & OutcomeRecord::kTerminal) != 0;
  const bool truncated = (header.flags & OutcomeRecord::kTruncated) != 0;
  outcome_.bind(1, header.position).bind(2, header.time).bind(3, bytes_of(header.id));
  outcome_.bind(4, std::string_view(text_));
  bind_unless_zero(outcome_, 5, outcome.key);
  outcome_.bind(6, std::uint64_t{terminal ? 1U : truncated ? 2U : 0U});
  return outcome_.bind(7, chain).bind(8, record).run();
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
  event_.bind(1, header.position).bind(2, header.time).bind(3, std::uint64_t{header.point});
  event_.bind(4, event_name(event.kind));
  event.text.empty() ? event_.bind_null(5) : event_.bind(5, event.text);
  bind_unless_zero(event_, 6, event.number);
  return event_.bind(7, event.value).bind(8, event.aux).bind(9, chain).bind(10, record).run();
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
