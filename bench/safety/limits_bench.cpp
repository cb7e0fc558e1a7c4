// SPDX-License-Identifier: Apache-2.0
// What it costs to ask a limit: rate limiters, bulkhead, budgets, hedging, and a chain around a function.
#include <memory>

#include <benchmark/benchmark.h>
#include <attune/safety/bulkhead.hpp>
#include <attune/safety/fallback_chain.hpp>
#include <attune/safety/hedge.hpp>
#include <attune/safety/keyed_limiter.hpp>
#include <attune/safety/rate_limiter.hpp>

namespace attune::bench {
namespace {

/// Runs `step(limit, i)` on all threads on one limit, that the first of them makes.
template <class Limit, class Make, class Step>
void share(benchmark::State& state, const Make& make, const Step& step) {
  static std::unique_ptr<Limit> limit;
  if (state.thread_index() == 0) {
    limit = std::make_unique<Limit>(make());
  }
  Nanos i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(step(*limit, ++i));
  }
  if (state.thread_index() == 0) {
    limit.reset();
  }
}

void BM_RateLimiterPass(benchmark::State& state) {
  share<RateLimiter>(
      state, [] { return RateLimiter::make({1e6, 1e6}).value(); },
      [](RateLimiter& limit, Nanos i) { return limit.try_acquire(i * 1000).wait; });
}
BENCHMARK(BM_RateLimiterPass)->Threads(1)->Threads(2);

void BM_RateLimiterRefuse(benchmark::State& state) {
  share<RateLimiter>(
      state,
      [] {
        RateLimiter limit = RateLimiter::make({1e-3, 1.0}).value();
        (void)limit.try_acquire(0);
        return limit;
      },
      [](RateLimiter& limit, Nanos) { return limit.try_acquire(1).wait; });
}
BENCHMARK(BM_RateLimiterRefuse)->Threads(1)->Threads(2);

void BM_TokenBucketPass(benchmark::State& state) {
  share<TokenBucket>(
      state, [] { return TokenBucket::make({1e6, 1e6, 0.0}).value(); },
      [](TokenBucket& tokens, Nanos i) { return tokens.try_acquire(i * 1000).wait; });
}
BENCHMARK(BM_TokenBucketPass)->Threads(1)->Threads(2);

/// 1024 keys in turn.
void BM_KeyedLimiterPass(benchmark::State& state) {
  share<KeyedLimiter>(
      state, [] { return KeyedLimiter::make({1e6, 1e6, 8192, 1}).value(); },
      [](KeyedLimiter& limit, Nanos i) {
        return limit.try_acquire(static_cast<std::uint64_t>(i) & 1023U, i * 1000).wait;
      });
}
BENCHMARK(BM_KeyedLimiterPass)->Threads(1)->Threads(2);

void BM_BulkheadEnterAndLeave(benchmark::State& state) {
  share<Bulkhead>(
      state, [] { return Bulkhead::make({.limit = 25}).value(); },
      [](Bulkhead& bulkhead, Nanos) { return static_cast<bool>(bulkhead.try_enter()); });
}
BENCHMARK(BM_BulkheadEnterAndLeave)->Threads(1)->Threads(2);

void BM_RetryBudgetCallAndRetry(benchmark::State& state) {
  share<RetryBudget>(
      state, [] { return RetryBudget::make({.share = 1.0}).value(); },
      [](RetryBudget& budget, Nanos) {
        budget.note_call();
        return budget.try_retry();
      });
}
BENCHMARK(BM_RetryBudgetCallAndRetry)->Threads(1)->Threads(2);

void BM_HedgeCallAndRecord(benchmark::State& state) {
  share<HedgePolicy>(
      state, [] { return HedgePolicy::make({}).value(); },
      [](HedgePolicy& hedge, Nanos i) {
        hedge.note_call();
        hedge.record(1'000'000 + (i & 0xFFFFF));
        return hedge.wait().value_or(0);
      });
}
BENCHMARK(BM_HedgeCallAndRecord)->Threads(1)->Threads(2);

void BM_FallbackChainFirstAnswers(benchmark::State& state) {
  const ManualClock clock;
  share<FallbackChain<double>>(
      state, [] { return FallbackChain<double>::make({.members = {{"a", {}}, {"b", {}}}}).value(); },
      [&clock](FallbackChain<double>& chain, Nanos) {
        return *chain.run(
                         clock, {}, [] { return Result<double>(1.0); }, [] { return Result<double>(2.0); })
                    .value;
      });
}
BENCHMARK(BM_FallbackChainFirstAnswers)->Threads(1)->Threads(2);

}  // namespace
}  // namespace attune::bench
