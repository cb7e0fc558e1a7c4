// SPDX-License-Identifier: Apache-2.0
// Import of JSON Lines: the encoded record of each line is what counts, the rest is for people.
#include "store/admin_import.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/failpoint.hpp"
#include "store/acts.hpp"
#include "store/audit_rows.hpp"
#include "store/base64.hpp"
#include "store/record_cursor.hpp"

namespace attune::detail {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxLine = std::size_t{1} << 26U;
constexpr int kMaxDepth = 4;

struct Line {
  std::uint64_t position = 0;
  std::string record;  // base64
  std::string point_name;
  std::string arm;
  bool erased = false;
};

/// Takes the members that matter and builds nothing of the rest. Depth is bounded, and a repeated member is
/// refused: which one counts would be anybody's guess.
class LineReader final : public nlohmann::json_sax<Json> {
 public:
  explicit LineReader(Line& line) : line_(line) {}
  bool null() override { return true; }
  bool boolean(bool value) override {
    if (depth_ == 1 && key_ == "erased") {
      line_.erased = value;
    }
    return true;
  }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ == 1 && key_ == "position") {
      line_.position = value;
    }
    return true;
  }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& value) override {
    if (depth_ == 1 && key_ == "record") {
      line_.record = value;
    } else if (depth_ == 1 && key_ == "point_name") {
      line_.point_name = value;
    } else if (depth_ == 1 && key_ == "arm") {
      line_.arm = value;
    }
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return ++depth_ <= kMaxDepth; }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(std::size_t /*size*/) override {
    ++depth_;
    return depth_ > 1 && depth_ <= kMaxDepth;  // a line is an object
  }
  bool end_array() override { return --depth_ >= 0; }
  bool key(string_t& value) override {
    if (depth_ != 1) {
      return true;
    }
    key_ = value;
    constexpr std::array<std::string_view, 5> kRead{"position", "record", "point_name", "arm", "erased"};
    const auto* const at = std::ranges::find(kRead, key_);
    const unsigned bit = at == kRead.end() ? 0U : 1U << static_cast<unsigned>(at - kRead.begin());
    const bool fresh = (seen_ & bit) == 0;
    seen_ |= bit;
    return fresh;
  }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  Line& line_;
  std::string key_;
  unsigned seen_ = 0;  // a bit for each member that is read
  int depth_ = 0;
};

/// The next line without its line feed; false: there is none, or it cannot be read. Of a line that is too
/// long no more is kept than shows that it is.
[[nodiscard]] bool read_line(std::istream& in, std::string& text) {
  std::array<char, std::size_t{1} << 14U> piece{};
  text.clear();
  while (text.size() <= kMaxLine) {
    in.getline(piece.data(), piece.size());
    const auto taken = static_cast<std::size_t>(in.gcount());
    if (in.good()) {
      text.append(piece.data(), taken - 1);  // the line feed is counted, not kept
      return true;
    }
    text.append(piece.data(), taken);
    if (in.eof() || in.bad() || taken == 0) {
      return !in.bad() && !text.empty();
    }
    in.clear();  // the piece is full
  }
  return true;
}

/// The import of one file, line by line, inside one act.
class Import {
 public:
  Import(const StoreFile& store, Head& head, RowWriter& rows) : store_(store), head_(head), rows_(rows) {}

  [[nodiscard]] Result<ImportReport> run(const std::string& file);

 private:
  [[nodiscard]] tl::unexpected<Error> refuse(Errc code, const std::string& why) const {
    return fail(code,
                "'" + file_ + "', line " + std::to_string(number_) + ": " + why + "; nothing was imported");
  }
  [[nodiscard]] Result<void> take(const std::string& text);
  [[nodiscard]] Result<void> compare(ByteView record);
  [[nodiscard]] Result<void> add(ByteView record);

  const StoreFile& store_;
  Head& head_;
  RowWriter& rows_;
  std::string file_;
  std::uint64_t number_ = 0;
  Line line_;
  std::uint64_t next_ = 0;  // position of the next line; 0: any
  std::optional<Head> before_;
  std::optional<RecordCursor> existing_;
  AlignedRecord aligned_;
  ImportReport report_;
};

Result<ImportReport> Import::run(const std::string& file) {
  file_ = file;
  before_ = head_;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return fail(Errc::io, "'" + file + "' cannot be read");
  }
  rows_.set_names(
      {.point = [this](std::uint32_t) { return std::string_view(line_.point_name); },
       .arm = [this](std::uint32_t, std::uint32_t, std::uint16_t) { return std::string_view(line_.arm); }});
  std::string text;
  while (read_line(in, text)) {
    ++number_;
    if (text.empty()) {
      continue;
    }
    if (Result<void> taken = take(text); !taken) {
      return tl::unexpected(std::move(taken).error());
    }
  }
  if (in.bad()) {
    return fail(Errc::io, "'" + file + "' could not be read to its end");
  }
  report_.last_position = head_.position;
  return report_;
}

Result<void> Import::take(const std::string& text) {
  line_ = {};
  if (text.size() > kMaxLine) {
    return refuse(Errc::parse, "it is longer than 64 MiB");
  }
  LineReader reader(line_);
  if (!Json::sax_parse(text, &reader) || line_.position == 0) {
    return refuse(Errc::parse, "it is not a JSON object with a position, as export writes them");
  }
  if (next_ != 0 && line_.position != next_) {
    return refuse(Errc::invalid_argument, "record " + std::to_string(line_.position) + " where record " +
                                              std::to_string(next_) + " is next");
  }
  next_ = line_.position + 1;
  if (line_.position > head_.position + 1) {
    return refuse(Errc::invalid_argument, "record " + std::to_string(line_.position) +
                                              " would leave a gap: the store ends at record " +
                                              std::to_string(head_.position));
  }
  const bool known = line_.position <= before_->position;
  if (line_.erased) {
    if (!known) {
      return refuse(Errc::invalid_argument, "record " + std::to_string(line_.position) +
                                                " was erased, and the journal cannot go on without it");
    }
    ++report_.skipped;
    return {};
  }
  Bytes bytes;
  if (!parse_base64(line_.record, bytes)) {
    return refuse(Errc::parse, "its record is not base64");
  }
  const ByteView record = aligned_.copy(bytes);
  if (const Result<RecordHeader> header = check_appended(record, line_.position); !header) {
    return refuse(header.error().code, header.error().message);
  }
  return known ? compare(record) : add(record);
}

Result<void> Import::compare(ByteView record) {
  ++report_.skipped;
  if (line_.position <= before_->first) {
    return {};  // retention removed it: there is nothing to compare with
  }
  if (!existing_) {
    Result<RecordCursor> cursor = RecordCursor::open(store_, *before_, line_.position);
    if (!cursor) {
      return tl::unexpected(std::move(cursor).error());
    }
    existing_ = std::move(*cursor);
  }
  Result<bool> more = true;
  while (more && *more && existing_->expected() <= line_.position) {
    more = existing_->next();
  }
  if (!more) {
    return tl::unexpected(std::move(more).error());
  }
  const ByteView stored = existing_->record();
  return existing_->erased() || std::ranges::equal(stored, record)
             ? Result<void>{}
             : refuse(Errc::conflict,
                      "record " + std::to_string(line_.position) + " is another one in the store");
}

Result<void> Import::add(ByteView record) {
  existing_.reset();
  RecordHeader header;
  static_cast<void>(read_header(record, header));  // checked
  head_.chain = chained(head_.chain, record);
  if (Result<void> done = rows_.insert(record, header.kind, head_.chain, head_.counts); !done) {
    return done.error().code == Errc::io ? done : refuse(done.error().code, done.error().message);
  }
  ++head_.position;
  ++report_.added;
  return {};
}

}  // namespace

Result<ImportReport> import_lines(const StoreFile& store, Head& head, RowWriter& rows,
                                  const std::string& file, const Act& act) {
  const Names names = rows.names();
  const std::uint64_t before = head.position;
  Result<ImportReport> report = Import(store, head, rows).run(file);
  rows.set_names(names);
  failpoint(Failpoint::import_rows_inserted);
  if (!report || report->added == 0) {
    return report;
  }
  Result<void> done = write_head(store.database, head);
  if (done) {
    done = add_audit(store.database, act,
                     {.action = "import",
                      .subject = std::to_string(report->added) + " records from " + file,
                      .before = "last record " + std::to_string(before),
                      .after = "last record " + std::to_string(head.position)});
  }
  return done ? report : tl::unexpected(std::move(done).error());
}

}  // namespace attune::detail
