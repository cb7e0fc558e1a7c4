// SPDX-License-Identifier: Apache-2.0
// CircuitBreaker under eight threads. Worth most under the thread sanitizer.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/breaker.hpp>

namespace attune::breaker_threads_test {
namespace {

constexpr int kThreads = 8;

template <class Body>
void on_threads(const Body& body) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

TEST(BreakerThreads, HalfOpenNeverGrantsMoreThanItsProbesAtOnce) {
  BreakerConfig config;
  config.probes = 5;
  CircuitBreaker breaker = CircuitBreaker::make(config).value();
  std::atomic<int> out{0};
  std::atomic<int> most{0};
  std::atomic<int> granted{0};
  ASSERT_EQ(breaker.set_state(BreakerState::half_open, 0), Errc::ok);
  on_threads([&](int) {
    for (int i = 0; i < 400; ++i) {
      const Permit permit = breaker.try_acquire(i);
      if (permit) {
        const int now_out = out.fetch_add(1) + 1;
        int seen = most.load();
        while (now_out > seen && !most.compare_exchange_weak(seen, now_out)) {
        }
        granted.fetch_add(1);
        std::this_thread::yield();
        out.fetch_sub(1);
        // Says nothing, so that the state stays and places come free.
        breaker.record(permit, CallResult::ignored, 0, i);
      }
    }
  });
  EXPECT_LE(most.load(), 5);
  EXPECT_GT(granted.load(), 0);
  EXPECT_EQ(breaker.status().probes_out, 0U);
  EXPECT_EQ(breaker.state(), BreakerState::half_open);
}

TEST(BreakerThreads, ARoundOfProbesIsNeverLargerThanConfigured) {
  BreakerConfig config;
  config.probes = 4;
  config.probe_success_share = 1.0;
  for (int round = 0; round < 60; ++round) {
    CircuitBreaker breaker = CircuitBreaker::make(config).value();
    ASSERT_EQ(breaker.set_state(BreakerState::half_open, 0), Errc::ok);
    std::atomic<int> probes{0};
    on_threads([&](int) {
      const Permit permit = breaker.try_acquire(1);
      if (permit && breaker.state() == BreakerState::half_open) {
        probes.fetch_add(1);
      }
      breaker.record(permit, CallResult::failure, 0, 1);
    });
    EXPECT_LE(probes.load(), 4);
    EXPECT_EQ(breaker.state(), BreakerState::open);
  }
}

void expect_counts_every_call(BreakerWindow window) {
  BreakerConfig config;
  config.window = window;
  config.window_calls = 16384;
  config.window_s = 1000.0;
  config.confidence = 0.0;
  config.failure_rate = 1.0;
  config.slow_rate = 1.0;
  config.consecutive_failures = 0;
  CircuitBreaker breaker = CircuitBreaker::make(config).value();
  constexpr int kCalls = 2000;
  on_threads([&](int thread) {
    for (int i = 0; i < kCalls; ++i) {
      const Nanos now = i * (kSecond / 4);
      const Permit permit = breaker.try_acquire(now);
      // Every eighth fails, on each thread at another time; every tenth is slow.
      const CallResult result = (i + thread) % 8 == 0 ? CallResult::failure : CallResult::success;
      breaker.record(permit, result, i % 10 == 0 ? kSecond : 0, now);
    }
  });
  const BreakerStatus status = breaker.status();
  EXPECT_EQ(status.calls, static_cast<std::uint64_t>(kThreads * kCalls));
  EXPECT_EQ(status.failure_rate, 0.125);
  EXPECT_EQ(status.slow_rate, 0.1);
  EXPECT_EQ(status.stale, 0U);
}

TEST(BreakerThreads, CountWindowLosesNoCall) { expect_counts_every_call(BreakerWindow::count); }
TEST(BreakerThreads, TimeWindowLosesNoCall) { expect_counts_every_call(BreakerWindow::time); }

void expect_survives_turmoil(BreakerWindow window) {
  BreakerConfig config;
  config.window = window;
  config.window_calls = 7;
  config.window_s = 0.001;
  config.minimum_calls = 5;
  config.failure_rate = 0.5;
  config.confidence = 0.0;
  config.slow_rate = 0.0;
  config.open_s = 1e-6;
  config.backoff_cap_s = 1e-5;
  config.backoff_memory_s = 0.0;
  config.probe_lease_s = 1e-4;
  config.probes = 3;
  CircuitBreaker breaker = CircuitBreaker::make(config).value();
  std::atomic<Nanos> clock{0};
  on_threads([&](int thread) {
    std::vector<BreakerEvent> events(4);
    Permit old = breaker.try_acquire(0);
    for (int i = 0; i < 6000; ++i) {
      const Nanos now = clock.fetch_add(200);
      const Permit permit = breaker.try_acquire(now);
      if (i % 97 == 0) {
        breaker.record(old, CallResult::failure, 0, now);  // late, often too late
        old = permit;
      } else if (i % 61 != 0) {  // some never report
        breaker.record(permit, (i / 50) % 2 == 0 ? CallResult::failure : CallResult::success, 0, now);
      }
      if (thread == 0 && i % 200 == 0) {
        breaker.observe(now);
        const Bytes bytes = save_state(breaker);
        CircuitBreaker copy = breaker;
        ASSERT_TRUE(load_state(copy, bytes));
        (void)breaker.take_events(events);
      } else if (thread == 1 && i % 700 == 0) {
        ASSERT_EQ(breaker.set_state(static_cast<BreakerState>(i / 700 % 7), now), Errc::ok);
      }
    }
  });
  // By one thread it is as new: nothing was left behind.
  const Nanos now = clock.load() + kSecond;
  ASSERT_EQ(breaker.set_state(BreakerState::closed, now), Errc::ok);
  const std::uint64_t trips = breaker.status().trips;
  EXPECT_GT(trips, 10U);
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(breaker.state(), BreakerState::closed);
    EXPECT_EQ(breaker.status().calls, static_cast<std::uint64_t>(i));
    breaker.record(breaker.try_acquire(now), i % 2 == 1 && i != 5 ? CallResult::failure : CallResult::success,
                   0, now);
  }
  EXPECT_EQ(breaker.status().failure_rate, 2.0 / 7.0);
  EXPECT_EQ(breaker.status().trips, trips);
}

TEST(BreakerThreads, CountWindowSurvivesTurmoil) { expect_survives_turmoil(BreakerWindow::count); }
TEST(BreakerThreads, TimeWindowSurvivesTurmoil) { expect_survives_turmoil(BreakerWindow::time); }

}  // namespace
}  // namespace attune::breaker_threads_test
