// SPDX-License-Identifier: Apache-2.0
#include "simulations/csv_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <csv.h>
#include <zlib.h>

#include "simulations/decimal.hpp"

namespace attune::sim {
namespace {

struct CloseGzip {
  void operator()(gzFile file) const noexcept { gzclose_r(file); }
};
/// Of a file that is no larger, so much memory is taken at once.
constexpr std::uintmax_t kMostExpected = std::uintmax_t{1} << 30U;

using GzipFile = std::unique_ptr<std::remove_pointer_t<gzFile>, CloseGzip>;

/// A cell for a message: one line, not too long.
std::string shown(std::string_view cell) {
  std::string text;
  for (const char c : cell.substr(0, 40)) {
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return "\"" + text + (cell.size() > 40 ? "...\"" : "\"");
}

}  // namespace

/// Collects what libcsv reports. The callbacks go through C and therefore only note what is wrong.
class CsvTable::Builder {
 public:
  Builder(std::string path, const CsvLimits& limits) : limits_(limits) {
    table_.path_ = std::move(path);
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    // A field is what stands between the commas: libcsv would strip blanks and tabs around it.
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });
  }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;
  Builder(Builder&&) = delete;
  Builder& operator=(Builder&&) = delete;
  ~Builder() { csv_free(&parser_); }

  /// Makes room for as many bytes of text as a file that is not compressed has.
  void expect(std::size_t bytes) {
    expected_ = std::min(bytes, limits_.bytes);
    table_.cells_.reserve(expected_ + 1);
  }

  Result<void> feed(const char* data, std::size_t size) {
    bytes_ += size;
    if (bytes_ > limits_.bytes) {
      return fail(Errc::full, table_.path_ + ": holds more than " + std::to_string(limits_.bytes) + " bytes");
    }
    if (table_.rows_ > 0 && expected_ > 0) {
      // As many cells as the first block lets expect.
      const double blocks = static_cast<double>(expected_) / static_cast<double>(bytes_ - size);
      table_.ends_.reserve(
          static_cast<std::size_t>(1.05 * blocks * static_cast<double>(table_.ends_.size())));
      expected_ = 0;
    }
    const char* const end = data + size;
    while (data != end) {
      const void* const feed = std::memchr(data, '\n', static_cast<std::size_t>(end - data));
      const char* const stop = feed != nullptr ? static_cast<const char*>(feed) : end;
      if (feed == nullptr || within_ || !started_.empty() || !plain(data, stop)) {
        if (Result<void> good = piece(data, feed != nullptr ? stop + 1 : stop); !good) {
          return good;
        }
      } else {
        split(data, stop);
        if (!problem_.message.empty()) {
          return verdict();
        }
      }
      data = feed != nullptr ? stop + 1 : stop;
    }
    return {};
  }

  Result<CsvTable> finish() {
    if (Result<void> good = parse(started_.data(), started_.size()); !good) {
      return tl::unexpected(std::move(good).error());
    }
    if (csv_fini(&parser_, &Builder::on_field, &Builder::on_row, this) != 0) {
      return tl::unexpected(broken().error());
    }
    if (Result<void> good = verdict(); !good) {
      return tl::unexpected(std::move(good).error());
    }
    if (table_.columns_.empty()) {
      return fail(Errc::parse, table_.path_ + ": is empty; a header line is needed");
    }
    return std::move(table_);
  }

 private:
  /// A line that libcsv would split at its commas: no quote, and no return but at its end.
  static bool plain(const char* at, const char* end) noexcept {
    const auto size = static_cast<std::size_t>(end - at);
    if (std::memchr(at, '"', size) != nullptr) {
      return false;
    }
    const void* const back = std::memchr(at, '\r', size);
    return back == nullptr || static_cast<const char*>(back) + 1 == end;
  }

  /// A part of a line, or a line that is not plain.
  Result<void> piece(const char* at, const char* end) {
    if (!within_) {
      // The start of a line waits for its end, which says whether it is plain.
      started_.append(at, end);
      if (started_.back() != '\n') {
        return {};
      }
      const std::string line = std::exchange(started_, {});
      if (plain(line.data(), line.data() + line.size() - 1)) {
        split(line.data(), line.data() + line.size() - 1);
        return verdict();
      }
      return parse(line.data(), line.size());
    }
    return parse(at, static_cast<std::size_t>(end - at));
  }

  /// By libcsv, which may be within a quoted field afterwards.
  Result<void> parse(const char* at, std::size_t size) {
    if (size == 0) {
      return verdict();
    }
    within_ = true;
    const std::size_t done = csv_parse(&parser_, at, size, &Builder::on_field, &Builder::on_row, this);
    return done == size ? verdict() : broken();
  }

  /// A plain line.
  void split(const char* at, const char* end) {
    end -= end != at && end[-1] == '\r' ? 1 : 0;
    if (at == end) {
      return;  // no record
    }
    if (line_ == 1 || !problem_.message.empty()) {
      for (;;) {
        const void* const comma = std::memchr(at, ',', static_cast<std::size_t>(end - at));
        const char* const stop = comma != nullptr ? static_cast<const char*>(comma) : end;
        field(at, static_cast<std::size_t>(stop - at));
        if (comma == nullptr) {
          break;
        }
        at = stop + 1;
      }
      row();
      return;
    }
    // All cells at once: the commas stay where they are.
    const std::size_t start = table_.cells_.size();
    const std::size_t most = table_.columns_.size();
    table_.cells_.append(at, end + 1);  // with the byte behind: a return or a line feed
    const auto offset = static_cast<std::uint32_t>(start);
    const auto size = static_cast<std::uint32_t>(end - at);
    const auto comma_at = [&](std::uint32_t i) {
      if (++fields_ <= most) {
        table_.ends_.push_back(offset + i);
      }
    };
    std::uint32_t i = 0;
    if constexpr (std::endian::native == std::endian::little) {
      // Eight bytes at a time: a byte of `other` is zero where there is a comma, and `found` has its top bit.
      constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
      constexpr std::uint64_t kLow = 0x7F7F7F7F7F7F7F7FULL;
      for (; i + 8 <= size; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at + i, 8);
        const std::uint64_t other = word ^ (kOnes * ',');
        std::uint64_t found = ~(((other & kLow) + kLow) | other | kLow);
        for (; found != 0; found &= found - 1) {
          comma_at(i + static_cast<std::uint32_t>(std::countr_zero(found)) / 8);
        }
      }
    }
    for (; i < size; ++i) {
      if (at[i] == ',') {
        comma_at(i);
      }
    }
    if (++fields_ <= most) {
      table_.ends_.push_back(offset + size);
    }
    row();
  }

  static void on_field(void* text, std::size_t size, void* self) {
    static_cast<Builder*>(self)->field(text, size);
  }
  static void on_row(int /*terminator*/, void* self) { static_cast<Builder*>(self)->row(); }

  void field(const void* text, std::size_t size) {
    const std::string_view cell(static_cast<const char*>(text), size);
    within_ = true;
    ++fields_;
    if (!problem_.message.empty()) {
      return;
    }
    if (line_ == 1) {
      if (fields_ > limits_.columns) {
        note(Errc::full, "has more than " + std::to_string(limits_.columns) + " columns");
      } else if (!names_.emplace(cell).second) {
        note(Errc::parse, "two columns are named " + shown(cell));
      } else {
        table_.columns_.emplace_back(cell);
      }
    } else if (fields_ <= table_.columns_.size()) {
      table_.cells_.append(cell);
      table_.ends_.push_back(static_cast<std::uint32_t>(table_.cells_.size()));
      table_.cells_.push_back(',');
    }
  }

  void row() {
    within_ = false;
    if (problem_.message.empty() && line_ > 1) {
      if (fields_ != table_.columns_.size()) {
        note(Errc::parse, "has " + std::to_string(fields_) + " fields where the header has " +
                              std::to_string(table_.columns_.size()));
      } else if (table_.rows_ >= limits_.rows) {
        note(Errc::full, "more than " + std::to_string(limits_.rows) + " rows");
      } else {
        ++table_.rows_;
        table_.lines_.push_back(line_);
      }
    }
    fields_ = 0;
    ++line_;
  }

  void note(Errc code, const std::string& what) {
    problem_ = Error{code, table_.path_ + ": record " + std::to_string(line_) + ": " + what};
  }

  [[nodiscard]] Result<void> verdict() const {
    if (!problem_.message.empty()) {
      return tl::unexpected<Error>(problem_);
    }
    return {};
  }

  Result<void> broken() {
    return fail(Errc::parse,
                table_.path_ + ": record " + std::to_string(line_) + ": a quote is out of place");
  }

  CsvLimits limits_;
  CsvTable table_;
  csv_parser parser_{};
  std::set<std::string, std::less<>> names_;
  std::string started_;       ///< a line that has not ended yet
  bool within_ = false;       ///< libcsv is within a record
  std::size_t expected_ = 0;  ///< bytes; 0: not known, or used
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  std::uint64_t line_ = 1;
  Error problem_;
};

Result<CsvTable> CsvTable::read(const std::string& path, const CsvLimits& limits) {
  const GzipFile file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) {
    return fail(Errc::io, path + ": cannot be opened for reading");
  }
  CsvLimits bounded = limits;
  bounded.bytes = std::min<std::size_t>(limits.bytes, 0xFFFF'FFF0U);
  Builder builder(path, bounded);
  std::error_code ignored;
  if (const std::uintmax_t size = std::filesystem::file_size(path, ignored);
      !ignored && size <= kMostExpected) {
    builder.expect(size);
  }
  std::vector<char> block(std::size_t{256} << 10U);
  for (;;) {
    const int size = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    if (size > 0) {
      if (Result<void> good = builder.feed(block.data(), static_cast<std::size_t>(size)); !good) {
        return tl::unexpected(std::move(good).error());
      }
    }
    // A cut stream gives its last bytes first and the error only when asked.
    int code = Z_OK;
    const char* words = gzerror(file.get(), &code);
    if (size < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      const bool cut = code == Z_BUF_ERROR;
      return fail(Errc::io, path + (cut ? std::string(": the gzip stream is cut short")
                                        : ": cannot be read: " + std::string(words)));
    }
    if (size == 0) {
      return builder.finish();
    }
  }
}

Result<std::size_t> CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found != columns_.end()) {
    return static_cast<std::size_t>(found - columns_.begin());
  }
  std::string known;
  for (std::size_t i = 0; i < columns_.size() && i < 8; ++i) {
    known += (i == 0 ? "" : ", ") + columns_[i];
  }
  return fail(Errc::parse, path_ + ": has no column " + shown(name) + "; it has " + known +
                               (columns_.size() > 8 ? ", ..." : ""));
}

bool CsvTable::has_column(std::string_view name) const noexcept {
  return std::find(columns_.begin(), columns_.end(), name) != columns_.end();
}

std::vector<std::size_t> CsvTable::columns_with_prefix(std::string_view prefix) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].starts_with(prefix)) {
      found.push_back(i);
    }
  }
  return found;
}

std::string_view CsvTable::text(std::size_t row, std::size_t column) const {
  const std::size_t cell = row * columns_.size() + column;
  const std::size_t begin = cell == 0 ? 0 : ends_[cell - 1] + std::size_t{1};
  return std::string_view(cells_).substr(begin, ends_[cell] - begin);
}

Result<double> CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string_view cell = text(row, column);
  if (const std::optional<double> plain = short_decimal(cell.data(), cell.data() + cell.size())) {
    return *plain;
  }
  double value = 0.0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (code != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value)) {
    return fail(Errc::parse, path_ + ": record " + std::to_string(lines_[row]) + ": " + columns_[column] +
                                 " = " + shown(cell) + " is not a finite number");
  }
  return value;
}

Result<std::vector<double>> CsvTable::numbers(std::size_t column) const {
  std::vector<double> out(rows_);
  if (Result<void> good = numbers({column}, out.data(), 1); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return out;
}

Result<void> CsvTable::numbers(const std::vector<std::size_t>& columns, double* out,
                               std::size_t stride) const {
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string_view cell = text(row, columns[i]);
      if (const std::optional<double> plain = short_decimal(cell.data(), cell.data() + cell.size())) {
        out[(row * stride) + i] = *plain;
        continue;
      }
      Result<double> value = number(row, columns[i]);
      if (!value) {
        return tl::unexpected(std::move(value).error());
      }
      out[(row * stride) + i] = *value;
    }
  }
  return {};
}

}  // namespace attune::sim
