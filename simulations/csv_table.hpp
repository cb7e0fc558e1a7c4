// SPDX-License-Identifier: Apache-2.0
/// @file
/// CsvTable: a whole CSV file in memory, plain or gzip, read strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>

namespace attune::sim {

/// What a table may hold; a file beyond it is refused, so that a small hostile .gz cannot fill the memory.
struct CsvLimits {
  std::size_t bytes = std::size_t{1} << 30U;  ///< of uncompressed text
  std::size_t columns = 100'000;
  std::size_t rows = 50'000'000;
};

/// A table with a header line; every row has as many fields as the header, and no two columns have one name.
///
/// Quoting by RFC 4180 (libcsv; lines without a quote are split here), gzip by content, not by name (zlib).
/// Cells are texts; numbers are read on request.
class CsvTable {
 public:
  /// Errors: io (cannot be opened, damaged or cut gzip stream), parse (not CSV; names the line), full
  /// (CsvLimits).
  [[nodiscard]] static Result<CsvTable> read(const std::string& path, const CsvLimits& limits = {});

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::size_t row_count() const noexcept { return rows_; }
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }

  /// Errors: parse; the message lists the nearest names there are.
  [[nodiscard]] Result<std::size_t> column(std::string_view name) const;
  [[nodiscard]] bool has_column(std::string_view name) const noexcept;
  /// Columns whose name starts with `prefix`, in order.
  [[nodiscard]] std::vector<std::size_t> columns_with_prefix(std::string_view prefix) const;

  [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;
  /// The whole cell as a finite number. Errors: parse, naming file, line, column and what was found.
  [[nodiscard]] Result<double> number(std::size_t row, std::size_t column) const;
  /// A column of numbers. Errors as number().
  [[nodiscard]] Result<std::vector<double>> numbers(std::size_t column) const;
  /// Several columns at once, in one walk over the text: number(row, columns[i]) goes to
  /// out[row * stride + i]. Errors as number().
  Result<void> numbers(const std::vector<std::size_t>& columns, double* out, std::size_t stride) const;

 private:
  class Builder;
  CsvTable() = default;

  std::string path_;
  std::vector<std::string> columns_;
  std::size_t rows_ = 0;
  std::string cells_;  ///< the text of all cells, one after the other, a byte between any two
  std::vector<std::uint32_t>
      ends_;  ///< end of each cell in `cells_`, row-major; the limit keeps it below 2^32
  std::vector<std::uint64_t> lines_;  ///< number of each row in the file, the header being 1
};

}  // namespace attune::sim
