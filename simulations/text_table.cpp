// SPDX-License-Identifier: Apache-2.0
#include "simulations/text_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <array>
#include <system_error>

namespace attune::sim {

std::string TextTable::str() const {
  std::vector<std::size_t> widths;
  const auto widen = [&](const std::vector<std::string>& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  };
  widen(header_);
  for (const std::vector<std::string>& row : rows_) {
    widen(row);
  }
  std::string out;
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (i == 0 ? row[i] + pad : pad + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  std::size_t total = 0;
  for (const std::size_t width : widths) {
    total += width + 2;
  }
  const std::string dashes(total > 2 ? total - 2 : 0, '-');
  print(header_);
  out += dashes + "\n";
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (std::find(rules_.begin(), rules_.end(), i) != rules_.end() && i > 0) {
      out += dashes + "\n";
    }
    print(rows_[i]);
  }
  return out;
}

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) {
    return "-";
  }
  std::array<char, 400> text{};
  const auto [end, code] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals);
  return code == std::errc{} ? std::string(text.data(), end) : "?";
}

std::string with_error(double value, double error, int decimals) {
  return fixed(value, decimals) + " +- " + fixed(error, decimals);
}

int decimals_for(double size) {
  const double magnitude = std::fabs(size);
  if (!(magnitude > 0.0) || !std::isfinite(magnitude)) {
    return 4;
  }
  return std::clamp(4 - static_cast<int>(std::floor(std::log10(magnitude))) - 1, 0, 9);
}

}  // namespace attune::sim
