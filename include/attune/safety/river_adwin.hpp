// SPDX-License-Identifier: Apache-2.0
/// @file
/// RiverAdwin: ADWIN exactly as River does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/safety/drift.hpp>

namespace attune {

/// Options of RiverAdwin, with River's names and defaults.
struct RiverAdwinConfig {
  double delta = 0.002;
  std::uint32_t clock = 32;
  std::uint32_t max_buckets = 5;
  std::uint32_t min_window_length = 5;
  std::uint32_t grace_period = 10;
  bool skip_non_finite = false;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("delta", self.delta, Bounds{0, 1e300}, "significance of each test");
    visit("clock", self.clock, Bounds{1, 1e9}, "values between two tests");
    visit("max_buckets", self.max_buckets, Bounds{1, 1024}, "buckets of each size that are kept unmerged");
    visit("min_window_length", self.min_window_length, Bounds{0, 1e9},
          "fewest values on either side of a cut");
    visit("grace_period", self.grace_period, Bounds{0, 4e9}, "no test until the window is longer than this");
    visit("skip_non_finite", self.skip_non_finite, Bounds{},
          "pass over NaN and infinities; false: deaf for good after the first one, as River is");
  }
  bool operator==(const RiverAdwinConfig&) const = default;
};

/// Signals drift at exactly the values at which `river.drift.ADWIN` 0.26 does.
///
/// An exponential histogram: rows of buckets that hold 2^row values each, at most max_buckets + 1 a row; of
/// each bucket the sum and the sum of squared deviations. Every `clock` values, once the window is longer
/// than grace_period, all cuts between buckets are tested from the oldest on: with n0 older and n1 newer
/// values,
///
///     |mean0 - mean1| > sqrt(2 m v d) + 2/3 d m,   d = ln(2 ln(W) / delta),
///     m = 1 / (n0 - min_window_length + 1) + 1 / (n1 - min_window_length + 1),
///
/// W the length of the window and v its variance. On a hit the oldest bucket goes and all cuts are tested
/// again. At the update after a detection the whole detector starts anew; the paper keeps the newer part, as
/// Adwin does.
///
/// Source: Bifet, Gavalda (2007), "Learning from Time-Changing Data with Adaptive Windowing", SDM, 443-448;
/// River 0.26.1. scripts/river_parity.py compares the two.
/// Limits: values should lie in [0, 1]: the second term of the bound is in their unit, so that the detector
/// goes deaf on small ones. After a NaN or an infinity River's never fires again; neither does this one,
/// unless skip_non_finite is set. The value itself is never stored: the detector notes that it is deaf. Cost:
/// O(log W) time every `clock` values, O(1) amortised otherwise; O(log W) memory, reserved in `make`.
class RiverAdwin {
 public:
  using Config = RiverAdwinConfig;

  static constexpr std::string_view kName = "river_adwin";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<RiverAdwin> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  [[nodiscard]] std::uint64_t width() const noexcept { return static_cast<std::uint64_t>(width_); }
  [[nodiscard]] double total() const noexcept { return total_; }
  /// What River calls so: the sum of squared deviations from the window's mean, not divided by its length.
  [[nodiscard]] double variance() const noexcept { return squares_; }
  [[nodiscard]] double estimation() const noexcept { return width_ > 0.0 ? total_ / width_ : 0.0; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const RiverAdwin& other) const = default;

 private:
  struct Bucket {
    double total = 0.0;
    double squares = 0.0;
    bool operator==(const Bucket&) const = default;
  };
  static constexpr std::size_t kRows = 48;  // 2^48 values: more than come in a lifetime

  explicit RiverAdwin(const Config& config);
  [[nodiscard]] std::size_t row_capacity() const noexcept { return std::size_t{config_.max_buckets} + 1; }
  [[nodiscard]] Bucket* row(std::size_t index) noexcept { return &buckets_[index * row_capacity()]; }
  [[nodiscard]] const Bucket* row(std::size_t index) const noexcept {
    return &buckets_[index * row_capacity()];
  }
  void insert(double value) noexcept;
  void compress() noexcept;
  void drop_oldest() noexcept;
  [[nodiscard]] bool find_cut() const noexcept;
  [[nodiscard]] bool shrink() noexcept;

  Config config_;
  StreamCount count_;
  double width_ = 0.0;
  double total_ = 0.0;
  double squares_ = 0.0;
  std::uint64_t tick_ = 0;
  std::size_t rows_ = 1;             // in use
  bool restart_ = false;             // the last update detected
  bool deaf_ = false;                // a NaN or infinity came
  std::vector<std::uint32_t> used_;  // buckets in each row
  std::vector<Bucket> buckets_;      // kRows rows, oldest first; 0 beyond what is used
};

}  // namespace attune
