// SPDX-License-Identifier: Apache-2.0
// How often a breaker opens without need, and how late when there is need; docs/breakers.md has the numbers.
#include <cstdint>
#include <cstdio>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/safety/breaker.hpp>

namespace attune::breaker_rates_test {
namespace {

struct Tally {
  std::uint64_t trips = 0;
  double calls_to_first = 0.0;
};

/// Independent calls that fail with probability `failing`; the breaker only says when it would open.
Tally watch(double confidence, double failing, std::uint64_t calls, std::uint64_t seed) {
  BreakerConfig config;
  config.confidence = confidence;
  config.slow_rate = 0.0;
  config.consecutive_failures = 0;
  CircuitBreaker breaker = CircuitBreaker::make(config).value();
  EXPECT_EQ(breaker.set_state(BreakerState::metrics_only, 0), Errc::ok);
  Rng rng(seed);
  Tally tally;
  for (std::uint64_t i = 0; i < calls; ++i) {
    const bool fails = rng.uniform() < failing;
    breaker.record(breaker.try_acquire(0), fails ? CallResult::failure : CallResult::success, 0, 0);
    if (tally.calls_to_first == 0.0 && breaker.status().trips > 0) {
      tally.calls_to_first = static_cast<double>(i + 1);
    }
  }
  tally.trips = breaker.status().trips;
  return tally;
}

TEST(BreakerRates, TheLowerBoundSavesMostNeedlessTripsAndCostsFewCalls) {
  std::uint64_t trips[2] = {};
  double delay[2] = {};
  int at = 0;
  for (const double confidence : {0.0, 0.95}) {
    for (const double failing : {0.01, 0.02, 0.05}) {
      const std::uint64_t needless = watch(confidence, failing, 100000, 1).trips;
      std::printf("confidence %.2f, %2.0f %% failing: %llu trips in 100000 calls\n", confidence,
                  100.0 * failing, static_cast<unsigned long long>(needless));
      trips[at] = failing == 0.02 ? needless : trips[at];
    }
    for (const double failing : {0.1, 0.2, 0.5, 1.0}) {
      double sum = 0.0;
      for (std::uint64_t seed = 0; seed < 200; ++seed) {
        sum += watch(confidence, failing, 1000, seed).calls_to_first;
      }
      std::printf("confidence %.2f, %3.0f %% failing: opens after %.0f calls\n", confidence, 100.0 * failing,
                  sum / 200.0);
      delay[at] = failing == 0.2 ? sum / 200.0 : delay[at];
    }
    ++at;
  }
  EXPECT_GT(trips[0], 10 * trips[1]);
  EXPECT_LT(delay[1], delay[0] + 20.0);
}

}  // namespace
}  // namespace attune::breaker_rates_test
