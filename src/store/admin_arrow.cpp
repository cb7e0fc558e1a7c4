// SPDX-License-Identifier: Apache-2.0
// Export of a journal's range as one Arrow record batch.
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <attune/store/admin.hpp>

#include "store/arrow_builder.hpp"
#include "store/json_text.hpp"
#include "store/record_cursor.hpp"
#include "store/row_writer.hpp"

namespace attune {
namespace {

using detail::ArrowBuilder;
using detail::ArrowColumn;
using detail::RecordCursor;

[[nodiscard]] std::optional<std::uint64_t> unless_zero(std::uint64_t value) {
  return value != 0 ? std::optional(value) : std::nullopt;
}
[[nodiscard]] std::optional<std::string_view> unless_empty(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}
[[nodiscard]] ByteView bytes_of(const Uuid& id) { return std::as_bytes(std::span(id.bytes)); }

/// Position and time, which every table has.
struct Start {
  explicit Start(ArrowBuilder& builder)
      : position(builder.column("position", "L")), time(builder.column("time", "tsn:UTC")) {}
  void add(const RecordHeader& header) {
    position.u64(header.position);
    time.i64(header.time);
  }
  ArrowColumn& position;
  ArrowColumn& time;
};

class Decisions {
 public:
  using Record = DecisionRecord;
  static constexpr RecordKind kKind = RecordKind::decision;

  explicit Decisions(ArrowBuilder& builder) : builder_(builder) {}
  void add(const Record& record, std::string_view arm) {
    point_.u32(record.header.point);
    id_.bytes(bytes_of(record.header.id));
    sequence_.u64(record.sequence);
    slot_.u32(record.arm != kNoArm ? std::optional(static_cast<std::uint32_t>(record.arm)) : std::nullopt);
    arm_.text(unless_empty(arm));
    propensity_.f64(record.propensity);
    score_.f64(record.score);
    version_.u64(record.version);
    rung_.u8(static_cast<std::uint8_t>(record.rung));
    reason_.u8(static_cast<std::uint8_t>(record.reason));
    greedy_.boolean((record.header.flags & DecisionRecord::kGreedy) != 0);
    episode_.u64(unless_zero(record.episode));
    client_key_.u64(unless_zero(record.client_key));
    subject_.u64(unless_zero(record.subject));
    context_.list(record.input.dense);
    parameters_.list(record.values);
  }

 private:
  ArrowBuilder& builder_;
  ArrowColumn& point_ = builder_.column("point", "I");
  ArrowColumn& id_ = builder_.column("id", "w:16");
  ArrowColumn& sequence_ = builder_.column("sequence", "L");
  ArrowColumn& slot_ = builder_.column("slot", "I");
  ArrowColumn& arm_ = builder_.column("arm", "U");
  ArrowColumn& propensity_ = builder_.column("propensity", "g");
  ArrowColumn& score_ = builder_.column("score", "g");
  ArrowColumn& version_ = builder_.column("version", "L");
  ArrowColumn& rung_ = builder_.column("rung", "C");
  ArrowColumn& greedy_ = builder_.column("greedy", "b");
  ArrowColumn& episode_ = builder_.column("episode", "L");
  ArrowColumn& client_key_ = builder_.column("client_key", "L");
  ArrowColumn& subject_ = builder_.column("subject", "L");
  ArrowColumn& context_ = builder_.column("context", "+L");
  ArrowColumn& parameters_ = builder_.column("parameters", "+L");
  ArrowColumn& reason_ = builder_.column("reason", "C");
};

class Outcomes {
 public:
  using Record = OutcomeRecord;
  static constexpr RecordKind kKind = RecordKind::outcome;

  explicit Outcomes(ArrowBuilder& builder) : builder_(builder) {}
  void add(const Record& record, std::string_view /*arm*/) {
    decision_.bytes(bytes_of(record.header.id));
    detail::write_json_object(text_, record.all());
    components_.text(text_);
    key_.u64(unless_zero(record.key));
    source_.u64(unless_zero(record.source));
    terminal_.boolean((record.header.flags & OutcomeRecord::kTerminal) != 0);
    truncated_.boolean((record.header.flags & OutcomeRecord::kTruncated) != 0);
  }

 private:
  ArrowBuilder& builder_;
  ArrowColumn& decision_ = builder_.column("decision", "w:16");
  ArrowColumn& components_ = builder_.column("components", "U");
  ArrowColumn& key_ = builder_.column("key", "L");
  ArrowColumn& terminal_ = builder_.column("terminal", "b");
  ArrowColumn& truncated_ = builder_.column("truncated", "b");
  ArrowColumn& source_ = builder_.column("source", "L");
  std::string text_;
};

class Events {
 public:
  using Record = EventRecord;
  static constexpr RecordKind kKind = RecordKind::event;

  explicit Events(ArrowBuilder& builder) : builder_(builder) {}
  void add(const Record& record, std::string_view /*arm*/) {
    point_.u32(record.header.point);
    event_.text(detail::event_name(record.kind));
    text_.text(unless_empty(record.text));
    number_.u64(unless_zero(record.number));
    value_.f64(record.value);
    aux_.f64(record.aux);
    numbers_.list(record.numbers);
  }

 private:
  ArrowBuilder& builder_;
  ArrowColumn& point_ = builder_.column("point", "I");
  ArrowColumn& event_ = builder_.column("event", "U");
  ArrowColumn& text_ = builder_.column("text", "U");
  ArrowColumn& number_ = builder_.column("number", "L");
  ArrowColumn& value_ = builder_.column("value", "g");
  ArrowColumn& aux_ = builder_.column("aux", "g");
  ArrowColumn& numbers_ = builder_.column("numbers", "+L");
};

template <class Table>
[[nodiscard]] Result<void> build(RecordCursor& cursor, std::uint64_t last, ArrowSchema& schema,
                                 ArrowArray& array) {
  ArrowBuilder builder;
  Start start(builder);
  Table table(builder);
  std::int64_t rows = 0;
  while (cursor.expected() <= last) {
    const Result<bool> more = cursor.next();
    if (!more) {
      return tl::unexpected(more.error());
    }
    if (!*more) {
      break;
    }
    if (cursor.erased() || cursor.header().kind != Table::kKind) {
      continue;
    }
    typename Table::Record record;
    if (decode(cursor.record(), record) != Errc::ok) {
      return fail(Errc::corrupt_state, "record " + std::to_string(cursor.position()) + " cannot be decoded");
    }
    start.add(record.header);
    table.add(record, cursor.arm());
    ++rows;
  }
  std::move(builder).hand_over(rows, schema, array);
  return {};
}

}  // namespace

Result<void> export_arrow(const std::string& store, const PositionRange& range, ExportTable table,
                          ArrowSchema* schema, ArrowArray* array) {
  if (schema == nullptr || array == nullptr) {
    return fail(Errc::invalid_argument, "export_arrow needs a schema and an array to fill");
  }
  const Result<detail::StoreFile> opened = detail::open_store_file(store, {.mode = OpenMode::read_only});
  if (!opened) {
    return tl::unexpected(opened.error());
  }
  Result<detail::Transaction> moment = detail::Transaction::begin(opened->database);
  const Result<detail::Head> head = moment ? detail::read_head(*opened) : tl::unexpected(moment.error());
  Result<RecordCursor> cursor =
      head ? RecordCursor::open(*opened, *head, range.first) : tl::unexpected(head.error());
  if (!cursor) {
    return tl::unexpected(std::move(cursor).error());
  }
  switch (table) {
    case ExportTable::decisions:
      return build<Decisions>(*cursor, range.last, *schema, *array);
    case ExportTable::outcomes:
      return build<Outcomes>(*cursor, range.last, *schema, *array);
    case ExportTable::events:
      return build<Events>(*cursor, range.last, *schema, *array);
  }
  return fail(Errc::invalid_argument, "there is no such table");
}

}  // namespace attune
