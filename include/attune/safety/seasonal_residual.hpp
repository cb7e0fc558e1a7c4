// SPDX-License-Identifier: Apache-2.0
/// @file
/// SeasonalResidual: a value against those of the same phase of a period.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/safety/anomaly.hpp>
#include <attune/safety/weighted_moments.hpp>

namespace attune {

/// Options of SeasonalResidual.
struct SeasonalResidualConfig {
  std::uint32_t period = 24;
  double threshold = 3.0;
  std::uint32_t warm_up = 8;
  double weight = 0.0;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("period", self.period, Bounds{2, 1048576}, "values in a period");
    visit("threshold", self.threshold, Bounds{0.1, 1e6},
          "deviations from the mean of the phase that are an anomaly");
    visit("warm_up", self.warm_up, Bounds{2, 1e6}, "values of a phase before its first verdict");
    visit("weight", self.weight, Bounds{0.0, 0.5},
          "least weight of the newest value of a phase; 0: all weigh the same");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const SeasonalResidualConfig&) const = default;
};

/// A Z-score for each phase: value number i is judged by mean and deviation of the values i - period,
/// i - 2 period, ... (WeightedMoments). A skipped value takes its place: the next one is of the next phase.
///
/// False alarms with learn = all, weight = 0, independent normal values: those of Student's t with as many
/// degrees of freedom as the phase has values, less one; at threshold 3 2.0 % with 8 values and 0.31 % with
/// 100. A higher threshold, or a longer warm-up, suits few periods. Cost: O(1) time, 32 bytes a phase,
/// allocated in `make`.
class SeasonalResidual {
 public:
  using Config = SeasonalResidualConfig;

  static constexpr std::string_view kName = "seasonal";
  static constexpr std::uint32_t kStateVersion = 1;
  /// Values that are skipped take a position.
  static constexpr bool kPositional = true;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<SeasonalResidual> make(const Config& config);

  [[nodiscard]] Anomaly score(double value) const noexcept;
  [[nodiscard]] Anomaly update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const AnomalyCount& count() const noexcept { return watch_.count(); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const SeasonalResidual&) const = default;

 private:
  explicit SeasonalResidual(const Config& config);

  Config config_;
  AnomalyWatch watch_;
  std::uint64_t phase_ = 0;  // of the next value
  std::vector<WeightedMoments> phases_;
};

}  // namespace attune
