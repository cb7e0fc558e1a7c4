// SPDX-License-Identifier: Apache-2.0
/// @file
/// A list of types that are made from a specification by name: the tables of make_detector and its likes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/engine/registry.hpp>
#include "engine/config_fields.hpp"
#include "engine/json_reader.hpp"

namespace attune::detail {

/// One type of a list, and how a Handle of it is made.
template <class Handle>
struct NamedEntry {
  std::string_view name;
  std::uint32_t state_version = 0;
  Result<Handle> (*make)(const nlohmann::json& spec, std::string_view path) = nullptr;
  std::vector<OptionInfo> (*options)() = nullptr;
  nlohmann::json (*schema)() = nullptr;
};

template <class Handle, class T>
Result<Handle> make_named(const nlohmann::json& spec, std::string_view path) {
  typename T::Config config;
  if (Result<void> read = read_spec(spec, field_refs(config), path); !read) {
    return tl::unexpected(std::move(read).error());
  }
  Result<T> made = T::make(config);
  if (!made) {
    return tl::unexpected(at_path(std::move(made).error(), path));
  }
  return Handle(*std::move(made));
}

template <class T>
std::vector<OptionInfo> named_options() {
  typename T::Config config;
  return field_options(field_refs(config));
}

template <class T>
nlohmann::json named_schema() {
  typename T::Config config;
  return fields_schema(field_refs(config));
}

/// The entries of a list of types.
template <class Handle, template <class...> class List, class... Types>
auto named_entries(List<Types...> /*list*/) {
  return std::array<NamedEntry<Handle>, sizeof...(Types)>{
      NamedEntry<Handle>{Types::kName, Types::kStateVersion, &make_named<Handle, Types>,
                         &named_options<Types>, &named_schema<Types>}...};
}

/// Null: none has that name.
template <class Handle, std::size_t N>
const NamedEntry<Handle>* find_named(const std::array<NamedEntry<Handle>, N>& entries,
                                     std::string_view name) {
  for (const NamedEntry<Handle>& entry : entries) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
}

/// Refuses a specification that is no object.
[[nodiscard]] inline Result<void> check_object(const nlohmann::json& spec, std::string_view path) {
  if (spec.is_object()) {
    return {};
  }
  return fail(Errc::invalid_config, std::string(path.empty() ? "the specification" : path) +
                                        " should be an object, not " + std::string(json_kind(spec)));
}

/// Makes what `name` says of a specification whose `type` it is.
template <class Handle, std::size_t N>
Result<Handle> make_by_name(const std::array<NamedEntry<Handle>, N>& entries, std::string_view name,
                            const nlohmann::json& spec, std::string_view path) {
  if (const NamedEntry<Handle>* entry = find_named(entries, name)) {
    return entry->make(spec, path);
  }
  std::string known;
  for (const NamedEntry<Handle>& entry : entries) {
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  return fail(Errc::invalid_config,
              join_path(path, "type") + " = \"" + std::string(name) + "\" is none of: " + known);
}

}  // namespace attune::detail
