// SPDX-License-Identifier: Apache-2.0
/// @file
/// Base64 (RFC 4648, with padding).
#pragma once

#include <string>
#include <string_view>

#include <attune/core/serial.hpp>

namespace attune::detail {

void append_base64(std::string& out, ByteView bytes);
/// Replaces what `out` has. False: it is not base64, or not the one way to write these bytes.
[[nodiscard]] bool parse_base64(std::string_view text, Bytes& out);

}  // namespace attune::detail
