// SPDX-License-Identifier: Apache-2.0
/// @file
/// Points in time as people name them: RFC 3339, or so long before the last record. What lies between two.
#pragma once

#include <limits>
#include <string_view>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>

namespace attune::tools {

/// `later - earlier`, or the limit it lies beyond: a record has whatever time a clock gave it.
[[nodiscard]] inline Nanos span_between(Nanos earlier, Nanos later) noexcept {
  Nanos span = 0;
  const bool beyond = __builtin_sub_overflow(later, earlier, &span);
  return !beyond ? span : later < 0 ? std::numeric_limits<Nanos>::min() : std::numeric_limits<Nanos>::max();
}

/// The time that lies so long before another; the first one there is when that would be earlier.
[[nodiscard]] inline Nanos time_before(Nanos time, Nanos span) noexcept { return span_between(span, time); }

/// A time given on the command line.
struct Moment {
  bool relative = false;  ///< `value` is to be added to the time of the store's last record
  Nanos value = 0;        ///< not positive when relative

  [[nodiscard]] Nanos at(Nanos last_record) const noexcept {
    return relative ? time_before(last_record, -value) : value;
  }
};

/// Reads "2026-01-31T12:00:00Z" (fractions, offsets like +02:00 and a space for the T are fine; a date alone
/// is its midnight in UTC) or "-90s", "-15m", "-1.5h", "-7d". Errors: invalid_argument.
[[nodiscard]] Result<Moment> parse_moment(std::string_view text);

}  // namespace attune::tools
