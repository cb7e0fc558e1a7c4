// SPDX-License-Identifier: Apache-2.0
/// @file
/// EwmaResidual: a value against a level that follows the stream.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/safety/anomaly.hpp>

namespace attune {

/// Options of EwmaResidual.
struct EwmaResidualConfig {
  double threshold = 3.0;
  std::uint32_t warm_up = 30;
  double weight = 0.1;
  double spread_weight = 0.002;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("threshold", self.threshold, Bounds{0.1, 1e6}, "deviations of the residual that are an anomaly");
    visit("warm_up", self.warm_up, Bounds{2, 4e9}, "values before the first verdict");
    visit("weight", self.weight, Bounds{1e-6, 1.0}, "weight of the newest value in the level");
    visit("spread_weight", self.spread_weight, Bounds{0.0, 0.5},
          "least weight of the newest residual in their spread; 0: all weigh the same");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const EwmaResidualConfig&) const = default;
};

/// The residual of exponential smoothing: r = x - level, score |r| / sqrt(v), then level += max(1/n, weight)
/// r and v += max(1/m, spread_weight) (r^2 - v) over m residuals. For a stream whose level wanders: the
/// spread is that of the forecast, not that of the values about a mean that they have left.
///
/// Source: Roberts (1959), Technometrics 1, 239-250; Montgomery (2009), "Statistical Quality Control",
/// section 10.3.2. False alarms: 0.28 % of independent normal values at threshold 3. Cost: O(1) time and
/// memory.
class EwmaResidual {
 public:
  using Config = EwmaResidualConfig;

  static constexpr std::string_view kName = "ewma_residual";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<EwmaResidual> make(const Config& config);

  [[nodiscard]] Anomaly score(double value) const noexcept;
  [[nodiscard]] Anomaly update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const AnomalyCount& count() const noexcept { return watch_.count(); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const EwmaResidual&) const = default;

 private:
  explicit EwmaResidual(const Config& config) : config_(config), watch_(config.rules) {}

  Config config_;
  AnomalyWatch watch_;
  std::uint64_t learned_ = 0;
  double level_ = 0.0;
  double variance_ = 0.0;
};

}  // namespace attune
