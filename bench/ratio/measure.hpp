// SPDX-License-Identifier: Apache-2.0
/// @file
/// Measuring: rates in CPU time, best of interleaved rounds; latencies as percentiles, with the clock's own
/// cost.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <vector>

namespace attune::bench {

/// CPU seconds of this process: what other processes do to the machine does not count.
inline double cpu_seconds() noexcept {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Calls of `run(count)` a CPU second: the rate of one block of about `seconds`.
template <class Run>
double rate(Run&& run, double seconds) {
  std::size_t count = 16;
  for (;;) {
    const double start = cpu_seconds();
    run(count);
    const double took = cpu_seconds() - start;
    if (took >= seconds) {
      return static_cast<double>(count) / took;
    }
    count = took < seconds / 64
                ? count * 8
                : static_cast<std::size_t>(static_cast<double>(count) * 1.3 * seconds / took) + 1;
  }
}

struct Percentiles {
  double p50 = 0.0;
  double p99 = 0.0;
  double p999 = 0.0;
};

/// Wall-clock nanoseconds of single calls.
template <class Call>
Percentiles latencies(Call&& call, std::size_t count) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> took(count);
  for (double& one : took) {
    const Clock::time_point start = Clock::now();
    call();
    one = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  }
  std::ranges::sort(took);
  const auto at = [&](double share) {
    return took[static_cast<std::size_t>(share * static_cast<double>(count - 1))];
  };
  return {at(0.5), at(0.99), at(0.999)};
}

}  // namespace attune::bench
