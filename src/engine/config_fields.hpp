// SPDX-License-Identifier: Apache-2.0
/// @file
/// Config fields to and from JSON: the one reader of options. Numbers are never narrowed, wrapped or rounded.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/config.hpp>
#include <attune/core/error.hpp>
#include <attune/engine/registry.hpp>

namespace attune::detail {

/// "points[0].policy" and "alpha" give "points[0].policy.alpha"; an empty path gives the key alone.
[[nodiscard]] std::string join_path(std::string_view path, std::string_view key);

/// Sets the fields that `object` has. Fields it lacks keep their value, but a field whose present value is
/// outside its bounds is required. `also_known` names the keys that others read. Errors: invalid_config: no
/// object, unknown key (with the known ones), wrong type, outside the bounds. The fields are then partly set.
[[nodiscard]] Result<void> read_fields(const nlohmann::json& object, std::span<const FieldRef> fields,
                                       std::string_view path,
                                       std::span<const std::string_view> also_known = {});

template <class Config>
[[nodiscard]] Result<void> read_config(const nlohmann::json& object, Config& config, std::string_view path,
                                       std::span<const std::string_view> also_known = {}) {
  return read_fields(object, field_refs(config), path, also_known);
}

/// All fields with their present values, as an object that read_fields accepts.
[[nodiscard]] nlohmann::json write_fields(std::span<const FieldRef> fields);

/// Schema of an object with these fields; their present values are the defaults. No other key is allowed.
[[nodiscard]] nlohmann::json fields_schema(std::span<const FieldRef> fields);

[[nodiscard]] std::vector<OptionInfo> field_options(std::span<const FieldRef> fields);

/// "a boolean", "a number", ... for messages.
[[nodiscard]] std::string_view json_kind(const nlohmann::json& value);

}  // namespace attune::detail
