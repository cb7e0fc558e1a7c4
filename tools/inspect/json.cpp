// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/json.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

#include "tools/inspect/text.hpp"

namespace attune::tools {

using Json = nlohmann::ordered_json;

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_text(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

Json json_time(const std::optional<Nanos>& time) { return time ? Json(time_text(*time)) : Json(nullptr); }

Json json_count(const std::optional<std::uint32_t>& count) { return count ? Json(*count) : Json(nullptr); }

Json json_moments(const Moments& moments) {
  const Bounds bounds = moments.interval();
  return {{"count", moments.count()},
          {"mean", json_number(moments.mean())},
          {"deviation", json_number(moments.deviation())},
          {"low", json_number(bounds.low)},
          {"high", json_number(bounds.high)}};
}

Json json_checkpoint(const CheckpointInfo& info) {
  return {{"number", info.number},
          {"position", info.position},
          {"time", time_text(info.time)},
          {"time_ns", info.time},
          {"bytes", info.bytes},
          {"sha256", to_hex(info.digest)},
          {"config_digest", info.config_digest}};
}

}  // namespace attune::tools
