// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/anomaly_detectors.hpp>

#include <utility>

#include <nlohmann/json.hpp>

#include <attune/safety/builtin_anomaly_detectors.hpp>
#include "engine/json_reader.hpp"
#include "engine/named_entries.hpp"

namespace attune {
namespace {

const auto& all_entries() {
  static const auto kEntries = detail::named_entries<AnyAnomalyDetector>(BuiltinAnomalyDetectors{});
  return kEntries;
}

}  // namespace

Result<AnyAnomalyDetector> make_anomaly_detector(const nlohmann::json& spec, std::string_view path) {
  if (Result<void> object = detail::check_object(spec, path); !object) {
    return tl::unexpected(std::move(object).error());
  }
  const auto type = spec.find("type");
  if (type == spec.end() || !type->is_string()) {
    return fail(Errc::invalid_config,
                detail::join_path(path, "type") + " is required: the name of an anomaly detector");
  }
  return detail::make_by_name(all_entries(), type->get<std::string>(), spec, path);
}

nlohmann::json anomaly_detector_schema() {
  nlohmann::json choices = nlohmann::json::array();
  for (const detail::NamedEntry<AnyAnomalyDetector>& entry : all_entries()) {
    nlohmann::json one = entry.schema();
    one["title"] = entry.name;
    one["properties"]["type"] = {{"const", entry.name}};
    one["required"].push_back("type");
    choices.push_back(std::move(one));
  }
  return {{"oneOf", std::move(choices)}};
}

std::vector<AnomalyDetectorInfo> anomaly_detectors() {
  std::vector<AnomalyDetectorInfo> all;
  for (const detail::NamedEntry<AnyAnomalyDetector>& entry : all_entries()) {
    all.push_back({std::string(entry.name), entry.state_version, entry.options()});
  }
  return all;
}

}  // namespace attune
