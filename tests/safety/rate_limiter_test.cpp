// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/safety/keyed_limiter.hpp>
#include <attune/safety/rate_limiter.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::rate_limiter_test {
namespace {

constexpr Nanos kMillisecond = 1'000'000;
constexpr Nanos kNever = Admission::kNever;

RateLimiter limiter(double rate, double burst) { return RateLimiter::make({rate, burst}).value(); }
TokenBucket bucket(double rate, double burst, double debt = 0.0) {
  return TokenBucket::make({rate, burst, debt}).value();
}

TEST(RateLimiter, PassesTheBurstThenOneAtATime) {
  RateLimiter limit = limiter(10.0, 3.0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limit.try_acquire(0));
  }
  EXPECT_EQ(limit.try_acquire(0).wait, 100 * kMillisecond);
  EXPECT_EQ(limit.try_acquire(30 * kMillisecond).wait, 70 * kMillisecond);
  EXPECT_TRUE(limit.try_acquire(100 * kMillisecond));
  EXPECT_EQ(limit.try_acquire(100 * kMillisecond).wait, 100 * kMillisecond);
  // Idle for long: the burst again, and no more.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limit.try_acquire(1000 * kSecond));
  }
  EXPECT_FALSE(limit.try_acquire(1000 * kSecond));
}

TEST(RateLimiter, CostsAreSpentTogetherOrNotAtAll) {
  RateLimiter limit = limiter(10.0, 5.0);
  EXPECT_TRUE(limit.try_acquire(0, 4.0));
  EXPECT_EQ(limit.try_acquire(0, 2.5).wait, 150 * kMillisecond);
  EXPECT_TRUE(limit.try_acquire(0, 1.0));
  EXPECT_TRUE(limit.try_acquire(0, 0.0));
  EXPECT_EQ(limit.try_acquire(0, 5.001).wait, kNever);
  EXPECT_EQ(limit.try_acquire(0, -1.0).wait, kNever);
  EXPECT_EQ(limit.try_acquire(0, std::nan("")).wait, kNever);
  EXPECT_EQ(limit.try_acquire(0, std::numeric_limits<double>::infinity()).wait, kNever);
  EXPECT_TRUE(limit.try_acquire(500 * kMillisecond, 5.0)) << "what was refused was not spent";
}

TEST(RateLimiter, TheWaitIsExact) {
  Rng rng(1);
  for (int i = 0; i < 300; ++i) {
    const double rate = std::exp(rng.uniform() * 12.0 - 3.0);
    RateLimiter limit = limiter(rate, 4.0);
    Nanos now = static_cast<Nanos>(rng.below(1U << 30U));
    for (int k = 0; k < 30; ++k) {
      const double cost = 0.1 + 3.0 * rng.uniform();
      const Admission asked = limit.try_acquire(now, cost);
      if (!asked) {
        EXPECT_FALSE(limit.try_acquire(now + asked.wait - 1, cost));
        EXPECT_TRUE(limit.try_acquire(now + asked.wait, cost));
        now += asked.wait;
      }
    }
  }
}

/// In any interval of t seconds no more than burst + rate t passes, and whoever asks all the time gets that.
RC_GTEST_PROP(RateLimiter, NeverPassesMoreThanItMayInAnyInterval, ()) {
  const double rate = *rc::gen::element(0.5, 3.0, 100.0);
  const double burst = *rc::gen::element(1.0, 2.5, 20.0);
  RateLimiter limit = limiter(rate, burst);
  TokenBucket tokens = bucket(rate, burst);
  const auto steps = *rc::gen::container<std::vector<int>>(300, rc::gen::inRange(0, 400));
  std::vector<std::pair<double, double>> passed;  // time, cost
  Nanos now = 0;
  for (const int step : steps) {
    now += step * step * 10'000;
    const double cost = 0.25 * (1 + step % 7);
    const Admission asked = limit.try_acquire(now, cost);
    RC_ASSERT(tokens.try_acquire(now, cost).wait == asked.wait);
    if (asked) {
      passed.emplace_back(static_cast<double>(now) * 1e-9, cost);
    }
  }
  for (std::size_t i = 0; i < passed.size(); ++i) {
    double sum = 0.0;
    for (std::size_t k = i; k < passed.size(); ++k) {
      sum += passed[k].second;
      const double seconds = passed[k].first - passed[i].first;
      RC_ASSERT(sum <= burst + rate * seconds + 1e-6 * rate);
    }
  }
}

TEST(RateLimiter, AClockSetBackDelaysByNoMoreThanTheBurst) {
  RateLimiter limit = limiter(10.0, 3.0);
  EXPECT_TRUE(limit.try_acquire(1000 * kSecond, 3.0));
  EXPECT_EQ(limit.try_acquire(0).wait, 100 * kMillisecond);
  EXPECT_TRUE(limit.try_acquire(100 * kMillisecond));
  for (const Nanos now : {std::numeric_limits<Nanos>::max(), std::numeric_limits<Nanos>::min(), Nanos{0}}) {
    (void)limit.try_acquire(now, 3.0);
    EXPECT_LE(limit.try_acquire(now, 3.0).wait, 300 * kMillisecond);
  }
}

TEST(RateLimiter, GivesBack) {
  RateLimiter limit = limiter(10.0, 2.0);
  EXPECT_TRUE(limit.try_acquire(0, 2.0));
  limit.give_back(0);
  EXPECT_TRUE(limit.try_acquire(0));
  EXPECT_FALSE(limit.try_acquire(0));
  limit.give_back(0, 100.0);
  limit.give_back(0, std::nan(""));
  EXPECT_TRUE(limit.try_acquire(0, 2.0));
  EXPECT_FALSE(limit.try_acquire(0)) << "never more than the burst";
}

TEST(RateLimiter, EightThreadsGetExactlyTheBurst) {
  RateLimiter limit = limiter(1e-6, 1000.0);
  TokenBucket tokens = bucket(1e-6, 1000.0);
  std::atomic<int> passed{0};
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 500; ++k) {
          passed.fetch_add(limit.try_acquire(0) ? 1 : 0);
          taken.fetch_add(tokens.try_acquire(0) ? 1 : 0);
        }
      });
    }
  }
  EXPECT_EQ(passed.load(), 1000);
  EXPECT_EQ(taken.load(), 1000);
}

TEST(RateLimiter, RefusesWrongOptions) {
  for (const RateLimitConfig& wrong : {RateLimitConfig{0.0, 1.0}, RateLimitConfig{-1.0, 1.0},
                                       RateLimitConfig{std::nan(""), 1.0}, RateLimitConfig{2e7, 1.0}}) {
    const auto made = RateLimiter::make(wrong);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::invalid_config);
    EXPECT_NE(made.error().message.find("rate"), std::string::npos) << made.error().message;
  }
  EXPECT_FALSE(RateLimiter::make({1e-6, 1e9})) << "31 million years";
  EXPECT_FALSE(TokenBucket::make({1.0, 1.0, -1.0}));
  EXPECT_FALSE(TokenBucket::make({1e-6, 1.0, 1e9}));
  EXPECT_FALSE(KeyedLimiter::make({.keys = 7}));
}

TEST(TokenBucket, DebtIsPaidBeforeAnythingPasses) {
  TokenBucket tokens = bucket(10.0, 5.0, 20.0);
  EXPECT_EQ(tokens.available(0), 5.0);
  EXPECT_TRUE(tokens.try_acquire(0, 1.0));
  tokens.charge(0, 14.0);
  EXPECT_EQ(tokens.available(0), -10.0);
  EXPECT_EQ(tokens.try_acquire(0, 2.0).wait, 1200 * kMillisecond);
  EXPECT_FALSE(tokens.try_acquire(0, 0.0)) << "in debt";
  EXPECT_TRUE(tokens.try_acquire(1200 * kMillisecond, 2.0));
  tokens.charge(1200 * kMillisecond, 1e6);
  EXPECT_EQ(tokens.available(1200 * kMillisecond), -20.0) << "no deeper than the debt allowed";
  tokens.give_back(1200 * kMillisecond, 22.0);
  EXPECT_EQ(tokens.available(1200 * kMillisecond), 2.0);
  EXPECT_EQ(tokens.available(100 * kSecond), 5.0);
}

template <class L>
void expect_state_laws(L lived, L other, Nanos now) {
  lived.observe(now);
  laws::expect_round_trip(lived, other);
  laws::expect_every_cut_is_refused(lived, other);
  laws::expect_the_frame_notices_every_flipped_bit(lived, other);
}

TEST(RateLimiter, OwesTheSameAfterARestart) {
  RateLimiter limit = limiter(10.0, 3.0);
  EXPECT_TRUE(limit.try_acquire(1000 * kSecond, 3.0));
  limit.observe(1000 * kSecond + 50 * kMillisecond);
  RateLimiter restarted = limiter(10.0, 3.0);
  ASSERT_TRUE(load_state(restarted, save_state(limit)));
  // By another clock: half of the first token is still to come.
  EXPECT_EQ(restarted.try_acquire(7).wait, 50 * kMillisecond);
  EXPECT_TRUE(restarted.try_acquire(7 + 50 * kMillisecond));
}

TEST(RateLimiter, StateLaws) {
  RateLimiter limit = limiter(10.0, 3.0);
  (void)limit.try_acquire(0, 2.0);
  expect_state_laws(limit, limiter(10.0, 3.0), 30 * kMillisecond);
  laws::expect_flipped_bits_do_no_harm(limit, limiter(10.0, 3.0), [](RateLimiter any) {
    EXPECT_LE(any.try_acquire(5, 3.0).wait, 300 * kMillisecond);
  });
  TokenBucket tokens = bucket(10.0, 3.0, 4.0);
  tokens.charge(0, 6.0);
  expect_state_laws(tokens, bucket(10.0, 3.0, 4.0), 30 * kMillisecond);
  laws::expect_flipped_bits_do_no_harm(tokens, bucket(10.0, 3.0, 4.0), [](const TokenBucket& any) {
    EXPECT_GE(any.available(5), -4.0);
    EXPECT_LE(any.available(5), 3.0);
  });
  EXPECT_EQ(limit.describe().values.at(0).first, "left");
  EXPECT_NEAR(limit.describe().values.at(0).second, 1.0, 1e-9);
  EXPECT_EQ(tokens.describe().values.at(0).first, "tokens");
}

// --------------------------------------------------------------------------------------------- keyed

KeyedLimiter keyed(std::uint32_t keys, double rate = 10.0, double burst = 2.0) {
  return KeyedLimiter::make({rate, burst, keys, 5}).value();
}

TEST(KeyedLimiter, EachKeyHasItsOwnLimit) {
  KeyedLimiter limit = keyed(64);
  for (const std::string_view caller : {"alice", "bob"}) {
    EXPECT_TRUE(limit.try_acquire(caller, 0));
    EXPECT_TRUE(limit.try_acquire(caller, 0));
    EXPECT_EQ(limit.try_acquire(caller, 0).wait, 100 * kMillisecond);
  }
  limit.give_back("bob", 0);
  limit.give_back("nobody", 0);
  EXPECT_FALSE(limit.try_acquire("alice", 0));
  EXPECT_TRUE(limit.try_acquire("bob", 0));
  EXPECT_TRUE(limit.try_acquire(std::uint64_t{0}, 0)) << "zero is a key as any other";
  EXPECT_EQ(limit.try_acquire("carol", 0, 3.0).wait, kNever);
  EXPECT_EQ(limit.count().held, 3U) << "whoever spent nothing is not remembered";
}

TEST(KeyedLimiter, AnswersAsOneLimiterAKeyWhileNoBusyKeyIsDropped) {
  KeyedLimiter limit = keyed(1024);
  std::vector<RateLimiter> plain(2000, limiter(10.0, 2.0));
  Rng rng(3);
  Nanos now = 0;
  for (int i = 0; i < 100000; ++i) {
    now += static_cast<Nanos>(rng.below(8 * kMillisecond));  // some 30 keys owe at a time
    const std::uint64_t key = rng.below(plain.size());
    const double cost = rng.below(3) == 0 ? 2.0 : 1.0;
    ASSERT_EQ(limit.try_acquire(key, now, cost).wait, plain[key].try_acquire(now, cost).wait) << i;
  }
  EXPECT_EQ(limit.count().dropped_busy, 0U);
  EXPECT_GT(limit.count().dropped_idle, 100U) << "2000 keys in 1024 places";
  EXPECT_LE(limit.count().held, 1024U);
}

TEST(KeyedLimiter, AFloodOfKeysTakesNoMemoryAndIsCounted) {
  KeyedLimiter limit = keyed(64);
  const test::AllocationCount counter;
  for (std::uint64_t key = 1; key <= 10000; ++key) {
    (void)limit.try_acquire(key, 0);
  }
  const std::size_t made = counter.count();
  EXPECT_EQ(made, 0U);
  const KeyedLimitCount count = limit.count();
  EXPECT_EQ(count.held, 64U);
  EXPECT_EQ(count.dropped_busy, 10000U - 64U);
  EXPECT_EQ(count.dropped_idle, 0U);
}

TEST(KeyedLimiter, StateLaws) {
  KeyedLimiter limit = keyed(16);
  for (std::uint64_t key = 0; key < 9; ++key) {
    (void)limit.try_acquire(key, static_cast<Nanos>(key) * 10 * kMillisecond, 2.0);
  }
  KeyedLimiter other = keyed(16);
  (void)other.try_acquire("else", 0);
  expect_state_laws(limit, other, 90 * kMillisecond);
  laws::expect_flipped_bits_do_no_harm(limit, other, [](KeyedLimiter any) {
    EXPECT_LE(any.try_acquire(3, 5).wait, 200 * kMillisecond);
    EXPECT_LE(any.count().held, 16U);
  });
  KeyedLimiter restarted = keyed(16);
  ASSERT_TRUE(load_state(restarted, save_state([&] {
                           limit.observe(100 * kMillisecond);
                           return limit;
                         }())));
  // Key 8 spent its burst at 80 ms; at 100 ms 180 of 200 ms were left to pay.
  EXPECT_EQ(restarted.try_acquire(8, 7 * kSecond).wait, 80 * kMillisecond);
  KeyedLimiter seeded = KeyedLimiter::make({10.0, 2.0, 16, 6}).value();
  EXPECT_EQ(load_state(seeded, save_state(limit)).error().code, Errc::corrupt_state);
  EXPECT_EQ(limit.describe().values.at(0).second, 9.0);
}

TEST(KeyedLimiter, EightThreadsGetExactlyTheBurstOfEachKey) {
  KeyedLimiter limit = keyed(4096, 1e-6, 100.0);
  std::array<std::atomic<int>, 4> passed{};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (std::uint64_t k = 0; k < 400; ++k) {
          passed[k % 4].fetch_add(limit.try_acquire(k % 4, 0) ? 1 : 0);
        }
      });
    }
  }
  for (const auto& each : passed) {
    EXPECT_EQ(each.load(), 100);
  }
}

}  // namespace
}  // namespace attune::rate_limiter_test
