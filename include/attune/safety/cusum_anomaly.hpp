// SPDX-License-Identifier: Apache-2.0
/// @file
/// CusumAnomaly: small deviations that go on, summed up until they stand out.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include <attune/safety/anomaly.hpp>
#include <attune/safety/weighted_moments.hpp>

namespace attune {

/// Options of CusumAnomaly.
struct CusumAnomalyConfig {
  std::uint64_t training = 256;
  double slack = 0.5;
  double threshold = 5.0;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("training", self.training, Bounds{2, 1e9}, "values that define mean and deviation");
    visit("slack", self.slack, Bounds{0.0, 100.0}, "half of the shift to notice, in standard deviations");
    visit("threshold", self.threshold, Bounds{0.1, 1e9},
          "cumulated deviation that is an anomaly, in the same");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const CusumAnomalyConfig&) const = default;
};

/// The tabular CUSUM as a judge of values: with z = (x - mean) / s, up = max(0, up + z - slack), down =
/// max(0, down - z - slack), and the value that makes one of them exceed `threshold` is an anomaly; both
/// start at 0 after it. The score is the larger sum. Mean and deviation are those of the first `training`
/// values, all learned, and frozen: of the rules only min_spread has a meaning. lower and upper are the
/// bounds of this one value.
///
/// Source: Page (1954), Biometrika 41, 100-115. Values between alarms without change, with a long training:
/// 465 on average (Montgomery 2009, table 9.4, slack 0.5, threshold 5); 38 after a shift of half a deviation.
/// For drift, where one alarm stands for one change, use Cusum. Cost: O(1) time and memory.
class CusumAnomaly {
 public:
  using Config = CusumAnomalyConfig;

  static constexpr std::string_view kName = "cusum";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<CusumAnomaly> make(const Config& config);

  [[nodiscard]] Anomaly score(double value) const noexcept;
  [[nodiscard]] Anomaly update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const AnomalyCount& count() const noexcept { return watch_.count(); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const CusumAnomaly&) const = default;

 private:
  struct Sums {
    double up = 0.0;
    double down = 0.0;

    static auto tie(auto& s) { return std::tie(s.up, s.down); }
    bool operator==(const Sums&) const = default;
  };

  explicit CusumAnomaly(const Config& config) : config_(config), watch_(config.rules) {}
  /// The verdict on a value after the training, and the sums after it.
  [[nodiscard]] Anomaly judge(double value, Sums& next) const noexcept;

  Config config_;
  AnomalyWatch watch_;
  WeightedMoments moments_;
  Sums sums_;
};

}  // namespace attune
