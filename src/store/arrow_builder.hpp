// SPDX-License-Identifier: Apache-2.0
/// @file
/// ArrowBuilder: columns that grow row by row and are handed over through the Arrow C data interface.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/serial.hpp>
#include <attune/store/arrow.hpp>

namespace attune::detail {

/// One column. A value that is missing is null.
class ArrowColumn {
 public:
  /// `format`: "L" and "l" (64 bits), "I" (32 bits), "C" (8 bits), "g" (double), "b" (bool), "tsn:UTC",
  /// "U" (text), "w:16" (16 bytes), "+L" (list of double).
  ArrowColumn(std::string name, std::string format) : name_(std::move(name)), format_(std::move(format)) {}

  void u64(std::optional<std::uint64_t> value) { fixed(value ? &*value : nullptr, 8); }
  void i64(std::int64_t value) { fixed(&value, 8); }
  void u32(std::optional<std::uint32_t> value) { fixed(value ? &*value : nullptr, 4); }
  void u8(std::uint8_t value) { fixed(&value, 1); }
  /// NaN is null.
  void f64(double value);
  void boolean(bool value);
  void bytes(ByteView value) { fixed(value.data(), value.size()); }
  void text(std::optional<std::string_view> value);
  void list(std::span<const double> values);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& format() const noexcept { return format_; }

 private:
  friend class ArrowBuilder;
  friend struct ArrowHolder;
  void fixed(const void* value, std::size_t size);
  void row(bool valid);

  std::string name_;
  std::string format_;
  std::int64_t rows_ = 0;
  std::int64_t nulls_ = 0;
  std::vector<std::uint8_t> validity_;  // one bit a row, lowest first
  std::vector<std::byte> data_;
  std::vector<std::int64_t> offsets_;  // texts and lists: where each ends, from 0
};

/// The columns of one table. Handing over moves them out.
class ArrowBuilder {
 public:
  /// Stays where it is while columns are added.
  [[nodiscard]] ArrowColumn& column(std::string name, std::string format) {
    return columns_.emplace_back(std::move(name), std::move(format));
  }
  /// Fills both structures; each is released by its `release`, in any order.
  void hand_over(std::int64_t rows, ArrowSchema& schema, ArrowArray& array) &&;

 private:
  std::deque<ArrowColumn> columns_;
};

}  // namespace attune::detail
