// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/detectors.hpp>

#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/safety/builtin_detectors.hpp>
#include "engine/config_fields.hpp"
#include "engine/json_reader.hpp"

namespace attune {
namespace {

using nlohmann::json;

struct DetectorEntry {
  std::string_view name;
  std::uint32_t state_version = 0;
  Result<AnyDetector> (*make)(const json& spec, std::string_view path) = nullptr;
  std::vector<OptionInfo> (*options)() = nullptr;
};

template <class D>
Result<AnyDetector> make_one(const json& spec, std::string_view path) {
  typename D::Config config;
  if (Result<void> read = detail::read_spec(spec, detail::field_refs(config), path); !read) {
    return tl::unexpected(std::move(read).error());
  }
  Result<D> made = D::make(config);
  if (!made) {
    return tl::unexpected(detail::at_path(std::move(made).error(), path));
  }
  return AnyDetector(*std::move(made));
}

template <class D>
std::vector<OptionInfo> options_of() {
  typename D::Config config;
  return detail::field_options(detail::field_refs(config));
}

template <class... Detectors>
auto entries_of(DetectorList<Detectors...> /*list*/) {
  return std::array<DetectorEntry, sizeof...(Detectors)>{DetectorEntry{
      Detectors::kName, Detectors::kStateVersion, &make_one<Detectors>, &options_of<Detectors>}...};
}

const auto& all_entries() {
  static const auto kEntries = entries_of(BuiltinDetectors{});
  return kEntries;
}

const DetectorEntry* entry_named(std::string_view name) {
  for (const DetectorEntry& entry : all_entries()) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
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
  if (entry_named(name) != nullptr && entry_named("river_" + name) == nullptr) {
    return fail(Errc::invalid_config,
                at +
                    " = \"river\" is there for adwin, page_hinkley, ddm, eddm, hddm_a and "
                    "hddm_w, not for " +
                    name);
  }
  return entry_named(name) == nullptr ? name : "river_" + name;
}

}  // namespace

Result<AnyDetector> make_detector(const json& spec, std::string_view path) {
  if (!spec.is_object()) {
    return fail(Errc::invalid_config, std::string(path.empty() ? "the specification" : path) +
                                          " should be an object, not " +
                                          std::string(detail::json_kind(spec)));
  }
  json options = spec;
  Result<std::string> name = resolve_name(options, path);
  if (!name) {
    return tl::unexpected(std::move(name).error());
  }
  if (const DetectorEntry* entry = entry_named(*name)) {
    return entry->make(options, path);
  }
  std::string known;
  for (const DetectorEntry& entry : all_entries()) {
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  return fail(Errc::invalid_config,
              detail::join_path(path, "type") + " = \"" + *name + "\" is none of: " + known);
}

std::vector<DetectorInfo> detectors() {
  std::vector<DetectorInfo> all;
  for (const DetectorEntry& entry : all_entries()) {
    all.push_back({std::string(entry.name), entry.state_version, entry.options()});
  }
  return all;
}

}  // namespace attune
