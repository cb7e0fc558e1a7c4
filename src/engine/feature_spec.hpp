// SPDX-License-Identifier: Apache-2.0
/// @file
/// FeatureSpec: what the contexts of a decision point look like, and how named features become numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/config.hpp>
#include <attune/core/error.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/engine/engine.hpp>

namespace attune {

struct JsonPath;

enum class FeatureType : std::uint8_t { number, boolean, category, text };
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<FeatureType>{"number", "boolean", "category",
                                                                         "text"};

enum class FeatureScale : std::uint8_t {
  none,
  log1p,     ///< ln(1 + x), x > -1
  standard,  ///< (x - mean) / std
  minmax,    ///< (x - min) / (max - min), clipped to [0, 1]
};
template <>
inline constexpr std::array<std::string_view, 4> kEnumNames<FeatureScale>{"none", "log1p", "standard",
                                                                          "minmax"};

/// One declared feature and the columns [offset, offset + width) that it fills.
struct FeatureColumn {
  std::string name;
  FeatureType type = FeatureType::number;
  FeatureScale scale = FeatureScale::none;
  double shift = 0.0;   ///< mean or min
  double spread = 1.0;  ///< std or max - min; > 0
  bool has_default = false;
  double default_number = 0.0;  ///< before scaling; booleans 0 or 1
  std::string default_text;
  std::vector<std::string> values;    ///< categories by column; empty when hashed
  std::vector<std::uint32_t> sorted;  ///< indices of `values` in order of their text
  std::uint64_t hash_seed = 0;        ///< of hashed categories and texts
  std::uint32_t offset = 0;
  std::uint32_t width = 1;

  bool operator==(const FeatureColumn&) const = default;
};

/// The form of a decision point's context: none, dense numbers, sparse numbers, or named features that are
/// encoded to dense or sparse numbers by scaling, one-hot columns and hashing. docs/features.md defines every
/// rule, so that another program can compute the same numbers.
///
/// Threads: const members from many threads.
class FeatureSpec {
 public:
  enum class Kind : std::uint8_t { none, dense, sparse, named };

  /// Buffers that encode() writes into; only named contexts need them. The result points into them (named) or
  /// into the caller's own context (the others).
  struct Buffers {
    std::span<double> dense{};         ///< dense_size() entries
    std::span<std::uint32_t> index{};  ///< sparse_size() entries
    std::span<double> value{};         ///< sparse_size() entries
    std::span<char> reason{};  ///< gets a sentence with a closing zero on errors; 160 bytes are plenty
  };

  /// Context-free.
  FeatureSpec() = default;
  /// Reads {} , {"dimension": n}, {"sparse": n} or {"version": 1, "features": [...], "intercept": b,
  /// "sparse": b}. Errors: invalid_config, naming path, value and rule.
  [[nodiscard]] static Result<FeatureSpec> parse(const nlohmann::ordered_json& value, const JsonPath& path);

  /// Turns a caller's context into what policies read. Does not allocate.
  /// Errors: dimension_mismatch (wrong length or form, sparse indices not increasing or too large),
  /// non_finite, invalid_argument (unknown, missing or repeated feature, wrong type). On error `out` is
  /// unchanged.
  [[nodiscard]] Errc encode(const ContextView& context, const Buffers& buffers, Input& out) const noexcept;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// Length of the encoded vector; 0: context-free.
  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  /// True when policies get SparseFeatures.
  [[nodiscard]] bool sparse() const noexcept { return sparse_; }
  [[nodiscard]] std::size_t dense_size() const noexcept {
    return kind_ == Kind::named && !sparse_ ? dimension_ : 0;
  }
  [[nodiscard]] std::size_t sparse_size() const noexcept { return sparse_entries_; }
  [[nodiscard]] std::span<const FeatureColumn> columns() const noexcept { return columns_; }
  [[nodiscard]] bool intercept() const noexcept { return intercept_; }

  /// "none", "dense:20", "sparse:1048576" or "named:v1:24:0123456789abcdef", whose last part is a hash of
  /// every rule: equal texts, equal encoding. For checkpoints.
  [[nodiscard]] std::string fingerprint() const;

  bool operator==(const FeatureSpec&) const = default;

  static constexpr std::size_t kMaxFeatures = 1024;
  static constexpr std::size_t kMaxDense = 1'000'000;
  static constexpr std::size_t kMaxSparse = std::size_t{1} << 27U;
  /// Words read of a text; the rest does not count.
  static constexpr std::size_t kMaxWords = 4096;
  /// Bytes read of a word; the rest does not count.
  static constexpr std::size_t kMaxWordBytes = 64;

 private:
  class Encoder;

  [[nodiscard]] Errc pass(const ContextView& context, const Buffers& buffers, Input& out) const noexcept;
  [[nodiscard]] std::size_t find(std::string_view name, std::size_t hint) const noexcept;
  [[nodiscard]] Result<void> read_columns(const nlohmann::ordered_json& value, const JsonPath& path);
  [[nodiscard]] Result<void> lay_out(const JsonPath& path);

  Kind kind_ = Kind::none;
  bool sparse_ = false;
  bool intercept_ = false;
  std::uint32_t version_ = 1;
  std::size_t dimension_ = 0;
  std::size_t sparse_entries_ = 0;
  std::vector<FeatureColumn> columns_;
  std::vector<std::uint32_t> by_name_;  ///< indices of columns_ in order of their names
};

}  // namespace attune
