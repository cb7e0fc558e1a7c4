// SPDX-License-Identifier: Apache-2.0
/// @file
/// What the commands share that run one detector over a file with one number a line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>

namespace attune::sim {

/// {"type": `type`, name: value, ...} of words name=value; `option` is the one that names the type. Errors:
/// invalid_config.
[[nodiscard]] Result<nlohmann::json> spec_of(const std::string& type,
                                             const std::vector<std::string>& parameters,
                                             std::string_view option = "--detector");

/// Gives every number of a file to `take`, which counts them; "-" is standard input. How many they were.
/// Errors: parse, naming the line; io.
[[nodiscard]] Result<std::uint64_t> read_numbers(const std::string& path,
                                                 const std::function<void(double)>& take);

/// {"version", "bytes"}, the bytes in hexadecimal.
[[nodiscard]] nlohmann::json state_json(std::uint32_t version, ByteView bytes);

}  // namespace attune::sim
