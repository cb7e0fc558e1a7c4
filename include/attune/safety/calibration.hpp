// SPDX-License-Identifier: Apache-2.0
/// @file
/// Calibration: do things that are said to happen in 70 % of the cases happen in 70 % of the cases?
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>

namespace attune {

/// What came of the predictions of one bin.
struct ReliabilityBin {
  double count = 0.0;
  double confidence = 0.0;  ///< mean of the probabilities; 0 of none
  double accuracy = 0.0;    ///< mean of the outcomes; 0 of none

  bool operator==(const ReliabilityBin&) const = default;
};

/// Bins of equal width over [0, 1], or of equally many predictions.
enum class Binning : std::uint8_t { equal_width, equal_mass };

/// Sorts predictions into bins: bin i of equal width holds (i / bins, (i + 1) / bins], the first one 0 too;
/// of equal mass those of rank i n / bins and up. Outcomes are in [0, 1], of events 0 or 1.
///
/// Errors: dimension_mismatch (unequal lengths), invalid_argument (no bin, more than 10^6, a probability or
/// outcome outside [0, 1]), non_finite.
[[nodiscard]] Result<std::vector<ReliabilityBin>> reliability_bins(std::span<const double> probabilities,
                                                                   std::span<const double> outcomes,
                                                                   std::size_t bins, Binning binning);

/// Expected calibration error: mean of |accuracy - confidence| over the bins, weighted by count. 0 of none.
///
/// Source: Naeini, Cooper, Hauskrecht (2015), "Obtaining Well Calibrated Probabilities Using Bayesian
/// Binning", AAAI. Limits: never 0 of finitely many predictions, and larger with more bins; compare with
/// equal bins and counts.
[[nodiscard]] double expected_calibration_error(std::span<const ReliabilityBin> bins) noexcept;
/// The largest |accuracy - confidence| of a bin that holds something.
[[nodiscard]] double maximum_calibration_error(std::span<const ReliabilityBin> bins) noexcept;

/// Options of CalibrationMonitor.
struct CalibrationMonitorConfig {
  std::uint32_t bins = 15;
  std::uint32_t window = 2000;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("bins", self.bins, Bounds{1, 1000}, "bins");
    visit("window", self.window, Bounds{1, 1e6}, "newest predictions that are kept");
  }
  bool operator==(const CalibrationMonitorConfig&) const = default;
};

/// Watches the calibration of a stream of probabilities.
///
/// Bins of equal width of all predictions are kept up to date, O(1) a prediction; bins of equal mass, and
/// both of the newest `window` predictions, are made when asked for. Cost: 16 bytes a prediction of the
/// window, allocated in `make`; `update` does not allocate.
class CalibrationMonitor {
 public:
  using Config = CalibrationMonitorConfig;

  static constexpr std::string_view kName = "calibration_monitor";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<CalibrationMonitor> make(const Config& config);

  /// `outcome` in [0, 1]. Errors: non_finite, invalid_argument (outside [0, 1]); nothing but a counter
  /// changes.
  [[nodiscard]] Errc update(double probability, double outcome) noexcept;
  void reset() noexcept;

  /// Of all predictions, equal width. Allocates.
  [[nodiscard]] std::vector<ReliabilityBin> bins() const;
  /// Of the newest ones. Allocates.
  [[nodiscard]] std::vector<ReliabilityBin> recent_bins(Binning binning) const;
  /// Mean squared error of all predictions; 0 of none. Source: Brier (1950), Mon. Weather Rev. 78, 1-3.
  [[nodiscard]] double brier() const noexcept;
  [[nodiscard]] std::uint64_t predictions() const noexcept { return predictions_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  /// With ECE of all and of the newest predictions.
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const CalibrationMonitor&) const = default;

 private:
  explicit CalibrationMonitor(const Config& config);

  struct Sums {
    std::uint64_t count = 0;
    double probability = 0.0;
    double outcome = 0.0;

    bool operator==(const Sums&) const = default;
  };

  Config config_;
  std::vector<Sums> sums_;
  std::vector<double> probability_;  // rings; zeros where nothing is held
  std::vector<double> outcome_;
  std::uint64_t predictions_ = 0;
  std::uint64_t refused_ = 0;
  double squares_ = 0.0;
};

}  // namespace attune
