// SPDX-License-Identifier: Apache-2.0
// Options and saved state of circuit breakers.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/breaker.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/safety/breaker_calls.hpp"

namespace attune::breaker_state_test {
namespace {

using namespace test::breakers;

// ------------------------------------------------------------------------------------------- options

TEST(Breaker, RefusesEachOptionOutsideItsBoundsAndNamesIt) {
  BreakerConfig names;
  int tried = 0;
  BreakerConfig::fields(names, [&](std::string_view name, auto&, Bounds bounds, std::string_view) {
    for (const double wrong : {bounds.min - 1.0, bounds.max * 4.0, std::nan("")}) {
      BreakerConfig config;
      bool set = false;
      BreakerConfig::fields(config, [&]<class T>(std::string_view other, T& field, Bounds, std::string_view) {
        if constexpr (std::is_same_v<T, double>) {
          if (other == name) {
            field = wrong;
            set = !(wrong >= bounds.min && wrong <= bounds.max);
          }
        }
      });
      if (set) {
        const auto made = CircuitBreaker::make(config);
        ASSERT_FALSE(made) << name << " = " << wrong;
        EXPECT_EQ(made.error().code, Errc::invalid_config);
        EXPECT_NE(made.error().message.find(name), std::string::npos) << made.error().message;
        ++tried;
      }
    }
  });
  EXPECT_GT(tried, 40);
}

TEST(Breaker, RefusesOptionsThatContradictOneAnother) {
  const auto refused = [](auto change, std::string_view name) {
    BreakerConfig config;
    change(config);
    const auto made = CircuitBreaker::make(config);
    EXPECT_FALSE(made) << name;
    if (!made) {
      EXPECT_EQ(made.error().code, Errc::invalid_config);
      EXPECT_NE(made.error().message.find(name), std::string::npos) << made.error().message;
    }
  };
  refused([](auto& c) { c.failure_rate = c.slow_rate = 0, c.consecutive_failures = 0; }, "failure_rate");
  refused([](auto& c) { c.slow_call_s = 0; }, "slow_call_s");
  refused([](auto& c) { c.confidence = 0.3; }, "confidence");
  refused([](auto& c) { c.backoff_cap_s = 1; }, "backoff_cap_s");
  refused([](auto& c) { c.minimum_calls = 101; }, "minimum_calls");
  // z^2 = 2.7: of 3 calls not even 3 failures prove a rate of 60 %.
  refused([](auto& c) { c.failure_rate = 0.6, c.window_calls = c.minimum_calls = 3; }, "window_calls");
  refused([](auto& c) { c.window = BreakerWindow::time, c.window_s = 1e-3, c.buckets = 1024; }, "buckets");
  refused([](auto& c) { c.probes = 0; }, "probes");
  refused([](auto& c) { c.window_calls = 20000; }, "window_calls");
}

// --------------------------------------------------------------------------------------------- state

/// One of each kind of state.
std::vector<CircuitBreaker> lives(BreakerWindow window) {
  BreakerConfig config;
  config.window = window;
  config.window_calls = 8;
  config.minimum_calls = 8;
  config.buckets = 3;
  config.failure_rate = 0.5;
  config.slow_rate = 0.5;
  config.confidence = 0.8;
  config.probes = 3;
  std::vector<CircuitBreaker> all(7, make(config));
  for (int i = 0; i < 7; ++i) {
    CircuitBreaker& breaker = all[static_cast<std::size_t>(i)];
    calls(breaker, 1, CallResult::failure, 0);
    if (i == 1 || i == 2) {
      calls(breaker, 5, CallResult::failure, kSecond);
      breaker.observe(3 * kSecond);
      EXPECT_EQ(breaker.state(), BreakerState::open);
    }
    if (i == 2) {
      calls(breaker, 1, CallResult::success, 40 * kSecond);
      EXPECT_TRUE(breaker.try_acquire(41 * kSecond));
      EXPECT_EQ(breaker.state(), BreakerState::half_open);
    } else if (i > 2) {
      EXPECT_EQ(breaker.set_state(static_cast<BreakerState>(i), kSecond), Errc::ok);
      calls(breaker, 3, CallResult::breach, kSecond, kSecond);
    } else if (i == 0) {
      calls(breaker, 6, CallResult::success, kSecond);
      calls(breaker, 1, CallResult::timeout, 5 * kSecond, kSecond);
    }
  }
  return all;
}

TEST(BreakerState, ComesBackBitForBit) {
  for (const BreakerWindow window : {BreakerWindow::count, BreakerWindow::time}) {
    const std::vector<CircuitBreaker> all = lives(window);
    for (const CircuitBreaker& from : all) {
      for (const CircuitBreaker& into : all) {
        laws::expect_round_trip(from, into);
      }
    }
    EXPECT_FALSE(all[0] == all[1]);
  }
}

TEST(BreakerState, RefusesEveryCut) {
  for (const BreakerWindow window : {BreakerWindow::count, BreakerWindow::time}) {
    const std::vector<CircuitBreaker> all = lives(window);
    for (const CircuitBreaker& from : all) {
      laws::expect_every_cut_is_refused(from, all[3]);
    }
    laws::expect_the_frame_notices_every_flipped_bit(all[0], all[1]);
  }
}

TEST(BreakerState, FlippedBitsDoNoHarm) {
  for (const BreakerWindow window : {BreakerWindow::count, BreakerWindow::time}) {
    const std::vector<CircuitBreaker> all = lives(window);
    for (const CircuitBreaker& from : all) {
      laws::expect_flipped_bits_do_no_harm(from, all[3], [](CircuitBreaker breaker) {
        // Whatever it is, it still closes: by hand, then as ever.
        calls(breaker, 30, CallResult::failure, 1000 * kSecond, kSecond);
        calls(breaker, 30, CallResult::success, 2000 * kSecond);
        EXPECT_EQ(breaker.set_state(BreakerState::closed, 3000 * kSecond), Errc::ok);
        EXPECT_EQ(breaker.status().calls, 0U);
        calls(breaker, 5, CallResult::failure, 3000 * kSecond);
        EXPECT_EQ(breaker.state(), BreakerState::open);
      });
    }
  }
}

TEST(BreakerState, WhatWasLeftOfTheOpenTimeIsLeftAfterTheRestart) {
  CircuitBreaker breaker = make(simple());
  calls(breaker, 3, CallResult::failure, 100 * kSecond);
  breaker.observe(120 * kSecond);
  const Bytes bytes = save_state(breaker);
  CircuitBreaker restarted = make(simple());
  ASSERT_TRUE(load_state(restarted, bytes));
  EXPECT_EQ(restarted.state(), BreakerState::open);
  // The machine's clock started anew; ten of the thirty seconds are left from the first call on.
  EXPECT_FALSE(restarted.try_acquire(3 * kSecond));
  EXPECT_FALSE(restarted.try_acquire(13 * kSecond - 1));
  EXPECT_TRUE(restarted.try_acquire(13 * kSecond));
}

TEST(BreakerState, NoProbeIsOutAfterTheRestart) {
  CircuitBreaker breaker = make(simple());
  ASSERT_EQ(breaker.set_state(BreakerState::half_open, 0), Errc::ok);
  (void)call(breaker, CallResult::success, 0);
  const Permit out = breaker.try_acquire(0);
  const Bytes bytes = save_state(breaker);
  ASSERT_TRUE(load_state(breaker, bytes));
  EXPECT_EQ(breaker.status().probes_out, 0U);
  EXPECT_EQ(breaker.status().probes_good, 1U);
  breaker.record(out, CallResult::success, 0, 0);
  EXPECT_EQ(breaker.state(), BreakerState::half_open) << "a permit from before is stale";
  EXPECT_TRUE(call(breaker, CallResult::success, 0));
  EXPECT_EQ(breaker.state(), BreakerState::closed);
}

TEST(BreakerState, OfAnotherWindowIsRefused) {
  const std::vector<CircuitBreaker> counts = lives(BreakerWindow::count);
  CircuitBreaker other = lives(BreakerWindow::time)[0];
  EXPECT_EQ(load_state(other, save_state(counts[0])).error().code, Errc::corrupt_state);
  CircuitBreaker shorter = make(simple());
  EXPECT_EQ(load_state(shorter, save_state(counts[0])).error().code, Errc::corrupt_state);
}

TEST(Breaker, DescribesItself) {
  const Description text = lives(BreakerWindow::count)[1].describe();
  EXPECT_EQ(text.summary, "circuit breaker: open, 1 trip");
  EXPECT_EQ(text.values.at(0).first, "state");
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(to_string(static_cast<BreakerState>(i)) == "unknown", i == 7);
    EXPECT_EQ(to_string(static_cast<BreakerReason>(i)) == "unknown", i == 7);
  }
}

}  // namespace
}  // namespace attune::breaker_state_test
