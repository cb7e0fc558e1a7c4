// SPDX-License-Identifier: Apache-2.0
/// @file
/// IqrFences: a value against Tukey's fences around the newest ones.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/safety/anomaly.hpp>
#include <attune/safety/watched_window.hpp>

namespace attune {

/// Options of IqrFences.
struct IqrFencesConfig {
  double factor = 1.5;
  std::uint32_t window = 256;
  std::uint32_t warm_up = 32;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("factor", self.factor, Bounds{0.01, 1e6},
          "distance of the fences from the quartiles, in interquartile ranges");
    visit("window", self.window, Bounds{8, 65536}, "newest values that are kept");
    visit("warm_up", self.warm_up, Bounds{8, 65536}, "values before the first verdict; at most window");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const IqrFencesConfig&) const = default;
};

/// Tukey's fences: lower = Q1 - factor (Q3 - Q1), upper = Q3 + factor (Q3 - Q1), quartiles of the newest
/// `window` values, exact (SortedWindow). The score is the distance from the nearer quartile in interquartile
/// ranges, 0 between them; expected is the median.
///
/// Source: Tukey (1977), "Exploratory Data Analysis", section 2D. False alarms of normal values: 0.70 % at
/// factor 1.5 with a long window, 0.86 % with 256 values (docs/anomaly.md). Limits: where more than half of
/// the values are equal the fences fall together, and every other value is an anomaly: say min_spread (here
/// of the interquartile range). Cost: that of SortedWindow.
class IqrFences {
 public:
  using Config = IqrFencesConfig;

  static constexpr std::string_view kName = "iqr";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<IqrFences> make(const Config& config);

  [[nodiscard]] Anomaly score(double value) const noexcept;
  [[nodiscard]] Anomaly update(double value) noexcept;
  void reset() noexcept { held_.reset(); }
  [[nodiscard]] const AnomalyCount& count() const noexcept { return held_.watch.count(); }

  void save(Writer& writer) const { held_.save(writer); }
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const { return held_.describe("IQR fences"); }
  [[nodiscard]] bool operator==(const IqrFences&) const = default;

 private:
  explicit IqrFences(const Config& config) : config_(config), held_(config.rules, config.window) {}

  Config config_;
  WatchedWindow held_;
};

}  // namespace attune
