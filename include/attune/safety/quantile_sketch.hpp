// SPDX-License-Identifier: Apache-2.0
/// @file
/// QuantileSketch: quantiles of a stream of latencies or costs, to a relative error, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>

namespace attune {

/// Counts values in bins whose bounds grow by a constant factor, (1 + a) / (1 - a) for a relative error a:
/// the middle of a bin is within a of every value in it, whatever the scale of the stream.
///
/// Source: Masson, Rim, Lee (2019), "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
/// Guarantees", PVLDB 12(12), sections 2.1 and 2.2 (with the collapse of the lowest bins).
/// Values: finite; those up to kLeast, negative ones too, count as 0. Deterministic: same values in any
/// order, same state; merging equals having added everything to one. Error: quantile(q) is within
/// `relative_error` of the value of rank floor(q (n - 1)), unless the lowest bins were merged for want of
/// room and the rank lies in them: then it is too large, never too small. Cost: add() one logarithm, no
/// allocation once the range of the values was seen; memory: 8 bytes a bin, at most max_bins (2048 bins of 1
/// % span 17 powers of ten).
class QuantileSketch {
 public:
  struct Config {
    double relative_error = 0.01;   ///< in [0.0001, 0.5]
    std::uint32_t max_bins = 2048;  ///< in [16, 65536]
  };
  static constexpr std::string_view kName = "quantile_sketch";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr double kLeast = 1e-12;

  /// Errors: invalid_config.
  [[nodiscard]] static Result<QuantileSketch> make(const Config& config);
  /// With the defaults.
  QuantileSketch();

  /// Errors: non_finite; nothing is changed then.
  Errc add(double value) noexcept;
  /// Adds all that `other` has. Errors: dimension_mismatch (made with another relative error).
  Errc merge(const QuantileSketch& other) noexcept;
  /// Of everything added; q in [0, 1], values outside count as the nearest. NaN while empty.
  [[nodiscard]] double quantile(double q) const noexcept { return quantile(q, *this, nullptr); }
  /// Of two sketches taken together, without merging them; `more` may be null. Same relative error.
  [[nodiscard]] static double quantile(double q, const QuantileSketch& one,
                                       const QuantileSketch* more) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Forgets everything, and keeps the memory.
  void clear() noexcept;

  void save(Writer& writer) const;
  /// Into a sketch of the same configuration. Errors: corrupt_state; unchanged then.
  [[nodiscard]] Result<void> load(Reader& reader);
  /// Same configuration and same counts; memory that is kept does not matter.
  [[nodiscard]] bool operator==(const QuantileSketch& other) const noexcept;

 private:
  explicit QuantileSketch(const Config& config) noexcept;
  void put(std::int32_t bin, std::uint64_t times);
  [[nodiscard]] std::int32_t last() const noexcept {
    return first_ + static_cast<std::int32_t>(bins_.size()) - 1;
  }
  [[nodiscard]] double middle(std::int32_t bin) const noexcept;

  double relative_error_;
  double log_gamma_;
  std::uint32_t max_bins_;
  std::uint64_t count_ = 0;
  std::uint64_t zeros_ = 0;
  std::int32_t first_ = 0;           // bin of bins_[0]
  std::vector<std::uint64_t> bins_;  // neither its first nor its last is 0
};

}  // namespace attune
