// SPDX-License-Identifier: Apache-2.0
/// @file
/// Cusum and EwmaChart: control charts with a frozen reference.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include <attune/safety/drift.hpp>
#include <attune/safety/robust_scale.hpp>

namespace attune {

/// Scores in standard deviations from the mean of the first `training` ones.
class TrainedScale {
 public:
  explicit TrainedScale(std::uint64_t training) noexcept : training_(training) {}

  /// Takes a finite value; NaN while training, and while all values were equal.
  [[nodiscard]] double add(double value) noexcept;
  void reset() noexcept { *this = TrainedScale(training_); }

  void save(Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader) noexcept;
  [[nodiscard]] bool operator==(const TrainedScale&) const = default;

 private:
  void collect(double score) noexcept;

  std::uint64_t training_;
  RobustScale scale_;
  std::uint64_t scores_ = 0;  // stops at training_
  double mean_ = 0.0;
  double squares_ = 0.0;
};

/// Options of Cusum.
struct CusumConfig {
  std::uint64_t training = 256;
  double slack = 0.5;
  double threshold = 13.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("training", self.training, Bounds{32, 1e9}, "values that define mean and deviation");
    visit("slack", self.slack, Bounds{0.0, 100.0}, "half of the shift to notice, in standard deviations");
    visit("threshold", self.threshold, Bounds{0.1, 1e9}, "cumulated change that is a drift, in the same");
  }
  bool operator==(const CusumConfig&) const = default;
};

/// The tabular CUSUM: up = max(0, up + v - slack), down = max(0, down - v - slack), drift when one exceeds
/// threshold, a warning at half of it. v is the score (RobustScale) less the mean of the first `training`
/// scores, in their standard deviations; both are frozen, so that slow changes are not learned away. After a
/// drift all starts anew.
///
/// Source: Page (1954), "Continuous Inspection Schemes", Biometrika 41, 100-115.
/// False alarms: see docs/drift.md; heavy tails need a larger threshold.
class Cusum {
 public:
  using Config = CusumConfig;

  static constexpr std::string_view kName = "cusum";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Cusum> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const Cusum&) const = default;

 private:
  struct State {
    double up = 0.0;
    double down = 0.0;

    static auto tie(auto& s) { return std::tie(s.up, s.down); }
    bool operator==(const State&) const = default;
  };

  explicit Cusum(const Config& config) : config_(config), scores_(config.training) {}

  Config config_;
  StreamCount count_;
  TrainedScale scores_;
  State state_;
};

/// Options of EwmaChart.
struct EwmaChartConfig {
  std::uint64_t training = 256;
  double weight = 0.05;
  double limit = 5.5;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("training", self.training, Bounds{32, 1e9}, "values that define mean and deviation");
    visit("weight", self.weight, Bounds{1e-4, 1.0}, "weight of the newest value");
    visit("limit", self.limit, Bounds{0.1, 1e6}, "deviations of the average that are a drift");
  }
  bool operator==(const EwmaChartConfig&) const = default;
};

/// The EWMA chart: z = (1 - w) z + w v, drift when |z| > limit sqrt(w / (2 - w) (1 - (1 - w)^2n)), a warning
/// at half of it; v as for Cusum. After a drift all starts anew.
///
/// Source: Roberts (1959), "Control Chart Tests Based on Geometric Moving Averages", Technometrics 1,
/// 239-250.
class EwmaChart {
 public:
  using Config = EwmaChartConfig;

  static constexpr std::string_view kName = "ewma";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<EwmaChart> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const EwmaChart&) const = default;

 private:
  struct State {
    double average = 0.0;
    double faded = 1.0;  // (1 - w)^2n

    static auto tie(auto& s) { return std::tie(s.average, s.faded); }
    bool operator==(const State&) const = default;
  };

  explicit EwmaChart(const Config& config) : config_(config), scores_(config.training) {}

  Config config_;
  StreamCount count_;
  TrainedScale scores_;
  State state_;
};

}  // namespace attune
