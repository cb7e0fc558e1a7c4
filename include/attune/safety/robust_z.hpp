// SPDX-License-Identifier: Apache-2.0
/// @file
/// RobustZ: a value against a center and a spread that outliers do not move.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/safety/anomaly.hpp>
#include <attune/safety/robust_scale.hpp>

namespace attune {

/// Options of RobustZ.
struct RobustZConfig {
  double threshold = 3.0;
  double weight = 0.001;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("threshold", self.threshold, Bounds{0.1, 1e6}, "spreads from the center that are an anomaly");
    visit("weight", self.weight, Bounds{0.0, 0.03},
          "least weight of the newest value; 0: all weigh the same");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const RobustZConfig&) const = default;
};

/// Huber's location and scale, learned recursively: |x - m| / s.
///
/// m and s start as median and 1.4826 MAD of the first 32 values. Then, with z = (x - m) / s clipped at 2 and
/// w = max(1/n, weight):  m += w s z / 0.9545,  s^2 *= 1 + w (z^2 / 0.9205 - 1); the constants make both
/// right for normal values. A value of any size counts as one of 2 s: up to some 20 % of outliers leave s
/// bounded.
///
/// Source: Huber (1981), "Robust Statistics", section 6.4, proposal 2; as a recursion: Robbins, Monro (1951),
/// Ann. Math. Stat. 22, 400-407. False alarms: 0.28 % of independent normal values at threshold 3.
/// Limits: where more than half of the first values are equal it starts with their standard deviation. Cost:
/// O(1) time and memory.
class RobustZ {
 public:
  using Config = RobustZConfig;

  static constexpr std::string_view kName = "robust_z";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<RobustZ> make(const Config& config);

  [[nodiscard]] Anomaly score(double value) const noexcept;
  [[nodiscard]] Anomaly update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const AnomalyCount& count() const noexcept { return watch_.count(); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const RobustZ&) const = default;

 private:
  explicit RobustZ(const Config& config) : config_(config), watch_(config.rules) {}
  void learn(double value) noexcept;

  Config config_;
  AnomalyWatch watch_;
  RobustScale start_;
  std::uint64_t learned_ = 0;  // 0 until start_ is ready
  double center_ = 0.0;
  double variance_ = 0.0;
};

}  // namespace attune
