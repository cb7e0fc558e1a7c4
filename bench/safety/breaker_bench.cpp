// SPDX-License-Identifier: Apache-2.0
// One protected call, permit and record, beside what it cannot be cheaper than: one atomic addition.
#include <atomic>

#include <benchmark/benchmark.h>
#include <attune/safety/breaker.hpp>

namespace attune::bench {
namespace {

constexpr Nanos kMillisecond = 1'000'000;

/// One atomic addition to one shared word.
void BM_Floor(benchmark::State& state) {
  static std::atomic<std::uint64_t> word{0};
  for (auto _ : state) {
    benchmark::DoNotOptimize(word.fetch_add(1, std::memory_order_relaxed));
  }
}
BENCHMARK(BM_Floor)->Threads(1)->Threads(2);

CircuitBreaker make(BreakerWindow window) {
  BreakerConfig config;
  config.window = window;
  return CircuitBreaker::make(config).value();
}

/// Every `fail_every`th call fails (0: none), which is too few to trip. A call takes a microsecond.
void protect(benchmark::State& state, BreakerWindow window, std::uint64_t fail_every) {
  static CircuitBreaker* breaker = nullptr;
  if (state.thread_index() == 0) {
    breaker = new CircuitBreaker(make(window));
  }
  std::uint64_t i = 0;
  Nanos now = 0;
  for (auto _ : state) {
    now += 1000;
    ++i;
    const Permit permit = breaker->try_acquire(now);
    const bool fails = fail_every != 0 && i % fail_every == 0;
    breaker->record(permit, fails ? CallResult::failure : CallResult::success, kMillisecond, now);
  }
  if (state.thread_index() == 0) {
    state.counters["trips"] = static_cast<double>(breaker->status().trips);
    delete breaker;
  }
}
BENCHMARK_CAPTURE(protect, count_window, BreakerWindow::count, 0)->Threads(1)->Threads(2);
BENCHMARK_CAPTURE(protect, time_window, BreakerWindow::time, 0)->Threads(1)->Threads(2);
BENCHMARK_CAPTURE(protect, count_window_failing, BreakerWindow::count, 50)->Threads(1)->Threads(2);
BENCHMARK_CAPTURE(protect, time_window_failing, BreakerWindow::time, 50)->Threads(1)->Threads(2);

void reject(benchmark::State& state, BreakerState how) {
  static CircuitBreaker* breaker = nullptr;
  if (state.thread_index() == 0) {
    breaker = new CircuitBreaker(make(BreakerWindow::count));
    (void)breaker->set_state(how, 0);
    while (how == BreakerState::half_open && breaker->try_acquire(0)) {
    }
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(breaker->try_acquire(1));
  }
  if (state.thread_index() == 0) {
    delete breaker;
  }
}
BENCHMARK_CAPTURE(reject, open, BreakerState::open)->Threads(1)->Threads(2);
BENCHMARK_CAPTURE(reject, half_open_full, BreakerState::half_open)->Threads(1)->Threads(2);
BENCHMARK_CAPTURE(reject, forced_open, BreakerState::forced_open)->Threads(1)->Threads(2);

void BM_Copy(benchmark::State& state) {
  const CircuitBreaker breaker = make(BreakerWindow::count);
  for (auto _ : state) {
    benchmark::DoNotOptimize(CircuitBreaker(breaker));
  }
}
BENCHMARK(BM_Copy);

}  // namespace
}  // namespace attune::bench
