// SPDX-License-Identifier: Apache-2.0
/// @file
/// Breakers and calls through them, as their tests make them.
#pragma once

#include <vector>

#include <attune/safety/breaker.hpp>

namespace attune::test::breakers {

inline constexpr Nanos kMillisecond = 1'000'000;

inline CircuitBreaker make(const BreakerConfig& config) { return CircuitBreaker::make(config).value(); }

/// Only failures in a row trip it; no jitter.
inline BreakerConfig simple() {
  BreakerConfig config;
  config.failure_rate = 0.0;
  config.slow_rate = 0.0;
  config.consecutive_failures = 3;
  config.backoff_jitter = 0.0;
  config.probes = 2;
  config.probe_success_share = 1.0;
  return config;
}

/// The plain share of failures among the newest calls.
inline BreakerConfig plain_rate(double limit, std::uint32_t window, std::uint32_t minimum) {
  BreakerConfig config;
  config.failure_rate = limit;
  config.slow_rate = 0.0;
  config.consecutive_failures = 0;
  config.confidence = 0.0;
  config.window_calls = window;
  config.minimum_calls = minimum;
  config.backoff_jitter = 0.0;
  return config;
}

/// One call; false where it was rejected.
inline bool call(CircuitBreaker& breaker, CallResult result, Nanos now, Nanos took = kMillisecond) {
  const Permit permit = breaker.try_acquire(now);
  breaker.record(permit, result, took, now);
  return static_cast<bool>(permit);
}
inline void calls(CircuitBreaker& breaker, int count, CallResult result, Nanos now,
                  Nanos took = kMillisecond) {
  for (int i = 0; i < count; ++i) {
    (void)call(breaker, result, now, took);
  }
}
inline std::vector<BreakerEvent> events(CircuitBreaker& breaker) {
  std::vector<BreakerEvent> out(CircuitBreaker::kEvents);
  out.resize(breaker.take_events(out));
  return out;
}

}  // namespace attune::test::breakers
