// SPDX-License-Identifier: Apache-2.0
#include <attune/core/config.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace attune {

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const std::to_chars_result end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data())};
}

namespace detail {

Result<void> check_number(std::string_view name, double value, Bounds bounds) {
  if (value >= bounds.min && value <= bounds.max) {  // NaN is outside
    return {};
  }
  return fail(Errc::invalid_config, std::string(name) + " = " + number_text(value) + " is outside [" +
                                        number_text(bounds.min) + ", " + number_text(bounds.max) + "]");
}

}  // namespace detail
}  // namespace attune
