// SPDX-License-Identifier: Apache-2.0
/// @file
/// Hampel: a value against median and median absolute deviation of the newest ones.
#pragma once

#include <cstdint>
#include <string_view>

#include <attune/safety/anomaly.hpp>
#include <attune/safety/watched_window.hpp>

namespace attune {

/// Options of Hampel.
struct HampelConfig {
  double threshold = 3.0;
  std::uint32_t window = 101;
  std::uint32_t warm_up = 21;
  AnomalyRules rules{};

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("threshold", self.threshold, Bounds{0.1, 1e6},
          "robust deviations from the median that are an anomaly");
    visit("window", self.window, Bounds{5, 65536}, "newest values that are kept");
    visit("warm_up", self.warm_up, Bounds{5, 65536}, "values before the first verdict; at most window");
    AnomalyRules::fields(self.rules, visit);
  }
  bool operator==(const HampelConfig&) const = default;
};

/// Hampel's identifier over a sliding window: |x - median| / (1.4826 MAD), both exact (SortedWindow). As a
/// filter, an anomaly is replaced by `expected`, the median.
///
/// The window holds the values before the one that is judged, not those on both sides of it: a decision does
/// not wait. Where the MAD is 0, as more than half of the values are equal, 1.2533 times the mean absolute
/// deviation is the spread.
///
/// Source: Hampel (1974), J. Am. Stat. Assoc. 69, 383-393; Davies, Gather (1993), J. Am. Stat. Assoc. 88,
/// 782-792; Iglewicz, Hoaglin (1993), "How to Detect and Handle Outliers", for the case of MAD 0. False
/// alarms of normal values at threshold 3: 0.27 % with a long window, 0.51 % with 101 values
/// (docs/anomaly.md). Cost: that of SortedWindow.
class Hampel {
 public:
  using Config = HampelConfig;

  static constexpr std::string_view kName = "hampel";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<Hampel> make(const Config& config);

  [[nodiscard]] Anomaly score(double value) const noexcept;
  [[nodiscard]] Anomaly update(double value) noexcept;
  void reset() noexcept { held_.reset(); }
  [[nodiscard]] const AnomalyCount& count() const noexcept { return held_.watch.count(); }

  void save(Writer& writer) const { held_.save(writer); }
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const { return held_.describe("Hampel identifier"); }
  [[nodiscard]] bool operator==(const Hampel&) const = default;

 private:
  explicit Hampel(const Config& config) : config_(config), held_(config.rules, config.window) {}

  Config config_;
  WatchedWindow held_;
};

}  // namespace attune
