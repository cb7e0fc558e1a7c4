// SPDX-License-Identifier: Apache-2.0
/// @file
/// DriftDetector: what watches a stream of numbers and says when its distribution has changed.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <attune/core/concepts.hpp>

namespace attune {

/// What a detector says of one value.
enum class Signal : std::uint8_t {
  none = 0,
  warning = 1,  ///< suspicious; may pass
  drift = 2,    ///< the distribution has changed
};

/// "none", "warning", "drift".
[[nodiscard]] std::string_view to_string(Signal signal) noexcept;

/// Values that a detector has been given.
struct StreamCount {
  std::uint64_t values = 0;   ///< finite ones, since the detector was made
  std::uint64_t skipped = 0;  ///< NaN and infinities
  std::uint64_t drifts = 0;   ///< signals `drift`

  bool operator==(const StreamCount&) const = default;
};

/// Watches a stream of numbers, one at a time.
///
/// Checked by the compiler: Persistent, `make(config)`, `update`, `reset`, `count`.
/// Promised by the author, and tested by tests/safety/detector_laws_test.cpp over every shipped detector:
/// - `update` is a function of the state and the value alone, does not allocate, lock or throw;
/// - NaN and infinities are counted as skipped, answered with Signal::none, and change nothing else (the
///   detectors of River's behaviour, river_*, say in their docstring what they do instead);
/// - `drift` is said at the update at which the change is noticed and only there; the detector goes on by
///   itself, and each says what it keeps;
/// - `reset` forgets the stream, not the counters.
/// Not required: that states can be merged; a rate of false alarms (each docstring states what is known).
template <class D>
concept DriftDetector =
    Persistent<D> && requires(D& detector, const D& seen, const typename D::Config& config, double value) {
      { D::make(config) } -> std::same_as<Result<D>>;
      { detector.update(value) } noexcept -> std::same_as<Signal>;
      { detector.reset() } noexcept -> std::same_as<void>;
      { seen.count() } noexcept -> std::same_as<const StreamCount&>;
    };

/// Says which requirement of DriftDetector a type misses: `static_assert(check_drift_detector<Adwin>());`
template <class D>
[[nodiscard]] consteval bool check_drift_detector() {
  static_assert(check_persistent<D>());
  static_assert(requires { typename D::Config; }, "DriftDetector: the nested type Config is missing");
  static_assert(
      requires(const typename D::Config& c) {
        { D::make(c) } -> std::same_as<Result<D>>;
      }, "DriftDetector: need `static Result<D> make(const Config&)`");
  static_assert(
      requires(D& d, double x) {
        { d.update(x) } noexcept -> std::same_as<Signal>;
      }, "DriftDetector: need `Signal update(double) noexcept`");
  static_assert(
      requires(D& d) {
        { d.reset() } noexcept -> std::same_as<void>;
      }, "DriftDetector: need `void reset() noexcept`");
  static_assert(
      requires(const D& d) {
        { d.count() } noexcept -> std::same_as<const StreamCount&>;
      }, "DriftDetector: need `const StreamCount& count() const noexcept`");
  return DriftDetector<D>;
}

}  // namespace attune
