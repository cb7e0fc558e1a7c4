// SPDX-License-Identifier: Apache-2.0
/// @file
/// Time as a parameter: real or simulated time drives the same code.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace attune {

/// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
using Nanos = std::int64_t;

inline constexpr Nanos kSecond = 1'000'000'000;

/// Gives the time to an engine. Implementations are safe to call from many threads.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  Clock(Clock&&) = delete;
  Clock& operator=(Clock&&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual Nanos now() const noexcept = 0;
};

/// The system's wall clock read once, carried on by its monotonic clock: never steps back while it lives.
class SystemClock final : public Clock {
 public:
  SystemClock() noexcept;
  [[nodiscard]] Nanos now() const noexcept override;

 private:
  Nanos wall_start_;
  std::chrono::steady_clock::time_point steady_start_;
};

/// A clock that stands still until it is told otherwise: for simulations and tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Nanos start = 1'700'000'000 * kSecond) noexcept : now_(start) {}
  [[nodiscard]] Nanos now() const noexcept override { return now_.load(std::memory_order_relaxed); }
  void set(Nanos time) noexcept { now_.store(time, std::memory_order_relaxed); }
  void advance(Nanos by) noexcept { now_.fetch_add(by, std::memory_order_relaxed); }

 private:
  std::atomic<Nanos> now_;
};

}  // namespace attune
