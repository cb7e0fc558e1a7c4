// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/moment.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>

namespace attune::tools {
namespace {

/// Takes characters from the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  /// Exactly so many digits.
  [[nodiscard]] std::optional<int> digits(std::size_t count) {
    int value = 0;
    if (text_.size() < count) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') {
        return std::nullopt;
      }
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  [[nodiscard]] bool take(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] char peek() const { return text_.empty() ? '\0' : text_.front(); }
  [[nodiscard]] bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

/// Digits behind the dot as nanoseconds; more than nine are cut.
[[nodiscard]] std::optional<Nanos> fraction(Cursor& cursor) {
  Nanos value = 0;
  int count = 0;
  while (cursor.peek() >= '0' && cursor.peek() <= '9') {
    const int digit = *cursor.digits(1);
    value = count < 9 ? value * 10 + digit : value;
    ++count;
  }
  for (int i = count; i < 9; ++i) {
    value *= 10;
  }
  return count > 0 ? std::optional(value) : std::nullopt;
}

/// "Z" or "+02:00", in seconds east of UTC.
[[nodiscard]] std::optional<int> zone(Cursor& cursor) {
  if (cursor.take("Zz")) {
    return 0;
  }
  const int sign = cursor.peek() == '-' ? -1 : 1;
  if (!cursor.take("+-")) {
    return std::nullopt;
  }
  const std::optional<int> hours = cursor.digits(2);
  if (!hours || !cursor.take(":")) {
    return std::nullopt;
  }
  const std::optional<int> minutes = cursor.digits(2);
  return minutes && *hours < 24 && *minutes < 60 ? std::optional(sign * (*hours * 60 + *minutes) * 60)
                                                 : std::nullopt;
}

[[nodiscard]] std::optional<Nanos> parse_clock(Cursor& cursor) {
  const std::optional<int> hour = cursor.digits(2);
  if (!hour || *hour > 23 || !cursor.take(":")) {
    return std::nullopt;
  }
  const std::optional<int> minute = cursor.digits(2);
  if (!minute || *minute > 59 || !cursor.take(":")) {
    return std::nullopt;
  }
  const std::optional<int> second = cursor.digits(2);
  if (!second || *second > 60) {  // 60: a leap second, taken for the one after it
    return std::nullopt;
  }
  std::optional<Nanos> nanos = 0;
  if (cursor.take(".")) {
    nanos = fraction(cursor);
  }
  const std::optional<int> offset = nanos ? zone(cursor) : std::nullopt;
  return offset ? std::optional((Nanos{*hour} * 3600 + Nanos{*minute} * 60 + *second - *offset) * kSecond +
                                *nanos)
                : std::nullopt;
}

[[nodiscard]] std::optional<Nanos> parse_absolute(std::string_view text) {
  Cursor cursor(text);
  const std::optional<int> year = cursor.digits(4);
  if (!year || !cursor.take("-")) {
    return std::nullopt;
  }
  const std::optional<int> month = cursor.digits(2);
  if (!month || !cursor.take("-")) {
    return std::nullopt;
  }
  const std::optional<int> day = cursor.digits(2);
  if (!day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // Nanoseconds since 1970 in 64 bits end in these years.
  if (!date.ok() || *year < 1678 || *year > 2261) {
    return std::nullopt;
  }
  const Nanos midnight = Nanos{std::chrono::sys_days(date).time_since_epoch().count()} * 86'400 * kSecond;
  if (cursor.done()) {
    return midnight;
  }
  if (!cursor.take("Tt ")) {
    return std::nullopt;
  }
  const std::optional<Nanos> clock = parse_clock(cursor);
  return clock && cursor.done() ? std::optional(midnight + *clock) : std::nullopt;
}

[[nodiscard]] std::optional<Nanos> parse_relative(std::string_view text) {
  double amount = 0.0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double seconds = unit == "ms"                   ? 1e-3
                         : unit == "s"                  ? 1.0
                         : unit == "m" || unit == "min" ? 60.0
                         : unit == "h"                  ? 3600.0
                         : unit == "d"                  ? 86'400.0
                                                        : 0.0;
  constexpr double kMost = 3e9;  // a hundred years
  if (code != std::errc{} || seconds == 0.0 || !(amount <= 0.0) || amount * seconds < -kMost) {
    return std::nullopt;
  }
  return static_cast<Nanos>(std::llround(amount * seconds * 1e9));
}

}  // namespace

Result<Moment> parse_moment(std::string_view text) {
  if (const std::optional<Nanos> back = text.starts_with('-') ? parse_relative(text) : std::nullopt) {
    return Moment{.relative = true, .value = *back};
  }
  if (const std::optional<Nanos> time = parse_absolute(text)) {
    return Moment{.relative = false, .value = *time};
  }
  return fail(Errc::invalid_argument,
              "'" + std::string(text) +
                  "' is no time; write 2026-01-31T12:00:00Z, or -15m, -1h, -7d for so long "
                  "before the last record");
}

}  // namespace attune::tools
