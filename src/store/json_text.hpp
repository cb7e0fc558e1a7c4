// SPDX-License-Identifier: Apache-2.0
/// @file
/// JSON as the rows and exports of a store have it. Doubles are written so that they read back exactly.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <attune/core/record.hpp>

namespace attune::detail {

/// `null` for a number that JSON cannot write.
void append_json_number(std::string& out, double value);
/// Quoted and escaped. Bytes that are no UTF-8 become U+FFFD: it is for people, the record keeps the bytes.
void append_json_string(std::string& out, std::string_view text);
/// These two replace what `out` has.
void write_json_array(std::string& out, std::span<const double> values);
void write_json_object(std::string& out, std::span<const Component> components);

}  // namespace attune::detail
