// SPDX-License-Identifier: Apache-2.0
/// @file
/// Adwin: a window that grows while nothing changes and drops its older part when something does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/safety/drift.hpp>
#include <attune/safety/robust_scale.hpp>

namespace attune {

/// Options of Adwin. The names are River's; `delta` and the defaults are this detector's own.
struct AdwinConfig {
  double delta = 0.002;
  std::uint32_t clock = 4;
  std::uint32_t max_buckets = 5;
  std::uint32_t min_window_length = 5;
  std::uint32_t grace_period = 32;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("delta", self.delta, Bounds{1e-12, 1.0}, "false alarms that are accepted, per 1000 values");
    visit("clock", self.clock, Bounds{1, 65536}, "values between two tests of the newest cuts");
    visit("max_buckets", self.max_buckets, Bounds{2, 64}, "buckets of each size that are kept unmerged");
    visit("min_window_length", self.min_window_length, Bounds{2, 1e9},
          "fewest values on either side of a cut");
    visit("grace_period", self.grace_period, Bounds{0, 4e9}, "no test while the window is shorter than this");
  }
  bool operator==(const AdwinConfig&) const = default;
};

/// ADWIN without a unit: the same stream times 1000 gives the same signals.
///
/// Values become scores (RobustScale: median and MAD of the first 32 values, clipped), kept in an exponential
/// histogram of their first four power sums. Every `clock` values the cuts between buckets are tested, those
/// of larger buckets in proportion less often. With n0 older and n1 newer scores, W = n0 + n1, mean m,
/// variance v:
///
///     z = (mean1 - mean0) / sqrt(v (1/n0 + 1/n1)),   drift when |z| > q(h),   h = n0 n1 / W,
///     q(h) = z0 + g/6 (z0^2 - 1) + k/24 (z0^3 - 3 z0),   z0^2 = 2 ln(z0^3 / (C a s h)),   a = delta / 1000.
///
/// a is the rate of false alarms and s the share in it of h's octave: cuts of about h values are tested
/// afresh only every h values, so that longer windows need less evidence, and the bound holds at all times
/// together. g and k are skewness and excess kurtosis of the difference of the two means under the window's
/// own third and fourth cumulants (Cornish-Fisher; the terms that would lower q are left out), C is
/// calibrated.
///
/// On a drift the part older than the strongest cut goes and the newer stays, unless its scores have left the
/// range that they were scaled for: then all starts anew.
///
/// False alarms: at most delta * 100 in 10^5 values on the streams of docs/drift.md at every scale, where
/// they are measured; 0.2 with the default. NaN and infinities are skipped.
///
/// Source: Bifet, Gavalda (2007), "Learning from Time-Changing Data with Adaptive Windowing", SDM, 443-448,
/// for the window; the bound differs as said. RiverAdwin is the one that other libraries have. Cost: O(1)
/// amortised time a value, O(log W) memory, reserved in `make`; nothing allocates.
class Adwin {
 public:
  using Config = AdwinConfig;

  static constexpr std::string_view kName = "adwin";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Adwin> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  /// Length of the window.
  [[nodiscard]] std::uint64_t width() const noexcept { return width_; }
  /// Mean of the window's values (outliers clipped); 0 while warming up.
  [[nodiscard]] double estimation() const noexcept;
  /// Standard deviation of the window's values (outliers clipped); 0 while warming up.
  [[nodiscard]] double deviation() const noexcept;

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Adwin&) const = default;

 private:
  struct Sums {
    std::array<double, 4> powers{};
    bool operator==(const Sums&) const = default;
  };
  struct Shape {
    double mean = 0.0;
    double variance = 0.0;
    double skewness = 0.0;
    double kurtosis = 0.0;  // excess
  };
  static constexpr std::size_t kRows = 40;  // 2^40 values in the largest bucket

  explicit Adwin(const Config& config);
  [[nodiscard]] std::size_t row_capacity() const noexcept { return std::size_t{config_.max_buckets} + 1; }
  [[nodiscard]] Sums* row(std::size_t index) noexcept { return &buckets_[index * row_capacity()]; }
  [[nodiscard]] const Sums* row(std::size_t index) const noexcept {
    return &buckets_[index * row_capacity()];
  }
  void start_window() noexcept;
  void insert(double score) noexcept;
  void compress() noexcept;
  [[nodiscard]] Signal test() noexcept;
  [[nodiscard]] Shape shape() const noexcept;
  [[nodiscard]] double bound(double older, double newer, bool up, const Shape& shape) const noexcept;
  void keep_newer(const Shape& shape) noexcept;
  void drop_older(std::uint64_t keep) noexcept;
  void make_bounds() noexcept;

  Config config_;
  StreamCount count_;
  RobustScale scale_;
  std::uint64_t width_ = 0;
  std::uint64_t tick_ = 0;
  Sums total_;
  std::size_t rows_ = 1;             // in use
  std::vector<std::uint32_t> used_;  // buckets in each row
  std::vector<Sums> buckets_;        // kRows rows, oldest first; 0 beyond what is used

  // Derived.
  std::array<double, kRows> quantile_{};  // z0 by octave of h
  double least_squared_ = 0.0;            // smallest z0^2 there is, less the share of a warning
};

}  // namespace attune
