// SPDX-License-Identifier: Apache-2.0
#include "tools/json_writer.hpp"

#include <algorithm>

namespace attune::tools {
namespace {

bool needs_escape(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (code < 0x20) {
    out += "\\u00";
    out += kHex[code / 16];
    out += kHex[code % 16];
  } else {
    out += c;
  }
}

}  // namespace

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  out_ += '"';
  if (std::none_of(value.begin(), value.end(), needs_escape)) {
    out_ += value;
  } else {
    for (const char c : value) {
      append_escaped(out_, c);
    }
  }
  out_ += '"';
  return *this;
}

}  // namespace attune::tools
