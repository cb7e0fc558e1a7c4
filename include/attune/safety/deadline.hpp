// SPDX-License-Identifier: Apache-2.0
/// @file
/// Deadline: the instant by which an answer is wanted, handed down from call to call.
#pragma once

#include <algorithm>
#include <limits>

#include <attune/core/clock.hpp>

namespace attune {

/// An absolute time. Unlike a timeout, it does not start anew at each level, and a retry does not lengthen
/// it.
class Deadline {
 public:
  /// None: never over.
  constexpr Deadline() noexcept = default;
  [[nodiscard]] static constexpr Deadline at(Nanos time) noexcept { return Deadline(time); }
  /// `by` from now; at once where `by` is negative, never where that is beyond all times.
  [[nodiscard]] static constexpr Deadline after(Nanos now, Nanos by) noexcept {
    const Nanos wait = std::max<Nanos>(0, by);
    return Deadline(now > kNever - wait ? kNever : now + wait);
  }

  [[nodiscard]] constexpr Nanos time() const noexcept { return time_; }
  [[nodiscard]] constexpr bool is_set() const noexcept { return time_ != kNever; }
  [[nodiscard]] constexpr bool over(Nanos now) const noexcept { return is_set() && now >= time_; }
  /// Time left, never negative; the longest there is where none is set.
  [[nodiscard]] constexpr Nanos remaining(Nanos now) const noexcept {
    if (over(now)) {
      return 0;
    }
    return now < 0 && time_ > kNever + now ? kNever : time_ - now;
  }
  /// The earlier of this one and `by` from now: for a part of the work that may not take all the time.
  [[nodiscard]] constexpr Deadline within(Nanos now, Nanos by) const noexcept {
    return std::min(*this, after(now, by));
  }
  [[nodiscard]] constexpr auto operator<=>(const Deadline&) const noexcept = default;

 private:
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
  constexpr explicit Deadline(Nanos time) noexcept : time_(time) {}

  Nanos time_ = kNever;
};

}  // namespace attune
