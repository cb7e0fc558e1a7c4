// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <attune/safety/fallback_chain.hpp>

#include "tests/support/allocation_counter.hpp"

namespace attune::fallback_chain_test {
namespace {

using Chain = FallbackChain<double>;

BreakerConfig fragile() {
  BreakerConfig config;
  config.failure_rate = 0.0;
  config.slow_rate = 0.0;
  config.consecutive_failures = 2;
  config.backoff_jitter = 0.0;
  return config;
}

Chain chain(double cache_s = 0.0) {
  return Chain::make({.members = {{"model", fragile()}, {"baseline", fragile()}}, .cache_s = cache_s})
      .value();
}

Result<double> broken() { return fail(Errc::io, "no connection"); }
Result<double> fine() { return 0.5; }

TEST(FallbackChain, TheFirstThatAnswersAnswers) {
  ManualClock clock;
  Chain both = chain();
  bool asked = false;
  const auto second = [&] {
    asked = true;
    return fine();
  };
  const auto first = both.run(clock, {}, [] { return Result<double>(0.25); }, second);
  EXPECT_EQ(first.value, 0.25);
  EXPECT_EQ(first.from, 0U);
  EXPECT_FALSE(asked);
  EXPECT_EQ(both.explain(first), "model: answered; baseline: not_asked");
  const auto next = both.run(clock, {}, broken, second);
  EXPECT_EQ(next.value, 0.5);
  EXPECT_EQ(next.from, 1U);
  EXPECT_EQ(both.explain(next), "model: failed (io); baseline: answered");
}

TEST(FallbackChain, AnOpenBreakerIsNotAskedUntilItsTimeHasCome) {
  ManualClock clock;
  Chain both = chain();
  int asked = 0;
  const auto model = [&]() -> Result<double> {
    ++asked;
    return broken();
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(both.run(clock, {}, model, fine).from, 1U);
  }
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(both.explain(both.run(clock, {}, model, fine)), "model: rejected (open); baseline: answered");
  clock.advance(30 * kSecond);
  EXPECT_EQ(both.run(clock, {}, fine, fine).from, 0U);
  EXPECT_EQ(both.breaker(0).state(), BreakerState::half_open);
  EXPECT_EQ(both.name(1), "baseline");
  EXPECT_EQ(both.size(), 2U);
}

TEST(FallbackChain, NanAndInfinityAreFailures) {
  ManualClock clock;
  Chain both = chain();
  const auto answer = both.run(clock, {}, [] { return Result<double>(std::nan("")); }, fine);
  EXPECT_EQ(answer.attempts[0].outcome, AttemptOutcome::not_finite);
  EXPECT_EQ(answer.from, 1U);
  EXPECT_EQ(both.breaker(0).status().in_row, 1U);
  auto vectors = FallbackChain<std::vector<double>>::make({.members = {{"scores", fragile()}}}).value();
  const auto scores = vectors.run(clock, {}, [] { return Result<std::vector<double>>({1.0, INFINITY}); });
  EXPECT_FALSE(scores);
  EXPECT_EQ(scores.attempts[0].outcome, AttemptOutcome::not_finite);
}

TEST(FallbackChain, TheCallersMistakeCountsAgainstNobody) {
  ManualClock clock;
  Chain both = chain();
  for (int i = 0; i < 10; ++i) {
    const auto answer =
        both.run(clock, {}, [] { return Result<double>(fail(Errc::dimension_mismatch, "3, not 4")); }, fine);
    EXPECT_EQ(answer.attempts[0].error, Errc::dimension_mismatch);
  }
  EXPECT_EQ(both.breaker(0).status().calls, 0U);
}

TEST(FallbackChain, AllShareOneDeadline) {
  ManualClock clock;
  Chain both = chain();
  const Deadline deadline = Deadline::after(clock.now(), 10);
  const auto slow = [&](Deadline by) -> Result<double> {
    EXPECT_EQ(by, deadline);
    clock.advance(10);
    return 1.0;
  };
  const auto answer = both.run(clock, deadline, slow, fine);
  EXPECT_FALSE(answer);
  EXPECT_EQ(answer.from, Chain::Answer::kNobody);
  EXPECT_EQ(both.explain(answer), "model: late; baseline: out_of_time");
  EXPECT_EQ(answer.attempts[0].took, 10);
  EXPECT_EQ(both.breaker(0).status().in_row, 1U) << "late is a timeout";
  EXPECT_EQ(both.breaker(1).status().calls, 0U) << "not its fault";
}

TEST(FallbackChain, TheLastGoodAnswerServesUntilItIsTooOld) {
  ManualClock clock;
  Chain both = chain(5.0);
  EXPECT_FALSE(both.run(clock, {}, broken, broken)) << "there is none yet";
  EXPECT_EQ(both.run(clock, {}, broken, fine).from, 1U);
  clock.advance(5 * kSecond);
  const auto cached = both.run(clock, {}, broken, broken);
  EXPECT_EQ(cached.value, 0.5);
  EXPECT_EQ(cached.from, Chain::Answer::kCached);
  EXPECT_EQ(cached.age, 5 * kSecond);
  clock.advance(1);
  EXPECT_FALSE(both.run(clock, {}, broken, broken));
}

TEST(FallbackChain, ALateAnswerIsTheLastGoodOne) {
  ManualClock clock;
  Chain both = chain(5.0);
  const auto slow = [&]() -> Result<double> {
    clock.advance(kSecond);
    return 0.75;
  };
  const auto answer = both.run(clock, Deadline::after(clock.now(), 10), slow, fine);
  EXPECT_EQ(answer.value, 0.75);
  EXPECT_EQ(answer.from, Chain::Answer::kCached);
  EXPECT_EQ(answer.age, 0);
}

TEST(FallbackChain, AThrownExceptionIsAFailureAndPassesThrough) {
  ManualClock clock;
  Chain both = chain();
  const auto throwing = []() -> Result<double> { throw std::runtime_error("as some libraries do"); };
  EXPECT_THROW((void)both.run(clock, {}, throwing, fine), std::runtime_error);
  EXPECT_EQ(both.breaker(0).status().in_row, 1U);
}

TEST(FallbackChain, TakesFewerAndMoreCallablesThanMembers) {
  ManualClock clock;
  Chain both = chain();
  EXPECT_EQ(both.run(clock, {}, fine).from, 0U);
  EXPECT_FALSE(both.run(clock, {}, broken));
  EXPECT_FALSE(both.run(clock, {}, broken, broken, fine)) << "the third has no member";
  EXPECT_FALSE(both.run(clock, {}));
}

TEST(FallbackChain, RefusesWrongOptions) {
  const auto refused = [](const FallbackConfig& config, std::string_view name) {
    const auto made = Chain::make(config);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::invalid_config);
    EXPECT_NE(made.error().message.find(name), std::string::npos) << made.error().message;
  };
  BreakerConfig wrong = fragile();
  wrong.probes = 0;
  refused({}, "members");
  refused({.members = std::vector<FallbackMember>(9, {"x", fragile()})}, "members");
  refused({.members = {{"a", fragile()}, {"a", fragile()}}}, "'a'");
  refused({.members = {{"", fragile()}}}, "''");
  refused({.members = {{"model", wrong}}}, "members.model.breaker: probes");
  refused({.members = {{"a", fragile()}}, .cache_s = std::nan("")}, "cache_s");
}

TEST(FallbackChain, DoesNotAllocate) {
  ManualClock clock;
  Chain both = chain(5.0);
  double sum = 0.0;
  const test::AllocationCount counter;
  for (int i = 0; i < 100; ++i) {
    sum += *both.run(clock, {}, [] { return Result<double>(std::nan("")); }, fine).value;
  }
  const std::size_t made = counter.count();
  EXPECT_EQ(made, 0U);
  EXPECT_EQ(sum, 50.0);
}

TEST(FallbackChain, ServesManyThreads) {
  ManualClock clock;
  Chain both = chain(5.0);
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        for (int k = 0; k < 300; ++k) {
          const bool fails = (k + i) % 3 == 0;
          answered.fetch_add(both.run(clock, {}, [&] { return fails ? broken() : fine(); }, fine) ? 1 : 0);
        }
      });
    }
  }
  EXPECT_EQ(answered.load(), 2400);
}

}  // namespace
}  // namespace attune::fallback_chain_test
