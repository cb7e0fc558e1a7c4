// SPDX-License-Identifier: Apache-2.0
/// @file
/// RiverPageHinkley: the Page-Hinkley test exactly as River does it.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include <attune/safety/drift.hpp>

namespace attune {

/// The direction of change that is watched for.
enum class ChangeMode : std::uint8_t { up = 0, down = 1, both = 2 };
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<ChangeMode>{"up", "down", "both"};

/// Options of RiverPageHinkley, with River's names and defaults.
struct RiverPageHinkleyConfig {
  std::uint64_t min_instances = 30;
  double delta = 0.005;
  double threshold = 50.0;
  double alpha = 1.0 - 0.0001;
  ChangeMode mode = ChangeMode::both;
  bool skip_non_finite = false;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("min_instances", self.min_instances, Bounds{0, 1e15}, "values before the first test");
    visit("delta", self.delta, Bounds{-1e300, 1e300},
          "change that is not worth noticing, unit of the values");
    visit("threshold", self.threshold, Bounds{-1e300, 1e300}, "cumulated change that is a drift");
    visit("alpha", self.alpha, Bounds{-1e300, 1e300}, "factor by which old sums fade");
    visit("mode", self.mode, Bounds{}, "direction of change");
    visit("skip_non_finite", self.skip_non_finite, Bounds{},
          "pass over NaN and infinities; false: deaf for good after the first one, as River is");
  }
  bool operator==(const RiverPageHinkleyConfig&) const = default;
};

/// Signals drift at exactly the values at which `river.drift.PageHinkley` 0.26 does.
///
///     mean += (1 / n) (x - mean),   d = x - mean,
///     up = alpha up + d - delta,    down = alpha down + d + delta,
///     drift when up - min up > threshold, or max down - down > threshold, from n = min_instances on.
///
/// The minimum starts at +infinity, the maximum at -1, as River's does. At the update after a detection
/// everything starts anew.
///
/// Source: Page (1954), "Continuous Inspection Schemes", Biometrika 41, 100-115; River 0.26.1.
/// Limits: threshold and delta are in the unit of the values. Non-finite values: as for RiverAdwin.
/// Cost: O(1) time and memory; 3 ns where a loop keeps it in registers, 5 through memory.
class RiverPageHinkley {
 public:
  using Config = RiverPageHinkleyConfig;

  static constexpr std::string_view kName = "river_page_hinkley";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<RiverPageHinkley> make(const Config& config);

  [[nodiscard]] Signal update(double value) noexcept;
  void reset() noexcept { state_ = {}; }
  [[nodiscard]] const StreamCount& count() const noexcept { return count_; }
  [[nodiscard]] double mean() const noexcept { return state_.mean; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const RiverPageHinkley&) const = default;

 private:
  struct State {
    // No two doubles lie next to each other: compilers would load and store such a pair at once, and the mean
    // wait for the sums.
    double mean = 0.0;
    std::int64_t values = 0;  // signed: converted to a double without a branch
    double increase = 0.0;
    bool restart = false;  // the last update detected
    double decrease = 0.0;
    bool deaf = false;  // a NaN or infinity came
    double least = std::numeric_limits<double>::infinity();
    std::uint64_t apart = 0;  // keeps its neighbours apart
    double most = -1.0;
    /// Bit for bit: huge values overflow the sums, as River's, and may leave NaN in them.
    [[nodiscard]] bool operator==(const State& other) const noexcept {
      const auto same = [](double left, double right) {
        return std::bit_cast<std::uint64_t>(left) == std::bit_cast<std::uint64_t>(right);
      };
      return same(mean, other.mean) && values == other.values && same(increase, other.increase) &&
             same(decrease, other.decrease) && same(least, other.least) && same(most, other.most) &&
             restart == other.restart && deaf == other.deaf;
    }
  };

  explicit RiverPageHinkley(const Config& config)
      : config_(config),
        most_climb_(config.mode == ChangeMode::down ? std::numeric_limits<double>::infinity()
                                                    : config.threshold),
        most_fall_(config.mode == ChangeMode::up ? std::numeric_limits<double>::infinity()
                                                 : config.threshold) {}
  [[nodiscard]] Signal odd() noexcept;

  Config config_;
  double most_climb_;
  double most_fall_;
  StreamCount count_;
  State state_;
};

// Here like update(): as long as no call takes the detector's address, a loop keeps its state in registers.
inline Signal RiverPageHinkley::odd() noexcept {
  ++count_.skipped;
  if (!config_.skip_non_finite) {
    if (state_.restart) {
      reset();
    }
    state_.deaf = true;
  }
  return Signal::none;
}

// The order of the operations is River's: another one rounds differently.
inline Signal RiverPageHinkley::update(double value) noexcept {
  if (!std::isfinite(value)) [[unlikely]] {
    return odd();
  }
  ++count_.values;
  State& s = state_;
  if (s.deaf || s.restart) [[unlikely]] {
    if (s.deaf) {
      return Signal::none;
    }
    reset();
  }
  const std::int64_t values = s.values + 1;
  const double mean = s.mean + (1.0 / static_cast<double>(values)) * (value - s.mean);
  const double deviation = value - mean;
  const double increase = config_.alpha * s.increase + deviation - config_.delta;
  const double decrease = config_.alpha * s.decrease + deviation + config_.delta;
  const double least = increase < s.least ? increase : s.least;
  const double most = decrease > s.most ? decrease : s.most;
  s.values = values;
  s.mean = mean;
  s.increase = increase;
  s.decrease = decrease;
  s.least = least;
  s.most = most;
  const bool climbs = increase - least > most_climb_;
  const bool falls = most - decrease > most_fall_;
  if ((climbs || falls) && static_cast<std::uint64_t>(values) >= config_.min_instances) [[unlikely]] {
    s.restart = true;
    ++count_.drifts;
    return Signal::drift;
  }
  return Signal::none;
}

}  // namespace attune
