// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/breaker.hpp>

#include "tests/safety/breaker_calls.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::breaker_test {
namespace {

using namespace test::breakers;

TEST(Breaker, FailuresInARowOpenItAndASuccessBetweenStartsTheRowAnew) {
  CircuitBreaker breaker = make(simple());
  calls(breaker, 2, CallResult::failure, 0);
  calls(breaker, 1, CallResult::success, 0);
  calls(breaker, 2, CallResult::timeout, 0);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  calls(breaker, 1, CallResult::non_finite, 7);
  EXPECT_EQ(breaker.state(), BreakerState::open);
  EXPECT_EQ(breaker.try_acquire(8).rejection(), Rejection::open);
  const auto seen = events(breaker);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0], (BreakerEvent{1, 7, BreakerState::closed, BreakerState::open, BreakerReason::consecutive,
                                   3.0, 3, 30 * kSecond}));
}

TEST(Breaker, PlainRateIsReachedNotExceeded) {
  // 7 of 100 is 0.07, though 0.07 * 100 is a little more in doubles.
  CircuitBreaker breaker = make(plain_rate(0.07, 100, 100));
  calls(breaker, 6, CallResult::failure, 0);
  calls(breaker, 93, CallResult::success, 0);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  calls(breaker, 1, CallResult::failure, 0);
  EXPECT_EQ(breaker.state(), BreakerState::open);
}

TEST(Breaker, ASuccessTripsItWhenItMakesTheMinimumFull) {
  CircuitBreaker breaker = make(plain_rate(0.5, 10, 10));
  calls(breaker, 9, CallResult::failure, 0);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  calls(breaker, 1, CallResult::success, 0);
  EXPECT_EQ(breaker.state(), BreakerState::open);
}

TEST(Breaker, LowerBoundWantsMoreFailuresThanThePlainRate) {
  // z = 1.645 for 95 %. Of 20 calls at limit 0.05: k >= 1/2 + 1 + 1.645 sqrt(20 * 0.05 * 0.95) = 3.10, so 4.
  // Of 100: k >= 1/2 + 5 + 1.645 sqrt(4.75) = 9.09, so 10.
  BreakerConfig config = plain_rate(0.05, 100, 20);
  config.confidence = 0.95;
  for (const auto& [of, least] : {std::pair{20, 4}, {100, 10}}) {
    CircuitBreaker breaker = make(config);
    calls(breaker, of - least, CallResult::success, 0);
    calls(breaker, least - 1, CallResult::failure, 0);
    EXPECT_EQ(breaker.state(), BreakerState::closed);
    calls(breaker, 1, CallResult::failure, 0);
    EXPECT_EQ(breaker.state(), BreakerState::open) << least << " of " << of;
  }
}

TEST(Breaker, OneSlowCallOfTwentyIsNoProofByDefault) {
  CircuitBreaker breaker = make({});
  calls(breaker, 1, CallResult::success, 0, kSecond);
  calls(breaker, 99, CallResult::success, 0);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
}

TEST(Breaker, ALimitOfOneWantsEveryCallAtAnyConfidence) {
  BreakerConfig config = plain_rate(1.0, 10, 10);
  config.confidence = 0.99;
  CircuitBreaker breaker = make(config);
  calls(breaker, 1, CallResult::success, 0);
  calls(breaker, 9, CallResult::failure, 0);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  calls(breaker, 1, CallResult::failure, 0);
  EXPECT_EQ(breaker.state(), BreakerState::open);
}

TEST(Breaker, CountWindowForgetsTheOldestCall) {
  CircuitBreaker breaker = make(plain_rate(0.5, 4, 4));
  calls(breaker, 1, CallResult::failure, 0);
  calls(breaker, 4, CallResult::success, 0);
  calls(breaker, 1, CallResult::failure, 0);
  EXPECT_EQ(breaker.status().calls, 4U);
  EXPECT_EQ(breaker.status().failure_rate, 0.25);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  calls(breaker, 1, CallResult::failure, 0);
  EXPECT_EQ(breaker.state(), BreakerState::open);
}

TEST(Breaker, TimeWindowForgetsABucketAtATime) {
  BreakerConfig config = plain_rate(0.5, 1, 4);
  config.window = BreakerWindow::time;
  config.window_s = 10.0;
  config.buckets = 10;
  CircuitBreaker breaker = make(config);
  calls(breaker, 90, CallResult::success, 0);
  calls(breaker, 3, CallResult::failure, 9 * kSecond);
  EXPECT_EQ(breaker.status().calls, 93U);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  // At 10 s the successes of the first second are gone: 3 of 4.
  calls(breaker, 1, CallResult::success, 10 * kSecond);
  EXPECT_EQ(breaker.state(), BreakerState::open);
  EXPECT_EQ(events(breaker).back().rate, 0.75);
}

TEST(Breaker, SlowCallsTripItWhateverTheirResult) {
  BreakerConfig config = plain_rate(0.0, 10, 10);
  config.slow_rate = 0.3;
  config.slow_call_s = 0.015;
  CircuitBreaker breaker = make(config);
  calls(breaker, 8, CallResult::success, 0, 15 * kMillisecond);  // as long as allowed
  calls(breaker, 2, CallResult::success, 0, 15 * kMillisecond + 1);
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  calls(breaker, 1, CallResult::failure, 0, kSecond);
  EXPECT_EQ(breaker.state(), BreakerState::open);
  EXPECT_EQ(events(breaker).back().reason, BreakerReason::slow_rate);
}

TEST(Breaker, WeightsSayHowMuchOfAFailureAResultIs) {
  BreakerConfig config = plain_rate(0.5, 10, 10);
  config.weight_breach = 0.25;
  config.weight_timeout = 0.0;
  CircuitBreaker breaker = make(config);
  calls(breaker, 2, CallResult::timeout, 0);
  calls(breaker, 4, CallResult::breach, 0);
  calls(breaker, 4, CallResult::failure, 0);
  ASSERT_EQ(breaker.state(), BreakerState::open);
  EXPECT_EQ(events(breaker).back().rate, 0.5);  // nothing for 2, a quarter for 4, all for 4
}

TEST(Breaker, IgnoredCallsAreNotCounted) {
  CircuitBreaker breaker = make(simple());
  calls(breaker, 2, CallResult::failure, 0);
  calls(breaker, 100, CallResult::ignored, 0, kSecond);
  breaker.record(breaker.try_acquire(0), static_cast<CallResult>(200), 0, 0);
  EXPECT_EQ(breaker.status().calls, 2U);
  EXPECT_EQ(breaker.status().in_row, 2U);
}

TEST(Breaker, ProbesCloseItAndBackoffGrowsUntilTheCap) {
  BreakerConfig config = simple();
  config.open_s = 10.0;
  config.backoff_cap_s = 35.0;
  CircuitBreaker breaker = make(config);
  calls(breaker, 3, CallResult::failure, 0);
  Nanos now = 0;
  for (const Nanos open_for : {10, 20, 35, 35}) {
    EXPECT_EQ(events(breaker).back().open_for, open_for * kSecond);
    EXPECT_FALSE(breaker.try_acquire(now + open_for * kSecond - 1));
    now += open_for * kSecond;
    EXPECT_TRUE(call(breaker, CallResult::failure, now));
    EXPECT_EQ(breaker.state(), BreakerState::open);
  }
  now += 35 * kSecond;
  EXPECT_TRUE(call(breaker, CallResult::success, now));
  EXPECT_EQ(breaker.state(), BreakerState::half_open);
  EXPECT_TRUE(call(breaker, CallResult::success, now));
  EXPECT_EQ(breaker.state(), BreakerState::closed);
  // Failing again at once goes on where it was; failing later starts anew.
  CircuitBreaker later = breaker;
  calls(breaker, 3, CallResult::failure, now + 29 * kSecond);
  EXPECT_EQ(events(breaker).back().open_for, 35 * kSecond);
  calls(later, 3, CallResult::failure, now + 30 * kSecond);
  EXPECT_EQ(events(later).back().open_for, 10 * kSecond);
}

TEST(Breaker, AtMostSoManyProbesAreOut) {
  BreakerConfig config = simple();
  config.probes = 3;
  CircuitBreaker breaker = make(config);
  ASSERT_EQ(breaker.set_state(BreakerState::half_open, 0), Errc::ok);
  std::vector<Permit> permits;
  for (int i = 0; i < 3; ++i) {
    permits.push_back(breaker.try_acquire(0));
    EXPECT_TRUE(permits.back());
  }
  EXPECT_EQ(breaker.try_acquire(0).rejection(), Rejection::probes_taken);
  breaker.record(permits[0], CallResult::ignored, 0, 0);  // says nothing: its place is free again
  EXPECT_TRUE(breaker.try_acquire(0));
  EXPECT_FALSE(breaker.try_acquire(0));
  breaker.record(permits[1], CallResult::success, 0, 0);  // told: its place is used up
  EXPECT_FALSE(breaker.try_acquire(0));
  breaker.record(permits[1], CallResult::success, 0, 0);
  EXPECT_EQ(breaker.status().probes_good, 1U) << "a probe reports once";
  EXPECT_EQ(breaker.status().stale, 1U);
}

TEST(Breaker, AProbeThatNeverReportsBlocksNobody) {
  BreakerConfig config = simple();
  config.lost_probe_fails = false;
  CircuitBreaker breaker = make(config);
  ASSERT_EQ(breaker.set_state(BreakerState::half_open, 0), Errc::ok);
  const Permit lost = breaker.try_acquire(0);
  EXPECT_TRUE(lost);
  EXPECT_TRUE(breaker.try_acquire(1));
  EXPECT_FALSE(breaker.try_acquire(10 * kSecond - 1));
  EXPECT_TRUE(breaker.try_acquire(10 * kSecond)) << "the first lease is over, the second is not";
  EXPECT_FALSE(breaker.try_acquire(10 * kSecond));
  breaker.record(lost, CallResult::success, 0, 10 * kSecond);
  EXPECT_EQ(breaker.status().stale, 1U) << "too late";
  EXPECT_EQ(breaker.status().lost_probes, 1U);

  config.lost_probe_fails = true;
  CircuitBreaker strict = make(config);
  ASSERT_EQ(strict.set_state(BreakerState::half_open, 0), Errc::ok);
  EXPECT_TRUE(strict.try_acquire(0));
  EXPECT_TRUE(strict.try_acquire(0));
  EXPECT_EQ(strict.try_acquire(10 * kSecond).rejection(), Rejection::open);
  EXPECT_EQ(strict.status().lost_probes, 2U);
}

TEST(Breaker, AResultFromBeforeAChangeIsStale) {
  CircuitBreaker breaker = make(simple());
  const Permit before = breaker.try_acquire(0);
  calls(breaker, 3, CallResult::failure, 0);
  breaker.record(before, CallResult::success, 0, 1);
  EXPECT_EQ(breaker.state(), BreakerState::open);
  const Permit probe = breaker.try_acquire(30 * kSecond);
  EXPECT_TRUE(probe);
  breaker.record(before, CallResult::failure, 0, 30 * kSecond);
  EXPECT_EQ(breaker.state(), BreakerState::half_open);
  ASSERT_EQ(breaker.set_state(BreakerState::closed, 31 * kSecond), Errc::ok);
  breaker.record(before, CallResult::failure, 0, 31 * kSecond);
  breaker.record(probe, CallResult::failure, 0, 31 * kSecond);
  EXPECT_EQ(breaker.status().calls, 0U);
  EXPECT_EQ(breaker.status().stale, 4U);
}

TEST(Breaker, ARefusedPermitReportsNothing) {
  CircuitBreaker breaker = make(simple());
  ASSERT_EQ(breaker.set_state(BreakerState::forced_open, 0), Errc::ok);
  const Permit refused = breaker.try_acquire(0);
  EXPECT_EQ(refused.rejection(), Rejection::forced_open);
  breaker.record(refused, CallResult::failure, 0, 0);
  EXPECT_EQ(breaker.status().stale, 0U);
  EXPECT_EQ(breaker.status().rejected, 1U);
}

TEST(Breaker, ForcedAndDisabledStatesStayUntilSomebodySaysOtherwise) {
  const Nanos far = 1000 * 86400 * kSecond;
  CircuitBreaker breaker = make(simple());
  ASSERT_EQ(breaker.set_state(BreakerState::forced_open, 0), Errc::ok);
  for (const Nanos now : {Nanos{0}, far, -far}) {
    EXPECT_FALSE(breaker.try_acquire(now));
  }
  ASSERT_EQ(breaker.set_state(BreakerState::forced_closed, 0), Errc::ok);
  calls(breaker, 50, CallResult::failure, 0);
  EXPECT_EQ(breaker.state(), BreakerState::forced_closed);
  EXPECT_EQ(breaker.status().calls, 50U);
  ASSERT_EQ(breaker.set_state(BreakerState::disabled, 0), Errc::ok);
  calls(breaker, 50, CallResult::failure, 0);
  EXPECT_EQ(breaker.state(), BreakerState::disabled);
  EXPECT_EQ(breaker.status().calls, 0U);
  EXPECT_EQ(breaker.set_state(static_cast<BreakerState>(7), 0), Errc::invalid_argument);
  EXPECT_EQ(breaker.state(), BreakerState::disabled);
}

TEST(Breaker, MetricsOnlySaysThatItWouldHaveOpened) {
  CircuitBreaker breaker = make(simple());
  ASSERT_EQ(breaker.set_state(BreakerState::metrics_only, 0), Errc::ok);
  (void)events(breaker);
  calls(breaker, 7, CallResult::failure, 5);
  EXPECT_EQ(breaker.state(), BreakerState::metrics_only);
  const auto seen = events(breaker);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].from, BreakerState::metrics_only);
  EXPECT_EQ(seen[0].to, BreakerState::metrics_only);
  EXPECT_EQ(seen[0].reason, BreakerReason::consecutive);
  EXPECT_EQ(breaker.status().not_enforced, 2U);
}

TEST(Breaker, EnforcedShareOpensThatShareOfTheTrips) {
  BreakerConfig config = simple();
  config.enforced_share = 0.3;
  CircuitBreaker breaker = make(config);
  constexpr int kTrips = 2000;
  for (int i = 0; i < kTrips; ++i) {
    calls(breaker, 3, CallResult::failure, 0);
    ASSERT_EQ(breaker.set_state(BreakerState::closed, 0), Errc::ok);
  }
  EXPECT_EQ(breaker.status().trips, static_cast<std::uint64_t>(kTrips));
  // Binomial, 0.3 of 2000: deviation 20.5; 4.9 deviations are one false alarm in a million.
  EXPECT_NEAR(static_cast<double>(breaker.status().not_enforced), 0.7 * kTrips, 4.9 * 20.5);
}

TEST(Breaker, JitterIsWithinItsShareAndDependsOnSeedAndTripAlone) {
  BreakerConfig config = simple();
  config.backoff_jitter = 0.2;
  CircuitBreaker breaker = make(config);
  CircuitBreaker twin = make(config);
  config.seed = 1;
  CircuitBreaker other = make(config);
  double least = 1e18;
  double most = 0.0;
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    Nanos open_for[3] = {};
    int at = 0;
    for (CircuitBreaker* each : {&breaker, &twin, &other}) {
      calls(*each, 3, CallResult::failure, 0);
      open_for[at++] = events(*each).back().open_for;
      ASSERT_EQ(each->set_state(BreakerState::closed, 0), Errc::ok);
    }
    EXPECT_EQ(open_for[0], open_for[1]);
    same += open_for[0] == open_for[2] ? 1 : 0;
    least = std::min(least, static_cast<double>(open_for[0]));
    most = std::max(most, static_cast<double>(open_for[0]));
  }
  EXPECT_EQ(same, 0);
  // Uniform on [24, 36] s: none of 200 draws in an outer twentieth has probability 0.95^200 = 4e-5.
  EXPECT_GE(least, 24e9);
  EXPECT_LT(least, 24.6e9);
  EXPECT_LE(most, 36e9);
  EXPECT_GT(most, 35.4e9);
}

TEST(Breaker, AClockSetBackDelaysByNoMoreThanTheLongestOpenTime) {
  CircuitBreaker breaker = make(simple());
  const Nanos day = 86400 * kSecond;
  calls(breaker, 3, CallResult::failure, day);
  EXPECT_FALSE(breaker.try_acquire(0));  // notices it
  EXPECT_FALSE(breaker.try_acquire(30 * kSecond - 1));
  EXPECT_TRUE(breaker.try_acquire(30 * kSecond));
  // Probes that were given out by the later time do not block either.
  ASSERT_EQ(breaker.set_state(BreakerState::half_open, day), Errc::ok);
  EXPECT_TRUE(breaker.try_acquire(day));
  EXPECT_TRUE(breaker.try_acquire(day));
  EXPECT_FALSE(breaker.try_acquire(0));
  EXPECT_EQ(breaker.try_acquire(10 * kSecond).rejection(), Rejection::open) << "the leases are over";
}

TEST(Breaker, TheEndsOfTimeDoNoHarm) {
  constexpr Nanos kFirst = std::numeric_limits<Nanos>::min();
  constexpr Nanos kLast = std::numeric_limits<Nanos>::max();
  for (const BreakerWindow window : {BreakerWindow::count, BreakerWindow::time}) {
    BreakerConfig config = simple();
    config.window = window;
    CircuitBreaker breaker = make(config);
    for (const Nanos now : {kLast, kFirst, Nanos{0}, kLast, kFirst, kLast - 1, kFirst + 1, Nanos{-1}}) {
      calls(breaker, 4, CallResult::failure, now, kLast);
      calls(breaker, 4, CallResult::success, now, kFirst);
      breaker.observe(now);
      laws::expect_round_trip(breaker, make(config));
      EXPECT_LE(breaker.status().probes_out, config.probes);
    }
  }
}

TEST(Breaker, EventsThatNobodyTakesAreCounted) {
  CircuitBreaker breaker = make(simple());
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(breaker.set_state(BreakerState::closed, i), Errc::ok);
  }
  EXPECT_EQ(breaker.status().events_lost, 40U - CircuitBreaker::kEvents);
  std::array<BreakerEvent, 5> some;
  ASSERT_EQ(breaker.take_events(some), 5U);
  EXPECT_EQ(some[0].number, 40U - CircuitBreaker::kEvents + 1);
  const auto rest = events(breaker);
  ASSERT_EQ(rest.size(), CircuitBreaker::kEvents - 5);
  EXPECT_EQ(rest.back().number, 40U);
  EXPECT_EQ(rest.back().time, 39);
}

TEST(Breaker, NoCallAllocates) {
  for (const BreakerWindow window : {BreakerWindow::count, BreakerWindow::time}) {
    BreakerConfig config = simple();
    config.window = window;
    CircuitBreaker breaker = make(config);
    std::array<BreakerEvent, 8> out;
    const test::AllocationCount counter;
    for (Nanos now = 0; now < 400 * kSecond; now += kSecond / 4) {
      calls(breaker, 3, now / kSecond % 50 < 25 ? CallResult::failure : CallResult::success, now);
      (void)breaker.take_events(out);
      (void)breaker.status();
    }
    const std::size_t made = counter.count();
    EXPECT_EQ(made, 0U);
    EXPECT_GT(breaker.status().trips, 3U);
  }
}

}  // namespace
}  // namespace attune::breaker_test
