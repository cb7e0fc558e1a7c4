// SPDX-License-Identifier: Apache-2.0
/// @file
/// AnomalyDetector: what watches a stream of numbers and says which of them is not like the others.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>

#include <attune/core/concepts.hpp>

namespace attune {

/// What a detector says of one value, by what it knew before it.
struct Anomaly {
  /// Distance from what was expected, in the detector's measure of spread; >= 0, at most kMaxScore. 0 while
  /// warming up and for what is not finite.
  double score = 0.0;
  /// Exactly when the value lies outside [lower, upper].
  bool is_anomaly = false;
  double expected = std::numeric_limits<double>::quiet_NaN();  ///< NaN while warming up
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();

  /// The score of a value that differs where all before were equal: there is no spread to measure it by.
  static constexpr double kMaxScore = 1e9;
};

/// Values that a detector has been given.
struct AnomalyCount {
  std::uint64_t values = 0;     ///< finite ones, since the detector was made
  std::uint64_t skipped = 0;    ///< NaN and infinities
  std::uint64_t anomalies = 0;  ///< of `values`

  bool operator==(const AnomalyCount&) const = default;
};

/// What becomes of an anomaly.
enum class LearnAnomalies : std::uint8_t {
  all = 0,      ///< learned like every value
  clipped = 1,  ///< learned as the bound that it crossed
  none = 2,     ///< not learned
};
template <>
inline constexpr std::array<std::string_view, 3> kEnumNames<LearnAnomalies>{"all", "clipped", "none"};

/// Options that all scalar detectors have.
struct AnomalyRules {
  LearnAnomalies learn = LearnAnomalies::clipped;
  std::uint32_t patience = 64;
  double min_spread = 0.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("learn", self.learn, Bounds{}, "what becomes of an anomaly: all, clipped (to the bound), none");
    visit("patience", self.patience, Bounds{0, 4e9},
          "anomalies in a row after which they are learned as they are; 0: never");
    visit("min_spread", self.min_spread, Bounds{0.0, 1e150},
          "smallest spread that is believed, in the unit of the values");
  }
  bool operator==(const AnomalyRules&) const = default;
};

/// Watches a stream of numbers, one at a time, for single values that stand out.
///
/// Checked by the compiler: Persistent, `make(config)`, `score`, `update`, `reset`, `count`.
/// Promised by the author, and tested by tests/safety/anomaly_laws_test.cpp over every shipped detector:
/// - `update` judges the value against the state before it, as `score` does, and then learns from it; both
///   are functions of the state and the value alone and do not allocate, lock or throw;
/// - NaN and infinities are counted as skipped, are no anomalies, and nothing is learned from them (where the
///   position in the stream matters they take one: `kPositional`);
/// - the same stream in another unit gives the same verdicts, while spreads lie in [1e-150, 1e150];
/// - `reset` forgets the stream, not the counters.
/// Not required: a rate of false alarms (each docstring states what is known).
template <class D>
concept AnomalyDetector =
    Persistent<D> && requires(D& detector, const D& seen, const typename D::Config& config, double value) {
      { D::make(config) } -> std::same_as<Result<D>>;
      { seen.score(value) } noexcept -> std::same_as<Anomaly>;
      { detector.update(value) } noexcept -> std::same_as<Anomaly>;
      { detector.reset() } noexcept -> std::same_as<void>;
      { seen.count() } noexcept -> std::same_as<const AnomalyCount&>;
    };

/// Says which requirement of AnomalyDetector a type misses:
/// `static_assert(check_anomaly_detector<ZScore>());`
template <class D>
[[nodiscard]] consteval bool check_anomaly_detector() {
  static_assert(check_persistent<D>());
  static_assert(requires { typename D::Config; }, "AnomalyDetector: the nested type Config is missing");
  static_assert(
      requires(const typename D::Config& c) {
        { D::make(c) } -> std::same_as<Result<D>>;
      }, "AnomalyDetector: need `static Result<D> make(const Config&)`");
  static_assert(
      requires(const D& d, double x) {
        { d.score(x) } noexcept -> std::same_as<Anomaly>;
      }, "AnomalyDetector: need `Anomaly score(double) const noexcept`");
  static_assert(
      requires(D& d, double x) {
        { d.update(x) } noexcept -> std::same_as<Anomaly>;
      }, "AnomalyDetector: need `Anomaly update(double) noexcept`");
  static_assert(
      requires(D& d) {
        { d.reset() } noexcept -> std::same_as<void>;
      }, "AnomalyDetector: need `void reset() noexcept`");
  static_assert(
      requires(const D& d) {
        { d.count() } noexcept -> std::same_as<const AnomalyCount&>;
      }, "AnomalyDetector: need `const AnomalyCount& count() const noexcept`");
  return AnomalyDetector<D>;
}

/// The part that scalar detectors share: counts values, and says what is to be learned of each.
class AnomalyWatch {
 public:
  explicit AnomalyWatch(const AnomalyRules& rules) noexcept : rules_(rules) {}

  /// Values are learned up to this magnitude, so that their squares stay finite.
  static constexpr double kLargest = 1e150;

  [[nodiscard]] const AnomalyCount& count() const noexcept { return count_; }
  void skip() noexcept { ++count_.skipped; }
  /// Counts a value and whether it is an anomaly. What is to become of it; `all` of what is none.
  [[nodiscard]] LearnAnomalies note(bool is_anomaly) noexcept;
  /// Counts a finite value and its verdict, and makes of it what is to be learned. False: nothing.
  [[nodiscard]] bool take(double& value, const Anomaly& verdict) noexcept;
  /// The verdict on a value between expected -+ reach * spread.
  [[nodiscard]] Anomaly judge(double value, double expected, double spread, double reach) const noexcept;
  [[nodiscard]] double believed(double spread) const noexcept {
    return spread > rules_.min_spread ? spread : rules_.min_spread;
  }
  /// Forgets the row of anomalies, not the counters.
  void reset() noexcept { row_ = 0; }

  void save(Writer& writer) const;
  /// Fails the reader on what cannot be.
  void load(Reader& reader) noexcept;
  /// "<what>: 3 anomalies in 100 values", with the counters.
  [[nodiscard]] Description describe(std::string_view what) const;
  [[nodiscard]] bool operator==(const AnomalyWatch&) const = default;

 private:
  AnomalyRules rules_;
  AnomalyCount count_;
  std::uint64_t row_ = 0;  // anomalies since the last value that was none
};

}  // namespace attune
