// SPDX-License-Identifier: Apache-2.0
/// @file
/// SplitConformal and AdaptiveConformal: intervals around predictions that hold the outcome as often as
/// asked.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include <attune/core/concepts.hpp>
#include <attune/safety/sorted_window.hpp>

namespace attune {

/// [lower, upper]; infinite where nothing is known.
struct Interval {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();

  [[nodiscard]] bool holds(double value) const noexcept { return value >= lower && value <= upper; }
  [[nodiscard]] double width() const noexcept { return upper - lower; }
  bool operator==(const Interval&) const = default;
};

/// Outcomes that were compared with intervals.
struct CoverageCount {
  std::uint64_t outcomes = 0;
  std::uint64_t covered = 0;  ///< of those, inside the interval that was in force before them
  std::uint64_t refused = 0;  ///< NaN, infinite, or with a spread that is not positive

  bool operator==(const CoverageCount&) const = default;
};

/// Options of SplitConformal.
struct SplitConformalConfig {
  double miscoverage = 0.1;
  std::uint32_t window = 1000;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("miscoverage", self.miscoverage, Bounds{1e-6, 0.5}, "share of outcomes that may lie outside");
    visit("window", self.window, Bounds{1, 65536}, "newest residuals that are kept");
  }
  bool operator==(const SplitConformalConfig&) const = default;
};

/// Split conformal prediction over the newest residuals.
///
/// With n residuals |y - prediction| / spread, the interval is prediction -+ q spread, q the k-th smallest of
/// them, k = ceil((n + 1)(1 - miscoverage)); infinite while k > n. If the residuals and the next one are
/// exchangeable it holds the next outcome with a probability of at least 1 - miscoverage, and of k / (n + 1)
/// exactly where residuals have no ties, whatever the model and the distribution. `spread` is whatever the
/// caller knows of how uncertain this prediction is (an ensemble's deviation, a bandit's width), 1 for
/// nothing.
///
/// Source: Vovk, Gammerman, Shafer (2005), "Algorithmic Learning in a Random World"; Lei et al. (2018), J.
/// Am. Stat. Assoc. 113, 1094-1111, theorem 2.2. Limits: no promise under drift; see AdaptiveConformal. The
/// model must not learn from an outcome before its residual is taken. Cost: that of SortedWindow.
class SplitConformal {
 public:
  using Config = SplitConformalConfig;

  static constexpr std::string_view kName = "split_conformal";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<SplitConformal> make(const Config& config);

  [[nodiscard]] Interval interval(double prediction, double spread = 1.0) const noexcept;
  /// Errors: non_finite, invalid_argument (spread <= 0); nothing but a counter changes.
  [[nodiscard]] Errc update(double prediction, double outcome, double spread = 1.0) noexcept;
  /// Forgets the residuals, not the counters.
  void reset() noexcept { residuals_.reset(); }
  [[nodiscard]] const CoverageCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const SplitConformal&) const = default;

 private:
  explicit SplitConformal(const Config& config) : config_(config), residuals_(config.window) {}

  Config config_;
  CoverageCount count_;
  SortedWindow residuals_;
};

/// Options of AdaptiveConformal.
struct AdaptiveConformalConfig {
  double miscoverage = 0.1;
  std::uint32_t window = 1000;
  double step = 0.005;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("miscoverage", self.miscoverage, Bounds{1e-6, 0.5}, "share of outcomes that may lie outside");
    visit("window", self.window, Bounds{1, 65536}, "newest residuals that are kept");
    visit("step", self.step, Bounds{1e-6, 1.0}, "gamma: how fast the level answers to misses");
  }
  bool operator==(const AdaptiveConformalConfig&) const = default;
};

/// Adaptive conformal inference: SplitConformal at a level that answers to misses, a += step (miscoverage -
/// miss).
///
/// At a <= 0 the interval is infinite and holds everything, at a >= 1 it is empty and holds nothing; so after
/// T outcomes the share of misses differs from `miscoverage` by at most (max(miscoverage, 1 - miscoverage) +
/// step) / (step T), whatever the stream does, drift and adversaries included.
///
/// Source: Gibbs, Candes (2021), "Adaptive Conformal Inference Under Distribution Shift", NeurIPS,
/// proposition 4.1. Limits: the promise is of the long run; a larger step follows faster and gives more
/// infinite intervals.
class AdaptiveConformal {
 public:
  using Config = AdaptiveConformalConfig;

  static constexpr std::string_view kName = "adaptive_conformal";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<AdaptiveConformal> make(const Config& config);

  /// Empty (lower = +infinity, upper = -infinity) at a >= 1.
  [[nodiscard]] Interval interval(double prediction, double spread = 1.0) const noexcept;
  /// Errors: non_finite, invalid_argument (spread <= 0); nothing but a counter changes.
  [[nodiscard]] Errc update(double prediction, double outcome, double spread = 1.0) noexcept;
  /// Forgets residuals and level, not the counters.
  void reset() noexcept;
  [[nodiscard]] const CoverageCount& count() const noexcept { return count_; }
  /// a: the miscoverage that is aimed for just now.
  [[nodiscard]] double level() const noexcept { return level_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const AdaptiveConformal&) const = default;

 private:
  explicit AdaptiveConformal(const Config& config)
      : config_(config), level_(config.miscoverage), residuals_(config.window) {}

  Config config_;
  CoverageCount count_;
  double level_;
  SortedWindow residuals_;
};

}  // namespace attune
