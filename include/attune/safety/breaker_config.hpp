// SPDX-License-Identifier: Apache-2.0
/// @file
/// What a circuit breaker is told and what it tells: results of calls, states, reasons, options, events.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <attune/core/clock.hpp>
#include <attune/core/config.hpp>

namespace attune {

/// How a protected call went. That it was slow is told by its duration.
enum class CallResult : std::uint8_t {
  success = 0,
  failure = 1,     ///< an error that is the callee's
  timeout = 2,     ///< given up by the caller
  non_finite = 3,  ///< it answered with NaN or infinity
  breach = 4,      ///< it answered, and a guard refused the answer
  ignored = 5,     ///< says nothing about the callee (the caller's mistake, cancelled): not counted at all
};

/// What a breaker does with calls.
enum class BreakerState : std::uint8_t {
  closed = 0,         ///< calls pass and are counted
  open = 1,           ///< calls are rejected until its time is over
  half_open = 2,      ///< a few probes pass
  forced_open = 3,    ///< calls are rejected until somebody says otherwise
  forced_closed = 4,  ///< calls pass and are counted; it never opens
  disabled = 5,       ///< calls pass and are not counted
  metrics_only = 6,   ///< as forced_closed, and an event says each time that it would have opened
};
[[nodiscard]] std::string_view to_string(BreakerState state) noexcept;

/// Why a breaker changed its state.
enum class BreakerReason : std::uint8_t {
  failure_rate = 0,
  slow_rate = 1,
  consecutive = 2,     ///< failures in a row
  open_time_over = 3,  ///< open -> half_open
  probes_passed = 4,   ///< half_open -> closed
  probes_failed = 5,   ///< half_open -> open
  by_hand = 6,
};
[[nodiscard]] std::string_view to_string(BreakerReason reason) noexcept;

/// Why a permit was refused. The values but `none` are those of the states.
enum class Rejection : std::uint8_t {
  none = 0,
  open = 1,
  probes_taken = 2,  ///< half open, and as many probes are out as are allowed
  forced_open = 3,
};

enum class BreakerWindow : std::uint8_t { count = 0, time = 1 };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<BreakerWindow>{"count", "time"};

/// Options of CircuitBreaker. docs/breakers.md says why the defaults are what they are.
struct BreakerConfig {
  BreakerWindow window = BreakerWindow::count;
  std::uint32_t window_calls = 100;
  double window_s = 10.0;
  std::uint32_t buckets = 10;
  std::uint32_t minimum_calls = 20;
  double confidence = 0.95;
  double failure_rate = 0.05;
  double slow_call_s = 0.015;
  double slow_rate = 0.01;
  std::uint32_t consecutive_failures = 5;
  double weight_failure = 1.0;
  double weight_timeout = 1.0;
  double weight_non_finite = 1.0;
  double weight_breach = 1.0;
  double open_s = 30.0;
  double backoff_factor = 2.0;
  double backoff_cap_s = 300.0;
  double backoff_jitter = 0.1;
  double backoff_memory_s = 30.0;
  std::uint32_t probes = 10;
  double probe_success_share = 0.99;
  double probe_lease_s = 10.0;
  bool lost_probe_fails = true;
  double enforced_share = 1.0;
  std::uint64_t seed = 0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("window", self.window, Bounds{}, "count: the newest calls; time: the calls of the last seconds");
    visit("window_calls", self.window_calls, Bounds{1, 16384}, "calls that a count window holds");
    visit("window_s", self.window_s, Bounds{1e-3, 86400}, "length of a time window, seconds");
    visit("buckets", self.buckets, Bounds{1, 1024}, "parts of a time window; it moves on by one at a time");
    visit("minimum_calls", self.minimum_calls, Bounds{1, 1e9}, "calls in the window before a rate counts");
    visit("confidence", self.confidence, Bounds{0.0, 0.999999},
          "one-sided confidence of the lower bound of a rate that trips; 0: the plain rate");
    visit("failure_rate", self.failure_rate, Bounds{0.0, 1.0},
          "share of failures that trips; 0: no such rule");
    visit("slow_call_s", self.slow_call_s, Bounds{0.0, 86400}, "calls that take longer are slow, seconds");
    visit("slow_rate", self.slow_rate, Bounds{0.0, 1.0}, "share of slow calls that trips; 0: no such rule");
    visit("consecutive_failures", self.consecutive_failures, Bounds{0, 1e9},
          "failures in a row that trip, whatever the rates; 0: no such rule");
    visit("weight_failure", self.weight_failure, Bounds{0.0, 1.0},
          "how much of a failure a failure is, in hundredths; 0: as a success");
    visit("weight_timeout", self.weight_timeout, Bounds{0.0, 1.0}, "of a timeout, the same");
    visit("weight_non_finite", self.weight_non_finite, Bounds{0.0, 1.0}, "of NaN and infinity, the same");
    visit("weight_breach", self.weight_breach, Bounds{0.0, 1.0}, "of a breached guard, the same");
    visit("open_s", self.open_s, Bounds{1e-6, 86400}, "how long the breaker stays open, seconds");
    visit("backoff_factor", self.backoff_factor, Bounds{1.0, 100.0}, "longer by this when it opens again");
    visit("backoff_cap_s", self.backoff_cap_s, Bounds{1e-6, 604800}, "never longer than this, seconds");
    visit("backoff_jitter", self.backoff_jitter, Bounds{0.0, 0.5}, "share by which it is longer or shorter");
    visit("backoff_memory_s", self.backoff_memory_s, Bounds{0.0, 604800},
          "opening again within this time after closing makes it longer too, seconds");
    visit("probes", self.probes, Bounds{1, 1024}, "calls let through half open, at once and in all");
    visit("probe_success_share", self.probe_success_share, Bounds{1e-9, 1.0}, "of them good, to close");
    visit("probe_lease_s", self.probe_lease_s, Bounds{1e-6, 86400},
          "a probe that has not reported by then has lost its permit, seconds");
    visit("lost_probe_fails", self.lost_probe_fails, Bounds{}, "is such a probe counted as a failed one?");
    visit("enforced_share", self.enforced_share, Bounds{0.0, 1.0}, "share of trips that do open the breaker");
    visit("seed", self.seed, Bounds{0, 18446744073709551615.0}, "of jitter and enforced_share");
  }
  bool operator==(const BreakerConfig&) const = default;
};

/// One change of state, or a trip that was not carried out (`from` == `to`).
struct BreakerEvent {
  std::uint64_t number = 0;  ///< counts from 1
  Nanos time = 0;
  BreakerState from = BreakerState::closed;
  BreakerState to = BreakerState::closed;
  BreakerReason reason = BreakerReason::by_hand;
  double rate = 0.0;  ///< what tripped: the share, or the failures in a row; probes: the share of good ones
  std::uint64_t calls = 0;  ///< that `rate` is of
  Nanos open_for = 0;       ///< to == open: how long

  bool operator==(const BreakerEvent&) const = default;
};

/// Numbers of a breaker, for metrics.
struct BreakerStatus {
  BreakerState state = BreakerState::closed;
  std::uint64_t calls = 0;   ///< in the window
  double failure_rate = 0;   ///< of the window, weighted
  double slow_rate = 0;      ///< of the window
  std::uint64_t in_row = 0;  ///< failures since the last success
  Nanos open_until = 0;      ///< when open
  std::uint32_t probes_out = 0;
  std::uint32_t probes_good = 0;
  std::uint32_t probes_bad = 0;
  std::uint64_t rejected = 0;      ///< permits refused since it was made
  std::uint64_t stale = 0;         ///< results of permits from before a change of state: not counted
  std::uint64_t lost_probes = 0;   ///< leases that ran out
  std::uint64_t trips = 0;         ///< times that a rule or a probe said: open
  std::uint64_t not_enforced = 0;  ///< of them without effect: metrics_only, enforced_share
  std::uint64_t events_lost = 0;   ///< overwritten before somebody took them
};

}  // namespace attune
