// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

namespace attune::tools {

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    std::array<char, 8> escaped{};
    static_cast<void>(std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned>(byte)));
    out += escaped.data();
  }
  return out;
}

std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string rounded(double value, int digits) {
  if (std::isnan(value)) {
    return "-";
  }
  std::array<char, 40> buffer{};
  static_cast<void>(std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, value));
  return buffer.data();
}

std::string exact(double value) {
  std::array<char, 40> buffer{};
  const char* end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

std::string plural(std::uint64_t count, std::string_view one) {
  return grouped(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) {
    return std::to_string(bytes) + " bytes";
  }
  double value = static_cast<double>(bytes) / 1024.0;
  std::size_t unit = 0;
  for (; value >= 1000.0 && unit + 1 < kUnits.size(); ++unit) {
    value /= 1024.0;
  }
  return rounded(value, 3) + " " + kUnits[unit];
}

std::string percent(double part, double whole) {
  return whole > 0.0 ? rounded(100.0 * part / whole, 3) + "%" : std::string(1, '-');
}

std::string span_text(Nanos span) {
  constexpr std::array<std::pair<double, const char*>, 6> kUnits{
      {{86'400e9, " d"}, {3'600e9, " h"}, {60e9, " min"}, {1e9, " s"}, {1e6, " ms"}, {1e3, " us"}}};
  if (span < 0) {
    return "-" +
           span_text(span == std::numeric_limits<Nanos>::min() ? std::numeric_limits<Nanos>::max() : -span);
  }
  for (const auto& [length, unit] : kUnits) {
    // From two of a unit on: "90 s" says more than "1.5 min".
    if (static_cast<double>(span) >= (length > 1e9 ? 2.0 * length : length)) {
      const double value = static_cast<double>(span) / length;
      return (value >= 100.0 ? grouped(static_cast<std::uint64_t>(std::llround(value))) : rounded(value, 3)) +
             unit;
    }
  }
  return std::to_string(span) + " ns";
}

std::string time_text(Nanos time) {
  using std::chrono::floor;
  // In microseconds: the first midnight that nanoseconds reach back to is beyond their limit.
  const auto moment = floor<std::chrono::microseconds>(
      std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(time)));
  const auto day = floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<std::chrono::microseconds> clock(moment - day);
  std::array<char, 48> buffer{};
  const int size = std::snprintf(
      buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {buffer.data(), static_cast<std::size_t>(std::max(size, 0))};
}

std::string time_or_dash(const std::optional<Nanos>& time) {
  return time ? time_text(*time) : std::string(1, '-');
}

std::string hex_text(std::uint64_t value) {
  std::array<char, 20> buffer{};
  static_cast<void>(
      std::snprintf(buffer.data(), buffer.size(), "%016llx", static_cast<unsigned long long>(value)));
  return buffer.data();
}

std::string name_or_number(std::string_view name, std::optional<std::uint32_t> number) {
  return !name.empty() ? printable(name) : number ? "#" + std::to_string(*number) : std::string(1, '-');
}

std::string bars(std::span<const double> shares) {
  constexpr std::array<const char*, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string out;
  for (const double share : shares) {
    if (!(share > 0.0)) {
      out += "·";
      continue;
    }
    const double level = std::ceil(std::min(share, 1.0) * static_cast<double>(kBlocks.size()));
    out += kBlocks[static_cast<std::size_t>(std::max(level, 1.0)) - 1];
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void add_line(std::string& out, std::string_view label, std::string_view value) {
  constexpr std::size_t kLabelWidth = 14;
  out += label;
  out.append(std::max<std::size_t>(1, kLabelWidth - std::min(label.size(), kLabelWidth)), ' ');
  out += value;
  out += '\n';
}

InspectTable::InspectTable(const std::vector<std::string>& names) {
  std::vector<std::string>& header = rows_.emplace_back();
  for (const std::string& name : names) {
    const bool right = name.starts_with('>');
    right_.push_back(right);
    header.push_back(right ? name.substr(1) : name);
  }
}

void InspectTable::add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string InspectTable::text() const {
  std::vector<std::size_t> widths(right_.size(), 0);
  for (const std::vector<std::string>& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  std::string out;
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      line += right_[i] ? padding + row[i] : row[i] + padding;
      line.append(2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line;
    out += '\n';
  }
  return out;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    out.append(c == '"' ? 2 : 1, c);
  }
  return out + "\"";
}

}  // namespace attune::tools
