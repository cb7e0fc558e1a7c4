// SPDX-License-Identifier: Apache-2.0
/// @file
/// Points in time as people name them: RFC 3339, or so long before the last record.
#pragma once

#include <string_view>

#include <attune/core/clock.hpp>
#include <attune/core/error.hpp>

namespace attune::tools {

/// A time given on the command line.
struct Moment {
  bool relative = false;  ///< `value` is to be added to the time of the store's last record
  Nanos value = 0;

  [[nodiscard]] Nanos at(Nanos last_record) const noexcept { return relative ? last_record + value : value; }
};

/// Reads "2026-01-31T12:00:00Z" (fractions, offsets like +02:00 and a space for the T are fine; a date alone
/// is its midnight in UTC) or "-90s", "-15m", "-1.5h", "-7d". Errors: invalid_argument.
[[nodiscard]] Result<Moment> parse_moment(std::string_view text);

}  // namespace attune::tools
