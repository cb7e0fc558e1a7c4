// SPDX-License-Identifier: Apache-2.0
/// @file
/// ZScore: a value against mean and standard deviation of those before it.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/safety/anomaly.hpp>
#include <attune/safety/weighted_moments.hpp>

namespace attune {

/// Options of ZScore.
struct ZScoreConfig {
  double threshold = 3.0;
  std::uint32_t warm_up = 30;
  double weight = 0.0;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("threshold", self.threshold, Bounds{0.1, 1e6}, "deviations from the mean that are an anomaly");
    visit("warm_up", self.warm_up, Bounds{2, 4e9}, "values before the first verdict");
    visit("weight", self.weight, Bounds{0.0, 0.5}, "least weight of the newest value; 0: all weigh the same");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const ZScoreConfig&) const = default;
};

/// The streaming Z-score: |x - mean| / (s sqrt(1 + q)), mean and s by WeightedMoments; the root is for the
/// error of the mean itself (q = 1/n where all values weigh the same).
///
/// False alarms with learn = all, weight = 0, independent normal values: those of Student's t with n - 1
/// degrees of freedom; 0.27 % at threshold 3 in the long run. learn = clipped takes 1 % off the deviation:
/// 0.28 %. Limits: one value of any size that is learned whole (learn = all) hides the ones after it; RobustZ
/// and Hampel do not mind. Cost: O(1) time and memory.
class ZScore {
 public:
  using Config = ZScoreConfig;

  static constexpr std::string_view kName = "z_score";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<ZScore> make(const Config& config);

  [[nodiscard]] Anomaly score(double value) const noexcept;
  [[nodiscard]] Anomaly update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const AnomalyCount& count() const noexcept { return watch_.count(); }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const ZScore&) const = default;

 private:
  explicit ZScore(const Config& config) : config_(config), watch_(config.rules) {}

  Config config_;
  AnomalyWatch watch_;
  WeightedMoments moments_;
};

}  // namespace attune
