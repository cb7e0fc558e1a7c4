// SPDX-License-Identifier: Apache-2.0
#include "store/json_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "core/utf8.hpp"

namespace attune::detail {

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";  // JSON has no other word for it; the record keeps the bits
    return;
  }
  std::array<char, 32> buffer{};
  const std::to_chars_result end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end.ptr);
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20) {
      out += "\\u00";
      out += {kHex[byte >> 4U], kHex[byte & 0xFU]};
    } else if (length == 0) {
      out += "\xEF\xBF\xBD";  // a line that is no JSON would not come back at all
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void write_json_array(std::string& out, std::span<const double> values) {
  out.assign(1, '[');
  for (const double value : values) {
    out += out.size() > 1 ? "," : "";
    append_json_number(out, value);
  }
  out += ']';
}

void write_json_object(std::string& out, std::span<const Component> components) {
  out.assign(1, '{');
  for (const Component& component : components) {
    out += out.size() > 1 ? "," : "";
    append_json_string(out, component.name);
    out += ':';
    append_json_number(out, component.value);
  }
  out += '}';
}

}  // namespace attune::detail
