// SPDX-License-Identifier: Apache-2.0
#include "simulations/service_level.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "simulations/json_reader.hpp"

namespace attune::sim {

Result<ServiceLevel> ServiceLevel::make(const nlohmann::json& object, const EnvironmentInfo& info) {
  constexpr Bounds kAnyNumber{-1e12, 1e12};
  JsonReader reader(object, "sla");
  ServiceLevel out;
  for (std::size_t i = 0; i < info.components.size(); ++i) {
    const nlohmann::json* bounds = reader.find_object(info.components[i]);
    if (bounds == nullptr) {
      continue;
    }
    JsonReader fields(*bounds, reader.path_of(info.components[i]));
    Limit limit{.component = i};
    limit.min = fields.number("min", kAnyNumber, limit.min);
    limit.max = fields.number("max", kAnyNumber, limit.max);
    if (fields.good() && !(limit.min <= limit.max)) {
      fields.fail_with(reader.path_of(info.components[i]) + ": min is above max");
    }
    if (Result<void> good = fields.finish(); !good) {
      reader.fail_with(std::move(good).error());
    }
    out.limits_.push_back(limit);
  }
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return out;
}

bool ServiceLevel::kept(std::span<const double> outcome) const noexcept {
  return std::all_of(limits_.begin(), limits_.end(), [&](const Limit& limit) {
    const double value = outcome[limit.component];
    return value >= limit.min && value <= limit.max;
  });
}

}  // namespace attune::sim
