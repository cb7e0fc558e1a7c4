// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/detectors.hpp>

#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/safety/builtin_detectors.hpp>
#include "engine/json_reader.hpp"
#include "engine/named_entries.hpp"

namespace attune {
namespace {

using nlohmann::json;

const auto& all_entries() {
  static const auto kEntries = detail::named_entries<AnyDetector>(BuiltinDetectors{});
  return kEntries;
}

/// Detectors that do what River's of the same name do without being asked.
constexpr std::array<std::string_view, 4> kAsRiver{"ddm", "eddm", "hddm_a", "hddm_w"};

/// The name that `compat` asks for; takes the key away.
Result<std::string> resolve_name(json& spec, std::string_view path) {
  const auto type = spec.find("type");
  if (type == spec.end() || !type->is_string()) {
    return fail(Errc::invalid_config,
                detail::join_path(path, "type") + " is required: the name of a detector");
  }
  std::string name = type->get<std::string>();
  const auto compat = spec.find("compat");
  if (compat == spec.end()) {
    return name;
  }
  const std::string at = detail::join_path(path, "compat");
  const std::string wanted = compat->is_string() ? compat->get<std::string>() : compat->dump();
  spec.erase("compat");
  if (wanted == "attune") {
    return name;
  }
  if (wanted != "river") {
    return fail(Errc::invalid_config, at + " = \"" + wanted + "\" is none of: attune, river");
  }
  for (const std::string_view same : kAsRiver) {
    if (name == same) {
      return name;
    }
  }
  if (name.starts_with("river_")) {
    return name;
  }
  if (detail::find_named(all_entries(), name) != nullptr &&
      detail::find_named(all_entries(), "river_" + name) == nullptr) {
    return fail(Errc::invalid_config,
                at +
                    " = \"river\" is there for adwin, page_hinkley, ddm, eddm, hddm_a and "
                    "hddm_w, not for " +
                    name);
  }
  return detail::find_named(all_entries(), name) == nullptr ? name : "river_" + name;
}

}  // namespace

Result<AnyDetector> make_detector(const json& spec, std::string_view path) {
  if (Result<void> object = detail::check_object(spec, path); !object) {
    return tl::unexpected(std::move(object).error());
  }
  json options = spec;
  Result<std::string> name = resolve_name(options, path);
  if (!name) {
    return tl::unexpected(std::move(name).error());
  }
  return detail::make_by_name(all_entries(), *name, options, path);
}

json detector_schema() {
  json choices = json::array();
  for (const detail::NamedEntry<AnyDetector>& entry : all_entries()) {
    json one = entry.schema();
    one["title"] = entry.name;
    one["properties"]["type"] = {{"const", entry.name}};
    one["properties"]["compat"] = {{"enum", {"attune", "river"}}, {"default", "attune"}};
    one["required"].push_back("type");
    choices.push_back(std::move(one));
  }
  return {{"oneOf", std::move(choices)}};
}

std::vector<DetectorInfo> detectors() {
  std::vector<DetectorInfo> all;
  for (const detail::NamedEntry<AnyDetector>& entry : all_entries()) {
    all.push_back({std::string(entry.name), entry.state_version, entry.options()});
  }
  return all;
}

}  // namespace attune
