// SPDX-License-Identifier: Apache-2.0
#include <attune/core/clock.hpp>

namespace attune {

SystemClock::SystemClock() noexcept
    : wall_start_(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count()),
      steady_start_(std::chrono::steady_clock::now()) {}

Nanos SystemClock::now() const noexcept {
  const auto passed = std::chrono::steady_clock::now() - steady_start_;
  return wall_start_ + std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count();
}

}  // namespace attune
