// SPDX-License-Identifier: Apache-2.0
/// @file
/// What answers for programs are made of. A value that is not known, and a number that is NaN, is null.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/clock.hpp>
#include <attune/store/journal.hpp>

#include "tools/inspect/stats.hpp"

namespace attune::tools {

/// One line. Names that are not UTF-8 come with their bad bytes replaced.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& json);
[[nodiscard]] nlohmann::ordered_json json_number(double value);
[[nodiscard]] nlohmann::ordered_json json_text(std::string_view text);  ///< null when empty
[[nodiscard]] nlohmann::ordered_json json_time(const std::optional<Nanos>& time);
[[nodiscard]] nlohmann::ordered_json json_count(const std::optional<std::uint32_t>& count);
[[nodiscard]] nlohmann::ordered_json json_moments(const Moments& moments);
[[nodiscard]] nlohmann::ordered_json json_checkpoint(const CheckpointInfo& info);

}  // namespace attune::tools
