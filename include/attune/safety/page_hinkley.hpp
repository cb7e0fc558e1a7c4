// SPDX-License-Identifier: Apache-2.0
/// @file
/// PageHinkley: cumulated deviation from the mean so far, in standard deviations.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include <attune/safety/drift.hpp>
#include <attune/safety/river_page_hinkley.hpp>
#include <attune/safety/robust_scale.hpp>

namespace attune {

/// Options of PageHinkley. The names are River's; units and defaults are this detector's own.
struct PageHinkleyConfig {
  std::uint64_t min_instances = 64;
  double delta = 0.125;
  double threshold = 38.0;
  double alpha = 1.0;
  ChangeMode mode = ChangeMode::both;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("min_instances", self.min_instances, Bounds{0, 1e15}, "values before the first test");
    visit("delta", self.delta, Bounds{1e-6, 100.0}, "change not worth noticing, in standard deviations");
    visit("threshold", self.threshold, Bounds{1e-3, 1e9}, "cumulated change that is a drift, in the same");
    visit("alpha", self.alpha, Bounds{0.0, 1.0}, "factor by which old sums fade");
    visit("mode", self.mode, Bounds{}, "direction of change");
  }
  bool operator==(const PageHinkleyConfig&) const = default;
};

/// Watches sums of scores (RobustScale) above and below their mean:
///
///     up = max(0, alpha up + u - mean - s (delta + 1.5 / sqrt n)),  down likewise with the sign turned,
///     drift when one exceeds s threshold 2 delta / w(g).
///
/// mean, s and g are mean, standard deviation and |skewness| of the scores so far, taken anew every 32
/// values. 1.5 / sqrt n allows for the error of the mean. w solves w/2 + g w^2 / 6 = delta, Wald's exponent
/// to third order (2 delta without skewness): skewed streams run up higher by chance, and need more. On a
/// drift all starts anew. A warning: half of the threshold.
///
/// Source: Page (1954), "Continuous Inspection Schemes", Biometrika 41, 100-115. RiverPageHinkley is the form
/// that other libraries have.
/// Cost: O(1) time and memory. False alarms: see docs/drift.md.
class PageHinkley {
 public:
  using Config = PageHinkleyConfig;

  static constexpr std::string_view kName = "page_hinkley";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<PageHinkley> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept;
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const PageHinkley&) const = default;

 private:
  static constexpr double kNoTest = std::numeric_limits<double>::infinity();

  explicit PageHinkley(const Config& config)
      : config_(config),
        watches_up_(config.mode != ChangeMode::down),
        watches_down_(config.mode != ChangeMode::up) {}
  void collect(double score) noexcept;
  void refresh() noexcept;
  [[nodiscard]] Signal warm_up(double value) noexcept;
  [[nodiscard]] Signal suspicious() noexcept;

  Config config_;
  StreamCount count_;
  RobustScale scale_;
  // No two sums lie next to each other: compilers would load and store such a pair at once, and each sum wait
  // for the other.
  double sum_ = 0.0;
  std::uint64_t scores_ = 0;
  double squares_ = 0.0;
  bool watches_up_;
  double cubes_ = 0.0;
  bool watches_down_;
  double up_ = 0.0;
  double mean_ = 0.0;  ///< this and the next two are derived at every 32nd score, and therefore stored
  double down_ = 0.0;
  double slack_ = 0.0;
  double limit_ = kNoTest;
  double floor_ =
      0.0;  ///< of a constant, compilers make a branch that nobody can predict instead of a maximum
};

inline void PageHinkley::collect(double score) noexcept {
  const double square = score * score;
  sum_ += score;
  squares_ += square;
  cubes_ += square * score;
  ++scores_;
}

inline Signal PageHinkley::update(double value) noexcept {
  if (!std::isfinite(value)) [[unlikely]] {
    ++count_.skipped;
    return Signal::none;
  }
  ++count_.values;
  if (!scale_.settled()) [[unlikely]] {
    if (!scale_.ready()) {
      return warm_up(value);
    }
    (void)scale_.add(value);
  }
  const double score = scale_.score(value);
  collect(score);
  if (scores_ % 32 == 0) [[unlikely]] {
    refresh();
  }
  const double deviation = score - mean_;
  double kept_up = up_;
  double kept_down = down_;
  if (config_.alpha != 1.0) [[unlikely]] {  // else a product that the next update would wait for
    kept_up *= config_.alpha;
    kept_down *= config_.alpha;
  }
  const double higher = kept_up + (deviation - slack_);
  const double lower = kept_down - (deviation + slack_);
  const double up = higher > floor_ ? higher : floor_;
  const double down = lower > floor_ ? lower : floor_;
  up_ = up;
  down_ = down;
  const bool climbs = 2.0 * up > limit_;
  const bool falls = 2.0 * down > limit_;
  if (climbs || falls) [[unlikely]] {
    return suspicious();
  }
  return Signal::none;
}

}  // namespace attune
