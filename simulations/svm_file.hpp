// SPDX-License-Identifier: Apache-2.0
/// @file
/// Labelled sparse rows from a file in LIBSVM's format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune::sim {

/// How much of a file is read before it is refused.
struct SvmLimits {
  std::size_t rows = std::size_t{1} << 30;
  std::size_t entries = std::size_t{1} << 30;      ///< 12 bytes each
  std::uint32_t largest_index = (1U << 28U) - 1U;  ///< of the file, as it is written
  std::size_t line = std::size_t{1} << 24;         ///< bytes
};

/// All rows of a file, plain or gzip:
///
///     label [qid:number] index:value index:value ... [# comment]
///
/// separated by blanks or tabs. Entries of a row may come in any order; they are kept in that of their index.
/// A line without anything but a comment is passed over.
class SvmFile {
 public:
  /// Errors: io; parse, naming file, line and rule (also a label, index or value that is no finite number, an
  /// index twice in a row); full (beyond a limit).
  [[nodiscard]] static Result<SvmFile> read(const std::string& path, const SvmLimits& limits = {});

  [[nodiscard]] std::size_t rows() const noexcept { return labels_.size(); }
  [[nodiscard]] std::size_t entries() const noexcept { return index_.size(); }
  [[nodiscard]] double label(std::size_t row) const noexcept { return labels_[row]; }
  [[nodiscard]] std::span<const double> labels() const noexcept { return labels_; }
  /// Indices as they stand in the file, less what shift() took.
  [[nodiscard]] SparseFeatures features(std::size_t row) const noexcept {
    const std::size_t from = row == 0 ? 0 : ends_[row - 1];
    return {std::span(index_).subspan(from, ends_[row] - from),
            std::span(values_).subspan(from, ends_[row] - from)};
  }
  /// Smallest and largest index; 0 and 0 where there are no entries.
  [[nodiscard]] std::uint32_t least_index() const noexcept { return least_; }
  [[nodiscard]] std::uint32_t largest_index() const noexcept { return largest_; }
  /// Takes `by` (at most least_index()) from every index.
  void shift(std::uint32_t by) noexcept;
  /// Replaces each label by `to(label)`.
  void relabel(const std::function<double(double)>& to);

 private:
  class Builder;

  std::vector<double> labels_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint32_t> index_;
  std::vector<double> values_;
  std::uint32_t least_ = 0;
  std::uint32_t largest_ = 0;
};

}  // namespace attune::sim
