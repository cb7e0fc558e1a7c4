// SPDX-License-Identifier: Apache-2.0
#include "simulations/csv_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include <csv.h>
#include <zlib.h>

namespace attune::sim {
namespace {

struct CloseGzip {
  void operator()(gzFile file) const noexcept { gzclose_r(file); }
};
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

  Result<void> feed(const char* data, std::size_t size) {
    bytes_ += size;
    if (bytes_ > limits_.bytes) {
      return fail(Errc::full, table_.path_ + ": holds more than " + std::to_string(limits_.bytes) + " bytes");
    }
    const std::size_t done = csv_parse(&parser_, data, size, &Builder::on_field, &Builder::on_row, this);
    return done == size ? verdict() : broken();
  }

  Result<CsvTable> finish() {
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
  static void on_field(void* text, std::size_t size, void* self) {
    static_cast<Builder*>(self)->field(text, size);
  }
  static void on_row(int /*terminator*/, void* self) { static_cast<Builder*>(self)->row(); }

  void field(const void* text, std::size_t size) {
    const std::string_view cell(static_cast<const char*>(text), size);
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
    }
  }

  void row() {
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
  bounded.bytes = std::min<std::size_t>(limits.bytes, 0xFFFF'FFFFU);
  Builder builder(path, bounded);
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
  const std::size_t begin = cell == 0 ? 0 : ends_[cell - 1];
  return std::string_view(cells_).substr(begin, ends_[cell] - begin);
}

Result<double> CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string_view cell = text(row, column);
  double value = 0.0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (code != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value)) {
    return fail(Errc::parse, path_ + ": record " + std::to_string(lines_[row]) + ": " + columns_[column] +
                                 " = " + shown(cell) + " is not a finite number");
  }
  return value;
}

Result<std::vector<double>> CsvTable::numbers(std::size_t column) const {
  std::vector<double> out;
  out.reserve(rows_);
  for (std::size_t row = 0; row < rows_; ++row) {
    Result<double> value = number(row, column);
    if (!value) {
      return tl::unexpected(std::move(value).error());
    }
    out.push_back(*value);
  }
  return out;
}

}  // namespace attune::sim
