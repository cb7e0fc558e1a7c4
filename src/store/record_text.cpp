// SPDX-License-Identifier: Apache-2.0
#include "store/record_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "store/base64.hpp"
#include "store/json_text.hpp"
#include "store/row_writer.hpp"

namespace attune::detail {
namespace {

[[nodiscard]] std::string_view kind_name(RecordKind kind) noexcept {
  return kind == RecordKind::decision ? "decision" : kind == RecordKind::outcome ? "outcome" : "event";
}

/// 16 hex digits: a 64-bit hash as a JSON number would lose bits in many readers.
[[nodiscard]] std::string hash_text(std::uint64_t hash) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4U) {
    text[i] = kHex[hash & 0xFU];
  }
  return text;
}

[[nodiscard]] std::uint64_t ended_of(const OutcomeRecord& outcome) noexcept {
  return (outcome.header.flags & OutcomeRecord::kTerminal) != 0    ? 1U
         : (outcome.header.flags & OutcomeRecord::kTruncated) != 0 ? 2U
                                                                   : 0U;
}

/// Members of one JSON object, in order.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : out_(out) { out_ += '{'; }
  void number(std::string_view key, std::uint64_t value) { raw(key, std::to_string(value)); }
  void signed_number(std::string_view key, std::int64_t value) { raw(key, std::to_string(value)); }
  void real(std::string_view key, double value) {
    name(key);
    append_json_number(out_, value);
  }
  void text(std::string_view key, std::string_view value) {
    name(key);
    append_json_string(out_, value);
  }
  void text_unless_empty(std::string_view key, std::string_view value) {
    if (!value.empty()) {
      text(key, value);
    }
  }
  void hash_unless_zero(std::string_view key, std::uint64_t value) {
    if (value != 0) {
      text(key, hash_text(value));
    }
  }
  void raw(std::string_view key, std::string_view json) {
    name(key);
    out_ += json;
  }
  void record(ByteView bytes) {
    name("record");
    out_ += '"';
    append_base64(out_, bytes);
    out_ += "\"}\n";
  }

 private:
  void name(std::string_view key) {
    out_ += out_.back() == '{' ? "" : ",";
    append_json_string(out_, key);
    out_ += ':';
  }
  std::string& out_;
};

void start(JsonLine& line, const RecordHeader& header) {
  line.number("position", header.position);
  line.text("kind", kind_name(header.kind));
  line.signed_number("time", header.time);
}

void decision_line(JsonLine& line, const DecisionRecord& decision, const LineNames& names) {
  start(line, decision.header);
  line.number("point", decision.header.point);
  line.text_unless_empty("point_name", names.point);
  line.text("id", decision.header.id.to_string());
  line.number("sequence", decision.sequence);
  if (decision.arm != kNoArm) {
    line.number("slot", static_cast<std::uint32_t>(decision.arm));
  }
  line.text_unless_empty("arm", names.arm);
  line.real("propensity", decision.propensity);
  line.real("score", decision.score);
  line.number("version", decision.version);
  line.text("rung", to_string(decision.rung));
  line.text("reason", to_string(decision.reason));
  line.raw("greedy", (decision.header.flags & DecisionRecord::kGreedy) != 0 ? "true" : "false");
  line.hash_unless_zero("episode", decision.episode);
  line.hash_unless_zero("client_key", decision.client_key);
  line.hash_unless_zero("subject", decision.subject);
  std::string numbers;
  if (!decision.input.dense.empty()) {
    write_json_array(numbers, decision.input.dense);
    line.raw("context", numbers);
  }
  if (!decision.values.empty()) {
    write_json_array(numbers, decision.values);
    line.raw("parameters", numbers);
  }
}

void outcome_line(JsonLine& line, const OutcomeRecord& outcome) {
  start(line, outcome.header);
  line.text("decision", outcome.header.id.to_string());
  std::string components;
  write_json_object(components, outcome.all());
  line.raw("components", components);
  line.hash_unless_zero("key", outcome.key);
  line.hash_unless_zero("source", outcome.source);
  line.number("ended", ended_of(outcome));
}

void event_line(JsonLine& line, const EventRecord& event, const LineNames& names) {
  start(line, event.header);
  line.number("point", event.header.point);
  line.text_unless_empty("point_name", names.point);
  line.text("event", event_name(event.kind));
  line.text_unless_empty("text", event.text);
  line.hash_unless_zero("number", event.number);
  line.real("value", event.value);
  line.real("aux", event.aux);
}

/// Fields of one CSV line; quoted where RFC 4180 asks for it.
class CsvLine {
 public:
  explicit CsvLine(std::string& out) : out_(out) {}
  CsvLine& text(std::string_view value) {
    out_ += first_ ? "" : ",";
    first_ = false;
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
      out_ += value;
      return *this;
    }
    out_ += '"';
    for (const char c : value) {
      out_ += c == '"' ? "\"\"" : std::string(1, c);
    }
    out_ += '"';
    return *this;
  }
  CsvLine& number(std::uint64_t value) { return text(std::to_string(value)); }
  CsvLine& real(double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return std::isfinite(value) ? text({buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())})
                                : text("");
  }
  CsvLine& hash(std::uint64_t value) { return text(value != 0 ? hash_text(value) : ""); }
  CsvLine& nothing(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      text("");
    }
    return *this;
  }
  void end() { out_ += "\r\n"; }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace

Errc append_json_line(std::string& out, ByteView record, const LineNames& names) {
  DecisionRecord decision;
  OutcomeRecord outcome;
  EventRecord event;
  JsonLine line(out);
  if (decode(record, decision) == Errc::ok) {
    decision_line(line, decision, names);
  } else if (decode(record, outcome) == Errc::ok) {
    outcome_line(line, outcome);
  } else if (decode(record, event) == Errc::ok) {
    event_line(line, event, names);
  } else {
    return Errc::corrupt_state;
  }
  line.record(record);
  return Errc::ok;
}

void append_erased_line(std::string& out, std::uint64_t position, RecordKind kind) {
  JsonLine line(out);
  line.number("position", position);
  line.text("kind", kind_name(kind));
  line.raw("erased", "true}\n");
}

Errc append_csv_line(std::string& out, ByteView record, const LineNames& names) {
  DecisionRecord decision;
  OutcomeRecord outcome;
  EventRecord event;
  CsvLine line(out);
  const auto begin = [&](const RecordHeader& header) {
    line.number(header.position).text(kind_name(header.kind)).text(std::to_string(header.time));
  };
  if (decode(record, decision) == Errc::ok) {
    begin(decision.header);
    line.number(decision.header.point).text(names.point).text(decision.header.id.to_string());
    line.number(decision.sequence);
    decision.arm != kNoArm ? line.number(static_cast<std::uint32_t>(decision.arm)) : line.text("");
    line.text(names.arm).real(decision.propensity).real(decision.score).number(decision.version);
    line.text(to_string(decision.rung));
    line.text((decision.header.flags & DecisionRecord::kGreedy) != 0 ? "1" : "0");
    line.hash(decision.episode).hash(decision.client_key).hash(decision.subject);
    std::string parameters;
    if (!decision.values.empty()) {
      write_json_array(parameters, decision.values);
    }
    line.text(parameters).nothing(8).text(to_string(decision.reason)).nothing(1);
  } else if (decode(record, outcome) == Errc::ok) {
    begin(outcome.header);
    std::string components;
    write_json_object(components, outcome.all());
    line.nothing(2).text(outcome.header.id.to_string()).nothing(12).text(components);
    line.hash(outcome.key).number(ended_of(outcome)).nothing(6).hash(outcome.source);
  } else if (decode(record, event) == Errc::ok) {
    begin(event.header);
    line.number(event.header.point).text(names.point).nothing(16).text(event_name(event.kind));
    line.text(event.text).hash(event.number).real(event.value).real(event.aux).nothing(2);
  } else {
    return Errc::corrupt_state;
  }
  line.end();
  return Errc::ok;
}

}  // namespace attune::detail
