// SPDX-License-Identifier: Apache-2.0
// Bulkhead, Deadline, RetryBudget, Backoff, HedgePolicy.
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <attune/core/rng.hpp>
#include <attune/core/sampling.hpp>
#include <attune/safety/bulkhead.hpp>
#include <attune/safety/deadline.hpp>
#include <attune/safety/hedge.hpp>
#include <attune/safety/retry.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/statistics.hpp"

namespace attune::resilience_test {
namespace {

constexpr Nanos kMillisecond = 1'000'000;
constexpr Nanos kLongest = std::numeric_limits<Nanos>::max();

// ------------------------------------------------------------------------------------------ Deadline

TEST(Deadline, IsAnInstantNotADuration) {
  const Deadline deadline = Deadline::after(100, 50);
  EXPECT_EQ(deadline.time(), 150);
  EXPECT_EQ(deadline.remaining(120), 30);
  EXPECT_FALSE(deadline.over(149));
  EXPECT_TRUE(deadline.over(150));
  EXPECT_EQ(deadline.remaining(1000), 0);
  EXPECT_EQ(deadline.within(120, 10), Deadline::at(130));
  EXPECT_EQ(deadline.within(120, 100), deadline) << "a part never has longer than the whole";
}

TEST(Deadline, NoneIsNeverOver) {
  const Deadline none;
  EXPECT_FALSE(none.is_set());
  EXPECT_FALSE(none.over(kLongest));
  EXPECT_EQ(none.remaining(0), kLongest);
  EXPECT_EQ(none.remaining(std::numeric_limits<Nanos>::min()), kLongest);
  EXPECT_EQ(Deadline::after(5, kLongest), none);
  EXPECT_EQ(Deadline::after(5, -7), Deadline::at(5));
  EXPECT_EQ(none.within(5, 7), Deadline::at(12));
  EXPECT_EQ(Deadline::at(10).remaining(std::numeric_limits<Nanos>::min()), kLongest);
  EXPECT_TRUE(Deadline::at(10) < none);
}

// ------------------------------------------------------------------------------------------ Bulkhead

TEST(Bulkhead, LetsInAsManyAsItsLimit) {
  Bulkhead bulkhead = Bulkhead::make({.limit = 2}).value();
  Bulkhead::Place first = bulkhead.try_enter();
  {
    const Bulkhead::Place second = bulkhead.try_enter();
    EXPECT_TRUE(second);
    EXPECT_FALSE(bulkhead.try_enter());
    EXPECT_EQ(bulkhead.status().running, 2U);
  }
  EXPECT_EQ(bulkhead.status().running, 1U);
  Bulkhead::Place moved = std::move(first);
  EXPECT_EQ(bulkhead.status().running, 1U);
  moved = bulkhead.try_enter();  // the place that it held is left
  EXPECT_EQ(bulkhead.status().running, 1U);
  moved.leave();
  moved.leave();
  EXPECT_EQ(bulkhead.status().running, 0U);
  EXPECT_EQ(bulkhead.status().refused_full, 1U);
  EXPECT_FALSE(Bulkhead::make({.limit = 0}));
}

TEST(Bulkhead, APlaceMayOutliveIt) {
  Bulkhead::Place place;
  {
    Bulkhead bulkhead = Bulkhead::make({.limit = 1}).value();
    place = bulkhead.try_enter();
  }
  EXPECT_TRUE(place);
  place.leave();
  EXPECT_FALSE(place);
}

TEST(Bulkhead, NobodyWaitsWithoutAQueueAndAFullQueueIsCounted) {
  Bulkhead bulkhead = Bulkhead::make({.limit = 1, .queue = 0}).value();
  const Bulkhead::Place inside = bulkhead.enter(kLongest);
  EXPECT_TRUE(inside);
  EXPECT_FALSE(bulkhead.enter(kLongest));
  EXPECT_EQ(bulkhead.status().refused_queue, 1U);
  Bulkhead queued = Bulkhead::make({.limit = 1, .queue = 1}).value();
  const Bulkhead::Place held = queued.try_enter();
  EXPECT_FALSE(queued.enter(-5));
  EXPECT_FALSE(queued.enter(kMillisecond));
  EXPECT_EQ(queued.status().timed_out, 2U);
  EXPECT_EQ(queued.status().waiting, 0U);
}

TEST(Bulkhead, WhoWaitsGetsThePlaceBeforeWhoDoesNot) {
  Bulkhead bulkhead = Bulkhead::make({.limit = 1, .queue = 1}).value();
  Bulkhead::Place inside = bulkhead.try_enter();
  std::atomic<bool> entered{false};
  std::atomic<bool> done{false};
  std::jthread waiter([&] {
    const Bulkhead::Place place = bulkhead.enter(100 * kSecond);
    entered = static_cast<bool>(place);
    entered.notify_all();
    done.wait(false);
  });
  while (bulkhead.status().waiting == 0) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(bulkhead.enter(kLongest)) << "the queue is full";
  inside.leave();
  EXPECT_FALSE(bulkhead.try_enter()) << "it is the waiter's turn, or it is in";
  entered.wait(false);
  EXPECT_EQ(bulkhead.status().running, 1U);
  done = true;
  done.notify_all();
}

TEST(Bulkhead, EightThreadsNeverExceedTheLimitAndAllGetIn) {
  Bulkhead bulkhead = Bulkhead::make({.limit = 3, .queue = 8}).value();
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> entered{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 200; ++k) {
          const Bulkhead::Place place = bulkhead.enter(1000 * kSecond);
          const int now = inside.fetch_add(1) + 1;
          int seen = most.load();
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          entered.fetch_add(place ? 1 : 0);
          inside.fetch_sub(1);
        }
      });
    }
  }
  EXPECT_EQ(entered.load(), 1600);
  EXPECT_LE(most.load(), 3);
  EXPECT_EQ(bulkhead.status().running, 0U);
  EXPECT_EQ(bulkhead.status().waiting, 0U);
}

TEST(Bulkhead, EnteringDoesNotAllocate) {
  Bulkhead bulkhead = Bulkhead::make({.limit = 2}).value();
  const test::AllocationCount counter;
  bool in = true;
  for (int i = 0; i < 100; ++i) {
    const Bulkhead::Place place = bulkhead.try_enter();
    in = in && place;
  }
  const std::size_t made = counter.count();
  EXPECT_EQ(made, 0U);
  EXPECT_TRUE(in);
}

// --------------------------------------------------------------------------------------------- retry

TEST(RetryBudget, RetriesAreAShareOfCallsAndTheReserve) {
  RetryBudget budget = RetryBudget::make({.share = 0.1, .reserve = 3.0}).value();
  int retries = 0;
  constexpr int kCalls = 10000;
  for (int i = 0; i < kCalls; ++i) {
    budget.note_call();
    while (budget.try_retry()) {
      ++retries;
    }
    ASSERT_LE(retries, 3 + (i + 1) / 10);
  }
  // The first call found the reserve full: 3 + 9999 / 10.
  EXPECT_EQ(retries, 1002);
  for (int i = 0; i < 1000; ++i) {
    budget.note_call();
  }
  EXPECT_EQ(budget.available(), 3.0) << "what is saved is bounded";
}

TEST(RetryBudget, NoShareIsTheReserveAlone) {
  RetryBudget budget = RetryBudget::make({.share = 0.0, .reserve = 1.0}).value();
  EXPECT_TRUE(budget.try_retry());
  for (int i = 0; i < 1000; ++i) {
    budget.note_call();
  }
  EXPECT_FALSE(budget.try_retry());
  EXPECT_FALSE(RetryBudget::make({.share = 1.5}));
  EXPECT_FALSE(RetryBudget::make({.share = std::nan("")}));
  EXPECT_FALSE(RetryBudget::make({.reserve = 0.0}));
}

TEST(RetryBudget, EightThreadsSpendNoRetryTwice) {
  RetryBudget budget = RetryBudget::make({.share = 0.5, .reserve = 10.0}).value();
  std::atomic<int> retries{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 500; ++k) {
          budget.note_call();
          retries.fetch_add(budget.try_retry() ? 1 : 0);
        }
      });
    }
  }
  EXPECT_LE(retries.load() + budget.available(), 10.0 + 0.5 * 4000);
  EXPECT_GE(retries.load(), 1900);
}

TEST(RetryBudget, StateLaws) {
  RetryBudget budget = RetryBudget::make({}).value();
  (void)budget.try_retry();
  budget.note_call();
  const RetryBudget other = RetryBudget::make({}).value();
  laws::expect_round_trip(budget, other);
  laws::expect_every_cut_is_refused(budget, other);
  laws::expect_flipped_bits_do_no_harm(budget, other, [](const RetryBudget& any) {
    EXPECT_GE(any.available(), 0.0);
    EXPECT_LE(any.available(), 10.0);
  });
  EXPECT_EQ(budget.describe().values.at(0).second, 9.1);
}

Backoff backoff(Jitter jitter) {
  return Backoff::make({.first_s = 0.1, .factor = 2.0, .cap_s = 1.0, .jitter = jitter}).value();
}

TEST(Backoff, DoublesUpToTheCap) {
  Rng rng(1);
  const Backoff plain = backoff(Jitter::none);
  for (const auto& [retry, expected] :
       {std::pair{0U, 100}, {1U, 200}, {3U, 800}, {4U, 1000}, {4000000000U, 1000}}) {
    EXPECT_EQ(plain.wait(retry, 0, rng), expected * kMillisecond);
  }
  const Backoff even = Backoff::make({.factor = 1.0, .jitter = Jitter::none}).value();
  EXPECT_EQ(even.wait(4000000000U, 0, rng), 100 * kMillisecond);
  EXPECT_FALSE(Backoff::make({.first_s = 2.0, .cap_s = 1.0}));
  EXPECT_FALSE(Backoff::make({.factor = 0.5}));
}

TEST(Backoff, JitterFollowsItsDistribution) {
  // Retry 1: d = 200 ms. full: U(0, 200); equal: U(100, 200); decorrelated after 150 ms: U(100, 450).
  for (const auto& [jitter, low, high] : {std::tuple{Jitter::full, 0.0, 200.0},
                                          {Jitter::equal, 100.0, 200.0},
                                          {Jitter::decorrelated, 100.0, 450.0}}) {
    Rng rng(2);
    std::vector<double> waits;
    for (int i = 0; i < 4000; ++i) {
      waits.push_back(static_cast<double>(backoff(jitter).wait(1, 150 * kMillisecond, rng)) / kMillisecond);
    }
    EXPECT_TRUE(test::follows(waits, [&, from = low, to = high](double x) {
      return std::clamp((x - from) / (to - from), 0.0, 1.0);
    }));
  }
}

TEST(Backoff, DecorrelatedStaysBetweenFirstAndCap) {
  const Backoff decorrelated = backoff(Jitter::decorrelated);
  Rng rng(3);
  Nanos before = 0;
  Nanos most = 0;
  for (std::uint32_t retry = 0; retry < 2000; ++retry) {
    before = decorrelated.wait(retry, before, rng);
    ASSERT_GE(before, 100 * kMillisecond);
    ASSERT_LE(before, kSecond);
    most = std::max(most, before);
  }
  EXPECT_GT(most, 900 * kMillisecond);
  Rng again(4);
  Rng twin(4);
  EXPECT_EQ(decorrelated.wait(2, kSecond, again), decorrelated.wait(2, kSecond, twin));
  (void)decorrelated.wait(2, kLongest, rng);
}

// --------------------------------------------------------------------------------------------- hedge

TEST(LatencyQuantile, IsWithinAnEighthOfTheQuantile) {
  for (const double quantile : {0.5, 0.95, 0.99}) {
    LatencyQuantile estimate(quantile, 1U << 30U);
    std::vector<double> values;
    Rng rng(5);
    for (int i = 0; i < 32 * 400; ++i) {
      const auto took = static_cast<Nanos>(1e6 * std::exp(sample_normal(rng)));
      estimate.record(took);
      values.push_back(static_cast<double>(took));
    }
    std::ranges::sort(values);
    const double exact =
        values[static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(values.size()))) - 1];
    EXPECT_NEAR(static_cast<double>(estimate.value()), exact, 0.125 * exact);
  }
}

TEST(LatencyQuantile, TakesEveryDuration) {
  LatencyQuantile estimate(0.5, 64);
  for (const Nanos took : {Nanos{0}, Nanos{-1}, std::numeric_limits<Nanos>::min()}) {
    for (int i = 0; i < 64; ++i) {
      estimate.record(took);
    }
    EXPECT_EQ(estimate.value(), 0);
  }
  for (int i = 0; i < 640; ++i) {
    estimate.record(kLongest);
  }
  EXPECT_EQ(estimate.value(), Nanos{1} << 40);
}

TEST(LatencyQuantile, ForgetsByAndBy) {
  LatencyQuantile estimate(0.9, 256);
  for (int i = 0; i < 10000; ++i) {
    estimate.record(kSecond);
  }
  for (int i = 0; i < 2000; ++i) {
    estimate.record(kMillisecond);
  }
  EXPECT_LT(estimate.value(), 2 * kMillisecond);
}

TEST(HedgePolicy, HedgesAfterThe95thPercentileAndAtMostItsShare) {
  HedgePolicy hedge = HedgePolicy::make({.least_wait_s = 0.0}).value();
  EXPECT_FALSE(hedge.wait()) << "nothing is known yet";
  EXPECT_FALSE(hedge.try_hedge());
  Rng rng(6);
  int hedged = 0;
  int late = 0;
  constexpr int kCalls = 20000;
  for (int i = 0; i < kCalls; ++i) {
    hedge.note_call();
    const Nanos took = kMillisecond + static_cast<Nanos>(rng.below(100 * kMillisecond));
    if (const auto wait = hedge.wait(); wait && took > *wait) {
      ++late;
      hedged += hedge.try_hedge() ? 1 : 0;
    }
    hedge.record(took);
    ASSERT_LE(hedged, 5 + (i + 1) / 20);
  }
  // 5 % if the quantile were exact; it is as of the newest 512 to 1024 calls, by buckets.
  EXPECT_GT(late, kCalls * 3 / 100);
  EXPECT_LT(late, kCalls * 8 / 100);
  EXPECT_GT(hedged, late / 2);
}

TEST(HedgePolicy, AnOutageIsNotDoubled) {
  // All calls suddenly take long: the share holds, whatever the wait says.
  HedgePolicy hedge = HedgePolicy::make({}).value();
  for (int i = 0; i < 2000; ++i) {
    hedge.note_call();
    hedge.record(kMillisecond);
  }
  int hedged = 0;
  for (int i = 0; i < 100; ++i) {
    hedge.note_call();
    hedged += hedge.try_hedge() ? 1 : 0;
  }
  EXPECT_EQ(hedged, 9);  // five kept, 99 / 20 earned: the first call found the reserve full
}

TEST(HedgePolicy, StateLaws) {
  HedgePolicy hedge = HedgePolicy::make({}).value();
  Rng rng(7);
  for (int i = 0; i < 3000; ++i) {
    hedge.note_call();
    hedge.record(static_cast<Nanos>(rng.below(kSecond)));
  }
  (void)hedge.try_hedge();
  const HedgePolicy other = HedgePolicy::make({}).value();
  laws::expect_round_trip(hedge, other);
  laws::expect_every_cut_is_refused(hedge, other);
  laws::expect_flipped_bits_do_no_harm(hedge, other, [](HedgePolicy any) {
    any.note_call();
    any.record(kMillisecond);
    EXPECT_TRUE(!any.wait() || *any.wait() >= kMillisecond);
  });
  EXPECT_EQ(hedge.describe().values.at(0).second, 3000.0);
  EXPECT_FALSE(HedgePolicy::make({.quantile = 1.0}));
  EXPECT_FALSE(HedgePolicy::make({.share = 0.9}));
}

TEST(HedgePolicy, EightThreadsKeepItsShare) {
  HedgePolicy hedge = HedgePolicy::make({.window = 64}).value();
  std::atomic<int> hedged{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 2000; ++k) {
          hedge.note_call();
          hedge.record(kMillisecond + k);
          hedged.fetch_add(hedge.try_hedge() ? 1 : 0);
        }
      });
    }
  }
  EXPECT_LE(hedged.load(), 5 + 16000 / 20);
  EXPECT_GE(*hedge.wait(), kMillisecond);
  EXPECT_LE(*hedge.wait(), kMillisecond * 9 / 8);
  laws::expect_round_trip(hedge, HedgePolicy::make({.window = 64}).value());
}

}  // namespace
}  // namespace attune::resilience_test
